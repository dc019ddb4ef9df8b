package wool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// watchdog ends what hangs. No test depends on how long anything takes.
const watchdog = 60 * time.Second

// TestMain makes the test's own program one that pools can start again, and asserts that closed runtimes
// leave no goroutine behind.
func TestMain(m *testing.M) {
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	switch os.Getenv(programVariable) {
	case programWithoutMain:
		return runWithoutMain()
	case programThatIsAWorker:
		return runAsWorker()
	}
	rt, err := wool.NewRuntime()
	for name, routine := range processRoutines {
		err = errors.Join(err, wool.Register(rt, name, routine))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := 0
	err = wool.Main(rt, func() error {
		if os.Getenv(programVariable) == programThatHolds {
			return runAndHold(rt)
		}
		status = m.Run()
		return nil
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = max(status, 1)
	}
	if left := waitForGoroutines("libwool/bindings/go."); left != "" {
		fmt.Fprintf(os.Stderr, "goroutines are left in the end:\n%s\n", left)
		status = max(status, 1)
	}
	return status
}

// waitForGoroutines gives goroutines that are about to end the time for it, and returns the stacks of
// those that do not, and are where the text says: a function or a file.
func waitForGoroutines(where string) string {
	for deadline := time.Now().Add(watchdog / 4); ; runtime.Gosched() {
		left := goroutinesIn(where)
		if left == "" || time.Now().After(deadline) {
			return left
		}
	}
}

func goroutinesIn(where string) string {
	buffer := make([]byte, 1<<20)
	buffer = buffer[:runtime.Stack(buffer, true)]
	var left []string
	// The first is the goroutine that asks.
	for _, stack := range strings.Split(string(buffer), "\n\n")[1:] {
		if strings.Contains(stack, where) {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	t.Cleanup(cancel)
	return ctx
}

// network is a worker that serves routines, and a pool that calls it, with a runtime each.
type network struct {
	serving, calling *wool.Runtime
	worker           *wool.Worker
	pool             *wool.Pool
}

// start serves the routines, by name, until the test ends.
func start(t testing.TB, routines map[string]any, options ...wool.WorkerOptions) *network {
	t.Helper()
	n := &network{serving: newRuntime(t), calling: newRuntime(t)}
	for name, routine := range routines {
		must(t, wool.Register(n.serving, name, routine))
	}
	var workerOptions wool.WorkerOptions
	if len(options) > 0 {
		workerOptions = options[0]
	}
	var err error
	n.worker, err = wool.NewWorker(n.serving, workerOptions)
	must(t, err)
	n.pool, err = wool.NewPool(n.calling, wool.PoolOptions{
		Addresses: []string{n.worker.Address()}, Secret: workerOptions.Secret,
	})
	must(t, err)
	return n
}

func newRuntime(t testing.TB, options ...wool.Option) *wool.Runtime {
	t.Helper()
	rt, err := wool.NewRuntime(options...)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), watchdog)
		defer cancel()
		if err := rt.Close(ctx); err != nil {
			t.Errorf("closing the runtime: %v", err)
		}
	})
	return rt
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await takes from a channel, or fails the test when nothing comes.
func await[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(watchdog):
		t.Fatalf("timed out waiting for %s", what)
		panic("unreachable")
	}
}

// poll asks again and again, until the answer is yes.
func poll(t testing.TB, what string, ask func() bool) {
	t.Helper()
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for deadline := time.Now().Add(watchdog); !ask(); <-pause.C {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
	}
}

func add(_ context.Context, a, b int) (int, error) { return a + b, nil }

func echo(_ context.Context, v any) (any, error) { return v, nil }
