package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
)

// Values are JSON. The types most sessions are made of skip encoding/json and produce the same bytes.

func encode[T any](v T) ([]byte, error) {
	switch p := any(&v).(type) {
	case *int:
		return strconv.AppendInt(make([]byte, 0, 8), int64(*p), 10), nil
	case *int64:
		return strconv.AppendInt(make([]byte, 0, 8), *p, 10), nil
	case *bool:
		return strconv.AppendBool(make([]byte, 0, 5), *p), nil
	case *string:
		if isVerbatim(*p) {
			b := make([]byte, 0, len(*p)+2)
			return append(append(append(b, '"'), *p...), '"'), nil
		}
	}
	return encodeJSON(v)
}

// encodeJSON is apart so that v escapes to the heap only here. It goes through a pointer, for methods that have a
// pointer receiver. Its errors name the type and not the value, because errors end up in logs.
//
//go:noinline
func encodeJSON[T any](v T) ([]byte, error) {
	b, err := json.Marshal(&v)
	switch {
	case err != nil:
		return nil, fmt.Errorf("a value of type %T cannot be written as JSON: it holds a number that is not finite, "+
			"a cycle, something in an interface that JSON has no form for, or something whose own method fails", v)
	case bytes.Contains(b, replacementEscape) && !readsBackAlike[T](b):
		return nil, fmt.Errorf("a value of type %T holds a string that is not UTF-8: use []byte, or strings.ToValidUTF8", v)
	case len(b) > 2*maxDepth && !json.Valid(b):
		return nil, fmt.Errorf("a value of type %T is nested more than %d deep, and could not be read again", v, maxDepth)
	}
	return b, nil
}

// maxDepth is what encoding/json reads. It writes what is deeper.
const maxDepth = 10_000

// replacementEscape is how encoding/json writes bytes that are not UTF-8. The character itself it writes as it is.
var replacementEscape = []byte(`\ufffd`)

// readsBackAlike reports whether b is how what it reads as is written.
func readsBackAlike[T any](b []byte) bool {
	v, ok := decodeJSON[T](b)
	if !ok {
		return false
	}
	again, err := json.Marshal(&v)
	return err == nil && bytes.Equal(again, b)
}

// decode returns the zero value and false when raw does not fit T.
func decode[T any](raw []byte) (v T, ok bool) {
	switch p := any(&v).(type) {
	case *int:
		*p, ok = decodeInt[int](raw, strconv.IntSize)
		return v, ok
	case *int64:
		*p, ok = decodeInt[int64](raw, 64)
		return v, ok
	case *bool:
		*p = string(raw) == "true"
		return v, *p || string(raw) == "false"
	case *string:
		if n := len(raw) - 1; n > 0 && raw[0] == '"' && raw[n] == '"' && isVerbatim(raw[1:n]) {
			*p = string(raw[1:n])
			return v, true
		}
	}
	return decodeJSON[T](raw)
}

func decodeInt[N int | int64](raw []byte, bits int) (N, bool) {
	if n, ok := decodeDigits(raw); ok && bits == 64 {
		return N(n), true
	}
	n, err := strconv.ParseInt(string(raw), 10, bits)
	if err != nil {
		return 0, false
	}
	return N(n), true
}

// decodeDigits reads the numbers that most are: not negative, and with room to spare in 64 bits.
func decodeDigits(raw []byte) (n int64, ok bool) {
	if len(raw) == 0 || len(raw) > 18 {
		return 0, false
	}
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, true
}

//go:noinline
func decodeJSON[T any](raw []byte) (T, bool) {
	var v, zero T
	if string(raw) == "null" && !nullable[T]() || json.Unmarshal(raw, &v) != nil {
		return zero, false
	}
	return v, true
}

// nullable reports whether null is one of T's own values: of a slice or map, or as its UnmarshalJSON decides. For
// other types encoding/json takes null for "leave it as it is", which would turn a foreign value into a silent
// zero.
func nullable[T any]() bool {
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Slice, reflect.Map:
		return true
	}
	_, custom := any((*T)(nil)).(json.Unmarshaler)
	return custom
}

// isVerbatim reports whether JSON writes s as it is, between quotes.
func isVerbatim[S string | []byte](s S) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}
