package wool

// #include "shim.h"
import "C"

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
)

// routine is a registered function: what registration has learned about it by reflection, so that a
// task costs as little of that as can be.
type routine struct {
	engine *engine
	name   string
	fn     reflect.Value
	// location is the function's name, file and line.
	location string
	// yield is the type that the function's *Yield points at; nil for a unary routine.
	yield reflect.Type
	// parameters follow the context and the yield; the last may be variadic.
	parameters []parameter
	variadic   bool
	// takesNamed: the last parameter is a Named.
	takesNamed bool
	hasResult  bool
}

type parameter struct {
	name   string // empty if not told
	goType reflect.Type
	decode typedDecoder
}

// A RoutineOption tells more about a routine at its registration.
type RoutineOption func(*routineSettings)

type routineSettings struct {
	doc        string
	parameters []string
}

// WithDoc gives a routine a description for those who ask the worker what it serves.
func WithDoc(doc string) RoutineOption {
	return func(s *routineSettings) { s.doc = doc }
}

// WithParameters names a routine's parameters, those after the context and the yield, in their order.
// Callers can then pass them by name.
func WithParameters(names ...string) RoutineOption {
	return func(s *routineSettings) { s.parameters = names }
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
	yielderType = reflect.TypeFor[yielder]()
	namedType   = reflect.TypeFor[Named]()
)

// Register makes fn a routine of the runtime: workers of the runtime serve it under that name. Those that
// serve already tell their callers, who may answer [ErrRoutineNotFound] until they have heard it: register
// before you serve. fn is one of
//
//	func(ctx context.Context, args...) error
//	func(ctx context.Context, args...) (T, error)
//	func(ctx context.Context, y *wool.Yield[In, Out], args...) error   // a generator
//
// where arguments and T are of types that hold values of the network: bool, string, integers, floats,
// []byte, *big.Int, any, slices, arrays, maps, structs and pointers of those, and this package's own value
// types. A last parameter of type [Named] takes named arguments; other parameters can be passed by name when
// [WithParameters] has named them. A parameter that is a pointer may be left out, and is nil then. A variadic
// parameter takes the positional arguments that remain.
//
// Each task runs on a goroutine of its own, with a context that ends when the caller cancels, its
// deadline passes, or the worker stops. Arguments that do not fit fail the task before fn is called. A
// panic, or a call of [runtime.Goexit], fails the task and harms nothing else.
//
// A name can be registered once: [ErrAlreadyExists]. Other functions are an [ErrInvalidArgument].
func Register(rt *Runtime, name string, fn any, options ...RoutineOption) error {
	var settings routineSettings
	for _, option := range options {
		option(&settings)
	}
	r, err := newRoutine(rt.engine, name, fn, settings.parameters)
	if err != nil {
		return err
	}
	if err := r.register(&settings); err != nil {
		return err
	}
	return nil
}

func newRoutine(e *engine, name string, fn any, names []string) (*routine, error) {
	refuse := func(format string, values ...any) (*routine, error) {
		return nil, newError(ErrInvalidArgument, "routine %q: %s", name, fmt.Sprintf(format, values...))
	}
	t := reflect.TypeOf(fn)
	if t == nil || t.Kind() != reflect.Func || reflect.ValueOf(fn).IsNil() {
		return refuse("expected a function, found %T", fn)
	}
	if t.NumIn() == 0 || t.In(0) != contextType {
		return refuse("the first parameter of %s must be a context.Context", t)
	}
	if t.NumOut() == 0 || t.NumOut() > 2 || t.Out(t.NumOut()-1) != errorType {
		return refuse("%s must return an error, or a result and an error", t)
	}
	r := &routine{
		engine: e, name: name, fn: reflect.ValueOf(fn), location: locate(reflect.ValueOf(fn).Pointer()),
		variadic: t.IsVariadic(), hasResult: t.NumOut() == 2,
	}
	first := 1
	if t.NumIn() > 1 && t.In(1).Implements(yielderType) {
		if r.hasResult {
			return refuse("%s is a generator and must return only an error", t)
		}
		r.yield = t.In(1).Elem()
		first = 2
	}
	for i := first; i < t.NumIn(); i++ {
		goType := t.In(i)
		if i == t.NumIn()-1 && goType == namedType {
			r.takesNamed = true
			break
		}
		if r.variadic && i == t.NumIn()-1 {
			goType = goType.Elem()
		}
		decode, err := typedDecoderFor(goType)
		if err != nil {
			return refuse("parameter %d of %s: %v", i-first, t, err)
		}
		r.parameters = append(r.parameters, parameter{goType: goType, decode: decode})
	}
	if len(names) > len(r.parameters) {
		return refuse("%d names for the %d parameters of %s", len(names), len(r.parameters), t)
	}
	for i, name := range names {
		r.parameters[i].name = name
	}
	return r, nil
}

// locate is where a function is defined, as a traceback's line.
func locate(pc uintptr) string {
	fn := runtime.FuncForPC(pc)
	if fn == nil {
		return "an unknown function"
	}
	file, line := fn.FileLine(pc)
	return frameLine(fn.Name(), file, line)
}

func (r *routine) register(settings *routineSettings) *Error {
	e := r.engine
	if !e.guard.enter() {
		return closedError()
	}
	defer e.guard.leave()
	tag, err := e.queue.expect(r)
	if err != nil {
		return err
	}
	var memory arena
	defer memory.free()
	kind := C.int32_t(C.WOOL_ROUTINE_UNARY)
	if r.yield != nil {
		kind = C.WOOL_ROUTINE_STREAM
	}
	c := C.wool_routine_options_t{
		struct_size:     C.sizeof_wool_routine_options_t,
		name:            memory.slice(r.name),
		kind:            kind,
		doc:             memory.slice(settings.doc),
		parameters:      memory.slices(settings.parameters),
		parameter_count: C.size_t(len(settings.parameters)),
		queue:           e.queue.handle,
		tag:             C.uint64_t(tag),
	}
	var failure *C.wool_error_t
	if status := C.int32_t(C.wool_routine_register(e.handle, &c, &failure)); status < 0 {
		e.queue.forget(tag)
		return takeError(status, failure)
	}
	return nil
}

// receive runs on the dispatcher: a new task, or a word to one that runs.
func (r *routine) receive(e *event) {
	tasks := &r.engine.tasks
	switch e.kind {
	case C.WOOL_EVENT_TASK:
		t := newTask(r, e.handle, e.payload)
		tasks.table.put(e.handle, t)
		if r.yield == nil {
			tasks.start(t)
		}
	case C.WOOL_EVENT_STEP:
		if t, found := tasks.table.get(e.handle); found && t.steps != nil {
			t.steps.receive(e)
		} else {
			e.release()
		}
	case C.WOOL_EVENT_CANCEL:
		if t, found := tasks.table.get(e.handle); found {
			t.interrupt(t.cancelCause())
		}
	}
}

// bind decodes a task's arguments after the context and the yield, which are in values already.
func (r *routine) bind(data []byte, values []reflect.Value) ([]reflect.Value, *ValueError) {
	d := decoder{data: data}
	given, hasNamed, err := d.argumentsHead()
	if err != nil {
		return nil, r.about(err)
	}
	if given > len(r.parameters) && !r.variadic {
		return nil, r.wrongCount(given)
	}
	bound := len(values)
	for i := range given {
		p := &r.parameters[min(i, len(r.parameters)-1)]
		value := reflect.New(p.goType).Elem()
		if err := p.decode(&d, value); err != nil {
			return nil, r.argumentError(i, false, err)
		}
		values = append(values, value)
	}
	if hasNamed || given < len(r.parameters) || r.takesNamed {
		return r.bindNamed(&d, hasNamed, given, values, bound)
	}
	if err := d.end(); err != nil {
		return nil, r.about(err)
	}
	return values, nil
}

// bindNamed fills what the positional arguments have left.
func (r *routine) bindNamed(d *decoder, hasNamed bool, given int, values []reflect.Value, bound int) ([]reflect.Value, *ValueError) {
	needed := len(r.parameters)
	if r.variadic {
		needed--
	}
	for i := given; i < needed; i++ {
		values = append(values, reflect.Value{})
	}
	others, found := Named{}, given
	err := d.namedArguments(hasNamed, func(name string) *ValueError {
		found++
		for i := range r.parameters[:needed] {
			p := &r.parameters[i]
			if p.name != name || name == "" {
				continue
			}
			if i < given {
				return r.mismatch(fmt.Sprintf("the argument %q is given twice", shorten(name)))
			}
			value := reflect.New(p.goType).Elem()
			values[bound+i] = value
			if err := p.decode(d, value); err != nil {
				return r.argumentError(i, true, err)
			}
			return nil
		}
		if !r.takesNamed {
			return r.mismatch(fmt.Sprintf("takes no argument named %q", shorten(name)))
		}
		value, err := d.any()
		others[name] = value
		if err != nil {
			return err.atKey(name)
		}
		return nil
	})
	if err != nil {
		return nil, r.about(err)
	}
	for i := given; i < needed; i++ {
		p := &r.parameters[i]
		switch {
		case values[bound+i].IsValid():
		case p.optional():
			values[bound+i] = reflect.Zero(p.goType)
		case p.name != "":
			err := r.wrongCount(found)
			err.Message += fmt.Sprintf(": %q is missing", p.name)
			return nil, err
		default:
			return nil, r.wrongCount(found)
		}
	}
	if r.takesNamed {
		values = append(values, reflect.ValueOf(others))
	}
	return values, nil
}

// optional: its argument may be left out.
func (p *parameter) optional() bool { return p.goType.Kind() == reflect.Pointer }

// wrongCount says how many arguments are expected and that so many were found.
func (r *routine) wrongCount(found int) *ValueError {
	needed, most := 0, len(r.parameters)
	for i := range r.parameters {
		if !r.parameters[i].optional() && !(r.variadic && i == most-1) {
			needed++
		}
	}
	expected, plural := fmt.Sprint(most), "s"
	if most == 1 {
		plural = ""
	}
	switch {
	case r.variadic:
		expected, plural = fmt.Sprintf("%d or more", needed), "s"
	case needed < most:
		expected = fmt.Sprintf("%d to %d", needed, most)
	}
	return r.mismatch(fmt.Sprintf("expects %s argument%s, got %d", expected, plural, found))
}

func (r *routine) mismatch(message string) *ValueError {
	return r.about(valueError(ValueArgumentMismatch, message))
}

// about makes an error one of the routine's arguments, if it does not say so yet.
func (r *routine) about(err *ValueError) *ValueError {
	if err.subject == "" {
		err.subject = r.name
	}
	return err
}

// argumentError says which argument a conversion failed for: calc.add: argument 2 "b" ($[1]): expected int,
// found string.
func (r *routine) argumentError(index int, byName bool, err *ValueError) *ValueError {
	name := r.parameters[min(index, len(r.parameters)-1)].name
	err.subject = r.name + ": argument"
	if byName {
		err.subject += fmt.Sprintf(" %q", shorten(name))
		return err.atKey(name)
	}
	err.subject += fmt.Sprintf(" %d", index+1)
	if name != "" {
		err.subject += fmt.Sprintf(" %q", shorten(name))
	}
	return err.atIndex(index)
}
