package wool_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func TestCall(t *testing.T) {
	n := start(t, map[string]any{"calc.add": add, "echo": echo})
	ctx := testContext(t)
	if sum, err := wool.Call[int](ctx, n.pool, "calc.add", 2, 3); err != nil || sum != 5 {
		t.Errorf("2 + 3 = %d, %v", sum, err)
	}
	if sum, err := n.pool.Call(ctx, "calc.add", int8(2), uint64(3)); err != nil || sum != int64(5) {
		t.Errorf("2 + 3 = %v, %v", sum, err)
	}
	if sum, err := wool.Call[float64](ctx, n.pool, "calc.add", 2, 3); err != nil || sum != 5 {
		t.Errorf("2 + 3 = %v, %v", sum, err)
	}
	day, err := wool.NewDate(2024, time.February, 29)
	must(t, err)
	for _, value := range []any{
		nil, true, int64(-7), 1.5, "wool 🐑", []byte{0, 255}, []any{int64(1), "x"}, map[string]any{"a": nil},
		map[any]any{int64(1): "one"}, wool.Tuple{int64(1), int64(2)}, wool.Set{"a"}, wool.Decimal("1.10"),
		wool.UUID{1, 2, 3}, day, wool.TimeOfDay(5), time.Second, time.Unix(1700000000, 5).UTC(),
		new(big.Int).Lsh(big.NewInt(1), 100), wool.Extension{Type: "geometry.Point", Value: []any{1.5}},
		wool.Map{{Key: []byte("k"), Value: int64(1)}}, strings.Repeat("long ", 100_000),
	} {
		if back, err := n.pool.Call(ctx, "echo", value); err != nil || !reflect.DeepEqual(back, value) {
			t.Errorf("%v came back as %v, %v", value, back, err)
		}
	}
}

func TestArguments(t *testing.T) {
	rt := newRuntime(t)
	must(t, wool.Register(rt, "scale", func(_ context.Context, width int, factor float64) (float64, error) {
		return float64(width) * factor, nil
	}, wool.WithParameters("width", "factor"), wool.WithDoc("Multiplies.")))
	must(t, wool.Register(rt, "sum", func(_ context.Context, start int, others ...int) (int, error) {
		for _, n := range others {
			start += n
		}
		return start, nil
	}))
	must(t, wool.Register(rt, "named", func(_ context.Context, first string, named wool.Named) (string, error) {
		return fmt.Sprint(first, len(named), named["k"]), nil
	}))
	must(t, wool.Register(rt, "nothing", func(context.Context) error { return nil }))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	must(t, err)
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	must(t, err)
	ctx := testContext(t)
	for _, c := range []struct {
		routine string
		args    []any
		want    any
		failure string
	}{
		{routine: "scale", args: []any{10, 0.5}, want: 5.0},
		{routine: "scale", args: []any{10, wool.Named{"factor": 2}}, want: 20.0},
		{routine: "scale", args: []any{wool.Named{"factor": 2, "width": 3}, wool.CallOptions{Tag: "x"}}, want: 6.0},
		{routine: "sum", args: []any{1}, want: int64(1)},
		{routine: "sum", args: []any{1, 2, 3}, want: int64(6)},
		{routine: "named", args: []any{"a", wool.Named{"k": "v"}}, want: "a1v"},
		{routine: "named", args: []any{"a"}, want: "a0 <nil>"},
		{routine: "nothing", want: nil},
		{routine: "scale", args: []any{10}, failure: `scale: expects 2 arguments, got 1: "factor" is missing`},
		{routine: "scale", args: []any{10, 1.0, 3}, failure: "scale: expects 2 arguments, got 3"},
		{routine: "scale", args: []any{"x", 1.0}, failure: `scale: argument 1 "width" ($[0]): expected int, found string`},
		{routine: "sum", args: []any{1, 2, "x"}, failure: "sum: argument 3 ($[2]): expected int, found string"},
		{routine: "scale", args: []any{10, wool.Named{"height": 2}}, failure: `scale: takes no argument named "height"`},
		{routine: "scale", args: []any{wool.Named{"width": "x", "factor": 1}}, failure: `scale: argument "width" ($.width): expected int, found string`},
	} {
		got, err := pool.Call(ctx, c.routine, c.args...)
		if c.failure == "" {
			if err != nil || got != c.want {
				t.Errorf("%s%v gave %v, %v; want %v", c.routine, c.args, got, err, c.want)
			}
			continue
		}
		var failure *wool.Error
		if !errors.As(err, &failure) || failure.Message != c.failure || failure.Kind != wool.ErrTaskFailed {
			t.Errorf("%s%v gave %v, %v; want %s", c.routine, c.args, got, err, c.failure)
		}
	}
	if _, err := pool.Call(ctx, "sum", wool.Named{}, wool.Named{}); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("two Named gave %v", err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	rt := newRuntime(t)
	for _, fn := range []any{
		nil, 1, (func(context.Context) error)(nil), func() error { return nil }, func(context.Context) {},
		func(context.Context) int { return 1 }, func(context.Context, chan int) error { return nil },
		func(context.Context, struct{}) error { return nil },
		func(context.Context, *wool.Yield[any, int]) (int, error) { return 0, nil },
	} {
		if err := wool.Register(rt, "refused", fn); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("registering a %T gave %v", fn, err)
		}
	}
	if err := wool.Register(rt, "refused", add, wool.WithParameters("a", "b", "c")); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("three names for two parameters gave %v", err)
	}
	must(t, wool.Register(rt, "calc.add", add))
	if err := wool.Register(rt, "calc.add", add); !errors.Is(err, wool.ErrAlreadyExists) {
		t.Errorf("registering twice gave %v", err)
	}
}

func TestCallErrors(t *testing.T) {
	n := start(t, map[string]any{"echo": echo})
	ctx := testContext(t)
	if _, err := n.pool.Call(ctx, "no.such.routine"); !errors.Is(err, wool.ErrRoutineNotFound) {
		t.Errorf("an unknown routine gave %v", err)
	}
	_, err := n.pool.Call(ctx, "echo", map[string]any{"deep": []any{make(chan int)}})
	var value *wool.ValueError
	if !errors.Is(err, wool.ErrCodec) || !errors.As(err, &value) || value.Path() != "$[0].deep[0]" {
		t.Errorf("a channel gave %v", err)
	}
	if _, err := wool.Call[int](ctx, n.pool, "echo", "x"); !errors.Is(err, wool.ErrCodec) || !strings.Contains(err.Error(), "expected int, found string") {
		t.Errorf("a string as int gave %v", err)
	}
	unreachable, err := wool.NewPool(n.calling, wool.PoolOptions{Addresses: []string{"127.0.0.1:1"}})
	must(t, err)
	_, err = unreachable.Call(ctx, "echo", 1, wool.CallOptions{DispatchTimeout: time.Millisecond})
	var failure *wool.Error
	if !errors.Is(err, wool.ErrNoWorkersAvailable) || !errors.As(err, &failure) || !failure.Retryable {
		t.Errorf("a pool without workers gave %v", err)
	}
}

func TestCancel(t *testing.T) {
	started, seen := make(chan struct{}), make(chan error, 1)
	n := start(t, map[string]any{"wait": func(ctx context.Context) error {
		close(started)
		<-ctx.Done()
		seen <- ctx.Err()
		return ctx.Err()
	}})
	why := errors.New("nobody wants it any more")
	ctx, cancel := context.WithCancelCause(testContext(t))
	outcome := make(chan error)
	go func() {
		_, err := n.pool.Call(ctx, "wait")
		outcome <- err
	}()
	await(t, "the routine", started)
	cancel(why)
	err := await(t, "the call's end", outcome)
	if !errors.Is(err, wool.ErrCancelled) || !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("the call ended with %v", err)
	}
	if err := await(t, "the routine's cancellation", seen); err != context.Canceled {
		t.Errorf("the routine saw %v", err)
	}
	if _, err := n.pool.Call(ctx, "wait"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call with an ended context gave %v", err)
	}
}

func TestDeadline(t *testing.T) {
	seen, ended := make(chan bool, 1), make(chan error, 1)
	n := start(t, map[string]any{"wait": func(ctx context.Context) error {
		_, bounded := ctx.Deadline()
		seen <- bounded
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}, "echo": echo})
	_, err := n.pool.Call(testContext(t), "echo", 1) // the connection stands before the budget begins
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = n.pool.Call(ctx, "wait")
	if !errors.Is(err, wool.ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the call ended with %v", err)
	}
	if !await(t, "the routine", seen) {
		t.Error("the routine's context has no deadline")
	}
	if err := await(t, "the routine's end", ended); err == nil {
		t.Error("the routine's context has not ended")
	}
	if _, err := n.pool.Call(ctx, "wait"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call with a passed deadline gave %v", err)
	}
}

func TestConcurrentCalls(t *testing.T) {
	const calls = 1000
	n := start(t, map[string]any{"echo": echo, "gate": func(ctx context.Context) error {
		<-ctx.Done()
		return nil
	}}, wool.WorkerOptions{Concurrency: 2 * calls})
	ctx := testContext(t)
	waiting, release := context.WithCancel(ctx)
	var group sync.WaitGroup
	for i := range calls {
		group.Add(2)
		go func() {
			defer group.Done()
			if back, err := wool.Call[int](ctx, n.pool, "echo", i); err != nil || back != i {
				t.Errorf("%d came back as %d, %v", i, back, err)
			}
		}()
		go func() {
			defer group.Done()
			if _, err := n.pool.Call(waiting, "gate"); !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled call gave %v", err)
			}
		}()
	}
	release()
	group.Wait()
}

func TestTaskInfo(t *testing.T) {
	n := start(t, map[string]any{"who": func(ctx context.Context) (wool.Tuple, error) {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		info, ok := wool.TaskFromContext(inner)
		return wool.Tuple{ok, info.Routine, info.ID, info.Worker}, nil
	}})
	told, err := wool.Call[wool.Tuple](testContext(t), n.pool, "who")
	must(t, err)
	if told[0] != true || told[1] != "who" || told[2] == (wool.UUID{}) || fmt.Sprint(told[3]) != n.worker.UID() {
		t.Errorf("told %v by worker %s", told, n.worker.UID())
	}
	if _, ok := wool.TaskFromContext(context.Background()); ok {
		t.Error("a context of no task told of one")
	}
}

func BenchmarkCall(b *testing.B) {
	n := start(b, map[string]any{"calc.add": add})
	ctx := context.Background()
	if _, err := n.pool.Call(ctx, "calc.add", 1, 2); err != nil {
		b.Fatal(err)
	}
	for _, inFlight := range []int{1, 64, 256} {
		b.Run(fmt.Sprint("InFlight", inFlight), func(b *testing.B) {
			b.ReportAllocs()
			left := make(chan struct{}, inFlight)
			var group sync.WaitGroup
			for range inFlight {
				group.Add(1)
				go func() {
					defer group.Done()
					for range left {
						if _, err := wool.Call[int](ctx, n.pool, "calc.add", 1, 2); err != nil {
							b.Error(err)
						}
					}
				}()
			}
			for range b.N {
				left <- struct{}{}
			}
			close(left)
			group.Wait()
		})
	}
}
