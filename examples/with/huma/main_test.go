package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/sse"
	"github.com/go-chi/chi/v5"

	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// routers mount an API with sessions as Huma's users do.
var routers = map[string]func(*session.Manager, func(huma.API)) http.Handler{
	"humago": func(sessions *session.Manager, register func(huma.API)) http.Handler {
		mux := http.NewServeMux()
		register(humago.New(mux, huma.DefaultConfig("Test", "1.0.0")))
		return httpsession.Middleware(sessions)(mux)
	},
	"humachi": func(sessions *session.Manager, register func(huma.API)) http.Handler {
		r := chi.NewRouter()
		r.Use(chisession.Middleware(sessions))
		register(humachi.New(r, huma.DefaultConfig("Test", "1.0.0")))
		return r
	},
}

// api is one that a test talks to.
type api struct {
	t        *testing.T
	store    *probe.Store
	sessions *session.Manager
	events   []session.Event
	handler  http.Handler
}

// eachRouter runs f on the API on every router.
func eachRouter(t *testing.T, register func(huma.API), f func(a *api)) {
	for name, mount := range routers {
		t.Run(name, func(t *testing.T) {
			a := &api{t: t, store: probe.New(memstore.New())}
			var err error
			a.sessions, err = session.New(a.store, session.Options{
				InsecureHTTP: true, ErrorResponse: failed,
				OnEvent: func(_ context.Context, e session.Event) { a.events = append(a.events, e) },
			})
			if err != nil {
				t.Fatal(err)
			}
			a.handler = mount(a.sessions, register)
			f(a)
		})
	}
}

func (a *api) ask(method, path, body string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	return w
}

// isError fails the test unless the answer is an error as Huma writes it.
func (a *api) isError(w *httptest.ResponseRecorder, status int) {
	a.t.Helper()
	var e huma.ErrorModel
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != status || e.Status != status ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		a.t.Errorf("%d %v %q, want a problem with status %d", w.Code, w.Header(), w.Body, status)
	}
}

func TestOperationsHaveTheSession(t *testing.T) {
	eachRouter(t, register, func(a *api) {
		first := a.ask("POST", "/visits", "")
		cookies := first.Result().Cookies()
		if len(cookies) != 1 {
			a.t.Fatalf("the first visit: %d %v, want a cookie", first.Code, first.Header())
		}
		if w := a.ask("POST", "/visits", "", cookies...); !strings.Contains(w.Body.String(), `"count":2`) {
			a.t.Errorf("the second visit: %d %q", w.Code, w.Body)
		}
		a.isError(a.ask("GET", "/me", "", cookies...), http.StatusUnauthorized)
		cookies = a.ask("POST", "/login", `{"user":"alice"}`, cookies...).Result().Cookies()
		if w := a.ask("GET", "/me", "", cookies...); !strings.Contains(w.Body.String(), `"user":"alice"`) {
			a.t.Errorf("/me after the login: %d %q", w.Code, w.Body)
		}
		if w := a.ask("POST", "/logout", "", cookies...); w.Code != http.StatusNoContent || len(w.Result().Cookies()) != 1 {
			a.t.Errorf("the logout: %d %v, want 204 and a cookie that deletes", w.Code, w.Header())
		}
		a.isError(a.ask("GET", "/me", "", cookies...), http.StatusUnauthorized)
	})
}

// A body that Huma refuses never reaches the handler, and costs nothing.
func TestARefusedBodyUsesNoSession(t *testing.T) {
	eachRouter(t, register, func(a *api) {
		w := a.ask("POST", "/login", `{"user":""}`, sessiontest.Login(a.t, a.sessions, "alice"))
		a.isError(w, http.StatusUnprocessableEntity)
		if vary := w.Header().Get("Vary"); strings.Contains(vary, "Cookie") {
			a.t.Errorf("Vary: %s", vary)
		}
	})
}

// Huma sends the response after the handler has returned. What could not be saved has to replace all of it.
func TestAFailedSaveReplacesTheResponse(t *testing.T) {
	eachRouter(t, register, func(a *api) {
		cookie := sessiontest.Login(a.t, a.sessions, "alice")
		a.store.Before(func(c probe.Call) error {
			if c.Method == "Update" {
				return errors.New("down")
			}
			return nil
		})
		w := a.ask("POST", "/visits", "", cookie)
		a.isError(w, http.StatusServiceUnavailable)
		if strings.Contains(w.Body.String(), "count") || w.Header().Get("Set-Cookie") != "" {
			a.t.Errorf("%v %q, want no trace of the handler's response", w.Header(), w.Body)
		}
	})
}

// An error that a handler returns is a response like any other: what the handler has written is saved.
func TestAnErrorKeepsWhatWasWritten(t *testing.T) {
	refuse := func(api huma.API) {
		huma.Post(api, "/refused", func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			visits.Set(session.From(ctx), 7)
			return nil, huma.Error403Forbidden("no")
		})
	}
	eachRouter(t, refuse, func(a *api) {
		r := httptest.NewRequest("POST", "/refused", nil)
		w := a.ask("POST", "/refused", "")
		a.isError(w, http.StatusForbidden)
		sessiontest.After(a.t, a.sessions, r, w.Result(), func(s *session.Session) {
			if n := visits.Get(s); n != 7 {
				a.t.Errorf("visits = %d, want 7", n)
			}
		})
	})
}

func TestAStreamSavesBeforeItsFirstEvent(t *testing.T) {
	eachRouter(t, register, func(a *api) {
		w := a.ask("GET", "/events", "")
		if w.Header().Get("Set-Cookie") == "" || !w.Flushed || !strings.Contains(w.Body.String(), `data: {"count":1}`) {
			a.t.Errorf("%d %v %q, want a cookie and an event", w.Code, w.Header(), w.Body)
		}
	})
}

// A stream that could not save sends no event, and its client learns why.
func TestAStreamThatCannotSave(t *testing.T) {
	eachRouter(t, register, func(a *api) {
		a.store.Before(func(probe.Call) error { return errors.New("down") })
		a.isError(a.ask("GET", "/events", ""), http.StatusServiceUnavailable)
	})
}

// Between events a session can be written, but a new one needs a cookie, and the headers have left.
func TestAStreamWritesBetweenItsEvents(t *testing.T) {
	late := func(api huma.API) {
		events := huma.Operation{OperationID: "late", Method: http.MethodGet, Path: "/late"}
		types := map[string]any{"visits": Visits{}}
		sse.Register(api, events, types, func(ctx context.Context, _ *struct{}, send sse.Sender) {
			s := session.From(ctx)
			_ = send.Data(Visits{visits.Get(s)})
			visits.Set(s, 7)
		})
	}
	eachRouter(t, late, func(a *api) {
		cookie := sessiontest.Login(a.t, a.sessions, "alice")
		a.ask("GET", "/late", "", cookie)
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		sessiontest.After(a.t, a.sessions, r, httptest.NewRecorder().Result(), func(s *session.Session) {
			if n := visits.Get(s); n != 7 {
				a.t.Errorf("visits = %d, want 7", n)
			}
		})
		a.events = nil
		if w := a.ask("GET", "/late", ""); w.Header().Get("Set-Cookie") != "" {
			a.t.Errorf("a cookie after the headers: %v", w.Header())
		}
		if len(a.events) != 1 || a.events[0].Reason != session.ReasonTooLate {
			a.t.Errorf("events %v, want one that the change came too late", a.events)
		}
	})
}
