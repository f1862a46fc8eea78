package main

import (
	"net/http"

	"github.com/alexedwards/scs/v2"
)

// alexScs is scs with its memory store, on net/http and on chi.
func alexScs() []library[exchange, func(http.Handler) http.Handler] {
	return []library[exchange, func(http.Handler) http.Handler]{{
		"scs", "memory",
		func() (func(http.Handler) http.Handler, handlers[exchange], error) {
			m := scs.New()
			m.Cookie.Name, m.Cookie.Secure = cookieName, true
			return m.LoadAndSave, scsHandlers(m), nil
		},
	}}
}

func scsHandlers(m *scs.SessionManager) handlers[exchange] {
	return handlers[exchange]{
		"start": func(e exchange) (int, error) {
			m.Put(e.r.Context(), "uid", guest)
			m.Put(e.r.Context(), "n", first)
			return first, nil
		},
		"read": func(e exchange) (int, error) { return m.GetInt(e.r.Context(), "n"), nil },
		"write": func(e exchange) (int, error) {
			n := m.GetInt(e.r.Context(), "n") + 1
			m.Put(e.r.Context(), "n", n)
			return n, nil
		},
		"login": func(e exchange) (int, error) {
			if err := m.RenewToken(e.r.Context()); err != nil {
				return 0, err
			}
			m.Put(e.r.Context(), "uid", alice)
			return first, nil
		},
		"user": func(e exchange) (int, error) { return oneIf(m.GetString(e.r.Context(), "uid") == alice), nil },
	}
}
