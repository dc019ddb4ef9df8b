// What happens to a call and to a stream, as their caller and their worker tell of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func card(_ context.Context, n int) (int, error) { return n, nil }

func spin(_ context.Context, y *wool.Yield[any, int], n int) error {
	for i := range n {
		if _, err := y.Yield(i); err != nil {
			return err
		}
	}
	return nil
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
	if err := errors.Join(wool.Register(rt, "wool.card", card), wool.Register(rt, "wool.spin", spin)); err != nil {
		return err
	}
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	if err != nil {
		return err
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	if err != nil {
		return err
	}
	events, err := rt.TaskEvents(0)
	if err != nil {
		return err
	}
	defer events.Close()

	if _, err := wool.Call[int](ctx, pool, "wool.card", 1); err != nil {
		return err
	}
	tell(ctx, events)
	for _, err := range wool.Stream[int](ctx, pool, "wool.spin", 2) {
		if err != nil {
			return err
		}
	}
	tell(ctx, events)
	return nil
}

// tell prints the events of one task, the caller's before the worker's.
func tell(ctx context.Context, events *wool.TaskEvents) {
	told := map[wool.TaskSide][]string{}
	completed := 0
	for event := range events.All(ctx) {
		line := fmt.Sprint(event.Side, " ", event.Kind)
		if event.Step != "" {
			line += " " + event.Step
		}
		if event.Kind == wool.TaskCompleted {
			if event.Failure == 0 {
				line += " OK"
			}
			completed++
		}
		told[event.Side] = append(told[event.Side], line)
		if completed == 2 {
			break
		}
	}
	for _, line := range append(told[wool.SideCaller], told[wool.SideWorker]...) {
		fmt.Println(line)
	}
}
