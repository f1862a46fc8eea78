package session

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxCookie is what browsers must accept, name, value and attributes counted (RFC 6265 §6.1).
	maxCookie = 4096
	// maxAge is where browsers cap a cookie's lifetime (RFC 6265bis §5.5).
	maxAge        = 400 * 24 * time.Hour
	maxName       = 64
	maxCandidates = 3
	hostPrefix    = "__Host-"
	securePrefix  = "__Secure-"
)

// Cookie says how the session's cookie is set. The zero value is the strictest there is: a __Host- name, Secure,
// HttpOnly, SameSite=Lax, Path=/ and no Domain (RFC 6265bis, OWASP Session Management Cheat Sheet).
// HttpOnly cannot be switched off.
type Cookie struct {
	// Name is the exact name. Empty means Options.Name behind the strongest prefix that the other settings
	// allow: __Host-, with a Domain or Path __Secure-, with Options.InsecureHTTP none.
	Name string
	// Domain also sends the cookie to the subdomains of this one. Empty, the default, means this host only.
	Domain string
	// Path limits the cookie to a part of the site. Empty means "/". It is no security boundary.
	Path string
	// SameSite is http.SameSiteLaxMode when zero. http.SameSiteNoneMode needs https.
	SameSite http.SameSite
	// Persistent keeps the cookie when the browser closes, until the session's absolute deadline, at most 400 days.
	Persistent bool
}

// cookie is a checked Cookie: the one place that builds both the setting and the deleting line.
type cookie struct {
	name       string
	assignment string // name and "="
	attributes string
	persistent bool
	former     []string // the lines that delete the cookie in the scopes it had before
}

func newCookie(c Cookie, name string, insecure bool) (cookie, error) {
	sameSite, err := sameSiteAttribute(c.SameSite, insecure)
	if err != nil {
		return cookie{}, err
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.Name == "" {
		c.Name = prefixFor(c, insecure) + name
	}
	if err := checkName(c.Name, maxName+len(securePrefix)); err != nil {
		return cookie{}, fmt.Errorf("cookie: name %w", err)
	}
	if err := errors.Join(checkPrefix(c, insecure), checkDomain(c.Domain), checkPath(c.Path)); err != nil {
		return cookie{}, err
	}
	attributes := "; Path=" + c.Path
	if c.Domain != "" {
		attributes += "; Domain=" + c.Domain
	}
	attributes += "; HttpOnly"
	if !insecure {
		attributes += "; Secure"
	}
	return cookie{name: c.Name, assignment: c.Name + "=", attributes: attributes + sameSite, persistent: c.Persistent}, nil
}

func prefixFor(c Cookie, insecure bool) string {
	switch {
	case insecure:
		return ""
	case c.Domain != "" || c.Path != "/":
		return securePrefix
	default:
		return hostPrefix
	}
}

func sameSiteAttribute(s http.SameSite, insecure bool) (string, error) {
	switch s {
	case 0, http.SameSiteLaxMode:
		return "; SameSite=Lax", nil
	case http.SameSiteStrictMode:
		return "; SameSite=Strict", nil
	case http.SameSiteNoneMode:
		if insecure {
			return "", errors.New("cookie: SameSite=None needs Secure, which InsecureHTTP drops: use Lax")
		}
		return "; SameSite=None", nil
	default:
		return "", fmt.Errorf("cookie: SameSite %d: use http.SameSiteLaxMode, SameSiteStrictMode or SameSiteNoneMode", s)
	}
}

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

// checkPrefix compares without case, as browsers do.
func checkPrefix(c Cookie, insecure bool) error {
	host := hasPrefixFold(c.Name, hostPrefix)
	if !host && !hasPrefixFold(c.Name, securePrefix) {
		return nil
	}
	switch {
	case len(c.Name) == len(hostPrefix) && host || len(c.Name) == len(securePrefix) && !host:
		return fmt.Errorf("cookie: name %q: something has to follow the prefix", c.Name)
	case insecure:
		return fmt.Errorf("cookie: browsers refuse the name %q without Secure, which InsecureHTTP drops: leave Name empty", c.Name)
	case host && c.Domain != "":
		return fmt.Errorf("cookie: browsers refuse the name %q with a Domain: leave Name empty, or use the prefix %s", c.Name, securePrefix)
	case host && c.Path != "/":
		return fmt.Errorf("cookie: browsers refuse the name %q with Path %q: leave Name empty, or use the prefix %s", c.Name, c.Path, securePrefix)
	case !strings.HasPrefix(c.Name, hostPrefix) && !strings.HasPrefix(c.Name, securePrefix):
		return fmt.Errorf("cookie: name %q: write the prefix as %s or %s", c.Name, hostPrefix, securePrefix)
	}
	return nil
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func checkDomain(domain string) error {
	if domain == "" {
		return nil
	}
	if len(domain) > maxAttribute {
		return fmt.Errorf("cookie: Domain of %d bytes: browsers ignore more than %d", len(domain), maxAttribute)
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return fmt.Errorf("cookie: Domain %q: use a bare host name like example.com, without scheme, port or leading dot", domain)
		}
	}
	if _, err := strconv.Atoi(labels[len(labels)-1]); err == nil || len(labels) < 2 {
		return fmt.Errorf("cookie: Domain %q: browsers accept only names with a dot in them; leave it empty for this host only", domain)
	}
	return nil
}

// maxAttribute is what browsers take of an attribute (RFC 6265bis §5.6).
const maxAttribute = 1024

func checkPath(path string) error {
	if len(path) > maxAttribute {
		return fmt.Errorf("cookie: Path of %d bytes: browsers ignore more than %d", len(path), maxAttribute)
	}
	if path[0] != '/' || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' }) {
		return fmt.Errorf("cookie: Path %q: start with \"/\" and use visible ASCII without ';'", path)
	}
	return nil
}

// set returns the Set-Cookie line for value; lasting is the time to the session's absolute deadline.
func (c *cookie) set(value string, lasting millis) string {
	return c.assignment + value + c.attributesFor(lasting)
}

func (c *cookie) attributesFor(lasting millis) string {
	if !c.persistent {
		return c.attributes
	}
	seconds := max(1, min(int64(lasting)/1000, int64(maxAge/time.Second)))
	return c.attributes + "; Max-Age=" + strconv.FormatInt(seconds, 10)
}

func (c *cookie) delete() string { return c.assignment + c.attributes + "; Max-Age=0" }

// candidates are the values that a request's Cookie lines hold under one name.
type candidates struct {
	values  [maxCandidates]string
	count   int
	several bool      // there were more values than one, well-formed or not
	skipped [3]Reason // why values were passed over, each reason once
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
				found.add(strings.Trim(value, `"`), wellFormed)
			}
			line = rest
		}
	}
	return found
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
		f.skip(reason)
		return
	}
	for _, known := range f.values[:f.count] {
		if known == value {
			return
		}
	}
	if f.count == maxCandidates {
		f.skip(ReasonAmbiguous)
		return
	}
	f.values[f.count] = value
	f.count++
}

func (f *candidates) skip(reason Reason) {
	for i, known := range f.skipped {
		if known == "" || known == reason {
			f.skipped[i] = reason
			return
		}
	}
}
