package wool

// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
)

// Pool calls the routines of a set of workers. Close it.
type Pool struct {
	rt   *Runtime
	core *poolCore
}

// poolCore outlives its Pool in the runtime's list of children.
type poolCore struct {
	handle *C.wool_pool_t
	guard  guard
	// task is whose caller's pool it is; nil of a program's own.
	task *task
	// found is where its workers are found, and balancing its own balancer; nil of a caller's pool, and of one
	// without.
	found     *opened
	balancing *balancing
	// peerCheck is its own check of identities; nil without one.
	peerCheck *peerCheck
	// closing is made by the first Close, and ended by its end.
	mu      sync.Mutex
	closing chan struct{}
	failure error
}

// NewPool opens a pool; the options say of which workers. It starts, finds and connects in the background,
// and goes on doing so: a worker may come later, or come back. None within reach shows when a call waits for
// one, as [ErrNoWorkersAvailable].
//
// It fails as [ErrInvalidArgument] for options that contradict each other or are negative times, [ErrPermissionDenied] for an
// address beyond this machine without AllowPlaintext, [ErrDiscovery] where workers cannot be found at all,
// and [ErrSpawnFailed] where this program is to be started again and has not passed [Main].
func NewPool(rt *Runtime, options PoolOptions) (*Pool, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	e := rt.engine
	core := &poolCore{}
	if err := e.adopt(&core.guard, func() { C.wool_pool_free(core.handle) }); err != nil {
		return nil, err
	}
	if err := core.start(e, &options); err != nil {
		core.end(e)
		return nil, err
	}
	p := &Pool{rt: rt, core: core}
	runtime.SetFinalizer(p, func(p *Pool) { p.rt.engine.warnUnclosed(&p.core.guard, "Pool", "Close") })
	return p, nil
}

// start makes the core's pool. Where that fails the rest is still to be ended.
func (c *poolCore) start(e *engine, options *PoolOptions) (err *Error) {
	if c.found, err = openDiscovery(e, options.Discovery); err != nil {
		return err
	}
	defer c.found.free()
	if c.balancing, err = newBalancing(e, options.Balancer); err != nil {
		return err
	}
	if c.peerCheck, err = newPeerCheck(e, options.PeerCheck); err != nil {
		return err
	}
	var memory arena
	defer memory.free()
	given := options.forC(&memory)
	given.discovery = c.found.handle
	if c.balancing != nil {
		given.balance_queue, given.balance_tag = e.queue.handle, C.uint64_t(c.balancing.tag)
	}
	if c.peerCheck != nil {
		given.peer_check_queue, given.peer_check_tag = e.queue.handle, C.uint64_t(c.peerCheck.tag)
	}
	return options.Credentials.lend(e, func(credentials *C.wool_credentials_t) *Error {
		given.credentials = credentials
		var failure *C.wool_error_t
		if status := C.int32_t(C.wool_pool_new(e.handle, &given, &c.handle, &failure)); status < 0 {
			return takeError(status, failure)
		}
		return nil
	})
}

// letGo is for a pool that asks the program nothing any more.
func (c *poolCore) letGo() {
	if c.found != nil {
		c.found.end()
	}
	if c.balancing != nil {
		c.balancing.end()
	}
	if c.peerCheck != nil {
		c.peerCheck.end()
	}
}

// end is for one that has not been made.
func (c *poolCore) end(e *engine) {
	c.letGo()
	e.closeChild(&c.guard)
}

// Close closes the pool's connections and ends the workers that it started, after [PoolOptions.Grace]. Its
// pending calls and streams end as [ErrClosed]. ctx is the way out of the wait; closing then goes on by
// itself, and Close may be called again to wait for the end. A closed pool may be closed again. That of a task's
// caller ([PoolFromContext]) is not the task's to close: [ErrInvalidArgument].
func (p *Pool) Close(ctx context.Context) error {
	if t := p.core.task; t != nil {
		return newError(ErrInvalidArgument, "this is the pool of the caller of %s, which other tasks use, too; leave it open", t.routine.name)
	}
	ended := p.core.beginClose(p.rt.engine)
	select {
	case <-ended:
		return p.core.failure
	default:
	}
	select {
	case <-ended:
		return p.core.failure
	case <-ctx.Done():
		err := newError(ErrTimeout, "the pool is still closing: %v", ctx.Err())
		err.Cause = ctx.Err()
		return err
	}
}

// closedFor is why nothing can be called by a pool that lets nobody in any more.
func (p *Pool) closedFor(what string) *Error {
	if t := p.core.task; t != nil {
		return newError(ErrClosed, "%s: the task of %s is over, and so is the use of its caller's pool", what, t.routine.name)
	}
	return newError(ErrClosed, "%s: the pool has been closed", what)
}

// beginClose starts closing, once, and returns what tells its end.
func (c *poolCore) beginClose(e *engine) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return c.closing
	}
	c.closing = make(chan struct{})
	if !c.guard.enter() {
		close(c.closing) // the runtime has closed it
		return c.closing
	}
	done := newWaiter()
	tag, err := e.queue.expect(done)
	if err == nil {
		var failure *C.wool_error_t
		if status := C.int32_t(C.wool_pool_close_submit(c.handle, e.queue.handle, C.uint64_t(tag), &failure)); status < 0 {
			e.queue.forget(tag)
			err = takeError(status, failure)
		}
	}
	e.closeChild(&c.guard)
	if c.peerCheck != nil {
		c.peerCheck.cancel() // a pool that closes connects to nobody
	}
	if err != nil {
		// Only a runtime that is closing refuses, and that closes the pool.
		c.guard.leave()
		close(c.closing)
		return c.closing
	}
	go func() {
		c.failure = <-done
		c.letGo()
		c.guard.leave()
		close(c.closing)
	}()
	return c.closing
}
