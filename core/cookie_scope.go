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
