package wool

// #include "shim.h"
import "C"

import (
	"fmt"
	"math"
	"sync"
	"unsafe"
)

// Balancer is how a pool spreads its calls over the workers that can take them: [RoundRobin], [LeastLoaded], or a
// [BalancerFunc] of the program's own.
type Balancer interface {
	// custom is the program's own; nil for those that the core has.
	custom() BalancerFunc
	// kind is a wool_balancer_t.
	kind() C.int32_t
}

// StandardBalancer is a [Balancer] that needs no help of the program.
type StandardBalancer int32

// The balancers that need no help.
const (
	// RoundRobin gives the calls to one worker after the other.
	RoundRobin StandardBalancer = C.WOOL_BALANCER_ROUND_ROBIN
	// LeastLoaded draws two workers by lot, and gives the call to the one with fewer calls of this pool in flight: as
	// good as looking at all, also with a thousand workers, and many pools do not run to the same one.
	LeastLoaded StandardBalancer = C.WOOL_BALANCER_LEAST_LOADED
)

func (StandardBalancer) custom() BalancerFunc { return nil }

func (b StandardBalancer) kind() C.int32_t { return C.int32_t(b) }

// BalancerFunc is a [Balancer] of the program's own: it returns the index of the worker that gets the call, or a negative
// number for none of them; the call then waits, and is asked about again when something has changed. It is asked for each
// call, and again when the worker that it chose did not take it.
//
// A pool asks it one call at a time, on another goroutine than those of the callers, so that it needs no lock for what it
// remembers unless several pools have it. What takes its time holds up the pool's other calls: it is to look and decide.
// When it panics, or chooses a worker that is not there, the call goes to the next in turn, and the log says so.
type BalancerFunc func(choice BalancerChoice) int

func (f BalancerFunc) custom() BalancerFunc { return f }

func (BalancerFunc) kind() C.int32_t { return C.WOOL_BALANCER_CUSTOM }

// BalancerChoice is a call that waits for its worker.
type BalancerChoice struct {
	// Routine is the name of what is called, and Tag the caller's word for the call: [CallOptions.Tag].
	Routine, Tag string
	// Workers can take the call: at least one, in no order that means anything.
	Workers []BalancerWorker
}

// BalancerWorker is a worker that can take a call.
type BalancerWorker struct {
	// UID is the worker's UUID, and Address where the pool reaches it.
	UID, Address string
	// Tags are its labels. They are not to be changed.
	Tags []string
	// InFlight is how many calls of this pool it has and has not answered, and Capacity how many of them it takes.
	InFlight, Capacity int
}

// balancing asks a pool's own balancer.
type balancing struct {
	engine *engine
	choose BalancerFunc
	tag    uint64

	mu sync.Mutex
	// waiting are the choices that have not been made; while there are some, a goroutine is busy with them.
	waiting []C.wool_choice_t
	busy    bool

	// known are the workers of the last choices, by uid: what is read of them once need not be copied for each call. It
	// belongs to the goroutine.
	known map[string]BalancerWorker
}

// unanswered is the index of no worker: the next in turn gets the call.
const unanswered = math.MaxInt64

// newBalancing makes the balancer reachable by a tag, until end; nil for those that the core has.
func newBalancing(e *engine, b Balancer) (*balancing, *Error) {
	if b == nil || b.kind() != C.WOOL_BALANCER_CUSTOM {
		return nil, nil
	}
	if b.custom() == nil {
		return nil, newError(ErrInvalidArgument, "the balancer is a nil function")
	}
	own := &balancing{engine: e, choose: b.custom(), known: make(map[string]BalancerWorker)}
	tag, err := e.queue.expect(own)
	if err != nil {
		return nil, err
	}
	own.tag = tag
	return own, nil
}

// end is for a pool that has closed.
func (b *balancing) end() { b.engine.queue.forget(b.tag) }

// receive runs on the dispatcher.
func (b *balancing) receive(e *event) {
	if e.kind != C.WOOL_EVENT_CHOICE {
		return // the queue is closed
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, C.wool_choice_t(e.handle))
	if !b.busy {
		b.busy = true
		b.engine.tasks.beside(b.run)
	}
}

// run makes choices until none waits. A balancer that ends its goroutine costs only that.
func (b *balancing) run() {
	over := false
	defer func() {
		if !over {
			b.engine.tasks.beside(b.run)
		}
	}()
	for {
		choice, waits := b.next()
		if !waits {
			break
		}
		b.decide(choice)
	}
	over = true
}

func (b *balancing) next() (choice C.wool_choice_t, waits bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.waiting, b.busy = nil, false
		return 0, false
	}
	choice = b.waiting[0]
	b.waiting = b.waiting[1:]
	return choice, true
}

// decide asks the balancer and passes its answer on.
func (b *balancing) decide(handle C.wool_choice_t) {
	choice, waits := b.read(handle)
	if !waits {
		return
	}
	index, decided := int64(unanswered), false
	defer func() {
		if !decided {
			b.engine.broken("a balancer", recover())
		}
		C.wool_error_free(C.wool_go_choice_answer(handle, C.int64_t(index)).error)
	}()
	index = int64(b.choose(choice))
	decided = true
	if index >= int64(len(choice.Workers)) {
		b.engine.warn(fmt.Sprintf("a balancer chose worker %d of %d", index, len(choice.Workers)))
	}
}

// read fails where nobody waits any more. What it copies is the core's as long as the queue is open.
func (b *balancing) read(handle C.wool_choice_t) (choice BalancerChoice, waits bool) {
	b.engine.queue.whileOpen(func() {
		info := C.wool_choice_info_t{struct_size: C.sizeof_wool_choice_info_t}
		var failure *C.wool_error_t
		waits = C.int32_t(C.wool_choice_info(handle, &info, &failure)) >= 0
		C.wool_error_free(failure)
		if waits {
			choice = BalancerChoice{Routine: stringOf(info.routine), Tag: stringOf(info.tag), Workers: b.workers(&info)}
		}
	})
	return choice, waits
}

func (b *balancing) workers(info *C.wool_choice_info_t) []BalancerWorker {
	workers := make([]BalancerWorker, int(info.worker_count))
	if len(b.known) > 2*len(workers) {
		clear(b.known) // of those that have gone
	}
	for i := range workers {
		// A later libwool may tell more of each.
		at := unsafe.Add(unsafe.Pointer(info.workers), uintptr(i)*uintptr(info.worker_size))
		workers[i] = b.worker((*C.wool_choice_worker_t)(at))
	}
	return workers
}

func (b *balancing) worker(c *C.wool_choice_worker_t) BalancerWorker {
	tags := unsafe.Slice(c.tags, int(c.tag_count))
	worker, found := b.known[string(viewOf(c.uid))]
	if !found || worker.Address != string(viewOf(c.address)) || !sameTexts(worker.Tags, tags) {
		worker = BalancerWorker{UID: stringOf(c.uid), Address: stringOf(c.address)}
		for _, tag := range tags {
			worker.Tags = append(worker.Tags, stringOf(tag))
		}
		b.known[worker.UID] = worker
	}
	worker.InFlight, worker.Capacity = int(c.in_flight), int(c.capacity)
	return worker
}

func sameTexts(texts []string, slices []C.wool_slice_t) bool {
	if len(texts) != len(slices) {
		return false
	}
	for i, text := range texts {
		if text != string(viewOf(slices[i])) {
			return false
		}
	}
	return true
}
