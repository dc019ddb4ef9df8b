package wool

// #include "shim.h"
import "C"

// PoolStatus is what a pool tells of itself at one moment: which workers it has, and which records it
// turned away, and why.
type PoolStatus struct {
	// Workers are those that belong to the pool.
	Workers []WorkerStatus `wool:"workers"`
	// TurnedAway are the records that are there and not used, at most 1,000.
	TurnedAway []TurnedAway `wool:"turned_away"`
	// TurnedAwayCounts is how often each reason has turned a record away since the pool was made.
	TurnedAwayCounts map[TurnedAwayReason]int64 `wool:"turned_away_counts"`
	// Processes are the worker processes that the pool keeps up.
	Processes []ProcessStatus `wool:"processes"`
	// Waiting is how many calls wait for a worker.
	Waiting int `wool:"waiting"`
	// QuorumReached: as many workers have been connected at once as the first call waits for.
	QuorumReached bool `wool:"quorum_reached"`
	// Problems are why workers that should be there are not: discovery does not work, processes die
	// before they serve. They have a Kind and a Message.
	Problems []*Error `wool:"problems"`
}

// WorkerStatus is a worker as a pool sees it.
type WorkerStatus struct {
	// UID is the worker's UUID; empty while a worker at a fixed address has not answered.
	UID string `wool:"uid"`
	// Address is "host:port" or "unix:/path".
	Address string       `wool:"address"`
	Origin  WorkerOrigin `wool:"origin"`
	State   WorkerState  `wool:"state"`
	// Problem is why the worker is down; empty otherwise.
	Problem string `wool:"problem"`
	// Routines are what it serves.
	Routines []RoutineStatus `wool:"routines"`
	// InFlight is how many of this pool's calls it has not ended.
	InFlight int `wool:"in_flight"`
	// Capacity is how many it takes at once; 0 while it has not answered.
	Capacity int `wool:"capacity"`
	// Tags are its labels.
	Tags []string `wool:"tags"`
	// Language is that of its host; empty while it has not answered.
	Language string `wool:"language"`
	// Version is that of its libwool; empty while it has not answered.
	Version string `wool:"version"`
	// PID is its process; 0 where that is not known.
	PID int `wool:"pid"`
}

// RoutineStatus is a routine that a worker serves.
type RoutineStatus struct {
	Name string      `wool:"name"`
	Kind RoutineKind `wool:"kind"`
}

// RoutineKind is whether a routine answers once or with a stream of items.
type RoutineKind string

// The kinds of routines.
const (
	RoutineUnary  RoutineKind = "unary"
	RoutineStream RoutineKind = "stream"
)

// WorkerOrigin is how a worker came into a pool.
type WorkerOrigin string

// The origins of workers.
const (
	// WorkerFixed: the pool was given its address.
	WorkerFixed WorkerOrigin = "fixed"
	// WorkerFound: discovery found it.
	WorkerFound WorkerOrigin = "found"
	// WorkerSpawned: the pool started it.
	WorkerSpawned WorkerOrigin = "spawned"
)

// WorkerState is how a worker of a pool is.
type WorkerState string

// The states of workers.
const (
	// WorkerConnecting: it has not answered yet.
	WorkerConnecting WorkerState = "connecting"
	// WorkerUp: it takes calls.
	WorkerUp WorkerState = "up"
	// WorkerDraining: it takes no new ones.
	WorkerDraining WorkerState = "draining"
	// WorkerDown: it does not answer; the pool goes on trying.
	WorkerDown WorkerState = "down"
)

// TurnedAway is a record that a pool does not use.
type TurnedAway struct {
	// Key is the worker's UID where it can be read.
	Key    string           `wool:"key"`
	Reason TurnedAwayReason `wool:"reason"`
	// Message is the reason to read.
	Message string `wool:"message"`
}

// TurnedAwayReason is why a record is not used.
type TurnedAwayReason string

// The reasons for turning a record away.
const (
	// TurnedAwayTags: the worker lacks a tag that the pool asks for.
	TurnedAwayTags TurnedAwayReason = "tags"
	// TurnedAwayLease: the pool has as many found workers as its lease allows; it is admitted when one
	// leaves.
	TurnedAwayLease TurnedAwayReason = "lease"
	// TurnedAwayProtocol: another major version of libwool; upgrade one of the two.
	TurnedAwayProtocol TurnedAwayReason = "protocol"
	// TurnedAwayVersion: a worker of Python wool, of another major version.
	TurnedAwayVersion TurnedAwayReason = "version"
	// TurnedAwayNoDoor: the worker, one of Python wool for example, offers no way in that this pool can use.
	TurnedAwayNoDoor TurnedAwayReason = "no_door"
	// TurnedAwaySecure: the worker wants TLS, which this pool has not.
	TurnedAwaySecure TurnedAwayReason = "secure"
	// TurnedAwayNamespace: the worker belongs to another namespace, which looks the same on the network.
	TurnedAwayNamespace TurnedAwayReason = "namespace"
	// TurnedAwayNoAddress: no address that the pool may dial.
	TurnedAwayNoAddress TurnedAwayReason = "no_address"
	// TurnedAwayOtherUser: the record belongs to another user of this machine.
	TurnedAwayOtherUser TurnedAwayReason = "other_user"
	// TurnedAwayOtherBoot: the record comes from before the last start of the machine.
	TurnedAwayOtherBoot TurnedAwayReason = "other_boot"
	// TurnedAwayOtherNetworkNamespace: the record comes from another container.
	TurnedAwayOtherNetworkNamespace TurnedAwayReason = "other_network_namespace"
	// TurnedAwayUnreadable and TurnedAwayTooLarge: it is no record.
	TurnedAwayUnreadable TurnedAwayReason = "unreadable"
	TurnedAwayTooLarge   TurnedAwayReason = "too_large"
)

// ProcessStatus is a worker process that a pool keeps up. Each slot has one process after the other.
type ProcessStatus struct {
	Slot int `wool:"slot"`
	// PID is the process that was started; 0 while there is none.
	PID int `wool:"pid"`
	// UID is that of the worker in it; empty while it does not serve.
	UID   string       `wool:"uid"`
	State ProcessState `wool:"state"`
	// Restarts is how many processes the slot has had before this one.
	Restarts int `wool:"restarts"`
}

// ProcessState is how a worker process is.
type ProcessState string

// The states of worker processes.
const (
	ProcessStarting ProcessState = "starting"
	ProcessServing  ProcessState = "serving"
	// ProcessBackoff: it has ended, and is started again after a pause.
	ProcessBackoff  ProcessState = "backoff"
	ProcessStopping ProcessState = "stopping"
	// ProcessEnded: it has ended, and no other follows: the pool closes.
	ProcessEnded ProcessState = "ended"
)

// Status tells which workers the pool has, what they do, and which it turned away, and why. It is cheap
// enough for a dashboard, and a remedy for [ErrNoWorkersAvailable].
func (p *Pool) Status() (PoolStatus, error) {
	if !p.core.guard.enter() {
		return PoolStatus{}, p.closedFor("status")
	}
	defer p.core.guard.leave()
	var bytes C.wool_bytes_t
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_pool_status(p.core.handle, &bytes, &failure)); status < 0 {
		return PoolStatus{}, takeError(status, failure)
	}
	encoded := takePayload(bytes, C.WOOL_CODEC_MSGPACK)
	defer encoded.release()
	var status statusOnWire
	if err := encoded.into(&status); err != nil {
		return PoolStatus{}, codecError("status", "a pool", err)
	}
	for _, problem := range status.Problems {
		status.PoolStatus.Problems = append(status.PoolStatus.Problems, problem.error())
	}
	return status.PoolStatus, nil
}

// statusOnWire is a status whose problems are as the core tells them.
type statusOnWire struct {
	PoolStatus
	Problems []problemOnWire `wool:"problems"`
}
