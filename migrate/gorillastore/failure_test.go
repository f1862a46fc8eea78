package gorillastore_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/gorilla/sessions"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// writes fails every write of the store.
func (s *site) failWrites() {
	s.store.Before(func(c probe.Call) error {
		if c.Method == "Update" || c.Method == "Create" {
			return errDown
		}
		return nil
	})
}

// A save that failed is an error, and a response that claims otherwise does not go out.
func TestASaveThatFails(t *testing.T) {
	for _, begun := range []bool{true, false} {
		s := newSite(t)
		if begun {
			s.change(func(values map[any]any) { values["a"] = 1 })
		}
		s.failWrites()
		status := s.visit(func(w http.ResponseWriter, r *http.Request) {
			shop, _ := store.Get(r, "shop")
			shop.Values["a"] = 2
			if err := shop.Save(r, w); !errors.Is(err, session.ErrUnavailable) {
				t.Errorf("Save: %v", err)
			}
			_, _ = io.WriteString(w, "saved!")
		})
		if status != http.StatusServiceUnavailable {
			t.Errorf("begun %v: a handler that ignores the error gets status %d out", begun, status)
		}
		status = s.visit(func(w http.ResponseWriter, r *http.Request) {
			shop, _ := store.Get(r, "shop")
			shop.Values["a"] = 2
			if err := shop.Save(r, w); err != nil {
				http.Error(w, "sorry", http.StatusInternalServerError)
			}
		})
		if status < 500 {
			t.Errorf("begun %v: a handler that heeds the error gets status %d out", begun, status)
		}
	}
}

// A failure that is over before the headers has done no harm.
func TestASaveThatFailsOnce(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"] = 1 })
	status := s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		shop.Values["a"] = 2
		s.failWrites()
		if shop.Save(r, w) == nil {
			t.Error("no error")
		}
		s.store.Before(nil)
	})
	s.look("shop", func(found *sessions.Session) {
		if status != http.StatusOK || found.Values["a"] != 2 {
			t.Errorf("status %d and the value %v", status, found.Values["a"])
		}
	})
}

// A session that cannot be had is an error, and not an empty one that Save would put in its place.
func TestALoadThatFails(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"] = 1 })
	s.store.Before(func(probe.Call) error { return errDown })
	status := s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, err := store.Get(r, "shop")
		if !errors.Is(err, session.ErrUnavailable) || shop == nil {
			t.Fatalf("Get: %v, %v", shop, err)
		}
		s.store.Before(nil)
		if err := shop.Save(r, w); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("Save: %v", err)
		}
	})
	if status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	s.look("shop", func(found *sessions.Session) {
		if found.Values["a"] != 1 {
			t.Errorf("the session became %v", found.Values)
		}
	})
}

// Logout wins: what is saved into a session that has ended meanwhile is refused, and starts no other one.
func TestASaveAfterTheLogoutOfAnotherRequest(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"] = 1 })
	status := s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		s.visit(func(_ http.ResponseWriter, r *http.Request) { session.From(r.Context()).Destroy() })
		shop.Values["a"] = 2
		if err := shop.Save(r, w); !errors.Is(err, session.ErrEnded) {
			t.Errorf("Save: %v", err)
		}
	})
	if status != http.StatusConflict {
		t.Errorf("status %d", status)
	}
	s.look("shop", func(found *sessions.Session) {
		if !found.IsNew {
			t.Errorf("there is a session: %v", found.Values)
		}
	})
}

// lateSaver saves right before the headers, as libraries do that keep their state in a session.
type lateSaver struct {
	http.ResponseWriter
	save func(w http.ResponseWriter)
}

func (l lateSaver) WriteHeader(status int) {
	l.save(l.ResponseWriter)
	l.ResponseWriter.WriteHeader(status)
}

// Until the headers leave Save can begin a session. After them that is an error, and a session that there is already
// can still be saved.
func TestSavesAroundTheHeaders(t *testing.T) {
	s := newSite(t)
	save := func(r *http.Request, n int, want error) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			shop, _ := store.Get(r, "shop")
			shop.Values["n"] = n
			if err := shop.Save(r, w); !errors.Is(err, want) {
				t.Errorf("Save %d: %v, want %v", n, err, want)
			}
		}
	}
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		save(r, 1, session.ErrCommitted)(w)
	})
	s.look("shop", func(found *sessions.Session) {
		if !found.IsNew {
			t.Errorf("a session without a cookie: %v", found.Values)
		}
	})
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		lateSaver{w, save(r, 2, nil)}.WriteHeader(http.StatusOK)
		save(r, 3, nil)(w)
	})
	s.look("shop", func(found *sessions.Session) {
		if found.Values["n"] != 3 {
			t.Errorf("got %v", found.Values)
		}
	})
}

// A value that no gob can hold is an error of Save, and the others stay as they were.
func TestAValueThatCannotBeSaved(t *testing.T) {
	s := newSite(t)
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		shop.Values["a"], shop.Values["f"] = 1, func() {}
		if shop.Save(r, w) == nil {
			t.Error("no error")
		}
	})
	s.look("shop", func(found *sessions.Session) {
		if !found.IsNew {
			t.Errorf("saved in part: %v", found.Values)
		}
	})
}

// A value that this version of the program cannot read is an error, and stays.
func TestAValueThatCannotBeRead(t *testing.T) {
	type stored struct {
		Values map[string][]byte `json:"values"`
	}
	const shop session.Key[stored] = "gorilla:shop"
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"] = 1 })
	s.visit(func(_ http.ResponseWriter, r *http.Request) {
		shop.Update(session.From(r.Context()), func(v stored) stored { v.Values["bad"] = []byte("x"); return v })
	})
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		found, err := store.Get(r, "shop")
		if err == nil || found.Values["a"] != 1 || found.IsNew {
			t.Errorf("%v, %+v", err, found)
		}
		found.Values["b"] = 2
		if err := found.Save(r, w); err != nil {
			t.Error(err)
		}
	})
	s.visit(func(_ http.ResponseWriter, r *http.Request) {
		if v := shop.Get(session.From(r.Context())).Values; len(v) != 3 || string(v["bad"]) != "x" {
			t.Errorf("kept: %q", v)
		}
	})
}
