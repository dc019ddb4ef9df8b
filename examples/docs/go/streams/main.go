// Generators in another process: iterated over, sent to, thrown at, closed, and read ahead.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// Reset is an error that the scale knows.
type Reset struct{}

func (Reset) Error() string { return "take it all off" }

// count is a generator: it runs to its next Yield when the caller asks for the next item.
func count(_ context.Context, y *wool.Yield[any, int], to int) error {
	for n := 1; n <= to; n++ {
		if _, err := y.Yield(n); err != nil {
			return err // the caller has left: deferred functions run
		}
	}
	return nil
}

// weigh adds up what it is sent; a Reset takes it all off.
func weigh(_ context.Context, y *wool.Yield[int, int]) error {
	total := 0
	for {
		// What the caller sends; 0 for a plain Next.
		sent, err := y.Yield(total)
		switch {
		case errors.Is(err, Reset{}):
			total = 0
		case err != nil:
			return err // thrown and not handled, or the stream was closed
		default:
			total += sent
		}
	}
}

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		wool.Register(rt, "wool.count", count),
		wool.Register(rt, "wool.weigh", weigh),
		wool.RegisterError[Reset](rt, "Reset"),
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
	pool, err := wool.NewPool(rt, wool.PoolOptions{Spawn: 1})
	if err != nil {
		return err
	}
	for n, err := range wool.Stream[int](ctx, pool, "wool.count", 1000) {
		if err != nil {
			return err
		}
		fmt.Println("pulled", n)
		if n == 3 {
			break // closes the generator, and waits for its clean-up
		}
	}

	scale, err := wool.OpenStream[int, int](ctx, pool, "wool.weigh")
	if err != nil {
		return err
	}
	defer scale.Close(ctx)
	say := func(what string, total int, err error) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %d\n", what, total)
	}
	total, err := scale.Next()
	say("nothing on it", total, err)
	total, err = scale.Send(4)
	say("put 4 on", total, err)
	total, err = scale.Send(3)
	say("put 3 on", total, err)
	total, err = scale.Throw(Reset{})
	say("reset", total, err)
	if err := scale.Close(ctx); err != nil {
		return err
	}

	sum := 0
	for n, err := range wool.Stream[int](ctx, pool, "wool.count", 1000, wool.CallOptions{Prefetch: 100}) {
		if err != nil {
			return err
		}
		sum += n
	}
	fmt.Println("1 + ... + 1000 =", sum)
	return pool.Close(ctx)
}
