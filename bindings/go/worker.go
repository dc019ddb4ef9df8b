package wool

// #include "shim.h"
import "C"

import (
	"context"
	"math"
	"runtime"
	"time"
)

// Worker serves the routines of its runtime, in this process, to whoever can reach its address. Stop
// it.
type Worker struct {
	rt      *Runtime
	core    *workerCore
	address string
	uid     string
}

// workerCore outlives its Worker in the runtime's list of children.
type workerCore struct {
	handle *C.wool_worker_t
	guard  guard
	// admission is nil without a hook.
	admission *admission
	// published is where it is announced.
	published *opened
	// ended is closed when it is freed.
	ended chan struct{}
}

// end is for a worker that has stopped, or has not been made.
func (c *workerCore) end(e *engine) {
	if c.admission != nil {
		c.admission.end()
	}
	if c.published != nil {
		c.published.end()
	}
	e.closeChild(&c.guard)
}

// WorkerOptions say where and how a worker serves. The zero value serves on a free port of this
// machine's loopback.
type WorkerOptions struct {
	// Bind is "host:port"; empty is "127.0.0.1:0". "0.0.0.0" and "[::]" are all addresses of the machine.
	Bind string
	// Advertise are the addresses by which others reach the worker, "host:port" or a host, to which its port is added;
	// empty are those of Bind. They are for a worker behind a port that is forwarded, or under a name.
	Advertise []string
	// SocketPath is a Unix socket to serve on as well; none if empty.
	SocketPath string
	// Concurrency is how many tasks may run at once; 0 is 1,024. Further ones are refused as
	// [ErrBusy].
	Concurrency uint32
	// AllowPlaintext permits binding beyond this machine without TLS.
	AllowPlaintext bool
	// Secret must be presented by callers; none if empty.
	Secret []byte
	// MaxPayload is the largest payload in bytes; 0 is 256 MiB.
	MaxPayload uint64
	// Tags are labels by which pools choose among workers.
	Tags []string
	// Extra is what the program says of the worker, for others: [WorkerRecord.Extra].
	Extra map[string]string
	// Publish is where pools find the worker; nowhere if nil. Without a Secret, one that is drawn by lot
	// goes into the record, and only who can read that may call.
	Publish Discovery
	// Credentials are what the worker presents to its callers, and which of them it believes; nil is no TLS. With them
	// it may bind beyond this machine.
	Credentials *Credentials
	// Identity is the name that the worker claims in its record, and that its certificate holds: a DNS name or a URI
	// (SPIFFE). Pools whose Peers accept it take that instead of the address that they dialled.
	Identity string
	// Callers are patterns for the names of certificates: "caller.example", "*.example", "spiffe://example/caller",
	// "spiffe://example/*", "*". Who has none of them is not let in; nil lets in all whose certificates are good, and an
	// empty list is an [ErrInvalidArgument]. Over the Unix socket the Secret decides.
	Callers []string
	// RoutineCallers say who may call what, beside Callers: a routine that is named is for those alone.
	RoutineCallers []RoutineCallers
	// Stoppers are patterns, as Callers, for those who may stop the worker over the network, by the gRPC method
	// wool.v1.Control/stop; empty is nobody. It needs Credentials that are not OneWay. [RunWorker] returns then.
	Stoppers []string
	// PeerLimits are what one peer may take of the worker.
	PeerLimits PeerLimits
	// Peers are as [PoolOptions.Peers], for the pools by which routines call on.
	Peers []string
	// Pool is by which routines call ([PoolFromContext]) where their caller's pool cannot be used here, as it is one
	// of another machine or cannot be described; they cannot call there if nil. The worker keeps it open.
	Pool *Pool
	// Admit decides which calls the worker takes, beside Concurrency; nil takes all. It is asked about each
	// call once, on a goroutine of its own, and may take its time: only that call waits, and holds its place
	// meanwhile, which is free at once when its caller leaves or its time is up. ctx ends when the worker stops.
	//
	// nil lets the call in. An error that is [ErrBusy], as [Busy] makes one, sends it to another worker, or here
	// again later. Any other refuses it: the call ends as [ErrPermissionDenied] with the error's text. A hook that
	// panics has failed, and the call ends as [ErrRejected].
	Admit func(ctx context.Context, request AdmissionRequest) error
	// Started is told by [RunWorker] of the worker, once it serves; nobody if nil. The worker is not to be kept.
	// [NewWorker] does without: it returns the worker.
	Started func(worker *Worker)
}

// PeerLimits are what one peer may take of a worker. A peer is whoever presents certificates of the same names, or without
// names an IP address (of IPv6 a network of 64 bits); over the Unix socket there are no limits. 0 is the default.
type PeerLimits struct {
	// Connections at once; further ones are closed. The default is 1,024.
	Connections int
	// Sessions at once; further ones are refused as [ErrBusy]. The default is 1,024.
	Sessions int
	// Calls at once, over all sessions; further ones are refused as [ErrBusy], as by Concurrency. The default is 65,536.
	Calls int
	// Bytes of large payloads that may be on their way to the worker or held by its tasks, over all sessions. Each session
	// sets aside what it lets its caller send ahead: 64 MiB, or half of what is left; a payload that is larger than that, its
	// size. A call that does not fit is refused as [ErrBusy]. The default is 64 GiB.
	Bytes int64
}

func (l *PeerLimits) check() *Error {
	for name, limit := range map[string]int64{
		"Connections": int64(l.Connections), "Sessions": int64(l.Sessions), "Calls": int64(l.Calls), "Bytes": l.Bytes,
	} {
		if limit < 0 {
			return newError(ErrInvalidArgument, "PeerLimits.%s is negative: %d", name, limit)
		}
	}
	return nil
}

// count is a limit for the core: more than it counts is as much as it counts.
func count(limit int) C.uint32_t { return C.uint32_t(min(uint64(limit), math.MaxUint32)) }

// NewWorker starts a worker. It serves when NewWorker returns, also routines that are registered
// later.
//
// It fails as [ErrPermissionDenied] for an address beyond this machine without AllowPlaintext, [ErrIO] when
// the address cannot be bound, and [ErrDiscovery] when the worker cannot be published.
func NewWorker(rt *Runtime, options WorkerOptions) (*Worker, error) {
	e := rt.engine
	core := &workerCore{ended: make(chan struct{})}
	free := func() {
		C.wool_worker_free(core.handle)
		close(core.ended)
	}
	if err := e.adopt(&core.guard, free); err != nil {
		return nil, err
	}
	err := core.start(e, &options)
	if err == nil {
		err = core.watch(e)
	}
	if err != nil {
		core.end(e)
		return nil, err
	}
	w := &Worker{
		rt: rt, core: core,
		address: stringOf(C.wool_worker_address(core.handle)),
		uid:     stringOf(C.wool_worker_uid(core.handle)),
	}
	runtime.SetFinalizer(w, func(w *Worker) { w.rt.engine.warnUnclosed(&w.core.guard, "Worker", "Stop") })
	return w, nil
}

// start makes the core's worker. Where that fails the rest is still to be ended.
func (c *workerCore) start(e *engine, options *WorkerOptions) (err *Error) {
	if err := options.check(); err != nil {
		return err
	}
	if c.published, err = openDiscovery(e, options.Publish); err != nil {
		return err
	}
	defer c.published.free()
	if options.Admit != nil {
		if c.admission, err = newAdmission(e, options.Admit); err != nil {
			return err
		}
	}
	var memory arena
	defer memory.free()
	given := options.forC(&memory)
	given.publish = c.published.handle
	if options.Pool != nil {
		fallback := options.Pool.core
		if !fallback.guard.enter() {
			return options.Pool.closedFor("a worker")
		}
		defer fallback.guard.leave()
		given.pool = fallback.handle
	}
	if c.admission != nil {
		given.admit_queue, given.admit_tag = e.queue.handle, C.uint64_t(c.admission.tag)
	}
	return options.Credentials.lend(e, func(credentials *C.wool_credentials_t) *Error {
		given.credentials = credentials
		var failure *C.wool_error_t
		if status := C.int32_t(C.wool_worker_new(e.handle, &given, &c.handle, &failure)); status < 0 {
			return takeError(status, failure)
		}
		return nil
	})
}

// watch ends the use of the worker when it has stopped, whoever stopped it.
func (c *workerCore) watch(e *engine) *Error {
	tag, err := e.queue.expect(&stopped{e, c})
	if err != nil {
		return err
	}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_worker_stopped_submit(c.handle, e.queue.handle, C.uint64_t(tag), &failure)); status < 0 {
		e.queue.forget(tag)
		return takeError(status, failure)
	}
	return nil
}

// stopped is told that a worker has stopped.
type stopped struct {
	engine *engine
	core   *workerCore
}

// receive runs on the dispatcher. That the queue is closed says that the runtime is, which ends the worker itself.
func (s *stopped) receive(e *event) {
	if e.kind == C.WOOL_EVENT_CLOSED {
		s.core.end(s.engine)
	}
}

// check refuses what makes no sense, and a list of nobody: to the core it would be no list, which lets in all.
func (o *WorkerOptions) check() *Error {
	if o.Callers != nil && len(o.Callers) == 0 {
		return newError(ErrInvalidArgument, "Callers is empty: say who is let in, or leave it nil, which lets in all")
	}
	for _, rule := range o.RoutineCallers {
		if len(rule.Callers) == 0 {
			return newError(ErrInvalidArgument, "RoutineCallers of %q have no Callers: say who may call it", rule.Routine)
		}
	}
	return o.PeerLimits.check()
}

// forC is what the C form of the options says by itself.
func (o *WorkerOptions) forC(memory *arena) C.wool_worker_options_t {
	extra, routineCallers := pairs(o.Extra), rules(o.RoutineCallers)
	return C.wool_worker_options_t{
		struct_size:     C.sizeof_wool_worker_options_t,
		bind:            memory.slice(o.Bind),
		advertise:       memory.slices(o.Advertise),
		advertise_count: C.size_t(len(o.Advertise)),
		socket_path:     memory.slice(o.SocketPath),
		concurrency:     C.uint32_t(o.Concurrency),
		allow_plaintext: flag(o.AllowPlaintext),
		secret:          memory.slice(string(o.Secret)),
		max_payload:     C.uint64_t(o.MaxPayload),
		tags:            memory.slices(o.Tags),
		tag_count:       C.size_t(len(o.Tags)),
		extra:           memory.slices(extra),
		extra_count:     C.size_t(len(extra)),

		identity:             memory.slice(o.Identity),
		callers:              memory.slices(o.Callers),
		caller_count:         C.size_t(len(o.Callers)),
		routine_callers:      memory.slices(routineCallers),
		routine_caller_count: C.size_t(len(routineCallers)),
		peers:                memory.slices(o.Peers),
		peer_count:           C.size_t(len(o.Peers)),
		stoppers:             memory.slices(o.Stoppers),
		stopper_count:        C.size_t(len(o.Stoppers)),
		peer_connections:     count(o.PeerLimits.Connections),
		peer_sessions:        count(o.PeerLimits.Sessions),
		peer_calls:           count(o.PeerLimits.Calls),
		peer_bytes:           C.uint64_t(o.PeerLimits.Bytes),
	}
}

// pairs are the names and values of a map, each name before its value.
func pairs(texts map[string]string) []string {
	pairs := make([]string, 0, 2*len(texts))
	for name, value := range texts {
		pairs = append(pairs, name, value)
	}
	return pairs
}

// Address is where the worker listens, such as "127.0.0.1:43211".
func (w *Worker) Address() string { return w.address }

// UID is the worker's own id, a UUID: a restarted worker has another.
func (w *Worker) UID() string { return w.uid }

// Stop stops serving. New tasks are refused at once; those that run are cancelled after the grace: at
// once for 0, never for a negative one. Stop waits until the last has ended; ctx is the way out of that
// wait, and does not undo the stop. Stop may be called again, with less grace too, and after the end,
// whoever has stopped it.
func (w *Worker) Stop(ctx context.Context, grace time.Duration) error {
	e := w.rt.engine
	if !w.core.guard.enter() {
		return nil
	}
	defer w.core.guard.leave()
	done := newWaiter()
	tag, err := e.queue.expect(done)
	if err != nil {
		return nil // the runtime has closed it
	}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_worker_stop_submit(w.core.handle, C.int64_t(signedMilliseconds(grace)), e.queue.handle, C.uint64_t(tag), &failure)); status < 0 {
		e.queue.forget(tag)
		if kindOf(status) == ErrClosed {
			C.wool_error_free(failure)
			return nil
		}
		return takeError(status, failure)
	}
	if w.core.admission != nil {
		w.core.admission.cancel() // a worker that stops takes no calls
	}
	select {
	case err := <-done:
		w.core.end(e)
		return err
	case <-ctx.Done():
		err := newError(ErrTimeout, "the worker is still stopping: %v", ctx.Err())
		err.Cause = ctx.Err()
		return err
	}
}
