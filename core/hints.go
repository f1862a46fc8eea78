package session

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// client is what a request shows of who sent it, as far as the options ask for it.
type client struct {
	agent   string     // the User-Agent header, if its family is noted or compared
	address netip.Addr // likewise
	bearer  bool       // the token travels in headers, and there are no cookies
	token   string     // of a bearer, well-formed or not; "": none
}

// asksForClient reports whether Begin has to look at who sends a request.
func (m *Manager) asksForClient() bool {
	return m.hints || m.transport != CookieOnly || m.binding != (Binding{})
}

func (m *Manager) clientOf(x Exchange) *client {
	c := &client{}
	if m.hints || m.binding.Agent != Ignore {
		c.agent = x.RequestHeader("User-Agent")
	}
	if m.hints || m.binding.Network != Ignore {
		c.address = m.clientAddress(x)
	}
	if m.transport != CookieOnly {
		c.token, c.bearer = bearerToken(x.RequestHeader("Authorization"))
		c.bearer = c.bearer || m.transport == Bearer
	}
	return c
}

// clientAddress is the connection's other end, or what stands behind it as far as trusted proxies tell. X-Forwarded-For
// is read from the right, where each proxy adds whom it has heard from: what is left of the first stranger is the
// stranger's to invent. An entry that is no address ends the way too.
func (m *Manager) clientAddress(x Exchange) netip.Addr {
	at := parseAddress(x.Facts().RemoteAddr)
	if !m.trusts(at) {
		return at
	}
	hops := strings.Split(x.RequestHeader("X-Forwarded-For"), ",")
	for _, hop := range slices.Backward(hops) {
		next := parseAddress(strings.TrimSpace(hop))
		if !next.IsValid() {
			return at
		}
		if at = next; !m.trusts(at) {
			return at
		}
	}
	return at
}

func (m *Manager) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(m.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

func checkProxies(proxies []netip.Prefix) error {
	for _, p := range proxies {
		switch {
		case !p.IsValid():
			return errors.New("TrustedProxies holds an empty prefix; make them with netip.MustParsePrefix")
		case p.Bits() == 0:
			return fmt.Errorf("TrustedProxies %v is everybody, so that clients could name any address; list your proxies", p)
		case p.Addr().Is4In6():
			return fmt.Errorf("TrustedProxies %v: write it as an IPv4 prefix", p)
		}
	}
	return nil
}

// parseAddress reads an address with or without a port. What is none gives the zero Addr.
func parseAddress(s string) netip.Addr {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		withPort, _ := netip.ParseAddrPort(s)
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone("")
}

// hint notes in e where the session is used, in place of what was noted before.
func (c *client) hint(e *wire.Envelope) {
	if c == nil || c.agent == "" && !c.address.IsValid() {
		return
	}
	e.SetExtension(wire.Agent, agentFamily(c.agent))
	e.SetExtension(wire.Network, networkOf(c.address))
}

// agentFamily reduces a User-Agent header to the browser and its system, like "Firefox on Windows". It is for people
// who look for their own devices in a list. Version numbers and the rest would tell more than that takes.
func agentFamily(header string) string {
	browser, system := firstMark(header, browsers), firstMark(header, systems)
	switch {
	case browser == "":
		return productName(header)
	case system == "":
		return browser
	default:
		return browser + " on " + system
	}
}

type clientMark struct{ text, name string }

// browsers are told apart by the first mark that fits: nearly all of them claim to be Chrome and Safari too.
var browsers = []clientMark{
	{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Vivaldi/", "Vivaldi"}, {"SamsungBrowser/", "Samsung Internet"},
	{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chromium/", "Chromium"},
	{"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
}

var systems = []clientMark{
	{"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Windows", "Windows"},
	{"Macintosh", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
}

func firstMark(header string, marks []clientMark) string {
	for _, m := range marks {
		if strings.Contains(header, m.text) {
			return m.name
		}
	}
	return ""
}

// productName is how a program that is no browser calls itself, "curl" for instance. The client chooses it, so it
// is cut short and holds letters, digits and a few signs only.
func productName(header string) string {
	const longest = 24
	end := strings.IndexFunc(header, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
	if end < 0 {
		end = len(header)
	}
	return header[:min(end, longest)]
}

// networkOf is the network of an address: the first 24 bits of an IPv4 address, 48 of an IPv6 one. The rest would
// point to one household or one person.
func networkOf(addr netip.Addr) string {
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil || !prefix.IsValid() {
		return ""
	}
	return prefix.String()
}
