package wool_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// inventory is a discovery that knows its workers from somewhere else, and finds only.
type inventory []string

func (i inventory) Subscribe(_ context.Context, s *wool.Subscriber) error {
	for _, address := range i {
		if err := s.Found(wool.WorkerRecord{Addresses: []string{address}}); err != nil {
			return err
		}
	}
	return nil // these are all, and will not change
}

func ExampleCustomDiscovery() {
	ctx := context.Background()
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close(ctx)
	if err := wool.Register(rt, "calc.add", add); err != nil {
		log.Fatal(err)
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	discovery := wool.CustomDiscovery(inventory{worker.Address()})
	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(wool.Call[int](ctx, pool, "calc.add", 1, 2))
	// Output: 3 <nil>
}

func ExampleListWorkers() {
	ctx := context.Background()
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close(ctx)
	discovery := wool.LocalDiscovery{Namespace: fmt.Sprint("list.", os.Getpid())}
	_, err = wool.NewWorker(rt, wool.WorkerOptions{
		Publish: discovery, Tags: []string{"gpu"}, Extra: map[string]string{"zone": "a"},
	})
	if err != nil {
		log.Fatal(err)
	}
	listing, err := wool.ListWorkers(ctx, rt, discovery)
	if err != nil {
		log.Fatal(err)
	}
	for _, worker := range listing.Workers {
		fmt.Println(worker.Language, worker.Tags, worker.Extra["zone"])
	}
	// Output: go [gpu] a
}

func ExampleBalancerFunc() {
	ctx := context.Background()
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close(ctx)
	who := func(ctx context.Context) (string, error) {
		task, _ := wool.TaskFromContext(ctx)
		return task.Worker.String(), nil
	}
	if err := wool.Register(rt, "who", who); err != nil {
		log.Fatal(err)
	}
	discovery := wool.LocalDiscovery{Namespace: fmt.Sprint("zones.", os.Getpid())}
	near, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery, Tags: []string{"near"}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery, Tags: []string{"far"}}); err != nil {
		log.Fatal(err)
	}
	// The near ones first; the others when these are full.
	nearFirst := func(choice wool.BalancerChoice) int {
		isNear := func(w wool.BalancerWorker) bool { return slices.Contains(w.Tags, "near") }
		return max(slices.IndexFunc(choice.Workers, isNear), 0)
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery, Quorum: 2, Balancer: wool.BalancerFunc(nearFirst)})
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		uid, err := wool.Call[string](ctx, pool, "who")
		fmt.Println(uid == near.UID(), err)
	}
	// Output:
	// true <nil>
	// true <nil>
	// true <nil>
}

// A worker that serves until SIGTERM or SIGINT, or here the end of the context.
func ExampleRunWorker() {
	ctx, end := context.WithCancel(context.Background())
	rt, err := wool.NewRuntime()
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Close(context.Background())
	if err := wool.Register(rt, "calc.add", add); err != nil {
		log.Fatal(err)
	}
	options := wool.WorkerOptions{Started: func(worker *wool.Worker) {
		fmt.Println("serves")
		end()
	}}
	fmt.Println(wool.RunWorker(ctx, rt, options, 30*time.Second))
	// Output:
	// serves
	// <nil>
}
