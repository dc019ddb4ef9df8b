package wool

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// A Go struct is a map on the wire, from field names to values. Exported fields take part, in their
// order; the tag `wool:"name,omitempty"` renames one, and leaves it out where it is zero; `wool:"-"`
// keeps it out. The fields of an embedded struct count as the outer struct's own, whose fields hide them.
//
// Keys that the struct has no field for are passed over, so that one side can learn of a field before the
// other. A field that the map has no key for is an error, unless it is a pointer or has omitempty: then it is
// zero.

// structField is a field as both directions need it.
type structField struct {
	name      string
	index     []int
	goType    reflect.Type
	omitEmpty bool
	// decode is made by a typedBuilder only.
	decode typedDecoder
}

// optional: its key may be missing.
func (f *structField) optional() bool { return f.omitEmpty || f.goType.Kind() == reflect.Pointer }

// structFields caches what fieldsOf has found for encoding: reflect.Type -> []structField.
var structFields sync.Map

func cachedFields(t reflect.Type) ([]structField, error) {
	if cached, found := structFields.Load(t); found {
		if fields, ok := cached.([]structField); ok {
			return fields, nil
		}
	}
	fields, err := fieldsOf(t)
	if err == nil {
		structFields.Store(t, fields)
	}
	return fields, err
}

// fieldsOf lists the fields that take part. A struct without any is refused: it would lose what it holds.
func fieldsOf(t reflect.Type) ([]structField, error) {
	c := fieldCollector{outer: t, depths: map[string]int{}}
	if err := c.collect(t, nil); err != nil {
		return nil, err
	}
	if len(c.fields) == 0 {
		return nil, fmt.Errorf("the type %s cannot hold a value of the network: it has no exported fields", t)
	}
	return c.fields, nil
}

type fieldCollector struct {
	outer  reflect.Type
	fields []structField
	// depths is how deeply embedded the field of a name is.
	depths map[string]int
}

func (c *fieldCollector) collect(t reflect.Type, outer []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(outer[:len(outer):len(outer)], i)
		name, omitEmpty, skipped := fieldTag(f)
		switch {
		case skipped:
		case f.Anonymous && name == "" && isPlainStruct(f.Type):
			if err := c.collect(f.Type, index); err != nil {
				return err
			}
		case f.IsExported():
			if name == "" {
				name = f.Name
			}
			field := structField{name: name, index: index, goType: f.Type, omitEmpty: omitEmpty}
			if err := c.add(field); err != nil {
				return err
			}
		}
	}
	return nil
}

// add keeps a field, in the place of a deeper one of its name.
func (c *fieldCollector) add(f structField) error {
	depth, found := c.depths[f.name]
	switch {
	case !found:
		c.fields = append(c.fields, f)
	case depth == len(f.index):
		return fmt.Errorf("the type %s has two fields that are called %q: rename one by a tag", c.outer, f.name)
	case depth < len(f.index):
		return nil
	default:
		for i := range c.fields {
			if c.fields[i].name == f.name {
				c.fields[i] = f
			}
		}
	}
	c.depths[f.name] = len(f.index)
	return nil
}

func fieldTag(f reflect.StructField) (name string, omitEmpty, skipped bool) {
	tag := f.Tag.Get("wool")
	if tag == "-" {
		return "", false, true
	}
	name, options, _ := strings.Cut(tag, ",")
	return name, options == "omitempty", false
}

// isPlainStruct: not one of those that are values of a kind of their own.
func isPlainStruct(t reflect.Type) bool {
	_, special := specialDecoders[t]
	return t.Kind() == reflect.Struct && !special
}

func (e *encoder) structure(v reflect.Value) *ValueError {
	fields, err := cachedFields(v.Type())
	if err != nil {
		return valueError(ValueKindMismatch, err.Error())
	}
	count := 0
	for i := range fields {
		if !fields[i].omitEmpty || !v.FieldByIndex(fields[i].index).IsZero() {
			count++
		}
	}
	if err := e.enter(count); err != nil {
		return err
	}
	e.buf = appendMapHead(e.buf, count)
	for i := range fields {
		f := &fields[i]
		value := v.FieldByIndex(f.index)
		if f.omitEmpty && value.IsZero() {
			continue
		}
		if err := e.string(f.name); err != nil {
			return err.inKey(i)
		}
		if err := e.reflect(value); err != nil {
			return err.atKey(f.name)
		}
	}
	e.leave()
	return nil
}

func (b typedBuilder) structure(t reflect.Type) (typedDecoder, error) {
	fields, err := fieldsOf(t)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]int, len(fields))
	for i := range fields {
		f := &fields[i]
		if f.decode, err = b.build(f.goType); err != nil {
			return nil, fmt.Errorf("the field %s of %s: %w", f.name, t, err)
		}
		byName[f.name] = i
	}
	return func(d *decoder, target reflect.Value) *ValueError {
		return d.structure(target, fields, byName)
	}, nil
}

func (d *decoder) structure(target reflect.Value, fields []structField, byName map[string]int) *ValueError {
	h, err := d.expect(kindMap)
	if err != nil {
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	target.SetZero()
	var seen keySet
	got := make([]bool, len(fields))
	for i := range h.length {
		start := d.at
		key, err := d.any()
		if err == nil {
			err = seen.add(d.data[start:d.at], "map key")
		}
		if err != nil {
			return err.inKey(i)
		}
		name, _ := key.(string)
		if at, found := byName[name]; found {
			f := &fields[at]
			got[at] = true
			err = f.decode(d, target.FieldByIndex(f.index))
		} else {
			_, err = d.any()
		}
		if err != nil {
			return err.atEntry(key, i)
		}
	}
	for i := range fields {
		if !got[i] && !fields[i].optional() {
			return invalidValue("the field is missing").atKey(fields[i].name)
		}
	}
	d.leave()
	return nil
}
