package wool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// accumulate yields a total, to which it adds what is sent. A reset thrown at its yield makes it 0.
func (g *generators) accumulate(_ context.Context, y *wool.Yield[int, int], total int) error {
	defer g.cleaned.Add(1)
	for {
		g.yielded.Add(1)
		n, err := y.Yield(total)
		switch {
		case errors.Is(err, reset{}):
			total = 0
		case err != nil:
			return err
		default:
			total += n
		}
	}
}

func startGenerators(t testing.TB) (*generators, *network) {
	t.Helper()
	g := newGenerators()
	n := start(t, map[string]any{"accumulate": g.accumulate, "count": g.count, "calc.add": add})
	registerErrors(t, n.serving)
	registerErrors(t, n.calling)
	return g, n
}

func open(t testing.TB, n *network, routine string, args ...any) *wool.PullStream {
	t.Helper()
	s, err := n.pool.Stream(testContext(t), routine, args...)
	must(t, err)
	return s
}

func TestSend(t *testing.T) {
	g, n := startGenerators(t)
	s := open(t, n, "accumulate", 10)
	if _, err := s.Send(1); !errors.Is(err, wool.ErrInvalidArgument) || !strings.Contains(err.Error(), "has not begun") {
		t.Errorf("a value before the first item gave %v", err)
	}
	if g.yielded.Load() != 0 {
		t.Error("a refused value has begun the generator")
	}
	expect := func(what string, want int64, item any, err error) {
		t.Helper()
		if err != nil || item != want {
			t.Fatalf("%s gave %v, %v; want %d", what, item, err, want)
		}
	}
	item, err := s.Next()
	expect("the first Next", 10, item, err)
	item, err = s.Send(5)
	expect("Send", 15, item, err)
	item, err = s.Next()
	expect("Next", 15, item, err)
	if _, err := s.Send(make(chan int)); !errors.Is(err, wool.ErrCodec) {
		t.Errorf("sending a channel gave %v", err)
	}
	item, err = s.Send(nil)
	if err == nil {
		t.Errorf("null for an int gave %v", item)
	}
	if failure := remote(t, err); failure.Kind != wool.ErrTaskFailed || failure.Type != "ArgumentError" || !strings.Contains(failure.Message, "accumulate: the value sent: expected int, found null") {
		t.Errorf("null for an int gave %#v", failure)
	}
	for range 2 {
		if _, again := s.Send(1); again != io.EOF {
			t.Errorf("after the end came %v", again)
		}
	}
	must(t, s.Close(testContext(t)))
}

func TestThrow(t *testing.T) {
	g, n := startGenerators(t)
	ctx := testContext(t)
	s := open(t, n, "accumulate", 10)
	_, err := s.Next()
	must(t, err)
	if item, err := s.Throw(reset{}); err != nil || item != int64(0) {
		t.Errorf("a reset gave %v, %v", item, err)
	}
	if item, err := s.Send(3); err != nil || item != int64(3) {
		t.Errorf("after the reset came %v, %v", item, err)
	}
	if _, err := s.Throw(nil); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("throwing nil gave %v", err)
	}
	// What the generator does not handle comes back as what it was, with its causes.
	_, err = s.Throw(fmt.Errorf("audit: %w", &taleError{"empty shelf", errors.Join(&outOfStock{"fleece", 1})}))
	var own *outOfStock
	if !errors.As(err, &own) || own.Left != 1 || remote(t, err).Kind != wool.ErrTaskFailed || remote(t, err).Message != "audit: empty shelf" {
		t.Errorf("an error that is not handled gave %#v", err)
	}
	if _, again := s.Throw(reset{}); again != io.EOF {
		t.Errorf("after the end came %v", again)
	}

	s = open(t, n, "accumulate", 10)
	_, err = s.Next()
	must(t, err)
	_, err = s.Throw(fmt.Errorf("outer: %w", errors.New("inner")))
	failure := remote(t, err)
	if failure.Type != "fmt.wrapError" || failure.Message != "outer: inner" || failure.Cause == nil || remote(t, failure.Cause).Message != "inner" {
		t.Errorf("an unregistered error gave %#v", failure)
	}
	if g.cleaned.Load() != 2 {
		t.Errorf("%d of 2 clean-ups ran", g.cleaned.Load())
	}

	// Thrown first, it is the outcome, and nothing runs.
	s = open(t, n, "accumulate", 10)
	_, err = s.Throw(&outOfStock{"wool", 0})
	if !errors.Is(err, &outOfStock{"wool", 0}) {
		t.Errorf("an error thrown first gave %v", err)
	}
	if _, again := s.Next(); again != io.EOF {
		t.Errorf("after it came %v", again)
	}
	must(t, s.Close(ctx))
	if g.cleaned.Load() != 2 {
		t.Error("a generator began to which an error was thrown first")
	}
}

func TestWhatTheRoutineSees(t *testing.T) {
	thrown := make(chan error, 1)
	sent := make(chan any, 1)
	n := start(t, map[string]any{"look": func(_ context.Context, y *wool.Yield[any, string]) error {
		for {
			value, err := y.Yield("next")
			if errors.Is(err, wool.ErrStreamClosed) {
				return err
			}
			thrown <- err
			sent <- value
		}
	}})
	must(t, wool.RegisterError[*outOfStock](n.serving, "app.OutOfStock"))
	must(t, wool.RegisterError[*outOfStock](n.calling, "app.OutOfStock"))
	s := open(t, n, "look")
	_, err := s.Next()
	must(t, err)
	for _, value := range []any{nil, "text", []any{int64(1)}, strings.Repeat("long", 100_000)} {
		if _, err := s.Send(value); err != nil {
			t.Fatal(err)
		}
		if err, got := <-thrown, <-sent; err != nil || !reflect.DeepEqual(got, value) {
			t.Errorf("%v came as %v, %v", value, got, err)
		}
	}
	if _, err := s.Throw(&outOfStock{"fleece", 1}); err != nil {
		t.Fatal(err)
	}
	var own *outOfStock
	if err, value := <-thrown, <-sent; !errors.As(err, &own) || own.Item != "fleece" || value != nil {
		t.Errorf("a registered error came as %#v, with %v", err, value)
	}
	if _, err := s.Throw(level(3)); err != nil {
		t.Fatal(err)
	}
	if failure := remote(t, <-thrown); failure.Type != "wool_test.level" || failure.Message != "level 3" {
		t.Errorf("an unregistered error came as %#v", failure)
	}
	<-sent
	must(t, s.Close(testContext(t)))
}

func TestPrefetchIsForIteration(t *testing.T) {
	_, n := startGenerators(t)
	for _, prefetch := range []uint32{1, 7, math.MaxUint32} {
		s := open(t, n, "count", endless, wool.CallOptions{Prefetch: prefetch})
		for i := range int64(40) {
			if i == 20 {
				if _, err := s.Send(1); !errors.Is(err, wool.ErrInvalidArgument) || !strings.Contains(err.Error(), "Prefetch") {
					t.Errorf("prefetch %d: Send gave %v", prefetch, err)
				}
				if _, err := s.Throw(reset{}); !errors.Is(err, wool.ErrInvalidArgument) {
					t.Errorf("prefetch %d: Throw gave %v", prefetch, err)
				}
			}
			if item, err := s.Next(); err != nil || item != i {
				t.Fatalf("prefetch %d: item %v, %v; want %d", prefetch, item, err, i)
			}
		}
		must(t, s.Close(testContext(t)))
	}
}

func TestStepsAfterClose(t *testing.T) {
	_, n := startGenerators(t)
	s := open(t, n, "accumulate", 1)
	_, err := s.Next()
	must(t, err)
	must(t, s.Close(testContext(t)))
	if _, err := s.Send(1); err != io.EOF {
		t.Errorf("Send after Close gave %v", err)
	}
	if _, err := s.Throw(reset{}); err != io.EOF {
		t.Errorf("Throw after Close gave %v", err)
	}
	ended := open(t, n, "count", 0)
	for range 2 {
		if _, err := ended.Next(); err != io.EOF {
			t.Errorf("Next gave %v", err)
		}
		if _, err := ended.Send(1); err != io.EOF {
			t.Errorf("Send after the end gave %v", err)
		}
		if _, err := ended.Throw(reset{}); err != io.EOF {
			t.Errorf("Throw after the end gave %v", err)
		}
	}
}

func TestManyGoroutinesStepOneAfterTheOther(t *testing.T) {
	_, n := startGenerators(t)
	s := open(t, n, "accumulate", 0)
	_, err := s.Next()
	must(t, err)
	const steppers, steps = 8, 25
	totals := make(chan int, steppers*steps)
	var group sync.WaitGroup
	for range steppers {
		group.Add(1)
		go func() {
			defer group.Done()
			for range steps {
				var total int
				if err := s.SendInto(1, &total); err != nil {
					t.Error(err)
				}
				totals <- total
			}
		}()
	}
	group.Wait()
	close(totals)
	seen := make(map[int]bool)
	for total := range totals {
		seen[total] = true
	}
	if len(seen) != steppers*steps || !seen[1] || !seen[steppers*steps] {
		t.Errorf("%d different totals of %d steps", len(seen), steppers*steps)
	}
	must(t, s.Close(testContext(t)))
}

// A routine that does not look at Yield's error must not run for ever.
func TestRoutineThatYieldsOn(t *testing.T) {
	ended := make(chan struct{}, 3)
	n := start(t, map[string]any{
		"stubborn": func(_ context.Context, y *wool.Yield[any, int]) error {
			defer func() { ended <- struct{}{} }()
			for i := 0; ; i++ {
				_, _ = y.Yield(i)
			}
		},
		"unsendable": func(_ context.Context, y *wool.Yield[any, any]) error {
			defer func() { ended <- struct{}{} }()
			for {
				_, _ = y.Yield(make(chan int))
			}
		},
		"calc.add": add,
	})
	ctx := testContext(t)
	s := open(t, n, "stubborn")
	_, err := s.Next()
	must(t, err)
	failure := remote(t, s.Close(ctx))
	if failure.Kind != wool.ErrTaskFailed || failure.Type != "StreamClosed" || failure.Message != "stubborn yielded an item after its stream was closed" {
		t.Errorf("closing a routine that yields on gave %#v", failure)
	}
	await(t, "the end of the closed routine", ended)

	cancelled, cancel := context.WithCancel(ctx)
	s, err = n.pool.Stream(cancelled, "stubborn")
	must(t, err)
	_, err = s.Next()
	must(t, err)
	cancel()
	await(t, "the end of the cancelled routine", ended)

	_, err = open(t, n, "unsendable").Next()
	if failure := remote(t, err); !strings.Contains(failure.Message, "chan int") {
		t.Errorf("items that cannot be sent gave %#v", failure)
	}
	await(t, "the end of the routine whose items cannot be sent", ended)
	if sum, err := wool.Call[int](ctx, n.pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("1 + 2 = %d, %v", sum, err)
	}
}

func TestReturnOnSendIsTheEnd(t *testing.T) {
	n := start(t, map[string]any{"once": func(_ context.Context, y *wool.Yield[string, int]) error {
		word, err := y.Yield(1)
		if err == nil && word != "enough" {
			err = fmt.Errorf("sent %q", word)
		}
		return err
	}})
	s := open(t, n, "once")
	_, err := s.Next()
	must(t, err)
	if _, err := s.Send("enough"); err != io.EOF {
		t.Errorf("the end came as %v", err)
	}
}

func TestTypedStream(t *testing.T) {
	_, n := startGenerators(t)
	ctx := testContext(t)
	s, err := wool.OpenStream[int, int](ctx, n.pool, "accumulate", 10)
	must(t, err)
	total, err := s.Next()
	must(t, err)
	more, err := s.Send(5)
	must(t, err)
	none, err := s.Throw(reset{})
	must(t, err)
	if total != 10 || more != 15 || none != 0 {
		t.Errorf("%d, %d, %d", total, more, none)
	}
	must(t, s.Close(ctx))
	if _, err := wool.OpenStream[int, int](ctx, n.pool, "accumulate", make(chan int)); !errors.Is(err, wool.ErrCodec) {
		t.Errorf("a channel gave %v", err)
	}
}

func TestStepTimeout(t *testing.T) {
	cancelled := make(chan error, 2)
	n := start(t, map[string]any{"stall": func(ctx context.Context, y *wool.Yield[any, int]) error {
		if _, err := y.Yield(0); err != nil {
			return err
		}
		<-ctx.Done()
		cancelled <- ctx.Err()
		return ctx.Err()
	}, "calc.add": add})
	_, err := n.pool.Call(testContext(t), "calc.add", 1, 2) // the connection stands before the budget begins
	must(t, err)
	for _, prefetch := range []uint32{0, 4} {
		s := open(t, n, "stall", wool.CallOptions{StepTimeout: time.Second, Prefetch: prefetch})
		_, err := s.Next()
		must(t, err)
		_, err = s.Next()
		// The context's own deadline is far away.
		if !errors.Is(err, wool.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a step that takes too long gave %v", err)
		}
		if _, again := s.Next(); again != io.EOF {
			t.Errorf("then came %v", again)
		}
		await(t, "the cancellation", cancelled)
	}

	// Between steps there is no bound, and the longest is none.
	s := open(t, n, "stall", wool.CallOptions{StepTimeout: math.MaxInt64})
	if item, err := s.Next(); err != nil || item != int64(0) {
		t.Errorf("a huge budget gave %v, %v", item, err)
	}
	must(t, s.Close(testContext(t)))
}

func TestNegativeTimes(t *testing.T) {
	_, n := startGenerators(t)
	ctx := testContext(t)
	for _, options := range []wool.CallOptions{{StepTimeout: -1}, {DispatchTimeout: -time.Hour}} {
		if _, err := n.pool.Stream(ctx, "count", 1, options); !errors.Is(err, wool.ErrInvalidArgument) || !strings.Contains(err.Error(), "negative") {
			t.Errorf("%+v gave %v", options, err)
		}
		if _, err := n.pool.Call(ctx, "calc.add", 1, 2, options); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("%+v gave %v", options, err)
		}
	}
	for _, options := range []wool.PoolOptions{{Spawn: -1, QuorumTimeout: -1}, {Spawn: -1, DispatchTimeout: -time.Hour}} {
		if _, err := wool.NewPool(n.calling, options); !errors.Is(err, wool.ErrInvalidArgument) || !strings.Contains(err.Error(), "negative") {
			t.Errorf("%+v gave %v", options, err)
		}
	}
	past, cancel := context.WithTimeout(ctx, -time.Second)
	defer cancel()
	if _, err := n.pool.Call(past, "calc.add", 1, 2); !errors.Is(err, wool.ErrDeadlineExceeded) {
		t.Errorf("a deadline in the past gave %v", err)
	}
}

// As many routines as one likes block, and others go on.
func TestBlockingRoutines(t *testing.T) {
	release, stop := make(chan struct{}), make(chan struct{})
	var blocked, burning sync.WaitGroup
	n := start(t, map[string]any{
		"block": func(context.Context) error { blocked.Done(); <-release; return nil },
		"burn": func(context.Context) (n int, _ error) {
			burning.Done()
			for {
				select {
				case <-stop:
					return n, nil
				default:
					n++
				}
			}
		},
		"calc.add": add,
	})
	const blocking, busy = 500, 16
	blocked.Add(blocking)
	burning.Add(busy)
	ctx := testContext(t)
	ends := make(chan error, blocking+busy)
	for i := range blocking + busy {
		routine := "block"
		if i < busy {
			routine = "burn"
		}
		go func() {
			_, err := n.pool.Call(ctx, routine)
			ends <- err
		}()
	}
	blocked.Wait()
	burning.Wait()
	if sum, err := wool.Call[int](ctx, n.pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("1 + 2 = %d, %v", sum, err)
	}
	close(release)
	close(stop)
	for range blocking + busy {
		must(t, await(t, "the end of a routine", ends))
	}
}

// Whatever is asked of many generators at once, each ends, and cleans up once if it has begun.
func TestGeneratorStorm(t *testing.T) {
	g, n := startGenerators(t)
	const storms, rounds = 8, 40
	var begun atomic.Int64
	var group sync.WaitGroup
	for storm := range storms {
		group.Add(1)
		go func() {
			defer group.Done()
			dice := rand.New(rand.NewPCG(1, uint64(storm)))
			for range rounds {
				if stormOn(t, n, dice) {
					begun.Add(1)
				}
			}
		}()
	}
	group.Wait()
	poll(t, "the clean-ups", func() bool { return g.cleaned.Load() == begun.Load() })
	if sum, err := wool.Call[int](testContext(t), n.pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("1 + 2 = %d, %v", sum, err)
	}
}

// stormOn reports whether an item has come, so that the generator has begun.
func stormOn(t *testing.T, n *network, dice *rand.Rand) (begun bool) {
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	s, err := n.pool.Stream(ctx, "accumulate", 1)
	if err != nil {
		t.Error(err)
		return false
	}
	if _, err := s.Next(); err != nil {
		t.Error(err)
		return false
	}
	for {
		var err error
		switch dice.IntN(8) {
		case 0:
			_, err = s.Next()
		case 1:
			_, err = s.Send(strings.Repeat("x", dice.IntN(1<<17))) // no int
		case 2:
			_, err = s.Throw(reset{})
		case 3:
			_, err = s.Throw(&outOfStock{strings.Repeat("x", dice.IntN(1<<10)), 1})
		case 4:
			cancel()
		case 5:
			go cancel()
			_, err = s.Send(1)
		case 6:
			go s.Close(ctx)
			_, err = s.Send(2)
		default:
			_, err = s.Send(3)
		}
		switch {
		case err == nil:
		case err == io.EOF, errors.Is(err, wool.ErrCancelled), errors.Is(err, wool.ErrTaskFailed):
			_ = s.Close(ctx)
			return true
		default:
			t.Errorf("the stream ended with %v", err)
			return true
		}
	}
}
