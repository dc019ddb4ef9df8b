package wool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// outOfStock is an error of the tests' own, with data.
type outOfStock struct {
	Item string `wool:"item"`
	Left int    `wool:"left"`
}

func (e *outOfStock) Error() string { return fmt.Sprintf("%s: %d left", e.Item, e.Left) }

// reset has no data, and is a value.
type reset struct{}

func (reset) Error() string { return "start again" }

// level is an error that is no struct.
type level int

func (l level) Error() string { return fmt.Sprintf("level %d", int(l)) }

// odd has data that cannot be encoded where it holds a channel.
type odd struct{ Data any }

func (odd) Error() string { return "odd" }

// hostile panics in its methods.
type hostile struct{}

func (*hostile) Error() string { panic("no words") }

// loop wraps itself.
type loop struct{}

func (*loop) Error() string { return "again" }

func (l *loop) Unwrap() error { return l }

func registerErrors(t testing.TB, rt *wool.Runtime) {
	t.Helper()
	must(t, wool.RegisterError[*outOfStock](rt, "app.OutOfStock"))
	must(t, wool.RegisterError[reset](rt, "app.Reset"))
	must(t, wool.RegisterError[level](rt, "app.Level"))
	must(t, wool.RegisterError[odd](rt, "app.Odd"))
}

// failing serves routines that fail with the errors, and returns a function that calls one.
func failing(t testing.TB, failures map[string]error) (n *network, fail func(routine string) error) {
	t.Helper()
	routines := map[string]any{"calc.add": add}
	for name, err := range failures {
		routines[name] = func(context.Context) error { return err }
	}
	n = start(t, routines)
	registerErrors(t, n.serving)
	return n, func(routine string) error {
		t.Helper()
		_, err := n.pool.Call(testContext(t), routine)
		if err == nil {
			t.Errorf("%s did not fail", routine)
		}
		return err
	}
}

func remote(t testing.TB, err error) *wool.Error {
	t.Helper()
	var failure *wool.Error
	if !errors.As(err, &failure) {
		t.Fatalf("%v is no *wool.Error", err)
	}
	return failure
}

func TestRegisteredErrors(t *testing.T) {
	n, fail := failing(t, map[string]error{
		"plain":   &outOfStock{"fleece", 2},
		"wrapped": fmt.Errorf("ordering: %w", fmt.Errorf("the shelf: %w", &outOfStock{"fleece", 2})),
		"joined":  errors.Join(errors.New("late"), wool.Traced(&outOfStock{"fleece", 2})),
		"empty":   reset{},
		"number":  level(7),
		"odd":     odd{make(chan int)},
	})
	registerErrors(t, n.calling)
	for _, c := range []struct{ routine, message string }{
		{"plain", "fleece: 2 left"},
		{"wrapped", "ordering: the shelf: fleece: 2 left"},
		{"joined", "late\nfleece: 2 left"},
	} {
		err := fail(c.routine)
		var own *outOfStock
		if !errors.As(err, &own) || *own != (outOfStock{"fleece", 2}) {
			t.Errorf("%s: %v, as its own %v", c.routine, err, own)
		}
		if !errors.Is(err, &outOfStock{"fleece", 2}) || errors.Is(err, &outOfStock{"fleece", 3}) || !errors.Is(err, wool.ErrTaskFailed) {
			t.Errorf("%s: errors.Is tells it apart wrongly", c.routine)
		}
		failure := remote(t, err)
		if failure.Type != "app.OutOfStock" || failure.Message != c.message || failure.Cause != nil || failure.Kind != wool.ErrTaskFailed {
			t.Errorf("%s: %#v", c.routine, failure)
		}
		if data, ok := failure.Value.(map[string]any); !ok || data["item"] != "fleece" || data["left"] != int64(2) {
			t.Errorf("%s: data %v", c.routine, failure.Value)
		}
	}
	if last := remote(t, fail("joined")).Traceback; len(last) < 2 {
		t.Errorf("joined: the stack of a wrapped error is lost: %q", last)
	}
	if err := fail("empty"); !errors.Is(err, reset{}) || remote(t, err).Value != nil {
		t.Errorf("empty: %#v", err)
	}
	var seven level
	if err := fail("number"); !errors.As(err, &seven) || seven != 7 || !errors.Is(err, level(7)) || errors.Is(err, level(8)) {
		t.Errorf("number: %#v", err)
	}
	// Data that cannot be encoded is left out; the error arrives.
	var strange odd
	if err := fail("odd"); !errors.As(err, &strange) || strange.Data != nil || remote(t, err).Type != "app.Odd" || remote(t, err).Message != "odd" {
		t.Errorf("odd: %#v", err)
	}
}

func TestErrorsThatAreNotRegisteredHere(t *testing.T) {
	_, fail := failing(t, map[string]error{"plain": &outOfStock{"fleece", 2}})
	err := fail("plain")
	var own *outOfStock
	if errors.As(err, &own) || errors.Is(err, &outOfStock{"fleece", 2}) {
		t.Errorf("%v was found without being registered", own)
	}
	if failure := remote(t, err); failure.Type != "app.OutOfStock" || failure.Value == nil {
		t.Errorf("%#v", failure)
	}
}

// stock is what another program takes app.OutOfStock for.
type stock struct {
	Item  string `wool:"item"`
	Price int    `wool:"price"`
}

func (stock) Error() string { return "stock" }

func TestDataThatDoesNotFit(t *testing.T) {
	n := start(t, map[string]any{"plain": func(context.Context) error { return &outOfStock{"fleece", 2} }})
	registerErrors(t, n.serving)
	lines := &logBuffer{}
	calling := newRuntime(t, wool.WithLogger(slog.New(slog.NewTextHandler(lines, nil))))
	must(t, wool.RegisterError[stock](calling, "app.OutOfStock"))
	pool, err := wool.NewPool(calling, wool.PoolOptions{Addresses: []string{n.worker.Address()}})
	must(t, err)
	_, err = pool.Call(testContext(t), "plain")
	var own stock
	if errors.As(err, &own) || remote(t, err).Value == nil {
		t.Errorf("%#v as %v", err, own)
	}
	poll(t, "a word in the log", func() bool { return strings.Contains(lines.String(), "$.price: the field is missing") })
}

func TestRegisteredErrorPassesThrough(t *testing.T) {
	pools := make(chan *wool.Pool, 1)
	n := start(t, map[string]any{
		"fail": func(context.Context) error { return &outOfStock{"fleece", 2} },
		"outer": func(ctx context.Context) error {
			_, err := (<-pools).Call(ctx, "fail")
			return fmt.Errorf("asking: %w", err)
		},
	})
	registerErrors(t, n.serving)
	registerErrors(t, n.calling)
	// One routine's pool is another runtime's; that knows the name, or does not.
	for _, knows := range []bool{true, false} {
		rt := newRuntime(t)
		if knows {
			registerErrors(t, rt)
		}
		pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{n.worker.Address()}})
		must(t, err)
		pools <- pool
		_, err = n.pool.Call(testContext(t), "outer")
		var own *outOfStock
		if !errors.As(err, &own) || own.Left != 2 || !strings.Contains(err.Error(), "asking: ") {
			t.Errorf("known on the way %v: %#v", knows, err)
		}
	}
}

func TestErrorsThatMisbehave(t *testing.T) {
	deep := error(errors.New("the bottom"))
	for i := range 1000 {
		deep = fmt.Errorf("%d: %w", i%10, deep)
	}
	_, fail := failing(t, map[string]error{
		"hostile": &hostile{}, "wrapped": fmt.Errorf("it says: %w", errors.Join(&hostile{})),
		"nil": (*outOfStock)(nil), "loop": &loop{}, "huge": errors.New(strings.Repeat("x", 1<<20)),
		"large": odd{strings.Repeat("x", 1<<20)}, "deep": deep,
	})
	for _, c := range []struct{ routine, typeName, message string }{
		{"hostile", "wool_test.hostile", "a method of it panicked: no words"},
		{"wrapped", "fmt.wrapError", "it says: "},
		{"nil", "wool_test.outOfStock", "a method of it panicked: runtime error"},
		{"loop", "wool_test.loop", "again"},
		{"huge", "errors.errorString", "xxxxxxxx"},
		{"large", "app.Odd", "odd"},
		{"deep", "fmt.wrapError", "the bottom"},
	} {
		failure := remote(t, fail(c.routine))
		if failure.Kind != wool.ErrTaskFailed || failure.Type != c.typeName || !strings.Contains(failure.Message, c.message) {
			t.Errorf("%s: %.300q %s %v", c.routine, failure.Message, failure.Type, failure.Kind)
		}
	}
}

func TestLargeErrorData(t *testing.T) {
	n := start(t, map[string]any{
		"large": func(context.Context) error { return odd{strings.Repeat("x", 4<<20)} }, "calc.add": add,
	})
	registerErrors(t, n.serving)
	pool, err := wool.NewPool(n.calling, wool.PoolOptions{Addresses: []string{n.worker.Address()}, MaxPayload: 1 << 20})
	must(t, err)
	_, err = pool.Call(testContext(t), "large")
	if failure := remote(t, err); failure.Type != "app.Odd" || failure.Message != "odd" || failure.Value != nil {
		t.Errorf("%.300s, %T", failure.Error(), failure.Value)
	}
}

func TestCauses(t *testing.T) {
	n, fail := failing(t, map[string]error{
		"wrapped": fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", errors.New("core"))),
		"several": errors.Join(errors.New("core"), errors.New("late")),
		"own":     &taleError{"the sheep ran", &taleError{"the gate was open", &outOfStock{"gate", 0}}},
	})
	registerErrors(t, n.calling)
	wrapped := fail("wrapped")
	if text := "fmt.wrapError: outer: inner: core"; wrapped.Error() != text || fmt.Sprintf("%v|%s|%q", wrapped, wrapped, wrapped) != text+"|"+text+`|"`+text+`"` {
		t.Errorf("wrapped: %q, %v", wrapped.Error(), wrapped)
	}
	var texts []string
	for err := wrapped; err != nil; err = errors.Unwrap(err) {
		texts = append(texts, remote(t, err).Message)
	}
	if strings.Join(texts, "|") != "outer: inner: core|inner: core|core" {
		t.Errorf("wrapped: %q", texts)
	}

	own := fail("own")
	several := fail("several")
	if cause := remote(t, several).Cause; cause == nil || remote(t, cause).Message != "core" || several.Error() != "errors.joinError: core\nlate" {
		t.Errorf("several: %q, %#v", several.Error(), cause)
	}

	// The innermost has a registered name: it is what the error is known by.
	if failure := remote(t, own); failure.Type != "app.OutOfStock" || failure.Message != "the sheep ran" {
		t.Errorf("own: %#v", failure)
	}

	if cause := errors.Unwrap(wrapped); remote(t, cause).Language != "go" {
		t.Errorf("the cause is of the language %q", remote(t, cause).Language)
	}
	nameless := &wool.Error{Kind: wool.ErrTaskFailed, Message: "the sheep ran", Language: "c"}
	if nameless.Error() != "the sheep ran" {
		t.Errorf("%q", nameless.Error())
	}

	told := &wool.Error{
		Kind: wool.ErrTaskFailed, Type: "Error", Message: "the sheep ran", Traceback: []string{"shear (farm.js:1)"},
		Cause: &wool.Error{Kind: wool.ErrTaskFailed, Type: "TypeError", Message: "the gate was open", Cause: errors.New("wind")},
	}
	if want := "Error: the sheep ran; caused by TypeError: the gate was open; caused by wind"; told.Error() != want {
		t.Errorf("%q, want %q", told.Error(), want)
	}
	if want := "Error: the sheep ran\n    shear (farm.js:1)\ncaused by TypeError: the gate was open\ncaused by wind"; fmt.Sprintf("%+v", told) != want {
		t.Errorf("%+v, want %q", told, want)
	}
}

// taleError does not repeat its cause.
type taleError struct {
	text  string
	cause error
}

func (e *taleError) Error() string { return e.text }
func (e *taleError) Unwrap() error { return e.cause }

// unfit has a field that no value of the network fits.
type unfit struct{ Hook func() }

func (unfit) Error() string { return "unfit" }

func TestRegisterErrorRefuses(t *testing.T) {
	rt := newRuntime(t)
	registerErrors(t, rt)
	for _, c := range []struct {
		what string
		err  error
		want wool.ErrorKind
	}{
		{"a name twice", wool.RegisterError[stock](rt, "app.Level"), wool.ErrAlreadyExists},
		{"a type twice", wool.RegisterError[level](rt, "app.Height"), wool.ErrAlreadyExists},
		{"no name", wool.RegisterError[stock](rt, ""), wool.ErrInvalidArgument},
		{"a name too long", wool.RegisterError[stock](rt, strings.Repeat("x", 1025)), wool.ErrInvalidArgument},
		{"an interface", wool.RegisterError[error](rt, "app.Any"), wool.ErrInvalidArgument},
		{"wool's own", wool.RegisterError[*wool.Error](rt, "app.Any"), wool.ErrInvalidArgument},
		{"a function", wool.RegisterError[unfit](rt, "app.Unfit"), wool.ErrInvalidArgument},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", c.what, c.err)
		}
	}
	// The pointer is a type of its own.
	must(t, wool.RegisterError[*level](rt, "app.LevelPointer"))
}
