package wool

import (
	"encoding/binary"
	"math"
)

// The writers append one token in its shortest form.

func appendInt(b []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(b, uint64(n))
	case n >= -32:
		return append(b, byte(n))
	case n >= math.MinInt8:
		return append(b, tagInt8, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, tagInt16), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, tagInt32), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, tagInt64), uint64(n))
	}
}

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n < 128:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, tagUint8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, tagUint16), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, tagUint32), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, tagUint64), n)
	}
}

// canonicalNaN is the one NaN of the wire: payloads and signs of NaN are dropped.
const canonicalNaN = 0x7ff8_0000_0000_0000

func appendFloat(b []byte, f float64) []byte {
	bits := math.Float64bits(f)
	if f != f {
		bits = canonicalNaN
	}
	return binary.BigEndian.AppendUint64(append(b, tagFloat64), bits)
}

func appendStringHead(b []byte, length int) []byte {
	switch {
	case length < 32:
		return append(b, 0xa0|byte(length))
	case length <= math.MaxUint8:
		return append(b, tagStr8, byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, tagStr16), uint16(length))
	default:
		return binary.BigEndian.AppendUint32(append(b, tagStr32), uint32(length))
	}
}

func appendBytesHead(b []byte, length int) []byte {
	switch {
	case length <= math.MaxUint8:
		return append(b, tagBin8, byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, tagBin16), uint16(length))
	default:
		return binary.BigEndian.AppendUint32(append(b, tagBin32), uint32(length))
	}
}

func appendArrayHead(b []byte, length int) []byte {
	switch {
	case length < 16:
		return append(b, 0x90|byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, tagArray16), uint16(length))
	default:
		return binary.BigEndian.AppendUint32(append(b, tagArray32), uint32(length))
	}
}

func appendMapHead(b []byte, length int) []byte {
	switch {
	case length < 16:
		return append(b, 0x80|byte(length))
	case length <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, tagMap16), uint16(length))
	default:
		return binary.BigEndian.AppendUint32(append(b, tagMap32), uint32(length))
	}
}

func appendExtHead(b []byte, number int8, length int) []byte {
	switch length {
	case 1:
		return append(b, tagFixExt1, byte(number))
	case 2:
		return append(b, tagFixExt2, byte(number))
	case 4:
		return append(b, tagFixExt4, byte(number))
	case 8:
		return append(b, tagFixExt8, byte(number))
	case 16:
		return append(b, tagFixExt16, byte(number))
	}
	switch {
	case length <= math.MaxUint8:
		return append(b, tagExt8, byte(length), byte(number))
	case length <= math.MaxUint16:
		return append(binary.BigEndian.AppendUint16(append(b, tagExt16), uint16(length)), byte(number))
	default:
		return append(binary.BigEndian.AppendUint32(append(b, tagExt32), uint32(length)), byte(number))
	}
}

func appendTimestamp(b []byte, seconds int64, nanoseconds uint32) []byte {
	switch {
	case nanoseconds == 0 && seconds >= 0 && seconds <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(appendExtHead(b, extTimestamp, 4), uint32(seconds))
	case seconds >= 0 && seconds < 1<<34:
		return binary.BigEndian.AppendUint64(appendExtHead(b, extTimestamp, 8), uint64(nanoseconds)<<34|uint64(seconds))
	default:
		b = binary.BigEndian.AppendUint32(appendExtHead(b, extTimestamp, 12), nanoseconds)
		return binary.BigEndian.AppendUint64(b, uint64(seconds))
	}
}
