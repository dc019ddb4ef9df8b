package wool

// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
)

// Call calls a routine and waits for its result, which it decodes into Out. See [Pool.Call].
func Call[Out any](ctx context.Context, pool *Pool, routine string, args ...any) (Out, error) {
	var out Out
	err := pool.call(ctx, routine, args, &out)
	return out, err
}

// Call calls a routine and waits for its result, in its natural Go form. Args are the routine's
// positional arguments; a [Named] and [CallOptions] may follow. When ctx ends, the call is cancelled and
// returns at once; ctx's deadline is the budget of the whole call. Errors are of type [*Error].
func (p *Pool) Call(ctx context.Context, routine string, args ...any) (any, error) {
	var out any
	err := p.call(ctx, routine, args, &out)
	return out, err
}

// pendingCall waits for the one event of a call.
type pendingCall struct {
	event event
	// arrived gets one signal when event is there.
	arrived chan struct{}
}

// pendingCalls keeps them for reuse: each gets exactly one event, so that one that has been waited for
// is as good as new.
var pendingCalls = sync.Pool{New: func() any { return &pendingCall{arrived: make(chan struct{}, 1)} }}

func (c *pendingCall) receive(e *event) {
	c.event = *e
	c.arrived <- struct{}{}
}

// release keeps the call for another, after its event has been used.
func (c *pendingCall) release() {
	c.event.payload.release()
	c.event = event{}
	pendingCalls.Put(c)
}

func (p *Pool) call(ctx context.Context, routine string, args []any, target any) error {
	c, _ := pendingCalls.Get().(*pendingCall)
	handle, err := p.submit(ctx, routine, args, c)
	if err != nil {
		c.release()
		return err
	}
	select {
	case <-c.arrived:
	case <-ctx.Done():
		C.wool_call_cancel(C.uint64_t(handle))
		<-c.arrived // the core answers a cancel at once
	}
	defer c.release()
	if err := c.event.err; err != nil {
		err.because(ctx)
		return err
	}
	if err := c.event.payload.into(target); err != nil {
		return codecError("result", routine, err)
	}
	return nil
}

// submission is what a call and the opening of a stream have in common: encoded arguments, time and
// options. Release it.
type submission struct {
	encoder *encoder
	timeout uint64
	options CallOptions
	// context is what rides along with this call alone, in memory.
	context      *C.wool_context_value_t
	contextCount C.size_t
	memory       arena
	origin       origin
}

func (s *submission) release() {
	s.encoder.release()
	s.memory.free()
}

// forC is all that C may be given at once: what points at Go's memory is none of it.
func (s *submission) forC() C.wool_go_options_t {
	return C.wool_go_options_t{
		timeout_ms:          C.uint64_t(s.timeout),
		dispatch_timeout_ms: C.uint64_t(milliseconds(s.options.DispatchTimeout)),
		step_timeout_ms:     C.uint64_t(milliseconds(s.options.StepTimeout)),
		prefetch:            C.uint32_t(s.options.Prefetch),
		context:             s.context,
		context_count:       s.contextCount,
		parent:              C.wool_task_t(s.origin.parent),
		bag:                 s.origin.bag.forC(),
	}
}

func prepare(ctx context.Context, routine string, args []any) (submission, *Error) {
	timeout, err := budget(ctx, routine)
	if err != nil {
		return submission{}, err
	}
	positional, named, options, err := splitArguments(args)
	if err != nil {
		return submission{}, err
	}
	if err := options.check(); err != nil {
		return submission{}, err
	}
	s := submission{encoder: newEncoder(), timeout: timeout, options: options, origin: originOf(ctx)}
	if err := s.encoder.arguments(positional, named); err != nil {
		s.release()
		return submission{}, codecError("arguments", routine, err)
	}
	if err := s.carry(routine); err != nil {
		s.release()
		return submission{}, err
	}
	return s, nil
}

// submit sends a call off; its event goes to c. After an error there will be none.
func (p *Pool) submit(ctx context.Context, routine string, args []any, c *pendingCall) (uint64, *Error) {
	s, err := prepare(ctx, routine, args)
	if err != nil {
		return 0, err
	}
	defer s.release()
	if !p.core.guard.enter() {
		return 0, p.closedFor(routine)
	}
	defer p.core.guard.leave()
	queue := p.rt.engine.queue
	tag, err := queue.expect(c)
	if err != nil {
		return 0, err
	}
	name, nameLen := textOf(routine)
	arguments, argumentsLen := bytesOf(s.encoder.buf)
	label, labelLen := textOf(s.options.Tag)
	worker, workerLen := textOf(s.options.Worker)
	answer := C.wool_go_call_submit(p.core.handle, name, nameLen, arguments, argumentsLen, s.forC(), label, labelLen,
		worker, workerLen, queue.handle, C.uint64_t(tag))
	runtime.KeepAlive(s.origin.bag)
	if err := errorOf(answer); err != nil {
		if !queue.forget(tag) {
			<-c.arrived // the closing queue has told it already
		}
		return 0, err
	}
	return uint64(answer.handle), nil
}
