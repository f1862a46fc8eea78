package sessionui

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	// longestForm is that of a form that is sent here, in bytes.
	longestForm = 16 << 10
	// longestRevoke is when ending a subject's sessions is given up. It goes on when the visitor leaves.
	longestRevoke = 10 * time.Minute
)

// question is what the page asks before it ends anything.
type question struct {
	Subject      string
	All          bool
	Total        int // of all; 0: not known
	Device       *device
	Action, Back template.URL
	Token        string // "": there is no session to take one from
}

// confirm is the page with the question. It says what the answer will end.
func (h *Handler) confirm(r *http.Request, t target) page {
	list, err := h.manager.List(r.Context(), t.subject)
	q := question{
		Subject: shown(t.subject), All: t.all, Total: len(list), Token: h.token(r.Context()),
		Action: template.URL(query(t.pairs()...)), //nolint:gosec // as in reference
		Back:   reference("subject", t.subject),
	}
	for _, i := range list {
		if i.Handle == t.handle {
			d := deviceOf(i, h.now())
			q.Device = &d
		}
	}
	nothing := q.Device == nil && !t.all || q.Total == 0
	switch {
	case nothing && err != nil && !unsupported(err):
		return h.storeFailed(r, err)
	case nothing && err == nil:
		return gone(t)
	}
	heading := "End this session?"
	if t.all {
		heading = "End all sessions of " + q.Subject + "?"
	}
	return page{Status: http.StatusOK, Heading: heading, View: q, template: confirmPage}
}

// pairs are the target in a query.
func (t target) pairs() []string {
	if t.all {
		return []string{"subject", t.subject, "all", "1"}
	}
	return []string{"subject", t.subject, "handle", t.handle}
}

// change does what a form asks for.
func (h *Handler) change(w http.ResponseWriter, r *http.Request) page {
	if err := h.origins.Check(r); err != nil {
		return refusal(http.StatusForbidden, "Refused", "The form was sent by a page of another site, and nothing was done.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, longestForm)
	if err := r.ParseForm(); err != nil {
		return refusal(http.StatusBadRequest, "Not understood", "The form arrived in pieces, and nothing was done.")
	}
	t := targetOf(r)
	switch {
	case !h.checkToken(r.Context(), r.PostForm.Get("token")):
		return t.back(refusal(http.StatusForbidden, "Refused",
			"The form is older than your login, or was not made for you, and nothing was done. Go back and try again."))
	case t.subject == "" || t.handle == "" && !t.all:
		return refusal(http.StatusBadRequest, "Not understood", "The form does not say what to end, and nothing was done.")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), longestRevoke)
	defer cancel()
	return t.back(h.revoke(ctx, r, t))
}

func (h *Handler) revoke(ctx context.Context, r *http.Request, t target) page {
	var ended int
	var err error
	if t.all {
		ended, err = h.manager.RevokeAll(ctx, t.subject)
	} else {
		ended, err = 1, h.manager.Revoke(ctx, t.subject, t.handle)
	}
	switch {
	case err == nil:
		return done(ended, t)
	case errors.Is(err, session.ErrNotFound):
		return gone(t)
	case unsupported(err):
		return refusal(http.StatusNotImplemented, "Not possible here",
			"Nobody can end these sessions from here: they are sealed in their browsers' cookies, or in a store that "+
				"cannot search, and the application keeps no revocations. Nothing was done.")
	}
	p := h.storeFailed(r, err)
	p.Refresh = 0 // it would ask for this again
	p.View = message{Bad: true, Text: failure(t, ended)}
	return p
}

// done is the page after the end.
func done(ended int, t target) page {
	text := "The session has ended."
	switch {
	case t.all && ended < 0:
		text = "All sessions have ended that there were."
	case t.all:
		text = several(ended, "session") + " ended."
	}
	return page{Status: http.StatusOK, Heading: "Done: " + shown(t.subject), template: messagePage,
		View: message{Text: text}}
}

// gone is the page for what is not there.
func gone(t target) page {
	text := "The subject has no session that is alive."
	if !t.all {
		text = "The subject has no live session of this handle. It may have ended meanwhile."
	}
	return t.back(refusal(http.StatusNotFound, "Nothing to end", text))
}

// failure says what is known of the outcome.
func failure(t target, ended int) string {
	text := "The store did not answer. The session may have ended or not: look, and try again."
	if t.all {
		text = fmt.Sprintf("The store did not answer to the end: at least %s ended, and there may be more. "+
			"Try again to go on.", several(max(ended, 0), "session"))
	}
	return text
}

// back makes a page lead back to the subject.
func (t target) back(p page) page {
	m, ok := p.View.(message)
	if ok && t.subject != "" {
		m.Back, m.BackTo = reference("subject", t.subject), "Sessions of "+shown(t.subject)
		p.View = m
	}
	return p
}

// session returns the visitor's own session of the manager whose sessions are shown, or nil if the page is not within
// that manager's middleware, or nobody is logged in there.
func (h *Handler) session(ctx context.Context) *session.Session {
	if h.manager.Exchange(ctx) == nil {
		return nil
	}
	if s := h.manager.From(ctx); s.Subject() != "" {
		return s
	}
	return nil
}

func (h *Handler) token(ctx context.Context) string {
	if s := h.session(ctx); s != nil {
		return s.FormToken()
	}
	return ""
}

func (h *Handler) checkToken(ctx context.Context, token string) bool {
	s := h.session(ctx)
	return s == nil || s.CheckFormToken(token)
}
