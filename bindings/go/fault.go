package wool

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// fault is a routine's failure as it travels: the core's wool_fault_t.
type fault struct {
	kind      ErrorKind
	typeName  string
	message   string
	traceback []string
	// value is the error's encoded data; nil without any.
	value []byte
	cause *fault
	// exact is an error that passes through as it came, and all there is to it; else nil.
	exact *C.wool_error_t
}

// An error can say by which type name it wants to be known in other languages.
type typedError interface {
	// WoolErrorType is the name, such as "InsufficientFunds".
	WoolErrorType() string
}

// Traced gives err the stack of the calling goroutine, which the caller of a routine that returns the
// error then sees as its traceback; Go's errors have none by themselves. nil stays nil.
func Traced(err error) error {
	if err == nil {
		return nil
	}
	pcs := make([]uintptr, maxFrames)
	return &tracedError{err, pcs[:runtime.Callers(2, pcs)]}
}

// tracedError is invisible but for its stack.
type tracedError struct {
	error
	stack []uintptr
}

func (e *tracedError) Unwrap() error { return e.error }

// maxFrames bounds a traceback, and maxCauses the chain of causes.
const (
	maxFrames = 64
	maxCauses = 16
)

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// faultOf describes an error that a routine has returned. Its traceback begins with the routine itself,
// so that it is never empty.
func faultOf(r *routine, err error) *fault {
	f := r.engine.errors.describe(err, maxCauses)
	f.traceback = r.rooted(f.traceback)
	return f
}

// rooted makes a traceback begin with the routine, if it does not by itself.
func (r *routine) rooted(lines []string) []string {
	function, _, _ := strings.Cut(r.location, " ")
	if len(lines) > 0 && strings.HasPrefix(lines[0], function+" ") {
		return lines
	}
	return append([]string{r.location}, lines...)
}

// describe says how an error travels: under the registered name that it, or an error that it wraps, has,
// else under that of its Go type. What that error wraps is the cause.
func (ts *errorTypes) describe(err error, causes int) (f *fault) {
	f = &fault{kind: ErrTaskFailed, typeName: goTypeName(err)}
	defer func() {
		// The methods are the program's. What they panic with is worth less than the error.
		if value := recover(); value != nil && f.message == "" {
			f.message = fmt.Sprintf("the error cannot be described, a method of it panicked: %v", value)
		}
	}()
	f.message = err.Error()
	for {
		traced, ok := err.(*tracedError)
		if !ok {
			break
		}
		f.traceback = append(f.traceback, frames(traced.stack)...)
		err = traced.error
	}
	if remote, ok := err.(*Error); ok {
		f.message = remote.Message
	} else if own, stack := ts.find(err); own != nil {
		f.traceback = append(f.traceback, frames(stack)...)
		err = own
	}
	f.typeName = goTypeName(err)
	switch e := err.(type) {
	case *Error:
		f.fromRemote(e)
	case typedError:
		f.typeName = e.WoolErrorType()
	}
	if known := ts.ofType(reflect.TypeOf(err)); known != nil {
		f.typeName, f.value = known.name, known.encode(err)
	}
	if next := causeOf(err); next != nil && causes > 0 {
		f.cause = ts.describe(next, causes-1)
	}
	return f
}

// causeOf is what an error wraps: of several, the first that tells of a failure.
func causeOf(err error) error {
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return e.Unwrap()
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			if cause != nil && cause != ErrStreamClosed {
				return cause
			}
		}
	}
	return nil
}

// fromRemote keeps what another's error came with.
func (f *fault) fromRemote(e *Error) {
	if e.Type != "" {
		f.typeName = e.Type
	}
	f.traceback = append(f.traceback, e.Traceback...)
	if e.Value != nil {
		if data, err := Marshal(e.Value); err == nil {
			f.value = data
		}
	}
}

// goTypeName is the name of an error's Go type, without the package's path.
func goTypeName(err error) string { return strings.TrimLeft(fmt.Sprintf("%T", err), "*") }

// panicFault describes what a deferred function of perform has recovered.
func panicFault(r *routine, value any) *fault {
	f := &fault{kind: ErrPanic, typeName: "panic", message: fmt.Sprint(value)}
	if err, ok := value.(error); ok {
		described := r.engine.errors.describe(err, 0)
		f.typeName, f.message, f.value = described.typeName, described.message, described.value
	}
	pcs := make([]uintptr, maxFrames)
	f.traceback = r.rooted(frames(pcs[:runtime.Callers(3, pcs)]))
	return f
}

func goexitFault(r *routine) *fault {
	return &fault{
		kind: ErrPanic, typeName: "runtime.Goexit", message: "the routine ended its goroutine instead of returning",
		traceback: []string{r.location},
	}
}

// argumentError is the type of the error of who passes or sends what does not fit, in every language.
const argumentError = "ArgumentError"

// argumentFault says that a routine has not been called, because its arguments do not fit.
func argumentFault(r *routine, cause *ValueError) *fault {
	return &fault{
		kind: ErrTaskFailed, typeName: argumentError, message: cause.Error(),
		traceback: []string{r.location},
	}
}

// localFault describes an error of this package's own, such as a result that cannot be encoded.
func localFault(r *routine, err *Error) *fault {
	return &fault{kind: err.Kind, typeName: "wool.Error", message: err.Message, traceback: []string{r.location}}
}

// frames are the lines of a stack, outermost first, from the routine inwards: what lies outside is this
// package and reflection.
func frames(stack []uintptr) []string {
	var lines []string
	iterator := runtime.CallersFrames(stack)
	for more := len(stack) > 0; more; {
		var frame runtime.Frame
		frame, more = iterator.Next()
		if frame.Function == "reflect.Value.call" {
			break
		}
		if strings.HasPrefix(frame.Function, "runtime.") {
			continue
		}
		lines = append(lines, frameLine(frame.Function, frame.File, frame.Line))
	}
	slices.Reverse(lines)
	return lines
}

func frameLine(function, file string, line int) string {
	return fmt.Sprintf("%s (%s:%d)", function, file, line)
}

// send answers the task. It can only fail where nobody waits for the answer any more.
func (f *fault) send(task uint64) {
	if f.exact == nil {
		f.pass(func(c *C.wool_fault_t, failure **C.wool_error_t) C.int32_t {
			return C.int32_t(C.wool_task_fail(C.wool_task_t(task), c, failure))
		})
		return
	}
	var failure *C.wool_error_t
	C.wool_task_fail_with(C.wool_task_t(task), f.exact, &failure)
	C.wool_error_free(failure)
}

// pass gives the fault in its C form to a function. What is too long to travel the core cuts.
func (f *fault) pass(to func(c *C.wool_fault_t, failure **C.wool_error_t) C.int32_t) *Error {
	var memory arena
	defer memory.free()
	c := f.lower(&memory)
	defer C.wool_error_free((*C.wool_error_t)(c.cause))
	var failure *C.wool_error_t
	if status := to(&c, &failure); status < 0 {
		return takeError(status, failure)
	}
	return nil
}

// lower gives the C form, whose cause is owned by the receiver.
func (f *fault) lower(memory *arena) C.wool_fault_t {
	for i, line := range f.traceback {
		f.traceback[i] = toText(line)
	}
	c := C.wool_fault_t{
		struct_size:   C.sizeof_wool_fault_t,
		status:        f.kind.status(),
		_type:         memory.slice(toText(f.typeName)),
		message:       memory.slice(toText(f.message)),
		traceback:     memory.slices(f.traceback),
		traceback_len: C.size_t(len(f.traceback)),
		value:         memory.payload(f.value),
	}
	if f.cause != nil {
		cause := f.cause.lower(memory)
		var built, failure *C.wool_error_t
		if C.wool_error_new(&cause, &built, &failure) >= 0 {
			c.cause = built
		}
		C.wool_error_free(failure)
		C.wool_error_free((*C.wool_error_t)(cause.cause))
	}
	return c
}

// toText makes a Go string what the wire takes. An error's text must not keep the error from arriving.
func toText(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
