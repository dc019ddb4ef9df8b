package wool_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func fib(ctx context.Context, n int) (int, error) {
	if n < 2 {
		return n, nil
	}
	a, err := wool.CallFrom[int](ctx, "fib", n-1)
	if err != nil {
		return 0, err
	}
	b, err := wool.CallFrom[int](ctx, "fib", n-2)
	return a + b, err
}

func countDown(ctx context.Context, y *wool.Yield[any, int], n int) error {
	if _, err := y.Yield(n); err != nil || n == 0 {
		return err
	}
	for item, err := range wool.StreamFrom[int](ctx, "countdown", n-1) {
		if err != nil {
			return err
		}
		if _, err := y.Yield(item); err != nil {
			return err
		}
	}
	return nil
}

// chain tells of its own task and of those below.
func chain(ctx context.Context, depth int) ([]string, error) {
	info, ok := wool.TaskFromContext(ctx)
	if !ok {
		return nil, errors.New("no task")
	}
	told := []string{fmt.Sprintf("%s %s %s %s %s %t", info.ID, info.Caller, info.Worker, info.Routine, info.Tag, info.HasDeadline)}
	if depth == 0 {
		return told, nil
	}
	below, err := wool.CallFrom[[]string](ctx, "chain", depth-1, wool.CallOptions{Tag: fmt.Sprint("depth ", depth-1)})
	return append(told, below...), err
}

func TestNestedCalls(t *testing.T) {
	n := start(t, map[string]any{"fib": fib, "countdown": countDown, "chain": chain}, wool.WorkerOptions{Concurrency: 1})
	ctx := testContext(t)
	if found, err := wool.Call[int](ctx, n.pool, "fib", 9); err != nil || found != 34 {
		t.Errorf("fib(9) = %d, %v", found, err)
	}
	var items []int
	for item, err := range wool.Stream[int](ctx, n.pool, "countdown", 4) {
		must(t, err)
		items = append(items, item)
	}
	if !slices.Equal(items, []int{4, 3, 2, 1, 0}) {
		t.Errorf("the countDown gave %v", items)
	}
	// By the ambient pool of a program.
	if found, err := wool.CallFrom[int](wool.WithPool(ctx, n.pool), "fib", 7); err != nil || found != 13 {
		t.Errorf("fib(7) = %d, %v", found, err)
	}
	if _, err := wool.CallFrom[int](ctx, "fib", 7); !errors.Is(err, wool.ErrInvalidArgument) || !strings.Contains(err.Error(), "WithPool") {
		t.Errorf("a call without a pool gave %v", err)
	}
	told, err := wool.Call[[]string](ctx, n.pool, "chain", 2, wool.CallOptions{Tag: "root"})
	must(t, err)
	caller := wool.UUID{}.String()
	for i, line := range told {
		words := strings.SplitN(line, " ", 4)
		tag := []string{"chain root", "chain depth 1", "chain depth 0"}[i]
		if words[1] != caller || words[2] != n.worker.UID() || words[3] != tag+" true" {
			t.Errorf("task %d tells %q; its caller is %s", i, line, caller)
		}
		caller = words[0]
	}
	if len(told) != 3 {
		t.Errorf("%d tasks", len(told))
	}
}

// A call by whatever pool is the task's when it is made with its context.
func TestNestedByAnotherPool(t *testing.T) {
	callers := make(chan [2]wool.UUID, 1)
	inner := start(t, map[string]any{"who": func(ctx context.Context) (string, error) {
		info, _ := wool.TaskFromContext(ctx)
		return info.Caller.String(), nil
	}})
	outer := start(t, map[string]any{"ask": func(ctx context.Context) error {
		info, _ := wool.TaskFromContext(ctx)
		caller, err := wool.CallFrom[string](wool.WithPool(ctx, inner.pool), "who")
		if err != nil {
			return err
		}
		id, err := wool.ParseUUID(caller)
		callers <- [2]wool.UUID{info.ID, id}
		return err
	}})
	_, err := outer.pool.Call(testContext(t), "ask")
	must(t, err)
	if ids := <-callers; ids[0] != ids[1] || ids[0] == (wool.UUID{}) {
		t.Errorf("the caller of the nested task is %v", ids)
	}
}

func TestCancelReachesNestedCalls(t *testing.T) {
	began, ended := make(chan struct{}, 8), make(chan error, 8)
	n := start(t, map[string]any{"sleep": func(ctx context.Context, depth int) (err error) {
		began <- struct{}{}
		defer func() { ended <- err }()
		if depth > 0 {
			_, err := wool.CallFrom[any](ctx, "sleep", depth-1)
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}, "fib": fib})
	endNested(t, n, began, ended, func(cancel func()) { cancel() })
	if found, err := wool.Call[int](testContext(t), n.pool, "fib", 6); err != nil || found != 8 {
		t.Errorf("fib(6) = %d, %v", found, err)
	}
	endNested(t, n, began, ended, func(func()) { must(t, n.pool.Close(testContext(t))) })
}

func endNested(t *testing.T, n *network, began chan struct{}, ended chan error, end func(cancel func())) {
	t.Helper()
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	outcome := make(chan error, 1)
	go func() {
		_, err := n.pool.Call(ctx, "sleep", 2)
		outcome <- err
	}()
	for range 3 {
		await(t, "three tasks", began)
	}
	end(cancel)
	if err := await(t, "the outcome", outcome); !errors.Is(err, wool.ErrCancelled) && !errors.Is(err, wool.ErrClosed) {
		t.Errorf("the root ended with %v", err)
	}
	for range 3 {
		if err := await(t, "the end of a task", ended); err == nil {
			t.Error("a task has ended well")
		}
	}
}

func TestUseAfterTheTask(t *testing.T) {
	leaked := make(chan context.Context, 1)
	pools := make(chan *wool.Pool, 1)
	n := start(t, map[string]any{"leak": func(ctx context.Context) error {
		pool, err := wool.PoolFromContext(ctx)
		if err != nil {
			return err
		}
		if err := pool.Close(ctx); !errors.Is(err, wool.ErrInvalidArgument) {
			return fmt.Errorf("closing the caller's pool gave %w", err)
		}
		pools <- pool
		leaked <- ctx
		return nil
	}, "calc.add": add})
	_, err := n.pool.Call(testContext(t), "leak")
	must(t, err)
	ctx, pool := <-leaked, <-pools
	<-ctx.Done()
	free := context.WithoutCancel(ctx)
	poll(t, "the task's end", func() bool {
		_, err := wool.PoolFromContext(free)
		return errors.Is(err, wool.ErrClosed)
	})
	if _, err := wool.CallFrom[int](ctx, "calc.add", 1, 2); !errors.Is(err, wool.ErrCancelled) {
		t.Errorf("a call from a task that is over gave %v", err)
	}
	if _, err := pool.Call(testContext(t), "calc.add", 1, 2); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a call by a pool that is over gave %v", err)
	}
	if _, err := n.pool.Call(free, "calc.add", 1, 2); !errors.Is(err, wool.ErrInvalidArgument) || !strings.Contains(err.Error(), "is over") {
		t.Errorf("a call for a task that is over gave %v", err)
	}
	if err := wool.SetContextValue(free, who, 1); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("setting a value of a task that is over gave %v", err)
	}
}

func TestContextFlowsBack(t *testing.T) {
	n := start(t, map[string]any{
		"outer": func(ctx context.Context, name string) (string, error) {
			if _, err := wool.CallFrom[any](ctx, "inner", name); err != nil {
				return "", err
			}
			found := ""
			_, err := wool.ContextValue(ctx, who, &found)
			return found, errors.Join(err, wool.UnsetContextValue(ctx, priority))
		},
		"inner": func(ctx context.Context, name string) error { return wool.SetContextValue(ctx, who, name) },
		"count": func(ctx context.Context, y *wool.Yield[any, int]) error {
			for {
				number := 0
				_, err := wool.ContextValue(ctx, priority, &number)
				if err := errors.Join(err, wool.SetContextValue(ctx, priority, number+1)); err != nil {
					return err
				}
				if _, err := y.Yield(number); err != nil {
					return err
				}
			}
		},
	})
	var group sync.WaitGroup
	for i := range 30 {
		group.Add(1)
		go func() {
			defer group.Done()
			ctx := wool.WithContextValues(testContext(t))
			if err := wool.SetContextValue(ctx, priority, i); err != nil {
				t.Error(err)
			}
			for item, err := range wool.Stream[int](ctx, n.pool, "count") {
				if err != nil || item != i && item != i+11 {
					t.Errorf("stream %d: %d, %v", i, item, err)
				}
				if item == i+11 {
					break
				}
				next := 0
				if _, err := wool.ContextValue(ctx, priority, &next); err != nil || next != i+1 {
					t.Errorf("%d came back as %d, %v", i, next, err)
				}
				if err := wool.SetContextValue(ctx, priority, i+11); err != nil {
					t.Error(err)
				}
			}
			name := fmt.Sprint("sheep ", i)
			// On top for this call alone: it does not stay.
			options := wool.CallOptions{Context: map[wool.ContextKey]any{elsewho: name}}
			if found, err := wool.Call[string](ctx, n.pool, "outer", name, options); err != nil || found != name {
				t.Errorf("%s found %s, %v", name, found, err)
			}
			found := ""
			if there, err := wool.ContextValue(ctx, who, &found); !there || err != nil || found != name {
				t.Errorf("%s came back as %s, %v", name, found, err)
			}
			for _, key := range []wool.ContextKey{priority, elsewho} {
				if there, err := wool.ContextValue(ctx, key, &found); there || err != nil {
					t.Errorf("%s is there: %v", key, err)
				}
			}
		}()
	}
	group.Wait()
	if err := wool.SetContextValue(context.Background(), who, 1); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("a context without values gave %v", err)
	}
	ctx := wool.WithContextValues(context.Background())
	if err := wool.SetContextValue(ctx, who, strings.Repeat("x", 64<<10)); !errors.Is(err, wool.ErrPayloadTooLarge) {
		t.Errorf("too large a value gave %v", err)
	}
	if err := wool.SetContextValue(ctx, who, make(chan int)); !errors.Is(err, wool.ErrCodec) {
		t.Errorf("a channel gave %v", err)
	}
}

func TestMapOver(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	gate := make(chan struct{})
	n := start(t, map[string]any{
		"square": func(_ context.Context, n int) (int, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			defer func() { mu.Lock(); running--; mu.Unlock() }()
			if n%10 == 3 {
				return 0, errors.New("three")
			}
			return n * n, nil
		},
		"calc.add": add,
		"hold": func(ctx context.Context, n int) (int, error) {
			if n > 0 {
				return n, nil
			}
			select {
			case <-gate:
				return n, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		},
	})
	ctx := testContext(t)
	var progress wool.MapProgress
	options := wool.MapOptions{InFlight: 4, Ordered: true, Progress: func(p wool.MapProgress) { progress = p }}
	inputs := func(yield func(int) bool) {
		for i := 0; i < 50 && yield(i); i++ {
		}
	}
	place := 0
	for item, err := range wool.MapOver[int](ctx, n.pool, "square", inputs, options) {
		if item.Index != place || (err != nil) != (place%10 == 3) || err == nil && item.Value != place*place {
			t.Errorf("at %d: %v, %v", place, item, err)
		}
		place++
	}
	if place != 50 || most > 4 || progress != (wool.MapProgress{Total: 50, Done: 50, Failed: 5}) {
		t.Errorf("%d results, %d at once, %+v", place, most, progress)
	}
	// As they are there, endless, left early; several arguments.
	taken := 0
	endless := func(yield func(wool.Arguments) bool) {
		for yield(wool.Arguments{taken, 1}) {
			taken++
		}
	}
	seen := map[int]bool{}
	for item, err := range wool.MapOver[int](ctx, n.pool, "calc.add", endless, wool.MapOptions{InFlight: 3}) {
		must(t, err)
		if item.Value != item.Index+1 || seen[item.Index] {
			t.Errorf("%+v", item)
		}
		if seen[item.Index] = true; len(seen) == 20 {
			break
		}
	}
	if taken > 30 {
		t.Errorf("%d inputs were taken for 20 results", taken)
	}
	// One that is held does not hold up the others; in order it does, and no more inputs are taken.
	taken = 0
	held := func(yield func(int) bool) {
		for yield(taken) {
			taken++
		}
	}
	count := 0
	for item, err := range wool.MapOver[int](ctx, n.pool, "hold", held, wool.MapOptions{InFlight: 3}) {
		must(t, err)
		if item.Index == 0 {
			t.Error("what is held came")
		}
		if count++; count == 10 {
			break
		}
	}
	taken = 0
	short, cancel := context.WithCancel(ctx)
	go func() {
		for done := false; !done; time.Sleep(time.Millisecond) {
			status, err := n.pool.Status()
			done = err != nil || len(status.Workers) > 0 && status.Workers[0].InFlight == 1
		}
		cancel()
	}()
	var last wool.MapItem[int]
	outcomes := 0
	for item, err := range wool.MapOver[int](short, n.pool, "hold", held, wool.MapOptions{InFlight: 3, Ordered: true}) {
		if outcomes++; item.Index <= 0 && !errors.Is(err, wool.ErrCancelled) {
			t.Errorf("%+v, %v", item, err)
		}
		last = item
	}
	if last.Index != -1 || outcomes > 7 {
		t.Errorf("after %d outcomes the last was %+v", outcomes, last)
	}
}

func TestBroadcastAndOneWorker(t *testing.T) {
	rt := newRuntime(t)
	must(t, wool.Register(rt, "where", func(ctx context.Context) (string, error) {
		info, _ := wool.TaskFromContext(ctx)
		return info.Worker.String(), nil
	}))
	var addresses, uids []string
	for range 3 {
		worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
		must(t, err)
		addresses, uids = append(addresses, worker.Address()), append(uids, worker.UID())
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: addresses, Quorum: 3})
	must(t, err)
	ctx := testContext(t)
	for range 3 {
		for _, uid := range uids {
			if found, err := wool.Call[string](ctx, pool, "where", wool.CallOptions{Worker: uid}); err != nil || found != uid {
				t.Errorf("a call for %s was at %s: %v", uid, found, err)
			}
		}
	}
	var answered []string
	for item, err := range wool.Broadcast[string](ctx, pool, "where") {
		must(t, err)
		if item.Worker != item.Value {
			t.Errorf("%+v", item)
		}
		answered = append(answered, item.Worker)
	}
	slices.Sort(answered)
	slices.Sort(uids)
	if !slices.Equal(answered, uids) {
		t.Errorf("%v answered, of %v", answered, uids)
	}
	for item, err := range wool.Broadcast[string](ctx, pool, "nowhere") {
		if item.Worker != "" || !errors.Is(err, wool.ErrRoutineNotFound) || !wool.Retryable(err) {
			t.Errorf("%+v, %v", item, err)
		}
	}
	gone := wool.CallOptions{Worker: wool.UUID{1}.String(), DispatchTimeout: time.Millisecond}
	if _, err := pool.Call(ctx, "where", gone); !errors.Is(err, wool.ErrNoWorkersAvailable) || !wool.Retryable(err) {
		t.Errorf("a call for a worker that is not there gave %v", err)
	}
	if wool.Retryable(errors.New("any")) || wool.Retryable(nil) {
		t.Error("any error is retryable")
	}
}

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
}
