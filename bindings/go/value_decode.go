package wool

import (
	"math"
	"math/big"
)

// any reads the next value in its natural Go form (the table in value.go).
func (d *decoder) any() (any, *ValueError) {
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	return d.anyOf(h)
}

// anyOf reads what follows a head.
func (d *decoder) anyOf(h head) (any, *ValueError) {
	switch h.kind {
	case kindNull:
		return nil, nil
	case kindBool:
		return h.n == 1, nil
	case kindInt:
		return d.anyInt(h)
	case kindFloat:
		return math.Float64frombits(h.n), nil
	case kindString:
		return asAny(d.text(h))
	case kindBytes:
		return asAny(d.copied(h))
	case kindList:
		return asAny(d.anyList(h.length))
	case kindMap:
		return d.anyMap(h.length)
	case kindTuple:
		return asAny(d.anyTuple(h))
	case kindSet:
		return asAny(d.anySet(h))
	case kindTimestamp:
		seconds, nanoseconds, err := d.moment(h)
		if err != nil {
			return nil, err
		}
		return asAny(timeOf(seconds, nanoseconds))
	case kindDuration:
		seconds, nanoseconds, err := d.span(h)
		if err != nil {
			return nil, err
		}
		return asAny(durationOf(seconds, nanoseconds))
	case kindDate:
		return asAny(d.date(h))
	case kindTime:
		return asAny(d.timeOfDay(h))
	case kindDecimal:
		return asAny(d.decimal(h))
	case kindUUID:
		return asAny(d.uuid(h))
	default:
		return asAny(d.extension(h))
	}
}

func asAny[T any](v T, err *ValueError) (any, *ValueError) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// anyInt is an int64 where that can hold it, else a *big.Int.
func (d *decoder) anyInt(h head) (any, *ValueError) {
	if h.ext == extBigInt {
		n, err := d.bigInt(h)
		if err != nil {
			return nil, err
		}
		if n.IsInt64() {
			return n.Int64(), nil
		}
		return n, nil
	}
	if !h.negative && h.n > math.MaxInt64 {
		return new(big.Int).SetUint64(h.n), nil
	}
	return int64(h.n), nil
}

// copied reads a bytes body into memory of its own.
func (d *decoder) copied(h head) ([]byte, *ValueError) {
	body, err := d.take(h.length)
	if err != nil {
		return nil, err
	}
	return append(make([]byte, 0, len(body)), body...), nil
}

// roomFor is how many elements to make room for at once: a claimed length is no reason to take memory
// that the bytes may not justify.
func roomFor(length int) int { return min(length, 256) }

func (d *decoder) anyList(length int) ([]any, *ValueError) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	elements := make([]any, 0, roomFor(length))
	for i := range length {
		element, err := d.any()
		if err != nil {
			return nil, err.atIndex(i)
		}
		elements = append(elements, element)
	}
	d.leave()
	return elements, nil
}

func (d *decoder) anyTuple(h head) (tuple Tuple, _ *ValueError) {
	err := d.body(h, func() *ValueError {
		length, err := d.elements(kindTuple)
		if err != nil {
			return err
		}
		tuple, err = d.anyList(length)
		return err
	})
	return tuple, err
}

func (d *decoder) anySet(h head) (set Set, _ *ValueError) {
	err := d.body(h, func() *ValueError {
		length, err := d.elements(kindSet)
		if err != nil {
			return err
		}
		if err := d.enter(); err != nil {
			return err
		}
		set = make(Set, 0, roomFor(length))
		var seen keySet
		for i := range length {
			start := d.at
			element, err := d.any()
			if err == nil {
				err = seen.add(d.data[start:d.at], "set element")
			}
			if err != nil {
				return err.atIndex(i)
			}
			set = append(set, element)
		}
		d.leave()
		return nil
	})
	return set, err
}

func (d *decoder) extension(h head) (ext Extension, _ *ValueError) {
	err := d.body(h, func() (err *ValueError) {
		if err = d.enter(); err != nil {
			return err
		}
		if ext.Type, err = d.typeName(); err != nil {
			return err
		}
		if ext.Value, err = d.any(); err != nil {
			return err
		}
		d.leave()
		return nil
	})
	return ext, err
}

// anyMap gives a map[string]any, a map[any]any or, where a key is no key for a Go map, a Map.
func (d *decoder) anyMap(length int) (any, *ValueError) {
	var space [8]Entry
	entries, err := d.entries(space[:0], length)
	if err != nil {
		return nil, err
	}
	allStrings, allComparable := true, true
	for _, entry := range entries {
		if _, ok := entry.Key.(string); !ok {
			allStrings = false
			allComparable = allComparable && isGoKey(entry.Key)
		}
	}
	switch {
	case allStrings:
		m := make(map[string]any, len(entries))
		for _, entry := range entries {
			name, _ := entry.Key.(string)
			m[name] = entry.Value
		}
		return m, nil
	case allComparable:
		m := make(map[any]any, len(entries))
		for _, entry := range entries {
			m[entry.Key] = entry.Value
		}
		return m, nil
	default:
		return append(make(Map, 0, len(entries)), entries...), nil
	}
}

// isGoKey reports whether equality in Go is that of the wire for a decoded key.
func isGoKey(key any) bool {
	switch key.(type) {
	case []byte, []any, Tuple, Set, Map, map[string]any, map[any]any, Extension, *big.Int:
		return false
	default:
		return true
	}
}

// entries appends a map's pairs in their order.
func (d *decoder) entries(to []Entry, length int) ([]Entry, *ValueError) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	var seen keySet
	for i := range length {
		start := d.at
		key, err := d.any()
		if err == nil {
			err = seen.add(d.data[start:d.at], "map key")
		}
		if err != nil {
			return nil, err.inKey(i)
		}
		value, err := d.any()
		if err != nil {
			return nil, err.atEntry(key, i)
		}
		to = append(to, Entry{key, value})
	}
	d.leave()
	return to, nil
}
