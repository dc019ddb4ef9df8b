// Which worker gets a call: the least loaded, or the one that a function of the program's own chooses.
package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"log"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// byCustomer gives the calls of one customer, their tag, to one worker, as long as that can take them: the one whose uid
// and tag have the largest hash. A worker that comes or goes moves only its own customers.
func byCustomer(choice wool.BalancerChoice) int {
	best, largest := -1, uint64(0)
	for i, worker := range choice.Workers {
		hash := fnv.New64a()
		fmt.Fprint(hash, choice.Tag, worker.UID)
		if sum := hash.Sum64(); best < 0 || sum > largest {
			best, largest = i, sum
		}
	}
	return best
}

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
	shear := func(ctx context.Context) (string, error) {
		task, _ := wool.TaskFromContext(ctx)
		return task.Worker.String(), nil
	}
	graze := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	if err := wool.Register(rt, "wool.shear", shear); err != nil {
		return err
	}
	if err := wool.Register(rt, "wool.graze", graze); err != nil {
		return err
	}
	var addresses []string
	for range 2 {
		worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
		if err != nil {
			return err
		}
		addresses = append(addresses, worker.Address())
	}

	own, err := wool.NewPool(rt, wool.PoolOptions{Addresses: addresses, Quorum: 2, Balancer: wool.BalancerFunc(byCustomer)})
	if err != nil {
		return err
	}
	served := map[string]bool{}
	for range 10 {
		worker, err := wool.Call[string](ctx, own, "wool.shear", wool.CallOptions{Tag: "dolly"})
		if err != nil {
			return err
		}
		served[worker] = true
	}
	fmt.Println("10 calls of one customer:", len(served), "worker")

	least, err := wool.NewPool(rt, wool.PoolOptions{Addresses: addresses, Quorum: 2, Balancer: wool.LeastLoaded})
	if err != nil {
		return err
	}
	// One worker has something to do.
	grazing, enough := context.WithCancel(ctx)
	defer enough()
	go least.Call(grazing, "wool.graze")
	busy, err := busyWorker(least)
	if err != nil {
		return err
	}
	others := 0
	for range 10 {
		worker, err := wool.Call[string](ctx, least, "wool.shear")
		if err != nil {
			return err
		}
		if worker != busy {
			others++
		}
	}
	fmt.Println("10 calls beside a busy worker:", others, "to the other")
	return nil
}

// busyWorker waits until a worker has a call, and returns its uid.
func busyWorker(pool *wool.Pool) (string, error) {
	for {
		status, err := pool.Status()
		if err != nil {
			return "", err
		}
		for _, worker := range status.Workers {
			if worker.InFlight > 0 {
				return worker.UID, nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}
