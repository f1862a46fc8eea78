package gorillastore

import (
	"context"
	"net/http"

	"github.com/gorilla/sessions"

	session "github.com/coatcheck/coatcheck/core"
)

type memoryKey struct{}

// memory is what the sessions of a request were when they were read or saved last. Like gorilla's registry it belongs
// to the request's context.
type memory map[*sessions.Session]entries

func remember(r *http.Request, s *sessions.Session, e entries) {
	m, ok := r.Context().Value(memoryKey{}).(memory)
	if !ok {
		m = memory{}
		*r = *r.WithContext(context.WithValue(r.Context(), memoryKey{}, m))
	}
	m[s] = e
}

// remembered returns what a session was. For one that this request has not read that is what can be read now.
func remembered(r *http.Request, here *session.Session, s *sessions.Session) (entries, error) {
	if m, ok := r.Context().Value(memoryKey{}).(memory); ok {
		if e, ok := m[s]; ok {
			return e, nil
		}
	}
	stored, err := read(here, s.Name())
	if err != nil {
		return nil, err
	}
	known, _ := stored.decode(map[any]any{}) // the others are left alone
	return known, nil
}
