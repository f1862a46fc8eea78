package gorillastore

import (
	"maps"
	"runtime"
	"weak"

	"github.com/gorilla/sessions"

	session "github.com/coatcheck/coatcheck/core"
)

// memory is what a gorilla session was when it was read or saved last, and in which session here.
type memory struct {
	here *session.Session
	entries
}

// remember notes that for as long as there is the gorilla session. It does not go by the request, because Save may be
// called with another one than Get.
func (s *Store) remember(here *session.Session, of *sessions.Session, e entries) {
	key := weak.Make(of)
	if _, known := s.memories.Swap(key, memory{here, e}); !known {
		runtime.AddCleanup(of, func(key weak.Pointer[sessions.Session]) { s.memories.Delete(key) }, key)
	}
}

// remembered returns what a session was. For one that was read elsewhere, or not by this store, that is what can be
// read now; of the first only what it had there, so that nothing is taken for deleted that the handler has not seen.
func (s *Store) remembered(here *session.Session, of *sessions.Session) (entries, error) {
	found, _ := s.memories.Load(weak.Make(of))
	was, known := found.(memory)
	if known && was.here == here {
		return was.entries, nil
	}
	stored, err := read(here, of.Name())
	if err != nil {
		return nil, err
	}
	now, _ := stored.decode(map[any]any{}) // the others are left alone
	if known {
		maps.DeleteFunc(now, func(name string, _ []byte) bool { return was.entries[name] == nil })
	}
	return now, nil
}
