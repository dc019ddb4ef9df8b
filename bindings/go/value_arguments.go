package wool

import "fmt"

// The arguments of a call are one array: the list of the positional ones and, where there are any, the
// map of the named ones. The two do not count as depth.

func (e *encoder) arguments(positional []any, named Named) *ValueError {
	parts := 1
	if len(named) > 0 {
		parts = 2
	}
	e.buf = appendArrayHead(e.buf, parts)
	e.buf = appendArrayHead(e.buf, len(positional))
	for i, argument := range positional {
		if err := e.value(argument); err != nil {
			return err.atIndex(i)
		}
	}
	if len(named) == 0 {
		return nil
	}
	// The map of the names must not count, so that a named argument may be as deep as a positional one.
	e.depth--
	err := e.stringMap(named)
	e.depth++
	return err
}

// argumentsHead reads up to the first positional argument.
func (d *decoder) argumentsHead() (positional int, hasNamed bool, _ *ValueError) {
	envelope, err := d.head()
	if err != nil {
		return 0, false, err
	}
	if envelope.kind != kindList || envelope.length < 1 || envelope.length > 2 {
		return 0, false, invalidArguments("expected a list of positional arguments and perhaps a map of named ones")
	}
	list, err := d.head()
	if err != nil {
		return 0, false, err
	}
	if list.kind != kindList {
		return 0, false, invalidArguments(fmt.Sprintf("expected a list of positional arguments, found %s", list.kind))
	}
	return list.length, envelope.length == 2, nil
}

// namedArguments reads the named arguments, if there are any, and checks that nothing follows. visit
// reads each one's value from the decoder, and places its own errors.
func (d *decoder) namedArguments(present bool, visit func(name string) *ValueError) *ValueError {
	if !present {
		return d.end()
	}
	h, err := d.head()
	if err != nil {
		return err
	}
	if h.kind != kindMap {
		return invalidArguments(fmt.Sprintf("expected a map of named arguments, found %s", h.kind))
	}
	var seen keySet
	for i := range h.length {
		start := d.at
		key, err := d.head()
		if err == nil && key.kind != kindString {
			err = invalidArguments(fmt.Sprintf("expected a string as an argument's name, found %s", key.kind))
		}
		if err != nil {
			return err.inKey(i)
		}
		name, err := d.text(key)
		if err == nil {
			err = seen.add(d.data[start:d.at], "argument")
		}
		if err != nil {
			return err.inKey(i)
		}
		if err := visit(name); err != nil {
			return err
		}
	}
	return d.end()
}

func invalidArguments(message string) *ValueError {
	return valueError(ValueInvalidArguments, message)
}
