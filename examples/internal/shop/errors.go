package shop

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Error is a request that is answered with an error. It changes nothing.
type Error struct {
	Status int
	text   string // names the sentence; empty: "error." and the status
	args   []any
	page   string            // what a browser is shown with the sentence; empty: the error page
	header map[string]string // more headers
	Cause  error
}

func (e Error) Error() string { return e.in(nil, "") }

func (e Error) Unwrap() error { return e.Cause }

// in is the sentence in a language.
func (e Error) in(t texts, lang string) string {
	key := e.text
	if key == "" {
		key = "error." + strconv.Itoa(e.Status)
	}
	if sentence := t.say(lang, key, e.args...); sentence != "" {
		return sentence
	}
	return http.StatusText(e.Status)
}

// explain says what a failed load or save, or a guard's refusal, means for the client.
func explain(err error) Error {
	e := Error{Status: http.StatusInternalServerError, Cause: err}
	switch {
	case errors.Is(err, session.ErrLoginRequired):
		e.Status, e.text = http.StatusUnauthorized, "error.anonymous"
	case errors.Is(err, session.ErrLoginStale):
		e.Status, e.text, e.args = http.StatusUnauthorized, "error.stale", []any{int(recently / time.Minute)}
	case errors.Is(err, session.ErrForbidden):
		e.Status, e.text = http.StatusForbidden, "error.admin"
	case errors.Is(err, session.ErrCrossSite):
		e.Status, e.text = http.StatusForbidden, "error.site"
	case errors.Is(err, session.ErrConflict):
		e.Status, e.text = http.StatusConflict, "error.conflict"
	case errors.Is(err, session.ErrEnded):
		e.Status, e.text = http.StatusConflict, "error.ended"
	case errors.Is(err, session.ErrTooLarge):
		e.Status, e.text = http.StatusUnprocessableEntity, "error.room"
	case errors.Is(err, session.ErrUnavailable):
		e.Status = http.StatusServiceUnavailable
	}
	return e
}

// fail answers a visit that did not work out.
func (v *visit) fail(err error) Response {
	var e Error
	if !errors.As(err, &e) {
		e = explain(err)
	}
	if e.Status >= http.StatusInternalServerError && e.Status != http.StatusNotImplemented {
		v.app.log.Error("request failed", "path", v.path, "error", err)
	}
	message := e.in(v.app.texts, v.language())
	var answer Response
	if v.json {
		answer = v.app.jsonError(e.Status, message, e.Status == http.StatusUnauthorized && v.expired())
	} else {
		answer = v.render(e.Status, e.page, message)
	}
	maps.Copy(answer.Header, e.header)
	return v.personal(answer)
}

// Refuse answers without a look at the session.
func (a *App) Refuse(header func(string) string, e Error) Response {
	lang := preferred(header("Accept-Language"))
	text := e.in(a.texts, lang)
	var answer Response
	if wantsJSON(header) {
		answer = a.jsonError(e.Status, text, false)
	} else {
		shown := page{app: a, State: stranger(lang), Path: "/", Status: e.Status, Error: text}
		answer = a.renderPage(e.Status, "error", shown)
	}
	answer.Header["Cache-Control"] = "no-store"
	maps.Copy(answer.Header, e.header)
	return answer
}
