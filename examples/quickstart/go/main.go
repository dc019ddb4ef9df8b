// A pool of worker processes, and calls. The pool starts this program again, once per core; each of these
// processes serves the routines, which could as well be written in another language.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	// The routines: functions, and the names by which they are called.
	err = errors.Join(
		wool.Register(rt, "calc.add", add),
		wool.Register(rt, "calc.countdown", countdown),
	)
	if err != nil {
		log.Fatal(err)
	}
	// The processes that the pool starts become workers here; only the first one runs the program.
	err = wool.Main(rt, func() error { return run(context.Background(), rt) })
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, rt *wool.Runtime) error {
	pool, err := wool.NewPool(rt, wool.PoolOptions{})
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
	return pool.Close(ctx)
}

func add(_ context.Context, a, b int) (int, error) { return a + b, nil }

// countdown is a generator: it runs to its next Yield when the caller asks for the next item.
func countdown(_ context.Context, y *wool.Yield[any, int], from int) error {
	for n := from; n > 0; n-- {
		if _, err := y.Yield(n); err != nil {
			return err
		}
	}
	return nil
}
