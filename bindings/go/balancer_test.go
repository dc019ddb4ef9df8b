package wool_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// flock is two workers that tell their uid, and are tagged "black" and "white".
func flock(t testing.TB) (discovery wool.Discovery, uids map[string]string) {
	t.Helper()
	discovery, uids = privateDiscovery(), map[string]string{}
	for _, colour := range []string{"black", "white"} {
		rt := newRuntime(t)
		must(t, wool.Register(rt, "who", func(ctx context.Context) (string, error) {
			task, _ := wool.TaskFromContext(ctx)
			return task.Worker.String(), nil
		}))
		must(t, wool.Register(rt, "wait", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		worker, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery, Tags: []string{colour}, Concurrency: 100})
		must(t, err)
		uids[colour] = worker.UID()
	}
	return discovery, uids
}

func bothUp(s wool.PoolStatus) bool { return len(members(s)) == 2 }

func TestBalancerFunc(t *testing.T) {
	discovery, uids := flock(t)
	var log logBuffer
	var asked []wool.BalancerChoice // by one call at a time
	letIn := false
	balance := func(choice wool.BalancerChoice) int {
		asked = append(asked, choice)
		switch choice.Tag {
		case "panic":
			panic("a wolf")
		case "exit":
			runtime.Goexit()
		case "beyond":
			return 2
		case "later":
			if !letIn {
				letIn = true
				return -1
			}
		}
		return slices.IndexFunc(choice.Workers, func(w wool.BalancerWorker) bool { return slices.Contains(w.Tags, choice.Tag) })
	}
	rt := newRuntime(t, wool.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery, Balancer: wool.BalancerFunc(balance)})
	must(t, err)
	statusWhere(t, pool, "both workers", bothUp)
	ctx := testContext(t)
	call := func(tag string) string {
		t.Helper()
		uid, err := wool.Call[string](ctx, pool, "who", wool.CallOptions{Tag: tag})
		if err != nil {
			t.Errorf("%s: %v", tag, err)
		}
		return uid
	}
	for range 3 {
		for _, colour := range []string{"white", "black"} {
			if uid := call(colour); uid != uids[colour] {
				t.Errorf("the call for the %s worker went to %s", colour, uid)
			}
		}
	}
	// What the balancer does not decide goes to the next in turn, and the balancer goes on.
	for _, tag := range []string{"panic", "exit", "beyond"} {
		if first, second := call(tag), call(tag); first == second {
			t.Errorf("%s: the calls both went to %s", tag, first)
		}
	}
	for _, said := range []string{"a balancer panicked: a wolf", "a balancer ended its goroutine", "a balancer chose worker 2 of 2"} {
		poll(t, "the log", func() bool { return strings.Contains(log.String(), said) })
	}
	must(t, rt.Close(ctx))
	first := asked[0]
	slices.SortFunc(first.Workers, func(a, b wool.BalancerWorker) int { return strings.Compare(a.Tags[0], b.Tags[0]) })
	if first.Routine != "who" || first.Tag != "white" || len(first.Workers) != 2 {
		t.Fatalf("the balancer was asked about %+v", first)
	}
	for i, colour := range []string{"black", "white"} {
		w := first.Workers[i]
		if w.UID != uids[colour] || w.Address == "" || !slices.Equal(w.Tags, []string{colour}) || w.InFlight != 0 || w.Capacity != 100 {
			t.Errorf("the balancer was told of %+v", w)
		}
	}
}

// None of them: the call waits until something changes.
func TestBalancerThatTakesNone(t *testing.T) {
	discovery, uids := flock(t)
	// The calls go to the black worker, if it has nothing to do.
	balance := func(choice wool.BalancerChoice) int {
		return slices.IndexFunc(choice.Workers, func(w wool.BalancerWorker) bool {
			return w.UID == uids["black"] && w.InFlight == 0
		})
	}
	pool := openPool(t, wool.PoolOptions{Discovery: discovery, Balancer: wool.BalancerFunc(balance)})
	statusWhere(t, pool, "both workers", bothUp)
	ctx := testContext(t)
	holding, release := context.WithCancel(ctx)
	defer release()
	held := make(chan error, 1)
	go func() {
		_, err := pool.Call(holding, "wait")
		held <- err
	}()
	statusWhere(t, pool, "a call under way", func(s wool.PoolStatus) bool {
		return slices.ContainsFunc(s.Workers, func(w wool.WorkerStatus) bool { return w.InFlight == 1 })
	})
	outcome := make(chan string, 1)
	go func() {
		uid, err := wool.Call[string](ctx, pool, "who")
		if err != nil {
			t.Error(err)
		}
		outcome <- uid
	}()
	statusWhere(t, pool, "a call that waits", func(s wool.PoolStatus) bool { return s.Waiting == 1 })
	if _, err := pool.Call(ctx, "who", wool.CallOptions{DispatchTimeout: time.Millisecond}); !errors.Is(err, wool.ErrNoWorkersAvailable) {
		t.Errorf("a call for which there is none gave %v", err)
	}
	release()
	await(t, "the end of the held call", held)
	if uid := await(t, "the call that waited", outcome); uid != uids["black"] {
		t.Errorf("the call went to %s", uid)
	}
}

// One that blocks holds up its own pool only, and learns of nothing; closing waits for it.
func TestBalancerThatBlocks(t *testing.T) {
	discovery, _ := flock(t)
	asked, release := make(chan struct{}, 8), make(chan struct{})
	var mu sync.Mutex
	busy := 0
	balance := func(choice wool.BalancerChoice) int {
		mu.Lock()
		if busy++; busy > 1 {
			t.Error("a balancer is asked twice at once")
		}
		mu.Unlock()
		asked <- struct{}{}
		<-release
		mu.Lock()
		busy--
		mu.Unlock()
		return 0
	}
	rt := newRuntime(t)
	stuck, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery, Balancer: wool.BalancerFunc(balance)})
	must(t, err)
	other, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery, Balancer: wool.LeastLoaded})
	must(t, err)
	statusWhere(t, stuck, "both workers", bothUp)
	ctx := testContext(t)
	outcomes := make(chan error, 4)
	for range cap(outcomes) {
		go func() {
			_, err := stuck.Call(ctx, "who")
			outcomes <- err
		}()
	}
	await(t, "the balancer", asked)
	for range 4 {
		_, err := other.Call(ctx, "who")
		must(t, err)
	}
	if _, err := stuck.Call(ctx, "who", wool.CallOptions{DispatchTimeout: time.Millisecond}); !errors.Is(err, wool.ErrNoWorkersAvailable) {
		t.Errorf("a call that nobody decided on gave %v", err)
	}
	close(release)
	for range cap(outcomes) {
		must(t, await(t, "a call", outcomes))
	}
}

// Of two workers, the one with nothing to do gets every call.
func TestLeastLoaded(t *testing.T) {
	discovery, uids := flock(t)
	pool := openPool(t, wool.PoolOptions{Discovery: discovery, Balancer: wool.LeastLoaded})
	statusWhere(t, pool, "both workers", bothUp)
	ctx := testContext(t)
	holding, release := context.WithCancel(ctx)
	defer release()
	go func() { _, _ = pool.Call(holding, "wait", wool.CallOptions{Worker: uids["white"]}) }()
	statusWhere(t, pool, "a call under way", func(s wool.PoolStatus) bool {
		return slices.ContainsFunc(s.Workers, func(w wool.WorkerStatus) bool { return w.InFlight == 1 })
	})
	for range 10 {
		uid, err := wool.Call[string](ctx, pool, "who")
		must(t, err)
		if uid != uids["black"] {
			t.Errorf("a call went to the worker that has one already")
		}
	}
}

func TestBalancerThatIsNone(t *testing.T) {
	rt := newRuntime(t)
	for _, balancer := range []wool.Balancer{wool.BalancerFunc(nil), wool.StandardBalancer(9)} {
		_, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{"127.0.0.1:1"}, Balancer: balancer})
		if !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("the balancer %v gave %v", balancer, err)
		}
	}
}
