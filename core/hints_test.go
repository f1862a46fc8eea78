package session

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAgentFamily(t *testing.T) {
	for header, want := range map[string]string{
		"": "",
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 " +
			"Firefox/140.0": "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 " +
			"Safari/537.36": "Chrome on Windows",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 " +
			"Safari/537.36 Edg/140.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 " +
			"Safari/605.1.15": "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
			"CriOS/140.0.0.0 Mobile/15E148 Safari/604.1": "Chrome on iOS",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 " +
			"Mobile Safari/537.36": "Samsung Internet on Android",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 " +
			"Safari/537.36": "Chrome on ChromeOS",
		"curl/8.14.1":                              "curl",
		"python-requests/2.32":                     "python-requests",
		"<script>alert(1)</script>":                "",
		"AVeryLongNameOfAProgramThatNobodyKnows/1": "AVeryLongNameOfAProgramT",
	} {
		if got := agentFamily(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func TestNetworkOf(t *testing.T) {
	for address, want := range map[string]string{
		"203.0.113.7:4711":              "203.0.113.0/24",
		"203.0.113.7":                   "203.0.113.0/24",
		"[2001:db8:1:2::7]:4711":        "2001:db8:1::/48",
		"2001:db8:1:2::7":               "2001:db8:1::/48",
		"::ffff:203.0.113.7":            "203.0.113.0/24",
		"fe80::1%eth0":                  "fe80::/48",
		"":                              "",
		"@":                             "",
		"unix:/run/app.sock":            "",
		"203.0.113.7, 198.51.100.1:200": "",
	} {
		if got := networkOf(parseAddress(address)); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// onlyAsked is an exchange of which only the request is known.
type onlyAsked struct {
	Exchange
	facts  RequestFacts
	header map[string]string
}

func (a onlyAsked) Method() string                   { return "" }
func (a onlyAsked) Facts() RequestFacts              { return a.facts }
func (a onlyAsked) RequestHeader(name string) string { return a.header[name] }

// Whoever is not a trusted proxy can write anything into X-Forwarded-For, and all that is left of it.
func TestTheClientsAddressIsToldByTrustedProxiesOnly(t *testing.T) {
	m, err := NewSealed(TemporaryKeys(), Options{TrustedProxies: []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ peer, header, want string }{
		{"198.51.100.9:1", "", "198.51.100.9"},
		{"198.51.100.9:1", "203.0.113.7", "198.51.100.9"},
		{"10.0.0.1:1", "203.0.113.7", "203.0.113.7"},
		{"[::ffff:10.0.0.1]:1", "203.0.113.7", "203.0.113.7"},
		{"[2001:db8:ffff::1%eth0]:1", "2001:db8:1::7", "2001:db8:1::7"},
		{"10.0.0.1:1", "", "10.0.0.1"},
		{"10.0.0.1:1", "192.0.2.66, 203.0.113.7", "203.0.113.7"},
		{"10.0.0.1:1", "192.0.2.66, 203.0.113.7,10.0.0.2 , 10.9.9.9", "203.0.113.7"},
		{"10.0.0.1:1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
		{"10.0.0.1:1", "203.0.113.7:4711", "203.0.113.7"},
		{"10.0.0.1:1", "[2001:db8:1::7]:4711", "2001:db8:1::7"},
		{"10.0.0.1:1", "[2001:db8:1::7]", "2001:db8:1::7"},
		{"10.0.0.1:1", "192.0.2.66, unknown, 10.0.0.2", "10.0.0.2"},
		{"10.0.0.1:1", "192.0.2.66, , 10.0.0.2", "10.0.0.2"},
		{"10.0.0.1:1", "203.0.113.999", "10.0.0.1"},
		{"10.0.0.1:1", "192.0.2.66, [203.0.113.7", "10.0.0.1"},
		{"@", "203.0.113.7", "invalid IP"},
	} {
		x := onlyAsked{facts: RequestFacts{RemoteAddr: c.peer}, header: map[string]string{"X-Forwarded-For": c.header}}
		if got := m.clientAddress(x).String(); got != c.want {
			t.Errorf("from %s, X-Forwarded-For %q: %s, want %s", c.peer, c.header, got, c.want)
		}
	}
}

func TestProxiesThatNameNobodyOrEverybodyAreRefused(t *testing.T) {
	for what, p := range map[string]netip.Prefix{
		"empty": {}, "everybody": netip.MustParsePrefix("0.0.0.0/0"), "IPv4": netip.MustParsePrefix("::ffff:10.0.0.0/104"),
	} {
		_, err := NewSealed(TemporaryKeys(), Options{TrustedProxies: []netip.Prefix{p}})
		if err == nil || !strings.Contains(err.Error(), "TrustedProxies") || !strings.Contains(err.Error(), what) {
			t.Errorf("%v: error %v, want one that says %q", p, err, what)
		}
	}
}
