package wool_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

var namespaces atomic.Int64

// privateDiscovery is one that no other test uses.
func privateDiscovery() wool.LocalDiscovery {
	return wool.LocalDiscovery{Namespace: fmt.Sprintf("go-test.%d.%d", os.Getpid(), namespaces.Add(1))}
}

// publish serves routines in this process until the test ends.
func publish(t testing.TB, discovery wool.Discovery, tags ...string) *wool.Worker {
	t.Helper()
	rt := newRuntime(t)
	must(t, wool.Register(rt, "calc.add", add))
	must(t, wool.Register(rt, "calc.count", count))
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery, Tags: tags, Concurrency: 7})
	must(t, err)
	return worker
}

// members are the uids of the workers that can be called.
func members(status wool.PoolStatus) (uids []string) {
	for _, worker := range status.Workers {
		if worker.State == wool.WorkerUp {
			uids = append(uids, worker.UID)
		}
	}
	return uids
}

func TestWorkersAreFoundAndLost(t *testing.T) {
	// In a place of its own, and in the user's, a worker before and one after the pool.
	for _, discovery := range []wool.LocalDiscovery{{Namespace: "go", Directory: t.TempDir()}, privateDiscovery()} {
		first := publish(t, discovery)
		pool := openPool(t, wool.PoolOptions{Discovery: discovery})
		ctx := testContext(t)
		if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
			t.Errorf("1 + 2 = %d, %v", sum, err)
		}
		second := publish(t, discovery)
		statusWhere(t, pool, "both workers", func(s wool.PoolStatus) bool {
			return slices.Contains(members(s), first.UID()) && slices.Contains(members(s), second.UID())
		})
		must(t, first.Stop(ctx, 0))
		statusWhere(t, pool, "the second alone", func(s wool.PoolStatus) bool {
			return len(s.Workers) == 1 && slices.Equal(members(s), []string{second.UID()})
		})
		if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
			t.Errorf("1 + 2 = %d, %v", sum, err)
		}
	}
}

// On the network of this machine alone, under a namespace that no other test uses.
func TestLANDiscovery(t *testing.T) {
	discovery := wool.LANDiscovery{Namespace: privateDiscovery().Namespace, Interfaces: []string{"lo"}}
	worker := publish(t, discovery, "grey")
	pool := openPool(t, wool.PoolOptions{Discovery: discovery})
	ctx := testContext(t)
	if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("1 + 2 = %d, %v", sum, err)
	}
	listing, err := wool.ListWorkers(ctx, newRuntime(t), discovery)
	must(t, err)
	if len(listing.Workers) != 1 || listing.Workers[0].UID != worker.UID() || !slices.Equal(listing.Workers[0].Tags, []string{"grey"}) {
		t.Errorf("the listing is %+v", listing)
	}
	must(t, worker.Stop(ctx, 0))
	statusWhere(t, pool, "no worker", func(s wool.PoolStatus) bool { return len(s.Workers) == 0 })
}

func TestStatusOfAWorker(t *testing.T) {
	discovery := privateDiscovery()
	worker := publish(t, discovery, "grey", "old")
	pool := openPool(t, wool.PoolOptions{Discovery: discovery})
	status := statusWhere(t, pool, "the worker", func(s wool.PoolStatus) bool { return len(members(s)) == 1 })
	w := status.Workers[0]
	slices.SortFunc(w.Routines, func(a, b wool.RoutineStatus) int { return strings.Compare(a.Name, b.Name) })
	routines := []wool.RoutineStatus{{Name: "calc.add", Kind: wool.RoutineUnary}, {Name: "calc.count", Kind: wool.RoutineStream}}
	if w.UID != worker.UID() || w.Origin != wool.WorkerFound || w.Problem != "" || w.InFlight != 0 ||
		w.Capacity != 7 || w.Language != "go" || w.Version == "" || w.PID != os.Getpid() ||
		!slices.Equal(w.Tags, []string{"grey", "old"}) || !slices.Equal(w.Routines, routines) {
		t.Errorf("the worker is %+v", w)
	}
	if len(status.Processes) != 0 || len(status.TurnedAway) != 0 || status.Waiting != 0 || !status.QuorumReached ||
		len(status.Problems) != 0 {
		t.Errorf("the pool is %+v", status)
	}

	fixed := openPool(t, wool.PoolOptions{Addresses: []string{"127.0.0.1:1"}})
	status = statusWhere(t, fixed, "a refused connection", func(s wool.PoolStatus) bool {
		return s.Workers[0].State == wool.WorkerDown
	})
	if w := status.Workers[0]; w.UID != "" || w.Origin != wool.WorkerFixed || w.Address != "127.0.0.1:1" || w.Problem == "" {
		t.Errorf("the worker at a wrong address is %+v", w)
	}
}

func TestPoolsThatSpawnAndDiscover(t *testing.T) {
	discovery := privateDiscovery()
	ctx := testContext(t)
	own := publish(t, discovery, "wool")
	hybrid := openPool(t, wool.PoolOptions{Spawn: 1, Discovery: discovery, Tags: []string{"wool"}})
	durable := openPool(t, wool.PoolOptions{Discovery: discovery})
	both := func(s wool.PoolStatus) bool { return len(members(s)) == 2 }
	status := statusWhere(t, hybrid, "both workers", both)
	for _, worker := range status.Workers {
		expected := wool.WorkerSpawned
		if worker.UID == own.UID() {
			expected = wool.WorkerFound
		}
		if worker.Origin != expected || !slices.Equal(worker.Tags, []string{"wool"}) {
			t.Errorf("the hybrid pool has the worker %+v", worker)
		}
	}
	spawned := serving(status)
	status = statusWhere(t, durable, "both workers", both)
	for _, worker := range status.Workers {
		if worker.Origin != wool.WorkerFound {
			t.Errorf("the durable pool has the worker %+v", worker)
		}
	}
	// Only the started process serves this one.
	pid, err := wool.Call[int](ctx, durable, "process.pid")
	must(t, err)
	if !slices.Equal(spawned, []int{pid}) {
		t.Errorf("process %d served, which is not among %v", pid, spawned)
	}
	must(t, hybrid.Close(ctx))
	if isThere(pid) {
		t.Errorf("process %d outlived its pool", pid)
	}
	statusWhere(t, durable, "the other worker alone", func(s wool.PoolStatus) bool {
		return len(s.Workers) == 1 && s.Workers[0].UID == own.UID()
	})
}

func TestGraceLetsWorkersFinish(t *testing.T) {
	for _, grace := range []time.Duration{-1, 0} {
		discovery := privateDiscovery()
		ctx := testContext(t)
		owner := openPool(t, wool.PoolOptions{Spawn: 1, Discovery: discovery, Grace: grace})
		guest := openPool(t, wool.PoolOptions{Discovery: discovery})
		stream, err := guest.Stream(ctx, "process.count", 3)
		must(t, err)
		_, err = stream.Next()
		must(t, err)
		closed := make(chan error, 1)
		go func() { closed <- owner.Close(ctx) }()
		if grace == 0 {
			must(t, await(t, "the pool's end", closed))
			if item, err := stream.Next(); err == nil || err == io.EOF {
				t.Errorf("after a stop without grace the stream gave %v, %v", item, err)
			}
			continue
		}
		statusWhere(t, guest, "a worker that takes no more", func(s wool.PoolStatus) bool { return len(members(s)) == 0 })
		for expected := range int64(2) {
			if item, err := stream.Next(); err != nil || item != expected+1 {
				t.Errorf("during the grace the stream gave %v, %v", item, err)
			}
		}
		select {
		case err := <-closed:
			t.Errorf("Close did not wait for the stream: %v", err)
		default:
		}
		if _, err := stream.Next(); err != io.EOF {
			t.Errorf("the stream ended with %v", err)
		}
		must(t, await(t, "the pool's end", closed))
	}
}

func TestTagsTurnWorkersAway(t *testing.T) {
	discovery := privateDiscovery()
	plain := publish(t, discovery, "grey")
	pool := openPool(t, wool.PoolOptions{Discovery: discovery, Tags: []string{"grey", "old"}})
	ctx := testContext(t)
	status := statusWhere(t, pool, "the record", func(s wool.PoolStatus) bool { return len(s.TurnedAway) == 1 })
	if away := status.TurnedAway[0]; away.Key != plain.UID() || away.Reason != wool.TurnedAwayTags || away.Message == "" ||
		status.TurnedAwayCounts[wool.TurnedAwayTags] != 1 {
		t.Errorf("the pool is %+v", status)
	}
	_, err := pool.Call(ctx, "calc.add", 1, 2, wool.CallOptions{DispatchTimeout: time.Millisecond})
	if !errors.Is(err, wool.ErrNoWorkersAvailable) || !strings.Contains(err.Error(), "1 turned away (tags)") {
		t.Errorf("the call gave %v", err)
	}
	publish(t, discovery, "old", "grey")
	if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("1 + 2 = %d, %v", sum, err)
	}
}

func TestLeaseCapsWorkers(t *testing.T) {
	discovery := privateDiscovery()
	workers := map[string]*wool.Worker{}
	for range 2 {
		worker := publish(t, discovery)
		workers[worker.UID()] = worker
	}
	pool := openPool(t, wool.PoolOptions{Discovery: discovery, Lease: 1})
	status := statusWhere(t, pool, "one of two", func(s wool.PoolStatus) bool {
		return len(members(s)) == 1 && len(s.TurnedAway) == 1
	})
	admitted, waiting := members(status)[0], status.TurnedAway[0]
	if waiting.Reason != wool.TurnedAwayLease || workers[waiting.Key] == nil || waiting.Key == admitted {
		t.Errorf("the pool is %+v", status)
	}
	must(t, workers[admitted].Stop(testContext(t), 0))
	statusWhere(t, pool, "the other", func(s wool.PoolStatus) bool {
		return slices.Equal(members(s), []string{waiting.Key}) && len(s.TurnedAway) == 0
	})
}

func TestQuorumHoldsTheFirstCall(t *testing.T) {
	discovery := privateDiscovery()
	ctx := testContext(t)
	publish(t, discovery)
	hasty := openPool(t, wool.PoolOptions{Discovery: discovery, Quorum: 2, QuorumTimeout: time.Millisecond})
	if _, err := hasty.Call(ctx, "calc.add", 1, 2); !errors.Is(err, wool.ErrNoWorkersAvailable) ||
		!strings.Contains(err.Error(), "quorum of 2") {
		t.Errorf("the call gave %v", err)
	}
	pool := openPool(t, wool.PoolOptions{Discovery: discovery, Quorum: 2})
	outcome := make(chan error, 1)
	go func() {
		_, err := pool.Call(ctx, "calc.add", 1, 2)
		outcome <- err
	}()
	statusWhere(t, pool, "a call that waits beside a worker", func(s wool.PoolStatus) bool {
		return s.Waiting == 1 && len(members(s)) == 1 && !s.QuorumReached
	})
	publish(t, discovery)
	must(t, await(t, "the call", outcome))
	if status, err := pool.Status(); err != nil || !status.QuorumReached || status.Waiting != 0 {
		t.Errorf("the pool is %+v, %v", status, err)
	}
}

func TestNamespaceThatIsNone(t *testing.T) {
	rt := newRuntime(t)
	for _, discovery := range []wool.Discovery{wool.LocalDiscovery{}, &wool.LocalDiscovery{Namespace: "../up"}} {
		if _, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery}); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("a pool in %+v gave %v", discovery, err)
		}
		if _, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery}); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("a worker in %+v gave %v", discovery, err)
		}
	}
}
