package wool

// #include "shim.h"
import "C"

import (
	"context"
	"iter"
)

// origin is what a context says of the calls that are made with it.
type origin struct {
	// parent is the handle of the task that makes them; 0 for none.
	parent uint64
	// bag is what they carry along; nil for what the task has, if there is one.
	bag *bag
}

func originOf(ctx context.Context) (o origin) {
	if t, ok := ctx.Value(taskKey{}).(*task); ok {
		o.parent = t.handle
	}
	o.bag, _ = ctx.Value(bagKey{}).(*bag)
	return o
}

type poolKey struct{}

// WithPool makes pool the one that [PoolFromContext] finds, and by which [CallFrom], [StreamFrom] and
// [OpenStreamFrom] call.
func WithPool(ctx context.Context, pool *Pool) context.Context {
	return context.WithValue(ctx, poolKey{}, pool)
}

// PoolFromContext is the pool to call by: that of [WithPool], else, where ctx is a routine's or derived from it, the
// pool of the routine's caller, as this worker sees it. Calls by the latter, and by any other pool, that are made with
// the routine's ctx are nested: they carry the task's id, its context ([ContextValue]) and its deadline, the task
// lends its place while it waits for them, and they end with it.
//
// A caller's pool belongs to the task: it is of use until the routine returns, and not to be closed. There is none
// where it cannot be described, or is one of another machine ([ErrUnsupported]), unless the worker has a
// [WorkerOptions.Pool]. It is an [ErrInvalidArgument] where ctx has neither, and [ErrClosed] when the task is over.
func PoolFromContext(ctx context.Context) (*Pool, error) {
	switch from := ctx.Value(poolKey{}).(type) {
	case *Pool:
		if from == nil {
			return nil, newError(ErrInvalidArgument, "the pool that WithPool was given is nil")
		}
		return from, nil
	case *task:
		pool, err := from.callersPool()
		if err != nil {
			return nil, err
		}
		return pool, nil
	default:
		return nil, newError(ErrInvalidArgument, "the context has no pool: it is no routine's, nor one of WithPool")
	}
}

// poolFor is the context's pool to call a routine by.
func poolFor(ctx context.Context, routine string) (*Pool, error) {
	if ctx.Err() != nil {
		return nil, contextError(ctx, routine)
	}
	return PoolFromContext(ctx)
}

// CallFrom is [Call] by the pool of ctx: in a routine, that of its caller. See [PoolFromContext].
//
//	func fib(ctx context.Context, n int) (int, error) {
//		if n < 2 {
//			return n, nil
//		}
//		a, err := wool.CallFrom[int](ctx, "calc.fib", n-1)
//		if err != nil {
//			return 0, err
//		}
//		b, err := wool.CallFrom[int](ctx, "calc.fib", n-2)
//		return a + b, err
//	}
func CallFrom[Out any](ctx context.Context, routine string, args ...any) (Out, error) {
	pool, err := poolFor(ctx, routine)
	if err != nil {
		var none Out
		return none, err
	}
	return Call[Out](ctx, pool, routine, args...)
}

// StreamFrom is [Stream] by the pool of ctx: in a routine, that of its caller. See [PoolFromContext].
func StreamFrom[Out any](ctx context.Context, routine string, args ...any) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		pool, err := poolFor(ctx, routine)
		if err != nil {
			var none Out
			yield(none, err)
			return
		}
		Stream[Out](ctx, pool, routine, args...)(yield)
	}
}

// OpenStreamFrom is [OpenStream] by the pool of ctx: in a routine, that of its caller. See [PoolFromContext].
func OpenStreamFrom[In, Out any](ctx context.Context, routine string, args ...any) (*TypedStream[In, Out], error) {
	pool, err := poolFor(ctx, routine)
	if err != nil {
		return nil, err
	}
	return OpenStream[In, Out](ctx, pool, routine, args...)
}

// callersPool is made when it is first asked for, and kept until the task is over.
func (t *task) callersPool() (*Pool, *Error) {
	t.lent.Lock()
	defer t.lent.Unlock()
	switch {
	case t.over:
		return nil, newError(ErrClosed, "the task of %s is over, and so is the use of its caller's pool", t.routine.name)
	case t.pool != nil:
		return t.pool, nil
	}
	e := t.routine.engine
	core := &poolCore{task: t}
	if err := e.adopt(&core.guard, func() { C.wool_pool_free(core.handle) }); err != nil {
		return nil, err
	}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_task_pool(C.wool_task_t(t.handle), &core.handle, &failure)); status < 0 {
		e.closeChild(&core.guard)
		return nil, takeError(status, failure)
	}
	t.pool = &Pool{rt: &Runtime{engine: e}, core: core}
	return t.pool, nil
}

// letGo ends the use of what the task has of the core's.
func (t *task) letGo() {
	t.lent.Lock()
	defer t.lent.Unlock()
	t.over = true
	C.wool_context_free(t.bag)
	t.bag = nil
	if t.pool != nil {
		t.routine.engine.closeChild(&t.pool.core.guard)
		t.pool = nil
	}
}
