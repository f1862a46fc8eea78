package strict

import (
	"bytes"
	"encoding/gob" //nolint:depguard // other systems write it
	"reflect"
	"strings"
	"testing"
	"time"
)

type (
	item struct {
		Name  string
		Count int
		Extra any
		Sizes [3]int
		Added time.Time
		Tags  map[string][]string
	}
	role     string
	stranger struct{ X int }
	tree     []tree
	loud     struct{ X int }
)

func (l loud) GobEncode() ([]byte, error) { return []byte{1}, nil }
func (l *loud) GobDecode([]byte) error {
	made++
	panic("decoded")
}

// made counts values of a type that no test names.
var made int

func written(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reader(t testing.TB, types ...any) *Gob {
	t.Helper()
	g, err := NewGob(types)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func full() map[any]any {
	thing := item{"pear", 3, []any{role("x"), item{Name: "y", Extra: 1}}, [3]int{1, 2, 3}, time.Unix(1, 0).UTC(), nil}
	thing.Tags = map[string][]string{"a": {"b"}, "c": nil}
	return map[any]any{
		"cart": []any{thing, "text", nil, map[string]any{"n": 1.5, "at": thing}}, 7: int64(-1 << 62), role("admin"): true,
		"bytes": []byte("x"), "u": uint64(1<<64 - 1), "words": []string{"a", ""}, "c": uint8(3),
	}
}

// A gob that encoding/gob has written comes back as it went in, whatever it nests: types are described in between.
func TestGobRoundTrip(t *testing.T) {
	g := reader(t, item{}, role(""))
	got := map[any]any{}
	if err := g.Decode(written(t, full()), &got); err != nil {
		t.Fatal(err)
	}
	if want := full(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	var id string
	if err := g.Decode(written(t, "name"), &id); err != nil || id != "name" {
		t.Errorf("a string: %q, %v", id, err)
	}
}

// A name that the program has given to a type itself is the one that the other system's gobs have.
func TestGobTypesWithNamesOfTheirOwn(t *testing.T) {
	type renamed struct{ X int }
	gob.RegisterName("shop.Old", renamed{})
	got := map[any]any{}
	if err := reader(t, renamed{}).Decode(written(t, map[any]any{"a": renamed{3}}), &got); err != nil {
		t.Fatal(err)
	}
	if got["a"] != (renamed{3}) {
		t.Error(got)
	}
}

func TestGobRefuses(t *testing.T) {
	gob.Register(stranger{})
	gob.Register(loud{})
	gob.Register(tree{})
	deep := any("bottom")
	for range MaxDepth {
		deep = []any{deep}
	}
	roots := tree{}
	for range MaxDepth {
		roots = tree{roots}
	}
	swap := func(v any, from, to string) []byte {
		return []byte(strings.Replace(string(written(t, v)), from, to, 1))
	}
	for name, data := range map[string][]byte{
		"a registered type that is not named": written(t, map[any]any{"a": stranger{1}}),
		"one whose own method would run":      written(t, map[any]any{"a": loud{1}}),
		"one as a key":                        written(t, map[any]any{stranger{1}: 1}),
		"one within a slice":                  written(t, map[any]any{"a": []any{1, stranger{1}}}),
		"one within a named type":             written(t, map[any]any{"a": item{Extra: stranger{1}}}),
		"deep nesting":                        written(t, map[any]any{"a": deep}),
		"deep nesting of a type":              written(t, struct{ A tree }{roots}),
		"another type than a map":             written(t, []any{"a"}),
		"a map of strings":                    written(t, map[string]string{"a": "b"}),
		"two values":                          append(written(t, map[any]any{"a": 1}), written(t, map[any]any{})...),
		"bytes after the end":                 append(written(t, map[any]any{"a": 1}), 0),
		"nothing":                             nil,
		"a key that cannot be one":            swap(map[any]any{0.0: 1}, "\x07float64\x08", "\x07[]uint8\x0a"),
		"more than a session may have":        written(t, map[any]any{"a": strings.Repeat("x", MaxSize)}),
	} {
		got := map[any]any{}
		if err := reader(t, item{}, role(""), tree{}).Decode(data, &got); err == nil {
			t.Errorf("%s: decoded as %v", name, got)
		}
	}
	if made != 0 {
		t.Error("a value of a type that is not named was made, and refused after that")
	}
}

// A map is made with room for as many entries as the gob promises, so a lie about them would take all memory.
func TestGobCountsAreChecked(t *testing.T) {
	good := written(t, map[string]bool{"x": true})
	i := bytes.Index(good, []byte("\x01\x01x\x01"))
	if i < 0 {
		t.Fatalf("% x", good)
	}
	good[i] = 0x7f
	if err := reader(t).Decode(good, &map[string]bool{}); err == nil || !strings.Contains(err.Error(), "counts") {
		t.Error(err)
	}
}

// A field that the program has no more is passed over by the length that the gob states. If that lies, what follows
// would be read as something else than was checked.
func TestGobFieldsThatAreGone(t *testing.T) {
	type kept struct{ A, Z int }
	type old struct {
		A    int
		Gone any
		Z    int
	}
	type unseen struct{ X int }
	g := reader(t, item{}, unseen{})
	var got kept
	if err := g.Decode(written(t, old{1, []any{"text", 2}, 3}), &got); err != nil || got != (kept{1, 3}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := g.Decode(written(t, old{1, []any{unseen{1}}, 3}), &got); err == nil {
		t.Error("a type that is described within what is passed over was accepted")
	}
	honest := written(t, old{1, "text", 3})
	i := bytes.Index(honest, []byte("\x06string\x0c\x06\x00\x04text"))
	if i < 0 {
		t.Fatalf("% x", honest)
	}
	for _, length := range []byte{0, 5, 7, 8} {
		honest[i+8] = length
		if err := g.Decode(honest, &got); err == nil {
			t.Errorf("accepted with length %d", length)
		}
	}
}

func TestGobTypesThatCannotBe(t *testing.T) {
	type empty struct{ _ int }
	for _, v := range []any{nil, empty{}, (*int)(nil), make(chan int), func() {}} {
		if _, err := NewGob([]any{v}); err == nil {
			t.Errorf("%T was accepted", v)
		}
	}
}

// Every damage is an error or another value, never a panic, and cut short it is always an error.
func TestGobDamaged(t *testing.T) {
	g, good := reader(t, item{}, role("")), written(t, full())
	for n := range good {
		if err := g.Decode(good[:n], &map[any]any{}); err == nil {
			t.Errorf("%d of %d bytes were decoded", n, len(good))
		}
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[n] ^= 1 << bit
			_ = g.Decode(bad, &map[any]any{})
		}
	}
}

// Whatever is read, values of a type that is not named are not even made: the scan and encoding/gob agree about where
// values are.
func FuzzGob(f *testing.F) {
	gob.Register(loud{})
	type fewer struct{ Name string }
	g := reader(f, item{}, role(""))
	f.Add(written(f, map[any]any{"a": []any{item{Extra: loud{1}}}}))
	f.Add(written(f, item{Name: "a", Extra: []any{"text", loud{1}}}))
	f.Add(written(f, item{Name: "a", Extra: "text"}))
	f.Add(written(f, full()))
	f.Add(written(f, map[any]any{"cart": []any{map[string]any{"a": nil}}}))
	f.Add(written(f, "text"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = g.Decode(data, &fewer{})
		_ = g.Decode(data, &map[any]any{})
		if made != 0 {
			t.Fatal("a value of a type that is not named was made")
		}
	})
}
