// Every worker is replaced while calls are made, and no call fails.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// joined waits until the pool is connected to a worker.
func joined(pool *wool.Pool, worker *wool.Worker) error {
	for {
		status, err := pool.Status()
		if err != nil {
			return err
		}
		for _, found := range status.Workers {
			if found.UID == worker.UID() && found.State == wool.WorkerUp {
				return nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	directory, err := os.MkdirTemp("", "wool-deploying-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(directory)
	discovery := wool.LocalDiscovery{Namespace: "flock", Directory: directory}
	rt, err := wool.NewRuntime()
	if err != nil {
		return err
	}
	defer rt.Close(ctx)
	card := func(_ context.Context, n int) (int, error) { return n, nil }
	if err := wool.Register(rt, "wool.card", card); err != nil {
		return err
	}
	serve := func() (*wool.Worker, error) { return wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery}) }
	var workers [2]*wool.Worker
	for i := range workers {
		if workers[i], err = serve(); err != nil {
			return err
		}
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery, Quorum: 2})
	if err != nil {
		return err
	}

	// Calls, a few of them under way at any time.
	failed := make(chan int)
	go func() { failed <- load(ctx, pool) }()

	for i, old := range workers {
		if workers[i], err = serve(); err != nil {
			return err
		}
		if err := joined(pool, workers[i]); err != nil {
			return err
		}
		// It is not found any more, takes no new tasks, and lets those that run end.
		if err := old.Stop(ctx, 10*time.Second); err != nil {
			return err
		}
	}
	fmt.Printf("200 calls, %d failed\n", <-failed)
	status, err := pool.Status()
	if err != nil {
		return err
	}
	up := 0
	for _, worker := range status.Workers {
		if worker.State == wool.WorkerUp {
			up++
		}
	}
	fmt.Println(up, "workers")
	return nil
}

func load(ctx context.Context, pool *wool.Pool) (failed int) {
	numbers := func(yield func(int) bool) {
		for n := 0; n < 200 && yield(n); n++ {
		}
	}
	for _, err := range wool.MapOver[int](ctx, pool, "wool.card", numbers, wool.MapOptions{InFlight: 8}) {
		if err != nil {
			failed++
		}
	}
	return failed
}
