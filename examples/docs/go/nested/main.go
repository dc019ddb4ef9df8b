// Routines that call routines: a recursion, a stream over streams, and a tree of tasks that ends with its root.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func fib(ctx context.Context, n int) (int, error) {
	if n < 2 {
		return n, nil
	}
	// By the caller's pool, wherever that has a place for it.
	a, err := wool.CallFrom[int](ctx, "wool.fib", n-1)
	if err != nil {
		return 0, err
	}
	b, err := wool.CallFrom[int](ctx, "wool.fib", n-2)
	return a + b, err
}

func countdown(ctx context.Context, y *wool.Yield[any, int], n int) error {
	if _, err := y.Yield(n); err != nil || n == 0 {
		return err
	}
	for item, err := range wool.StreamFrom[int](ctx, "wool.countdown", n-1) {
		if err != nil {
			return err
		}
		if _, err := y.Yield(item); err != nil {
			return err
		}
	}
	return nil
}

func sleep(ctx context.Context, depth int) error {
	if depth > 0 {
		_, err := wool.CallFrom[any](ctx, "wool.sleep", depth-1)
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		wool.Register(rt, "wool.fib", fib),
		wool.Register(rt, "wool.countdown", countdown),
		wool.Register(rt, "wool.sleep", sleep),
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
	// One task at a time each: tasks that wait for their calls lend their places.
	pool, err := wool.NewPool(rt, wool.PoolOptions{Spawn: 2, Concurrency: 1})
	if err != nil {
		return err
	}
	number, err := wool.Call[int](ctx, pool, "wool.fib", 10)
	if err != nil {
		return err
	}
	fmt.Println("fib(10) =", number)

	fmt.Print("countdown:")
	for n, err := range wool.Stream[int](ctx, pool, "wool.countdown", 3) {
		if err != nil {
			return err
		}
		fmt.Print(" ", n)
	}
	fmt.Println()

	// Three tasks deep, and none is left of them.
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	var failure *wool.Error
	if _, err := pool.Call(short, "wool.sleep", 2); errors.As(err, &failure) {
		fmt.Println(failure.Kind)
	}
	return pool.Close(ctx)
}
