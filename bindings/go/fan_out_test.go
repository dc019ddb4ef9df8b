package wool_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func TestMapOver(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	gate := make(chan struct{})
	n := start(t, map[string]any{
		"square": func(_ context.Context, n int) (int, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			defer func() { mu.Lock(); running--; mu.Unlock() }()
			if n%10 == 3 {
				return 0, errors.New("three")
			}
			return n * n, nil
		},
		"calc.add": add,
		"hold": func(ctx context.Context, n int) (int, error) {
			if n > 0 {
				return n, nil
			}
			select {
			case <-gate:
				return n, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		},
	})
	ctx := testContext(t)
	var progress wool.MapProgress
	options := wool.MapOptions{InFlight: 4, Ordered: true, Progress: func(p wool.MapProgress) { progress = p }}
	inputs := func(yield func(int) bool) {
		for i := 0; i < 50 && yield(i); i++ {
		}
	}
	place := 0
	for item, err := range wool.MapOver[int](ctx, n.pool, "square", inputs, options) {
		if item.Index != place || (err != nil) != (place%10 == 3) || err == nil && item.Value != place*place {
			t.Errorf("at %d: %v, %v", place, item, err)
		}
		place++
	}
	if place != 50 || most > 4 || progress != (wool.MapProgress{Total: 50, Done: 50, Failed: 5}) {
		t.Errorf("%d results, %d at once, %+v", place, most, progress)
	}
	// As they are there, endless, left early; several arguments.
	taken := 0
	endless := func(yield func(wool.Arguments) bool) {
		for yield(wool.Arguments{taken, 1}) {
			taken++
		}
	}
	seen := map[int]bool{}
	for item, err := range wool.MapOver[int](ctx, n.pool, "calc.add", endless, wool.MapOptions{InFlight: 3}) {
		must(t, err)
		if item.Value != item.Index+1 || seen[item.Index] {
			t.Errorf("%+v", item)
		}
		if seen[item.Index] = true; len(seen) == 20 {
			break
		}
	}
	if taken > 30 {
		t.Errorf("%d inputs were taken for 20 results", taken)
	}
	// One that is held does not hold up the others; in order it does, and no more inputs are taken.
	taken = 0
	held := func(yield func(int) bool) {
		for yield(taken) {
			taken++
		}
	}
	count := 0
	for item, err := range wool.MapOver[int](ctx, n.pool, "hold", held, wool.MapOptions{InFlight: 3}) {
		must(t, err)
		if item.Index == 0 {
			t.Error("what is held came")
		}
		if count++; count == 10 {
			break
		}
	}
	taken = 0
	short, cancel := context.WithCancel(ctx)
	go func() {
		for done := false; !done; time.Sleep(time.Millisecond) {
			status, err := n.pool.Status()
			done = err != nil || len(status.Workers) > 0 && status.Workers[0].InFlight == 1
		}
		cancel()
	}()
	var last wool.MapItem[int]
	outcomes := 0
	for item, err := range wool.MapOver[int](short, n.pool, "hold", held, wool.MapOptions{InFlight: 3, Ordered: true}) {
		if outcomes++; item.Index <= 0 && !errors.Is(err, wool.ErrCancelled) {
			t.Errorf("%+v, %v", item, err)
		}
		last = item
	}
	if last.Index != -1 || outcomes > 7 {
		t.Errorf("after %d outcomes the last was %+v", outcomes, last)
	}
}

func TestBroadcastAndOneWorker(t *testing.T) {
	rt := newRuntime(t)
	must(t, wool.Register(rt, "where", func(ctx context.Context) (string, error) {
		info, _ := wool.TaskFromContext(ctx)
		return info.Worker.String(), nil
	}))
	var addresses, uids []string
	for range 3 {
		worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
		must(t, err)
		addresses, uids = append(addresses, worker.Address()), append(uids, worker.UID())
	}
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: addresses, Quorum: 3})
	must(t, err)
	ctx := testContext(t)
	for range 3 {
		for _, uid := range uids {
			if found, err := wool.Call[string](ctx, pool, "where", wool.CallOptions{Worker: uid}); err != nil || found != uid {
				t.Errorf("a call for %s was at %s: %v", uid, found, err)
			}
		}
	}
	var answered []string
	for item, err := range wool.Broadcast[string](ctx, pool, "where") {
		must(t, err)
		if item.Worker != item.Value {
			t.Errorf("%+v", item)
		}
		answered = append(answered, item.Worker)
	}
	slices.Sort(answered)
	slices.Sort(uids)
	if !slices.Equal(answered, uids) {
		t.Errorf("%v answered, of %v", answered, uids)
	}
	for item, err := range wool.Broadcast[string](ctx, pool, "nowhere") {
		if item.Worker != "" || !errors.Is(err, wool.ErrRoutineNotFound) || !wool.Retryable(err) {
			t.Errorf("%+v, %v", item, err)
		}
	}
	gone := wool.CallOptions{Worker: wool.UUID{1}.String(), DispatchTimeout: time.Millisecond}
	if _, err := pool.Call(ctx, "where", gone); !errors.Is(err, wool.ErrNoWorkersAvailable) || !wool.Retryable(err) {
		t.Errorf("a call for a worker that is not there gave %v", err)
	}
	if wool.Retryable(errors.New("any")) || wool.Retryable(nil) {
		t.Error("any error is retryable")
	}
}
