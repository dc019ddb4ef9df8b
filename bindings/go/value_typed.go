package wool

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"sync"
	"time"
)

// typedDecoder reads the next value into target, which is settable and of the type it was made for.
type typedDecoder func(d *decoder, target reflect.Value) *ValueError

// typedDecoders caches what typedDecoderFor has made: reflect.Type -> typedDecoder.
var typedDecoders sync.Map

// into reads the next value into what the pointer target points at.
func (d *decoder) into(target any) *ValueError {
	if target, ok := target.(*any); ok {
		v, err := d.any()
		if err == nil {
			*target = v
		}
		return err
	}
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return valueError(ValueKindMismatch, fmt.Sprintf("the target is a %T instead of a pointer", target))
	}
	decode, err := typedDecoderFor(v.Type().Elem())
	if err != nil {
		return valueError(ValueKindMismatch, err.Error())
	}
	return decode(d, v.Elem())
}

// typedDecoderFor makes the decoder of a type, once. The error says which part of the type cannot hold
// any value.
func typedDecoderFor(t reflect.Type) (typedDecoder, error) {
	if cached, found := typedDecoders.Load(t); found {
		if decode, ok := cached.(typedDecoder); ok {
			return decode, nil
		}
	}
	b := typedBuilder{}
	decode, err := b.build(t)
	if err != nil {
		return nil, err
	}
	typedDecoders.Store(t, decode)
	return decode, nil
}

// typedBuilder remembers the types it is in the midst of, for types that contain themselves.
type typedBuilder map[reflect.Type]*typedDecoder

var specialDecoders = map[reflect.Type]typedDecoder{
	reflect.TypeFor[any]():           decodeAny,
	reflect.TypeFor[[]byte]():        decodeBytes,
	reflect.TypeFor[Tuple]():         decodeTuple,
	reflect.TypeFor[Set]():           extDecoder(kindSet, (*decoder).anySet),
	reflect.TypeFor[Map]():           decodeOrderedMap,
	reflect.TypeFor[Extension]():     extDecoder(kindNamed, (*decoder).extension),
	reflect.TypeFor[*big.Int]():      decodeBigInt,
	reflect.TypeFor[time.Time]():     extDecoder(kindTimestamp, (*decoder).time),
	reflect.TypeFor[time.Duration](): extDecoder(kindDuration, (*decoder).duration),
	reflect.TypeFor[Date]():          extDecoder(kindDate, (*decoder).date),
	reflect.TypeFor[TimeOfDay]():     extDecoder(kindTime, (*decoder).timeOfDay),
	reflect.TypeFor[Decimal]():       extDecoder(kindDecimal, (*decoder).decimal),
	reflect.TypeFor[UUID]():          extDecoder(kindUUID, (*decoder).uuid),
}

func (b typedBuilder) build(t reflect.Type) (typedDecoder, error) {
	if special, found := specialDecoders[t]; found {
		return special, nil
	}
	if pending, found := b[t]; found {
		return func(d *decoder, target reflect.Value) *ValueError { return (*pending)(d, target) }, nil
	}
	var decode typedDecoder
	b[t] = &decode
	var err error
	switch t.Kind() {
	case reflect.Bool:
		decode = decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		decode = decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		decode = decodeUint
	case reflect.Float32, reflect.Float64:
		decode = decodeFloat
	case reflect.String:
		decode = decodeString
	case reflect.Pointer:
		decode, err = b.pointer(t)
	case reflect.Slice:
		decode, err = b.slice(t)
	case reflect.Array:
		decode, err = b.array(t)
	case reflect.Map:
		decode, err = b.mapping(t)
	case reflect.Struct:
		decode, err = b.structure(t)
	default:
		err = fmt.Errorf("the type %s cannot hold a value of the network", t)
	}
	return decode, err
}

func decodeAny(d *decoder, target reflect.Value) *ValueError {
	v, err := d.any()
	if err != nil {
		return err
	}
	if v == nil {
		target.SetZero()
	} else {
		target.Set(reflect.ValueOf(v))
	}
	return nil
}

// expect reads the head of a value of the wanted kind.
func (d *decoder) expect(wanted kind) (head, *ValueError) {
	h, err := d.head()
	if err == nil && h.kind != wanted {
		err = mismatch(string(wanted), d.describe(h))
	}
	return h, err
}

// describe names the kind found, and the type of a named value.
func (d *decoder) describe(h head) string {
	if h.kind != kindNamed {
		return string(h.kind)
	}
	body := decoder{data: d.data[d.at : d.at+h.length]}
	name, err := body.typeName()
	if err != nil {
		return string(h.kind)
	}
	return fmt.Sprintf("%s %q", h.kind, shorten(name))
}

func decodeBool(d *decoder, target reflect.Value) *ValueError {
	h, err := d.expect(kindBool)
	if err == nil {
		target.SetBool(h.n == 1)
	}
	return err
}

// int64 reads an int that fits 64 bits with a sign.
func (d *decoder) int64(target string) (int64, *ValueError) {
	h, err := d.expect(kindInt)
	if err != nil {
		return 0, err
	}
	n, err := d.anyInt(h)
	if err != nil {
		return 0, err
	}
	if n, ok := n.(int64); ok {
		return n, nil
	}
	return 0, outOfRange(n, target)
}

func decodeInt(d *decoder, target reflect.Value) *ValueError {
	n, err := d.int64(target.Type().String())
	if err != nil {
		return err
	}
	if target.OverflowInt(n) {
		return outOfRange(n, target.Type().String())
	}
	target.SetInt(n)
	return nil
}

func decodeUint(d *decoder, target reflect.Value) *ValueError {
	h, err := d.expect(kindInt)
	if err != nil {
		return err
	}
	n := h.n
	if h.ext == extBigInt {
		big, err := d.bigInt(h)
		if err != nil {
			return err
		}
		if !big.IsUint64() {
			return outOfRange(big, target.Type().String())
		}
		n = big.Uint64()
	}
	if h.negative {
		return outOfRange(int64(h.n), target.Type().String())
	}
	if target.OverflowUint(n) {
		return outOfRange(n, target.Type().String())
	}
	target.SetUint(n)
	return nil
}

// decodeFloat takes floats, and ints, that the target holds exactly.
func decodeFloat(d *decoder, target reflect.Value) *ValueError {
	h, err := d.head()
	if err != nil {
		return err
	}
	var f float64
	switch h.kind {
	case kindFloat:
		f = math.Float64frombits(h.n)
	case kindInt:
		n, err := d.anyInt(h)
		if err != nil {
			return err
		}
		small, fits := n.(int64)
		if f = float64(small); !fits || f >= 1<<63 || int64(f) != small {
			return outOfRange(n, target.Type().String())
		}
	default:
		return mismatch("float", d.describe(h))
	}
	if target.Kind() == reflect.Float32 && f == f && float64(float32(f)) != f {
		return outOfRange(f, target.Type().String())
	}
	target.SetFloat(f)
	return nil
}

func decodeString(d *decoder, target reflect.Value) *ValueError {
	h, err := d.expect(kindString)
	if err != nil {
		return err
	}
	text, err := d.text(h)
	if err == nil {
		target.SetString(text)
	}
	return err
}

func decodeBytes(d *decoder, target reflect.Value) *ValueError {
	h, err := d.expect(kindBytes)
	if err != nil {
		return err
	}
	body, err := d.copied(h)
	if err == nil {
		target.SetBytes(body)
	}
	return err
}

func decodeBigInt(d *decoder, target reflect.Value) *ValueError {
	h, err := d.head()
	if err != nil {
		return err
	}
	if h.kind == kindNull {
		target.SetZero()
		return nil
	}
	if h.kind != kindInt {
		return mismatch("int", d.describe(h))
	}
	n, err := d.anyInt(h)
	if err != nil {
		return err
	}
	if small, ok := n.(int64); ok {
		n = big.NewInt(small)
	}
	target.Set(reflect.ValueOf(n))
	return nil
}

// extDecoder makes the decoder of a type that stands for one extension.
func extDecoder[T any](wanted kind, read func(*decoder, head) (T, *ValueError)) typedDecoder {
	return func(d *decoder, target reflect.Value) *ValueError {
		h, err := d.expect(wanted)
		if err != nil {
			return err
		}
		v, err := read(d, h)
		if err == nil {
			target.Set(reflect.ValueOf(v))
		}
		return err
	}
}

func (d *decoder) time(h head) (time.Time, *ValueError) {
	seconds, nanoseconds, err := d.moment(h)
	if err != nil {
		return time.Time{}, err
	}
	return timeOf(seconds, nanoseconds)
}

func (d *decoder) duration(h head) (time.Duration, *ValueError) {
	seconds, nanoseconds, err := d.span(h)
	if err != nil {
		return 0, err
	}
	return durationOf(seconds, nanoseconds)
}

// decodeTuple takes lists too: most languages have but one sequence.
func decodeTuple(d *decoder, target reflect.Value) *ValueError {
	var tuple Tuple
	err := d.sequence(func(length int) *ValueError {
		elements, err := d.anyList(length)
		tuple = elements
		return err
	})
	if err == nil {
		target.Set(reflect.ValueOf(tuple))
	}
	return err
}

func decodeOrderedMap(d *decoder, target reflect.Value) *ValueError {
	h, err := d.expect(kindMap)
	if err != nil {
		return err
	}
	entries, err := d.entries(make([]Entry, 0, roomFor(h.length)), h.length)
	if err == nil {
		target.Set(reflect.ValueOf(Map(entries)))
	}
	return err
}

// sequence reads a list, or a tuple, of which read reads the elements.
func (d *decoder) sequence(read func(length int) *ValueError) *ValueError {
	h, err := d.head()
	if err != nil {
		return err
	}
	switch h.kind {
	case kindList:
		return read(h.length)
	case kindTuple:
		return d.body(h, func() *ValueError {
			length, err := d.elements(kindTuple)
			if err != nil {
				return err
			}
			return read(length)
		})
	default:
		return mismatch(string(kindList), d.describe(h))
	}
}

// pointer makes a decoder in which null is nil.
func (b typedBuilder) pointer(t reflect.Type) (typedDecoder, error) {
	element, err := b.build(t.Elem())
	return func(d *decoder, target reflect.Value) *ValueError {
		if d.at < len(d.data) && d.data[d.at] == tagNil {
			d.at++
			target.SetZero()
			return nil
		}
		// A type like "type P *P" would recurse without reading anything.
		if err := d.enter(); err != nil {
			return err
		}
		v := reflect.New(t.Elem())
		if err := element(d, v.Elem()); err != nil {
			return err
		}
		d.leave()
		target.Set(v)
		return nil
	}, err
}

func (b typedBuilder) slice(t reflect.Type) (typedDecoder, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		return decodeBytes, nil
	}
	element, err := b.build(t.Elem())
	return func(d *decoder, target reflect.Value) *ValueError {
		return d.sequence(func(length int) *ValueError {
			if err := d.enter(); err != nil {
				return err
			}
			target.Set(reflect.MakeSlice(t, 0, roomFor(length)))
			for i := range length {
				if i == target.Cap() {
					target.Grow(1)
				}
				target.SetLen(i + 1)
				if err := element(d, target.Index(i)); err != nil {
					return err.atIndex(i)
				}
			}
			d.leave()
			return nil
		})
	}, err
}

// array makes a decoder of exactly as many elements, or bytes, as the array has.
func (b typedBuilder) array(t reflect.Type) (typedDecoder, error) {
	if t.Elem().Kind() == reflect.Uint8 {
		return func(d *decoder, target reflect.Value) *ValueError {
			h, err := d.expect(kindBytes)
			if err != nil {
				return err
			}
			body, err := d.take(h.length)
			if err != nil {
				return err
			}
			if len(body) != t.Len() {
				return outOfRange(fmt.Sprintf("%d bytes", len(body)), t.String())
			}
			reflect.Copy(target, reflect.ValueOf(body).Convert(reflect.SliceOf(t.Elem())))
			return nil
		}, nil
	}
	element, err := b.build(t.Elem())
	return func(d *decoder, target reflect.Value) *ValueError {
		return d.sequence(func(length int) *ValueError {
			if length != t.Len() {
				return outOfRange(fmt.Sprintf("a list of %d elements", length), t.String())
			}
			if err := d.enter(); err != nil {
				return err
			}
			for i := range length {
				if err := element(d, target.Index(i)); err != nil {
					return err.atIndex(i)
				}
			}
			d.leave()
			return nil
		})
	}, err
}

func (b typedBuilder) mapping(t reflect.Type) (typedDecoder, error) {
	if t.Key().Kind() == reflect.Interface && t.Key() != reflect.TypeFor[any]() || !t.Key().Comparable() {
		return nil, fmt.Errorf("the map key type %s cannot hold a value of the network", t.Key())
	}
	key, keyErr := b.build(t.Key())
	element, elementErr := b.build(t.Elem())
	return func(d *decoder, target reflect.Value) *ValueError {
		h, err := d.expect(kindMap)
		if err != nil {
			return err
		}
		if err := d.enter(); err != nil {
			return err
		}
		m := reflect.MakeMapWithSize(t, roomFor(h.length))
		var seen keySet
		for i := range h.length {
			start := d.at
			k, v := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			err := key(d, k)
			if err == nil {
				err = seen.add(d.data[start:d.at], "map key")
			}
			if err == nil && k.Kind() == reflect.Interface && !isGoKey(k.Interface()) {
				err = valueError(ValueOutOfRange, fmt.Sprintf("a key that no %s can have; use a Map", t))
			}
			if err != nil {
				return err.inKey(i)
			}
			if err := element(d, v); err != nil {
				return err.atEntry(normalKey(k), i)
			}
			m.SetMapIndex(k, v)
		}
		d.leave()
		target.Set(m)
		return nil
	}, errors.Join(keyErr, elementErr)
}
