package gorillastore_test

import (
	"context"
	"encoding/gob" //nolint:depguard // gorilla's users register their types
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/gorilla/sessions"

	session "github.com/coatcheck/coatcheck/core"
)

type cart struct {
	Items map[string]int
	Note  any
}

type contextKey int

func init() {
	gob.Register(cart{})
	gob.Register(contextKey(0))
	gob.Register(map[string]int{})
}

// Values come back with the types that they had, under whatever keys.
func TestValuesComeBack(t *testing.T) {
	s := newSite(t)
	want := map[any]any{
		"n": 1, "u": uint8(2), "text": "ü\xff", "cart": cart{map[string]int{"a": 1, "b": 2}, int64(3)}, "nothing": nil,
		"": "",
		7:  "seven", int8(7): "small seven", contextKey(7): true, "\x00int 7": "text", "bad \xff": 1, "\x00": []byte("x"),
	}
	s.look("shop", func(found *sessions.Session) {
		if !found.IsNew || len(found.Values) != 0 || found.Name() != "shop" || found.Options == nil {
			t.Errorf("at first: %+v", found)
		}
	})
	s.change(func(values map[any]any) { maps.Copy(values, want) })
	s.look("shop", func(found *sessions.Session) {
		if found.IsNew || !reflect.DeepEqual(found.Values, want) {
			t.Errorf("new: %v\ngot  %#v\nwant %#v", found.IsNew, found.Values, want)
		}
		if found.ID == "" {
			t.Error("it has no ID")
		}
	})
	s.change(func(values map[any]any) {
		values["cart"].(cart).Items["c"] = 3 // in place
		delete(values, 7)
	})
	want["cart"].(cart).Items["c"] = 3
	delete(want, 7)
	s.look("shop", func(found *sessions.Session) {
		if !reflect.DeepEqual(found.Values, want) {
			t.Errorf("changed: got %#v", found.Values)
		}
	})
	s.look("another", func(found *sessions.Session) {
		if !found.IsNew || len(found.Values) != 0 {
			t.Errorf("a session of another name: %+v", found)
		}
	})
}

// gorilla saves sessions without values as well, and IsNew tells whether one was saved.
func TestSavedWithoutValues(t *testing.T) {
	s := newSite(t)
	s.change(func(map[any]any) {})
	s.look("shop", func(found *sessions.Session) {
		if found.IsNew {
			t.Error("new after a save")
		}
	})
}

// Get is one session during a request, New is another.
func TestGetAndNew(t *testing.T) {
	newSite(t).visit(func(_ http.ResponseWriter, r *http.Request) {
		a, _ := store.Get(r, "shop")
		b, _ := store.Get(r, "shop")
		c, _ := store.New(r, "shop")
		if a != b || a == c {
			t.Error("Get or New")
		}
		if a.Store() != sessions.Store(store) {
			t.Error("Store")
		}
	})
}

// A middleware may make another request of the one that the session was read with, and the handler save with either.
// What others have saved meanwhile stays, and what the handler has deleted goes.
func TestSaveWithAnotherRequest(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"], values["b"] = 1, 2 })
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		inner := r.Clone(r.Context())
		shop, err := store.Get(inner, "shop")
		if err != nil {
			t.Fatal(err)
		}
		other, _ := store.Get(r, "shop")
		other.Values["c"] = 3
		if err := other.Save(r, w); err != nil {
			t.Error(err)
		}
		delete(shop.Values, "a")
		shop.Values["d"] = 4
		if err := shop.Save(r, w); err != nil {
			t.Error(err)
		}
	})
	s.look("shop", func(found *sessions.Session) {
		if want := map[any]any{"b": 2, "c": 3, "d": 4}; !reflect.DeepEqual(found.Values, want) {
			t.Errorf("%v, want %v", found.Values, want)
		}
	})
}

func TestFlashes(t *testing.T) {
	s := newSite(t)
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		shop.AddFlash("saved")
		shop.AddFlash(7)
		shop.AddFlash("careful", "warnings")
		if err := sessions.Save(r, w); err != nil {
			t.Error(err)
		}
	})
	for _, want := range [][]any{{"saved", 7}, nil} {
		s.visit(func(w http.ResponseWriter, r *http.Request) {
			shop, _ := store.Get(r, "shop")
			if got := shop.Flashes(); !reflect.DeepEqual(got, want) {
				t.Errorf("flashes %v, want %v", got, want)
			}
			if shop.Values["warnings"] == nil {
				t.Error("the flashes of another key are gone")
			}
			if err := shop.Save(r, w); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMaxAgeBelowZeroDeletes(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"] = 1 })
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		s.change(func(values map[any]any) { values["b"] = 1 }) // another request in between is no conflict
		shop.Options.MaxAge = -1
		if err := shop.Save(r, w); err != nil {
			t.Error(err)
		}
	})
	s.look("shop", func(found *sessions.Session) {
		if !found.IsNew || len(found.Values) != 0 {
			t.Errorf("after deletion: %+v", found)
		}
	})
}

// What two requests change, both keep, unless it is the same value: there the later one wins.
func TestOverlappingRequests(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"], values["b"], values["c"], values["same"] = 1, 1, 1, 1 })
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		s.change(func(values map[any]any) {
			values["a"], values["new"], values["same"] = 2, 2, 2
			delete(values, "c")
		})
		shop.Values["b"], shop.Values["same"] = 3, 3
		for range 2 { // the second time nothing of the other request's is undone either
			if err := shop.Save(r, w); err != nil {
				t.Error(err)
			}
		}
	})
	s.look("shop", func(found *sessions.Session) {
		if want := map[any]any{"a": 2, "b": 3, "new": 2, "same": 3}; !reflect.DeepEqual(found.Values, want) {
			t.Errorf("got %v, want %v", found.Values, want)
		}
	})
}

// Each Save goes by the one before: what is changed there and back is as it was, what is deleted can be saved again.
func TestSeveralSaves(t *testing.T) {
	for what, step := range map[string]func(shop *sessions.Session, save func()){
		"there and back": func(shop *sessions.Session, save func()) {
			shop.Values["a"] = 2
			save()
			shop.Values["a"] = 1
			save()
		},
		"deleted and saved again": func(shop *sessions.Session, save func()) {
			shop.Options.MaxAge = -1
			save()
			shop.Options.MaxAge = 0
			save()
		},
	} {
		s := newSite(t)
		s.change(func(values map[any]any) { values["a"] = 1 })
		s.visit(func(w http.ResponseWriter, r *http.Request) {
			shop, _ := store.Get(r, "shop")
			step(shop, func() {
				if err := shop.Save(r, w); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			})
		})
		s.look("shop", func(found *sessions.Session) {
			if found.Values["a"] != 1 {
				t.Errorf("%s: got %v", what, found.Values)
			}
		})
	}
}

// Handlers save on every request. One that changed nothing writes nothing, though a map's gob differs each time.
func TestASaveWithoutChangesCostsNoWrite(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) {
		values["cart"] = cart{Items: map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}}
		values["n"] = 1
	})
	s.store.Reset()
	for range 20 {
		s.change(func(map[any]any) {})
	}
	if n := s.store.Count(""); n != s.store.Count("Load") || n != 20 {
		t.Errorf("%d calls of the store, of which %d loaded", n, s.store.Count("Load"))
	}
}

// A login and gorilla's values are one session.
func TestLogin(t *testing.T) {
	s := newSite(t)
	s.change(func(values map[any]any) { values["a"] = 1 })
	s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		shop.Values["b"] = 2
		session.From(r.Context()).Login("user:42")
		if err := shop.Save(r, w); err != nil {
			t.Error(err)
		}
		if shop.ID != session.From(r.Context()).Handle() {
			t.Error("ID is not the handle")
		}
	})
	s.look("shop", func(found *sessions.Session) {
		if len(found.Values) != 2 {
			t.Errorf("after the login: %v", found.Values)
		}
	})
	s.visit(func(_ http.ResponseWriter, r *http.Request) { session.From(r.Context()).Destroy() })
	s.look("shop", func(found *sessions.Session) {
		if !found.IsNew || len(found.Values) != 0 {
			t.Errorf("after the logout: %v", found.Values)
		}
	})
}

// Without a store the values are in the sealed cookie, and more than fits is an error of Save.
func TestSealed(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	s := siteOn(t, m, nil)
	s.change(func(values map[any]any) { values["a"], values["cart"] = 1, cart{Note: "x"} })
	status := s.visit(func(w http.ResponseWriter, r *http.Request) {
		shop, _ := store.Get(r, "shop")
		shop.Values["b"] = strings.Repeat("x", 4000)
		if err := shop.Save(r, w); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("Save: %v", err)
		}
	})
	if status != http.StatusInternalServerError {
		t.Errorf("status %d", status)
	}
	s.look("shop", func(found *sessions.Session) {
		if want := map[any]any{"a": 1, "cart": cart{Note: "x"}}; !reflect.DeepEqual(found.Values, want) {
			t.Errorf("got %v, want %v", found.Values, want)
		}
	})
}

// A session may be saved in another visitor's request than the one that read it. It gets all values there, and those
// that are there already stay.
func TestSavedInAnotherRequest(t *testing.T) {
	var read *sessions.Session
	newSite(t).look("shop", func(found *sessions.Session) { read = found })
	read.Values["a"] = 1
	other := newSite(t)
	other.change(func(values map[any]any) { values["a"], values["b"] = 2, 2 })
	other.visit(func(w http.ResponseWriter, r *http.Request) {
		if err := read.Save(r, w); err != nil {
			t.Error(err)
		}
	})
	other.look("shop", func(found *sessions.Session) {
		if want := map[any]any{"a": 1, "b": 2}; !reflect.DeepEqual(found.Values, want) {
			t.Errorf("got %v, want %v", found.Values, want)
		}
	})
}

func TestWithoutMiddleware(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic that says what is missing")
		}
	}()
	_, _ = store.Get(httptest.NewRequest(http.MethodGet, "/", nil), "shop")
}

func TestAWrongNameIsAnError(t *testing.T) {
	newSite(t).visit(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := store.Get(r, "a name with spaces"); err == nil {
			t.Error("accepted")
		}
	})
}

var errDown = errors.New("down")
