package wool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	wool "github.com/wool-labs/libwool/bindings/go"
)

// registry is a discovery of the tests' own, which keeps its records in memory.
type registry struct {
	mu      sync.Mutex
	records map[string]wool.WorkerRecord
	// watchers are told that the records have changed.
	watchers map[chan struct{}]struct{}
	// publishes, if not nil, comes before each record.
	publishes func(ctx context.Context, record wool.WorkerRecord) error
	// withdrawn has the uids that were withdrawn, in their order.
	withdrawn []string
}

func newRegistry(records ...wool.WorkerRecord) *registry {
	r := &registry{records: make(map[string]wool.WorkerRecord), watchers: make(map[chan struct{}]struct{})}
	for _, record := range records {
		r.records[keyOf(record)] = record
	}
	return r
}

func keyOf(record wool.WorkerRecord) string {
	if record.UID == "" {
		return record.Addresses[0]
	}
	return record.UID
}

func (r *registry) Publish(ctx context.Context, record wool.WorkerRecord) error {
	if r.publishes != nil {
		if err := r.publishes(ctx, record); err != nil {
			return err
		}
	}
	r.change(func() { r.records[keyOf(record)] = record })
	return nil
}

func (r *registry) Withdraw(_ context.Context, uid string) error {
	r.change(func() {
		delete(r.records, uid)
		r.withdrawn = append(r.withdrawn, uid)
	})
	return nil
}

func (r *registry) change(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
	for watcher := range r.watchers {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
}

// all is a copy of what there is.
func (r *registry) all() map[string]wool.WorkerRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	records := make(map[string]wool.WorkerRecord, len(r.records))
	for key, record := range r.records {
		records[key] = record
	}
	return records
}

// subscribers counts those that are told at present.
func (r *registry) subscribers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.watchers)
}

func (r *registry) Subscribe(ctx context.Context, s *wool.Subscriber) error {
	watcher := make(chan struct{}, 1)
	r.mu.Lock()
	r.watchers[watcher] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.watchers, watcher)
		r.mu.Unlock()
	}()
	known := map[string]wool.WorkerRecord{}
	for {
		records := r.all()
		for key, record := range records {
			if old, found := known[key]; !found || !reflect.DeepEqual(old, record) {
				if err := s.Found(record); err != nil {
					return err
				}
			}
		}
		for key := range known {
			if _, found := records[key]; !found {
				s.Gone(key)
			}
		}
		known = records
		s.Scanned()
		select {
		case <-watcher:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// finder is a discovery that finds only.
type finder func(ctx context.Context, s *wool.Subscriber) error

func (f finder) Subscribe(ctx context.Context, s *wool.Subscriber) error { return f(ctx, s) }

func TestCustomDiscovery(t *testing.T) {
	r := newRegistry()
	discovery := wool.CustomDiscovery(r)
	ctx := testContext(t)
	rt := newRuntime(t)
	must(t, wool.Register(rt, "calc.add", add))
	first, err := wool.NewWorker(rt, wool.WorkerOptions{
		Publish: discovery, Tags: []string{"grey"}, Extra: map[string]string{"zone": "a", "rack": "7"},
		Advertise: []string{"127.0.0.1"},
	})
	must(t, err)
	record := r.all()[first.UID()]
	if record.Version == "" || record.Protocol[0] == 0 {
		t.Errorf("the record was published as %+v", record)
	}
	record.Version, record.Protocol = "", [2]uint32{}
	expected := wool.WorkerRecord{
		UID: first.UID(), Addresses: []string{first.Address()}, Tags: []string{"grey"},
		Extra: map[string]string{"zone": "a", "rack": "7"}, PID: uint32(os.Getpid()), Language: "go",
		Doors: []string{"session"},
	}
	if !reflect.DeepEqual(record, expected) {
		t.Errorf("the record was published as %+v", record)
	}

	// Several pools and runtimes at once.
	pools := []*wool.Pool{
		openPool(t, wool.PoolOptions{Discovery: discovery}), openPool(t, wool.PoolOptions{Discovery: discovery}),
	}
	for _, pool := range pools {
		if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
			t.Errorf("1 + 2 = %d, %v", sum, err)
		}
	}
	second := publish(t, discovery)
	for _, pool := range pools {
		statusWhere(t, pool, "both workers", func(s wool.PoolStatus) bool { return len(members(s)) == 2 })
	}
	must(t, first.Stop(ctx, 0))
	if _, there := r.all()[first.UID()]; there {
		t.Error("a worker has stopped and is still to be found")
	}
	for _, pool := range pools {
		statusWhere(t, pool, "the second alone", func(s wool.PoolStatus) bool {
			return len(s.Workers) == 1 && slices.Equal(members(s), []string{second.UID()})
		})
	}
	for i, pool := range pools {
		must(t, pool.Close(ctx))
		poll(t, "the end of the subscription", func() bool { return r.subscribers() == len(pools)-1-i })
	}
}

// Workers that a pool starts are published by the pool, and withdrawn before it has closed.
func TestPoolPublishesByACustomDiscovery(t *testing.T) {
	r := newRegistry()
	discovery := wool.CustomDiscovery(r)
	ctx := testContext(t)
	owner := openPool(t, wool.PoolOptions{Spawn: 1, Discovery: discovery})
	guest := openPool(t, wool.PoolOptions{Discovery: discovery})
	pid, err := wool.Call[int](ctx, guest, "process.pid")
	must(t, err)
	status := statusWhere(t, owner, "its worker", allServe)
	if !slices.Equal(serving(status), []int{pid}) || len(status.Workers) != 1 {
		t.Errorf("process %d served the guest, and the pool is %+v", pid, status)
	}
	must(t, owner.Close(ctx))
	if left := r.all(); len(left) > 0 {
		t.Errorf("after the pool has closed, there is %v", left)
	}
	statusWhere(t, guest, "no worker", func(s wool.PoolStatus) bool { return len(s.Workers) == 0 })
}

func TestDiscoveryThatOnlyFinds(t *testing.T) {
	worker := publish(t, nil)
	ctx := testContext(t)
	// It says that nothing will change by returning, also where it has not said that it has looked.
	once := wool.CustomDiscovery(finder(func(_ context.Context, s *wool.Subscriber) error {
		return s.Found(wool.WorkerRecord{Addresses: []string{worker.Address()}})
	}))
	pool := openPool(t, wool.PoolOptions{Discovery: once})
	if sum, err := wool.Call[int](ctx, pool, "calc.add", 1, 2); err != nil || sum != 3 {
		t.Errorf("1 + 2 = %d, %v", sum, err)
	}
	if _, err := pool.Call(ctx, "no.such.routine"); !errors.Is(err, wool.ErrRoutineNotFound) {
		t.Errorf("a call that nobody serves gave %v", err)
	}
	if _, err := wool.NewWorker(newRuntime(t), wool.WorkerOptions{Publish: once}); !errors.Is(err, wool.ErrUnsupported) {
		t.Errorf("publishing by a discovery that only finds gave %v", err)
	}
	if _, err := wool.NewPool(newRuntime(t), wool.PoolOptions{Discovery: wool.CustomDiscovery(nil)}); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("a discovery of nil gave %v", err)
	}
}

func TestDiscoveryThatFails(t *testing.T) {
	var log logBuffer
	worker := publish(t, nil)
	for _, c := range []struct {
		how     string
		fails   func() error
		problem string
	}{
		{"returns", func() error { return errors.New("the flock is lost") }, "the flock is lost"},
		{"panics", func() error { panic("a wolf") }, "a wolf"},
		{"exits", func() error { runtime.Goexit(); return nil }, "ended its goroutine"},
		{"hostile", func() error { return &hostile{} }, "no words"},
	} {
		discovery := wool.CustomDiscovery(finder(func(_ context.Context, s *wool.Subscriber) error {
			must(t, s.Found(wool.WorkerRecord{Addresses: []string{worker.Address()}}))
			return c.fails()
		}))
		rt := newRuntime(t, wool.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		pool, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery})
		must(t, err)
		// What was found stays.
		status := statusWhere(t, pool, "the worker and the problem", func(s wool.PoolStatus) bool {
			return len(members(s)) == 1 && len(s.Problems) == 1
		})
		if problem := status.Problems[0]; problem.Kind != wool.ErrDiscovery || !strings.Contains(problem.Message, c.problem) {
			t.Errorf("%s: the problem is %v", c.how, problem)
		}
		must(t, rt.Close(testContext(t)))
	}
	for _, said := range []string{"panicked: a wolf", "ended its goroutine"} {
		poll(t, "the log", func() bool { return strings.Contains(log.String(), said) })
	}
}

func TestSubscriberTellsWhatIsNoRecord(t *testing.T) {
	outcomes := make(chan error, 4)
	kept := make(chan *wool.Subscriber, 1)
	discovery := wool.CustomDiscovery(finder(func(ctx context.Context, s *wool.Subscriber) error {
		outcomes <- s.Found(wool.WorkerRecord{})
		outcomes <- s.Found(wool.WorkerRecord{UID: "ewe", Addresses: []string{"127.0.0.1:1"}})
		outcomes <- s.Found(wool.WorkerRecord{Addresses: []string{"127.0.0.1:1"}, Tags: []string{"\xff"}})
		s.Gone("nobody")
		kept <- s
		return nil
	}))
	pool := openPool(t, wool.PoolOptions{Discovery: discovery})
	for _, part := range []string{"address", "ewe", "Tags"} {
		err := await(t, "the outcome", outcomes)
		if !errors.Is(err, wool.ErrInvalidArgument) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(part)) {
			t.Errorf("a record whose %s is wrong gave %v", part, err)
		}
	}
	s := await(t, "the subscriber", kept)
	must(t, pool.Close(testContext(t)))
	must(t, s.Found(wool.WorkerRecord{Addresses: []string{"127.0.0.1:1"}}))
	s.Gone("127.0.0.1:1")
	s.Failed(errors.New("too late"))
	s.Scanned()
}

func TestPublishingThatFails(t *testing.T) {
	for _, c := range []struct {
		how     string
		fails   func() error
		kind    wool.ErrorKind
		message string
	}{
		{"plain", func() error { return errors.New("the book is full") }, wool.ErrDiscovery, "the book is full"},
		{"own", func() error { return &wool.Error{Kind: wool.ErrPermissionDenied, Message: "not here"} }, wool.ErrPermissionDenied, "not here"},
		{"wrapped", func() error { return fmt.Errorf("at the gate: %w", &wool.Error{Kind: wool.ErrIO, Message: "shut"}) }, wool.ErrIO, "at the gate: wool: shut"},
		{"without a kind", func() error { return &wool.Error{Message: "so"} }, wool.ErrDiscovery, "so"},
		{"of no known kind", func() error { return &wool.Error{Kind: 4711, Message: "odd"} }, wool.ErrDiscovery, "odd"},
		{"panics", func() error { panic("a wolf") }, wool.ErrDiscovery, "a wolf"},
		{"exits", func() error { runtime.Goexit(); return nil }, wool.ErrDiscovery, "ended its goroutine"},
	} {
		r := newRegistry()
		asked := make(chan string, 1)
		r.publishes = func(_ context.Context, record wool.WorkerRecord) error {
			asked <- record.UID
			return c.fails()
		}
		_, err := wool.NewWorker(newRuntime(t), wool.WorkerOptions{Publish: wool.CustomDiscovery(r)})
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: the worker gave %v", c.how, err)
		}
		// It may have been shown half-way.
		uid := await(t, "the question", asked)
		poll(t, "the withdrawal", func() bool {
			r.mu.Lock()
			defer r.mu.Unlock()
			return slices.Equal(r.withdrawn, []string{uid})
		})
	}
}

// Whoever waits for the registry learns that the runtime closes.
func TestPublishingEndsWithTheRuntime(t *testing.T) {
	r := newRegistry()
	waiting, left := make(chan struct{}), make(chan error, 1)
	r.publishes = func(ctx context.Context, _ wool.WorkerRecord) error {
		close(waiting)
		<-ctx.Done()
		left <- ctx.Err()
		return ctx.Err()
	}
	rt, err := wool.NewRuntime()
	must(t, err)
	outcome := make(chan error, 1)
	go func() {
		_, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: wool.CustomDiscovery(r)})
		outcome <- err
	}()
	await(t, "the question", waiting)
	ctx := testContext(t)
	must(t, rt.Close(ctx))
	if err := await(t, "the end of the question", left); err != context.Canceled {
		t.Errorf("the question ended by %v", err)
	}
	if err := await(t, "the worker", outcome); err == nil {
		t.Error("a worker started in a runtime that has closed")
	}
}

// Workers are withdrawn while their runtime closes, and subscriptions end.
func TestCustomDiscoveryEndsWithTheRuntime(t *testing.T) {
	r := newRegistry()
	discovery := wool.CustomDiscovery(r)
	rt, err := wool.NewRuntime()
	must(t, err)
	worker, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: discovery})
	must(t, err)
	_, err = wool.NewPool(rt, wool.PoolOptions{Discovery: discovery})
	must(t, err)
	poll(t, "the subscription", func() bool { return r.subscribers() == 1 })
	must(t, rt.Close(testContext(t)))
	if _, there := r.all()[worker.UID()]; there || r.subscribers() > 0 {
		t.Errorf("after the runtime has closed there is %v, and %d listen", r.all(), r.subscribers())
	}
	if _, err := wool.NewPool(rt, wool.PoolOptions{Discovery: discovery}); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a pool after Close gave %v", err)
	}
	if _, err := wool.ListWorkers(testContext(t), rt, discovery); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("a listing after Close gave %v", err)
	}
}

func TestListWorkers(t *testing.T) {
	rt := newRuntime(t)
	ctx := testContext(t)
	full := wool.WorkerRecord{
		UID: "0b0e2e5e-7f0c-4f0e-9a51-0d5a0f6a9d11", Addresses: []string{"192.0.2.1:7000", "[2001:db8::1]:7000"},
		Tags: []string{"gpu"}, Extra: map[string]string{"zone": "a"}, PID: 7, Language: "rust", Version: "0.1.0",
		Protocol: [2]uint32{1, 0}, Doors: []string{"session"},
	}
	other := full
	other.UID, other.Protocol = "1b0e2e5e-7f0c-4f0e-9a51-0d5a0f6a9d11", [2]uint32{99, 0}
	r := newRegistry(full, other)
	listing, err := wool.ListWorkers(ctx, rt, wool.CustomDiscovery(r))
	must(t, err)
	if len(listing.Workers) != 1 || !reflect.DeepEqual(listing.Workers[0], full) || listing.Problem != nil {
		t.Errorf("the listing is %+v", listing)
	}
	if len(listing.TurnedAway) != 1 || listing.TurnedAway[0].Key != other.UID || listing.TurnedAway[0].Reason != wool.TurnedAwayProtocol {
		t.Errorf("the listing is %+v", listing)
	}
	poll(t, "the end of the subscription", func() bool { return r.subscribers() == 0 })

	// It might work again, and is given the time that a listing takes without a deadline.
	listing, err = wool.ListWorkers(context.Background(), rt, wool.CustomDiscovery(finder(func(context.Context, *wool.Subscriber) error {
		return errors.New("the flock is lost")
	})))
	must(t, err)
	if len(listing.Workers) > 0 || !errors.Is(listing.Problem, wool.ErrDiscovery) || !strings.Contains(listing.Problem.Message, "the flock is lost") {
		t.Errorf("the listing is %+v", listing)
	}
	discovery := privateDiscovery()
	worker := publish(t, discovery)
	listing, err = wool.ListWorkers(ctx, rt, discovery)
	must(t, err)
	if len(listing.Workers) != 1 || listing.Workers[0].UID != worker.UID() {
		t.Errorf("the listing is %+v", listing)
	}
	if _, err := wool.ListWorkers(ctx, rt, nil); !errors.Is(err, wool.ErrInvalidArgument) {
		t.Errorf("a listing by nothing gave %v", err)
	}
}

// A listing that is given up leaves nothing behind, and a deadline is how long it waits.
func TestListingHasAWayOut(t *testing.T) {
	rt := newRuntime(t)
	listens := make(chan struct{}, 2)
	silent := wool.CustomDiscovery(finder(func(ctx context.Context, s *wool.Subscriber) error {
		must(t, s.Found(wool.WorkerRecord{Addresses: []string{"127.0.0.1:1"}}))
		listens <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}))
	soon, cancel := context.WithTimeout(testContext(t), 100*time.Millisecond)
	defer cancel()
	listing, err := wool.ListWorkers(soon, rt, silent)
	must(t, err)
	if len(listing.Workers) != 1 {
		t.Errorf("the listing is %+v", listing)
	}
	<-listens
	// What has been given up may go on for as long as it was to wait.
	bounded, cancel := context.WithTimeout(testContext(t), 5*time.Second)
	defer cancel()
	impatient, giveUp := context.WithCancel(bounded)
	go func() {
		<-listens
		giveUp()
	}()
	if _, err := wool.ListWorkers(impatient, rt, silent); !errors.Is(err, wool.ErrCancelled) || !errors.Is(err, context.Canceled) {
		t.Errorf("the listing gave %v", err)
	}
	outcome := make(chan error, 1)
	go func() {
		_, err := wool.ListWorkers(bounded, rt, silent)
		outcome <- err
	}()
	<-listens
	must(t, rt.Close(testContext(t)))
	if err := await(t, "the end of the listing", outcome); !errors.Is(err, wool.ErrClosed) {
		t.Errorf("after the runtime has closed, the listing gave %v", err)
	}
}

func TestRecordsAsJSONAndValues(t *testing.T) {
	record := wool.WorkerRecord{
		UID: "0b0e2e5e-7f0c-4f0e-9a51-0d5a0f6a9d11", Addresses: []string{"a:1"}, Tags: []string{"gpu"},
		Extra: map[string]string{"zone": "a"}, Secure: true, Identity: "a.example", PID: 7, Language: "go",
		Version: "0.1.0", Protocol: [2]uint32{1, 2}, Doors: []string{"session", "dispatch"},
	}
	text, err := json.Marshal(record)
	must(t, err)
	if string(text) != `{"uid":"0b0e2e5e-7f0c-4f0e-9a51-0d5a0f6a9d11","addresses":["a:1"],"tags":["gpu"],"extra":{"zone":"a"},`+
		`"secure":true,"identity":"a.example","pid":7,"language":"go","version":"0.1.0","protocol":[1,2],"doors":["session","dispatch"]}` {
		t.Errorf("the record is %s", text)
	}
	var fromJSON, fromValue wool.WorkerRecord
	must(t, json.Unmarshal(text, &fromJSON))
	encoded, err := wool.Marshal(record)
	must(t, err)
	must(t, wool.Unmarshal(encoded, &fromValue))
	if !reflect.DeepEqual(fromJSON, record) || !reflect.DeepEqual(fromValue, record) {
		t.Errorf("the record came back as %+v and %+v", fromJSON, fromValue)
	}
	// What is not known is left out, so that the one who reads it knows better.
	encoded, err = wool.Marshal(wool.WorkerRecord{Addresses: []string{"a:1"}})
	must(t, err)
	var parts map[string]any
	must(t, wool.Unmarshal(encoded, &parts))
	if len(parts) != 1 {
		t.Errorf("a record of an address is %v", parts)
	}
}

func TestStackedDiscovery(t *testing.T) {
	fixed, found, custom := publish(t, nil), privateDiscovery(), newRegistry()
	local := publish(t, found)
	rt := newRuntime(t)
	must(t, wool.Register(rt, "calc.add", add))
	stack := wool.StackedDiscovery{found, wool.StaticDiscovery{Addresses: []string{fixed.Address()}}, wool.CustomDiscovery(custom)}
	pool := openPool(t, wool.PoolOptions{Discovery: stack})
	own, err := wool.NewWorker(rt, wool.WorkerOptions{Publish: wool.StackedDiscovery{wool.CustomDiscovery(custom), found}})
	must(t, err)
	if _, there := custom.all()[own.UID()]; !there {
		t.Error("a worker is not published by all of a stack")
	}
	expected := []string{fixed.UID(), local.UID(), own.UID()}
	slices.Sort(expected)
	statusWhere(t, pool, "all three workers", func(s wool.PoolStatus) bool {
		uids := members(s)
		slices.Sort(uids)
		return slices.Equal(uids, expected)
	})
	must(t, pool.Close(testContext(t)))
	poll(t, "the end of the subscription", func() bool { return custom.subscribers() == 0 })
	for _, wrong := range []wool.Discovery{
		wool.StackedDiscovery{}, wool.StackedDiscovery{found, nil}, wool.StackedDiscovery{wool.CustomDiscovery(custom), wool.LocalDiscovery{}},
		wool.StaticDiscovery{}, wool.StaticDiscovery{Addresses: []string{"nowhere"}}, wool.DNSDiscovery{},
		wool.DNSDiscovery{Name: "a.example:1", Servers: []string{"ns"}}, wool.LANDiscovery{Namespace: strings.Repeat("x", 129)},
	} {
		if _, err := wool.NewPool(rt, wool.PoolOptions{Discovery: wrong}); !errors.Is(err, wool.ErrInvalidArgument) {
			t.Errorf("a pool in %+v gave %v", wrong, err)
		}
	}
}
