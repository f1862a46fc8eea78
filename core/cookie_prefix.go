package session

import (
	"fmt"
	"slices"
	"strings"
)

// The prefixes of a cookie's name that browsers attach conditions to (RFC 6265bis §4.1.3). All want Secure, those
// of a host also Path=/ and no Domain, and those with Http also HttpOnly, which a session's cookie always has.
const (
	hostHTTPPrefix = "__Host-Http-"
	hostPrefix     = "__Host-"
	securePrefix   = "__Secure-"
	httpPrefix     = "__Http-"

	longestPrefix = len(hostHTTPPrefix)
)

var prefixes = []string{hostHTTPPrefix, hostPrefix, securePrefix, httpPrefix} // longer ones first

// prefixOf compares without case, as browsers do. It returns the prefix as it should be written, or "".
func prefixOf(name string) string {
	for _, p := range prefixes {
		if len(name) >= len(p) && strings.EqualFold(name[:len(p)], p) {
			return p
		}
	}
	return ""
}

func isHost(prefix string) bool { return strings.HasPrefix(prefix, hostPrefix) }

func prefixFor(s Scope, insecure bool) string {
	switch {
	case insecure:
		return ""
	case s.Domain != "" || s.Path != "/":
		return securePrefix
	default:
		return hostPrefix
	}
}

func checkPrefix(name string, s Scope, insecure bool) error {
	prefix := prefixOf(name)
	const instead = "leave Name empty, or use the prefix " + securePrefix + " or " + httpPrefix
	switch {
	case prefix == "":
		return nil
	case len(name) == len(prefix):
		return fmt.Errorf("name %q: something has to follow the prefix", name)
	case insecure:
		return fmt.Errorf("browsers refuse the name %q without Secure, which InsecureHTTP drops: leave Name empty", name)
	case isHost(prefix) && s.Domain != "":
		return fmt.Errorf("browsers refuse the name %q with a Domain: %s", name, instead)
	case isHost(prefix) && s.Path != "/":
		return fmt.Errorf("browsers refuse the name %q with Path %q: %s", name, s.Path, instead)
	case !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }):
		return fmt.Errorf("name %q: write the prefix as %s", name, prefix)
	}
	return nil
}
