// What happens to a call and to a stream, as their caller and their worker tell of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	var told story
	told.listen(ctx, events, wool.TaskCompleted, 2)
	told.print()

	told = story{}
	stream, err := wool.OpenStream[any, int](ctx, pool, "wool.spin", 2)
	if err != nil {
		return err
	}
	// One who asks at once may ask before a worker has it.
	told.listen(ctx, events, wool.TaskScheduled, 1)
	for err == nil {
		_, err = stream.Next()
	}
	if err != io.EOF {
		return err
	}
	told.listen(ctx, events, wool.TaskCompleted, 2)
	told.print()
	return nil
}

// story is what was told of a task, by its caller and by its worker.
type story struct{ caller, worker []string }

// listen takes events up to so many of a kind.
func (s *story) listen(ctx context.Context, events *wool.TaskEvents, last wool.TaskEventKind, count int) {
	for event := range events.All(ctx) {
		line := fmt.Sprint(event.Side, " ", event.Kind)
		if event.Step != "" {
			line += " " + event.Step
		}
		if event.Kind == wool.TaskCompleted && event.Failure == 0 {
			line += " OK"
		}
		if event.Side == wool.SideCaller {
			s.caller = append(s.caller, line)
		} else {
			s.worker = append(s.worker, line)
		}
		if event.Kind == last {
			count--
		}
		if count == 0 {
			return
		}
	}
}

func (s *story) print() {
	for _, line := range append(s.caller, s.worker...) {
		fmt.Println(line)
	}
}
