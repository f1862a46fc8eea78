package main

import (
	"errors"
	"maps"
	"net/http"
	"strconv"

	session "github.com/coatcheck/coatcheck/core"
)

// httpError is a request that is answered with an error. It changes nothing.
type httpError struct {
	status int
	text   string // names the sentence; empty: "error." and the status
	args   []any
	page   string            // what a browser is shown with the sentence; empty: the error page
	header map[string]string // more headers
	cause  error
}

func (e httpError) Error() string { return e.in(nil, "") }

func (e httpError) Unwrap() error { return e.cause }

// in is the sentence in a language.
func (e httpError) in(t texts, lang string) string {
	key := e.text
	if key == "" {
		key = "error." + strconv.Itoa(e.status)
	}
	if sentence := t.say(lang, key, e.args...); sentence != "" {
		return sentence
	}
	return http.StatusText(e.status)
}

// explain says what a failed load or save means for the client.
func explain(err error) httpError {
	e := httpError{status: http.StatusInternalServerError, cause: err}
	switch {
	case errors.Is(err, session.ErrConflict):
		e.status, e.text = http.StatusConflict, "error.conflict"
	case errors.Is(err, session.ErrEnded):
		e.status, e.text = http.StatusConflict, "error.ended"
	case errors.Is(err, session.ErrTooLarge):
		e.status, e.text = http.StatusUnprocessableEntity, "error.room"
	case errors.Is(err, session.ErrUnavailable):
		e.status = http.StatusServiceUnavailable
	}
	return e
}

// fail answers a visit that did not work out.
func (v *visit) fail(err error) response {
	var e httpError
	if !errors.As(err, &e) {
		e = explain(err)
	}
	if e.status >= http.StatusInternalServerError && e.status != http.StatusNotImplemented {
		v.app.log.Error("request failed", "path", v.path, "error", err)
	}
	message := e.in(v.app.texts, v.language())
	var answer response
	if v.json {
		answer = v.app.jsonError(e.status, message)
	} else {
		answer = v.render(e.status, e.page, message)
	}
	maps.Copy(answer.header, e.header)
	return v.personal(answer)
}

// refuse answers without a look at the session.
func (a *app) refuse(header func(string) string, e httpError) response {
	lang := preferred(header("Accept-Language"))
	text := e.in(a.texts, lang)
	var answer response
	if wantsJSON(header) {
		answer = a.jsonError(e.status, text)
	} else {
		answer = a.renderPage(e.status, "error", page{app: a, State: stranger(lang), Path: "/", Status: e.status,
			Error: text})
	}
	answer.header["Cache-Control"] = "no-store"
	maps.Copy(answer.header, e.header)
	return answer
}
