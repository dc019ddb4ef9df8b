package wool

// #include "shim.h"
import "C"

import (
	"context"
	"math"
	"time"
)

// PoolOptions say which workers a pool calls, and how.
//
// The zero value starts a worker process per core: this program again, which has to have passed [Main].
// With Spawn, a pool starts so many. With Discovery or Addresses it joins workers that are there. With
// both it does both.
type PoolOptions struct {
	// Spawn is how many worker processes to start and to keep up. 0 is one per core, or none where
	// Discovery or Addresses are given; a negative number is none.
	Spawn int
	// Command is the program to start as a worker, and its arguments. It, or what it starts, passes
	// [Main] or its like in another language. Empty is this program, with its own arguments.
	Command []string
	// Concurrency is how many tasks each of the started workers may run at once; 0 is 1,024.
	Concurrency uint32
	// Grace is what the started workers get to finish their tasks when the pool closes: none for 0, all the
	// time they need for a negative one.
	Grace time.Duration
	// Discovery is where workers are found, and where those that the pool starts are published. Without one
	// the pool finds only its own.
	Discovery Discovery
	// Bind is where the started workers listen, and Advertise are the addresses by which others reach them: as
	// [WorkerOptions.Bind] and [WorkerOptions.Advertise]. Empty is loopback. AllowPlaintext lets them listen beyond
	// this machine.
	Bind      string
	Advertise []string
	// Addresses of workers: "host:port", or "unix:/path" for a socket on this machine.
	Addresses []string
	// Tags are labels that found workers must have, all of them; started ones get them.
	Tags []string
	// Lease is the most found workers that are admitted, 0 all; those that the pool starts do not count.
	Lease uint32
	// Balancer is how calls are spread over the workers; nil is [RoundRobin].
	Balancer Balancer
	// Quorum is how many connected workers the first call waits for; 0 is 1.
	Quorum uint32
	// QuorumTimeout is how long calls wait for the quorum; 0 is a minute.
	QuorumTimeout time.Duration
	// DispatchTimeout is how long a call looks for a worker that takes it; 0 is a minute.
	DispatchTimeout time.Duration
	// Secret is presented to the workers at Addresses, and to found ones whose record holds none, where the program has
	// named the source: not to those of a [LANDiscovery]. None if empty.
	Secret []byte
	// AllowPlaintext permits connections beyond this machine without TLS.
	AllowPlaintext bool
	// Credentials are what the pool presents to workers, and which of them it believes; nil is no TLS. The workers that it
	// starts get them, too, never by a disk or an environment.
	Credentials *Credentials
	// Identity is that of the started workers: see [WorkerOptions.Identity].
	Identity string
	// Peers are patterns, as [WorkerOptions.Callers], for identities that are believed: a worker whose record claims such
	// a one is verified by it, wherever it is reached. All others, and without Peers all, are verified by the address that
	// was dialled.
	Peers []string
	// PeerCheck decides instead of Peers, which then stay empty; nil leaves it to those. It is asked whether an identity is
	// believed before each attempt to connect to a worker that claims one, on a goroutine of its own, several at once. ctx
	// ends after 10 s, by when it has to have answered, and when the pool closes.
	//
	// A worker whose identity is not believed is verified by its address. An error or a panic is no answer: there is no
	// connection, and the worker's [WorkerStatus.Problem] tells why.
	PeerCheck func(ctx context.Context, peer PeerInfo) (bool, error)
	// MaxPayload is the largest payload in bytes; 0 is 256 MiB.
	MaxPayload uint64
}

// check refuses what makes no sense here already.
func (o *PoolOptions) check() *Error {
	if err := refuseNegative("QuorumTimeout", o.QuorumTimeout); err != nil {
		return err
	}
	return refuseNegative("DispatchTimeout", o.DispatchTimeout)
}

// forC is what the C form of the options says by itself. Without a command it names none: the core knows this program,
// and arguments that are not UTF-8, too.
func (o *PoolOptions) forC(memory *arena) C.wool_pool_options_t {
	balancer := o.Balancer
	if balancer == nil {
		balancer = RoundRobin
	}
	return C.wool_pool_options_t{
		struct_size:         C.sizeof_wool_pool_options_t,
		spawn:               C.int32_t(min(max(o.Spawn, -1), math.MaxInt32)),
		command:             memory.slices(o.Command),
		command_count:       C.size_t(len(o.Command)),
		concurrency:         C.uint32_t(o.Concurrency),
		lease:               C.uint32_t(o.Lease),
		grace_ms:            C.int64_t(signedMilliseconds(o.Grace)),
		bind:                memory.slice(o.Bind),
		advertise:           memory.slices(o.Advertise),
		advertise_count:     C.size_t(len(o.Advertise)),
		addresses:           memory.slices(o.Addresses),
		address_count:       C.size_t(len(o.Addresses)),
		tags:                memory.slices(o.Tags),
		tag_count:           C.size_t(len(o.Tags)),
		balancer:            balancer.kind(),
		quorum:              C.uint32_t(o.Quorum),
		allow_plaintext:     flag(o.AllowPlaintext),
		quorum_timeout_ms:   C.uint64_t(milliseconds(o.QuorumTimeout)),
		dispatch_timeout_ms: C.uint64_t(milliseconds(o.DispatchTimeout)),
		secret:              memory.slice(string(o.Secret)),
		max_payload:         C.uint64_t(o.MaxPayload),
		identity:            memory.slice(o.Identity),
		peers:               memory.slices(o.Peers),
		peer_count:          C.size_t(len(o.Peers)),
	}
}

func flag(on bool) C.int32_t {
	if on {
		return 1
	}
	return 0
}
