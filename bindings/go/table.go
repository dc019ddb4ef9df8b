package wool

import "sync"

// table maps integer keys, which travel through C, to what they stand for. It is cut in shards so that
// many goroutines can start calls while the dispatcher ends others.
type table[T any] struct {
	shards [tableShards]tableShard[T]
}

type tableShard[T any] struct {
	mu      sync.Mutex
	entries map[uint64]T
	closed  bool
	// Neighbouring shards in one cache line would slow each other down.
	_ [40]byte
}

// tableShards must be a power of two.
const tableShards = 32

func (t *table[T]) shard(key uint64) *tableShard[T] {
	// Handles keep a generation in their upper half; mixing lets both halves count.
	return &t.shards[(key^key>>32)%tableShards]
}

// put reports false, and does nothing, when the table has been closed.
func (t *table[T]) put(key uint64, entry T) bool {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.entries == nil {
		s.entries = make(map[uint64]T)
	}
	s.entries[key] = entry
	return true
}

func (t *table[T]) get(key uint64) (T, bool) {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, found := s.entries[key]
	return entry, found
}

func (t *table[T]) remove(key uint64) (T, bool) {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, found := s.entries[key]
	delete(s.entries, key)
	return entry, found
}

// close lets no entry in any more, and returns those that are left.
func (t *table[T]) close() []T {
	var left []T
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, entry := range s.entries {
			left = append(left, entry)
		}
		s.entries, s.closed = nil, true
		s.mu.Unlock()
	}
	return left
}
