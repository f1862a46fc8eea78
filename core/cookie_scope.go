package session

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Scope says where a browser sends a cookie to. Its fields are Cookie's of the same names.
type Scope struct{ Domain, Path string }

func (s Scope) complete() Scope {
	if s.Path == "" {
		s.Path = "/"
	}
	return s
}

func (s Scope) check() error { return errors.Join(checkDomain(s.Domain), checkPath(s.Path)) }

// checkFormer also knows what a cookie of this name cannot have been.
func (s Scope) checkFormer(name string) error {
	if prefix := prefixOf(name); isHost(prefix) {
		return fmt.Errorf("browsers take the name %q only with Path=/ and no Domain: leave Former empty", name)
	}
	return s.check()
}

func (s Scope) same(other Scope) bool {
	return s.Path == other.Path && strings.EqualFold(s.Domain, other.Domain)
}

// coversPath reports whether a cookie of this scope is sent to all that is below a path (RFC 6265 §5.1.4).
func (s Scope) coversPath(path string) bool {
	rest, below := strings.CutPrefix(path, s.Path)
	return below && (rest == "" || rest[0] == '/' || strings.HasSuffix(s.Path, "/"))
}

// coversDomain reports whether a cookie of this scope is sent to a domain and all below it (RFC 6265 §5.1.3).
func (s Scope) coversDomain(domain string) bool {
	rest, below := strings.CutSuffix(strings.ToLower(domain), strings.ToLower(s.Domain))
	return s.Domain != "" && below && (rest == "" || strings.HasSuffix(rest, "."))
}

func (s Scope) attributes() string {
	if s.Domain == "" {
		return "; Path=" + s.Path
	}
	return "; Path=" + s.Path + "; Domain=" + s.Domain
}

func checkDomain(domain string) error {
	if domain == "" {
		return nil
	}
	if len(domain) > maxAttribute {
		return fmt.Errorf("Domain of %d bytes: browsers ignore more than %d", len(domain), maxAttribute)
	}
	labels := strings.Split(domain, ".")
	for _, label := range labels {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return fmt.Errorf("Domain %q: use a bare host name like example.com, without scheme, port or leading dot", domain)
		}
	}
	if _, err := strconv.Atoi(labels[len(labels)-1]); err == nil || len(labels) < 2 {
		return fmt.Errorf("Domain %q: browsers accept only names with a dot in them; leave it empty for this host only",
			domain)
	}
	return nil
}

// maxAttribute is what browsers take of an attribute (RFC 6265bis §5.6).
const maxAttribute = 1024

func checkPath(path string) error {
	if len(path) > maxAttribute {
		return fmt.Errorf("Path of %d bytes: browsers ignore more than %d", len(path), maxAttribute)
	}
	if path[0] != '/' || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ';' }) {
		return fmt.Errorf("Path %q: start with \"/\" and use visible ASCII without ';'", path)
	}
	return nil
}
