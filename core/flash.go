package session

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
)

// Flash is a constant for messages that a later page shows once, typically the page that a form redirects to:
//
//	const notices session.Flash[string] = "notices"
//
// Messages come in the order in which they were added, and stay until a page takes them: a redirect that nobody
// followed keeps them, and so does a response that was not saved. Add and Take conflict with nothing. What is added
// while a page takes is kept for the next one. Two pages that take at the same time may both show a message, and no
// message is lost. With a sealed cookie the last of several responses wins, as with all values.
//
// T is what a Key may have, and [Key] lists what to heed. A Flash and a Key need different names: each reads the
// other's value as one that does not fit. A Flash needs a name: without one its methods panic.
type Flash[T any] string

// Add adds a message for the next Take, in this request or a later one. What the handler does to v afterwards does not
// change the message. Messages that no page takes stay in the session and take room.
func (f Flash[T]) Add(s *Session, v T) {
	if f.checkStorable(s) != nil {
		return
	}
	text, err := encode(v)
	if err != nil {
		_ = s.refuse(ReasonUnencodable, string(f), err)
		return
	}
	s.change(string(f), &addedMessage{rand.Uint64() >> 11, text}) // 53 bits are exact in every reader of JSON
}

// Take returns the messages and removes them; nil if there are none. A message that does not fit T is reported, skipped
// and kept.
func (f Flash[T]) Take(s *Session) []T {
	found, ids := f.read(s)
	if len(ids) > 0 {
		s.change(string(f), takenMessages(ids))
	}
	return found
}

// Peek returns the messages that Take would, and keeps them.
func (f Flash[T]) Peek(s *Session) []T {
	found, _ := f.read(s)
	return found
}

// read returns the messages that fit T, with their ids.
func (f Flash[T]) read(s *Session) (found []T, ids []uint64) {
	if f.checkStorable(s) != nil {
		return nil, nil
	}
	stored, err := s.valueOf(string(f), false)
	if err != nil {
		return nil, nil
	}
	_, stored = s.m.present(stored)
	messages, err := parseMessages(stored)
	if err != nil {
		f.reportUndecodable(s, err)
	}
	for _, m := range messages {
		v, ok := decode[T](m.text)
		if !ok {
			f.reportUndecodable(s, fmt.Errorf("a message does not fit type %v", reflect.TypeFor[T]()))
			continue
		}
		found, ids = append(found, v), append(ids, m.id)
	}
	return found, ids
}

func (f Flash[T]) reportUndecodable(s *Session, err error) {
	err = fmt.Errorf("session: flash %q: %w", string(f), err)
	s.report(Event{Reason: ReasonUndecodable, Key: string(f), Err: err, Source: applicationLine()})
}

// checkStorable refuses a T that cannot be stored.
func (f Flash[T]) checkStorable(s *Session) error {
	if f == "" {
		panic(noFlashName)
	}
	err := checkStorable[T]()
	if err != nil {
		err = s.refuse(ReasonUnencodable, string(f), err)
	}
	return err
}

const noFlashName = `session: a Flash has no name: give it one, as in const notices session.Flash[string] = "notices"`

var errNoMessages = errors.New("the stored value is not a Flash's: give the Flash a name that no Key has")
