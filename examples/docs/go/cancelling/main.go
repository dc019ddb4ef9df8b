// Calls that are given up, and calls whose time is up: the routine is told, and the worker is free again.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// wait ends with its context: when the caller gives up, its deadline passes, or the worker stops.
func wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// left says whether the caller's deadline is known here.
func left(ctx context.Context) (bool, error) {
	deadline, bounded := ctx.Deadline()
	return bounded && time.Until(deadline) > 50*time.Second, nil
}

// stall gives one item, and then lets its caller wait.
func stall(ctx context.Context, y *wool.Yield[any, string]) error {
	if _, err := y.Yield("an item"); err != nil {
		return err
	}
	return wait(ctx)
}

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		wool.Register(rt, "wool.wait", wait),
		wool.Register(rt, "wool.left", left),
		wool.Register(rt, "wool.stall", stall),
	)
	if err != nil {
		log.Fatal(err)
	}
	err = wool.Main(rt, func() error { return run(context.Background(), rt) })
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rt *wool.Runtime) error {
	// The worker runs one task at a time: the next one begins when the routine before it has stopped.
	pool, err := wool.NewPool(rt, wool.PoolOptions{Spawn: 1, Concurrency: 1})
	if err != nil {
		return err
	}

	// The context of a call is its life.
	waiting, cancel := context.WithCancel(ctx)
	time.AfterFunc(200*time.Millisecond, cancel)
	_, err = pool.Call(waiting, "wool.wait")
	fmt.Println("given up:", errors.Is(err, wool.ErrCancelled), errors.Is(err, context.Canceled))

	// Its deadline is the budget of the whole call, told to the worker and kept there, too.
	minute, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	enough, err := wool.Call[bool](minute, pool, "wool.left")
	if err != nil {
		return err
	}
	fmt.Println("most of the minute is left:", enough)
	moment, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	_, err = pool.Call(moment, "wool.wait")
	fmt.Println("the call:", kind(err))

	// The budget of each step of a stream.
	options := wool.CallOptions{StepTimeout: time.Second}
	for _, err := range wool.Stream[string](ctx, pool, "wool.stall", options) {
		fmt.Println("the step:", kind(err))
	}
	return pool.Close(ctx)
}

// kind is how a call or a step went, in a word.
func kind(err error) string {
	var failure *wool.Error
	switch {
	case err == nil:
		return "went well"
	case errors.As(err, &failure):
		return failure.Kind.String()
	default:
		return err.Error()
	}
}
