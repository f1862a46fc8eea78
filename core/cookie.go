package session

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

const (
	// maxCookie is what browsers must accept, name, value and attributes counted (RFC 6265 §6.1).
	maxCookie = 4096
	// maxAge is where browsers cap a cookie's lifetime (RFC 6265bis §5.5).
	maxAge        = 400 * 24 * time.Hour
	maxName       = 64
	maxCandidates = 3
)

// Cookie says how the session's cookie is set. The zero value is the strictest there is: a __Host- name, Secure,
// HttpOnly, SameSite=Lax, Path=/ and no Domain (RFC 6265bis, OWASP Session Management Cheat Sheet).
// HttpOnly cannot be switched off.
type Cookie struct {
	// Name is the exact name. Empty means Options.Name behind the strongest prefix that every browser knows and the
	// other settings allow: __Host-, with a Domain or Path __Secure-, with Options.InsecureHTTP none (see there). A
	// name of your own may also begin with __Host-Http- or __Http-: browsers that know these take it from servers
	// only, not from scripts.
	Name string
	// Domain also sends the cookie to the subdomains of this one. Empty, the default, means this host only.
	Domain string
	// Path limits the cookie to a part of the site. Empty means "/". It is no security boundary.
	Path string
	// Former are Domain and Path as earlier deployments had them under the same name. Browsers that still have a
	// cookie from there send it beside the new one and do not say which is which; when several cookies of the name
	// arrive, the response deletes those of the former scopes. Leave a scope here until the last session of its
	// time has expired.
	Former []Scope
	// SameSite is http.SameSiteLaxMode when zero. http.SameSiteNoneMode needs https.
	SameSite http.SameSite
	// Partitioned gives the cookie a jar of its own under each site that shows yours in a frame (CHIPS), where
	// browsers refuse other sites' cookies. It needs http.SameSiteNoneMode and https.
	Partitioned bool
	// Persistent keeps the cookie when the browser closes, until the session's absolute deadline, at most 400 days.
	// Session.SetLifetime can choose otherwise for one session.
	Persistent bool
}

// cookie is a checked Cookie. The lines that set it and those that delete it take their attributes from here alone.
type cookie struct {
	name       string
	assignment string // name and "="
	attributes string
	former     []string // the lines that delete it where earlier deployments had it
	persistent bool     // as long as a session has not chosen
}

func newCookie(c Cookie, name string, insecure bool) (cookie, error) {
	made, err := c.checked(name, insecure)
	if err != nil {
		return cookie{}, fmt.Errorf("cookie: %w", err)
	}
	return made, nil
}

func (c Cookie) checked(name string, insecure bool) (cookie, error) {
	scope := Scope{c.Domain, c.Path}.complete()
	if c.Name == "" {
		c.Name = prefixFor(scope, insecure) + name
	}
	if err := checkName(c.Name, maxName+longestPrefix); err != nil {
		return cookie{}, fmt.Errorf("name %w", err)
	}
	if err := errors.Join(checkPrefix(c.Name, scope, insecure), scope.check()); err != nil {
		return cookie{}, err
	}
	protection, err := c.protection(insecure)
	if err != nil {
		return cookie{}, err
	}
	made := cookie{name: c.Name, assignment: c.Name + "=", persistent: c.Persistent}
	made.attributes = scope.attributes() + protection
	for i, f := range c.Former {
		if f = f.complete(); f.same(scope) {
			return cookie{}, fmt.Errorf("Former[%d] is the present Domain and Path: leave it out", i)
		}
		if err := f.checkFormer(c.Name); err != nil {
			return cookie{}, fmt.Errorf("Former[%d]: %w", i, err)
		}
		made.former = append(made.former, made.assignment+f.attributes()+protection+deletion)
	}
	return made, nil
}

const deletion = "; Max-Age=0"

// protection returns the attributes that do not say where the cookie is sent to, but when.
func (c Cookie) protection(insecure bool) (string, error) {
	sameSite, err := sameSiteAttribute(c.SameSite, insecure)
	switch {
	case err != nil:
		return "", err
	case c.Partitioned && insecure:
		return "", errors.New("Partitioned needs Secure, which InsecureHTTP drops: leave it out")
	case c.Partitioned && c.SameSite != http.SameSiteNoneMode:
		return "", errors.New("Partitioned is for pages in frames of other sites, where only SameSite=None is sent: " +
			"set SameSite to http.SameSiteNoneMode, or leave Partitioned out")
	case insecure:
		return "; HttpOnly" + sameSite, nil
	case c.Partitioned:
		return "; HttpOnly; Secure" + sameSite + "; Partitioned", nil
	}
	return "; HttpOnly; Secure" + sameSite, nil
}

func sameSiteAttribute(s http.SameSite, insecure bool) (string, error) {
	switch s {
	case 0, http.SameSiteLaxMode:
		return "; SameSite=Lax", nil
	case http.SameSiteStrictMode:
		return "; SameSite=Strict", nil
	case http.SameSiteNoneMode:
		if insecure {
			return "", errors.New("SameSite=None needs Secure, which InsecureHTTP drops: use Lax")
		}
		return "; SameSite=None", nil
	default:
		return "", fmt.Errorf("SameSite %d: use http.SameSiteLaxMode, SameSiteStrictMode or SameSiteNoneMode", s)
	}
}

// nameAlphabet is what the names of keys, and the cookies' names that this package makes up, consist of.
const nameAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

// checkName refuses what browsers do not take as a cookie's name.
func checkName(name string, longest int) error {
	if name == "" || len(name) > longest {
		return fmt.Errorf("%q: use 1 to %d characters", name, longest)
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return fmt.Errorf("%q: use letters, digits, '-', '_' and '.'", name)
		}
	}
	return nil
}

// set returns the Set-Cookie line for value; lasting says how long the browser is to keep it: see cookieLasts.
func (c *cookie) set(value string, lasting wire.Millis) string {
	return c.assignment + value + c.attributesFor(lasting)
}

func (c *cookie) attributesFor(lasting wire.Millis) string {
	if lasting == untilBrowserCloses {
		return c.attributes
	}
	seconds := max(1, min(int64(lasting)/1000, int64(maxAge/time.Second)))
	return c.attributes + "; Max-Age=" + strconv.FormatInt(seconds, 10)
}

// valueIn returns the value that a line of set's gives to the cookie.
func (c *cookie) valueIn(line string) string {
	value, _, _ := strings.Cut(strings.TrimPrefix(line, c.assignment), ";")
	return value
}

func (c *cookie) delete() string { return c.assignment + c.attributes + deletion }

// candidates are the values that a request's Cookie lines hold under one name.
type candidates struct {
	values  [maxCandidates]string
	count   int
	several bool      // there were more values than one, well-formed or not
	skipped [3]Reason // why values were passed over, each reason once

	unopened Reason // why values opened no session, the most telling reason
}

// find collects the distinct well-formed values: at most three, because each costs a look-up and only the
// client decides how many it sends.
func (c *cookie) find(lines []string, wellFormed func(string) Reason) (found candidates) {
	seen := false
	for _, line := range lines {
		for line != "" {
			pair, rest := line, ""
			if end := strings.IndexByte(line, ';'); end >= 0 {
				pair, rest = line[:end], line[end+1:]
			}
			if value, ok := strings.CutPrefix(trimBlanks(pair), c.assignment); ok {
				found.several = found.several || seen
				seen = true
				found.add(unquote(value), wellFormed)
			}
			line = rest
		}
	}
	return found
}

// unquote takes a pair of quotes off, as net/http does; a single one belongs to the value.
func unquote(s string) string {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// trimBlanks is strings.Trim for two known characters, in a fraction of the time.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

func (f *candidates) add(value string, wellFormed func(string) Reason) {
	if reason := wellFormed(value); reason != "" {
		f.skipFor(reason)
		return
	}
	for _, known := range f.values[:f.count] {
		if known == value {
			return
		}
	}
	if f.count == maxCandidates {
		f.skipFor(ReasonAmbiguous)
		return
	}
	f.values[f.count] = value
	f.count++
}

func (f *candidates) skipFor(reason Reason) {
	for i, known := range f.skipped {
		if known == "" || known == reason {
			f.skipped[i] = reason
			return
		}
	}
}
