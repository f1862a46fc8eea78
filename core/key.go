package session

import (
	"fmt"
	"reflect"
)

// Key is a constant that knows the type of its value:
//
//	const visits session.Key[int] = "visits"
//
// Values are stored as encoding/json writes them, and come back as they went in, nil slices and maps as nil and
// empty ones as empty. A type whose values would not do so is refused at first use, with an error that says what to
// do: interface and pointer types themselves, structs with unexported fields or two fields of one name, types that
// write themselves and do not read themselves. So is a value that JSON cannot hold: NaN, or a string that is not
// valid UTF-8. What is left is this:
//
//   - In an interface (map[string]any, []any, a field of type any) only JSON's own types come back: numbers as
//     float64, exact up to 2^53, structs and maps as map[string]any, slices as []any, and everything else,
//     time.Time and []byte too, as a string. Interfaces with methods are refused.
//   - A field that is tagged json:"-" comes back as zero, and so does what omitempty or omitzero leave out.
//   - A time.Time is the same instant with the same offset; the zone's name and the monotonic clock are gone.
//   - A json.RawMessage is the same JSON, and not the same bytes: spaces are gone, and nil is null. An empty
//     json.Number is 0.
//   - What two pointers share, two copies hold.
//
// A value is encoded when it is set: changing it later does not change the session. Two keys with the same name are
// the same entry, whatever their types. A key needs a name: without one its methods panic.
type Key[T any] string

// checkStorable returns why T cannot be stored. A key without a name is a mistake in the program, not in a request.
func (k Key[T]) checkStorable() error {
	if k == "" {
		panic(noKeyName)
	}
	return checkStorable[T]()
}

const noKeyName = `session: a Key has no name: give it one, as in const visits session.Key[int] = "visits"`

// Get returns the value, or T's zero value when there is none.
func (k Key[T]) Get(s *Session) T {
	v, _ := k.Lookup(s)
	return v
}

// GetOr returns the value, or v when there is none. A value that was set to T's zero value is one.
func (k Key[T]) GetOr(s *Session, v T) T {
	if found, ok := k.Lookup(s); ok {
		return found
	}
	return v
}

// Lookup returns the value and whether there is one. A stored value that does not fit T reads as absent, is
// reported, and is kept.
func (k Key[T]) Lookup(s *Session) (v T, ok bool) {
	value, err := k.rawValue(s, true)
	if _, value = s.m.present(value); err != nil || value == nil {
		return v, false
	}
	if v, ok = decode[T](value); !ok {
		err := fmt.Errorf("session: key %q: %w", string(k), k.doesNotFit())
		s.report(Event{Reason: ReasonUndecodable, Key: string(k), Err: err, Source: applicationLine()})
	}
	return v, ok
}

// Set stores v. Two requests that set the same key at the same time both succeed and the later commit wins;
// but if this request had read the key first and another one changed it since, the commit fails with ErrConflict.
// Use Update to build on the present value.
func (k Key[T]) Set(s *Session, v T) {
	value, err := k.encodeValue(v)
	if err != nil {
		_ = s.refuse(ReasonUnencodable, string(k), err)
		return
	}
	s.write(operation{key: string(k), value: value})
}

// Update replaces the value by f of it (of T's zero value when there is none) and returns the result as this
// request sees it. Nothing is lost when requests overlap: f runs again on what another request wrote,
// possibly after the handler has returned. So f must be pure: use only the argument and copied values, no I/O, no
// clock, no writes to the session. The number that ended up in the store is known after Save.
//
// A slice that was never set is nil at first. A map that was never set, or set to nil, is empty, so that f can
// assign to it; an empty one in place of none stores nothing. A stored value that does not fit T makes the write
// refused and the response a 500: when a key's type changes, give the key a new name, or Set or Delete it first.
func (k Key[T]) Update(s *Session, f func(T) T) T {
	v, _ := k.apply(s, func(v T) (T, error) { return f(v), nil }, pure[T](f))
	return v
}

// Try is Update with a function that can refuse. An error changes nothing and is returned. If f accepts at
// first and refuses when it is run again on fresh data, the commit fails with ErrConflict.
func (k Key[T]) Try(s *Session, f func(T) (T, error)) error {
	_, err := k.apply(s, f, refusing[T](f))
	return err
}

// Delete removes the value. Deleting an absent one changes nothing. Like Set it conflicts with another request's
// change of a value that this one had read.
func (k Key[T]) Delete(s *Session) {
	if k == "" {
		panic(noKeyName)
	}
	value, err := s.valueOf(string(k), false)
	if _, text := s.m.present(value); err == nil && value != nil && text == nil {
		return // its time is over
	}
	s.write(operation{key: string(k)})
}

// Pop returns the value and removes it, for things shown once; messages have Flash. When two requests pop at the
// same time both may get the value, and the removal succeeds for both. What must happen only once, like an order,
// takes Get and Delete, or Try, and then Save.
func (k Key[T]) Pop(s *Session) (T, bool) {
	v, ok := k.Lookup(s)
	if ok {
		s.write(operation{key: string(k), popped: true})
	}
	return v, ok
}

// rawValue returns the value as it is stored, nil if there is none. remember notes that the request has read it, so
// that a later Set or Delete conflicts with another request's change. An error has been reported.
func (k Key[T]) rawValue(s *Session, remember bool) ([]byte, error) {
	if err := k.checkStorable(); err != nil {
		return nil, s.refuse(ReasonUnencodable, string(k), err)
	}
	return s.valueOf(string(k), remember)
}

func (k Key[T]) doesNotFit() error {
	return fmt.Errorf("the stored value does not fit type %v", reflect.TypeFor[T]())
}

func (k Key[T]) encodeValue(v T) ([]byte, error) {
	if err := k.checkStorable(); err != nil {
		return nil, err
	}
	return encode(v)
}
