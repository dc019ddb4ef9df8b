package wool

// #include "shim.h"
import "C"

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
)

// Error is what went wrong: on this side, or in a routine on the other side. errors.Is finds its kind, and
// errors.As what has been registered for its type name: see [RegisterError].
type Error struct {
	Kind ErrorKind
	// Message says it in words. For a failed task it is the remote error's own message.
	Message string
	// Type is the remote error's type name in its own language, such as "ValueError"; empty if the
	// error was made on this side.
	Type string
	// Language is the worker's: "go", "node", "python", ...; empty if the error was made on this side.
	Language string
	// Traceback holds the remote stack's lines, outermost first; empty if the error was made on this
	// side or its language has none.
	Traceback []string
	// Value is the remote error's own data, decoded as into any; nil if it has none.
	Value any
	// Cause is what led to the error, or nil: the remote error's cause as another *Error, or what went
	// wrong on this side, such as a [*ValueError].
	Cause error
	// Retryable says that the task has certainly not been started, so that calling again cannot
	// perform it twice.
	Retryable bool

	// context is context.Canceled or context.DeadlineExceeded where the caller's context was the cause.
	context error
	// own is the remote error as the program's own type, if that is registered.
	own error
}

// Error says the message; that of a remote error after its type. A cause follows that the message does not
// name by itself.
func (e *Error) Error() string {
	text := e.headline()
	if e.Cause == nil {
		return text
	}
	cause, told := e.Cause.Error(), e.Cause.Error()
	if remote, ok := e.Cause.(*Error); ok {
		told = remote.Message
	}
	if strings.Contains(e.Message, told) {
		return text
	}
	return text + "; caused by " + cause
}

func (e *Error) headline() string {
	switch {
	case e.Type != "":
		return e.Type + ": " + e.Message
	case e.Language != "":
		return e.Message
	default:
		return "wool: " + e.Message
	}
}

// Format prints the error's text for %v, %s and %q. %+v adds what else there is to read: the remote stack
// and the causes, each on lines of their own.
func (e *Error) Format(state fmt.State, verb rune) {
	type fields Error // prints without methods
	switch {
	case verb == 'v' && state.Flag('+'):
		fmt.Fprint(state, e.details())
	case verb == 'v' && state.Flag('#'):
		fmt.Fprintf(state, "%#v", (*fields)(e))
	default:
		fmt.Fprintf(state, fmt.FormatString(state, verb), e.Error())
	}
}

func (e *Error) details() string {
	var text strings.Builder
	text.WriteString(e.headline())
	for _, line := range e.Traceback {
		text.WriteString("\n    " + line)
	}
	if e.Cause != nil {
		fmt.Fprintf(&text, "\ncaused by %+v", e.Cause)
	}
	return text.String()
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is the error's kind, the context error that caused it, or equal to the error
// that it stands for.
func (e *Error) Is(target error) bool {
	return target == e.Kind || e.context != nil && target == e.context ||
		e.own != nil && (errors.Is(e.own, target) || isOwn(e.own, target))
}

// As finds the error that it stands for, of a type of the program's own.
func (e *Error) As(target any) bool { return e.own != nil && errors.As(e.own, target) }

func newError(kind ErrorKind, format string, values ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, values...)}
}

// codecError says in which step a value did not pass.
func codecError(step, routine string, cause error) *Error {
	return &Error{Kind: ErrCodec, Message: fmt.Sprintf("%s of %s: %v", step, routine, cause), Cause: cause}
}

// contextError is what a context that has ended makes of an operation.
func contextError(ctx context.Context, what string) *Error {
	e := newError(ErrCancelled, "%s: %v", what, context.Cause(ctx))
	e.because(ctx)
	return e
}

// because notes the context's part in an error of a call: the core says that the call was cancelled or
// out of time, not why.
func (e *Error) because(ctx context.Context) {
	if e.Type != "" || e.Kind != ErrCancelled && e.Kind != ErrDeadlineExceeded {
		return
	}
	_, bounded := ctx.Deadline()
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded), err == nil && e.Kind == ErrDeadlineExceeded && bounded:
		// The core's clock may be a moment ahead of the context's.
		e.Kind, e.context = ErrDeadlineExceeded, context.DeadlineExceeded
	case err != nil:
		e.Kind, e.context = ErrCancelled, context.Canceled
	}
	if cause := context.Cause(ctx); cause != nil && cause != e.context {
		e.Cause = cause
	}
}

// takeError turns a C error of this side into a Go one and frees it.
func takeError(status C.int32_t, c *C.wool_error_t) *Error {
	defer C.wool_error_free(c)
	return readError(status, c, "", nil)
}

// readError turns a C error into a Go one. The types make the program's own errors of remote ones. A cause is
// of its error's language.
func readError(status C.int32_t, c *C.wool_error_t, language string, types *errorTypes) *Error {
	if c == nil {
		return newError(kindOf(status), "%s", kindOf(status))
	}
	read := C.wool_go_error_read(c)
	e := &Error{
		Kind:      kindOf(read.status),
		Message:   stringOf(read.message),
		Type:      stringOf(read.type_name),
		Language:  cmp.Or(stringOf(read.language), language),
		Retryable: read.retryable != 0,
	}
	for i := range read.lines {
		e.Traceback = append(e.Traceback, stringOf(C.wool_go_error_line(c, i)))
	}
	var value *payload
	if read.has_value != 0 {
		value = &payload{data: viewOf(read.value.data), raw: read.value.codec == C.WOOL_CODEC_RAW}
		if err := value.into(&e.Value); err != nil {
			e.Value = nil // an unreadable extra must not hide the error that it is about
		}
	}
	e.own = types.own(e, value)
	if read.cause != nil {
		e.Cause = readError(read.status, read.cause, e.Language, types)
	}
	return e
}

// Retryable reports whether calling again cannot perform a task twice: err, or what it wraps, is an [*Error] which says
// that the task has certainly never been started.
func Retryable(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Retryable
}

// errorOf is the error of an answer, or nil.
func errorOf(answer C.wool_go_answer_t) *Error {
	if answer.status >= 0 {
		return nil
	}
	return takeError(answer.status, answer.error)
}
