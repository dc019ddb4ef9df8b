package wool

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"testing"
	"time"
)

func TestTypedTargets(t *testing.T) {
	type celsius float32
	type name string
	six := 6
	for _, c := range []struct{ from, want any }{
		{5, int8(5)}, {5, uint16(5)}, {uint64(math.MaxUint64), uint64(math.MaxUint64)}, {5, 5.0}, {1 << 60, float64(1 << 60)}, {0.5, celsius(0.5)},
		{"x", name("x")}, {[]int{1, 2}, []uint8{1, 2}}, {Tuple{1, 2}, []int{1, 2}}, {[]any{1, 2}, [2]int{1, 2}},
		{map[string]int{"a": 1}, map[name]float64{"a": 1}}, {nil, (*int)(nil)}, {6, &six},
		{[]any{nil, 6}, []*int{nil, &six}}, {5, big.NewInt(5)}, {[]int{1}, Tuple{int64(1)}},
		{map[any]any{1: "x"}, map[int]string{1: "x"}}, {[]byte{1, 2}, [2]byte{1, 2}},
	} {
		if reflect.TypeOf(c.want) == reflect.TypeFor[[]uint8]() {
			c.from = []byte{1, 2}
		}
		data, err := Marshal(c.from)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(c.want))
		if err := Unmarshal(data, got.Interface()); err != nil {
			t.Errorf("%v into %T: %v", c.from, c.want, err)
		} else if !reflect.DeepEqual(got.Elem().Interface(), c.want) {
			t.Errorf("%v into %T gave %v", c.from, c.want, got.Elem())
		}
	}
}

func TestRefusedTargets(t *testing.T) {
	for _, c := range []struct {
		from, target any
		want         string
	}{
		{"x", new(int), "expected int, found string"},
		{300, new(int8), "300 does not fit int8"},
		{-1, new(uint), "-1 does not fit uint"},
		{1.5, new(int), "expected int, found float"},
		{1<<53 + 1, new(float64), "9007199254740993 does not fit float64"},
		{1e300, new(float32), "1e+300 does not fit float32"},
		{0.1, new(float32), "0.1 does not fit float32"},
		{math.MaxInt64, new(float64), "9223372036854775807 does not fit float64"},
		{[]any{1, "x"}, new([]int), "$[1]: expected int, found string"},
		{map[string]any{"a": []any{"x"}}, new(map[string][]int), "$.a[0]: expected int, found string"},
		{Extension{"geometry.Point", nil}, new(string), `expected string, found named "geometry.Point"`},
		{[]int{1}, new([2]int), "a list of 1 elements does not fit [2]int"},
		{Map{{[]byte("k"), 1}}, new(map[any]int), "$<key 0>: a key that no map[interface {}]int can have; use a Map"},
		{1, new(chan int), "the type chan int cannot hold a value of the network"},
		{1, new(struct{}), "the type struct {} cannot hold a value of the network: it has no exported fields"},
		{1, 1, "the target is a int instead of a pointer"},
	} {
		data, err := Marshal(c.from)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(data, c.target); err == nil || err.Error() != c.want {
			t.Errorf("%v into %T: %v; want %s", c.from, c.target, err, c.want)
		}
	}
}

func TestRefusedSources(t *testing.T) {
	cycle := []any{nil}
	cycle[0] = cycle
	var loop any
	loop = &loop
	for _, c := range []struct {
		from any
		want ValueCode
	}{
		{make(chan int), ValueKindMismatch},
		{struct{}{}, ValueKindMismatch},
		{func() {}, ValueKindMismatch},
		{"\xff", ValueInvalidUTF8},
		{map[any]any{1: 1, int8(1): 2}, ValueDuplicateKey},
		{map[float64]int{math.NaN(): 1}, ValueNaNKey},
		{Map{{"a", 1}, {"a", 2}}, ValueDuplicateKey},
		{Set{1, 2, 1}, ValueDuplicateKey},
		{Extension{}, ValueInvalid},
		{Decimal("1.0e"), ValueInvalid},
		{TimeOfDay(24 * time.Hour), ValueInvalid},
		{cycle, ValueTooDeep},
		{loop, ValueTooDeep},
	} {
		if _, err := Marshal(c.from); codeOf(err) != c.want {
			t.Errorf("%T: %v; want %s", c.from, err, c.want)
		}
	}
	_, err := Marshal(map[string]any{"items": []any{0, make(chan int)}})
	if want := "$.items[1]: a chan int cannot be a value of the network"; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

func TestMapsAreEncodedInOneOrder(t *testing.T) {
	m := map[int]string{}
	for i := range 100 {
		m[i*7919%100] = strconv.Itoa(i)
	}
	first, err := Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if again, err := Marshal(m); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("%x, %v; want %x", again, err, first)
		}
	}
}

func TestDecimals(t *testing.T) {
	for text, want := range map[string]string{
		"+01.50e3": "1.50E+3", "1.": "1", ".5": "0.5", "0.0000001": "1E-7", "-0": "-0", "10E+3": "1.0E+4",
		"": "", "1e": "", "NaN": "", "--1": "", "1e9999999999999999999": "", "1_0": "", "0x1": "",
	} {
		got, err := ParseDecimal(text)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q gave %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestDurationsHaveParts(t *testing.T) {
	for _, span := range []time.Duration{0, 1, -1, time.Second, -time.Second, math.MaxInt64, math.MinInt64} {
		seconds, nanoseconds := durationParts(span)
		back, err := durationOf(seconds, nanoseconds)
		if err != nil || back != span {
			t.Errorf("%d became %d s and %d ns, and back %d, %v", span, seconds, nanoseconds, back, err)
		}
	}
	for _, parts := range [][2]int64{{9223372036, 854775808}, {-9223372037, 145224191}, {math.MaxInt64, 0}, {math.MinInt64, 0}} {
		if span, err := durationOf(parts[0], uint32(parts[1])); err == nil {
			t.Errorf("%v became %d", parts, span)
		}
	}
}

func TestDates(t *testing.T) {
	day, err := NewDate(2024, time.February, 29)
	if err != nil || day != 19782 || day.String() != "2024-02-29" {
		t.Errorf("%d %s %v", day, day, err)
	}
	if _, err := NewDate(math.MaxInt, 1, 1); err == nil {
		t.Error("a year beyond all dates was accepted")
	}
	if got := TimeOfDay(12*time.Hour + 1).String(); got != "12:00:00.000000001" {
		t.Error(got)
	}
}

// FuzzTyped asserts the same of targets that are not any: what does not fit is an error, and what fits
// comes back the same.
func FuzzTyped(f *testing.F) {
	for _, file := range []string{"values.json", "refused.json"} {
		for _, v := range readVectors(f, file) {
			f.Add(v.bytes(f))
		}
	}
	for _, v := range []any{
		sheep{Name: "Dolly"}, []sheep{{Name: "Dolly", Mother: &sheep{Name: "none"}}}, map[string]int{"a": 1},
		map[any]any{1: []any{nil}}, []*int{nil}, [2]uint8{1, 2},
	} {
		data, err := Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, target := range []any{
			new(sheep), new([]sheep), new(map[string]int), new(map[any]any), new([]*int8), new([2]uint8), new(Map),
			new(Tuple), new(float32), new(*big.Int), new(string), new(time.Time), new(Set), new(Extension),
		} {
			if Unmarshal(data, target) != nil {
				continue
			}
			first, err := Marshal(reflect.ValueOf(target).Elem().Interface())
			if err != nil {
				t.Fatalf("%x decoded to %v, which cannot be encoded: %v", data, target, err)
			}
			again := reflect.New(reflect.TypeOf(target).Elem())
			if err := Unmarshal(first, again.Interface()); err != nil {
				t.Fatalf("%x is not decoded again into a %T: %v", first, target, err)
			}
			second, err := Marshal(again.Elem().Interface())
			if err != nil || !bytes.Equal(first, second) {
				t.Fatalf("%x became %x, %v", first, second, err)
			}
		}
	})
}

// FuzzDecode asserts that any bytes give a value or an error, and that what can be decoded can be
// encoded and decoded again to the same.
func FuzzDecode(f *testing.F) {
	for _, file := range []string{"values.json", "refused.json", "arguments.json"} {
		for _, v := range readVectors(f, file) {
			f.Add(v.bytes(f))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = readArguments(data)
		var v any
		if Unmarshal(data, &v) != nil {
			return
		}
		first, err := Marshal(v)
		if err != nil {
			t.Fatalf("%x decoded to %v, which cannot be encoded: %v", data, v, err)
		}
		var again any
		if err := Unmarshal(first, &again); err != nil {
			t.Fatalf("%x is not decoded again: %v", first, err)
		}
		second, err := Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%x became %x, %v", first, second, err)
		}
	})
}

func BenchmarkArguments(b *testing.B) {
	b.ReportAllocs()
	e := encoder{}
	for range b.N {
		e.buf = e.buf[:0]
		if err := e.arguments([]any{1, "two", 3.0}, nil); err != nil {
			b.Fatal(err)
		}
		if _, _, err := readArguments(e.buf); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleMarshal() {
	data, err := Marshal(map[string]any{"price": Decimal("19.99"), "sizes": []int{38, 40}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var order map[string]any
	if err := Unmarshal(data, &order); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(order["price"], order["sizes"])
	// Output: 19.99 [38 40]
}
