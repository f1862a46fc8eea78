package main

import (
	"slices"
	"strings"
)

const (
	hostPrefix   = "__Host-"
	securePrefix = "__Secure-"
	defaultName  = "id" // session.Options.Name's
)

// cookie is a cookie as a person pasted it.
type cookie struct {
	name  string // "" if only its value is known
	value string
}

// attributes are what a Set-Cookie line has besides the cookie.
var attributes = []string{"domain", "expires", "httponly", "max-age", "partitioned", "path", "priority",
	"samesite", "secure"}

// parseCookies reads a bare value, NAME=VALUE, or a Cookie or Set-Cookie line. Of several cookies it returns those of
// the manager's name, or all if none is.
func parseCookies(text, manager string) []cookie {
	text = strings.TrimSpace(text)
	if header, rest, ok := strings.Cut(text, ":"); ok &&
		(strings.EqualFold(header, "cookie") || strings.EqualFold(header, "set-cookie")) {
		text = rest
	}
	var all, named []cookie
	for pair := range strings.SplitSeq(text, ";") {
		c := parseCookie(strings.TrimSpace(pair))
		if c.value == "" || slices.Contains(attributes, strings.ToLower(c.name)) || c.name == "" && isAttribute(c.value) {
			continue
		}
		all = append(all, c)
		if withoutPrefix(c.name) == manager {
			named = append(named, c)
		}
	}
	if len(named) > 0 {
		return named
	}
	return all
}

func isAttribute(s string) bool { return slices.Contains(attributes, strings.ToLower(s)) }

// parseCookie reads NAME=VALUE or a bare value. Base64 may end with "=", so what only has that behind it is no name.
func parseCookie(s string) cookie {
	name, value, ok := strings.Cut(s, "=")
	if !ok || strings.Trim(value, "=") == "" && len(name) >= shortestSecret {
		return cookie{value: strings.Trim(s, `"`)}
	}
	return cookie{name: strings.TrimSpace(name), value: strings.Trim(strings.TrimSpace(value), `"`)}
}

func withoutPrefix(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, hostPrefix), securePrefix)
}

// managers are the names of managers that may have made the cookie. wanted is "" if nobody knows.
func (c cookie) managers(wanted string) []string {
	switch own := withoutPrefix(c.name); {
	case wanted != "":
		return []string{wanted}
	case own == "" || own == defaultName:
		return []string{defaultName}
	default:
		return []string{own, defaultName}
	}
}

// names are the names that the cookie may have had in the browser. Sealing binds a session to it.
func (c cookie) names(manager string) []string {
	if c.name != "" {
		return []string{c.name}
	}
	return []string{hostPrefix + manager, securePrefix + manager, manager}
}
