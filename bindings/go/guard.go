package wool

import (
	"sync"
	"sync/atomic"
)

// guard keeps a C object alive while someone uses it, and frees it once: when it has been closed and
// the last user has left. It is what makes use after close an error instead of undefined behaviour.
type guard struct {
	// state counts the users, plus guardClosed when closed.
	state atomic.Int64
	once  sync.Once
	free  func()
}

const guardClosed = 1 << 40

// enter reports whether the object may be used; then leave must follow.
func (g *guard) enter() bool {
	if g.state.Add(1) < guardClosed {
		return true
	}
	g.leave()
	return false
}

func (g *guard) leave() {
	if g.state.Add(-1) == guardClosed {
		g.once.Do(g.free)
	}
}

// close lets nobody in any more, and reports whether it was this call that closed.
func (g *guard) close() bool {
	for {
		state := g.state.Load()
		if state >= guardClosed {
			return false
		}
		// Closing counts as a user for a moment, so that exactly one leave sees the last one go.
		if g.state.CompareAndSwap(state, state+guardClosed+1) {
			g.leave()
			return true
		}
	}
}

func (g *guard) isClosed() bool { return g.state.Load() >= guardClosed }
