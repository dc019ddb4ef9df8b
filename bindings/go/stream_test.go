package wool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// generators are routines that count how far they ran and how often their clean-up did.
type generators struct {
	yielded, cleaned atomic.Int64
	// closedBy gets the error with which each generator's Yield ended it.
	closedBy chan error
}

func newGenerators() *generators { return &generators{closedBy: make(chan error, 16)} }

func (g *generators) count(_ context.Context, y *wool.Yield[any, int], n int) error {
	defer g.cleaned.Add(1)
	for i := range n {
		g.yielded.Add(1)
		if _, err := y.Yield(i); err != nil {
			g.closedBy <- err
			return err
		}
	}
	return nil
}

func (g *generators) failAfter(_ context.Context, y *wool.Yield[any, string], n int) error {
	defer g.cleaned.Add(1)
	for i := range n {
		if _, err := y.Yield(fmt.Sprint(i)); err != nil {
			return err
		}
	}
	return errors.New("no more wool")
}

const endless = 1 << 40

func TestStream(t *testing.T) {
	g := newGenerators()
	n := start(t, map[string]any{"count": g.count, "fail": g.failAfter, "calc.add": add})
	ctx := testContext(t)
	for _, options := range [][]any{{500}, {500, wool.CallOptions{Prefetch: 64}}, {0}, {0, wool.CallOptions{Prefetch: 7}}} {
		next := 0
		for item, err := range wool.Stream[int](ctx, n.pool, "count", options...) {
			if err != nil || item != next {
				t.Fatalf("item %d is %d, %v", next, item, err)
			}
			next++
		}
		if next != options[0] {
			t.Errorf("%d items of %v", next, options)
		}
	}
	if cleaned := g.cleaned.Load(); cleaned != 4 {
		t.Errorf("%d of 4 clean-ups ran", cleaned)
	}

	var items []string
	var failure error
	for item, err := range wool.Stream[string](ctx, n.pool, "fail", 3) {
		if failure = err; err == nil {
			items = append(items, item)
		}
	}
	if len(items) != 3 || !errors.Is(failure, wool.ErrTaskFailed) {
		t.Errorf("items %q, then %v", items, failure)
	}

	for range 2 {
		for _, err := range wool.Stream[int](ctx, n.pool, "no.such.stream") {
			if !errors.Is(err, wool.ErrRoutineNotFound) {
				t.Errorf("an unknown stream gave %v", err)
			}
		}
	}
	for _, err := range wool.Stream[int](ctx, n.pool, "count", "three") {
		if !errors.Is(err, wool.ErrTaskFailed) {
			t.Errorf("a wrong argument gave %v", err)
		}
	}
	for _, err := range wool.Stream[int](ctx, n.pool, "count", make(chan int)) {
		if !errors.Is(err, wool.ErrCodec) {
			t.Errorf("an unsupported argument gave %v", err)
		}
	}
	for _, err := range wool.Stream[string](ctx, n.pool, "count", 3) {
		if !errors.Is(err, wool.ErrCodec) {
			t.Errorf("an int as string gave %v", err)
		}
	}
}

func TestBreakClosesTheGenerator(t *testing.T) {
	g := newGenerators()
	n := start(t, map[string]any{"count": g.count})
	ctx := testContext(t)
	for item, err := range wool.Stream[int](ctx, n.pool, "count", endless) {
		must(t, err)
		if item == 4 {
			break
		}
	}
	// The loop has waited for the clean-up.
	if g.cleaned.Load() != 1 || g.yielded.Load() != 5 {
		t.Errorf("%d clean-ups, %d items", g.cleaned.Load(), g.yielded.Load())
	}
	if err := <-g.closedBy; err != wool.ErrStreamClosed {
		t.Errorf("the generator was closed by %v", err)
	}

	func() {
		defer func() { _ = recover() }()
		for range wool.Stream[int](ctx, n.pool, "count", endless, wool.CallOptions{Prefetch: 100}) {
			panic("in the loop's body")
		}
	}()
	if g.cleaned.Load() != 2 {
		t.Error("a panic in the loop did not close the generator")
	}
}

func TestPullStream(t *testing.T) {
	g := newGenerators()
	n := start(t, map[string]any{"count": g.count, "calc.add": add})
	ctx := testContext(t)

	s, err := n.pool.Stream(ctx, "count", endless)
	must(t, err)
	for want := range int64(3) {
		if item, err := s.Next(); err != nil || item != want {
			t.Fatalf("item %v, %v; want %d", item, err, want)
		}
		// A whole round trip, in which a worker that ran ahead would show.
		_, err := n.pool.Call(ctx, "calc.add", 1, 2)
		must(t, err)
		if yielded := g.yielded.Load(); yielded != want+1 {
			t.Fatalf("the generator is at item %d after %d were asked for", yielded, want+1)
		}
	}
	var text string
	if err := s.NextInto(&text); !errors.Is(err, wool.ErrCodec) {
		t.Errorf("an int as string gave %v", err)
	}
	if item, err := s.Next(); err != nil || item != int64(4) {
		t.Errorf("after a failed conversion came %v, %v", item, err)
	}
	must(t, s.Close(ctx))
	must(t, s.Close(ctx))
	if _, err := s.Next(); err != io.EOF {
		t.Errorf("after Close came %v", err)
	}
	if g.cleaned.Load() != 1 {
		t.Error("Close did not wait for the clean-up")
	}

	unstarted, err := n.pool.Stream(ctx, "count", endless)
	must(t, err)
	must(t, unstarted.Close(ctx))
	if g.yielded.Load() != 5 {
		t.Error("a stream of which nothing was asked for has run")
	}

	ended, err := n.pool.Stream(ctx, "count", 0)
	must(t, err)
	for range 2 {
		if _, err := ended.Next(); err != io.EOF {
			t.Errorf("an empty stream gave %v", err)
		}
	}
	must(t, ended.Close(ctx))
}

func TestStreamCleanUp(t *testing.T) {
	n := start(t, map[string]any{
		"wrapping": func(_ context.Context, y *wool.Yield[any, int]) error {
			_, err := y.Yield(1)
			return fmt.Errorf("yielding: %w", err)
		},
		"failing": func(_ context.Context, y *wool.Yield[any, int]) error {
			_, err := y.Yield(1)
			return errors.Join(err, errors.New("the gate is stuck"))
		},
		"silent": func(_ context.Context, y *wool.Yield[any, int]) error {
			_, _ = y.Yield(1)
			return nil
		},
	})
	ctx := testContext(t)
	closeAfterOne := func(routine string) error {
		s, err := n.pool.Stream(ctx, routine)
		must(t, err)
		_, err = s.Next()
		must(t, err)
		return s.Close(ctx)
	}
	must(t, closeAfterOne("wrapping"))
	must(t, closeAfterOne("silent"))
	var failure *wool.Error
	if err := closeAfterOne("failing"); !errors.As(err, &failure) || failure.Kind != wool.ErrTaskFailed {
		t.Errorf("a failing clean-up gave %v", err)
	}
}

func TestStreamCancel(t *testing.T) {
	g := newGenerators()
	release, holding := make(chan struct{}), make(chan struct{})
	n := start(t, map[string]any{"count": g.count, "hold": func(_ context.Context, y *wool.Yield[any, int]) error {
		defer func() { close(holding); <-release }()
		_, err := y.Yield(1)
		return err
	}})
	ctx, cancel := context.WithCancel(testContext(t))
	s, err := n.pool.Stream(ctx, "count", endless)
	must(t, err)
	_, err = s.Next()
	must(t, err)
	cancel()
	if _, err := s.Next(); !errors.Is(err, wool.ErrCancelled) || !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end came %v", err)
	}
	if err := await(t, "the generator's end", g.closedBy); !errors.Is(err, context.Canceled) {
		t.Errorf("the generator was ended by %v", err)
	}

	// The way out of waiting for a clean-up that does not end.
	closing, leave := context.WithCancel(context.Background())
	s, err = n.pool.Stream(testContext(t), "hold")
	must(t, err)
	_, err = s.Next()
	must(t, err)
	closed := make(chan error)
	go func() { closed <- s.Close(closing) }()
	await(t, "the clean-up", holding)
	leave()
	if err := await(t, "the end of Close", closed); !errors.Is(err, wool.ErrCancelled) {
		t.Errorf("Close gave %v", err)
	}
	close(release)
}

func TestStreamDeadline(t *testing.T) {
	n := start(t, map[string]any{"stall": func(ctx context.Context, y *wool.Yield[any, int]) error {
		if _, err := y.Yield(1); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}, "calc.add": add})
	_, err := n.pool.Call(testContext(t), "calc.add", 1, 2) // the connection stands before the budget begins
	must(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var last error
	for _, err := range wool.Stream[int](ctx, n.pool, "stall") {
		last = err
	}
	if !errors.Is(last, wool.ErrDeadlineExceeded) || !errors.Is(last, context.DeadlineExceeded) {
		t.Errorf("the stream ended with %v", last)
	}
}

func BenchmarkStream(b *testing.B) {
	n := start(b, map[string]any{"count": newGenerators().count})
	for _, prefetch := range []uint32{0, 64, 1024} {
		b.Run(fmt.Sprint("Prefetch", prefetch), func(b *testing.B) {
			b.ReportAllocs()
			for _, err := range wool.Stream[int](context.Background(), n.pool, "count", b.N, wool.CallOptions{Prefetch: prefetch}) {
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
