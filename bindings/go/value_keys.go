package wool

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// keySet finds equal keys of a map and equal elements of a set. Equality is the wire's: 1 in any width
// is 1, 0.0 is -0.0, 1 is not 1.0, the order within maps and sets does not count. NaN is refused, since
// it would not even equal itself. The zero keySet is empty and ready.
type keySet struct {
	few   [8][]byte
	count int
	many  map[string]struct{}
}

// add takes a valid encoded value; its bytes must stay as they are while the set is in use.
func (s *keySet) add(encoded []byte, what string) *ValueError {
	key, err := canonicalKey(encoded)
	if err != nil {
		return err
	}
	if s.many == nil && s.count < len(s.few) {
		for _, other := range s.few[:s.count] {
			if bytes.Equal(other, key) {
				return duplicate(encoded, what)
			}
		}
		s.few[s.count] = key
		s.count++
		return nil
	}
	if s.many == nil {
		s.many = make(map[string]struct{}, 4*len(s.few))
		for _, other := range s.few {
			s.many[string(other)] = struct{}{}
		}
	}
	if _, found := s.many[string(key)]; found {
		return duplicate(encoded, what)
	}
	s.many[string(key)] = struct{}{}
	return nil
}

func duplicate(encoded []byte, what string) *ValueError {
	d := decoder{data: encoded}
	shown := "a value"
	if h, err := d.head(); err == nil {
		switch key, err := d.anyOf(h); {
		case err != nil:
		case h.kind == kindString:
			shown = fmt.Sprintf("%q", shorten(fmt.Sprint(key)))
		case h.kind == kindInt, h.kind == kindFloat, h.kind == kindBool:
			shown = fmt.Sprint(key)
		default:
			shown = "a " + string(h.kind)
		}
	}
	return valueError(ValueDuplicateKey, fmt.Sprintf("the %s %s is there twice", what, shown))
}

// canonicalKey gives equal bytes for equal values, and only for those. The commonest keys are their own
// canonical form.
func canonicalKey(encoded []byte) ([]byte, *ValueError) {
	tag := encoded[0]
	isFixStr := tag >= 0xa0 && tag < 0xc0
	if tag < 0x80 || isFixStr || tag >= 0xe0 || tag == tagNil || tag == tagFalse || tag == tagTrue {
		return encoded, nil
	}
	d := decoder{data: encoded}
	return d.canonical(nil)
}

// canonical appends the canonical form of the next value. Extensions are written as a mark, their
// number and a body that ends itself; that is all equality needs.
func (d *decoder) canonical(out []byte) ([]byte, *ValueError) {
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	if h.ext != 0 {
		return d.canonicalExt(out, h)
	}
	switch h.kind {
	case kindNull:
		return append(out, tagNil), nil
	case kindBool:
		return append(out, tagFalse+byte(h.n)), nil
	case kindInt:
		if h.negative {
			return appendInt(out, int64(h.n)), nil
		}
		return appendUint(out, h.n), nil
	case kindFloat:
		f := math.Float64frombits(h.n)
		if f != f {
			return nil, valueError(ValueNaNKey, "NaN cannot be a map key or a set element, nor be part of one")
		}
		return appendFloat(out, f+0), nil // -0.0 + 0 is 0.0
	case kindString:
		return d.raw(appendStringHead(out, h.length), h)
	case kindBytes:
		return d.raw(appendBytesHead(out, h.length), h)
	case kindList:
		return d.canonicalList(appendArrayHead(out, h.length), h.length)
	default:
		return d.canonicalBag(appendMapHead(out, h.length), h.length, 2)
	}
}

func (d *decoder) canonicalExt(out []byte, h head) ([]byte, *ValueError) {
	if h.ext == extBigInt {
		n, err := d.bigInt(h)
		if err != nil {
			return nil, err
		}
		e := encoder{buf: out}
		err = e.bigInt(n)
		return e.buf, err
	}
	out = append(out, tagExt8, byte(h.ext))
	switch h.ext {
	case extTimestamp:
		seconds, nanoseconds, err := d.moment(h)
		out = binary.BigEndian.AppendUint64(out, uint64(seconds))
		return binary.BigEndian.AppendUint32(out, nanoseconds), err
	case extTuple:
		return d.canonical(out)
	case extSet:
		length, err := d.elements(kindSet)
		if err != nil {
			return nil, err
		}
		return d.canonicalBag(appendArrayHead(out, length), length, 1)
	case extNamed:
		return d.canonicalList(out, 2)
	default:
		return d.raw(binary.BigEndian.AppendUint32(out, uint32(h.length)), h)
	}
}

func (d *decoder) raw(out []byte, h head) ([]byte, *ValueError) {
	body, err := d.take(h.length)
	return append(out, body...), err
}

func (d *decoder) canonicalList(out []byte, length int) ([]byte, *ValueError) {
	for range length {
		var err *ValueError
		if out, err = d.canonical(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// canonicalBag appends members, of so many values each, in the order of their canonical forms.
func (d *decoder) canonicalBag(out []byte, length, valuesEach int) ([]byte, *ValueError) {
	members := make([][]byte, 0, roomFor(length))
	for range length {
		member, err := d.canonicalList(nil, valuesEach)
		if err != nil {
			return nil, err
		}
		members = append(members, member)
	}
	slices.SortFunc(members, bytes.Compare)
	for _, member := range members {
		out = append(out, member...)
	}
	return out, nil
}
