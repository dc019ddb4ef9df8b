package wool

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"
)

type animal struct {
	Name string `wool:"name"`
	Born Date   `wool:"born,omitempty"`
}

type sheep struct {
	animal
	Name   string            `wool:"name"`
	Weight *float64          `wool:"weight"`
	Mother *sheep            `wool:"mother,omitempty"`
	Tags   map[string]string `wool:",omitempty"`
	Secret string            `wool:"-"`
	hidden int
}

func TestStructsAreMaps(t *testing.T) {
	weight := 80.5
	dolly := sheep{
		animal: animal{Name: "hidden by the outer one", Born: 9682}, Name: "Dolly", Weight: &weight,
		Mother: &sheep{Name: "6LL3"}, Tags: map[string]string{"breed": "Finn Dorset"}, Secret: "not sent", hidden: 1,
	}
	data, err := Marshal(dolly)
	if err != nil {
		t.Fatal(err)
	}
	var plain Map
	if err := Unmarshal(data, &plain); err != nil {
		t.Fatal(err)
	}
	want := Map{
		{"name", "Dolly"}, {"born", Date(9682)}, {"weight", 80.5},
		{"mother", map[string]any{"name": "6LL3", "weight": nil}}, {"Tags", map[string]any{"breed": "Finn Dorset"}},
	}
	if !reflect.DeepEqual(plain, want) {
		t.Errorf("encoded as %v, want %v", plain, want)
	}
	back := sheep{Secret: "overwritten"}
	if err := Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	dolly.animal.Name, dolly.Secret, dolly.hidden = "", "", 0
	if !reflect.DeepEqual(back, dolly) {
		t.Errorf("came back as %+v, want %+v", back, dolly)
	}
}

func TestStructsTakeWhatFits(t *testing.T) {
	type point struct{ X, Y float64 }
	for _, c := range []struct {
		from, target any
		want         string
	}{
		{map[string]any{"X": 1, "Y": 2.5, "Z": "not ours"}, new(point), ""},
		{map[any]any{"X": 1, "Y": 2, 7: nil}, new(point), ""},
		{map[string]any{"X": 1}, new(point), "$.Y: the field is missing"},
		{map[string]any{"X": 1, "Y": "2"}, new(point), "$.Y: expected float, found string"},
		{[]any{map[string]any{"name": 1}}, new([]animal), "$[0].name: expected string, found int"},
		{map[string]any{"name": "a"}, new(animal), ""},
		{[]any{1, 2}, new(point), "expected map, found list"},
		{1, new(struct{ C chan int }), "the field C of struct { C chan int }: the type chan int cannot hold a value of the network"},
		{1, new(struct {
			A int `wool:"x"`
			B int `wool:"x"`
		}), `the type struct { A int "wool:\"x\""; B int "wool:\"x\"" } has two fields that are called "x": rename one by a tag`},
	} {
		data, err := Marshal(c.from)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := Unmarshal(data, c.target); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v into %T: %q; want %q", c.from, c.target, got, c.want)
		}
	}
	_, err := Marshal([]animal{{}, {Name: "\xff"}})
	if err == nil || err.Error() != "$[1].name: a string that is not UTF-8; send it as []byte" {
		t.Error(err)
	}
}

// What Go cannot hold is an error that names the place, never another value.
func TestWhatGoCannotHold(t *testing.T) {
	encodings := map[string]string{
		"time": "81a2617492c0c70cff3b9ac9ff7fffffffffffffff", "duration": "81a2617492c0c70c067fffffffffffffff3b9ac9ff",
	}
	for name, hex := range encodings {
		var v any
		err := Unmarshal(vector{Hex: hex}.bytes(t), &v)
		if codeOf(err) != ValueOutOfRange || err.(*ValueError).Path() != "$.at[1]" {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	data, err := Marshal(map[string]any{"n": []any{uint64(math.MaxUint64)}})
	if err != nil {
		t.Fatal(err)
	}
	var n map[string][]int64
	if err := Unmarshal(data, &n); err == nil || err.Error() != "$.n[0]: 18446744073709551615 does not fit int64" {
		t.Error(err)
	}
}

func ExampleMarshal_struct() {
	type parcel struct {
		To     string        `wool:"to"`
		Weight float64       `wool:"weight"`
		Within time.Duration `wool:"within,omitempty"`
	}
	data, err := Marshal(parcel{To: "Edinburgh", Weight: 2.5})
	if err != nil {
		fmt.Println(err)
		return
	}
	var fields map[string]any
	fmt.Println(Unmarshal(data, &fields), fields)
	var back parcel
	fmt.Println(Unmarshal(data, &back), back.To)
	// Output:
	// <nil> map[to:Edinburgh weight:2.5]
	// <nil> Edinburgh
}
