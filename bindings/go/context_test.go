package wool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

var (
	who      = wool.ContextKey{Namespace: "shop", Name: "who"}
	priority = wool.ContextKey{Namespace: "shop", Name: "priority"}
	order    = wool.ContextKey{Namespace: "shop", Name: "order"}
	elsewho  = wool.ContextKey{Namespace: "depot", Name: "who"}
)

type orderContext struct {
	Number int      `wool:"number"`
	Items  []string `wool:"items"`
}

// lookUp is a routine that tells what rides along with its own call.
func lookUp(ctx context.Context, namespace, name string) ([]any, error) {
	value := any("untouched")
	there, err := wool.ContextValue(ctx, wool.ContextKey{Namespace: namespace, Name: name}, &value)
	return []any{there, value}, err
}

func TestContextValues(t *testing.T) {
	n := start(t, map[string]any{"look.up": lookUp})
	given := map[wool.ContextKey]any{who: "Dolly", priority: 3, elsewho: nil, {}: []byte{0, 0xff}, order: orderContext{7, []string{"shears"}}}
	look := func(key wool.ContextKey, context map[wool.ContextKey]any) string {
		found, err := n.pool.Call(testContext(t), "look.up", key.Namespace, key.Name, wool.CallOptions{Context: context})
		must(t, err)
		return fmt.Sprint(found)
	}
	for _, c := range []struct {
		key  wool.ContextKey
		want string
	}{
		{who, "[true Dolly]"},
		{priority, "[true 3]"},
		{elsewho, "[true <nil>]"},
		{wool.ContextKey{}, "[true [0 255]]"},
		{order, "[true map[items:[shears] number:7]]"},
		{wool.ContextKey{Namespace: "who", Name: "shop"}, "[false untouched]"},
	} {
		if found := look(c.key, given); found != c.want {
			t.Errorf("%s: %s, expected %s", c.key, found, c.want)
		}
	}
	for _, none := range []map[wool.ContextKey]any{nil, {}, {elsewho: 1}} {
		if found := look(who, none); found != "[false untouched]" {
			t.Errorf("a call with %v found %s", none, found)
		}
	}
}

// A generator reads them for as long as it runs, by contexts derived from its own, too.
func TestContextValuesOfAStream(t *testing.T) {
	n := start(t, map[string]any{"orders": func(ctx context.Context, y *wool.Yield[any, orderContext]) error {
		ctx, cancel := context.WithTimeout(ctx, watchdog)
		defer cancel()
		for {
			var item orderContext
			if there, err := wool.ContextValue(ctx, order, &item); !there || err != nil {
				return fmt.Errorf("found %t: %w", there, err)
			}
			if _, err := y.Yield(item); err != nil {
				return err
			}
		}
	}})
	given := map[wool.ContextKey]any{order: map[string]any{"number": 7, "items": []string{"shears"}}}
	items := 0
	for item, err := range wool.Stream[orderContext](testContext(t), n.pool, "orders", wool.CallOptions{Context: given}) {
		must(t, err)
		if item.Number != 7 || len(item.Items) != 1 || item.Items[0] != "shears" {
			t.Fatalf("item %d is %v", items, item)
		}
		if items++; items == 3 {
			break
		}
	}
	if items != 3 {
		t.Errorf("%d items", items)
	}
}

func TestContextValuesThatDoNotTravel(t *testing.T) {
	n := start(t, map[string]any{"never": func(context.Context) error {
		t.Error("the routine ran")
		return nil
	}})
	for _, c := range []struct {
		context map[wool.ContextKey]any
		kind    wool.ErrorKind
		message string
	}{
		{map[wool.ContextKey]any{who: []any{1, make(chan int)}}, wool.ErrCodec, "context shop.who of never: $[1]: "},
		{map[wool.ContextKey]any{priority: 1, who: strings.Repeat("x", 64<<10)}, wool.ErrPayloadTooLarge, "shop.who"},
		{map[wool.ContextKey]any{{Namespace: "\xff"}: 1}, wool.ErrInvalidArgument, "UTF-8"},
	} {
		options := wool.CallOptions{Context: c.context}
		_, called := n.pool.Call(testContext(t), "never", options)
		stream, opened := n.pool.Stream(testContext(t), "never", options)
		if opened == nil {
			_ = stream.Close(testContext(t))
		}
		for _, err := range []error{called, opened} {
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("expected %v, %q: %v", c.kind, c.message, err)
			}
		}
	}
}

// What a target cannot hold is an error, which the routine may well return.
func TestContextValuesOfAnotherType(t *testing.T) {
	n := start(t, map[string]any{"look.up": func(ctx context.Context) (int, error) {
		var number int
		there, err := wool.ContextValue(ctx, who, &number)
		if there || !errors.Is(err, wool.ErrCodec) {
			t.Errorf("a string went into an int: %t, %v", there, err)
		}
		return number, err
	}})
	_, err := n.pool.Call(testContext(t), "look.up", wool.CallOptions{Context: map[wool.ContextKey]any{who: "Dolly"}})
	if failure := remote(t, err); !strings.Contains(failure.Message, "context shop.who of look.up: expected int, found string") {
		t.Error(failure)
	}
}

// What the core lends goes with the task's answer, whoever reads it then.
func TestContextValuesAfterTheTask(t *testing.T) {
	type reading struct {
		found string
		err   error
	}
	readings := make(chan reading)
	read := func(ctx context.Context) {
		for {
			var found string
			if there, err := wool.ContextValue(ctx, who, &found); !there || err != nil || found != "Dolly" {
				readings <- reading{found, err}
				return
			}
		}
	}
	n := start(t, map[string]any{
		"unary": func(ctx context.Context) error {
			go read(ctx)
			return nil
		},
		"stream": func(ctx context.Context, y *wool.Yield[any, int]) error {
			go read(ctx)
			for range 3 {
				if _, err := y.Yield(1); err != nil {
					return err
				}
			}
			return nil
		},
		"fail": func(ctx context.Context) error {
			go read(ctx)
			return io.ErrUnexpectedEOF
		},
	})
	options := wool.CallOptions{Context: map[wool.ContextKey]any{who: "Dolly"}}
	for range 20 {
		for _, routine := range []string{"unary", "stream", "fail"} {
			if routine == "stream" {
				for _, err := range wool.Stream[int](testContext(t), n.pool, routine, options) {
					must(t, err)
				}
			} else if _, err := n.pool.Call(testContext(t), routine, options); (err != nil) != (routine == "fail") {
				t.Fatal(err)
			}
			if end := await(t, "the reader", readings); !errors.Is(end.err, wool.ErrClosed) || end.found != "" {
				t.Fatalf("%s: the reader ended with %+v", routine, end)
			}
		}
	}
	if there, err := wool.ContextValue(context.Background(), who, nil); there || err != nil {
		t.Errorf("a context of no task has a value: %t, %v", there, err)
	}
}

func TestContextValuesInAdmission(t *testing.T) {
	asked := make(chan wool.AdmissionRequest, 1)
	n := start(t, map[string]any{"calc.add": add}, wool.WorkerOptions{Admit: func(_ context.Context, request wool.AdmissionRequest) error {
		var name string
		there, err := request.ContextValue(who, &name)
		switch {
		case err != nil:
			return err
		case !there:
			return errors.New("nobody is no friend")
		case name != "Dolly":
			return fmt.Errorf("%s is no friend", name)
		}
		asked <- request
		return nil
	}})
	call := func(context map[wool.ContextKey]any) error {
		_, err := n.pool.Call(testContext(t), "calc.add", 1, 2, wool.CallOptions{Context: context, DispatchTimeout: time.Second})
		return err
	}
	must(t, call(map[wool.ContextKey]any{who: "Dolly", elsewho: "the wolf", priority: 3}))
	// The request is the hook's own: it can be read when the call is long over.
	request := await(t, "the hook", asked)
	number := 0
	if there, err := request.ContextValue(priority, &number); !there || err != nil || number != 3 {
		t.Errorf("the priority is %d: %t, %v", number, there, err)
	}
	if there, err := request.ContextValue(order, &number); there || err != nil || number != 3 {
		t.Errorf("there is an order %d: %t, %v", number, there, err)
	}
	for _, c := range []struct {
		context map[wool.ContextKey]any
		message string
	}{
		{map[wool.ContextKey]any{who: "the wolf"}, "the wolf is no friend"},
		{map[wool.ContextKey]any{elsewho: "Dolly"}, "nobody is no friend"},
		{nil, "nobody is no friend"},
		{map[wool.ContextKey]any{who: 1}, "context shop.who of calc.add: expected string, found int"},
	} {
		failure := remote(t, call(c.context))
		if failure.Kind != wool.ErrPermissionDenied || !strings.Contains(failure.Message, c.message) {
			t.Errorf("%v: %v", c.context, failure)
		}
	}
}
