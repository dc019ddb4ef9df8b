// A worker and its caller in one program. Either half works alone, in two processes and two languages.
package main

import (
	"context"
	"fmt"
	"log"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)

	// The worker: functions, and where to find them.
	add := func(_ context.Context, a, b int) (int, error) { return a + b, nil }
	if err := wool.Register(rt, "calc.add", add); err != nil {
		return err
	}
	if err := wool.Register(rt, "calc.countdown", countdown); err != nil {
		return err
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		return err
	}

	// The caller: a pool of workers, and calls by name.
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		return err
	}
	sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2)
	if err != nil {
		return err
	}
	fmt.Println("1 + 2 =", sum)
	for n, err := range wool.Stream[int](ctx, pool, "calc.countdown", 3) {
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
	return nil
}

// countdown is a generator: it runs to its next Yield when the caller asks for the next item.
func countdown(_ context.Context, y *wool.Yield[any, int], from int) error {
	for n := from; n > 0; n-- {
		if _, err := y.Yield(n); err != nil {
			return err
		}
	}
	return nil
}
