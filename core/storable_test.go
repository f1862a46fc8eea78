package session

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// Types with a corner of encoding/json each.
type (
	label       string
	point       struct{ X, Y int }
	pair[T any] struct{ First, Second T }
	list        struct {
		Value int
		Next  *list
	}
	tree map[string]tree

	onlyUnexported struct{ n int }
	halfExported   struct {
		N int
		n int
	}
	excused struct {
		N int
		n int `json:"-"`
	}
	nested struct{ Deep []map[string]*halfExported }
	locked struct {
		sync.Mutex
		N int
	}
	marked struct {
		_ [0]func()
		N int
	}
	base         struct{ ID int }
	Base         struct{ ID int }
	number       int
	embeds       struct{ base }
	embedsNumber struct {
		number
		N int
	}
	embedsPointer struct {
		*Base
		N int
	}
	embedsHiddenPointer struct{ *base }
	embedsItself        struct {
		*embedsItself
		N int
	}
	shadows struct {
		base
		ID int
	}
	twoOfOneName struct {
		A int `json:"B"`
		B int
	}
	tagged struct {
		A int       `json:"a,string"`
		B string    `json:"-,"`
		C string    `json:"no\"name"`
		D []string  `json:",omitempty"`
		E time.Time `json:",omitzero"`
	}
	withheld struct {
		N        int
		Password string `json:"-"`
		F        func() `json:"-"`
	}
	stamped struct { // MarshalJSON is the embedded time's
		time.Time
		Name string
	}
	stampedDeep struct {
		stampOnly
		Name string
	}
	stampOnly    struct{ time.Time }
	stampPointer struct {
		*big.Int
		Name string
	}
	stampApart struct {
		N         int
		time.Time `json:"-"` // its methods are the struct's all the same
	}
	leansOnPointer struct{ *big.Int }
	ownPointer     struct{ *time.Time }
	stampedWell    struct {
		time.Time
		Name string
	}
	anyField   struct{ V any }
	errorField struct{ Err error }
	funcField  struct{ F func() }
	chanField  struct{ C chan int }
	pointers   struct {
		P, Q *int
		L    []*point
	}
	arrayOfUnexported [2]onlyUnexported
)

func (o ownPointer) MarshalJSON() ([]byte, error) { return json.Marshal(o.Time) }

func (o *ownPointer) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.Time) }

func (s stampedWell) MarshalJSON() ([]byte, error) {
	return json.Marshal(pair[string]{s.Format(time.RFC3339Nano), s.Name})
}

func (s *stampedWell) UnmarshalJSON(b []byte) (err error) {
	var p pair[string]
	if err = json.Unmarshal(b, &p); err == nil {
		s.Name = p.Second
		s.Time, err = time.Parse(time.RFC3339Nano, p.First)
	}
	return err
}

// opaque has both methods, with pointer receivers, and is null when it is zero.
type opaque struct{ n int }

func (o *opaque) MarshalJSON() ([]byte, error) {
	if o.n == 0 {
		return []byte("null"), nil
	}
	return json.Marshal(o.n)
}

func (o *opaque) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.n) }

type redacted string

func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

type onlyReads struct{ N int }

func (o *onlyReads) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &o.N) }

type onlyWritesText int

func (onlyWritesText) MarshalText() ([]byte, error) { return []byte("text"), nil }

type onlyReadsText string

func (*onlyReadsText) UnmarshalText([]byte) error { return nil }

// cell is a map key that is written as text.
type cell point

func (c cell) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d/%d", c.X, c.Y), nil }
func (c *cell) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%d/%d", &c.X, &c.Y)
	return err
}

// role is a string as a map key, and text elsewhere.
type role string

func (r role) MarshalText() ([]byte, error) { return []byte("role:" + r), nil }
func (r *role) UnmarshalText(text []byte) error {
	*r = role(bytes.TrimPrefix(text, []byte("role:")))
	return nil
}

// A handler answers 200 for what it has set. What would read back as absent or as something else is refused instead.
func TestAValueComesBackOrIsRefused(t *testing.T) {
	one := 1
	berlin := time.FixedZone("CEST", 2*60*60)
	for name, check := range map[string]func(*testing.T){
		"big.Int": back(*big.NewInt(0).Exp(big.NewInt(7), big.NewInt(200), nil),
			func(a, b big.Int) bool { return a.Cmp(&b) == 0 }),
		"big.Int, zero":             back(big.Int{}, func(a, b big.Int) bool { return a.Cmp(&b) == 0 }),
		"big.Rat":                   back(*big.NewRat(1, 3), func(a, b big.Rat) bool { return a.Cmp(&b) == 0 }),
		"big.Float":                 refused[big.Float]("big.Float would lose its precision"),
		"time with monotonic clock": back(time.Now(), time.Time.Equal),
		"time with zone":            back(time.Date(2026, 5, 1, 12, 0, 0, 7, berlin), time.Time.Equal),
		"time, zero":                back(time.Time{}, time.Time.Equal),
		"time beyond JSON":          valueRefused(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), "own method fails"),
		"duration":                  back(-time.Hour, identical[time.Duration]),
		"url.URL":                   refused[url.URL]("url.URL.User.username is not exported"),
		"url.Values":                back(url.Values{"a": {"1", "2"}}, deeply),
		"netip.Addr":                back(netip.MustParseAddr("fe80::1%eth0"), identical[netip.Addr]),
		"netip.Addr, zero":          back(netip.Addr{}, identical[netip.Addr]),
		"net.IP":                    back(net.IPv4(10, 0, 0, 1), func(a, b net.IP) bool { return a.Equal(b) }),
		"sql.NullInt64":             back(sql.NullInt64{Int64: 7, Valid: true}, deeply),
		"array of 16 bytes":         back([16]byte{1, 15: 255}, deeply),
		"array of 4 bytes":          back([4]byte{1, 2, 3, 4}, deeply),
		"bytes":                     back([]byte("\x00\xff"), deeply),
		"bytes, empty":              back([]byte{}, deeply),
		"bytes, nil":                back([]byte(nil), deeply),
		"raw JSON":                  back(json.RawMessage(`{"a":[1,"\u003c"]}`), deeply),
		"raw JSON with spaces":      back(json.RawMessage(` { "a" : "<" } `), likeJSONText),
		"raw JSON, null":            back(json.RawMessage(`null`), deeply),
		"raw JSON, nil": back(json.RawMessage(nil),
			func(_, b json.RawMessage) bool { return string(b) == "null" }),
		"raw JSON with an escape":  back(json.RawMessage(`"\ufffd"`), deeply),
		"raw JSON that is none":    valueRefused(json.RawMessage(`{"a"`), "own method fails"),
		"json.Number":              back(json.Number("12345678901234567890.10"), deeply),
		"json.Number, empty":       back(json.Number(""), func(_, b json.Number) bool { return b == "0" }),
		"json.Number that is none": valueRefused(json.Number("twelve"), "cannot be written"),
		"NaN":                      valueRefused(math.NaN(), "not finite"),
		"infinite":                 valueRefused(map[string]float64{"a": math.Inf(-1)}, "not finite"),
		"-0.0": back(math.Copysign(0, -1),
			func(_, b float64) bool { return b == 0 && math.Signbit(b) }),
		"float64":                     back([]float64{math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1}, deeply),
		"float32":                     back(float32(0.1), identical[float32]),
		"uint64":                      back(uint64(math.MaxUint64), identical[uint64]),
		"int64":                       back(int64(math.MinInt64), identical[int64]),
		"uintptr":                     back(uintptr(7), identical[uintptr]),
		"complex":                     refused[complex128]("complex128"),
		"string with a replacement":   back("\ufffd and \\ufffd", identical[string]),
		"string that is not UTF-8":    valueRefused("a\xc3", "not UTF-8"),
		"label string, not UTF-8":     valueRefused(label("\xff"), "not UTF-8"),
		"string inside, not UTF-8":    valueRefused([]pair[string]{{"\ufffd", "\xff"}}, "not UTF-8"),
		"map key that is not UTF-8":   valueRefused(map[string]int{"\xff": 1}, "not UTF-8"),
		"any that is not UTF-8":       valueRefused(map[string]any{"a": "\xff"}, "not UTF-8"),
		"map[int]":                    back(map[int]string{-1: "a", 1: "b"}, deeply),
		"map, nil":                    back(map[string]int(nil), deeply),
		"map, empty":                  back(map[string]int{}, deeply),
		"set":                         back(map[string]struct{}{"a": {}}, deeply),
		"map with text keys":          back(map[cell]int{{1, 2}: 3}, deeply),
		"map with a string's text":    refused[map[role]bool]("keys of map[session.role]bool"),
		"map with half a text":        refused[map[onlyWritesText]bool]("UnmarshalText"),
		"map with struct keys":        refused[map[point]int]("keys of map[session.point]int are of type session.point"),
		"map with bool keys":          refused[map[bool]int]("keys of map[bool]int"),
		"map with float keys":         refused[map[float64]int]("keys of map[float64]int"),
		"map with any keys":           refused[map[any]int]("keys of map[interface {}]int"),
		"map of what needs a pointer": refused[map[string]big.Int]("use *big.Int"),
		"map of pointers": back(map[string]*big.Int{"a": big.NewInt(7)},
			func(a, b map[string]*big.Int) bool { return a["a"].Cmp(b["a"]) == 0 }),
		"slice of what needs one":    back([]opaque{{0}, {7}}, deeply),
		"only unexported fields":     refused[onlyUnexported]("session.onlyUnexported.n is not exported"),
		"unexported beside exported": refused[halfExported]("session.halfExported.n is not exported"),
		"unexported, far inside":     refused[nested]("session.nested.Deep[][].n is not exported"),
		"unexported in an array":     refused[arrayOfUnexported]("session.arrayOfUnexported[].n is not exported"),
		"unexported and excused":     back(excused{N: 1}, deeply),
		"mutex":                      refused[sync.Mutex]("sync.Mutex.mu is not exported"),
		"mutex inside":               refused[locked]("is not exported"),
		"empty struct":               back(struct{}{}, deeply),
		"nothing in a hidden field":  back(marked{N: 1}, deeply),
		"embeds":                     back(embeds{base{7}}, deeply),
		"embeds a pointer":           back(embedsPointer{&Base{7}, 1}, deeply),
		"embeds a nil pointer":       back(embedsPointer{nil, 1}, deeply),
		"embeds a hidden pointer": refused[embedsHiddenPointer]("session.embedsHiddenPointer.base is an embedded " +
			"pointer"),
		"embeds what is no struct": refused[embedsNumber]("session.embedsNumber.number is not exported"),
		"embeds itself":            refused[embedsItself]("embedded in itself"),
		"shadows": refused[shadows](`session.shadows.base.ID and session.shadows.ID have ` +
			`the same name in JSON, "ID"`),
		"two fields of one name": refused[twoOfOneName](`have the same name in JSON, "B"`),
		"tags": back(tagged{A: 1, B: "b", C: "c", D: []string{"d"}, E: time.Unix(0, 0).UTC()},
			deeply),
		"left out when empty": back(tagged{D: []string{}}, func(_, b tagged) bool { return b.D == nil }),
		"withheld": back(withheld{N: 1, Password: "hunter2"},
			func(_, b withheld) bool { return b.N == 1 && b.Password == "" }),
		"embedded method":           refused[stamped]("written by the method of its embedded Time"),
		"embedded method, deeper":   refused[stampedDeep]("written by the method of its embedded stampOnly"),
		"embedded pointer's method": refused[stampPointer]("read by the method of its embedded Int"),
		"embedded pointer, alone":   refused[leansOnPointer]("read by the method of its embedded Int"),
		"embedded pointer, own method": back(ownPointer{new(time.Time)},
			func(a, b ownPointer) bool { return a.Equal(*b.Time) }),
		"embedded and excused": refused[stampApart]("written by the method of its embedded Time"),
		"embedded and nothing else": back(stampOnly{time.Unix(1, 0)},
			func(a, b stampOnly) bool { return a.Equal(b.Time) }),
		"embedded, own method": back(stampedWell{time.Unix(1, 0), "x"},
			func(a, b stampedWell) bool { return a.Equal(b.Time) && a.Name == b.Name }),
		"linked list":      back(list{1, &list{2, nil}}, deeply),
		"recursive map":    back(tree{"a": {"b": nil}, "c": {}}, deeply),
		"cycle":            valueRefused(cyclic(), "a cycle"),
		"too deep to read": valueRefused(deep(20_000), "more than 10000 deep"),
		"deep":             back(deep(4_000), deeply),
		"any inside": back(map[string]any{"s": "a", "n": 1.5, "l": []any{nil, true},
			"m": map[string]any{}}, deeply),
		"int in any is a float64": back([]any{1}, func(_, b []any) bool { return b[0] == 1.0 }),
		"struct in any is a map": back(anyField{point{1, 2}},
			func(_, b anyField) bool { return reflect.DeepEqual(b.V, map[string]any{"X": 1.0, "Y": 2.0}) }),
		"func in any":          valueRefused([]any{func() {}}, "JSON has no form for"),
		"any":                  refused[any]("not a pointer"),
		"error":                refused[error]("not a pointer"),
		"error inside":         refused[errorField]("session.errorField.Err is an interface"),
		"readers":              refused[[]io.Reader]("[]io.Reader[] is an interface"),
		"func inside":          refused[funcField]("session.funcField.F is a func"),
		"chan inside":          refused[chanField]("session.chanField.C is a chan"),
		"pointers inside":      back(pointers{P: &one, L: []*point{nil, {1, 2}}}, deeply),
		"pointer to a pointer": refused[[]**int]("one null:"),
		"pointer to a slice":   refused[struct{ L *[]int }]("one null:"),
		"pointer to an IP": back(struct{ IP *net.IP }{&net.IP{10, 0, 0, 1}},
			func(a, b struct{ IP *net.IP }) bool { return a.IP.Equal(*b.IP) }),
		"pointer":               refused[*point]("not a pointer"),
		"generic struct":        back(pair[[]int]{[]int{1}, nil}, deeply),
		"generic of a bad type": refused[pair[chan int]](".First is a chan"),
		"own methods":           back(opaque{7}, deeply),
		"own methods, null":     back(opaque{}, deeply),
		"own methods by value":  back([]cell{{1, 2}}, deeply),
		"only MarshalJSON":      refused[redacted]("has MarshalJSON or MarshalText and no UnmarshalJSON"),
		"only UnmarshalJSON":    refused[onlyReads]("has UnmarshalJSON or UnmarshalText and no MarshalJSON"),
		"only MarshalText": refused[[]onlyWritesText]("[]session.onlyWritesText[], of type " +
			"session.onlyWritesText, has MarshalJSON"),
		"only UnmarshalText": refused[onlyReadsText]("and no MarshalJSON"),
	} {
		t.Run(name, check)
	}
}

func identical[T comparable](a, b T) bool { return a == b }
func deeply[T any](a, b T) bool           { return reflect.DeepEqual(a, b) }

func likeJSONText(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func cyclic() list {
	l := list{}
	l.Next = &l
	return l
}

func deep(n int) (l list) {
	for range n {
		next := l
		l = list{Next: &next}
	}
	return l
}

func back[T any](v T, equal func(a, b T) bool) func(*testing.T) {
	return func(t *testing.T) {
		raw, err := Key[T]("k").encodeValue(v)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := decode[T](raw); !ok || !equal(v, got) {
			t.Errorf("%#v comes back from %.200s as %#v, ok %t", v, raw, got, ok)
		}
	}
}

// quiet is a session that logs nothing.
func quiet(t *testing.T, key string) *Session {
	s := holding(t, key, `{}`)
	s.m.onEvent = func(context.Context, Event) {}
	return s
}

// refused checks that the first use of a key of type T says why it cannot be, whatever the value.
func refused[T any](want string) func(*testing.T) {
	return func(t *testing.T) {
		for range 2 { // the second answer is remembered
			s, k := quiet(t, "k"), Key[T]("k")
			var zero T
			k.Set(s, zero)
			explains[T](t, s.Err(), want)
			s = quiet(t, "k")
			if _, ok := k.Lookup(s); ok {
				t.Error("it reads as present")
			}
			explains[T](t, s.Err(), want)
		}
	}
}

func explains[T any](t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("it is taken, and would not come back")
	}
	prefix := `session: key "k": type ` + reflect.TypeFor[T]().String() + " cannot be stored: "
	if text := err.Error(); !strings.HasPrefix(text, prefix) || !strings.Contains(text, want) ||
		!strings.Contains(text, ": ") {
		t.Errorf("err = %v, want it to start with %q and to say %q", err, prefix, want)
	}
}

// valueRefused checks that T can be stored and this value cannot.
func valueRefused[T any](v T, want string) func(*testing.T) {
	return func(t *testing.T) {
		if err := checkStorable[T](); err != nil {
			t.Fatal(err)
		}
		s := quiet(t, "other")
		Key[T]("k").Set(s, v)
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `key "k"`) {
			t.Errorf("err = %v, want one that names the key and says %q", err, want)
		}
	}
}

// A second look at a type costs one look-up, and none for the types that most values have.
func TestExaminingATypeAgainAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		err := errors.Join(checkStorable[int](), checkStorable[string](), checkStorable[[]string](), checkStorable[tagged]())
		if err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestAKeyWithoutANamePanicsWithTheFix(t *testing.T) {
	for name, use := range map[string]func(Key[int], *Session){
		"Get":    func(k Key[int], s *Session) { k.Get(s) },
		"Lookup": func(k Key[int], s *Session) { k.Lookup(s) },
		"Set":    func(k Key[int], s *Session) { k.Set(s, 1) },
		"Update": func(k Key[int], s *Session) { k.Update(s, func(n int) int { return n }) },
		"Try":    func(k Key[int], s *Session) { _ = k.Try(s, func(n int) (int, error) { return n, nil }) },
		"Delete": func(k Key[int], s *Session) { k.Delete(s) },
		"Pop":    func(k Key[int], s *Session) { k.Pop(s) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, `const visits session.Key[int] = "visits"`) {
					t.Errorf("recovered %q, want a panic that shows how to name a key", text)
				}
			}()
			use("", holding(t, "k", "1"))
		})
	}
}
