package wool

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
)

// Runtime is what workers and pools live in: the core's threads, the registry of routines and the
// goroutine that brings completions. Most programs have one. Close it.
type Runtime struct {
	engine *engine
}

// engine is a runtime's inside. Goroutines and children refer to it and not to the Runtime, so that a
// Runtime nobody holds any more can be noticed.
type engine struct {
	handle *C.wool_runtime_t
	queue  *queue
	log    *logSink // nil without a logger
	// guard is held by every pool and worker until it is freed, and for the length of other calls.
	guard guard

	mu sync.Mutex
	// children are the pools and workers that have not been closed: their guard and what closes it.
	children map[*guard]struct{}

	tasks  tasks
	errors errorTypes

	// ctx ends when the runtime begins to close.
	ctx    context.Context
	cancel context.CancelFunc

	shutdownOnce sync.Once
	// ended is closed when shutdown is done; failure is its result.
	ended   chan struct{}
	failure error
}

// An Option sets up a [Runtime].
type Option func(*runtimeSettings)

type runtimeSettings struct {
	logger *slog.Logger
}

// WithLogger sends the runtime's log to a logger, at the levels that it has enabled when the runtime is
// made. The logger is used by a goroutine of its own; while it cannot keep up, lines are dropped and
// their number is logged. Without a logger there is no log.
func WithLogger(logger *slog.Logger) Option {
	return func(s *runtimeSettings) { s.logger = logger }
}

// NewRuntime starts a runtime.
func NewRuntime(options ...Option) (*Runtime, error) {
	var settings runtimeSettings
	for _, option := range options {
		option(&settings)
	}
	e := &engine{children: make(map[*guard]struct{}), ended: make(chan struct{})}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	var memory arena
	defer memory.free()
	c := C.wool_runtime_options_t{struct_size: C.sizeof_wool_runtime_options_t, language: memory.slice("go")}
	if settings.logger != nil {
		sink, number := newLogSink(settings.logger)
		e.log, e.errors.log = sink, sink
		c.log_level = logLevel(settings.logger)
		C.wool_go_use_log(&c, C.uint64_t(number))
	}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_runtime_new(&c, &e.handle, &failure)); status < 0 {
		return nil, takeError(status, failure)
	}
	queue, err := newQueue(e.handle, &e.errors)
	if err != nil {
		C.wool_runtime_free(e.handle)
		return nil, err
	}
	e.queue = queue
	e.guard.free = func() {
		e.queue.free()
		C.wool_runtime_free(e.handle)
	}
	rt := &Runtime{engine: e}
	runtime.SetFinalizer(rt, func(rt *Runtime) { rt.engine.warnUnclosed(&rt.engine.guard, "Runtime", "Close") })
	return rt, nil
}

// Close closes what the runtime's user has not: pools, whose pending calls end as [ErrClosed], and
// workers, whose tasks are cancelled. It waits until all routines have returned; ctx is the way out of
// that wait, after which closing goes on by itself, and Close may be called again to wait for the end.
// A closed runtime may be closed again.
func (rt *Runtime) Close(ctx context.Context) error {
	e := rt.engine
	e.shutdownOnce.Do(func() { go e.shutdown() })
	select {
	case <-e.ended:
		return e.failure
	default:
	}
	select {
	case <-e.ended:
		return e.failure
	case <-ctx.Done():
		err := newError(ErrTimeout, "the runtime is still closing, %d tasks run: %v", e.tasks.running(), ctx.Err())
		err.Cause = ctx.Err()
		return err
	}
}

// shutdown runs once, on its own goroutine: it takes as long as the slowest routine.
func (e *engine) shutdown() {
	// Held so that nothing is freed before the end.
	e.guard.enter()
	e.guard.close()
	e.cancel()
	var failure *C.wool_error_t
	status := C.int32_t(C.wool_runtime_close(e.handle, -1, &failure))
	var err error
	if status < 0 {
		err = takeError(status, failure)
	}
	e.queue.close()
	<-e.queue.ended
	e.tasks.stop()
	e.mu.Lock()
	children := e.children
	e.children = nil
	e.mu.Unlock()
	for child := range children {
		child.close()
	}
	e.guard.leave()
	e.failure = err
	close(e.ended)
}

// adopt makes guard that of a pool or worker, freed by free, and keeps the engine alive for it.
func (e *engine) adopt(child *guard, free func()) *Error {
	child.free = func() {
		free()
		e.guard.leave()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.children == nil || !e.guard.enter() {
		return closedError()
	}
	e.children[child] = struct{}{}
	return nil
}

// closeChild ends the use of a pool or worker whose closing is done; it is freed when its last user has
// left.
func (e *engine) closeChild(child *guard) {
	e.mu.Lock()
	delete(e.children, child)
	e.mu.Unlock()
	child.close()
}

// warnUnclosed runs in finalizers.
func (e *engine) warnUnclosed(g *guard, what, method string) {
	if e.log != nil && !g.isClosed() {
		e.log.log(slog.LevelWarn, "wool", "a "+what+" was dropped without "+method)
	}
}

// waiter receives the one event of a submission that has no result.
type waiter chan error

func newWaiter() waiter { return make(waiter, 1) }

func (w waiter) receive(e *event) {
	if e.err != nil && !errors.Is(e.err, ErrClosed) {
		w <- e.err
		return
	}
	w <- nil
}
