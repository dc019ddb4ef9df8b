package wool

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"sort"
	"time"
	"unicode/utf8"
)

// encoder appends values to buf. Its methods return *ValueError, whose nil must not be turned into an
// error interface without a check.
type encoder struct {
	buf   []byte
	depth int
}

// value encodes any supported value. The plain types come first: what a call carries most of the time
// never reaches reflection.
func (e *encoder) value(v any) *ValueError {
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, tagNil)
	case bool:
		e.boolean(v)
	case int:
		e.buf = appendInt(e.buf, int64(v))
	case int64:
		e.buf = appendInt(e.buf, v)
	case float64:
		e.buf = appendFloat(e.buf, v)
	case string:
		return e.string(v)
	case []byte:
		return e.bytes(v)
	case []any:
		return e.list(v)
	case map[string]any:
		return e.stringMap(v)
	case map[any]any:
		return e.reflectMap(reflect.ValueOf(v))
	case Named:
		return e.stringMap(v)
	case Tuple:
		return e.extended(extTuple, func() *ValueError { return e.list(v) })
	case Set:
		return e.set(v)
	case Map:
		return e.orderedMap(v)
	case Extension:
		return e.extension(v)
	case *big.Int:
		return e.bigInt(v)
	case time.Time:
		e.buf = appendTimestamp(e.buf, v.Unix(), uint32(v.Nanosecond()))
	case time.Duration:
		seconds, nanoseconds := durationParts(v)
		e.buf = binary.BigEndian.AppendUint64(appendExtHead(e.buf, extDuration, 12), uint64(seconds))
		e.buf = binary.BigEndian.AppendUint32(e.buf, nanoseconds)
	case Date:
		e.buf = binary.BigEndian.AppendUint32(appendExtHead(e.buf, extDate, 4), uint32(v))
	case TimeOfDay:
		if v < 0 || int64(v) >= nanosecondsPerDay {
			return invalidValue(fmt.Sprintf("%d ns is no time of day", int64(v)))
		}
		e.buf = binary.BigEndian.AppendUint64(appendExtHead(e.buf, extTime, 8), uint64(v))
	case Decimal:
		return e.decimal(v)
	case UUID:
		e.buf = append(appendExtHead(e.buf, extUUID, len(v)), v[:]...)
	default:
		return e.reflect(reflect.ValueOf(v))
	}
	return nil
}

func (e *encoder) boolean(v bool) {
	if v {
		e.buf = append(e.buf, tagTrue)
	} else {
		e.buf = append(e.buf, tagFalse)
	}
}

func (e *encoder) string(v string) *ValueError {
	if !utf8.ValidString(v) {
		return valueError(ValueInvalidUTF8, "a string that is not UTF-8; send it as []byte")
	}
	if len(v) > math.MaxUint32 {
		return tooLarge(len(v), "bytes")
	}
	e.buf = append(appendStringHead(e.buf, len(v)), v...)
	return nil
}

func (e *encoder) bytes(v []byte) *ValueError {
	if len(v) > math.MaxUint32 {
		return tooLarge(len(v), "bytes")
	}
	e.buf = append(appendBytesHead(e.buf, len(v)), v...)
	return nil
}

func (e *encoder) decimal(v Decimal) *ValueError {
	text, ok := canonicalDecimal(string(v))
	if !ok {
		return notDecimal(string(v))
	}
	e.buf = append(appendExtHead(e.buf, extDecimal, len(text)), text...)
	return nil
}

func (e *encoder) bigInt(v *big.Int) *ValueError {
	switch {
	case v == nil:
		e.buf = append(e.buf, tagNil)
	case v.IsInt64():
		e.buf = appendInt(e.buf, v.Int64())
	case v.IsUint64():
		e.buf = appendUint(e.buf, v.Uint64())
	default:
		magnitude := v.Bytes()
		if len(magnitude) >= math.MaxUint32 {
			return tooLarge(len(magnitude), "bytes of an int")
		}
		e.buf = appendExtHead(e.buf, extBigInt, 1+len(magnitude))
		sign := byte(0)
		if v.Sign() < 0 {
			sign = 1
		}
		e.buf = append(append(e.buf, sign), magnitude...)
	}
	return nil
}

func tooLarge(length int, unit string) *ValueError {
	return valueError(ValueTooLarge, fmt.Sprintf("%d %s are more than MessagePack can say", length, unit))
}

// enter counts a container; the matching leave follows when the container is done without an error.
func (e *encoder) enter(length int) *ValueError {
	if e.depth == maxDepth {
		return valueError(ValueTooDeep, fmt.Sprintf("more than %d containers enclose one another", maxDepth))
	}
	if length > math.MaxUint32 {
		return tooLarge(length, "elements")
	}
	e.depth++
	return nil
}

func (e *encoder) leave() { e.depth-- }

func (e *encoder) list(elements []any) *ValueError {
	if err := e.enter(len(elements)); err != nil {
		return err
	}
	e.buf = appendArrayHead(e.buf, len(elements))
	for i, element := range elements {
		if err := e.value(element); err != nil {
			return err.atIndex(i)
		}
	}
	e.leave()
	return nil
}

func (e *encoder) set(elements Set) *ValueError {
	return e.extended(extSet, func() *ValueError {
		if err := e.enter(len(elements)); err != nil {
			return err
		}
		e.buf = appendArrayHead(e.buf, len(elements))
		var seen keySet
		for i, element := range elements {
			start := len(e.buf)
			err := e.value(element)
			if err == nil {
				err = seen.add(e.buf[start:], "set element")
			}
			if err != nil {
				return err.atIndex(i)
			}
		}
		e.leave()
		return nil
	})
}

// extended writes what body appends as an extension. The head is put in front afterwards: its length
// depends on the body's.
func (e *encoder) extended(number int8, body func() *ValueError) *ValueError {
	start := len(e.buf)
	if err := body(); err != nil {
		return err
	}
	length := len(e.buf) - start
	if length > math.MaxUint32 {
		return tooLarge(length, "bytes")
	}
	var space [6]byte
	head := appendExtHead(space[:0], number, length)
	e.buf = slices.Insert(e.buf, start, head...)
	return nil
}

func (e *encoder) extension(v Extension) *ValueError {
	if v.Type == "" {
		return invalidValue("an Extension without a type name")
	}
	return e.extended(extNamed, func() *ValueError {
		if err := e.enter(1); err != nil {
			return err
		}
		if err := e.string(v.Type); err != nil {
			return err
		}
		if err := e.value(v.Value); err != nil {
			return err
		}
		e.leave()
		return nil
	})
}

func (e *encoder) stringMap(entries map[string]any) *ValueError {
	if err := e.enter(len(entries)); err != nil {
		return err
	}
	e.buf = appendMapHead(e.buf, len(entries))
	keys := make([]string, 0, len(entries))
	for key := range entries {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for i, key := range keys {
		if err := e.string(key); err != nil {
			return err.inKey(i)
		}
		if err := e.value(entries[key]); err != nil {
			return err.atKey(key)
		}
	}
	e.leave()
	return nil
}

func (e *encoder) orderedMap(entries Map) *ValueError {
	if err := e.enter(len(entries)); err != nil {
		return err
	}
	e.buf = appendMapHead(e.buf, len(entries))
	var seen keySet
	for i, entry := range entries {
		start := len(e.buf)
		err := e.value(entry.Key)
		if err == nil {
			err = seen.add(e.buf[start:], "map key")
		}
		if err != nil {
			return err.inKey(i)
		}
		if err := e.value(entry.Value); err != nil {
			return err.atEntry(entry.Key, i)
		}
	}
	e.leave()
	return nil
}

// reflectMap writes any Go map, in the order of its encoded keys so that equal maps have equal bytes.
// Keys that differ in Go can be equal on the wire: int8(1) and int(1) as keys of type any.
func (e *encoder) reflectMap(v reflect.Value) *ValueError {
	if err := e.enter(v.Len()); err != nil {
		return err
	}
	type entry struct {
		encoded []byte
		key     reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	keys := encoder{depth: e.depth}
	var seen keySet
	for i, key := range v.MapKeys() {
		start := len(keys.buf)
		err := keys.reflect(key)
		encoded := keys.buf[start:len(keys.buf):len(keys.buf)]
		if err == nil {
			err = seen.add(encoded, "map key")
		}
		if err != nil {
			return err.inKey(i)
		}
		entries = append(entries, entry{encoded, key})
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.encoded, b.encoded) })
	e.buf = appendMapHead(e.buf, len(entries))
	for i, entry := range entries {
		e.buf = append(e.buf, entry.encoded...)
		if err := e.reflect(v.MapIndex(entry.key)); err != nil {
			return err.atEntry(normalKey(entry.key), i)
		}
	}
	e.leave()
	return nil
}

// normalKey is the key as an error's path shows it.
func normalKey(key reflect.Value) any {
	if key.Kind() == reflect.Interface {
		key = key.Elem()
	}
	switch {
	case !key.IsValid():
		return nil
	case key.Kind() == reflect.String:
		return key.String()
	case key.CanInt():
		return key.Int()
	default:
		return key.Interface()
	}
}

// reflect encodes the types that value has no case for.
func (e *encoder) reflect(v reflect.Value) *ValueError {
	if !v.IsValid() {
		e.buf = append(e.buf, tagNil)
		return nil
	}
	if hasCase(v) {
		return e.value(v.Interface())
	}
	switch v.Kind() {
	case reflect.Bool:
		e.boolean(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.buf = appendInt(e.buf, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.buf = appendUint(e.buf, v.Uint())
	case reflect.Float32, reflect.Float64:
		e.buf = appendFloat(e.buf, v.Float())
	case reflect.String:
		return e.string(v.String())
	case reflect.Pointer, reflect.Interface:
		return e.reference(v)
	case reflect.Slice, reflect.Array:
		return e.sequence(v)
	case reflect.Map:
		return e.reflectMap(v)
	case reflect.Struct:
		return e.structure(v)
	default:
		return valueError(ValueKindMismatch, fmt.Sprintf("a %s cannot be a value of the network", v.Type()))
	}
	return nil
}

func (e *encoder) reference(v reflect.Value) *ValueError {
	if v.IsNil() {
		e.buf = append(e.buf, tagNil)
		return nil
	}
	if v.Kind() == reflect.Interface {
		return e.value(v.Elem().Interface())
	}
	// A chain of pointers may lead back to itself, so it counts as depth, although it leaves no trace.
	if err := e.enter(1); err != nil {
		return err
	}
	if err := e.reflect(v.Elem()); err != nil {
		return err
	}
	e.leave()
	return nil
}

func (e *encoder) sequence(v reflect.Value) *ValueError {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if v.Kind() == reflect.Slice {
			return e.bytes(v.Bytes())
		}
		e.buf = appendBytesHead(e.buf, v.Len())
		for i := range v.Len() {
			e.buf = append(e.buf, byte(v.Index(i).Uint()))
		}
		return nil
	}
	if err := e.enter(v.Len()); err != nil {
		return err
	}
	e.buf = appendArrayHead(e.buf, v.Len())
	for i := range v.Len() {
		if err := e.reflect(v.Index(i)); err != nil {
			return err.atIndex(i)
		}
	}
	e.leave()
	return nil
}

// hasCase reports whether encoder.value must see the type itself, rather than only its kind.
func hasCase(v reflect.Value) bool {
	if v.Kind() != reflect.Pointer && v.Type().PkgPath() == "" {
		return false
	}
	_, found := casedTypes[v.Type()]
	return found
}

var casedTypes = typeSet(
	Named(nil), Tuple(nil), Set(nil), Map(nil), Extension{}, (*big.Int)(nil), time.Time{}, time.Duration(0),
	Date(0), TimeOfDay(0), Decimal(""), UUID{},
)

func typeSet(examples ...any) map[reflect.Type]struct{} {
	set := make(map[reflect.Type]struct{}, len(examples))
	for _, example := range examples {
		set[reflect.TypeOf(example)] = struct{}{}
	}
	return set
}
