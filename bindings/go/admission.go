package wool

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// AdmissionRequest is a call that a worker is asked to take.
type AdmissionRequest struct {
	// Routine is the name of what is called, and Tag the caller's word for the call: [CallOptions.Tag].
	Routine, Tag string
	// InFlight is how many other tasks the worker has, those included that wait to be let in.
	InFlight int
	// context is what rides along with the call; nil when nothing does. Being a pointer, it lets requests be compared.
	context *contextValues
	// peer is a pointer for the same reason.
	peer *[]string
}

// Peer are the names that the certificate of the caller holds, DNS names and URIs; none without TLS.
func (r AdmissionRequest) Peer() []string {
	if r.peer == nil {
		return nil
	}
	return slices.Clone(*r.peer)
}

// ContextValue decodes a value that rides along with the call into what target points at: see
// [CallOptions.Context]. It reports false, and leaves the target alone, where nothing has this key, and fails as
// [ErrCodec] for a value that the target cannot hold.
func (r AdmissionRequest) ContextValue(key ContextKey, target any) (bool, error) {
	if r.context == nil {
		return false, nil
	}
	encoded, there := (*r.context)[key]
	if !there {
		return false, nil
	}
	return decodeContextValue(key, r.Routine, encoded, target)
}

// Busy makes the error by which [WorkerOptions.Admit] says that the worker has no room for the call now: it
// goes to another worker, or to this one later; the caller reads the message if its time runs out on that.
// errors.Is finds [ErrBusy] in it.
func Busy(message string) error { return busyError(message) }

type busyError string

func (e busyError) Error() string { return string(e) }

func (e busyError) Is(target error) bool { return target == ErrBusy }

// admission asks a worker's hook.
type admission struct {
	engine *engine
	hook   func(ctx context.Context, request AdmissionRequest) error
	// ctx ends with the worker or the runtime.
	ctx    context.Context
	cancel context.CancelFunc
	tag    uint64
}

// newAdmission makes the hook reachable by a tag, until end.
func newAdmission(e *engine, hook func(ctx context.Context, request AdmissionRequest) error) (*admission, *Error) {
	a := &admission{engine: e, hook: hook}
	a.ctx, a.cancel = context.WithCancel(e.ctx)
	tag, err := e.queue.expect(a)
	if err != nil {
		a.cancel()
		return nil, err
	}
	a.tag = tag
	return a, nil
}

// end is for a worker that has stopped.
func (a *admission) end() {
	a.cancel()
	a.engine.queue.forget(a.tag)
}

// receive runs on the dispatcher.
func (a *admission) receive(e *event) {
	if e.kind != C.WOOL_EVENT_ADMISSION {
		a.cancel() // the queue is closed
		return
	}
	request, waits := a.read(e.handle)
	if !waits {
		return
	}
	handle := e.handle
	a.engine.tasks.beside(func() { a.decide(handle, request) })
}

// read fails where nobody can be answered any more. What it copies is the core's as long as the queue is open.
func (a *admission) read(handle uint64) (request AdmissionRequest, waits bool) {
	a.engine.queue.whileOpen(func() {
		info := C.wool_admission_info_t{struct_size: C.sizeof_wool_admission_info_t}
		var failure *C.wool_error_t
		waits = C.int32_t(C.wool_admission_info(C.wool_admission_t(handle), &info, &failure)) >= 0
		C.wool_error_free(failure)
		if waits {
			request = AdmissionRequest{
				Routine: stringOf(info.routine), Tag: stringOf(info.tag), InFlight: int(info.in_flight),
				context: copyContext(info.context, info.context_count),
			}
			if peer := textsOf(info.peer, info.peer_count); peer != nil {
				request.peer = &peer
			}
		}
	})
	return request, waits
}

// decide asks the hook and passes its answer on. A hook that panics, or ends its goroutine, has failed.
func (a *admission) decide(handle uint64, request AdmissionRequest) {
	decided := false
	defer func() {
		if decided {
			return
		}
		why := "it ended its goroutine instead of returning"
		if value := recover(); value != nil {
			why = fmt.Sprint(value)
		}
		a.answer(handle, why, func(h C.wool_admission_t, message C.wool_slice_t, failure **C.wool_error_t) {
			C.wool_admission_fail(h, message, failure)
		})
	}()
	err := a.hook(a.ctx, request)
	busy, message := errors.Is(err, ErrBusy), ""
	if err != nil {
		message = err.Error()
	}
	decided = true
	a.answer(handle, message, func(h C.wool_admission_t, message C.wool_slice_t, failure **C.wool_error_t) {
		switch {
		case err == nil:
			C.wool_admission_accept(h, failure)
		case busy:
			C.wool_admission_busy(h, message, failure)
		default:
			C.wool_admission_refuse(h, message, failure)
		}
	})
}

// answer gives C a message. It can only fail where nobody waits for the answer any more.
func (a *admission) answer(handle uint64, message string, give func(h C.wool_admission_t, message C.wool_slice_t, failure **C.wool_error_t)) {
	var memory arena
	defer memory.free()
	var failure *C.wool_error_t
	give(C.wool_admission_t(handle), memory.slice(toText(message)), &failure)
	C.wool_error_free(failure)
}
