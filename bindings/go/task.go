package wool

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
)

// tasks are those of a runtime that have come in and not been answered.
type tasks struct {
	table table[*task]
	count atomic.Int64
	group sync.WaitGroup
}

// start runs on the dispatcher.
func (ts *tasks) start(t *task) {
	ts.count.Add(1)
	ts.group.Add(1)
	go t.run()
}

// beside runs what belongs to the program beside its tasks, on a goroutine that closing waits for. It is called on the
// dispatcher, and on such goroutines.
func (ts *tasks) beside(do func()) {
	ts.group.Add(1)
	go func() {
		defer ts.group.Done()
		do()
	}()
}

func (ts *tasks) done(t *task) {
	t.letGo()
	ts.table.remove(t.handle)
	ts.count.Add(-1)
	ts.group.Done()
}

func (ts *tasks) running() int64 { return ts.count.Load() }

// stop cancels what still runs and waits for it; the dispatcher has ended.
func (ts *tasks) stop() {
	for _, t := range ts.table.close() {
		t.interrupt(context.Canceled)
	}
	ts.group.Wait()
}

// task is one call of a routine.
type task struct {
	routine   *routine
	handle    uint64
	arguments payload
	ctx       taskContext
	cancel    context.CancelCauseFunc

	// steps are what is asked of a generator; nil of a unary task.
	steps *steps

	// lent is held by who uses what the core lends of the task, and by who answers, which ends that.
	lent sync.Mutex
	// bag is the task's context, and pool its caller's: nil until they are asked for, and when the task is over.
	bag  *C.wool_context_t
	pool *Pool
	over bool
}

func newTask(r *routine, handle uint64, arguments payload) *task {
	t := &task{routine: r, handle: handle, arguments: arguments}
	ctx, cancel := context.WithCancelCause(context.Background())
	t.ctx, t.cancel = taskContext{Context: ctx, task: t}, cancel
	if r.yield != nil {
		t.steps = newSteps(t)
	}
	return t
}

// interrupt cancels the task.
func (t *task) interrupt(cause error) {
	t.cancel(cause)
	if t.steps != nil {
		t.steps.stop(cause)
	}
}

// cancelCause tells a deadline from a caller who has left: the core cancels in both cases.
func (t *task) cancelCause() error {
	if info, ok := t.info(); ok && info.remaining_ms == 0 {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

func (t *task) send(item any) error {
	e := newEncoder()
	defer e.release()
	if err := e.value(item); err != nil {
		return codecError("item", t.routine.name, err)
	}
	if err := errorOf(t.giveItem(e.buf)); err != nil {
		return err
	}
	return nil
}

// giveItem ends a task whose caller has closed the stream.
func (t *task) giveItem(encoded []byte) C.wool_go_answer_t {
	t.lent.Lock()
	defer t.lent.Unlock()
	data, length := bytesOf(encoded)
	return C.wool_go_task_yield(C.uint64_t(t.handle), data, length)
}

// run performs the task and answers it, on the task's goroutine.
func (t *task) run() {
	growStack()
	defer t.routine.engine.tasks.done(t)
	// What holds if the routine ends its goroutine instead of returning.
	result, failure := reflect.Value{}, goexitFault(t.routine)
	defer func() {
		if t.steps != nil {
			defer t.steps.end()
			if why := t.steps.ignored(); why != nil {
				failure = t.faultOf(why)
			}
		}
		t.answer(result, failure)
		t.cancel(nil)
	}()
	result, failure = t.perform()
}

func (t *task) perform() (result reflect.Value, failure *fault) {
	returned := false
	defer func() {
		value := recover()
		if value == nil && !returned {
			// A panic(nil) of a program that asks for it by GODEBUG. Goexit passes here too, and returns nothing.
			value = new(runtime.PanicNilError)
		}
		if value != nil {
			failure = panicFault(t.routine, value)
		}
	}()
	result, failure = t.invoke()
	returned = true
	return result, failure
}

func (t *task) invoke() (result reflect.Value, failure *fault) {
	r := t.routine
	var space [6]reflect.Value
	values := append(space[:0], reflect.ValueOf(&t.ctx))
	if r.yield != nil {
		if err := t.steps.begin(); err != nil {
			return result, t.faultOf(err)
		}
		y := reflect.New(r.yield)
		if y, ok := y.Interface().(yielder); ok {
			y.attach(t)
		}
		values = append(values, y)
	}
	values, err := r.bind(t.arguments.data, values)
	t.arguments.release()
	if err != nil {
		return result, argumentFault(r, err)
	}
	out := r.fn.Call(values)
	if err, failed := out[len(out)-1].Interface().(error); failed {
		return result, t.faultOf(err)
	}
	if r.hasResult {
		result = out[0]
	}
	return result, nil
}

// faultOf is how a routine's error travels; nil where the error only says that the caller has closed
// the stream, which is no failure.
func (t *task) faultOf(err error) *fault {
	if t.steps != nil {
		if saysClosed(err) {
			return nil
		}
		if exact := t.steps.thrownAs(err); exact != nil {
			return &fault{exact: exact}
		}
	}
	f := faultOf(t.routine, err)
	if cause := context.Cause(&t.ctx); cause != nil && isContextError(err) {
		f.kind = ErrCancelled
		if cause == context.DeadlineExceeded {
			f.kind = ErrDeadlineExceeded
		}
	}
	return f
}

// growStack makes the new goroutine's stack large enough for reflection and decoding at once, while there is
// nothing on it. Growing it in steps from the depth of a decoder costs a tenth of a small task.
//
//go:noinline
func growStack() {
	var room [4 << 10]byte
	runtime.KeepAlive(&room)
}

// saysClosed follows simple wrapping. What errors.Join has put beside [ErrStreamClosed] is a failure.
func saysClosed(err error) bool {
	for left := maxWrapped; err != nil && left > 0; left-- {
		if err == ErrStreamClosed {
			return true
		}
		err = errors.Unwrap(err)
	}
	return false
}

// answer gives the task its one terminal answer. That the caller has gone is no concern of ours.
func (t *task) answer(result reflect.Value, failure *fault) {
	t.arguments.release()
	if failure == nil {
		failure = t.succeed(result)
	}
	if failure != nil {
		t.lent.Lock()
		defer t.lent.Unlock()
		failure.send(t.handle)
	}
}

// succeed answers with a result or a stream's end, or says why it cannot.
func (t *task) succeed(result reflect.Value) *fault {
	r := t.routine
	if r.yield != nil {
		if err := errorOf(t.giveEnd()); err != nil {
			return localFault(r, err)
		}
		return nil
	}
	e := newEncoder()
	defer e.release()
	var err *ValueError
	if result.IsValid() {
		err = e.value(result.Interface())
	} else {
		err = e.value(nil)
	}
	if err != nil {
		return localFault(r, codecError("result", r.name, err))
	}
	if err := errorOf(t.giveResult(e.buf)); err != nil {
		return localFault(r, err)
	}
	return nil
}

func (t *task) giveEnd() C.wool_go_answer_t {
	t.lent.Lock()
	defer t.lent.Unlock()
	return C.wool_go_task_end(C.uint64_t(t.handle))
}

func (t *task) giveResult(encoded []byte) C.wool_go_answer_t {
	t.lent.Lock()
	defer t.lent.Unlock()
	data, length := bytesOf(encoded)
	return C.wool_go_task_return(C.uint64_t(t.handle), data, length)
}
