package session

import (
	"fmt"
	"reflect"
)

// apply runs f outside the session's lock and records the result, again if another goroutine of this request
// wrote in between.
func (k Key[T]) apply(s *Session, f func(T) (T, error), again updater) (T, error) {
	for {
		before, err := k.rawValue(s, false)
		if err != nil {
			var none T
			return none, err
		}
		end, text := s.m.present(before)
		old, ok := argument[T](text)
		if !ok {
			return old, s.refuse(ReasonUndecodable, string(k), k.doesNotFit())
		}
		v, err := f(old)
		if err != nil {
			return old, err
		}
		value, err := encodeResult(text, v)
		if err != nil {
			return v, s.refuse(ReasonUnencodable, string(k), err)
		}
		o := operation{key: string(k), value: withEnd(value, end), update: again}
		if done, err := s.writeIf(o, before); done {
			return v, err
		}
	}
}

// pure and refusing are users' functions as operations remember them. Function types fit an interface's data
// word, so remembering one allocates nothing.
type (
	pure[T any]     func(T) T
	refusing[T any] func(T) (T, error)
)

func (f pure[T]) run(key string, old []byte) ([]byte, error) {
	return runAgain(key, old, func(v T) (T, error) { return f(v), nil })
}

func (f refusing[T]) run(key string, old []byte) ([]byte, error) { return runAgain(key, old, f) }

func runAgain[T any](key string, old []byte, f func(T) (T, error)) ([]byte, error) {
	v, ok := argument[T](old)
	if !ok {
		return nil, fmt.Errorf("session: key %q: another request stored a value that does not fit type %T", key, v)
	}
	v, err := f(v)
	if err != nil {
		return nil, err
	}
	return encodeResult(old, v)
}

// argument decodes what a function given to Update or Try gets: T's zero value if there is none, and an empty map
// instead of a nil one.
func argument[T any](old []byte) (v T, ok bool) {
	if old != nil {
		if v, ok = decode[T](old); !ok {
			return v, false
		}
	}
	if isNoMap[T](old) {
		v = emptyMap[T]()
	}
	return v, true
}

// encodeResult encodes what the function has returned. An empty map in place of none stays none.
func encodeResult[T any](old []byte, v T) ([]byte, error) {
	if isNoMap[T](old) && lenOfMap(v) == 0 {
		return old, nil
	}
	return encode(v)
}

// isNoMap reports whether T is a map and old is none or nil.
func isNoMap[T any](old []byte) bool {
	return (old == nil || string(old) == "null") && reflect.TypeFor[T]().Kind() == reflect.Map
}

// emptyMap and lenOfMap are apart so that only here a T escapes to the heap.
//
//go:noinline
func emptyMap[T any]() (v T) {
	reflect.ValueOf(&v).Elem().Set(reflect.MakeMap(reflect.TypeFor[T]()))
	return v
}

//go:noinline
func lenOfMap[T any](v T) int { return reflect.ValueOf(v).Len() }
