// A worker with limits: how many tasks it runs at once, whom it lets in, how large arguments may be; and what its callers
// see of that.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func card(_ context.Context, fleece any) (any, error) { return fleece, nil }

// spin computes for long. Each task is a goroutine of its own, which may as well block.
func spin(_ context.Context, turns int) (int, error) {
	yarn := 0
	for turn := range turns {
		yarn = (yarn*31 + turn + 1) % 1_000_003
	}
	return yarn, nil
}

// admit decides by the caller's word for the call.
func admit(_ context.Context, call wool.AdmissionRequest) error {
	switch call.Tag {
	case "guest":
		return fmt.Errorf("%s is not for guests", call.Routine)
	case "batch":
		return wool.Busy("no batches during the day")
	default:
		return nil
	}
}

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	err = errors.Join(
		wool.Register(rt, "wool.card", card),
		wool.Register(rt, "wool.spin", spin),
	)
	if err == nil {
		err = run(ctx, rt)
	}
	if err := errors.Join(err, rt.Close(ctx)); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rt *wool.Runtime) error {
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Concurrency: 4, MaxPayload: 1 << 20, Admit: admit})
	if err != nil {
		return err
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		return err
	}

	// A burst waits for places instead of failing.
	var succeeded atomic.Int64
	var burst sync.WaitGroup
	for n := range 1000 {
		burst.Add(1)
		go func() {
			defer burst.Done()
			if _, err := pool.Call(ctx, "wool.card", n); err == nil {
				succeeded.Add(1)
			}
		}()
	}
	burst.Wait()
	fmt.Println(succeeded.Load(), "of 1000 calls succeeded")
	yarn, err := wool.Call[int](ctx, pool, "wool.spin", 1000)
	if err != nil {
		return err
	}
	fmt.Println("spun", yarn)

	_, err = pool.Call(ctx, "wool.card", "fleece", wool.CallOptions{Tag: "guest"})
	fmt.Println(errors.Is(err, wool.ErrPermissionDenied), err)
	// Busy sends it to another worker, of which there is none, or here again later.
	batch := wool.CallOptions{Tag: "batch", DispatchTimeout: 300 * time.Millisecond}
	_, err = pool.Call(ctx, "wool.card", "fleece", batch)
	fmt.Println(errors.Is(err, wool.ErrBusy), err)
	_, err = pool.Call(ctx, "wool.card", make([]byte, 2<<20))
	fmt.Println(errors.Is(err, wool.ErrPayloadTooLarge))
	return nil
}
