package wool

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Discoverer is a way of the program's own to find workers: a registry, a database, a file. With the methods of
// [Publisher] it publishes them, too. [CustomDiscovery] makes a [Discovery] of it.
type Discoverer interface {
	// Subscribe tells the subscriber which workers there are and what changes, until ctx is done: the pool, listing or
	// runtime that wants to know is closed. It runs on a goroutine of its own for each of them, several at once; closing
	// waits for its return.
	//
	// An error, or a panic, is told as [Subscriber.Failed]. nil before the end says that nothing will change; the first
	// look is over then, too.
	Subscribe(ctx context.Context, s *Subscriber) error
}

// Publisher is for a [Discoverer] that publishes workers, too. Its methods run on goroutines of their own, for one
// worker one after the other. An error that is an [*Error] keeps its kind, any other is an [ErrDiscovery].
type Publisher interface {
	// Publish shows a worker to those who look for some, or a newer record of it. The worker waits for that, half a
	// minute at most. ctx ends when the runtime closes, and when the worker is to be withdrawn.
	Publish(ctx context.Context, record WorkerRecord) error
	// Withdraw takes back what was published of the worker with this uid, also where publishing has failed, perhaps
	// half-way. A worker that stops waits for that, but for seconds only; ctx outlasts that wait a little.
	Withdraw(ctx context.Context, uid string) error
}

// withdrawTime is how long a withdrawal may take; the worker does not wait as long.
const withdrawTime = 10 * time.Second

// CustomDiscovery is a discovery of the program's own. It publishes workers where d is a [Publisher] as well; what it
// finds is believed, and told [PoolOptions.Secret].
func CustomDiscovery(d Discoverer) Discovery { return customDiscovery{d} }

type customDiscovery struct{ discoverer Discoverer }

func (d customDiscovery) open(o *opened) (*C.wool_discovery_t, *Error) {
	if d.discoverer == nil {
		return nil, newError(ErrInvalidArgument, "a custom discovery of nil finds nothing")
	}
	s, err := newSource(o, d.discoverer)
	if err != nil {
		return nil, err
	}
	o.sources = append(o.sources, s)
	options := C.wool_custom_discovery_t{
		struct_size: C.sizeof_wool_custom_discovery_t, queue: o.engine.queue.handle, tag: C.uint64_t(s.tag),
		publishes: flag(s.publisher != nil),
	}
	return newDiscovery(func(out **C.wool_discovery_t, failure **C.wool_error_t) C.int32_t {
		return C.int32_t(C.wool_discovery_new_custom(&options, out, failure))
	})
}

// Subscriber is who wants to be told of workers: a pool, or a listing. It may be told from any goroutine; when it does
// not listen any more, that does nothing.
type Subscriber struct {
	handle C.wool_subscription_t
	// told: how the first look went has been said.
	told atomic.Bool
}

// Found tells of a worker, or of a newer record of it. Of a record that was not made by [Publisher.Publish] its Addresses
// are enough. It is an [ErrInvalidArgument], naming the part, for what is no worker's record.
func (s *Subscriber) Found(record WorkerRecord) error {
	encoded, err := Marshal(record)
	if err != nil {
		return &Error{Kind: ErrInvalidArgument, Message: fmt.Sprintf("this is no worker's record: %v", err), Cause: err}
	}
	data, length := bytesOf(encoded)
	if err := errorOf(C.wool_go_subscription_found(s.handle, data, length)); err != nil {
		return err
	}
	return nil
}

// Gone tells that a worker has gone: key is its uid or, where its record has none, its first address. One that nobody
// knows does no harm.
func (s *Subscriber) Gone(key string) {
	data, length := textOf(toText(key))
	C.wool_error_free(C.wool_go_subscription_gone(s.handle, data, length).error)
}

// Scanned tells that all workers that were there at the beginning have been told of, or, after Failed, that it works
// again. Until then calls wait for workers that may still come, up to their dispatch timeout.
func (s *Subscriber) Scanned() {
	s.told.Store(true)
	C.wool_error_free(C.wool_go_subscription_scanned(s.handle).error)
}

// Failed tells that workers cannot be found at present. Those that are known stay; [PoolStatus.Problems] says why.
func (s *Subscriber) Failed(err error) {
	message := "the discovery does not say why"
	if err != nil {
		message = err.Error()
	}
	s.told.Store(true)
	data, length := textOf(toText(message))
	C.wool_error_free(C.wool_go_subscription_failed(s.handle, data, length).error)
}

// source asks the program for one who uses its discovery.
type source struct {
	engine     *engine
	discoverer Discoverer
	// publisher is nil where workers are found only.
	publisher Publisher
	// lists: who uses it looks around once, and waits for the end of that.
	lists bool
	tag   uint64
	// ctx ends when the runtime has closed: what is withdrawn while it closes may go on until then.
	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex
	// subscriptions are ended by their functions.
	subscriptions map[uint64]context.CancelFunc
	// asked has the last question about each worker, by uid, until it is withdrawn.
	asked map[string]*question
	// ended: what was made with it has ended.
	ended bool
}

// question is to publish or to withdraw a worker.
type question struct {
	publication C.wool_publication_t
	cancel      context.CancelFunc
	// done is closed when the program has answered.
	done chan struct{}
}

// newSource makes the program reachable by a tag, until end.
func newSource(o *opened, d Discoverer) (*source, *Error) {
	s := &source{
		engine: o.engine, lists: o.lists, discoverer: d,
		subscriptions: make(map[uint64]context.CancelFunc), asked: make(map[string]*question),
	}
	s.publisher, _ = d.(Publisher)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	tag, err := s.engine.queue.expect(s)
	if err != nil {
		s.cancel()
		return nil, err
	}
	s.tag = tag
	return s, nil
}

// end is for when what was made with the discovery has ended. A worker that could not be made is still to be withdrawn,
// perhaps; the source goes when that has been asked.
func (s *source) end() {
	s.mu.Lock()
	s.ended = true
	s.unsubscribeAllLocked()
	idle := len(s.asked) == 0
	s.mu.Unlock()
	if idle {
		s.forget()
	}
}

func (s *source) forget() {
	s.engine.queue.forget(s.tag)
	s.cancel()
}

func (s *source) unsubscribeAllLocked() {
	for _, cancel := range s.subscriptions {
		cancel()
	}
	clear(s.subscriptions)
}

// receive runs on the dispatcher.
func (s *source) receive(e *event) {
	switch e.kind {
	case C.WOOL_EVENT_SUBSCRIBE:
		s.subscribe(e.handle)
	case C.WOOL_EVENT_UNSUBSCRIBE:
		s.unsubscribe(e.handle)
	case C.WOOL_EVENT_PUBLISH:
		s.publish(e)
	case C.WOOL_EVENT_WITHDRAW:
		s.withdraw(e)
	default: // the queue is closed
		s.mu.Lock()
		s.ended = true
		s.unsubscribeAllLocked()
		s.mu.Unlock()
		s.cancel()
	}
}

func (s *source) subscribe(handle uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.engine.ctx)
	if s.ended {
		cancel()
	} else {
		s.subscriptions[handle] = cancel
	}
	s.engine.tasks.beside(func() { s.discover(ctx, &Subscriber{handle: C.wool_subscription_t(handle)}) })
}

func (s *source) unsubscribe(handle uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel, found := s.subscriptions[handle]; found {
		cancel()
		delete(s.subscriptions, handle)
	}
}

// discover lets the program tell of workers, and tells how it left. Who does not listen any more is told nothing by that.
func (s *source) discover(ctx context.Context, subscriber *Subscriber) {
	returned := false
	defer func() {
		if !returned {
			why := s.engine.broken("a discovery's Subscribe", recover())
			subscriber.Failed(errors.New(why))
		}
	}()
	var err error
	if ctx.Err() == nil {
		err = s.discoverer.Subscribe(ctx, subscriber)
	}
	switch {
	case ctx.Err() != nil:
		if s.lists {
			subscriber.Scanned() // a listing that was given up need not wait
		}
	case err != nil:
		subscriber.Failed(err)
	case !subscriber.told.Load():
		subscriber.Scanned()
	}
	returned = true
}

func (s *source) publish(e *event) {
	publication := C.wool_publication_t(e.handle)
	var record WorkerRecord
	err := e.payload.into(&record)
	e.release()
	if err != nil {
		answerPublication(publication, codecError("record", "a worker", err))
		return
	}
	ctx, cancel := context.WithCancel(s.engine.ctx)
	s.ask(record.UID, &question{publication: publication, cancel: cancel}, func(before *question) error {
		if before != nil {
			<-before.done
		}
		return s.publisher.Publish(ctx, record)
	})
}

func (s *source) withdraw(e *event) {
	publication := C.wool_publication_t(e.handle)
	var uid string
	err := e.payload.into(&uid)
	e.release()
	if err != nil {
		answerPublication(publication, codecError("uid", "a worker", err))
		return
	}
	q := &question{publication: publication, cancel: func() {}}
	s.ask(uid, q, func(before *question) error {
		if before != nil {
			before.cancel()
			<-before.done
		}
		ctx, cancel := context.WithTimeout(s.ctx, withdrawTime)
		defer cancel()
		defer s.withdrawn(uid, q)
		return s.publisher.Withdraw(ctx, uid)
	})
}

// withdrawn forgets a worker, and goes with the last.
func (s *source) withdrawn(uid string, q *question) {
	s.mu.Lock()
	if s.asked[uid] == q {
		delete(s.asked, uid)
	}
	last := s.ended && len(s.asked) == 0
	s.mu.Unlock()
	if last {
		s.forget()
	}
}

// ask lets the program answer a question about a worker, who is given the question before it, which may not have been
// answered.
func (s *source) ask(uid string, q *question, answer func(before *question) error) {
	q.done = make(chan struct{})
	s.mu.Lock()
	before := s.asked[uid]
	s.asked[uid] = q
	s.mu.Unlock()
	s.engine.tasks.beside(func() {
		defer close(q.done)
		defer q.cancel()
		returned := false
		defer func() {
			if !returned {
				answerPublication(q.publication, newError(ErrDiscovery, "%s", s.engine.broken("a discovery", recover())))
			}
		}()
		err := answer(before)
		answerPublication(q.publication, err)
		returned = true
	})
}

// answerPublication can only fail where nobody waits for the answer any more.
func answerPublication(publication C.wool_publication_t, err error) {
	var kind ErrorKind
	message := ""
	if err != nil {
		kind, message = ErrDiscovery, err.Error()
		var failure *Error
		if errors.As(err, &failure) && kindNames[failure.Kind] != "" {
			kind = failure.Kind
		}
		if error(failure) == err {
			message = failure.Message
		}
	}
	data, length := textOf(toText(message))
	C.wool_error_free(C.wool_go_publication_answer(publication, kind.status(), data, length).error)
}

// broken says why what belongs to the program did not return, which the log is told as well.
func (e *engine) broken(what string, panicked any) string {
	why := what + " ended its goroutine instead of returning"
	if panicked != nil {
		why = fmt.Sprintf("%s panicked: %v", what, panicked)
	}
	e.warn(why)
	return why
}

func (e *engine) warn(message string) {
	if e.log != nil {
		e.log.log(slog.LevelWarn, "wool", message)
	}
}
