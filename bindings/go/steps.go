package wool

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
)

// steps are what the caller of a generator asks of it, one after the other, and how that ends.
type steps struct {
	task *task

	mu      sync.Mutex
	started bool
	// asked are the steps that have come and not been begun.
	asked []step
	// thrown is what was thrown last, kept for the case that the routine does not catch it.
	thrown step
	// stopped is why there is no further item; Yield returns it, once: told.
	stopped error
	told    bool
	// wentOn: the routine has yielded after it was told.
	wentOn bool
	// over: nobody takes a step any more.
	over bool
	// wake holds one signal that asked or stopped has changed.
	wake chan struct{}
}

// step is a request for an item, with what the caller sends or throws.
type step struct {
	kind C.int32_t
	sent payload
	// err is the thrown error, and exact the same as it came.
	err   *Error
	exact *C.wool_error_t
}

func (s *step) release() {
	s.sent.release()
	C.wool_error_free(s.exact)
	s.exact = nil
}

func newSteps(t *task) *steps { return &steps{task: t, wake: make(chan struct{}, 1)} }

// receive runs on the dispatcher: the caller asks for an item, or closes the stream.
func (s *steps) receive(e *event) {
	if e.step == C.WOOL_STEP_CLOSE {
		s.stop(ErrStreamClosed)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		e.release()
		return
	}
	s.asked = append(s.asked, step{kind: e.step, sent: e.payload, err: e.err, exact: e.thrown})
	s.wakeLocked()
}

// stop makes Yield fail from now on. A generator that has not begun never will.
func (s *steps) stop(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopLocked(why)
	s.wakeLocked()
}

func (s *steps) stopLocked(why error) {
	if s.stopped == nil {
		s.stopped = why
	}
}

// wakeLocked lets the generator see what has changed, and starts one that has not begun.
func (s *steps) wakeLocked() {
	if !s.started {
		s.started = true
		s.task.routine.engine.tasks.start(s.task)
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// begin takes the step that has started the generator; an error says that it is not to begin.
func (s *steps) begin() error {
	var nothing any
	return s.next(&nothing)
}

// next waits for the next step, and decodes what was sent into what sent points at.
func (s *steps) next(sent any) error {
	for {
		s.mu.Lock()
		if s.stopped != nil {
			defer s.mu.Unlock()
			return s.tellLocked()
		}
		if len(s.asked) > 0 {
			defer s.mu.Unlock()
			next := s.asked[0]
			s.asked = append(s.asked[:0], s.asked[1:]...)
			return s.takeLocked(next, sent)
		}
		s.mu.Unlock()
		<-s.wake // every end of a task comes as a stop
	}
}

func (s *steps) takeLocked(next step, sent any) error {
	switch next.kind {
	case C.WOOL_STEP_SEND:
		defer next.release()
		if err := next.sent.into(sent); err != nil {
			e := newError(ErrCodec, "%s: the value sent: %v", s.task.routine.name, err)
			e.Type = argumentError
			return e
		}
	case C.WOOL_STEP_THROW:
		s.thrown.release()
		s.thrown = next
		return next.err
	}
	return nil
}

func (s *steps) tellLocked() error {
	s.told = true
	return s.stopped
}

// yield answers the step under way with an item, and waits for the next, whose value it decodes into what
// sent points at.
func (t *task) yield(item, sent any) error {
	s := t.steps
	s.mu.Lock()
	if s.stopped != nil {
		defer s.mu.Unlock()
		if s.told {
			s.exitLocked()
		}
		return s.tellLocked()
	}
	s.mu.Unlock()
	if err := t.send(item); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stopLocked(err)
		return s.tellLocked()
	}
	return s.next(sent)
}

// exitLocked ends the goroutine of a routine that goes on yielding after it was told to stop: in a loop that
// looks at no error, it would never end. The core tells a caller who waits for the end of a stream that it
// closed.
func (s *steps) exitLocked() {
	s.wentOn = true
	if s.stopped == ErrStreamClosed {
		null := [1]byte{tagNil}
		data, length := bytesOf(null[:])
		C.wool_error_free(C.wool_go_task_yield(C.uint64_t(s.task.handle), data, length).error)
	}
	runtime.Goexit()
}

// ignored is what the routine was told and has not heeded; nil if it has.
func (s *steps) ignored() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.wentOn {
		return nil
	}
	return s.stopped
}

// thrownAs is the error as it came where err is what was thrown; else nil.
func (s *steps) thrownAs(err error) *C.wool_error_t {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.thrown.err == nil || err != error(s.thrown.err) {
		return nil
	}
	return s.thrown.exact
}

// end frees what nobody will take any more; the task has been answered.
func (s *steps) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for i := range s.asked {
		s.asked[i].release()
	}
	s.asked = nil
	s.thrown.release()
}
