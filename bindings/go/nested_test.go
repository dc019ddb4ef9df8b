package wool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

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
	if _, err := wool.CallFrom[int](wool.WithPool(ctx, nil), "fib", 7); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("a call by a pool that is nil gave %v", err)
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

// The root is a stream that its caller leaves; the generators below are closed or cancelled with it.
func TestLeavingAStreamEndsNestedStreams(t *testing.T) {
	ended := make(chan int, 8)
	n := start(t, map[string]any{"deep": func(ctx context.Context, y *wool.Yield[any, int], depth int) error {
		defer func() { ended <- depth }()
		if depth > 0 {
			for item, err := range wool.StreamFrom[int](ctx, "deep", depth-1) {
				if err != nil {
					return err
				}
				if _, err := y.Yield(item); err != nil {
					return err
				}
			}
			return nil
		}
		for i := 0; ; i++ {
			if _, err := y.Yield(i); err != nil {
				return err
			}
		}
	}}, wool.WorkerOptions{Concurrency: 1})
	end := func(how string, leave func(stream *wool.PullStream, cancel func())) {
		ctx, cancel := context.WithCancel(testContext(t))
		defer cancel()
		stream, err := n.pool.Stream(ctx, "deep", 2)
		must(t, err)
		for i := range 3 {
			item := -1
			if err := stream.NextInto(&item); err != nil || item != i {
				t.Errorf("item %d of the stream that is %s is %d, %v", i, how, item, err)
			}
		}
		leave(stream, cancel)
		depths := []int{await(t, how, ended), await(t, how, ended), await(t, how, ended)}
		if slices.Sort(depths); !slices.Equal(depths, []int{0, 1, 2}) {
			t.Errorf("when it was %s, the generators of depths %v ended", how, depths)
		}
		must(t, stream.Close(testContext(t)))
	}
	end("closed", func(stream *wool.PullStream, _ func()) { must(t, stream.Close(testContext(t))) })
	end("cancelled", func(stream *wool.PullStream, cancel func()) {
		cancel()
		if _, err := stream.Next(); !errors.Is(err, wool.ErrCancelled) {
			t.Errorf("a cancelled stream gave %v", err)
		}
	})
}

// Where the caller's pool cannot be told, routines call by their worker's own, or not at all.
func TestPoolOfTheWorker(t *testing.T) {
	routines := map[string]any{
		"who": func(ctx context.Context) (wool.UUID, error) {
			info, _ := wool.TaskFromContext(ctx)
			return info.Caller, nil
		},
		"ask": func(ctx context.Context) (bool, error) {
			info, _ := wool.TaskFromContext(ctx)
			caller, err := wool.CallFrom[wool.UUID](ctx, "who")
			return caller == info.ID, err
		},
	}
	own := start(t, routines)
	ctx := testContext(t)
	for _, fallback := range []*wool.Pool{nil, own.pool} {
		// Too long for a description to travel.
		tags := []string{strings.Repeat("x", 128<<10)}
		n := start(t, routines, wool.WorkerOptions{Pool: fallback, Tags: tags})
		pool, err := wool.NewPool(n.calling, wool.PoolOptions{Addresses: []string{n.worker.Address()}, Tags: tags})
		must(t, err)
		nested, err := wool.Call[bool](ctx, pool, "ask")
		if fallback != nil && (err != nil || !nested) {
			t.Errorf("by the pool of the worker the answer is %t, %v", nested, err)
		}
		if fallback == nil && (err == nil || !strings.Contains(err.Error(), "cannot be used here")) {
			t.Errorf("without any pool the answer is %t, %v", nested, err)
		}
	}
	must(t, own.pool.Close(ctx))
	if _, err := wool.NewWorker(own.calling, wool.WorkerOptions{Pool: own.pool}); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a worker with a closed pool gave %v", err)
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

// Whatever its end, each task and each step has its pair, and a nested task names its caller.
