package wool

// #include "shim.h"
import "C"

import (
	"cmp"
	"context"
	"maps"
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

// ContextValue decodes a value that rides along with a call into what target points at. It is for the call whose
// routine got ctx, or a context derived from it, and for use while the routine runs. It reports false, and leaves
// the target alone, where nothing has this key and where ctx is that of no routine.
//
// It fails as [ErrCodec] for a value that the target cannot hold, and as [ErrClosed] when the task is over.
func ContextValue(ctx context.Context, key ContextKey, target any) (bool, error) {
	t, ok := ctx.Value(taskKey{}).(*task)
	if !ok {
		return false, nil
	}
	encoded, there, err := t.contextValue(key)
	if err != nil {
		return false, err
	}
	if !there {
		return false, nil
	}
	return decodeContextValue(key, t.routine.name, encoded, target)
}

func decodeContextValue(key ContextKey, routine string, encoded []byte, target any) (bool, error) {
	if err := Unmarshal(encoded, target); err != nil {
		return false, codecError("context "+key.String(), routine, err)
	}
	return true, nil
}

// contextValue copies the encoded value: the core's goes with the task, and a task with its queue.
func (t *task) contextValue(key ContextKey) (encoded []byte, there bool, _ *Error) {
	t.lent.Lock()
	defer t.lent.Unlock()
	runs := false
	t.routine.engine.queue.whileOpen(func() {
		var info C.wool_task_info_t
		if info, runs = t.info(); !runs {
			return
		}
		// Of two with one name the later counts, whatever a peer sends.
		for _, value := range slices.Backward(contextView(info.context, info.context_count)) {
			if string(viewOf(value.namespace_)) == key.Namespace && string(viewOf(value.name)) == key.Name {
				encoded, there = slices.Clone(viewOf(value.value.data)), true
				return
			}
		}
	})
	if !runs {
		return nil, false, newError(ErrClosed, "context %s of %s: the task is over; read it while the routine runs", key, t.routine.name)
	}
	return encoded, there, nil
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
