package wool

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
)

// WorkerRecord is how a worker is found: what a discovery knows of it. One that a program makes needs no more than an
// address. Its form as JSON, and as a value of the network ([Marshal]), is the same in every language, so that records can
// be kept in etcd, Redis or a file.
type WorkerRecord struct {
	// UID is the worker's UUID; a restarted worker has another. Empty: not known, whoever answers is taken.
	UID string `json:"uid,omitempty" wool:"uid,omitempty"`
	// Addresses are "host:port", IPv6 hosts in brackets; at least one.
	Addresses []string `json:"addresses" wool:"addresses"`
	// Tags are labels by which pools choose.
	Tags []string `json:"tags,omitempty" wool:"tags,omitempty"`
	// Extra is what its program says of it, for others: [WorkerOptions.Extra].
	Extra map[string]string `json:"extra,omitempty" wool:"extra,omitempty"`
	// Secure: it serves with TLS.
	Secure bool `json:"secure,omitempty" wool:"secure,omitempty"`
	// Identity is the name that its certificate holds; empty is that of its address.
	Identity string `json:"identity,omitempty" wool:"identity,omitempty"`
	// PID is its process; 0 where that is not known.
	PID uint32 `json:"pid,omitempty" wool:"pid,omitempty"`
	// Language is "go", "rust" and so on, and Version that of its libwool; empty where that is not known.
	Language string `json:"language,omitempty" wool:"language,omitempty"`
	Version  string `json:"version,omitempty" wool:"version,omitempty"`
	// Protocol is the protocol's major and minor version; two zeros are those of this libwool.
	Protocol [2]uint32 `json:"protocol,omitzero" wool:"protocol,omitempty"`
	// Doors are its ways in: "session" is libwool's own, "dispatch" that of Python wool. nil is libwool's.
	Doors []string `json:"doors,omitempty" wool:"doors,omitempty"`
}

// Listing is what a discovery knows at one moment.
type Listing struct {
	Workers []WorkerRecord `wool:"workers"`
	// TurnedAway are the records that no pool of this program could use, and why.
	TurnedAway []TurnedAway `wool:"turned_away"`
	// Problem is why it does not find workers at present; nil where it does. It has a Kind and a Message.
	Problem *Error `wool:"-"`
}

// ListWorkers looks which workers a discovery finds, without calling any. It waits until the first look around is over
// or the deadline of ctx has come, without one 5 s, and tells what was found until then. A pool may use fewer of them: see
// [PoolOptions.Tags] and [PoolOptions.Lease].
//
// It fails as [ErrCancelled] when ctx is cancelled, [ErrClosed] when the runtime is closed, and as [ErrDiscovery] where workers cannot be found at all.
func ListWorkers(ctx context.Context, rt *Runtime, d Discovery) (Listing, error) {
	if d == nil {
		return Listing{}, newError(ErrInvalidArgument, "workers are listed by a discovery, and none is given")
	}
	wait, err := budget(ctx, "listing workers")
	if err != nil {
		return Listing{}, err
	}
	e := rt.engine
	if !e.guard.enter() {
		return Listing{}, closedError()
	}
	o := &opened{engine: e, lists: true}
	if err := o.open(d); err != nil {
		o.end()
		e.guard.leave()
		return Listing{}, err
	}
	listed := make(chan listingOutcome, 1)
	go func() {
		defer e.guard.leave()
		defer o.end()
		defer o.free()
		listed <- o.list(wait)
	}()
	select {
	case outcome := <-listed:
		if e.ctx.Err() == nil {
			return outcome.listing, outcome.err
		}
	case <-e.ctx.Done():
	case <-ctx.Done():
	}
	if e.ctx.Err() != nil {
		o.end()
		return Listing{}, closedError() // what has been found by then may be little
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		outcome := <-listed // which has had the same time
		return outcome.listing, outcome.err
	}
	o.end()
	return Listing{}, contextError(ctx, "listing workers")
}

type listingOutcome struct {
	listing Listing
	err     error
}

func (o *opened) list(wait uint64) listingOutcome {
	var bytes C.wool_bytes_t
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_discovery_list(o.handle, o.engine.handle, C.uint64_t(wait), &bytes, &failure)); status < 0 {
		return listingOutcome{err: takeError(status, failure)}
	}
	encoded := takePayload(bytes, C.WOOL_CODEC_MSGPACK)
	defer encoded.release()
	var wire struct {
		Listing
		Problem *problemOnWire `wool:"problem"`
	}
	if err := encoded.into(&wire); err != nil {
		return listingOutcome{err: codecError("listing", "workers", err)}
	}
	if wire.Problem != nil {
		wire.Listing.Problem = wire.Problem.error()
	}
	return listingOutcome{listing: wire.Listing}
}

// problemOnWire is a problem as the core tells it.
type problemOnWire struct {
	Kind    string `wool:"kind"`
	Message string `wool:"message"`
}

func (p *problemOnWire) error() *Error { return newError(errorKindNamed(p.Kind), "%s", p.Message) }
