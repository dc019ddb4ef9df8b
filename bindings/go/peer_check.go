package wool

// #include "shim.h"
import "C"

import (
	"context"
	"fmt"
	"time"
)

// PeerInfo is a worker that claims to be somebody.
type PeerInfo struct {
	// Identity is what its record claims: a DNS name or a URI (SPIFFE). Nothing has been proved yet.
	Identity string
	// UID is the worker's UUID.
	UID string
}

// peerCheckTime is how long the core waits for an answer.
const peerCheckTime = 10 * time.Second

// peerCheck asks a pool's own check of identities.
type peerCheck struct {
	engine *engine
	check  func(ctx context.Context, peer PeerInfo) (bool, error)
	// ctx ends with the pool or the runtime.
	ctx    context.Context
	cancel context.CancelFunc
	tag    uint64
}

// newPeerCheck makes the check reachable by a tag, until end; nil for none.
func newPeerCheck(e *engine, check func(ctx context.Context, peer PeerInfo) (bool, error)) (*peerCheck, *Error) {
	if check == nil {
		return nil, nil
	}
	p := &peerCheck{engine: e, check: check}
	p.ctx, p.cancel = context.WithCancel(e.ctx)
	tag, err := e.queue.expect(p)
	if err != nil {
		p.cancel()
		return nil, err
	}
	p.tag = tag
	return p, nil
}

// end is for a pool that has closed.
func (p *peerCheck) end() {
	p.cancel()
	p.engine.queue.forget(p.tag)
}

// receive runs on the dispatcher.
func (p *peerCheck) receive(e *event) {
	if e.kind != C.WOOL_EVENT_PEER_CHECK {
		p.cancel() // the queue is closed
		return
	}
	handle := C.wool_peer_check_t(e.handle)
	peer, waits := p.read(handle)
	if waits {
		p.engine.tasks.beside(func() { p.decide(handle, peer) })
	}
}

// read fails where nobody can be answered any more. What it copies is the core's as long as the queue is open.
func (p *peerCheck) read(handle C.wool_peer_check_t) (peer PeerInfo, waits bool) {
	p.engine.queue.whileOpen(func() {
		info := C.wool_peer_info_t{struct_size: C.sizeof_wool_peer_info_t}
		var failure *C.wool_error_t
		waits = C.int32_t(C.wool_peer_check_info(handle, &info, &failure)) >= 0
		C.wool_error_free(failure)
		if waits {
			peer = PeerInfo{Identity: stringOf(info.identity), UID: stringOf(info.uid)}
		}
	})
	return peer, waits
}

// decide asks the check and passes its answer on, which can only fail where nobody waits for it any more. A check that
// panics, or ends its goroutine, has failed.
func (p *peerCheck) decide(handle C.wool_peer_check_t, peer PeerInfo) {
	believed, decided, problem := false, false, "it ended its goroutine instead of returning"
	defer func() {
		if value := recover(); value != nil {
			problem = fmt.Sprint(value)
		}
		answer := C.wool_go_answer_t{}
		if decided {
			answer = C.wool_go_peer_check_answer(handle, flag(believed))
		} else {
			data, length := textOf(toText(problem))
			answer = C.wool_go_peer_check_fail(handle, data, length)
		}
		C.wool_error_free(answer.error)
	}()
	ctx, cancel := context.WithTimeout(p.ctx, peerCheckTime)
	defer cancel()
	var err error
	if believed, err = p.check(ctx, peer); err != nil {
		problem = err.Error()
		return
	}
	decided = true
}
