package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func TestFastPathsWriteAndReadWhatEncodingJSONDoes(t *testing.T) {
	for _, n := range []int{0, 1, -1, 9, 10, -10, 1 << 53, math.MaxInt, math.MinInt} {
		likeJSON(t, n)
		likeJSON(t, int64(n))
	}
	likeJSON(t, true)
	likeJSON(t, false)
	for _, s := range []string{"", " ", "dark", `"`, `\`, `a"b\c`, "a<b", "a>b", "a&b", "\n\t\r\b\f", "\x00\x1f\x7f",
		"käse", "日本", "\u2028\u2029", "\ufffd", `\ufffd`, `\\ufffd`} {
		likeJSON(t, s)
	}
}

func likeJSON[T comparable](t *testing.T, v T) {
	t.Helper()
	want, _ := json.Marshal(v)
	got, err := encode(v)
	if err != nil || string(got) != string(want) {
		t.Errorf("encode(%T %#v) = %s, %v; encoding/json writes %s", v, v, got, err, want)
	}
	var back T
	_ = json.Unmarshal(want, &back)
	if got, ok := decode[T](want); !ok || got != back {
		t.Errorf("decode(%s) = %#v, %t; encoding/json reads %#v", want, got, ok, back)
	}
}

type item struct {
	Name string
	At   time.Time
}

func TestOtherTypesComeBack(t *testing.T) {
	comesBack(t, item{"hat", time.Date(2026, 5, 1, 12, 0, 0, 7, time.UTC)})
	comesBack(t, [2]int{1, 2})
	comesBack(t, 3.5)
	comesBack(t, uint64(math.MaxUint64))
	comesBack(t, []item(nil))
	comesBack(t, []item{})
	comesBack(t, []item{{Name: "hat"}})
	comesBack(t, map[string]int{"a": 1})
	comesBack(t, map[string]int(nil))
	comesBack(t, []byte("binary\x00"))
	comesBack(t, json.RawMessage(`{"a":1}`))
	type celsius int
	comesBack(t, celsius(-4))
}

func comesBack[T any](t *testing.T, v T) {
	t.Helper()
	if err := checkStorable[T](); err != nil {
		t.Errorf("%T is refused: %v", v, err)
	}
	raw, err := encode(v)
	got, ok := decode[T](raw)
	if err != nil || !ok || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", v) {
		t.Errorf("%#v came back from %s as %#v (err %v, ok %t)", v, raw, got, err, ok)
	}
}

func TestValueOfAnotherTypeDoesNotDecode(t *testing.T) {
	doesNotFit[string](t, `5`, `true`, `null`, `{}`, `["a"]`, `"`, `"a`, `a"`, `""a"`, `"\"`, "\"\n\"", ``)
	doesNotFit[int](t, `"5"`, `true`, `null`, `5.5`, `1e3`, `{}`, `[5]`, ``, ` `, `9223372036854775808`, `0x10`, `1_000`)
	doesNotFit[int64](t, `"5"`, `null`, `9223372036854775808`, `-9223372036854775809`)
	doesNotFit[int8](t, `128`, `null`)
	doesNotFit[bool](t, `"1"`, `1`, `0`, `null`, `"true"`, `True`, `truefalse`, ``)
	doesNotFit[item](t, `null`, `5`, `"hat"`, `[]`, `{"Name":5}`, `{"Name":"hat"`, ``)
	doesNotFit[float64](t, `null`, `"1.5"`, `NaN`)
	doesNotFit[[2]int](t, `null`, `{}`)
	doesNotFit[[]int](t, `{}`, `"1"`, `["1"]`, `[1`)
	doesNotFit[map[string]int](t, `[]`, `{"a":"b"}`)
}

func doesNotFit[T any](t *testing.T, raws ...string) {
	t.Helper()
	var zero T
	for _, raw := range raws {
		if v, ok := decode[T]([]byte(raw)); ok || fmt.Sprint(v) != fmt.Sprint(zero) {
			t.Errorf("decode[%T](%q) = %#v, %t; want the zero value and false", v, raw, v, ok)
		}
	}
}

func TestNullIsOnlyANilSliceOrMap(t *testing.T) {
	if v, ok := decode[[]int]([]byte("null")); !ok || v != nil {
		t.Errorf("a nil slice comes back as %#v, %t", v, ok)
	}
	if v, ok := decode[map[string]int]([]byte("null")); !ok || v != nil {
		t.Errorf("a nil map comes back as %#v, %t", v, ok)
	}
}

func TestTypesThatDoNotComeBackAreRefusedByName(t *testing.T) {
	for want, err := range map[string]error{
		"interface {}": checkStorable[any](), "error": checkStorable[error](), "fmt.Stringer": checkStorable[fmt.Stringer](),
		"io.Reader": checkStorable[io.Reader](),
		"*int":      checkStorable[*int](), "*session.item": checkStorable[*item](), "chan int": checkStorable[chan int](),
		"func()":         checkStorable[func()](),
		"unsafe.Pointer": checkStorable[unsafe.Pointer](), "context.Context": checkStorable[context.Context](),
	} {
		if err == nil || !strings.Contains(err.Error(), "type "+want+" cannot be stored") {
			t.Errorf("%s: err = %v, want one that names the type", want, err)
		}
	}
}

// fussy cannot be written and says why, value and all, as marshalers do.
type fussy string

func (f fussy) MarshalJSON() ([]byte, error) { return nil, errors.New("cannot write " + string(f)) }

func TestCodecErrorsCarryNoValues(t *testing.T) {
	_, marshaler := encode(fussy("hunter2"))
	_, unwritable := encode(struct {
		Password string
		F        func()
	}{Password: "hunter2"})
	_, notANumber := encode(math.NaN())
	_, again := runAgain("k", []byte(`"hunter2"`), func(n int) (int, error) { return n, nil })
	for name, err := range map[string]error{"marshaler": marshaler, "unwritable": unwritable, "NaN": notANumber,
		"misfit": again} {
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "NaN") ||
			!strings.Contains(err.Error(), "type ") {
			t.Errorf("%s: err = %v, want one that names the type and not the value", name, err)
		}
	}
}

// Operations on encoded values.

// bodyOf is the body of an envelope with these keys and values.
func bodyOf(keysAndValues ...string) (body []byte) {
	for _, s := range keysAndValues {
		body = wire.AppendFrame(body, s)
	}
	return body
}

// encoded is how an envelope is written.
func encoded(e *wire.Envelope) []byte {
	draft := e.AppendHeader(nil)
	return e.Finish(append(draft, e.Body...), len(draft))
}

func put(key, value string) operation { return operation{key: key, value: []byte(value)} }
func drop(key string) operation       { return operation{key: key} }
func plus(key string, n int) operation {
	return operation{key: key, update: pure[int](func(v int) int { return v + n })}
}

// having marks an operation on a key that the request had read before, as saw; nil: absent.
func having(saw []byte, o operation) operation { o.guarded, o.saw = true, saw; return o }

func valuesOf(keysAndValues ...string) values {
	return values{body: bodyOf(keysAndValues...)}
}

func TestBodyAfterOperations(t *testing.T) {
	odd := `{ "n" : 1.0 }` // not as encoding/json would write it
	for _, c := range []struct {
		why    string
		hidden bool
		ops    []operation
		want   []byte
	}{
		{"nothing done, nothing rewritten", false, nil, bodyOf("a", odd, "b", "2", "c", "3")},
		{
			"replaced in place, the rest byte for byte",
			false, []operation{put("b", "9")}, bodyOf("a", odd, "b", "9", "c", "3"),
		},
		{"deleted", false, []operation{drop("b")}, bodyOf("a", odd, "c", "3")},
		{
			"new ones at the end, in their order",
			false, []operation{put("z", "8"), put("d", "9")}, bodyOf("a", odd, "b", "2", "c", "3", "z", "8", "d", "9"),
		},
		{
			"the last operation on a key counts",
			false, []operation{put("b", "7"), put("d", "7"), put("b", "8"), drop("d")}, bodyOf("a", odd, "b", "8", "c", "3"),
		},
		{
			"deleted and set again stays in place",
			false, []operation{drop("a"), put("a", "5")}, bodyOf("a", "5", "b", "2", "c", "3"),
		},
		{"deleting the absent changes nothing", false, []operation{drop("x")}, bodyOf("a", odd, "b", "2", "c", "3")},
		{"an empty value is a value", false, []operation{put("b", "")}, bodyOf("a", odd, "b", "", "c", "3")},
		{"hidden: only what this request wrote", true, []operation{put("b", "9"), drop("a")}, bodyOf("b", "9")},
		{"hidden, and nothing written", true, nil, nil},
	} {
		v := valuesOf("a", odd, "b", "2", "c", "3")
		v.hidden = c.hidden
		if got := v.appendBody([]byte("header"), c.ops); string(got) != "header"+string(c.want) {
			t.Errorf("%s: %q, want %q behind the header", c.why, got, c.want)
		}
		if got, want := v.changedBy(c.ops), string(c.want) != string(v.body); got != want {
			t.Errorf("%s: changedBy = %t, want %t", c.why, got, want)
		}
		for _, o := range c.ops {
			if got, want := v.after(c.ops, o.key), wire.Value(c.want, o.key); !same(got, want) {
				t.Errorf("%s: the request sees %s = %q, and %q is stored", c.why, o.key, got, want)
			}
		}
	}
}

func TestConflictIsWhatAReaderWouldLose(t *testing.T) {
	one := []byte("1")
	for _, c := range []struct {
		why  string
		now  values
		op   operation
		want error
	}{
		{"a blind set wins its key", valuesOf("k", "2"), put("k", "9"), nil},
		{"what was read still holds", valuesOf("k", "1"), having(one, put("k", "9")), nil},
		{"another changed what was read", valuesOf("k", "2"), having(one, put("k", "9")), ErrConflict},
		{
			"another took the same step: two were taken, and the value would tell of one",
			valuesOf("k", "9"), having(one, put("k", "9")), ErrConflict,
		},
		{"another deleted it", valuesOf(), having(one, put("k", "9")), ErrConflict},
		{"another created what was read as absent", valuesOf("k", "2"), having(nil, put("k", "9")), ErrConflict},
		{"another has taken what is popped", valuesOf(), having(one, operation{key: "k", popped: true}), nil},
		{
			"another has taken what is deleted: an order must not be placed twice",
			valuesOf(), having(one, drop("k")), ErrConflict,
		},
		{"another changed what is popped", valuesOf("k", "2"), having(one, drop("k")), ErrConflict},
		{"another key changed", valuesOf("k", "1", "x", "2"), having(one, put("k", "9")), nil},
		{"an update runs on whatever is there", valuesOf("k", "2"), plus("k", 1), nil},
		{"an empty value is not an absent one", valuesOf("k", ""), having(nil, put("k", "9")), ErrConflict},
	} {
		if err := c.now.checkReads([]operation{put("other", "1"), c.op}); !errors.Is(err, c.want) {
			t.Errorf("%s: err = %v, want %v", c.why, err, c.want)
		}
	}
}

func TestReplayRunsUpdatesOnFreshValues(t *testing.T) {
	ops := []operation{plus("n", 1), put("k", "9"), plus("n", 10), plus("k", 1), plus("new", 5)}
	fresh, err := valuesOf("n", "100", "k", "1").rerun(ops)
	if err != nil {
		t.Fatal(err)
	}
	got := valuesOf("n", "100", "k", "1").appendBody(nil, fresh)
	if want := bodyOf("n", "111", "k", "10", "new", "5"); string(got) != string(want) {
		t.Errorf("body = %q, want %q", got, want)
	}
	if ops[0].value != nil || ops[2].value != nil {
		t.Error("rerun changed the operations it was given, so a second one would start from the first")
	}
}

func TestAFunctionThatRefusesFreshDataIsAConflict(t *testing.T) {
	errEmpty := errors.New("out of stock")
	try := operation{key: "n", update: refusing[int](func(n int) (int, error) { return n, errEmpty })}
	if _, err := valuesOf("n", "0").rerun([]operation{try}); !errors.Is(err, ErrConflict) || !errors.Is(err, errEmpty) {
		t.Errorf("err = %v, want ErrConflict and the function's own", err)
	}
	if _, err := valuesOf("n", `"text"`).rerun([]operation{plus("n", 1)}); !errors.Is(err, ErrConflict) {
		t.Errorf("err = %v for a value that no longer fits, want ErrConflict", err)
	}
}

// holding is a session that was loaded with one number.
func holding(t *testing.T, key, value string) *Session {
	s := &Session{m: must(New(struct{ Store }{}, Options{})), ctx: t.Context(),
		st: &state{found: true, pending: &pending{}}}
	s.st.base.data = bodyOf(key, value)
	return s
}

func TestClearForgetsWhatWasRead(t *testing.T) {
	s, k := holding(t, "k", "1"), Key[int]("k")
	k.Get(s)
	s.Clear()
	k.Set(s, 2)
	if err := s.st.values().checkReads(s.st.operations()); err != nil {
		t.Errorf("Get, Clear, Set with nobody else about: %v", err)
	}
}

// Pop and Get show the result of this request's own update, so what is written next builds on it.
func TestAWriteAfterAnUpdateDoesNotHideAConflict(t *testing.T) {
	k := Key[int]("k")
	for name, write := range map[string]func(*Session){
		"Update, Pop":      func(s *Session) { k.Pop(s) },
		"Update, Get, Set": func(s *Session) { k.Set(s, k.Get(s)*2) },
	} {
		s := holding(t, "k", "1")
		k.Update(s, func(n int) int { return n + 10 })
		write(s)
		if err := valuesOf("k", "5").checkReads(s.st.operations()); !errors.Is(err, ErrConflict) {
			t.Errorf("%s: another request's 5 is lost without a word (err = %v), want ErrConflict", name, err)
		}
	}
}
