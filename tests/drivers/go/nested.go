package main

import (
	"context"
	"io"
	"sync"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// taskMap is what the language tells of the current task.
func taskMap(ctx context.Context) (wool.Map, error) {
	info, ok := wool.TaskFromContext(ctx)
	if !ok {
		return nil, &namedError{"NoTask", "there is no current task"}
	}
	var caller, remaining any
	if info.Caller != (wool.UUID{}) {
		caller = info.Caller.String()
	}
	if info.HasDeadline {
		remaining = info.Remaining.Milliseconds()
	}
	return wool.Map{
		{Key: "id", Value: info.ID.String()}, {Key: "caller", Value: caller}, {Key: "routine", Value: info.Routine},
		{Key: "tag", Value: info.Tag}, {Key: "remaining", Value: remaining}, {Key: "worker", Value: info.Worker.String()},
		{Key: "peer", Value: namesOf(info)},
	}, nil
}

// namesOf are the names of the caller's certificate: a list, also where there are none.
func namesOf(info wool.TaskInfo) []string { return append([]string{}, info.Peer...) }

// below is what conf.nest and conf.neststream call: themselves, or in the end the routine.
func below(name string, depth int, routine string, arguments []any) (string, []any) {
	if depth > 0 {
		return name, []any{depth - 1, routine, arguments}
	}
	return routine, arguments
}

// yieldAll passes on the items of a nested stream.
func yieldAll(ctx context.Context, y *wool.Yield[any, any], routine string, args ...any) (err error) {
	stream, err := wool.OpenStreamFrom[any, any](ctx, routine, args...)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := stream.Close(ctx); closeErr != nil {
			err = closeErr
		}
	}()
	for {
		item, err := stream.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := y.Yield(item); err != nil {
			return err
		}
	}
}

// nestedRoutines are those that call others, and those about the task itself.
func nestedRoutines(c *counters) map[string]any {
	return map[string]any{
		"conf.task": func(ctx context.Context) (wool.Map, error) {
			defer c.body()()
			return taskMap(ctx)
		},
		"conf.peer": func(ctx context.Context) ([]string, error) {
			defer c.body()()
			info, ok := wool.TaskFromContext(ctx)
			if !ok {
				return nil, &namedError{"NoTask", "there is no current task"}
			}
			return namesOf(info), nil
		},
		"conf.chain": func(ctx context.Context, depth int) ([]any, error) {
			defer c.body()()
			told, err := taskMap(ctx)
			if err != nil || depth <= 0 {
				return []any{told}, err
			}
			rest, err := wool.CallFrom[[]any](ctx, "conf.chain", depth-1)
			return append([]any{told}, rest...), err
		},
		"conf.fib": func(ctx context.Context, n int64) (int64, error) {
			defer c.body()()
			if n < 2 {
				return n, nil
			}
			a, err := wool.CallFrom[int64](ctx, "conf.fib", n-1)
			if err != nil {
				return 0, err
			}
			b, err := wool.CallFrom[int64](ctx, "conf.fib", n-2)
			return a + b, err
		},
		"conf.fibs": func(ctx context.Context, y *wool.Yield[any, any], n int64) error {
			defer c.generator()()
			if n < 2 {
				_, err := y.Yield(n)
				return err
			}
			if err := yieldAll(ctx, y, "conf.fibs", n-1); err != nil {
				return err
			}
			return yieldAll(ctx, y, "conf.fibs", n-2)
		},
		"conf.nest": func(ctx context.Context, depth int, routine string, arguments []any) (any, error) {
			defer c.body()()
			routine, arguments = below("conf.nest", depth, routine, arguments)
			return wool.CallFrom[any](ctx, routine, arguments...)
		},
		"conf.neststream": func(ctx context.Context, y *wool.Yield[any, any], depth int, routine string, arguments []any) error {
			defer c.generator()()
			routine, arguments = below("conf.neststream", depth, routine, arguments)
			return yieldAll(ctx, y, routine, arguments...)
		},
		"conf.hold": func(ctx context.Context, x any) (any, error) {
			defer c.body()()
			select {
			case <-c.held.enter():
				return x, nil
			case <-ctx.Done():
				c.held.leave()
				return nil, ctx.Err()
			}
		},
		"conf.letgo": func(context.Context) (int, error) {
			defer c.body()()
			return c.held.letGo(), nil
		},
	}
}

// holder holds tasks until they are let go.
type holder struct {
	mu sync.Mutex
	// gate is closed to let go; nil while there is nobody.
	gate  chan struct{}
	count int
}

func (h *holder) enter() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gate == nil {
		h.gate = make(chan struct{})
	}
	h.count++
	return h.gate
}

// leave is for a task that is not to be let go any more.
func (h *holder) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count = max(h.count-1, 0)
}

func (h *holder) letGo() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := h.count
	if h.gate != nil {
		close(h.gate)
	}
	h.gate, h.count = nil, 0
	return count
}
