package main

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// app is the shop. It knows no framework.
type app struct {
	log      *slog.Logger
	accounts accounts
	guesses  *guesses
	sessions *session.Manager
	lists    bool // sessions can list those of a user
	texts    texts
	pages    map[string]*template.Template
	files    map[string]file
	routes   map[string]route
	delays   bool                                 // X-Delay is obeyed
	pause    func(context.Context, time.Duration) // how it is
}

// route has a handler for each method that a path answers. HEAD is GET.
type route map[string]handler

// handler answers one visit. An error is answered by visit.fail.
type handler func(*visit) (response, error)

func newApp(log *slog.Logger) (*app, error) {
	a := &app{log: log, accounts: demoAccounts(), guesses: newGuesses(), routes: routes(), pause: pause}
	var err error
	if a.texts, err = loadTexts(); err != nil {
		return nil, fmt.Errorf("texts: %w", err)
	}
	if a.pages, err = loadPages(); err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	if a.files, err = loadFiles(); err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	return a, nil
}

// use tells the app where its sessions are.
func (a *app) use(ctx context.Context, m *session.Manager, delays bool) {
	_, err := m.List(ctx, "nobody")
	a.sessions, a.lists, a.delays = m, !errors.Is(err, errors.ErrUnsupported), delays
}

func routes() map[string]route {
	return map[string]route{
		"/":                      {http.MethodGet: (*visit).home},
		"/login":                 {http.MethodGet: (*visit).loginForm, http.MethodPost: (*visit).login},
		"/logout":                {http.MethodPost: (*visit).logout},
		"/profile":               {http.MethodGet: (*visit).profile},
		"/admin":                 {http.MethodGet: (*visit).admin},
		"/devices":               {http.MethodGet: forDevices((*visit).devices)},
		"/cart":                  {http.MethodGet: (*visit).cart},
		"/devices/revoke":        {http.MethodPost: forDevices((*visit).revokeDevice)},
		"/devices/revoke-others": {http.MethodPost: forDevices((*visit).revokeOtherDevices)},
		"/cart/add":              {http.MethodPost: (*visit).addToCart},
		"/cart/remove":           {http.MethodPost: (*visit).removeFromCart},
		"/cart/clear":            {http.MethodPost: (*visit).clearCart},
		"/checkout":              {http.MethodPost: (*visit).checkout},
		"/history":               {http.MethodGet: (*visit).history},
		"/language":              {http.MethodPost: (*visit).setLanguage},
		"/preferences":           {http.MethodGet: (*visit).preferences, http.MethodPost: (*visit).setPreferences},
	}
}

// serve answers a request.
func (a *app) serve(r request) response {
	u, err := url.ParseRequestURI(r.target)
	if err != nil {
		return a.refuse(r.header, httpError{status: http.StatusBadRequest})
	}
	if u.Path == "/healthz" || strings.HasPrefix(u.Path, "/static/") {
		return a.serveFile(r, u.Path)
	}
	v := a.visit(r, u)
	if v.s.Err() != nil {
		return response{status: http.StatusServiceUnavailable} // the client gets sessionFailure's answer instead
	}
	answer, err := v.answer()
	if err != nil {
		return v.fail(err)
	}
	return answer
}

// answer finds the handler and lets it run, if nothing speaks against it.
func (v *visit) answer() (response, error) {
	r, ok := v.app.routes[v.path]
	if !ok {
		return response{}, httpError{status: http.StatusNotFound}
	}
	h, ok := r[asGet(v.method)]
	if !ok {
		return response{}, httpError{status: http.StatusMethodNotAllowed, header: r.allow()}
	}
	if v.method == http.MethodPost {
		if err := v.checkSite(); err != nil {
			return response{}, err
		}
		if err := v.readFields(); err != nil {
			return response{}, err
		}
	}
	if err := v.wait(); err != nil {
		return response{}, err
	}
	return h(v)
}

func asGet(method string) string {
	if method == http.MethodHead {
		return http.MethodGet
	}
	return method
}

// allow is a 405's Allow header.
func (r route) allow() map[string]string {
	var methods []string
	for m := range r {
		methods = append(methods, m)
		if m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return map[string]string{"Allow": strings.Join(methods, ", ")}
}

// isPage says whether path is one of the shop's pages. Redirects go nowhere else.
func (a *app) isPage(path string) bool {
	_, ok := a.routes[path][http.MethodGet]
	return ok
}

// isLogin says whether this is a login page that leads to another page.
func (a *app) isLogin(wanted string) bool {
	for path := range a.routes {
		if a.isPage(path) && wanted == loginFor(path) {
			return true
		}
	}
	return false
}

// sessionFailure is the answer when a session cannot be loaded or saved.
func (a *app) sessionFailure(err error, header func(string) string) session.Response {
	answer := a.refuse(header, explain(err))
	return session.Response{Status: answer.status, ContentType: answer.header["Content-Type"], Body: answer.body}
}
