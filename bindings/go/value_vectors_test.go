package wool

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
)

// vector is one entry of the golden vectors beside proto/values.md.
type vector struct {
	Name       string
	DecodeOnly bool `json:"decode_only"`
	Value      json.RawMessage
	Positional []json.RawMessage
	Named      [][2]json.RawMessage
	Hex        string
	Error      string
}

func readVectors(t testing.TB, file string) []vector {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "proto", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatalf("%s holds no vectors", file)
	}
	return vectors
}

func (v vector) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.Hex)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// native is the Go form of a vector's value, with maps in their order.
func native(t testing.TB, raw json.RawMessage) any {
	t.Helper()
	var tagged map[string]json.RawMessage
	parse(t, raw, &tagged)
	for tag, body := range tagged {
		switch tag {
		case "null":
			return nil
		case "bool":
			return parse(t, body, new(bool))
		case "int":
			n, _ := new(big.Int).SetString(parse(t, body, new(string)), 10)
			if n.IsInt64() {
				return n.Int64()
			}
			return n
		case "float":
			f, err := strconv.ParseFloat(parse(t, body, new(string)), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		case "string":
			return parse(t, body, new(string))
		case "bytes":
			return vector{Hex: parse(t, body, new(string))}.bytes(t)
		case "list":
			return natives(t, body)
		case "tuple":
			return Tuple(natives(t, body))
		case "set":
			return Set(natives(t, body))
		case "map":
			m := Map{}
			for _, pair := range parse(t, body, new([][2]json.RawMessage)) {
				m = append(m, Entry{native(t, pair[0]), native(t, pair[1])})
			}
			return m
		case "timestamp", "duration":
			parts := parse(t, body, new(struct {
				Seconds string
				Nanos   uint32
			}))
			seconds, _ := strconv.ParseInt(parts.Seconds, 10, 64)
			var v any
			var err *ValueError
			if tag == "timestamp" {
				v, err = timeOf(seconds, parts.Nanos)
			} else {
				v, err = durationOf(seconds, parts.Nanos)
			}
			if err != nil {
				return err
			}
			return v
		case "date":
			return Date(parse(t, body, new(int32)))
		case "time":
			n, _ := strconv.ParseInt(parse(t, body, new(string)), 10, 64)
			return TimeOfDay(n)
		case "decimal":
			return Decimal(parse(t, body, new(string)))
		case "uuid":
			id, err := ParseUUID(parse(t, body, new(string)))
			if err != nil {
				t.Fatal(err)
			}
			return id
		case "named":
			parts := parse(t, body, new(struct {
				Type  string
				Value json.RawMessage
			}))
			return Extension{parts.Type, native(t, parts.Value)}
		}
	}
	t.Fatalf("a vector of no known kind: %s", raw)
	return nil
}

func natives(t testing.TB, raw json.RawMessage) []any {
	t.Helper()
	list := []any{}
	for _, element := range parse(t, raw, new([]json.RawMessage)) {
		list = append(list, native(t, element))
	}
	return list
}

func parse[T any](t testing.TB, raw json.RawMessage, into *T) T {
	t.Helper()
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return *into
}

// unordered gives maps as a decoder into any gives them.
func unordered(v any) any {
	switch v := v.(type) {
	case []any:
		return mapSlice(v)
	case Tuple:
		return Tuple(mapSlice(v))
	case Set:
		return Set(mapSlice(v))
	case Extension:
		return Extension{v.Type, unordered(v.Value)}
	case Map:
		plain, strings, ordered := map[any]any{}, map[string]any{}, Map{}
		comparable := true
		for _, entry := range v {
			key, value := unordered(entry.Key), unordered(entry.Value)
			ordered = append(ordered, Entry{key, value})
			if !isGoKey(key) {
				comparable = false
				continue
			}
			plain[key] = value
			if name, ok := key.(string); ok {
				strings[name] = value
			}
		}
		switch {
		case len(strings) == len(v):
			return strings
		case comparable:
			return plain
		}
		return ordered
	default:
		return v
	}
}

func mapSlice(list []any) []any {
	mapped := make([]any, 0, len(list))
	for _, element := range list {
		mapped = append(mapped, unordered(element))
	}
	return mapped
}

// same is deep equality in which NaN equals itself and big integers are compared by value.
func same(a, b any) bool {
	if f, ok := a.(float64); ok && math.IsNaN(f) {
		g, ok := b.(float64)
		return ok && math.IsNaN(g)
	}
	if f, ok := a.(float64); ok && f == 0 {
		g, ok := b.(float64)
		return ok && math.Float64bits(f) == math.Float64bits(g)
	}
	return reflect.DeepEqual(a, b)
}

func TestGoldenValues(t *testing.T) {
	for _, v := range readVectors(t, "values.json") {
		t.Run(v.Name, func(t *testing.T) {
			want := native(t, v.Value)
			if refused, ok := want.(*ValueError); ok {
				var got any
				if err := Unmarshal(v.bytes(t), &got); codeOf(err) != refused.Code {
					t.Fatalf("decoded to %v, %v; want %v", got, err, refused)
				}
				return
			}
			if !v.DecodeOnly {
				got, err := Marshal(want)
				if err != nil || hex.EncodeToString(got) != v.Hex {
					t.Fatalf("encoded to %x, %v; want %s", got, err, v.Hex)
				}
			}
			var got any
			if err := Unmarshal(v.bytes(t), &got); err != nil {
				t.Fatal(err)
			}
			if want := unordered(want); !same(got, want) {
				t.Fatalf("decoded to %#v, want %#v", got, want)
			}
			typed := reflect.New(typeOf(want))
			if err := Unmarshal(v.bytes(t), typed.Interface()); err != nil {
				t.Fatalf("into a %s: %v", typeOf(want), err)
			}
			again, err := Marshal(typed.Elem().Interface())
			if err != nil {
				t.Fatalf("encoding a %s: %v", typeOf(want), err)
			}
			var back any
			if err := Unmarshal(again, &back); err != nil || !same(back, got) {
				t.Fatalf("back from a %s came %#v, %v; want %#v", typeOf(want), back, err, got)
			}
		})
	}
}

func typeOf(v any) reflect.Type {
	if v == nil {
		return reflect.TypeFor[any]()
	}
	return reflect.TypeOf(v)
}

func codeOf(err error) ValueCode {
	var value *ValueError
	if errors.As(err, &value) {
		return value.Code
	}
	return ""
}

func TestRefusedValues(t *testing.T) {
	for _, v := range readVectors(t, "refused.json") {
		t.Run(v.Name, func(t *testing.T) {
			var got any
			err := Unmarshal(v.bytes(t), &got)
			if string(codeOf(err)) != v.Error {
				t.Fatalf("decoded to %v, %v; want %s", got, err, v.Error)
			}
			if !errors.Is(err, ErrCodec) {
				t.Errorf("%v is no ErrCodec", err)
			}
		})
	}
}

// readArguments decodes arguments as a routine of unknown parameters would.
func readArguments(data []byte) (positional []any, named Map, _ *ValueError) {
	d := decoder{data: data}
	count, hasNamed, err := d.argumentsHead()
	if err != nil {
		return nil, nil, err
	}
	positional, named = []any{}, Map{}
	for range count {
		argument, err := d.any()
		if err != nil {
			return nil, nil, err
		}
		positional = append(positional, argument)
	}
	err = d.namedArguments(hasNamed, func(name string) *ValueError {
		value, err := d.any()
		named = append(named, Entry{name, value})
		if err != nil {
			return err.atKey(name)
		}
		return nil
	})
	return positional, named, err
}

func TestGoldenArguments(t *testing.T) {
	for _, v := range readVectors(t, "arguments.json") {
		t.Run(v.Name, func(t *testing.T) {
			positional, named, failure := readArguments(v.bytes(t))
			if v.Error != "" {
				if failure == nil || string(failure.Code) != v.Error {
					t.Fatalf("decoded to %v, %v, %v; want %s", positional, named, failure, v.Error)
				}
				return
			}
			if failure != nil {
				t.Fatal(failure)
			}
			want := []any{}
			for _, argument := range v.Positional {
				want = append(want, native(t, argument))
			}
			wantNamed, unorderedNamed := Map{}, Named{}
			for _, pair := range v.Named {
				name, value := parse(t, pair[0], new(string)), native(t, pair[1])
				wantNamed = append(wantNamed, Entry{name, value})
				unorderedNamed[name] = value
			}
			if !same(positional, mapSlice(want)) || !same(named, wantNamed) {
				t.Fatalf("decoded to %v, %v; want %v, %v", positional, named, want, wantNamed)
			}
			if v.DecodeOnly {
				return
			}
			e := encoder{}
			if err := e.arguments(want, unorderedNamed); err != nil {
				t.Fatal(err)
			}
			// A Named has no order, so only the decoded forms can be compared where there are several.
			if hex.EncodeToString(e.buf) != v.Hex && len(v.Named) < 2 {
				t.Fatalf("encoded to %x, want %s", e.buf, v.Hex)
			}
		})
	}
}
