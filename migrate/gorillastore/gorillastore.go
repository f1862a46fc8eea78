// Package gorillastore lets code that speaks gorilla/sessions run unchanged: a sessions.Store whose sessions are parts
// of the request's Coatcheck session. So goth, everything else that takes a sessions.Store, and handlers of one's own
// keep their session.Values while the cookie, the login and the logout are Coatcheck's:
//
//	gothic.Store = gorillastore.New()
//	http.ListenAndServe(addr, httpsession.Middleware(sessions)(mux))
//
// An adapter's Middleware has to be installed on the route. For gin-contrib/sessions and echo-contrib/session the store
// goes where their own go, and Coatcheck's middleware before theirs.
//
// The values of the gorilla session "name" are the Coatcheck key "gorilla:name": a JSON object that has each value
// under its key's name, as the base64 of a gob. As with gorilla, types of one's own in Values need gob.Register. They
// come back with the types that they had, which JSON would not do.
//
// Fill lets an importer, such as fromgorilla's, bring the values of sessions from before the switch.
//
// # What is as with gorilla
//
// Get returns the same session during a request, New another one. IsNew is false once a session of that name has been
// saved. Save returns an error when nothing was saved. A session with Options.MaxAge below zero is deleted by Save.
// Flashes work. ID is the Coatcheck session's handle, which may be logged.
//
// # What is not
//
// Options other than a MaxAge below zero do nothing: there is one cookie, Coatcheck's, and values live as long as its
// session does. Login and Destroy are not known to gorilla: a handler that writes a user's id into Values and calls
// that a login should call session.From(r.Context()).Login, for the renewal that keeps a planted token out. Destroy
// ends the sessions of all names.
//
// gorilla's interface hands over all values at once and cannot say what a handler has done. What Save writes is the
// difference to what New or Get had read. So requests that change different values at the same time both win, and of
// two that change one value the later one wins: a counter may lose a step and two flashes added at once may become one.
// Where that matters use a session.Key and its Update, or a session.Flash.
//
// Each Save that changes something is a write to Coatcheck's store at once, since it has to return the error. If it
// fails and the handler does not heed the error, the change is tried again before the headers, and if that fails too
// the response is replaced by an error: no response claims that something has been saved that was not.
package gorillastore

import (
	"errors"
	"net/http"
	"sync"

	"github.com/gorilla/sessions"

	session "github.com/coatcheck/coatcheck/core"
)

// Store is a sessions.Store. It is safe for concurrent use by several requests.
type Store struct {
	memories sync.Map // each a memory, by a weak pointer to its gorilla session
}

var _ sessions.Store = (*Store)(nil)

// New returns a store. It works with every Coatcheck manager: the innermost one whose Middleware is installed.
func New() *Store { return &Store{} }

// Get returns the request's session of that name, which it reads the first time.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session of that name. It always returns one: with an error, it has those values that could be read, and
// Save leaves the others alone.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	found := sessions.NewSession(s, name)
	found.Options, found.IsNew = &sessions.Options{Path: "/"}, true
	here := session.From(r.Context())
	stored, err := read(here, name)
	if err != nil {
		return found, err
	}
	found.ID, found.IsNew = here.Handle(), stored == nil
	known, err := stored.decode(found.Values)
	s.remember(here, found, known)
	return found, err
}

// Save writes what has changed in Values since it was read. It sets no header: Coatcheck's cookie leaves with the
// response.
func (s *Store) Save(r *http.Request, _ http.ResponseWriter, changed *sessions.Session) error {
	here := session.From(r.Context())
	before, err := s.remembered(here, changed)
	if err != nil {
		return err
	}
	if changed.Options != nil && changed.Options.MaxAge < 0 {
		key := keyOf(changed.Name())
		s.remember(here, changed, nil)
		return commit(here, func() { key.Delete(here) })
	}
	d, err := before.difference(changed.Values)
	if err != nil {
		return err
	}
	if err := commit(here, func() { keyOf(changed.Name()).Update(here, d.applyTo) }); err != nil {
		return err
	}
	s.remember(here, changed, d.applyTo(content{before}).Values)
	changed.ID = here.Handle()
	return nil
}

// commit makes a change and saves it. A change that could not be saved stays pending, so that a handler which ignores
// the error does not tell the visitor of a success.
func commit(here *session.Session, change func()) error {
	change()
	err := here.Save()
	if err != nil && !errors.Is(err, session.ErrRequestOver) {
		change()
	}
	return err
}
