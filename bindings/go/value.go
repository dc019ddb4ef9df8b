package wool

import (
	"encoding/hex"
	"fmt"
)

// Tuple is a sequence that stays a tuple on its way (a Python tuple, for one). Elements are any
// values.
type Tuple []any

// Set is a sequence of distinct values in the order in which the sender gave them. Encoding
// refuses equal elements and NaN.
type Set []any

// Map is a map that keeps its order, and whose keys may be of any kind. A plain Go map is encoded
// in ascending order of its keys; use a Map where the order matters. Encoding refuses equal keys and
// NaN.
type Map []Entry

// Entry is one key and its value in a [Map].
type Entry struct {
	Key   any
	Value any
}

// Get returns the value under a string key.
func (m Map) Get(key string) (value any, found bool) {
	for _, entry := range m {
		if name, ok := entry.Key.(string); ok && name == key {
			return entry.Value, true
		}
	}
	return nil, false
}

// Extension is a value of a type that only some languages have: the type's name, which must not be
// empty, and a value that stands for it. Who does not know the name can still pass it on.
type Extension struct {
	Type  string
	Value any
}

// Named holds named arguments. It is recognised as an argument of a call after the positional ones,
// and as the last parameter of a routine:
//
//	pool.Call(ctx, "image.scale", picture, wool.Named{"width": 320})
type Named map[string]any

// UUID is a UUID's 16 bytes, most significant first.
type UUID [16]byte

// String returns the dashed lower-case form.
func (u UUID) String() string {
	var text [36]byte
	at := 0
	for i, b := range u {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			text[at] = '-'
			at++
		}
		hex.Encode(text[at:], []byte{b})
		at += 2
	}
	return string(text[:])
}

// ParseUUID reads the dashed form, in either case.
func ParseUUID(text string) (UUID, error) {
	var u UUID
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return UUID{}, invalidValue(fmt.Sprintf("%q is no UUID: expected the form 8-4-4-4-12", shorten(text)))
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	if _, err := hex.Decode(u[:], []byte(digits)); err != nil {
		return UUID{}, invalidValue(fmt.Sprintf("%q is no UUID: expected hexadecimal digits", text))
	}
	return u, nil
}

// Marshal encodes one value as MessagePack, as proto/values.md lays it out. What cannot be encoded is
// a [*ValueError] naming its place in v.
func Marshal(v any) ([]byte, error) {
	e := encoder{}
	if err := e.value(v); err != nil {
		return nil, err
	}
	return e.buf, nil
}

// Unmarshal decodes one value, which must fill data, into what target points at. The whole of data is
// checked; on an error (a [*ValueError]) the target may be partly written. Nothing in the target
// shares memory with data.
func Unmarshal(data []byte, target any) error {
	d := decoder{data: data}
	if err := d.into(target); err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return err
	}
	return nil
}
