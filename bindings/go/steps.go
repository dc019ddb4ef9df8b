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
	s.asked = append(s.asked, step{sent: e.payload, err: e.err, exact: e.thrown})
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
	first, err := s.next()
	first.release()
	return err
}

// next waits for the next step, and returns what the caller sends with it; the receiver releases that. The error
// is what the caller has thrown, or why there is no further step.
func (s *steps) next() (sent payload, err error) {
	for {
		sent, came, err := s.take()
		if came {
			return sent, err
		}
		<-s.wake // every end of a task comes as a stop
	}
}

// take is next without the wait.
func (s *steps) take() (sent payload, came bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped != nil:
		return payload{}, true, s.tellLocked()
	case len(s.asked) == 0:
		return payload{}, false, nil
	}
	next := s.asked[0]
	s.asked = append(s.asked[:0], s.asked[1:]...)
	if next.err != nil {
		s.thrown.release()
		s.thrown = next
		return payload{}, true, next.err
	}
	return next.sent, true, nil
}

func (s *steps) tellLocked() error {
	s.told = true
	return s.stopped
}

// yield answers the step under way with an item, and waits for the next, as next does.
func (t *task) yield(item any) (sent payload, err error) {
	s := t.steps
	if err := s.mayYield(); err != nil {
		return payload{}, err
	}
	if err := t.send(item); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stopLocked(err)
		return payload{}, s.tellLocked()
	}
	return s.next()
}

func (s *steps) mayYield() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped == nil:
		return nil
	case s.told:
		s.exitLocked()
	}
	return s.tellLocked()
}

// sentInto decodes what the caller has sent.
func (t *task) sentInto(sent payload, target any) error {
	defer sent.release()
	if err := sent.into(target); err != nil {
		e := newError(ErrCodec, "%s: the value sent: %v", t.routine.name, err)
		e.Type = argumentError
		return e
	}
	return nil
}

// exitLocked ends the goroutine of a routine that goes on yielding after it was told to stop: in a loop that
// looks at no error, it would never end. The core tells a caller who waits for the end of a stream that it
// closed.
func (s *steps) exitLocked() {
	s.wentOn = true
	if s.stopped == ErrStreamClosed {
		C.wool_error_free(s.task.giveItem([]byte{tagNil}).error)
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
