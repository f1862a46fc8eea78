package shop

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

// App is the shop. It knows no framework.
type App struct {
	log      *slog.Logger
	now      func() time.Time // the clock
	accounts *accounts
	guesses  *guesses
	sessions *session.Manager
	lists    bool // sessions can list those of a user
	texts    texts
	pages    map[string]*template.Template
	files    map[string]file
	routes   map[string]route
	beside   bool                                 // logins are shared with other systems
	delays   bool                                 // X-Delay is obeyed
	pause    func(context.Context, time.Duration) // how it is
}

// route has a handler for each method that a path answers. HEAD is GET.
type route map[string]handler

// handler answers one visit. An error is answered by visit.fail.
type handler func(*visit) (Response, error)

func newApp(log *slog.Logger, now func() time.Time) (*App, error) {
	a := &App{log: log, now: now, accounts: demoAccounts(), guesses: newGuesses(now), routes: routes(), pause: pause}
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
func (a *App) use(ctx context.Context, m *session.Manager, delays bool) {
	_, err := m.List(ctx, "nobody")
	a.sessions, a.lists, a.delays = m, !errors.Is(err, errors.ErrUnsupported), delays
}

func routes() map[string]route {
	get, post := http.MethodGet, http.MethodPost
	devices := func(guard func(*visit) session.Guard, h handler) handler {
		return listing(guarded(guard, "/devices", h))
	}
	return map[string]route{
		"/":                      {get: (*visit).home},
		"/login":                 {get: (*visit).loginForm, post: form((*visit).login)},
		"/logout":                {post: form((*visit).logout)},
		"/profile":               {get: guarded(members, "/profile", (*visit).profile)},
		"/admin":                 {get: guarded(admins, "/admin", (*visit).admin)},
		"/devices":               {get: devices(members, (*visit).devices)},
		"/devices/revoke":        {post: devices(recent, form((*visit).revokeDevice))},
		"/devices/revoke-others": {post: devices(recent, form((*visit).revokeOtherDevices))},
		"/password": {
			get:  guarded(recent, "/password", (*visit).passwordForm),
			post: guarded(recent, "/password", ownForm((*visit).changePassword)),
		},
		"/cart":        {get: (*visit).cart},
		"/cart/add":    {post: form((*visit).addToCart)},
		"/cart/remove": {post: form((*visit).removeFromCart)},
		"/cart/clear":  {post: form((*visit).clearCart)},
		"/checkout":    {post: form((*visit).checkout)},
		"/history":     {get: (*visit).history},
		"/language":    {post: form((*visit).setLanguage)},
		"/preferences": {get: (*visit).preferences, post: form((*visit).setPreferences)},
	}
}

// Serve answers a request.
func (a *App) Serve(r Request) Response {
	u, err := url.ParseRequestURI(r.Target)
	if err != nil {
		return a.Refuse(r.Header, Error{Status: http.StatusBadRequest})
	}
	if u.Path == "/healthz" || strings.HasPrefix(u.Path, "/static/") {
		return a.serveFile(r, u.Path)
	}
	v := a.visit(r, u)
	if v.s.Err() != nil {
		return Response{Status: http.StatusServiceUnavailable} // the client gets sessionFailure's answer instead
	}
	answer, err := v.answer()
	if err != nil {
		return v.fail(err)
	}
	return answer
}

// answer finds the handler and lets it run, if nothing speaks against it.
func (v *visit) answer() (Response, error) {
	r, ok := v.app.routes[v.path]
	if !ok {
		return Response{}, Error{Status: http.StatusNotFound}
	}
	h, ok := r[asGet(v.Method)]
	if !ok {
		return Response{}, Error{Status: http.StatusMethodNotAllowed, header: r.allow()}
	}
	if v.Method == http.MethodPost {
		if v.s.Reason() == session.ReasonCrossSite { // also where the handler would change nothing
			return Response{}, session.ErrCrossSite
		}
		if err := v.readFields(); err != nil {
			return Response{}, err
		}
	}
	if err := v.wait(); err != nil {
		return Response{}, err
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
func (a *App) isPage(path string) bool {
	_, ok := a.routes[path][http.MethodGet]
	return ok
}

// isLogin says whether this is a login page that leads to another page.
func (a *App) isLogin(wanted string) bool {
	for path := range a.routes {
		if a.isPage(path) && wanted == loginFor(path) {
			return true
		}
	}
	return false
}

// sessionFailure is the answer when a session cannot be loaded or saved.
func (a *App) sessionFailure(err error, header func(string) string) session.Response {
	answer := a.Refuse(header, explain(err))
	return session.Response{Status: answer.Status, ContentType: answer.Header["Content-Type"], Body: answer.Body}
}
