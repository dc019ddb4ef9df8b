package wool_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func TestTaskEvents(t *testing.T) {
	rt := newRuntime(t)
	must(t, errors.Join(wool.Register(rt, "calc.add", add), wool.Register(rt, "fib", fib)))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	must(t, err)
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	must(t, err)
	events, err := rt.TaskEvents(0)
	must(t, err)
	ctx := testContext(t)
	_, err = pool.Call(ctx, "calc.add", 1, 2)
	must(t, err)
	_, err = pool.Call(ctx, "calc.add", "one", 2)
	if err == nil {
		t.Error("a string was added")
	}
	// In the order of each task and side.
	told, tasks, completed := map[string][]string{}, map[wool.UUID]int{}, 0
	for event := range events.All(ctx) {
		if _, known := tasks[event.ID]; !known {
			tasks[event.ID] = len(tasks)
		}
		key := fmt.Sprint(event.Side, tasks[event.ID])
		told[key] = append(told[key], fmt.Sprint(event.Kind, " ", int(event.Failure)))
		if event.ID == (wool.UUID{}) || event.Routine != "calc.add" || event.Time.IsZero() {
			t.Errorf("%+v", event)
		}
		if event.Kind == wool.TaskCompleted {
			if completed++; completed == 4 {
				break
			}
		}
	}
	failed := fmt.Sprint("task-completed ", int(wool.ErrTaskFailed))
	want := map[string][]string{
		"caller0": {"task-created 0", "task-scheduled 0", "task-completed 0"},
		"caller1": {"task-created 0", "task-scheduled 0", failed},
		"worker0": {"task-scheduled 0", "task-started 0", "task-stopped 0", "task-completed 0"},
		"worker1": {"task-scheduled 0", "task-started 0", "task-stopped 0", failed},
	}
	if !reflect.DeepEqual(told, want) {
		t.Errorf("heard %v", told)
	}
	if events.Missed() != 0 {
		t.Errorf("%d were missed", events.Missed())
	}
	events.Close()
	events.Close()
	for event := range events.All(ctx) {
		t.Errorf("after the end came %+v", event)
	}

	few, err := rt.TaskEvents(2)
	must(t, err)
	_, err = pool.Call(ctx, "calc.add", 1, 2)
	must(t, err)
	poll(t, "missed events", func() bool { return few.Missed() == 5 })
	must(t, rt.Close(ctx))
	heard := 0
	for range few.All(ctx) {
		heard++
	}
	if heard != 2 {
		t.Errorf("%d events were kept", heard)
	}
	few.Close()
	if _, err := rt.TaskEvents(0); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a closed runtime gave %v", err)
	}
	for _, capacity := range []int{-1, 1<<20 + 1, math.MaxInt} {
		if _, err := rt.TaskEvents(capacity); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("a capacity of %d gave %v", capacity, err)
		}
	}
}

func TestTaskEventsOfNestedStreams(t *testing.T) {
	rt := newRuntime(t)
	must(t, wool.Register(rt, "countdown", countDown))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Concurrency: 1})
	must(t, err)
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	must(t, err)
	events, err := rt.TaskEvents(0)
	must(t, err)
	defer events.Close()
	ctx := testContext(t)
	// One runs to its end, one is left at its second item, when it has one task below it: 4 + 2 tasks.
	for _, limit := range []int{100, 2} {
		taken := 0
		for _, err := range wool.Stream[int](ctx, pool, "countdown", 3) {
			must(t, err)
			if taken++; taken == limit {
				break
			}
		}
	}
	const tasks = 6
	counts, callers := map[string]int{}, map[wool.UUID]wool.UUID{}
	for event := range events.All(ctx) {
		counts[fmt.Sprint(event.Side, " ", event.Kind, event.Step)]++
		callers[event.ID] = event.Caller
		if counts["caller task-completed"] == tasks && counts["worker task-completed"] == tasks {
			break
		}
	}
	for _, kind := range []string{
		"caller task-created", "caller task-completed", "worker task-scheduled", "worker task-started", "worker task-stopped",
		"worker task-completed",
	} {
		if counts[kind] != tasks {
			t.Errorf("%d times %s", counts[kind], kind)
		}
	}
	// Items, through 1 to 4 tasks each, and of the other: one of the root's own, and one of the task's below.
	const items = 1 + 2 + 3 + 4 + 1 + 2
	for _, side := range []string{"caller", "worker"} {
		if got := counts[side+" task-iteration-completednext"]; got != items {
			t.Errorf("%s: %d items in %v", side, got, counts)
		}
	}
	roots := 0
	for _, caller := range callers {
		if _, known := callers[caller]; caller == (wool.UUID{}) {
			roots++
		} else if !known {
			t.Errorf("%s called and was not told of", caller)
		}
	}
	if len(callers) != tasks || roots != 2 {
		t.Errorf("%d tasks, %d of them roots", len(callers), roots)
	}
}
