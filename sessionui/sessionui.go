// Package sessionui is a web page for those who look after a site: how many sessions are alive, how old they are and
// from which clients, who has most of them, one subject's sessions, and buttons to end one or all of these.
//
// IT HAS NO GUARD OF ITS OWN: whoever can open the page sees who uses the site and can log anybody out. Mount it behind
// what lets administrators in and nobody else:
//
//	admin := httpsession.Require(session.Guard{Login: "/login", Allow: isAdmin, Within: 15 * time.Minute})
//	mux.Handle("/admin/sessions", admin(sessionui.New(ctx, sessions, sessionui.Options{})))
//
// It is a page of one path, whatever that is: the view is in the query, and all references are relative. Subjects are
// in the query too, and so in the access logs. It takes no script, loads nothing from anywhere, and lets no other page
// frame it. What it changes it changes by POST, after a question; requests that a browser marks as coming from another
// origin are refused (net/http's CrossOriginProtection), and within the middleware of the manager that it shows the
// forms carry the session's form token besides.
//
// Sessions are counted in the background, when somebody looks: one count at a time, the first million of them, at most
// once in a minute and for at most a tenth of the time. That takes some 50 bytes for each session until it is done, and
// 20 MB at most for the names. Where a store cannot go through its records, or search by subject, and where no server
// knows the sessions because they are sealed, the page says so.
package sessionui

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Options hold what New can do without.
type Options struct {
	// Title is what the page is called. "" means Sessions.
	Title string
	// OnError receives what the page answers with status 503 for, and what ends a count early. It must be safe for
	// concurrent use. Nil logs it through slog.
	OnError func(error)
	// Now is the clock, the same as the manager's. Nil means time.Now.
	Now func() time.Time
}

// Handler serves the page.
type Handler struct {
	manager *session.Manager
	title   string
	failed  func(error)
	now     func() time.Time
	census  *census
	origins *http.CrossOriginProtection
}

// New returns the page for the sessions of m, and of managers that share its store. Counting in the background ends
// with ctx. New panics when m is nil or was not made by session.New or session.NewSealed.
func New(ctx context.Context, m *session.Manager, o Options) *Handler {
	m.Ready()
	h := &Handler{
		manager: m, title: o.Title, failed: o.OnError, now: o.Now, origins: http.NewCrossOriginProtection(),
	}
	if h.title == "" {
		h.title = "Sessions"
	}
	if h.failed == nil {
		h.failed = func(err error) { slog.Error("sessionui: the store failed", "error", err) }
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.census = &census{ctx: ctx, manager: m, now: h.now, failed: h.failed}
	return h
}

// ServeHTTP serves the page, whatever the request's path is.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var p page
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		p = h.view(r)
	case http.MethodPost:
		p = h.change(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		p = refusal(http.StatusMethodNotAllowed, "Not possible", "This page can be read, and its forms can be sent.")
	}
	h.write(w, p)
}

// target is what a request is about.
type target struct {
	subject string // "": everybody
	handle  string // of one session of the subject's
	all     bool   // of the subject's sessions
}

func targetOf(r *http.Request) target {
	q := r.URL.Query()
	t := target{subject: q.Get("subject"), handle: q.Get("handle")}
	t.all = t.handle == "" && q.Has("all")
	return t
}

func (h *Handler) view(r *http.Request) page {
	switch t := targetOf(r); {
	case t.subject == "":
		return h.overview(r)
	case t.all, t.handle != "":
		return h.confirm(r, t)
	default:
		return h.subject(r, t.subject)
	}
}

// storeFailed is the page for a store that is down.
func (h *Handler) storeFailed(r *http.Request, err error) page {
	if r.Context().Err() == nil { // otherwise the visitor has left
		h.failed(err)
	}
	return storeIsDown()
}

func storeIsDown() page {
	p := refusal(http.StatusServiceUnavailable, "The store does not answer",
		"The sessions cannot be looked at or ended at the moment. Nobody is logged out by that. Try again in a while; "+
			"the program's log says what is wrong.")
	p.Refresh = retrySeconds
	return p
}

// unsupported reports whether the store, or a sealed session, cannot do what was asked for.
func unsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
