package session

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func TestCookieLine(t *testing.T) {
	for _, c := range []struct {
		name     string
		cookie   Cookie
		insecure bool
		want     string
	}{
		{"default", Cookie{}, false, "__Host-id=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"InsecureHTTP drops Secure and the prefix together", Cookie{}, true, "id=v; Path=/; HttpOnly; SameSite=Lax"},
		{
			"Domain",
			Cookie{Domain: "example.com"}, false, "__Secure-id=v; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax",
		},
		{"Path", Cookie{Path: "/app"}, false, "__Secure-id=v; Path=/app; HttpOnly; Secure; SameSite=Lax"},
		{"Path /", Cookie{Path: "/"}, false, "__Host-id=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{
			"Domain over http",
			Cookie{Domain: "a-1.example.com", Path: "/x/"}, true,
			"id=v; Path=/x/; Domain=a-1.example.com; HttpOnly; SameSite=Lax",
		},
		{"Lax", Cookie{SameSite: http.SameSiteLaxMode}, false, "__Host-id=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{
			"Strict",
			Cookie{SameSite: http.SameSiteStrictMode}, false, "__Host-id=v; Path=/; HttpOnly; Secure; SameSite=Strict",
		},
		{"None", Cookie{SameSite: http.SameSiteNoneMode}, false, "__Host-id=v; Path=/; HttpOnly; Secure; SameSite=None"},
		{"plain name", Cookie{Name: "sid"}, false, "sid=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"plain name over http", Cookie{Name: "sid"}, true, "sid=v; Path=/; HttpOnly; SameSite=Lax"},
		{"own __Host- name", Cookie{Name: "__Host-sid"}, false, "__Host-sid=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"own __Secure- name", Cookie{Name: "__Secure-sid", Domain: "example.com"}, false,
			"__Secure-sid=v; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax"},
		{"a prefix inside the name is none", Cookie{Name: "my__Host-id", Domain: "example.com"}, true,
			"my__Host-id=v; Path=/; Domain=example.com; HttpOnly; SameSite=Lax"},
		{"None and Partitioned", Cookie{SameSite: http.SameSiteNoneMode, Partitioned: true}, false,
			"__Host-id=v; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		{
			"own __Host-Http- name",
			Cookie{Name: "__Host-Http-sid"}, false, "__Host-Http-sid=v; Path=/; HttpOnly; Secure; SameSite=Lax",
		},
		{
			"own __Host- name that goes on with http-",
			Cookie{Name: "__Host-http-sid"}, false, "__Host-http-sid=v; Path=/; HttpOnly; Secure; SameSite=Lax",
		},
		{"own __Http- name", Cookie{Name: "__Http-sid", Domain: "example.com", Path: "/app"}, false,
			"__Http-sid=v; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=Lax"},
		{"longest own name", Cookie{Name: "__Host-Http-" + strings.Repeat("n", 64)}, false,
			"__Host-Http-" + strings.Repeat("n", 64) + "=v; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"persistent", Cookie{Persistent: true}, false, "__Host-id=v; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=43200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := newCookie(c.cookie, "id", c.insecure)
			if err != nil {
				t.Fatal(err)
			}
			lasting := untilBrowserCloses
			if c.cookie.Persistent {
				lasting = 43_200_999
			}
			if line := got.set("v", lasting); line != c.want {
				t.Errorf("got  %s\nwant %s", line, c.want)
			}
			deletesWhatItSets(t, &got)
		})
	}
}

// deletesWhatItSets: browsers take a deletion for another cookie unless name, Path and Domain are those it was set
// with, and refuse it for a prefixed name without Secure.
func deletesWhatItSets(t *testing.T, c *cookie) {
	t.Helper()
	set, err := http.ParseSetCookie(c.set("v", 43_200_000))
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := http.ParseSetCookie(c.delete())
	if err != nil {
		t.Fatal(err)
	}
	if deleted.Value != "" || deleted.MaxAge != -1 {
		t.Errorf("%q deletes nothing", c.delete())
	}
	set.Value, set.MaxAge, set.Raw = "", -1, ""
	deleted.Raw = ""
	if !reflect.DeepEqual(set, deleted) {
		t.Errorf("the deletion %q has other attributes than %q", c.delete(), c.set("v", 1))
	}
}

func TestContradictoryCookieIsRefused(t *testing.T) {
	for _, c := range []struct {
		name     string
		cookie   Cookie
		insecure bool
		want     string // a part of the error
	}{
		{"__Host- with Domain", Cookie{Name: "__Host-id", Domain: "example.com"}, false, "with a Domain"},
		{"__Host- with Path", Cookie{Name: "__Host-id", Path: "/app"}, false, `with Path "/app"`},
		{"__Host- without Secure", Cookie{Name: "__Host-id"}, true, "InsecureHTTP"},
		{"__Secure- without Secure", Cookie{Name: "__Secure-id"}, true, "InsecureHTTP"},
		{"__host- with Domain", Cookie{Name: "__host-id", Domain: "example.com"}, false, "with a Domain"},
		{"__HOST- with Path", Cookie{Name: "__HOST-id", Path: "/app"}, false, "with Path"},
		{"__hOSt- without Secure", Cookie{Name: "__hOSt-id"}, true, "InsecureHTTP"},
		{"__SECURE- without Secure", Cookie{Name: "__SECURE-id"}, true, "InsecureHTTP"},
		{"__host- in the wrong case", Cookie{Name: "__host-id"}, false, "write the prefix as __Host-"},
		{"__secure- in the wrong case", Cookie{Name: "__secure-id"}, false, "write the prefix as __Secure-"},
		{"__Http- without Secure", Cookie{Name: "__Http-id"}, true, "InsecureHTTP"},
		{"__HTTP- without Secure", Cookie{Name: "__HTTP-id"}, true, "InsecureHTTP"},
		{"__Host-Http- without Secure", Cookie{Name: "__Host-Http-id"}, true, "InsecureHTTP"},
		{
			"__Host-Http- with Domain",
			Cookie{Name: "__Host-Http-id", Domain: "example.com"}, false, "use the prefix __Secure- or __Http-",
		},
		{"__HOST-HTTP- with Path", Cookie{Name: "__HOST-HTTP-id", Path: "/app"}, false, "with Path"},
		{"__http- in the wrong case", Cookie{Name: "__http-id"}, false, "write the prefix as __Http-"},
		{"__host-http- in the wrong case", Cookie{Name: "__host-Http-id"}, false, "write the prefix as __Host-Http-"},
		{"nothing behind __Host-Http-", Cookie{Name: "__Host-Http-"}, false, "something has to follow"},
		{"nothing behind __Http-", Cookie{Name: "__Http-"}, false, "something has to follow"},
		{"Partitioned with Lax", Cookie{Partitioned: true}, false, "set SameSite to http.SameSiteNoneMode"},
		{
			"Partitioned with Strict",
			Cookie{Partitioned: true, SameSite: http.SameSiteStrictMode}, false, "set SameSite to http.SameSiteNoneMode",
		},
		{"Partitioned without Secure", Cookie{Partitioned: true}, true, "Partitioned needs Secure"},
		{
			"former scope is the present one",
			Cookie{Name: "sid", Path: "/app", Former: []Scope{{}, {Path: "/app"}}}, false, "Former[1] is the present",
		},
		{"former Path / is the present one", Cookie{Name: "sid", Former: []Scope{{}}}, false, "Former[0] is the present"},
		{
			"former Domain in another case",
			Cookie{Name: "sid", Domain: "example.com", Former: []Scope{{Domain: "Example.com"}}}, false,
			"Former[0] is the present",
		},
		{
			"former Domain with a dot",
			Cookie{Name: "sid", Former: []Scope{{Domain: ".example.com"}}}, false, "Former[0]: Domain",
		},
		{
			"former Path with an attribute",
			Cookie{Name: "sid", Former: []Scope{{Path: "/; Secure"}}}, false, "Former[0]: Path",
		},
		{"former scope of the default name", Cookie{Former: []Scope{{Domain: "example.com"}}}, false, "leave Former empty"},
		{
			"former scope of a __Host- name",
			Cookie{Name: "__Host-Http-sid", Former: []Scope{{Path: "/app"}}}, false, "leave Former empty",
		},
		{"SameSite=None without Secure", Cookie{SameSite: http.SameSiteNoneMode}, true, "SameSite=None needs Secure"},
		{"SameSite without a value", Cookie{SameSite: http.SameSiteDefaultMode}, false, "SameSite 1"},
		{"unknown SameSite", Cookie{SameSite: 9}, false, "SameSite 9"},

		{"name with a space", Cookie{Name: "my id"}, false, `name "my id"`},
		{"name with =", Cookie{Name: "id="}, false, `name "id="`},
		{"name with ;", Cookie{Name: "id;Secure"}, false, `name "id;Secure"`},
		{"name with a line break", Cookie{Name: "id\r\n"}, false, `name "id\r\n"`},
		{"name beyond ASCII", Cookie{Name: "ïd"}, false, `name "ïd"`},
		{"name too long", Cookie{Name: strings.Repeat("n", 77)}, false, "use 1 to 76 characters"},

		{"IPv4 address", Cookie{Domain: "192.168.0.1"}, false, "names with a dot"},
		{"IPv6 address", Cookie{Domain: "[::1]"}, false, "bare host name"},
		{"localhost", Cookie{Domain: "localhost"}, false, "names with a dot"},
		{"port", Cookie{Domain: "example.com:8080"}, false, "bare host name"},
		{"scheme", Cookie{Domain: "https://example.com"}, false, "bare host name"},
		{"path in Domain", Cookie{Domain: "example.com/app"}, false, "bare host name"},
		{"leading dot", Cookie{Domain: ".example.com"}, false, "leading dot"},
		{"trailing dot", Cookie{Domain: "example.com."}, false, "bare host name"},
		{"empty label", Cookie{Domain: "example..com"}, false, "bare host name"},
		{"wildcard", Cookie{Domain: "*.example.com"}, false, "bare host name"},
		{"attribute in Domain", Cookie{Domain: "example.com; Secure"}, false, "bare host name"},
		{"line break in Domain", Cookie{Domain: "example.com\n"}, false, "bare host name"},

		{"relative Path", Cookie{Path: "app"}, false, `start with "/"`},
		{"attribute in Path", Cookie{Path: "/;Domain=evil.example"}, false, "without ';'"},
		{"line break in Path", Cookie{Path: "/\r\nSet-Cookie: a=b"}, false, "visible ASCII"},
		{"Path beyond ASCII", Cookie{Path: "/käse"}, false, "visible ASCII"},
	} {
		_, err := newCookie(c.cookie, "id", c.insecure)
		if err == nil || !strings.HasPrefix(err.Error(), "cookie: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: err = %v, want one that starts with \"cookie: \" and says %q", c.name, err, c.want)
		}
	}
}

// A browser deletes only the cookie whose Domain and Path the line names.
func TestFormerScopesAreDeletedWhereTheyWere(t *testing.T) {
	c, err := newCookie(Cookie{Path: "/app", Persistent: true,
		Former: []Scope{{}, {Domain: "example.com"}, {Domain: "example.com", Path: "/app"}}}, "id", false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"__Secure-id=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0",
		"__Secure-id=; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax; Max-Age=0",
		"__Secure-id=; Path=/app; Domain=example.com; HttpOnly; Secure; SameSite=Lax; Max-Age=0",
	}
	if !reflect.DeepEqual(c.former, want) {
		t.Errorf("former = %q, want %q", c.former, want)
	}
	before, err := newCookie(Cookie{Domain: "example.com"}, "id", false)
	if err != nil || before.delete() != c.former[1] {
		t.Errorf("the earlier deployment deletes with %q (error %v), want the same line", before.delete(), err)
	}
	if plain, err := newCookie(Cookie{Former: []Scope{{Path: "/app"}}}, "id", true); err != nil ||
		plain.former[0] != "id=; Path=/app; HttpOnly; SameSite=Lax; "+
			"Max-Age=0" {
		t.Errorf("over http: %q, %v", plain.former, err)
	}
}

func TestPersistentCookieLastsUntilTheDeadlineAtMost400Days(t *testing.T) {
	c, err := newCookie(Cookie{Persistent: true}, "id", false)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		lasting time.Duration
		want    string
	}{
		{12 * time.Hour, "; Max-Age=43200"},
		{400 * 24 * time.Hour, "; Max-Age=34560000"},
		{500 * 24 * time.Hour, "; Max-Age=34560000"},
		{1999 * time.Millisecond, "; Max-Age=1"},
		{time.Millisecond, "; Max-Age=1"}, // zero would delete what was just issued
		{-time.Hour, "; Max-Age=1"},
	} {
		if line := c.set("v", wire.FromDuration(tt.lasting)); !strings.HasSuffix(line, tt.want) {
			t.Errorf("with %v to live the line is %q, want it to end in %q", tt.lasting, line, tt.want)
		}
	}
}

func TestFindCollectsDistinctWellFormedValues(t *testing.T) {
	c := cookie{name: "id", assignment: "id="}
	fourBytes := func(value string) Reason {
		if len(value) != 4 {
			return ReasonMalformed
		}
		return ""
	}
	for _, tt := range []struct {
		name    string
		lines   []string
		want    []string
		skipped Reason
	}{
		{"no lines", nil, nil, ""},
		{"none of ours", []string{"theme=dark; lang=de"}, nil, ""},
		{"alone", []string{"id=aaaa"}, []string{"aaaa"}, ""},
		{"among others", []string{"theme=dark; id=aaaa; lang=de"}, []string{"aaaa"}, ""},
		{"on several lines", []string{"theme=dark", "id=aaaa", "id=bbbb"}, []string{"aaaa", "bbbb"}, ""},
		{"several of one name", []string{"id=bbbb; id=aaaa"}, []string{"bbbb", "aaaa"}, ""},
		{"the same twice is one", []string{"id=aaaa; x=y; id=aaaa", "id=aaaa"}, []string{"aaaa"}, ""},
		{"three", []string{"id=aaaa; id=bbbb; id=cccc"}, []string{"aaaa", "bbbb", "cccc"}, ""},
		{
			"at most three",
			[]string{"id=aaaa; id=bbbb; id=cccc; id=dddd", "id=eeee"}, []string{"aaaa", "bbbb", "cccc"}, ReasonAmbiguous,
		},
		{
			"a known one does not count again",
			[]string{"id=aaaa; id=bbbb; id=cccc; id=aaaa"}, []string{"aaaa", "bbbb", "cccc"}, "",
		},
		{"malformed ones leave room", []string{"id=a; id=b; id=c; id=d; id=aaaa"}, []string{"aaaa"}, ReasonMalformed},
		{"quoted", []string{`id="aaaa"`}, []string{"aaaa"}, ""},
		{"quoted and bare are one", []string{`id="aaaa"; id=aaaa`}, []string{"aaaa"}, ""},
		{"one quote is a part of the value", []string{`id="aaa; id=aaa"; id="`}, []string{`"aaa`, `aaa"`}, ReasonMalformed},
		{"two pairs: one is a part of the value", []string{`id=""aa""`}, []string{`"aa"`}, ""},
		{"nothing between quotes", []string{`id=""`}, nil, ReasonMalformed},
		{"spaces and tabs around", []string{" \tid=aaaa \t;  id=bbbb"}, []string{"aaaa", "bbbb"}, ""},
		{"no space after ;", []string{"theme=dark;id=aaaa"}, []string{"aaaa"}, ""},
		{"empty pairs", []string{";;id=aaaa;;"}, []string{"aaaa"}, ""},
		{"= in the value stays", []string{"id=aaa="}, []string{"aaa="}, ""},
		{"name that continues", []string{"id2=aaaa; idx=aaaa; id-=aaaa"}, nil, ""},
		{"name that ends so", []string{"xid=aaaa; __Host-id=aaaa"}, nil, ""},
		{"name in another case", []string{"ID=aaaa; Id=aaaa"}, nil, ""},
		{"name without =", []string{"id; id"}, nil, ""},
		{"no value", []string{"id="}, nil, ReasonMalformed},
		{"value that looks like a pair", []string{"x=id=aaaa"}, nil, ""},
	} {
		found := c.find(tt.lines, fourBytes)
		got := append([]string(nil), found.values[:found.count]...)
		if !reflect.DeepEqual(got, tt.want) || found.skipped[0] != tt.skipped {
			t.Errorf("%s: find(%q) = %q, skipped %q; want %q, skipped %q",
				tt.name, tt.lines, got, found.skipped, tt.want, tt.skipped)
		}
	}
}

func TestFindingTheCookieAllocatesNothing(t *testing.T) {
	m, err := New(struct{ Store }{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	token := mintToken()
	lines := []string{"theme=dark; __Host-id=" + token, `lang=de; __Host-id="` + token + `"; __Host-id=nonsense`}
	if n := testing.AllocsPerRun(100, func() {
		if found := m.cookie.find(lines, m.checkValue); found.count != 1 {
			t.Errorf("%d candidates, want 1", found.count)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
