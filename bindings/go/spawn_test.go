package wool_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// openPool opens a pool, on a runtime of its own, until the test ends.
func openPool(t testing.TB, options wool.PoolOptions) *wool.Pool {
	t.Helper()
	pool, err := wool.NewPool(newRuntime(t), options)
	must(t, err)
	return pool
}

// statusWhere waits until the pool's status is as wanted.
func statusWhere(t testing.TB, pool *wool.Pool, what string, is func(wool.PoolStatus) bool) wool.PoolStatus {
	t.Helper()
	var status wool.PoolStatus
	defer func() {
		if t.Failed() {
			t.Logf("the last status: %+v", status)
		}
	}()
	poll(t, what, func() bool {
		var err error
		status, err = pool.Status()
		must(t, err)
		return is(status)
	})
	return status
}

// serving are the processes of the pool's own workers that can be called.
func serving(status wool.PoolStatus) (pids []int) {
	for _, process := range status.Processes {
		up := slices.ContainsFunc(status.Workers, func(w wool.WorkerStatus) bool {
			return w.UID == process.UID && w.Origin == wool.WorkerSpawned && w.State == wool.WorkerUp
		})
		if process.State == wool.ProcessServing && up {
			pids = append(pids, process.PID)
		}
	}
	return pids
}

func allServe(status wool.PoolStatus) bool {
	return len(status.Processes) > 0 && len(serving(status)) == len(status.Processes)
}

func TestPoolWithoutOptionsStartsThisProgram(t *testing.T) {
	pool := openPool(t, wool.PoolOptions{})
	ctx := testContext(t)
	pid, err := wool.Call[int](ctx, pool, "process.pid")
	must(t, err)
	if pid == os.Getpid() {
		t.Error("the call was served by this process")
	}
	arguments, err := wool.Call[[]string](ctx, pool, "process.arguments")
	must(t, err)
	if !slices.Equal(arguments[1:], os.Args[1:]) {
		t.Errorf("the worker was started with %q", arguments)
	}
	status := statusWhere(t, pool, "all workers", allServe)
	if n := len(status.Processes); n > runtime.NumCPU() {
		t.Errorf("%d workers on %d cores", n, runtime.NumCPU())
	}
	if !slices.Contains(serving(status), pid) {
		t.Errorf("process %d served, which is none of the pool's: %+v", pid, status)
	}
	var items []int
	for item, err := range wool.Stream[int](ctx, pool, "process.count", 3) {
		must(t, err)
		items = append(items, item)
	}
	if !slices.Equal(items, []int{0, 1, 2}) {
		t.Errorf("the stream gave %v", items)
	}
}

func TestPoolSpreadsAndLeavesNothing(t *testing.T) {
	pool := openPool(t, wool.PoolOptions{Spawn: 3, Concurrency: 5})
	ctx := testContext(t)
	status := statusWhere(t, pool, "all workers", allServe)
	pids := serving(status)
	if len(pids) != 3 {
		t.Fatalf("%d processes instead of 3: %+v", len(pids), status)
	}
	for _, worker := range status.Workers {
		if worker.Capacity != 5 {
			t.Errorf("a worker takes %d calls at once", worker.Capacity)
		}
	}
	seen := map[int]bool{}
	for range 6 {
		pid, err := wool.Call[int](ctx, pool, "process.pid")
		must(t, err)
		seen[pid] = true
	}
	for _, pid := range pids {
		if !seen[pid] {
			t.Errorf("process %d served none of 6 calls", pid)
		}
	}
	must(t, pool.Close(ctx))
	for _, pid := range pids {
		if isThere(pid) {
			t.Errorf("process %d outlived its pool", pid)
		}
	}
	if _, err := pool.Status(); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("the status of a closed pool gave %v", err)
	}
}

func TestPoolsHaveWorkersOfTheirOwn(t *testing.T) {
	rt := newRuntime(t)
	ctx := testContext(t)
	var pools [2]*wool.Pool
	var pids [2]int
	for i := range pools {
		var err error
		pools[i], err = wool.NewPool(rt, wool.PoolOptions{Spawn: 1})
		must(t, err)
		pids[i], err = wool.Call[int](ctx, pools[i], "process.pid")
		must(t, err)
	}
	if pids[0] == pids[1] {
		t.Errorf("process %d serves both pools", pids[0])
	}
	must(t, pools[0].Close(ctx))
	if isThere(pids[0]) {
		t.Errorf("process %d outlived its pool", pids[0])
	}
	if pid, err := wool.Call[int](ctx, pools[1], "process.pid"); err != nil || pid != pids[1] {
		t.Errorf("after the other's end process %d served, %v; before it was %d", pid, err, pids[1])
	}
}

func TestWorkerThatExitsIsReplaced(t *testing.T) {
	pool := openPool(t, wool.PoolOptions{Spawn: 1})
	ctx := testContext(t)
	before, err := wool.Call[int](ctx, pool, "process.pid")
	must(t, err)
	if _, err := pool.Call(ctx, "process.exit", 7); !errors.Is(err, wool.ErrWorkerLost) {
		t.Errorf("a routine that ends its process gave %v", err)
	}
	after, err := wool.Call[int](ctx, pool, "process.pid")
	must(t, err)
	if after == before {
		t.Errorf("process %d has served after its end", before)
	}
	status := statusWhere(t, pool, "the new worker", allServe)
	if restarts := status.Processes[0].Restarts; restarts != 1 {
		t.Errorf("%d restarts instead of 1", restarts)
	}
}

func TestKilledWorkerLosesItsOwnStreamsOnly(t *testing.T) {
	const streams = 4
	pool := openPool(t, wool.PoolOptions{Spawn: 2})
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	statusWhere(t, pool, "all workers", allServe)
	type outcome struct {
		pid int
		err error
	}
	outcomes := make(chan outcome, streams)
	held := map[int]int{}
	var victim int
	for range streams {
		stream, err := pool.Stream(ctx, "process.hold")
		must(t, err)
		first, err := stream.Next()
		must(t, err)
		number, _ := first.(int64)
		victim = int(number)
		held[victim]++
		go func() {
			_, err := stream.Next()
			outcomes <- outcome{int(number), err}
		}()
	}
	if len(held) != 2 {
		t.Fatalf("the streams run in processes %v", held)
	}

	process, err := os.FindProcess(victim)
	must(t, err)
	must(t, process.Kill())
	for range held[victim] {
		if lost := await(t, "a lost stream", outcomes); lost.pid != victim || !errors.Is(lost.err, wool.ErrWorkerLost) {
			t.Errorf("killing process %d ended a stream of process %d with %v", victim, lost.pid, lost.err)
		}
	}
	status := statusWhere(t, pool, "a whole pool", func(status wool.PoolStatus) bool {
		return allServe(status) && !slices.Contains(serving(status), victim)
	})
	if pids := serving(status); len(pids) != 2 {
		t.Errorf("processes %v serve instead of 2", pids)
	}
	_, err = pool.Call(ctx, "process.pid")
	must(t, err)
	cancel()
	for range streams - held[victim] {
		if rest := await(t, "another stream's end", outcomes); !errors.Is(rest.err, wool.ErrCancelled) {
			t.Errorf("a stream of process %d ended with %v before it was cancelled", rest.pid, rest.err)
		}
	}
}

func TestProcessesThatNeverServe(t *testing.T) {
	// The command itself, which the story tells too, does not contain what it prints.
	pool := openPool(t, wool.PoolOptions{Spawn: 1, Command: []string{"sh", "-c", "printf 'bo%s' om >&2; exit 3"}})
	_, err := pool.Call(testContext(t), "process.pid")
	if !errors.Is(err, wool.ErrSpawnFailed) {
		t.Fatalf("the call gave %v", err)
	}
	status, statusErr := pool.Status()
	must(t, statusErr)
	if len(status.Problems) != 1 || !errors.Is(status.Problems[0], wool.ErrSpawnFailed) {
		t.Fatalf("the problems are %v", status.Problems)
	}
	for _, story := range []string{err.Error(), status.Problems[0].Message} {
		if !strings.Contains(story, "boom") || !strings.Contains(story, "status 3") {
			t.Errorf("the story does not say how the process ended: %s", story)
		}
	}
}

func TestProgramThatIsNotThere(t *testing.T) {
	pool := openPool(t, wool.PoolOptions{Spawn: 1, Command: []string{"no-such-program-of-wool"}})
	_, err := pool.Call(testContext(t), "process.pid")
	if !errors.Is(err, wool.ErrSpawnFailed) || !strings.Contains(err.Error(), "no-such-program-of-wool") {
		t.Errorf("the call gave %v", err)
	}
}

func TestCommandMayBeAWrapper(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	pool := openPool(t, wool.PoolOptions{Spawn: 1, Command: []string{"env", "WOOL_GO_TEST_WRAPPED=1", self, "wrapped"}})
	arguments, err := wool.Call[[]string](testContext(t), pool, "process.arguments")
	must(t, err)
	if !slices.Equal(arguments, []string{self, "wrapped"}) {
		t.Errorf("the worker was started with %q", arguments)
	}
}

func TestWrapperThatKeepsStandardInput(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	pool := openPool(t, wool.PoolOptions{Spawn: 1, Command: []string{"sh", "-c", `"$0" </dev/null`, self}})
	_, err = pool.Call(testContext(t), "process.pid")
	if !errors.Is(err, wool.ErrSpawnFailed) || !strings.Contains(err.Error(), "standard input") {
		t.Errorf("the call gave %v", err)
	}
}

func TestPoolRefusesContradictions(t *testing.T) {
	rt := newRuntime(t)
	for _, options := range []wool.PoolOptions{
		{Spawn: -1},
		{Spawn: 1, Quorum: 2},
		{Spawn: 1 << 40},
		{Spawn: 1, Command: []string{""}},
	} {
		if _, err := wool.NewPool(rt, options); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("%+v gave %v", options, err)
		}
	}
}
