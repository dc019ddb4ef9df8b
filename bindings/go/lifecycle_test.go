package wool_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

func TestPoolCloseEndsWhatIsInFlight(t *testing.T) {
	const calls = 50
	started, ended := make(chan struct{}, calls), make(chan struct{}, calls)
	g := newGenerators()
	n := start(t, map[string]any{"wait": func(ctx context.Context) error {
		started <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	}, "count": g.count})
	ctx := testContext(t)
	outcomes := make(chan error, calls)
	for range calls {
		go func() {
			_, err := n.pool.Call(ctx, "wait")
			outcomes <- err
		}()
	}
	for range calls {
		await(t, "a routine", started)
	}
	s, err := n.pool.Stream(ctx, "count", endless)
	must(t, err)
	_, err = s.Next()
	must(t, err)

	must(t, n.pool.Close(ctx))
	for range calls {
		if err := await(t, "a call's end", outcomes); !errors.Is(err, wool.ErrClosed) {
			t.Errorf("a call ended with %v", err)
		}
		await(t, "a routine's end", ended)
	}
	if _, err := s.Next(); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("the stream ended with %v", err)
	}
	await(t, "the generator's end", g.closedBy)

	must(t, n.pool.Close(ctx))
	if _, err := n.pool.Call(ctx, "wait"); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a call of a closed pool gave %v", err)
	}
	if _, err := n.pool.Stream(ctx, "count", 1); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a stream of a closed pool gave %v", err)
	}
}

func TestRuntimeCloseEndsEverything(t *testing.T) {
	rt, err := wool.NewRuntime()
	must(t, err)
	started, ended := make(chan struct{}), make(chan error, 1)
	must(t, wool.Register(rt, "wait", func(ctx context.Context) error {
		close(started)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{})
	must(t, err)
	pool, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{worker.Address()}})
	must(t, err)
	ctx := testContext(t)
	outcome := make(chan error, 1)
	go func() {
		_, err := pool.Call(ctx, "wait")
		outcome <- err
	}()
	await(t, "the routine", started)

	must(t, rt.Close(ctx))
	must(t, rt.Close(ctx))
	if err := await(t, "the call's end", outcome); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("the call ended with %v", err)
	}
	// Close has waited for the routine.
	select {
	case err := <-ended:
		if err != context.Canceled {
			t.Errorf("the routine saw %v", err)
		}
	default:
		t.Error("the routine has not ended")
	}

	if _, err := pool.Call(ctx, "wait"); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a call after Close gave %v", err)
	}
	if _, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{"127.0.0.1:1"}}); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a pool after Close gave %v", err)
	}
	if _, err := wool.NewWorker(rt, wool.WorkerOptions{}); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a worker after Close gave %v", err)
	}
	if err := wool.Register(rt, "late", add); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a routine after Close gave %v", err)
	}
	must(t, pool.Close(ctx))
	must(t, worker.Stop(ctx, 0))
}

func TestCloseHasAWayOut(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	n := start(t, map[string]any{"deaf": func(context.Context) error {
		close(started)
		<-release
		return nil
	}})
	ctx, cancel := context.WithCancel(testContext(t))
	outcome := make(chan error, 1)
	go func() {
		_, err := n.pool.Call(ctx, "deaf")
		outcome <- err
	}()
	await(t, "the routine", started)
	// The caller knows at once, although the routine goes on.
	cancel()
	if err := await(t, "the call's end", outcome); !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	impatient, giveUp := context.WithCancel(context.Background())
	giveUp()
	if err := n.worker.Stop(impatient, 0); !errors.Is(err, wool.ErrTimeout) || !errors.Is(err, context.Canceled) {
		t.Errorf("Stop gave %v", err)
	}
	err := n.serving.Close(impatient)
	if !errors.Is(err, wool.ErrTimeout) || !strings.Contains(err.Error(), "1 tasks run") {
		t.Errorf("Close gave %v", err)
	}
	close(release)
	must(t, n.serving.Close(testContext(t)))
}

func TestWorkerStop(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	n := start(t, map[string]any{"slow": func(context.Context) (string, error) {
		close(started)
		<-release
		return "done", nil
	}})
	ctx := testContext(t)
	outcome := make(chan error, 1)
	go func() {
		said, err := wool.Call[string](ctx, n.pool, "slow")
		if err == nil && said != "done" {
			err = errors.New(said)
		}
		outcome <- err
	}()
	await(t, "the routine", started)
	stopped := make(chan error, 1)
	go func() { stopped <- n.worker.Stop(ctx, -1) }()
	for {
		// The worker takes no more from some moment on; until then the routine's second run would panic.
		_, err := n.pool.Call(ctx, "no.such.routine", wool.CallOptions{DispatchTimeout: time.Millisecond})
		if errors.Is(err, wool.ErrNoWorkersAvailable) {
			break
		}
		if !errors.Is(err, wool.ErrRoutineNotFound) {
			t.Fatalf("a stopping worker gave %v", err)
		}
	}
	select {
	case err := <-stopped:
		t.Fatalf("Stop did not wait for the task: %v", err)
	default:
	}
	close(release)
	must(t, await(t, "the call's end", outcome))
	must(t, await(t, "the worker's end", stopped))
	must(t, n.worker.Stop(ctx, 0))
}

func TestWorkerRefuses(t *testing.T) {
	rt := newRuntime(t)
	for _, options := range []wool.WorkerOptions{{Bind: "nowhere"}, {Bind: "0.0.0.0:0"}} {
		if worker, err := wool.NewWorker(rt, options); err == nil {
			t.Errorf("%+v started %s", options, worker.Address())
		}
	}
}

func TestSecretAndSocket(t *testing.T) {
	secret := []byte("baa\x00baa")
	path := t.TempDir() + "/worker.sock"
	n := start(t, map[string]any{"calc.add": add}, wool.WorkerOptions{Secret: secret, SocketPath: path})
	ctx := testContext(t)
	pool, err := wool.NewPool(n.calling, wool.PoolOptions{Addresses: []string{"unix:" + path}, Secret: secret})
	must(t, err)
	for _, pool := range []*wool.Pool{n.pool, pool} {
		if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
			t.Errorf("1 + 2 = %d, %v", sum, err)
		}
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestForgottenPoolIsLogged(t *testing.T) {
	var log logBuffer
	rt := newRuntime(t, wool.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	_, err := wool.NewPool(rt, wool.PoolOptions{Addresses: []string{"127.0.0.1:1"}})
	must(t, err)
	for deadline := time.Now().Add(watchdog); !strings.Contains(log.String(), "a Pool was dropped without Close"); {
		runtime.GC()
		if time.Now().After(deadline) {
			t.Fatalf("nothing was said of the forgotten pool:\n%s", log.String())
		}
	}
}

func TestCloseRacesWithCalls(t *testing.T) {
	for range 10 {
		n := start(t, map[string]any{"calc.add": add})
		ctx := testContext(t)
		var group sync.WaitGroup
		begun := make(chan struct{}, 8)
		for i := range 8 {
			group.Add(1)
			go func() {
				defer group.Done()
				for first := true; ; first = false {
					_, err := n.pool.Call(ctx, "calc.add", i, i)
					if first {
						begun <- struct{}{}
					}
					if errors.Is(err, wool.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("a call gave %v", err)
						return
					}
				}
			}()
		}
		for range 8 {
			await(t, "a first call", begun)
		}
		must(t, n.calling.Close(ctx))
		group.Wait()
	}
}
