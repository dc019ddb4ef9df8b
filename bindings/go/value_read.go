package wool

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"unicode/utf8"
)

// decoder reads values from data. It is total: any bytes give a value or an error, in memory that a
// fixed multiple of len(data) bounds.
type decoder struct {
	data  []byte
	at    int
	depth int
}

// The wire's kinds, as messages name them.
type kind string

const (
	kindNull      kind = "null"
	kindBool      kind = "bool"
	kindInt       kind = "int"
	kindFloat     kind = "float"
	kindString    kind = "string"
	kindBytes     kind = "bytes"
	kindList      kind = "list"
	kindMap       kind = "map"
	kindTuple     kind = "tuple"
	kindSet       kind = "set"
	kindTimestamp kind = "timestamp"
	kindDate      kind = "date"
	kindTime      kind = "time"
	kindDuration  kind = "duration"
	kindDecimal   kind = "decimal"
	kindUUID      kind = "uuid"
	kindNamed     kind = "named"
)

var extKinds = map[int8]kind{
	extTimestamp: kindTimestamp, extBigInt: kindInt, extTuple: kindTuple, extSet: kindSet, extDate: kindDate,
	extTime: kindTime, extDuration: kindDuration, extDecimal: kindDecimal, extUUID: kindUUID, extNamed: kindNamed,
}

// head is a value's first token: its kind, and what the token itself says.
type head struct {
	kind kind
	// ext is the number of an extension, 0 for plain values.
	ext int8
	// negative tells an int's n from one that is an int64's bits.
	negative bool
	// n is a bool (0 or 1), an int that fits 64 bits, or a float's bits.
	n uint64
	// length counts bytes of strings, bytes and extension bodies, elements of lists, pairs of maps.
	length int
}

func truncated() *ValueError {
	return valueError(ValueTruncated, "the bytes end before the value does")
}

// end refuses bytes after the value.
func (d *decoder) end() *ValueError {
	if left := len(d.data) - d.at; left > 0 {
		return valueError(ValueTrailingBytes, fmt.Sprintf("%d bytes follow the value", left))
	}
	return nil
}

func (d *decoder) take(n int) ([]byte, *ValueError) {
	if n > len(d.data)-d.at {
		return nil, truncated()
	}
	d.at += n
	return d.data[d.at-n : d.at], nil
}

// number reads an unsigned big-endian number of 1, 2, 4 or 8 bytes.
func (d *decoder) number(size int) (uint64, *ValueError) {
	b, err := d.take(size)
	if err != nil {
		return 0, err
	}
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), nil
	default:
		return binary.BigEndian.Uint64(b), nil
	}
}

// head reads the first token of the next value. Bodies (text, bytes, extensions) and elements follow;
// the length has been checked against what is left.
func (d *decoder) head() (head, *ValueError) {
	if d.at == len(d.data) {
		return head{}, truncated()
	}
	tag := d.data[d.at]
	d.at++
	switch {
	case tag < 0x80:
		return head{kind: kindInt, n: uint64(tag)}, nil
	case tag < 0x90:
		return d.counted(kindMap, int(tag&0x0f), 2)
	case tag < 0xa0:
		return d.counted(kindList, int(tag&0x0f), 1)
	case tag < 0xc0:
		return d.counted(kindString, int(tag&0x1f), 1)
	case tag >= 0xe0:
		return head{kind: kindInt, n: uint64(int64(int8(tag))), negative: true}, nil
	}
	switch tag {
	case tagNil:
		return head{kind: kindNull}, nil
	case tagFalse:
		return head{kind: kindBool}, nil
	case tagTrue:
		return head{kind: kindBool, n: 1}, nil
	case tagFloat32:
		n, err := d.number(4)
		return head{kind: kindFloat, n: math.Float64bits(float64(math.Float32frombits(uint32(n))))}, err
	case tagFloat64:
		n, err := d.number(8)
		return head{kind: kindFloat, n: n}, err
	case tagUint8, tagUint16, tagUint32, tagUint64:
		n, err := d.number(1 << (tag - tagUint8))
		return head{kind: kindInt, n: n}, err
	case tagInt8, tagInt16, tagInt32, tagInt64:
		size := 1 << (tag - tagInt8)
		n, err := d.number(size)
		shift := 64 - 8*size
		signed := int64(n<<shift) >> shift
		return head{kind: kindInt, n: uint64(signed), negative: signed < 0}, err
	case tagStr8, tagStr16, tagStr32:
		return d.measured(kindString, 1<<(tag-tagStr8), 1)
	case tagBin8, tagBin16, tagBin32:
		return d.measured(kindBytes, 1<<(tag-tagBin8), 1)
	case tagArray16, tagArray32:
		return d.measured(kindList, 2<<(tag-tagArray16), 1)
	case tagMap16, tagMap32:
		return d.measured(kindMap, 2<<(tag-tagMap16), 2)
	case tagFixExt1, tagFixExt2, tagFixExt4, tagFixExt8, tagFixExt16:
		return d.ext(1 << (tag - tagFixExt1))
	case tagExt8, tagExt16, tagExt32:
		length, err := d.number(1 << (tag - tagExt8))
		if err != nil {
			return head{}, err
		}
		return d.ext(int(length))
	default:
		return head{}, valueError(ValueReservedByte, "0xc1, which MessagePack never uses")
	}
}

func (d *decoder) measured(k kind, size, unit int) (head, *ValueError) {
	length, err := d.number(size)
	if err != nil {
		return head{}, err
	}
	return d.counted(k, int(length), unit)
}

// counted refuses a length that the bytes left cannot hold, at unit bytes for each element.
func (d *decoder) counted(k kind, length, unit int) (head, *ValueError) {
	if length > (len(d.data)-d.at)/unit {
		return head{}, truncated()
	}
	return head{kind: k, length: length}, nil
}

func (d *decoder) ext(length int) (head, *ValueError) {
	number, err := d.number(1)
	if err != nil {
		return head{}, err
	}
	ext := int8(number)
	k, known := extKinds[ext]
	if !known {
		return head{}, valueError(ValueUnknownExtension, fmt.Sprintf("extension %d stands for nothing", ext))
	}
	if length > len(d.data)-d.at {
		return head{}, truncated()
	}
	return head{kind: k, ext: ext, length: length}, nil
}

// text reads a string's body.
func (d *decoder) text(h head) (string, *ValueError) {
	body, err := d.take(h.length)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(body) {
		return "", valueError(ValueInvalidUTF8, "a string that is not UTF-8")
	}
	return string(body), nil
}

// enter counts a container; the matching leave follows when it has been read without an error.
func (d *decoder) enter() *ValueError {
	if d.depth == maxDepth {
		return valueError(ValueTooDeep, fmt.Sprintf("more than %d containers enclose one another", maxDepth))
	}
	d.depth++
	return nil
}

func (d *decoder) leave() { d.depth-- }

func invalidExtension(what string) *ValueError {
	return valueError(ValueInvalidExtension, what)
}

// body narrows the decoder to an extension's body while read reads it; the body must hold that and
// nothing else.
func (d *decoder) body(h head, read func() *ValueError) *ValueError {
	whole := d.data
	d.data = whole[:d.at+h.length]
	err := read()
	if err == nil {
		err = d.end()
	}
	d.data = whole
	return err
}

// elements reads the list that is the body of a tuple or a set, up to its first element.
func (d *decoder) elements(of kind) (int, *ValueError) {
	h, err := d.head()
	if err != nil {
		return 0, err
	}
	if h.kind != kindList {
		return 0, invalidExtension(fmt.Sprintf("a %s whose body is a %s", of, h.kind))
	}
	return h.length, nil
}

// typeName reads the type name at the start of a named value's body.
func (d *decoder) typeName() (string, *ValueError) {
	h, err := d.head()
	if err != nil {
		return "", err
	}
	if h.kind != kindString {
		return "", invalidExtension(fmt.Sprintf("a named value whose type name is a %s", h.kind))
	}
	name, err := d.text(h)
	if err == nil && name == "" {
		return "", invalidExtension("a named value without a type name")
	}
	return name, err
}

// bigInt reads the body of a big integer.
func (d *decoder) bigInt(h head) (*big.Int, *ValueError) {
	body, err := d.take(h.length)
	if err != nil {
		return nil, err
	}
	if len(body) == 0 || body[0] > 1 {
		return nil, invalidExtension("a big int without a sign of 0 or 1")
	}
	n := new(big.Int).SetBytes(body[1:])
	if body[0] == 1 {
		n.Neg(n)
	}
	return n, nil
}

// moment reads the body of a timestamp.
func (d *decoder) moment(h head) (seconds int64, nanoseconds uint32, _ *ValueError) {
	body, err := d.take(h.length)
	if err != nil {
		return 0, 0, err
	}
	switch h.length {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(body))
	case 8:
		both := binary.BigEndian.Uint64(body)
		seconds, nanoseconds = int64(both&(1<<34-1)), uint32(both>>34)
	case 12:
		nanoseconds, seconds = binary.BigEndian.Uint32(body), int64(binary.BigEndian.Uint64(body[4:]))
	default:
		return 0, 0, invalidExtension(fmt.Sprintf("a timestamp of %d bytes", h.length))
	}
	if int64(nanoseconds) > maxNanoseconds {
		return 0, 0, invalidExtension("a timestamp with more than 999999999 nanoseconds")
	}
	return seconds, nanoseconds, nil
}

// span reads the body of a duration.
func (d *decoder) span(h head) (seconds int64, nanoseconds uint32, _ *ValueError) {
	body, err := d.sized(h, 12)
	if err != nil {
		return 0, 0, err
	}
	seconds, nanoseconds = int64(binary.BigEndian.Uint64(body)), binary.BigEndian.Uint32(body[8:])
	if int64(nanoseconds) > maxNanoseconds {
		return 0, 0, invalidExtension("a duration with more than 999999999 nanoseconds")
	}
	return seconds, nanoseconds, nil
}

// sized reads the body of an extension that has one length.
func (d *decoder) sized(h head, length int) ([]byte, *ValueError) {
	if h.length != length {
		return nil, invalidExtension(fmt.Sprintf("a %s of %d bytes instead of %d", h.kind, h.length, length))
	}
	return d.take(length)
}

func (d *decoder) date(h head) (Date, *ValueError) {
	body, err := d.sized(h, 4)
	if err != nil {
		return 0, err
	}
	return Date(int32(binary.BigEndian.Uint32(body))), nil
}

func (d *decoder) timeOfDay(h head) (TimeOfDay, *ValueError) {
	body, err := d.sized(h, 8)
	if err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint64(body)
	if n >= uint64(nanosecondsPerDay) {
		return 0, invalidExtension("a time beyond 24 hours")
	}
	return TimeOfDay(n), nil
}

func (d *decoder) decimal(h head) (Decimal, *ValueError) {
	body, err := d.take(h.length)
	if err != nil {
		return "", err
	}
	text := string(body)
	if canonical, ok := canonicalDecimal(text); !ok || canonical != text {
		return "", invalidExtension("a decimal whose text is not canonical")
	}
	return Decimal(text), nil
}

func (d *decoder) uuid(h head) (UUID, *ValueError) {
	body, err := d.sized(h, 16)
	if err != nil {
		return UUID{}, err
	}
	return UUID(body), nil
}
