package main

import "sync"

// blocker holds goroutines until it is told to let them go.
type blocker struct {
	mu sync.Mutex
	// gate is closed to let go; nil while there is nobody.
	gate chan struct{}
	// counted is how many of those who wait count as blocked.
	counted int
}

func (b *blocker) wait(counts bool) {
	b.mu.Lock()
	if b.gate == nil {
		b.gate = make(chan struct{})
	}
	if counts {
		b.counted++
	}
	gate := b.gate
	b.mu.Unlock()
	<-gate
}

// release lets all go, and returns how many of them count.
func (b *blocker) release() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	counted := b.counted
	if b.gate != nil {
		close(b.gate)
	}
	b.gate, b.counted = nil, 0
	return counted
}
