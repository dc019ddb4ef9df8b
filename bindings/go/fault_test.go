package wool_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	wool "github.com/wool-labs/libwool/bindings/go"
)

type shearingError struct{ sheep int }

func (e *shearingError) Error() string { return fmt.Sprintf("sheep %d ran away", e.sheep) }

type aliasedError struct{ error }

func (aliasedError) WoolErrorType() string { return "FleeceError" }

func shear(sheep int) error { return wool.Traced(&shearingError{sheep}) }

func TestFault(t *testing.T) {
	n := start(t, map[string]any{
		"plain":   func(context.Context) error { return &shearingError{7} },
		"traced":  func(context.Context) error { return shear(7) },
		"wrapped": func(context.Context) error { return fmt.Errorf("in the barn: %w", &shearingError{7}) },
		"named":   func(context.Context) error { return aliasedError{errors.New("torn")} },
		"value":   func(context.Context) (any, error) { return make(chan int), nil },
		"context": func(context.Context) error { return context.Canceled },
		"bytes":   func(context.Context) error { return errors.New("torn \xff") },
	})
	fault := func(routine string) *wool.Error {
		t.Helper()
		_, err := n.pool.Call(testContext(t), routine)
		var failure *wool.Error
		if !errors.As(err, &failure) {
			t.Fatalf("%s gave %v", routine, err)
		}
		return failure
	}

	plain := fault("plain")
	if plain.Kind != wool.ErrTaskFailed || plain.Type != "wool_test.shearingError" || plain.Message != "sheep 7 ran away" ||
		plain.Language != "go" || plain.Cause != nil || plain.Retryable {
		t.Errorf("plain: %#v", plain)
	}
	if len(plain.Traceback) != 1 || !strings.Contains(plain.Traceback[0], "TestFault") || !strings.Contains(plain.Traceback[0], "fault_test.go:") {
		t.Errorf("plain: traceback %q", plain.Traceback)
	}
	if want := "wool_test.shearingError: sheep 7 ran away"; plain.Error() != want {
		t.Errorf("plain: %q, want %q", plain.Error(), want)
	}

	traced := fault("traced")
	last := traced.Traceback[len(traced.Traceback)-1]
	if traced.Type != "wool_test.shearingError" || len(traced.Traceback) != 2 || !strings.Contains(last, ".shear ") {
		t.Errorf("traced: %#v", traced)
	}

	wrapped := fault("wrapped")
	var cause *wool.Error
	if wrapped.Message != "in the barn: sheep 7 ran away" || !errors.As(wrapped.Cause, &cause) || cause.Type != "wool_test.shearingError" {
		t.Errorf("wrapped: %#v", wrapped)
	}

	if named := fault("named"); named.Type != "FleeceError" || named.Message != "torn" {
		t.Errorf("named: %#v", named)
	}
	if value := fault("value"); value.Kind != wool.ErrCodec || !strings.Contains(value.Message, "chan int") {
		t.Errorf("value: %#v", value)
	}
	if bytes := fault("bytes"); bytes.Message != "torn \uFFFD" {
		t.Errorf("bytes: %#v", bytes)
	}
	// Nobody has cancelled the task: the routine's own trouble with a context is a failure like others.
	if ctx := fault("context"); ctx.Kind != wool.ErrTaskFailed || errors.Is(ctx, context.Canceled) {
		t.Errorf("context: %#v", ctx)
	}
}

func TestPanic(t *testing.T) {
	n := start(t, map[string]any{
		"text":  func(context.Context) error { panic("the sheep exploded") },
		"error": func(context.Context) error { panic(&shearingError{7}) },
		"nil":   func(_ context.Context, p *int) (int, error) { return *p, nil },
		"none":  func(context.Context) error { panic(nil) },
		"exit":  func(context.Context) error { runtime.Goexit(); return nil },
		"stream": func(_ context.Context, y *wool.Yield[any, int]) error {
			_, _ = y.Yield(1)
			panic("between items")
		},
		"calc.add": add,
	})
	ctx := testContext(t)
	for _, c := range []struct{ routine, typeName, message string }{
		{"text", "panic", "the sheep exploded"},
		{"error", "wool_test.shearingError", "sheep 7 ran away"},
		{"nil", "runtime.errorString", "nil pointer dereference"},
		{"none", "runtime.PanicNilError", "nil argument"},
		{"exit", "runtime.Goexit", "ended its goroutine"},
	} {
		var args []any
		if c.routine == "nil" {
			args = []any{nil}
		}
		_, err := n.pool.Call(ctx, c.routine, args...)
		var failure *wool.Error
		if !errors.As(err, &failure) || failure.Kind != wool.ErrPanic || failure.Type != c.typeName ||
			!strings.Contains(failure.Message, c.message) || len(failure.Traceback) == 0 {
			t.Errorf("%s: %#v", c.routine, failure)
		}
	}
	count := 0
	for _, err := range wool.Stream[int](ctx, n.pool, "stream") {
		if count++; count == 2 && !errors.Is(err, wool.ErrPanic) {
			t.Errorf("a panicking stream gave %v", err)
		}
	}
	if count != 2 {
		t.Errorf("a panicking stream gave %d pairs", count)
	}
	if sum, err := wool.Call[int](ctx, n.pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("after the panics 1 + 2 = %d, %v", sum, err)
	}
}

func TestRemoteErrorPassesThrough(t *testing.T) {
	pools := make(chan *wool.Pool, 1)
	n := start(t, map[string]any{
		"fail": func(context.Context) error { return shear(7) },
		"outer": func(ctx context.Context) error {
			_, err := (<-pools).Call(ctx, "fail")
			return err
		},
	})
	pools <- n.pool
	_, err := n.pool.Call(testContext(t), "outer")
	var failure *wool.Error
	if !errors.As(err, &failure) || failure.Type != "wool_test.shearingError" || failure.Message != "sheep 7 ran away" || len(failure.Traceback) != 3 {
		t.Errorf("%#v", failure)
	}
}

func TestKindsAreErrors(t *testing.T) {
	if wool.ErrRoutineNotFound.String() != "ROUTINE_NOT_FOUND" || wool.ErrInternal != 24 || wool.ErrorKind(99).String() != "KIND_99" {
		t.Error(wool.ErrRoutineNotFound, wool.ErrInternal, wool.ErrorKind(99))
	}
	err := fmt.Errorf("wrapped: %w", &wool.Error{Kind: wool.ErrBusy, Message: "no room"})
	if !errors.Is(err, wool.ErrBusy) || errors.Is(err, wool.ErrClosed) {
		t.Error("errors.Is does not find the kind")
	}
}
