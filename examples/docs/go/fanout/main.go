// Many calls at once: one for each input, one for each worker, and one for a certain worker.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func square(_ context.Context, n int) (int, error) { return n * n, nil }

func where(ctx context.Context) (string, error) {
	task, _ := wool.TaskFromContext(ctx)
	return task.Worker.String(), nil
}

func main() {
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(wool.Register(rt, "wool.square", square), wool.Register(rt, "wool.where", where))
	if err != nil {
		log.Fatal(err)
	}
	err = wool.Main(rt, func() error { return run(context.Background(), rt) })
	if err != nil {
		log.Fatal(err)
	}
}

// numbers are inputs; those of a map are taken when they can be called.
func numbers(yield func(int) bool) {
	for n := 1; n <= 10 && yield(n); n++ {
	}
}

func run(ctx context.Context, rt *wool.Runtime) error {
	pool, err := wool.NewPool(rt, wool.PoolOptions{Spawn: 2, Quorum: 2})
	if err != nil {
		return err
	}
	defer pool.Close(ctx)

	var progress wool.MapProgress
	options := wool.MapOptions{
		InFlight: 4, Ordered: true,
		Progress: func(p wool.MapProgress) { progress = p },
	}
	separator := ""
	for square, err := range wool.MapOver[int](ctx, pool, "wool.square", numbers, options) {
		if err != nil {
			return err
		}
		fmt.Print(separator, square.Value)
		separator = " "
	}
	fmt.Println()
	fmt.Printf("%d of %d done, %d failed\n", progress.Done, progress.Total, progress.Failed)

	var workers []string
	for answer, err := range wool.Broadcast[string](ctx, pool, "wool.where") {
		if err != nil {
			return err
		}
		workers = append(workers, answer.Value)
	}
	fmt.Println(len(workers), "workers answered")

	uid := workers[0]
	found, err := wool.Call[string](ctx, pool, "wool.where", wool.CallOptions{Worker: uid})
	if err != nil {
		return err
	}
	fmt.Println("it was that one:", found == uid)
	return nil
}
