package week

import (
	"maps"
	"net/http"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// jar is where the browser keeps the session's cookie.
type jar struct {
	name, token string
	persistent  bool
	expires     time.Time // of a persistent one
}

func (j *jar) at(now time.Time) string {
	if j.persistent && !now.Before(j.expires) {
		j.token = ""
	}
	return j.token
}

func (j *jar) put(c *http.Cookie, now time.Time) {
	*j = jar{name: c.Name, token: c.Value}
	switch {
	case c.MaxAge < 0:
		j.token = ""
	case c.MaxAge > 0:
		j.persistent, j.expires = true, now.Add(time.Duration(c.MaxAge)*time.Second)
	}
}

// close ends the browser, and with it every cookie that is not persistent.
func (j *jar) close() {
	if !j.persistent {
		j.token = ""
	}
}

// exchange is a request without a server.
type exchange struct {
	lines    []string
	response http.Header
}

func (x *exchange) CookieLines() []string                { return x.lines }
func (x *exchange) Method() string                       { return "" }
func (x *exchange) Facts() session.RequestFacts          { return session.RequestFacts{TLS: true} }
func (x *exchange) AddCookie(line string)                { x.response.Add("Set-Cookie", line) }
func (x *exchange) RequestHeader(string) string          { return "" }
func (x *exchange) ResponseHeader(name string) string    { return strings.Join(x.response[name], ", ") }
func (x *exchange) SetResponseHeader(name, value string) { x.response[name] = []string{value} }
func (x *exchange) SetCookie(_, line string)             { x.response["Set-Cookie"] = []string{line} }
func (x *exchange) ResetResponse()                       { clear(x.response) }
func (x *exchange) RemoveResponseHeaders(unwanted func(string) bool) {
	maps.DeleteFunc(x.response, func(name string, _ []string) bool { return unwanted(name) })
}

// cookie returns what the response does to the session's cookie, or nil.
func (x *exchange) cookie() *http.Cookie {
	for _, c := range (&http.Response{Header: x.response}).Cookies() {
		return c
	}
	return nil
}
