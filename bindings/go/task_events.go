package wool

// #include "shim.h"
import "C"

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"
)

// TaskEvent is something that happened to a task.
type TaskEvent struct {
	Kind TaskEventKind
	Side TaskSide
	// Time is when, by this machine's clock.
	Time time.Time
	// ID of the task; Caller is that of the task that called it, zero if none did; Worker is the uid of the worker, zero
	// while the caller has given it to none.
	ID, Caller, Worker UUID
	Routine            string
	// Step is "next", "send" or "throw" for an iteration; else empty.
	Step string
	// Failure is why a completed task did not end well; 0 where it did.
	Failure ErrorKind
}

// TaskEventKind is what happened.
type TaskEventKind string

// The kinds of task events.
const (
	// TaskCreated, at the caller: the call was made.
	TaskCreated TaskEventKind = "task-created"
	// TaskScheduled: at the caller, it was given to a worker; at the worker, it has its place.
	TaskScheduled TaskEventKind = "task-scheduled"
	// TaskStarted, at the worker: the routine begins to run, a generator with its first step.
	TaskStarted TaskEventKind = "task-started"
	// TaskStopped, at the worker: the routine has stopped.
	TaskStopped TaskEventKind = "task-stopped"
	// TaskCompleted: the outcome is known. It is the last of each side, and comes once.
	TaskCompleted TaskEventKind = "task-completed"
	// TaskIterationInitiated, at the caller: a step was asked for.
	TaskIterationInitiated TaskEventKind = "task-iteration-initiated"
	// TaskIterationStarted, at the worker: the generator is resumed for the step.
	TaskIterationStarted TaskEventKind = "task-iteration-started"
	// TaskIterationCompleted: the generator has yielded the item, or it has come.
	TaskIterationCompleted TaskEventKind = "task-iteration-completed"
)

// TaskSide is where it happened.
type TaskSide string

// The sides of a task.
const (
	SideCaller TaskSide = "caller"
	SideWorker TaskSide = "worker"
)

// TaskEvents listens to the task events of a runtime. Close it.
type TaskEvents struct {
	engine *engine
	guard  guard
	handle *C.wool_task_events_t
	tag    uint64
	// heard are those that wait for the program, as many as may.
	heard chan payload
	// missed counts those for which heard had no room.
	missed atomic.Uint64
	// ended is closed when none comes any more.
	ended   chan struct{}
	endOnce sync.Once
}

const (
	// defaultEventCapacity is how many events wait when nothing is said.
	defaultEventCapacity = 4096
	// maxEventCapacity bounds the room for them, which is made at once.
	maxEventCapacity = 1 << 20
)

// TaskEvents listens to what happens to the tasks that the runtime's pools call and its workers run, from now on. Each
// task is told of from its beginning to its end or, if it has begun before, not at all. As many events as capacity says
// wait for the program, 0 being 4,096; further ones are missed ([TaskEvents.Missed]). It is an [ErrClosed] when the
// runtime has been closed, and an [ErrInvalidArgument] for a capacity below 0 or above 1,048,576.
//
//	events, err := rt.TaskEvents(0)
//	...
//	defer events.Close()
//	for event := range events.All(ctx) {
//		fmt.Println(event.Time, event.Side, event.Kind, event.Routine)
//	}
func (rt *Runtime) TaskEvents(capacity int) (*TaskEvents, error) {
	if capacity < 0 || capacity > maxEventCapacity {
		return nil, newError(ErrInvalidArgument, "the capacity for task events is %d: give 1 to %d, or 0 for %d", capacity, maxEventCapacity, defaultEventCapacity)
	}
	if capacity == 0 {
		capacity = defaultEventCapacity
	}
	e := rt.engine
	l := &TaskEvents{engine: e, heard: make(chan payload, capacity), ended: make(chan struct{})}
	if err := e.adopt(&l.guard, func() { C.wool_task_events_free(l.handle) }); err != nil {
		return nil, err
	}
	tag, err := e.queue.expect(l)
	if err != nil {
		e.closeChild(&l.guard)
		return nil, err
	}
	l.tag = tag
	options := C.wool_task_events_options_t{
		struct_size: C.sizeof_wool_task_events_options_t, queue: e.queue.handle, tag: C.uint64_t(tag),
		capacity: C.uint32_t(capacity),
	}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_task_events_new(e.handle, &options, &l.handle, &failure)); status < 0 {
		e.queue.forget(tag)
		e.closeChild(&l.guard)
		return nil, takeError(status, failure)
	}
	return l, nil
}

// receive runs on the dispatcher.
func (l *TaskEvents) receive(e *event) {
	if e.kind != C.WOOL_EVENT_TASK_EVENT {
		l.end() // the runtime closes
		return
	}
	select {
	case l.heard <- e.payload:
	default:
		l.missed.Add(1)
		e.payload.release()
	}
}

func (l *TaskEvents) end() { l.endOnce.Do(func() { close(l.ended) }) }

// All iterates over the events, in the order in which they happened to each task on each side, until ctx ends, or the
// listener or its runtime is closed; the events up to that come first. Leaving the loop loses none: another goes on
// where it has stopped.
func (l *TaskEvents) All(ctx context.Context) iter.Seq[TaskEvent] {
	return func(yield func(TaskEvent) bool) {
		for {
			encoded, there := l.next(ctx)
			if !there {
				return
			}
			event, err := readTaskEvent(&encoded)
			if err != nil {
				l.missed.Add(1) // of another version, and not to be understood
				continue
			}
			if !yield(event) {
				return
			}
		}
	}
}

func (l *TaskEvents) next(ctx context.Context) (payload, bool) {
	select {
	case encoded := <-l.heard:
		return encoded, true
	case <-ctx.Done():
		return payload{}, false
	case <-l.ended:
	}
	select {
	case encoded := <-l.heard:
		return encoded, true
	default:
		return payload{}, false
	}
}

// Missed is how many events found no room.
func (l *TaskEvents) Missed() uint64 {
	missed := l.missed.Load()
	if l.guard.enter() {
		defer l.guard.leave()
		missed += uint64(C.wool_task_events_missed(l.handle))
	}
	return missed
}

// Close stops listening. It may be called again.
func (l *TaskEvents) Close() {
	if l.guard.enter() {
		// Counted before the core's count is gone.
		l.missed.Add(uint64(C.wool_task_events_missed(l.handle)))
		l.engine.closeChild(&l.guard)
		l.guard.leave()
	}
	l.engine.queue.forget(l.tag)
	l.end()
}

func readTaskEvent(encoded *payload) (event TaskEvent, _ error) {
	defer encoded.release()
	var wire struct {
		Kind      TaskEventKind `wool:"kind"`
		Side      TaskSide      `wool:"side"`
		Timestamp int64         `wool:"timestamp_us"`
		ID        *UUID         `wool:"id"`
		Caller    *UUID         `wool:"caller"`
		Worker    *UUID         `wool:"worker"`
		Routine   string        `wool:"routine"`
		Step      *string       `wool:"step"`
		Status    *string       `wool:"status"`
	}
	if err := encoded.into(&wire); err != nil {
		return TaskEvent{}, err
	}
	event = TaskEvent{Kind: wire.Kind, Side: wire.Side, Time: time.UnixMicro(wire.Timestamp), Routine: wire.Routine}
	for to, from := range map[*UUID]*UUID{&event.ID: wire.ID, &event.Caller: wire.Caller, &event.Worker: wire.Worker} {
		if from != nil {
			*to = *from
		}
	}
	if wire.Step != nil {
		event.Step = *wire.Step
	}
	if wire.Status != nil && *wire.Status != "OK" {
		event.Failure = errorKindNamed(*wire.Status)
	}
	return event, nil
}
