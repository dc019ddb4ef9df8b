package wool

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// event is one completion, taken over from the core.
type event struct {
	kind   C.int32_t
	status C.int32_t
	step   C.int32_t
	tag    uint64
	handle uint64
	// payload belongs to who receives the event.
	payload payload
	err     *Error
	// thrown is, of an error that is thrown into a generator, the error as it came; it belongs to who receives
	// the event, too.
	thrown *C.wool_error_t
}

// release is for who has no use for the event.
func (e *event) release() {
	e.payload.release()
	C.wool_error_free(e.thrown)
	e.thrown = nil
}

// isLast reports whether no other event follows for the tag.
func (e *event) isLast() bool {
	switch e.kind {
	case C.WOOL_EVENT_RESULT, C.WOOL_EVENT_END, C.WOOL_EVENT_ERROR, C.WOOL_EVENT_CLOSED:
		return true
	default:
		return false
	}
}

// A receiver is told the events of its tag, by the dispatcher goroutine: it must not block. It keeps no
// reference to the event.
type receiver interface {
	receive(e *event)
}

// queue is a completion queue and the goroutine that drains it. Its events reach the waiting
// goroutines over channels and locks, which makes every hand-over visible to the race detector.
type queue struct {
	handle *C.wool_queue_t
	// receivers holds who waits for the events of a tag.
	receivers table[receiver]
	lastTag   atomic.Uint64
	// errors are the types that remote errors may be of.
	errors *errorTypes
	// mu is held while the queue is closed, and by who needs it open for a moment.
	mu sync.Mutex
	// ended is closed when the dispatcher has delivered the last event.
	ended chan struct{}
}

// Measured: beyond 64 events a crossing gets no cheaper per event.
const (
	drainBatch = 64
	drainSlab  = 256 << 10
)

func newQueue(runtime *C.wool_runtime_t, errors *errorTypes) (*queue, *Error) {
	q := &queue{errors: errors, ended: make(chan struct{})}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_queue_new(runtime, nil, &q.handle, &failure)); status < 0 {
		return nil, takeError(status, failure)
	}
	go q.dispatch()
	return q, nil
}

// expect gives a receiver a tag. It fails once the queue is closed.
func (q *queue) expect(r receiver) (tag uint64, _ *Error) {
	tag = q.lastTag.Add(1)
	if !q.receivers.put(tag, r) {
		return 0, closedError()
	}
	return tag, nil
}

// forget takes a tag back whose submission failed. It reports false when the receiver has been told
// already, because the queue was closed in between.
func (q *queue) forget(tag uint64) bool {
	_, found := q.receivers.remove(tag)
	return found
}

func closedError() *Error { return newError(ErrClosed, "the runtime has been closed") }

// dispatch drains until the queue is closed and empty. Memory for events and small payloads is C's:
// the core writes pointers into it.
func (q *queue) dispatch() {
	defer close(q.ended)
	events := C.calloc(drainBatch, C.sizeof_wool_event_t)
	defer C.free(events)
	slab := C.malloc(drainSlab)
	defer C.free(slab)
	batch := unsafe.Slice((*C.wool_event_t)(events), drainBatch)
	drain := func(timeout C.int64_t) C.int64_t {
		return C.wool_go_drain(q.handle, &batch[0], drainBatch, (*C.uint8_t)(slab), drainSlab, timeout)
	}
	for {
		count := drain(0)
		if count == 0 {
			// Before the thread sleeps, those who were given events run and often make new ones: fewer wake-ups,
			// larger batches.
			runtime.Gosched()
			count = drain(0)
		}
		if count == 0 {
			count = drain(-1)
		}
		if count < 0 {
			break
		}
		for i := range batch[:count] {
			e := q.take(&batch[i])
			q.deliver(&e)
		}
	}
	for _, r := range q.receivers.close() {
		r.receive(&event{kind: C.WOOL_EVENT_ERROR, err: closedError()})
	}
}

func (q *queue) take(c *C.wool_event_t) event {
	e := event{kind: c.kind, status: c.status, step: c.step, tag: uint64(c.tag), handle: uint64(c.handle)}
	switch e.kind {
	case C.WOOL_EVENT_RESULT, C.WOOL_EVENT_ITEM, C.WOOL_EVENT_TASK, C.WOOL_EVENT_TASK_EVENT, C.WOOL_EVENT_PUBLISH, C.WOOL_EVENT_WITHDRAW:
		e.payload = takePayload(c.payload, c.codec)
	case C.WOOL_EVENT_STEP:
		if e.step == C.WOOL_STEP_SEND {
			e.payload = takePayload(c.payload, c.codec)
		}
	}
	if c.error == nil && e.status >= 0 {
		return e
	}
	e.err = readError(e.status, c.error, "", q.errors)
	if e.kind == C.WOOL_EVENT_STEP {
		e.thrown = c.error
	} else {
		C.wool_error_free(c.error)
	}
	return e
}

// deliver hands an event to whom it is for. Nobody is there when a tag has been taken back.
func (q *queue) deliver(e *event) {
	find := q.receivers.get
	if e.isLast() {
		find = q.receivers.remove
	}
	if r, found := find(e.tag); found {
		r.receive(e)
	} else {
		e.release()
	}
}

// close makes the dispatcher end when it has delivered what is queued. It does not wait.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	var failure *C.wool_error_t
	C.wool_queue_close(q.handle, &failure)
	C.wool_error_free(failure)
}

// whileOpen keeps the queue from being closed meanwhile.
func (q *queue) whileOpen(do func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	do()
}

// free is called when nobody uses the queue any more and its dispatcher has ended.
func (q *queue) free() { C.wool_queue_free(q.handle) }
