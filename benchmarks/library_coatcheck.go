package main

import (
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	uid    session.Key[string] = "uid"
	number session.Key[int]    = "n"
)

// coatcheck is this project's own library with each of its carriers. from is the adapter's From.
func coatcheck[C, M any](from func(C) *session.Session, middleware func(*session.Manager) M) []library[C, M] {
	h := coatcheckHandlers(from)
	on := func(manager func() (*session.Manager, error)) func() (M, handlers[C], error) {
		return func() (none M, _ handlers[C], _ error) {
			m, err := manager()
			if err != nil {
				return none, nil, err
			}
			return middleware(m), h, nil
		}
	}
	return []library[C, M]{
		{ours, "memory", on(inMemory)},
		{ours, "aead", on(func() (*session.Manager, error) { return sealedBy(session.AEAD) })},
		{ours, "securecookie", on(func() (*session.Manager, error) { return sealedBy(session.SecureCookie) })},
	}
}

func coatcheckHandlers[C any](from func(C) *session.Session) handlers[C] {
	return handlers[C]{
		"start": func(c C) (int, error) {
			s := from(c)
			uid.Set(s, guest)
			number.Set(s, first)
			return first, nil
		},
		"read":  func(c C) (int, error) { return number.Get(from(c)), nil },
		"write": func(c C) (int, error) { return number.Update(from(c), next), nil },
		"login": func(c C) (int, error) {
			s := from(c)
			uid.Set(s, alice)
			s.Login(alice)
			return first, nil
		},
		"user": func(c C) (int, error) {
			s := from(c)
			return oneIf(uid.Get(s) == alice && s.Subject() == alice), nil
		},
	}
}

// next is not a literal: in generic code that would carry its types along, in an allocation that no application has.
func next(n int) int { return n + 1 }

const ours = "coatcheck"

func inMemory() (*session.Manager, error) { return session.New(memstore.New(), session.Options{}) }

func sealedBy(s session.Sealer) (*session.Manager, error) {
	return session.NewSealed(session.TemporaryKeys(), session.Options{Sealer: s})
}
