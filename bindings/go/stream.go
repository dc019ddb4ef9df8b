package wool

// #include "shim.h"
import "C"

import (
	"context"
	"io"
	"iter"
	"runtime"
	"sync"
	"time"
)

// Stream calls a generator and iterates over its items, decoded into Out. An error is the last pair of
// the iteration. Leaving the loop closes the generator at its yield and waits until its clean-up has
// run; the end of ctx is the way out of that wait. Use [Pool.Stream] to learn how the clean-up went.
//
//	for n, err := range wool.Stream[int](ctx, pool, "count.up", 10) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(n)
//	}
func Stream[Out any](ctx context.Context, pool *Pool, routine string, args ...any) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		var none Out
		s, err := pool.Stream(ctx, routine, args...)
		if err != nil {
			yield(none, err)
			return
		}
		defer s.Close(ctx)
		for {
			var item Out
			err := s.NextInto(&item)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// PullStream is a call of a generator, consumed step by step. Close it. It may be used from any goroutine;
// steps that several ask for are done one after the other.
type PullStream struct {
	ctx     context.Context
	routine string
	queue   *queue
	handle  uint64
	// stepTimeout is the budget of each step, 0 without one.
	stepTimeout time.Duration
	// unwatch ends the watch over ctx.
	unwatch func() bool

	// items holds what was asked for and has arrived: as many as may be asked for fit.
	items chan payload
	// ended is closed when outcome is there: nil for the end of the stream.
	ended   chan struct{}
	outcome *Error

	// mu guards what the consumer keeps between items.
	mu sync.Mutex
	// ahead: the stream is only iterated, and prefetch is how many items are asked for at once; else 1.
	ahead    bool
	prefetch uint32
	// owed is how many items have been asked for and not been taken.
	owed uint32
	// begun: an item has been asked for.
	begun  bool
	closed bool
	// told: outcome has been returned.
	told bool
}

// Stream opens a stream. Nothing runs before the first item is asked for. Args are as in [Pool.Call].
// ctx bounds the whole stream: when it ends, the stream is cancelled.
func (p *Pool) Stream(ctx context.Context, routine string, args ...any) (*PullStream, error) {
	submission, err := prepare(ctx, routine, args)
	if err != nil {
		return nil, err
	}
	defer submission.release()
	if !p.core.guard.enter() {
		return nil, p.closedFor(routine)
	}
	defer p.core.guard.leave()
	options := &submission.options
	prefetch := min(max(options.Prefetch, 1), maxPrefetch)
	s := &PullStream{
		ctx: ctx, routine: routine, queue: p.rt.engine.queue, stepTimeout: options.StepTimeout,
		ahead: options.Prefetch > 0, prefetch: prefetch,
		items: make(chan payload, prefetch), ended: make(chan struct{}),
	}
	tag, err := s.queue.expect(s)
	if err != nil {
		return nil, err
	}
	name, nameLen := textOf(routine)
	arguments, argumentsLen := bytesOf(submission.encoder.buf)
	label, labelLen := textOf(options.Tag)
	worker, workerLen := textOf(options.Worker)
	answer := C.wool_go_stream_open(p.core.handle, name, nameLen, arguments, argumentsLen, submission.forC(), label,
		labelLen, worker, workerLen, s.queue.handle, C.uint64_t(tag))
	runtime.KeepAlive(submission.origin.bag)
	if err := errorOf(answer); err != nil {
		s.queue.forget(tag)
		return nil, err
	}
	s.handle = uint64(answer.handle)
	s.unwatch = context.AfterFunc(ctx, s.cancel)
	return s, nil
}

func (s *PullStream) cancel() { C.wool_stream_cancel(C.uint64_t(s.handle)) }

// receive runs on the dispatcher.
func (s *PullStream) receive(e *event) {
	if e.kind != C.WOOL_EVENT_ITEM {
		s.outcome = e.err
		close(s.ended)
		return
	}
	select {
	case s.items <- e.payload:
	default:
		// More than was asked for: the core does not do that, and the dispatcher must not block.
		e.payload.release()
	}
}

// Next asks for the next item, in its natural Go form, and waits for it. After the last it returns
// [io.EOF], and so it does after Close. Any other error, of type [*Error], is the stream's end as well, and
// comes once; except a failed conversion (kind [ErrCodec]), after which the next item can be asked for.
func (s *PullStream) Next() (any, error) {
	var item any
	err := s.NextInto(&item)
	return item, err
}

// NextInto is Next, decoding the item into what target points at.
func (s *PullStream) NextInto(target any) error { return s.step(target, s.ask) }

// Send resumes the generator with a value, which its [Yield.Yield] returns, and waits for the next item, as
// Next does. Before the first item there is no yield to send to, and there is none at all in a stream with
// [CallOptions.Prefetch]: an [ErrInvalidArgument], after which the stream goes on, as it does where the value
// cannot be encoded.
func (s *PullStream) Send(value any) (any, error) {
	var item any
	err := s.SendInto(value, &item)
	return item, err
}

// SendInto is Send, decoding the item into what target points at.
func (s *PullStream) SendInto(value, target any) error {
	e := newEncoder()
	defer e.release()
	if err := e.value(value); err != nil {
		return codecError("what is sent to", s.routine, err)
	}
	return s.step(target, func() *Error {
		if !s.begun && !s.ahead && !s.hasEnded() {
			return newError(ErrInvalidArgument, "%s has not begun: ask for its first item, then send", s.routine)
		}
		data, length := bytesOf(e.buf)
		return s.resume(func() *Error { return errorOf(C.wool_go_stream_send(C.uint64_t(s.handle), data, length)) })
	})
}

// Throw raises an error in the generator, where its [Yield.Yield] returns it, and waits for the next item,
// as Next does. An error that the generator does not handle ends the stream: one of a registered type
// ([RegisterError]) then comes back as what it was. A generator that has not begun never does. In a stream with
// [CallOptions.Prefetch], Throw is an [ErrInvalidArgument].
func (s *PullStream) Throw(err error) (any, error) {
	var item any
	failure := s.ThrowInto(err, &item)
	return item, failure
}

// ThrowInto is Throw, decoding the item into what target points at.
func (s *PullStream) ThrowInto(err error, target any) error {
	if err == nil {
		return newError(ErrInvalidArgument, "%s: nil is no error that can be thrown", s.routine)
	}
	f := s.queue.errors.describe(err, maxCauses)
	return s.step(target, func() *Error {
		return s.resume(func() *Error {
			return f.pass(func(c *C.wool_fault_t, failure **C.wool_error_t) C.int32_t {
				return C.int32_t(C.wool_stream_throw(C.wool_stream_t(s.handle), c, failure))
			})
		})
	})
}

// step asks for an item and waits for it.
func (s *PullStream) step(target any, ask func() *Error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return io.EOF
	}
	if s.ctx.Err() != nil {
		s.cancel()
		<-s.ended // the core answers a cancel at once
		return s.end()
	}
	if err := ask(); err != nil {
		return err
	}
	item, err := s.take()
	if err != nil {
		return err
	}
	defer item.release()
	s.owed--
	if err := item.into(target); err != nil {
		return codecError("item", s.routine, err)
	}
	return nil
}

// ask keeps up the number of items asked for: one in strict pull, else refilled in halves so that not
// each item costs a crossing.
func (s *PullStream) ask() *Error {
	if s.owed > s.prefetch/2 {
		return nil
	}
	count := s.prefetch - s.owed
	for {
		err := errorOf(C.wool_go_stream_next(C.uint64_t(s.handle), C.uint32_t(count)))
		if err == nil || err.Kind != ErrBusy {
			return s.asked(count, err)
		}
		// Others leave the queue less room than it takes to ask so far ahead.
		if s.owed > 0 {
			return nil
		}
		if count /= 2; count == 0 {
			return err
		}
	}
}

// resume asks for an item by way of the generator's yield.
func (s *PullStream) resume(ask func() *Error) *Error {
	if s.ahead {
		return newError(ErrInvalidArgument, "%s is called with Prefetch: Send and Throw need a stream that is pulled step by step", s.routine)
	}
	return s.asked(1, ask())
}

// asked notes what was asked for. A stream that takes no request has ended, or is about to: its end is on its
// way here, and is what the consumer wants to know.
func (s *PullStream) asked(count uint32, err *Error) *Error {
	switch {
	case err == nil:
		s.owed += count
		s.begun = true
	case err.Kind != ErrInvalidArgument && err.Kind != ErrClosed:
		return err
	}
	return nil
}

// take waits for an item or the end. Items that came before the end come first.
func (s *PullStream) take() (payload, error) {
	select {
	case item := <-s.items:
		return item, nil
	default:
	}
	select {
	case item := <-s.items:
		return item, nil
	case <-s.ended:
	}
	select {
	case item := <-s.items:
		return item, nil
	default:
		return payload{}, s.end()
	}
}

func (s *PullStream) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// end is how the stream ended, once it has: an error comes once.
func (s *PullStream) end() error {
	s.unwatch()
	if s.outcome == nil || s.told {
		return io.EOF
	}
	s.told = true
	if !s.stepTimedOut() {
		s.outcome.because(s.ctx)
	}
	return s.outcome
}

// stepTimedOut tells a step's end of time from that of the context.
func (s *PullStream) stepTimedOut() bool {
	deadline, bounded := s.ctx.Deadline()
	return s.stepTimeout > 0 && s.outcome.Kind == ErrDeadlineExceeded && s.ctx.Err() == nil &&
		(!bounded || time.Until(deadline) > 0)
}

// Close closes the generator at its yield, and waits until its clean-up has run. It returns the error
// that the clean-up, or an item that nobody waited for, failed with; nil where the stream had ended or now
// ends well. When ctx ends first, the stream is cancelled instead. A closed stream may be closed again.
func (s *PullStream) Close(ctx context.Context) error {
	if !s.hasEnded() {
		if err := errorOf(C.wool_go_stream_close(C.uint64_t(s.handle))); err != nil {
			s.cancel()
		}
		select {
		case <-s.ended:
		case <-ctx.Done():
			s.cancel()
			<-s.ended // the core answers a cancel at once
		}
	}
	// Only now: a Next that is under way holds the lock until the stream has ended.
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for drained := false; !drained; {
		select {
		case item := <-s.items:
			item.release()
		default:
			drained = true
		}
	}
	if err := s.end(); err != io.EOF {
		return err
	}
	return nil
}
