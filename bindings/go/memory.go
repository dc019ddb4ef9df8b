package wool

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"sync"
	"unsafe"
)

// arena holds C copies of what an options struct points at, until free.
type arena []unsafe.Pointer

func (a *arena) free() {
	for _, p := range *a {
		C.free(p)
	}
	*a = nil
}

func (a *arena) slice(text string) C.wool_slice_t {
	if text == "" {
		return C.wool_slice_t{}
	}
	p := C.CString(text)
	*a = append(*a, unsafe.Pointer(p))
	return C.wool_slice_t{ptr: (*C.uint8_t)(unsafe.Pointer(p)), len: C.size_t(len(text))}
}

func (a *arena) slices(texts []string) *C.wool_slice_t {
	if len(texts) == 0 {
		return nil
	}
	p := C.calloc(C.size_t(len(texts)), C.sizeof_wool_slice_t)
	*a = append(*a, p)
	array := unsafe.Slice((*C.wool_slice_t)(p), len(texts))
	for i, text := range texts {
		array[i] = a.slice(text)
	}
	return &array[0]
}

// discoveries are count places for them, which are nil.
func (a *arena) discoveries(count int) []*C.wool_discovery_t {
	if count == 0 {
		return nil
	}
	p := C.calloc(C.size_t(count), C.size_t(unsafe.Sizeof(uintptr(0))))
	*a = append(*a, p)
	return unsafe.Slice((**C.wool_discovery_t)(p), count)
}

// payload is a copy of an encoded value; nil for none.
func (a *arena) payload(data []byte) *C.wool_payload_t {
	if data == nil {
		return nil
	}
	p := C.calloc(1, C.sizeof_wool_payload_t)
	*a = append(*a, p)
	value := (*C.wool_payload_t)(p)
	*value = a.encoded(data)
	return value
}

func (a *arena) encoded(data []byte) C.wool_payload_t {
	p := C.CBytes(data)
	*a = append(*a, p)
	return C.wool_payload_t{
		data:  C.wool_slice_t{ptr: (*C.uint8_t)(p), len: C.size_t(len(data))},
		codec: C.WOOL_CODEC_MSGPACK,
	}
}

// contextValues are count of them, at least one, to be filled in.
func (a *arena) contextValues(count int) []C.wool_context_value_t {
	p := C.calloc(C.size_t(count), C.sizeof_wool_context_value_t)
	*a = append(*a, p)
	return unsafe.Slice((*C.wool_context_value_t)(p), count)
}

// bytesOf and textOf point at Go memory for the length of one call into C.
func bytesOf(b []byte) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.SliceData(b)), C.size_t(len(b))
}

func textOf(s string) (*C.uint8_t, C.size_t) {
	return (*C.uint8_t)(unsafe.StringData(s)), C.size_t(len(s))
}

// viewOf is the memory of a C slice, for as long as its owner lets it be.
func viewOf(s C.wool_slice_t) []byte {
	return unsafe.Slice((*byte)(s.ptr), int(s.len))
}

func stringOf(s C.wool_slice_t) string { return string(viewOf(s)) }

// keptBuffer is the largest buffer that is kept for reuse, in bytes.
const keptBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// encoders keeps encoders with their buffers, for arguments and results on their way into C, which
// copies them.
var encoders = sync.Pool{New: func() any { return new(encoder) }}

func newEncoder() *encoder {
	e, _ := encoders.Get().(*encoder)
	return e
}

func (e *encoder) release() {
	if cap(e.buf) <= keptBuffer {
		*e = encoder{buf: e.buf[:0]}
		encoders.Put(e)
	}
}

// payload is an encoded value that has arrived: a copy in a reused buffer when it is small, else
// memory of the core. Who holds it releases it, once.
type payload struct {
	data   []byte
	raw    bool
	buffer *[]byte
	owned  C.wool_bytes_t
}

// takePayload takes what an event brought; the event's own view is void afterwards.
func takePayload(bytes C.wool_bytes_t, codec C.int32_t) payload {
	view := unsafe.Slice((*byte)(bytes.ptr), int(bytes.len))
	p := payload{raw: codec == C.WOOL_CODEC_RAW}
	if bytes.owner != nil {
		p.data, p.owned = view, bytes
		return p
	}
	p.buffer, _ = buffers.Get().(*[]byte)
	*p.buffer = append((*p.buffer)[:0], view...)
	p.data = *p.buffer
	return p
}

func (p *payload) release() {
	if p.owned.owner != nil {
		owned := p.owned
		C.wool_bytes_free(&owned)
	}
	if p.buffer != nil && cap(*p.buffer) <= keptBuffer {
		buffers.Put(p.buffer)
	}
	*p = payload{}
}

func (p *payload) isNull() bool { return !p.raw && len(p.data) == 1 && p.data[0] == tagNil }

// into decodes the payload into what target points at.
func (p *payload) into(target any) error {
	if !p.raw {
		return Unmarshal(p.data, target)
	}
	switch target := target.(type) {
	case *any:
		*target = append([]byte{}, p.data...)
	case *[]byte:
		*target = append([]byte{}, p.data...)
	default:
		return valueError(ValueKindMismatch, "raw bytes go into []byte only")
	}
	return nil
}
