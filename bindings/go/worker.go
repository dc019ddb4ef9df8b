package wool

// #include "shim.h"
import "C"

import (
	"context"
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
}

func (c *workerCore) endAdmission() {
	if c.admission != nil {
		c.admission.end()
	}
}

// WorkerOptions say where and how a worker serves. The zero value serves on a free port of this
// machine's loopback.
type WorkerOptions struct {
	// Bind is "host:port"; empty is "127.0.0.1:0".
	Bind string
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
	// Publish is where pools find the worker; nowhere if nil. Without a Secret, one that is drawn by lot
	// goes into the record, and only who can read that may call.
	Publish Discovery
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
}

// NewWorker starts a worker. It serves when NewWorker returns, also routines that are registered
// later.
//
// It fails as [ErrPermissionDenied] for an address beyond this machine without AllowPlaintext, [ErrIO] when
// the address cannot be bound, and [ErrDiscovery] when the worker cannot be published.
func NewWorker(rt *Runtime, options WorkerOptions) (*Worker, error) {
	discovery, err := openDiscovery(options.Publish)
	if err != nil {
		return nil, err
	}
	defer C.wool_discovery_free(discovery)
	e := rt.engine
	core := &workerCore{}
	if err := e.adopt(&core.guard, func() { C.wool_worker_free(core.handle) }); err != nil {
		return nil, err
	}
	if options.Admit != nil {
		admission, err := newAdmission(e, options.Admit)
		if err != nil {
			e.closeChild(&core.guard)
			return nil, err
		}
		core.admission = admission
	}
	var memory arena
	defer memory.free()
	c := C.wool_worker_options_t{
		struct_size:     C.sizeof_wool_worker_options_t,
		bind:            memory.slice(options.Bind),
		socket_path:     memory.slice(options.SocketPath),
		concurrency:     C.uint32_t(options.Concurrency),
		allow_plaintext: flag(options.AllowPlaintext),
		secret:          memory.slice(string(options.Secret)),
		max_payload:     C.uint64_t(options.MaxPayload),
		tags:            memory.slices(options.Tags),
		tag_count:       C.size_t(len(options.Tags)),
		publish:         discovery,
	}
	if options.Pool != nil {
		fallback := options.Pool.core
		if !fallback.guard.enter() {
			core.endAdmission()
			e.closeChild(&core.guard)
			return nil, options.Pool.closedFor("a worker")
		}
		defer fallback.guard.leave()
		c.pool = fallback.handle
	}
	if core.admission != nil {
		c.admit_queue, c.admit_tag = e.queue.handle, C.uint64_t(core.admission.tag)
	}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_worker_new(e.handle, &c, &core.handle, &failure)); status < 0 {
		core.endAdmission()
		e.closeChild(&core.guard)
		return nil, takeError(status, failure)
	}
	w := &Worker{
		rt: rt, core: core,
		address: stringOf(C.wool_worker_address(core.handle)),
		uid:     stringOf(C.wool_worker_uid(core.handle)),
	}
	runtime.SetFinalizer(w, func(w *Worker) { w.rt.engine.warnUnclosed(&w.core.guard, "Worker", "Stop") })
	return w, nil
}

// Address is where the worker listens, such as "127.0.0.1:43211".
func (w *Worker) Address() string { return w.address }

// UID is the worker's own id, a UUID: a restarted worker has another.
func (w *Worker) UID() string { return w.uid }

// Stop stops serving. New tasks are refused at once; those that run are cancelled after the grace: at
// once for 0, never for a negative one. Stop waits until the last has ended; ctx is the way out of that
// wait, and does not undo the stop. Stop may be called again, with less grace too, and after the end.
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
		w.core.endAdmission()
		e.closeChild(&w.core.guard)
		return err
	case <-ctx.Done():
		err := newError(ErrTimeout, "the worker is still stopping: %v", ctx.Err())
		err.Cause = ctx.Err()
		return err
	}
}
