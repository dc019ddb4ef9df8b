package wool

// #include "shim.h"
import "C"

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"unsafe"
)

// ContextKey is what a value that rides along with a call is found by: see [CallOptions.Context]. Callers and
// readers best share a variable:
//
//	var customer = wool.ContextKey{Namespace: "shop", Name: "customer"}
type ContextKey struct {
	// Namespace is whose name it is, and Name what the value is called there.
	Namespace, Name string
}

// String is the form "shop.customer".
func (k ContextKey) String() string { return k.Namespace + "." + k.Name }

func compareContextKeys(a, b ContextKey) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// ContextValue decodes a value of the context of ctx into what target points at: of the task whose routine got ctx, or
// a context derived from it, or of [WithContextValues]. The task's has what came with the call, what was set since, and
// what the calls that the task has made have set. It reports false, and leaves the target alone, where nothing has this
// key, and where ctx has no values.
//
// It fails as [ErrCodec] for a value that the target cannot hold, and as [ErrClosed] when the task is over.
func ContextValue(ctx context.Context, key ContextKey, target any) (bool, error) {
	values, ok := ctx.Value(bagKey{}).(contextHolder)
	if !ok {
		return false, nil
	}
	var encoded payload
	there := false
	if err := values.use(key, func(handle *C.wool_context_t) *Error {
		namespace, namespaceLen := textOf(key.Namespace)
		name, nameLen := textOf(key.Name)
		found := C.wool_go_context_get(handle, namespace, namespaceLen, name, nameLen)
		if there = found.answer.status == C.WOOL_OK; there {
			encoded = takePayload(found.value, C.WOOL_CODEC_MSGPACK)
		}
		return errorOf(found.answer)
	}); err != nil {
		return false, err
	}
	if !there {
		return false, nil
	}
	defer encoded.release()
	return decodeContextValue(key, values.owner(), encoded.data, target)
}

// SetContextValue sets a value in the context of ctx. In a routine it goes on to what the routine calls, and back to its
// caller with the next item or the outcome; with [WithContextValues] it goes to the routines that are called with that.
//
// It fails as [ErrCodec] for a value that cannot be encoded, [ErrPayloadTooLarge] when the context would have more than
// 64 KiB, [ErrInvalidArgument] where ctx has no values, and [ErrClosed] when the task is over.
func SetContextValue(ctx context.Context, key ContextKey, value any) error {
	return changeContext(ctx, key, func(owner string, values contextHolder) *Error {
		e := newEncoder()
		defer e.release()
		if err := e.value(value); err != nil {
			return codecError("context "+key.String(), owner, err)
		}
		return values.use(key, func(handle *C.wool_context_t) *Error {
			namespace, namespaceLen := textOf(key.Namespace)
			name, nameLen := textOf(key.Name)
			data, length := bytesOf(e.buf)
			return errorOf(C.wool_go_context_set(handle, namespace, namespaceLen, name, nameLen, data, length))
		})
	})
}

// UnsetContextValue removes a value from the context of ctx, as [SetContextValue] sets one. That there is none is no
// error.
func UnsetContextValue(ctx context.Context, key ContextKey) error {
	return changeContext(ctx, key, func(_ string, values contextHolder) *Error {
		return values.use(key, func(handle *C.wool_context_t) *Error {
			namespace, namespaceLen := textOf(key.Namespace)
			name, nameLen := textOf(key.Name)
			return errorOf(C.wool_go_context_unset(handle, namespace, namespaceLen, name, nameLen))
		})
	})
}

func changeContext(ctx context.Context, key ContextKey, change func(owner string, values contextHolder) *Error) error {
	values, ok := ctx.Value(bagKey{}).(contextHolder)
	if !ok {
		return newError(ErrInvalidArgument, "context %s: ctx has no values: it is no routine's, nor one of WithContextValues", key)
	}
	if err := change(values.owner(), values); err != nil {
		return err
	}
	return nil
}

// WithContextValues gives ctx values of its own, none at first: see [SetContextValue]. All calls that are made with it,
// or with contexts derived from it, share them: each carries what is there when it is made, and what the routine
// changes is here before its item or outcome is. In a routine they take the place of the task's.
//
//	ctx = wool.WithContextValues(ctx)
//	err := wool.SetContextValue(ctx, customer, "Dolly")
func WithContextValues(ctx context.Context) context.Context {
	return context.WithValue(ctx, bagKey{}, newBag())
}

type bagKey struct{}

// contextHolder is whose context a [context.Context] has: a task, or a bag.
type contextHolder interface {
	// use lends it, if it is still there.
	use(key ContextKey, do func(handle *C.wool_context_t) *Error) *Error
	// owner is how errors call it.
	owner() string
}

// bag holds values outside of tasks.
type bag struct {
	handle *C.wool_context_t
	// failure is why there is no handle.
	failure *Error
}

func newBag() *bag {
	b := &bag{}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_context_new(&b.handle, &failure)); status < 0 {
		b.failure = takeError(status, failure)
		return b
	}
	// Calls that are under way keep it in the core.
	runtime.SetFinalizer(b, func(b *bag) { C.wool_context_free(b.handle) })
	return b
}

// forC is nil for none; the bag must be kept alive meanwhile.
func (b *bag) forC() *C.wool_context_t {
	if b == nil {
		return nil
	}
	return b.handle
}

func (b *bag) use(_ ContextKey, do func(handle *C.wool_context_t) *Error) *Error {
	if b.failure != nil {
		return b.failure
	}
	defer runtime.KeepAlive(b)
	return do(b.handle)
}

func (b *bag) owner() string { return "the caller" }

func (t *task) use(key ContextKey, do func(handle *C.wool_context_t) *Error) *Error {
	t.lent.Lock()
	defer t.lent.Unlock()
	if t.bag == nil && !t.over {
		var failure *C.wool_error_t
		C.wool_task_context(C.wool_task_t(t.handle), &t.bag, &failure)
		C.wool_error_free(failure)
	}
	if t.bag == nil {
		return newError(ErrClosed, "context %s of %s: the task is over; use it while the routine runs", key, t.routine.name)
	}
	return do(t.bag)
}

func (t *task) owner() string { return t.routine.name }

func decodeContextValue(key ContextKey, owner string, encoded []byte, target any) (bool, error) {
	if err := Unmarshal(encoded, target); err != nil {
		return false, codecError("context "+key.String(), owner, err)
	}
	return true, nil
}

// contextView is what the core lends, for as long as it does.
func contextView(values *C.wool_context_value_t, count C.size_t) []C.wool_context_value_t {
	return unsafe.Slice(values, int(count))
}

// contextValues are encoded values that belong to Go.
type contextValues map[ContextKey][]byte

// copyContext takes what the core lends; nil for nothing.
func copyContext(values *C.wool_context_value_t, count C.size_t) *contextValues {
	if count == 0 {
		return nil
	}
	copied := make(contextValues, int(count))
	for _, value := range contextView(values, count) {
		copied[ContextKey{stringOf(value.namespace_), stringOf(value.name)}] = slices.Clone(viewOf(value.value.data))
	}
	return &copied
}

// carry encodes what rides along with the call, which then needs the submission's memory.
func (s *submission) carry(routine string) *Error {
	given := s.options.Context
	if len(given) == 0 {
		return nil
	}
	values := s.memory.contextValues(len(given))
	s.context, s.contextCount = &values[0], C.size_t(len(values))
	// The room behind the arguments is used for one value after the other.
	e := s.encoder
	arguments := len(e.buf)
	for i, key := range slices.SortedFunc(maps.Keys(given), compareContextKeys) {
		if err := e.value(given[key]); err != nil {
			return codecError("context "+key.String(), routine, err)
		}
		values[i].namespace_ = s.memory.slice(key.Namespace)
		values[i].name = s.memory.slice(key.Name)
		values[i].value = s.memory.encoded(e.buf[arguments:])
		e.buf = e.buf[:arguments]
	}
	return nil
}
