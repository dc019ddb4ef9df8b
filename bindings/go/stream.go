package wool

// #include "shim.h"
import "C"

import (
	"context"
	"io"
	"iter"
	"sync"
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

// PullStream is a call of a generator, consumed step by step. Close it. One goroutine at a time may
// wait for an item; all else may be done from any goroutine.
type PullStream struct {
	ctx     context.Context
	routine string
	queue   *queue
	handle  uint64
	// unwatch ends the watch over ctx.
	unwatch func() bool

	// items holds what was asked for and has arrived: as many as may be asked for fit.
	items chan payload
	// ended is closed when outcome is there: nil for the end of the stream.
	ended   chan struct{}
	outcome *Error

	// mu guards what the consumer keeps between items.
	mu       sync.Mutex
	prefetch uint32
	// owed is how many items have been asked for and not been taken.
	owed   uint32
	closed bool
}

// Stream opens a stream. Nothing runs before the first item is asked for. Args are as in [Pool.Call].
// ctx bounds the whole stream: when it ends, the stream is cancelled.
func (p *Pool) Stream(ctx context.Context, routine string, args ...any) (*PullStream, error) {
	submission, err := prepare(ctx, routine, args)
	if err != nil {
		return nil, err
	}
	defer submission.encoder.release()
	if !p.core.guard.enter() {
		return nil, newError(ErrClosed, "%s: the pool has been closed", routine)
	}
	defer p.core.guard.leave()
	prefetch := max(submission.options.Prefetch, 1)
	s := &PullStream{
		ctx: ctx, routine: routine, queue: p.rt.engine.queue, prefetch: prefetch,
		items: make(chan payload, prefetch), ended: make(chan struct{}),
	}
	tag, err := s.queue.expect(s)
	if err != nil {
		return nil, err
	}
	name, nameLen := textOf(routine)
	arguments, argumentsLen := bytesOf(submission.encoder.buf)
	label, labelLen := textOf(submission.options.Tag)
	answer := C.wool_go_stream_open(p.core.handle, name, nameLen, arguments, argumentsLen,
		C.uint64_t(submission.timeout), C.uint64_t(milliseconds(submission.options.DispatchTimeout)), label,
		labelLen, s.queue.handle, C.uint64_t(tag))
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
// [io.EOF], and so it does after Close. Any other error, of type [*Error], is the stream's end as well,
// except a failed conversion (kind [ErrCodec]), after which the next item can be asked for.
func (s *PullStream) Next() (any, error) {
	var item any
	err := s.NextInto(&item)
	return item, err
}

// NextInto is Next, decoding the item into what target points at.
func (s *PullStream) NextInto(target any) error {
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
	if err := s.ask(); err != nil {
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
func (s *PullStream) ask() error {
	if s.owed > s.prefetch/2 {
		return nil
	}
	count := s.prefetch - s.owed
	if err := errorOf(C.wool_go_stream_next(C.uint64_t(s.handle), C.uint32_t(count))); err != nil {
		if err.Kind == ErrInvalidArgument || err.Kind == ErrClosed {
			// The stream has ended: its end is on its way here, and is what the consumer wants to know.
			return nil
		}
		return err
	}
	s.owed += count
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

// end is how the stream ended, once it has.
func (s *PullStream) end() error {
	s.unwatch()
	if s.outcome == nil {
		return io.EOF
	}
	s.outcome.because(s.ctx)
	return s.outcome
}

// Close closes the generator at its yield, and waits until its clean-up has run. It returns the error
// that the clean-up or an earlier item failed with, nil where the stream had ended or now ends well.
// When ctx ends first, the stream is cancelled instead. A closed stream may be closed again.
func (s *PullStream) Close(ctx context.Context) error {
	select {
	case <-s.ended:
	default:
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
