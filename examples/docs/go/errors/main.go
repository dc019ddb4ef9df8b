// Errors across processes: one of the program's own, one that is none, a panic, and what is said of their causes.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strconv"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// OutOfStock is known by its name in every language, and its fields are its data.
type OutOfStock struct {
	Item string `wool:"item"`
	Left int    `wool:"left"`
}

func (e *OutOfStock) Error() string { return fmt.Sprintf("only %d of %s left", e.Left, e.Item) }

func order(_ context.Context, item string, count int) (int, error) {
	left := 3
	if count > left {
		return 0, fmt.Errorf("order of %d: %w", count, &OutOfStock{item, left})
	}
	return left - count, nil
}

func parse(_ context.Context, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("no number: %w", err)
	}
	return n, nil
}

func breaks(_ context.Context, shears []int) (int, error) { return shears[2], nil }

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		wool.Register(rt, "wool.order", order),
		wool.Register(rt, "wool.parse", parse),
		wool.Register(rt, "wool.break", breaks),
		wool.RegisterError[*OutOfStock](rt, "wool.OutOfStock"),
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
	_, err = pool.Call(ctx, "wool.order", "yarn", 5)
	// Whatever the worker is written in, where it raises an error of this name.
	var out *OutOfStock
	if errors.As(err, &out) {
		fmt.Printf("%s: %d left\n", out.Item, out.Left)
	}
	fmt.Println(err)

	_, err = pool.Call(ctx, "wool.parse", "a lot")
	var failure *wool.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Kind, "of the type", failure.Type, "in", failure.Language)
	}
	// Causes are what errors wrap, here as there.
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Println("-", err)
	}

	// A panic harms its task and nothing else.
	_, err = pool.Call(ctx, "wool.break", []int{1})
	fmt.Println("panicked:", errors.Is(err, wool.ErrPanic))
	left, err := wool.Call[int](ctx, pool, "wool.order", "yarn", 2)
	if err != nil {
		return err
	}
	fmt.Println(left, "left")
	return pool.Close(ctx)
}
