package wool

import (
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"unicode/utf8"
)

// RegisterError gives an error type of the program's own the name by which it travels; the name is the
// contract between languages. T is the type as it is returned and looked for, with errors.As: a struct or
// a pointer to one, as a rule, whose exported fields are the error's data as they would be those of a map.
//
//	type OutOfStock struct {
//		Item string `wool:"item"`
//		Left int    `wool:"left"`
//	}
//
//	func (e *OutOfStock) Error() string { return fmt.Sprintf("%s: %d left", e.Item, e.Left) }
//
//	err := wool.RegisterError[*OutOfStock](rt, "app.OutOfStock")
//
// A routine of the runtime that returns such an error, or one that wraps it, fails with that name, that
// data and the outer error's text. What a pool of the runtime receives under that name, from whatever
// language, is an [*Error] in which errors.As finds a T, with the data in its fields, and errors.Is what is
// equal to it: a comparable value, or a pointer to one. So are the errors that a caller throws into a
// generator, and those that come out of [Yield.Yield].
//
// Data that cannot be encoded, or is larger than 64 KiB, stays behind, and the error travels without; its T is
// the zero value there.
// Data that does not fit T's fields is logged, and left in [Error.Value]; errors.As finds no T then.
//
// A name, and a type, can be registered once: [ErrAlreadyExists]. A T that is an interface, or whose fields
// cannot hold values of the network, is an [ErrInvalidArgument].
func RegisterError[T error](rt *Runtime, name string) error {
	known, err := newKnownError(name, reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	if err := rt.engine.errors.add(known); err != nil {
		return err
	}
	return nil
}

// longestErrorName: longer ones are cut on their way.
const longestErrorName = 1024

// knownError is a registered type of errors.
type knownError struct {
	name   string
	goType reflect.Type
	// data is goType, or what it points at.
	data reflect.Type
	// decode reads the data; nil for a struct that has no fields for any.
	decode typedDecoder
}

func newKnownError(name string, goType reflect.Type) (*knownError, *Error) {
	refuse := func(why string) (*knownError, *Error) {
		return nil, newError(ErrInvalidArgument, "error type %q: %s", shorten(name), why)
	}
	switch {
	case name == "" || len(name) > longestErrorName || !utf8.ValidString(name):
		return refuse(fmt.Sprintf("the name must be a text of 1 to %d bytes", longestErrorName))
	case goType.Kind() == reflect.Interface:
		return refuse(fmt.Sprintf("%s is an interface; register the types that implement it", goType))
	case goType == reflect.TypeFor[*Error]():
		return refuse("*wool.Error stands for the errors of others; register a type of your own")
	}
	t := &knownError{name: name, goType: goType, data: goType}
	if goType.Kind() == reflect.Pointer {
		t.data = goType.Elem()
	}
	if isPlainStruct(t.data) {
		fields := fieldCollector{outer: t.data, depths: map[string]int{}}
		if err := fields.collect(t.data, nil); err == nil && len(fields.fields) == 0 {
			return t, nil
		}
	}
	decode, err := typedDecoderFor(t.data)
	if err != nil {
		return refuse(err.Error() + "; a field with the tag `wool:\"-\"` stays behind")
	}
	t.decode = decode
	return t, nil
}

// encode is the data of an error of this type; nil where it has none that can be encoded.
func (t *knownError) encode(err error) []byte {
	v := reflect.ValueOf(err)
	if t.decode == nil || v.Kind() == reflect.Pointer && v.IsNil() {
		return nil
	}
	if t.goType.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	data, failure := Marshal(v.Interface())
	if failure != nil {
		return nil
	}
	return data
}

// make builds an error of this type from the data that came, the zero value without any.
func (t *knownError) make(data *payload) (error, *ValueError) {
	v := reflect.New(t.data)
	if t.decode != nil && data != nil && !data.isNull() {
		if data.raw {
			return nil, mismatch(string(kindMap), "raw bytes")
		}
		d := decoder{data: data.data}
		err := t.decode(&d, v.Elem())
		if err == nil {
			err = d.end()
		}
		if err != nil {
			return nil, err
		}
	}
	if t.goType.Kind() != reflect.Pointer {
		v = v.Elem()
	}
	own, _ := v.Interface().(error)
	return own, nil
}

// errorTypes are those of a runtime. They are looked up by goroutines of routines and the dispatcher.
type errorTypes struct {
	mu     sync.RWMutex
	byName map[string]*knownError
	byType map[reflect.Type]*knownError
	log    *logSink // nil without a logger
}

func (ts *errorTypes) add(t *knownError) *Error {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if other := ts.byName[t.name]; other != nil {
		return newError(ErrAlreadyExists, "the error type %q is registered already, for %s", t.name, other.goType)
	}
	if other := ts.byType[t.goType]; other != nil {
		return newError(ErrAlreadyExists, "the type %s is registered already, as %q", t.goType, other.name)
	}
	if ts.byName == nil {
		ts.byName, ts.byType = make(map[string]*knownError), make(map[reflect.Type]*knownError)
	}
	ts.byName[t.name], ts.byType[t.goType] = t, t
	return nil
}

func (ts *errorTypes) ofType(t reflect.Type) *knownError {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.byType[t]
}

func (ts *errorTypes) named(name string) *knownError {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.byName[name]
}

// maxWrapped bounds the search of errors that wrap others, which might be endless.
const maxWrapped = 128

// find looks for an error that has a registered name, in the order of errors.As: one of a registered type,
// or another's that has come with one. It tells the stack that was given to it on the way, too.
func (ts *errorTypes) find(err error) (own error, stack []uintptr) {
	left := maxWrapped
	return ts.search(err, nil, &left)
}

func (ts *errorTypes) search(err error, stack []uintptr, left *int) (error, []uintptr) {
	for ; err != nil && *left > 0; *left-- {
		if remote, ok := err.(*Error); ok && remote.own != nil || ts.ofType(reflect.TypeOf(err)) != nil {
			return err, stack
		}
		switch e := err.(type) {
		case *tracedError:
			err, stack = e.error, e.stack
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, err := range e.Unwrap() {
				if own, stack := ts.search(err, stack, left); own != nil {
					return own, stack
				}
			}
			return nil, nil
		default:
			return nil, nil
		}
	}
	return nil, nil
}

// own makes of an error that has come in the program's own, if its name is registered. What it was sent
// with may not fit.
func (ts *errorTypes) own(e *Error, data *payload) error {
	if ts == nil || e.Type == "" {
		return nil
	}
	t := ts.named(e.Type)
	if t == nil {
		return nil
	}
	own, err := t.make(data)
	if err != nil {
		if ts.log != nil {
			ts.log.log(slog.LevelWarn, "wool", fmt.Sprintf("an error %s from %s does not fit %s: %v", shorten(e.Type), shorten(e.Language), t.goType, err))
		}
		return nil
	}
	return own
}

// isOwn reports whether target equals the program's own error: where that is a pointer, which has come
// over the network and so is a new one, what they point at counts.
func isOwn(own, target error) bool {
	a, b := reflect.ValueOf(own), reflect.ValueOf(target)
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() {
		return false
	}
	if a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil() {
		a, b = a.Elem(), b.Elem()
	}
	return a.Comparable() && b.Comparable() && a.Equal(b)
}
