package wool

// #include "shim.h"
import "C"

import "fmt"

// ErrorKind says what went wrong: the same list, with the same numbers, in every language. A kind is an
// error itself, for errors.Is:
//
//	if errors.Is(err, wool.ErrNoWorkersAvailable) { ... }
type ErrorKind int32

// The kinds of errors.
const (
	// ErrInvalidArgument: an argument of an API call makes no sense.
	ErrInvalidArgument ErrorKind = -C.WOOL_ERR_INVALID_ARGUMENT
	// ErrNoWorkersAvailable: no worker came within reach before the dispatch timeout.
	ErrNoWorkersAvailable ErrorKind = -C.WOOL_ERR_NO_WORKERS_AVAILABLE
	// ErrRoutineNotFound: no worker serves a routine of that name.
	ErrRoutineNotFound ErrorKind = -C.WOOL_ERR_ROUTINE_NOT_FOUND
	// ErrAlreadyExists: a routine of that name is registered already.
	ErrAlreadyExists ErrorKind = -C.WOOL_ERR_ALREADY_EXISTS
	// ErrRejected: the worker refused the task before it began.
	ErrRejected ErrorKind = -C.WOOL_ERR_REJECTED
	// ErrBusy: as many calls or tasks as may be are under way.
	ErrBusy ErrorKind = -C.WOOL_ERR_BUSY
	// ErrWorkerLost: the connection ended while the task may have been running.
	ErrWorkerLost ErrorKind = -C.WOOL_ERR_WORKER_LOST
	// ErrTaskFailed: the routine returned an error.
	ErrTaskFailed ErrorKind = -C.WOOL_ERR_TASK_FAILED
	// ErrCancelled: the call was cancelled.
	ErrCancelled ErrorKind = -C.WOOL_ERR_CANCELLED
	// ErrDeadlineExceeded: the call's deadline passed.
	ErrDeadlineExceeded ErrorKind = -C.WOOL_ERR_DEADLINE_EXCEEDED
	// ErrTimeout: a wait, such as that of closing, took longer than allowed.
	ErrTimeout ErrorKind = -C.WOOL_ERR_TIMEOUT
	// ErrPayloadTooLarge: arguments, a result or an item are larger than the limits.
	ErrPayloadTooLarge ErrorKind = -C.WOOL_ERR_PAYLOAD_TOO_LARGE
	// ErrCodec: a value cannot be encoded, decoded or converted; see [ValueError].
	ErrCodec ErrorKind = -C.WOOL_ERR_CODEC
	// ErrHandshake: the peers could not agree: versions, identity or secret.
	ErrHandshake ErrorKind = -C.WOOL_ERR_HANDSHAKE
	// ErrPermissionDenied: the peer does not allow this.
	ErrPermissionDenied ErrorKind = -C.WOOL_ERR_PERMISSION_DENIED
	// ErrProtocol: a peer broke the rules of the wire.
	ErrProtocol ErrorKind = -C.WOOL_ERR_PROTOCOL
	// ErrDiscovery: publishing or finding workers failed.
	ErrDiscovery ErrorKind = -C.WOOL_ERR_DISCOVERY
	// ErrSpawnFailed: a worker process could not be started.
	ErrSpawnFailed ErrorKind = -C.WOOL_ERR_SPAWN_FAILED
	// ErrIO: the operating system refused, such as an address in use.
	ErrIO ErrorKind = -C.WOOL_ERR_IO
	// ErrUnsupported: not possible here or for this peer.
	ErrUnsupported ErrorKind = -C.WOOL_ERR_UNSUPPORTED
	// ErrClosed: the runtime, pool or worker has been closed.
	ErrClosed ErrorKind = -C.WOOL_ERR_CLOSED
	// ErrForked: the process is a fork of the one that started the runtime.
	ErrForked ErrorKind = -C.WOOL_ERR_FORKED
	// ErrPanic: the routine panicked.
	ErrPanic ErrorKind = -C.WOOL_ERR_PANIC
	// ErrInternal: a bug in wool.
	ErrInternal ErrorKind = -C.WOOL_ERR_INTERNAL
)

var kindNames = map[ErrorKind]string{
	ErrInvalidArgument: "INVALID_ARGUMENT", ErrNoWorkersAvailable: "NO_WORKERS_AVAILABLE",
	ErrRoutineNotFound: "ROUTINE_NOT_FOUND", ErrAlreadyExists: "ALREADY_EXISTS", ErrRejected: "REJECTED",
	ErrBusy: "BUSY", ErrWorkerLost: "WORKER_LOST", ErrTaskFailed: "TASK_FAILED", ErrCancelled: "CANCELLED",
	ErrDeadlineExceeded: "DEADLINE_EXCEEDED", ErrTimeout: "TIMEOUT", ErrPayloadTooLarge: "PAYLOAD_TOO_LARGE",
	ErrCodec: "CODEC", ErrHandshake: "HANDSHAKE", ErrPermissionDenied: "PERMISSION_DENIED",
	ErrProtocol: "PROTOCOL", ErrDiscovery: "DISCOVERY", ErrSpawnFailed: "SPAWN_FAILED", ErrIO: "IO",
	ErrUnsupported: "UNSUPPORTED", ErrClosed: "CLOSED", ErrForked: "FORKED", ErrPanic: "PANIC",
	ErrInternal: "INTERNAL",
}

// errorKindNamed is the kind of a name; [ErrInternal] for one that is none.
func errorKindNamed(name string) ErrorKind {
	for kind, its := range kindNames {
		if its == name {
			return kind
		}
	}
	return ErrInternal
}

// String is the kind's name in every language, such as ROUTINE_NOT_FOUND.
func (k ErrorKind) String() string {
	if name, known := kindNames[k]; known {
		return name
	}
	return fmt.Sprintf("KIND_%d", int32(k))
}

// Error makes a kind an error; it is the kind's name as well.
func (k ErrorKind) Error() string { return k.String() }

// status is the kind as the C API says it.
func (k ErrorKind) status() C.int32_t { return -C.int32_t(k) }

func kindOf(status C.int32_t) ErrorKind { return ErrorKind(-status) }
