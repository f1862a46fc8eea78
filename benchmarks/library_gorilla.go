package main

import (
	"crypto/rand"
	"net/http"

	"github.com/gorilla/sessions"
)

// cookieName is what the peers call their cookie. Ours is as long: __Host-id.
const cookieName = "sessionid"

// gorilla is gorilla/sessions with its cookie store, which is what its users take on net/http and on chi.
func gorilla() []library[exchange, func(http.Handler) http.Handler] {
	store := gorillaStore()
	get := func(e exchange) (*sessions.Session, error) { return store.Get(e.r, cookieName) }
	h := gorillaHandlers(get, func(e exchange, s *sessions.Session) error { return s.Save(e.r, e.w) })
	return []library[exchange, func(http.Handler) http.Handler]{{
		"gorilla/sessions", "securecookie",
		func() (func(http.Handler) http.Handler, handlers[exchange], error) { return nil, h, nil },
	}}
}

// gorillaStore has a key to encrypt with, since coatcheck's cookies are encrypted, and the same cookie attributes.
func gorillaStore() *sessions.CookieStore {
	store := sessions.NewCookieStore(key(64), key(32))
	store.Options.HttpOnly, store.Options.SameSite = true, http.SameSiteLaxMode
	return store
}

func key(size int) []byte {
	k := make([]byte, size)
	_, _ = rand.Read(k) // never fails: crypto/rand ends the program instead
	return k
}

// gorillaHandlers are those of gorilla's session, on whichever framework.
func gorillaHandlers[C any](get func(C) (*sessions.Session, error), save func(C, *sessions.Session) error) handlers[C] {
	return handlers[C]{
		"start": func(c C) (int, error) {
			s, _ := get(c) // the error is about the cookie of nobody, with which all begin
			s.Values["uid"], s.Values["n"] = guest, first
			return first, save(c, s)
		},
		"read": func(c C) (int, error) {
			s, err := get(c)
			if err != nil {
				return 0, err
			}
			n, ok := s.Values["n"].(int)
			if !ok {
				return 0, errNoValue
			}
			return n, nil
		},
		"write": func(c C) (int, error) {
			s, err := get(c)
			if err != nil {
				return 0, err
			}
			n, ok := s.Values["n"].(int)
			if !ok {
				return 0, errNoValue
			}
			s.Values["n"] = n + 1
			return n + 1, save(c, s)
		},
		"login": func(c C) (int, error) {
			s, err := get(c)
			if err != nil {
				return 0, err
			}
			s.Values["uid"] = alice // there is no id to renew
			return first, save(c, s)
		},
		"user": func(c C) (int, error) {
			s, err := get(c)
			return oneIf(s.Values["uid"] == alice), err
		},
	}
}
