package wool

// #include "shim.h"
import "C"

// PoolStatus is what a pool tells of itself at one moment: which workers it has, and which records it
// turned away, and why.
type PoolStatus struct {
	// Workers are those that belong to the pool.
	Workers []WorkerStatus
	// TurnedAway are the records that are there and not used, at most 1,000.
	TurnedAway []TurnedAway
	// TurnedAwayCounts is how often each reason has turned a record away since the pool was made.
	TurnedAwayCounts map[TurnedAwayReason]int64
	// Processes are the worker processes that the pool keeps up.
	Processes []ProcessStatus
	// Waiting is how many calls wait for a worker.
	Waiting int
	// QuorumReached: as many workers have been connected at once as the first call waits for.
	QuorumReached bool
	// Problems are why workers that should be there are not: discovery does not work, processes die
	// before they serve. They have a Kind and a Message.
	Problems []*Error
}

// WorkerStatus is a worker as a pool sees it.
type WorkerStatus struct {
	// UID is the worker's UUID; empty while a worker at a fixed address has not answered.
	UID string
	// Address is "host:port" or "unix:/path".
	Address string
	Origin  WorkerOrigin
	State   WorkerState
	// Problem is why the worker is down; empty otherwise.
	Problem string
	// Routines are what it serves.
	Routines []RoutineStatus
	// InFlight is how many of this pool's calls it has not ended, and Capacity how many it takes at once;
	// 0 while it has not answered.
	InFlight, Capacity int
	// Tags are its labels.
	Tags []string
	// Language is that of its host, and Version that of its libwool; empty while it has not answered.
	Language, Version string
	// PID is its process; 0 where that is not known.
	PID int
}

// RoutineStatus is a routine that a worker serves.
type RoutineStatus struct {
	Name string
	Kind RoutineKind
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
	Key    string
	Reason TurnedAwayReason
	// Message is the reason to read.
	Message string
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
	// TurnedAwayNoDoor: the worker offers no way in that this pool can use.
	TurnedAwayNoDoor TurnedAwayReason = "no_door"
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
	Slot int
	// PID is the process that was started; 0 while there is none.
	PID int
	// UID is that of the worker in it; empty while it does not serve.
	UID   string
	State ProcessState
	// Restarts is how many processes the slot has had before this one.
	Restarts int
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
)

// Status tells which workers the pool has, what they do, and which it turned away, and why. It is cheap
// enough for a dashboard, and a remedy for [ErrNoWorkersAvailable].
func (p *Pool) Status() (PoolStatus, error) {
	if !p.core.guard.enter() {
		return PoolStatus{}, newError(ErrClosed, "the pool has been closed")
	}
	defer p.core.guard.leave()
	var bytes C.wool_bytes_t
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_pool_status(p.core.handle, &bytes, &failure)); status < 0 {
		return PoolStatus{}, takeError(status, failure)
	}
	encoded := takePayload(bytes, C.WOOL_CODEC_MSGPACK)
	defer encoded.release()
	var status statusMap
	if err := encoded.into((*map[string]any)(&status)); err != nil {
		return PoolStatus{}, codecError("status", "a pool", err)
	}
	return status.pool(), nil
}

// statusMap is a part of a status, from name to value. A part that is missing is zero, and one that is
// not known is passed over: both are those of another version.
type statusMap map[string]any

func statusPart[T any](m statusMap, name string) T {
	part, _ := m[name].(T)
	return part
}

func (m statusMap) text(name string) string { return statusPart[string](m, name) }

func (m statusMap) number(name string) int { return int(statusPart[int64](m, name)) }

func statusList[T any](m statusMap, name string, one func(statusMap) T) []T {
	var list []T
	for _, item := range statusPart[[]any](m, name) {
		fields, _ := item.(map[string]any)
		list = append(list, one(fields))
	}
	return list
}

func (m statusMap) pool() PoolStatus {
	counts := make(map[TurnedAwayReason]int64)
	for reason, count := range statusPart[map[string]any](m, "turned_away_counts") {
		counts[TurnedAwayReason(reason)], _ = count.(int64)
	}
	return PoolStatus{
		Workers:          statusList(m, "workers", statusMap.worker),
		TurnedAway:       statusList(m, "turned_away", statusMap.turnedAway),
		TurnedAwayCounts: counts,
		Processes:        statusList(m, "processes", statusMap.process),
		Waiting:          m.number("waiting"),
		QuorumReached:    statusPart[bool](m, "quorum_reached"),
		Problems:         statusList(m, "problems", statusMap.problem),
	}
}

func (m statusMap) worker() WorkerStatus {
	w := WorkerStatus{
		UID:      m.text("uid"),
		Address:  m.text("address"),
		Origin:   WorkerOrigin(m.text("origin")),
		State:    WorkerState(m.text("state")),
		Problem:  m.text("problem"),
		Routines: statusList(m, "routines", statusMap.routine),
		InFlight: m.number("in_flight"),
		Capacity: m.number("capacity"),
		Language: m.text("language"),
		Version:  m.text("version"),
		PID:      m.number("pid"),
	}
	for _, tag := range statusPart[[]any](m, "tags") {
		text, _ := tag.(string)
		w.Tags = append(w.Tags, text)
	}
	return w
}

func (m statusMap) routine() RoutineStatus {
	return RoutineStatus{Name: m.text("name"), Kind: RoutineKind(m.text("kind"))}
}

func (m statusMap) turnedAway() TurnedAway {
	return TurnedAway{Key: m.text("key"), Reason: TurnedAwayReason(m.text("reason")), Message: m.text("message")}
}

func (m statusMap) process() ProcessStatus {
	return ProcessStatus{
		Slot: m.number("slot"), PID: m.number("pid"), UID: m.text("uid"),
		State: ProcessState(m.text("state")), Restarts: m.number("restarts"),
	}
}

func (m statusMap) problem() *Error {
	return &Error{Kind: errorKindNamed(m.text("kind")), Message: m.text("message")}
}
