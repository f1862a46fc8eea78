package session_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// local are targets that stay on the site, as browsers spell them.
var local = []string{
	"/", "/devices", "/devices/", "/orders/42?page=2&sort=-date", "/orders#latest", "/?", "/?q=1#top",
	"/view?param=https://example.com/a//b", "/view?next=//evil.example", `/search?q=C:\temp`, "/search?q=a%0D%0Ab%5C%2F..",
	"/search?q=100%", "/confirm/me@example.com", "/user:42/files", "/a;v=1/b", "/~me/.well-known/x.txt", "/a..b/...",
	"/-/_",
	"/url%20with%20spaces/", "/k%C3%A4se/%E6%97%A5%E6%9C%AC", "/caf%c3%a9", "/%F0%9F%A7%80", "/sale/100%25",
	"/a%2Bb%3Dc%26d",
	"/what%3F/no%23", "/a|b/[1]", "/it's(here)!*,$+=", "/app#/inbox", "/" + strings.Repeat("a", 2047),
}

// foreign are targets that some browser, proxy or framework takes for another site, or that nobody has a use for.
var foreign = []string{
	// not a path
	"", " ", "devices", "?next=/", "#top", "*", "@evil.example", ".evil.example", "\x00", "\n",
	// another scheme, user information, addresses in odd notations
	"http://evil.example", "https://evil.example/", "HTTPS://evil.example", "https:evil.example", "http:/evil.example",
	"http:///evil.example", "https:////evil.example", "ftp://evil.example", "javascript:alert(1)", "\njavascript:alert(1)",
	"java\nscript:alert(1)", "data:text/html,x", "http:3627734734", "http://0xd83ad6ce", "http://[::ffff:1.2.3.4]/",
	"http://shop.example@evil.example", "http://evil.example#@shop.example", `http://evil.example\@shop.example`,
	"https://shop.example.evil.example/",
	// relative to the scheme
	"//evil.example", "//evil.example/%2e%2e", "///evil.example", "////evil.example", "//user@evil.example",
	"//;@evil.example",
	"//evil.example:80?@shop.example/", "//evil%E3%80%82example", "//google%00.com", "//", "///",
	// browsers read a backslash as a slash
	`/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`, `/\\/evil.example`, `///\;@evil.example`,
	`/a\b`, `/.\evil.example`, `/./\evil.example`, `/./../../\evil.example`,
	// and leave out tabs and line ends, and what is before and after
	"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\t\\evil.example", "\t//evil.example", " //evil.example",
	"/\t\t/\t\t\\evil.example", "/\v/evil.example", "/\f/evil.example", "/\x00/evil.example", "/\x7f/evil.example",
	"/ /evil.example", "/devices ", " /devices", "\x08//evil.example", "/devices\r\nSet-Cookie: id=1", "/devices\n",
	"/devices?a\tb",
	"/devices?\r\nX: y", "/devices# a", "/a\u0085b", "/a\u2028b",
	// what becomes of it once somebody has taken dots and empty parts out
	"/./", "/.", "/..", "/../", "/.//evil.example", "/..//evil.example", "/a/..//evil.example", "/a//evil.example",
	"/a/../b",
	"/a/./b", "/a/..", "/a/.", "/..;/admin", "/.;a/admin", "/a//", "/https://evil.example", "/http:///evil.example",
	"/;/../evil.example",
	// encoded
	"/%2fevil.example", "/%2Fevil.example", "/%2f%2fevil.example", "/%5cevil.example", "/%5Cevil.example",
	"/%5c%2fevil.example",
	"/%09/evil.example", "/%0a/evil.example", "/%0d%0aSet-Cookie:%20id=1", "/%00/evil.example", "/%7f/",
	"/%01javascript:x",
	"/%2e/", "/%2e%2e/", "/%2E%2E", "/.%2e/admin", "/%2e./", "/%2e//evil.example", "/a%2eb", "/a%2fb", "/%c2%85",
	"/%e2%80%a8x",
	// encoded twice, or more often, or in part
	"/%252fevil.example", "/%252Fevil.example", "/%255cevil.example", "/%2509/evil.example", "/%250aevil",
	"/%252e%252e/admin",
	"/%25252fevil.example", "/%2525255cevil.example", "/%25%32%66evil.example", "/%25%35%63evil.example", "/%2%35c",
	"/%%32fevil.example", "/%25zz%255c", "/%252525252525252525252fevil.example", "/%25c0%25af",
	// not what encoding UTF-8 gives: overlong, cut off, surrogates, other tables, half an escape
	"/%c0%afevil.example", "/%c1%9cevil.example", "/%e0%80%afevil.example", "/%f0%80%80%af", "/%c0%ae%c0%ae/", "/%ff",
	"/%e4",
	"/%ed%a0%80", "/%u002fevil.example", "/100%", "/%", "/%2", "/%zz", "/%E3%80", "/#%",
	// not ASCII: a header has no place for it, and wide forms of a slash may be read as one
	"/käse", "/／evil.example", "/＼evil.example", "/%ef%bc%8fevil.example", "/%EF%BC%BCevil.example", "/?q=käse", "/#käse",
	"/\xff",
	// what browsers never leave as it is, and may end an attribute
	"/<>//evil.example", "/<script>", `/a"b`, "/?q=<script>", `/?q="onload=`, `/#"><script>`,
	// longer than any page's address
	"/" + strings.Repeat("a", 2048), "/?q=" + strings.Repeat("%2f", 1000),
}

func TestNextStaysOnThisSite(t *testing.T) {
	for _, target := range local {
		if got := session.Next(target, "/home"); got != target {
			t.Errorf("Next(%q) = %q, want it as it is", target, got)
		}
		staysHere(t, target)
	}
	for _, target := range foreign {
		if got := session.Next(target, "/home"); got != "/home" {
			t.Errorf("Next(%q) = %q, want the fallback", target, got)
		}
	}
	if got := session.Next("//evil.example", ""); got != "/" {
		t.Errorf("without a fallback: %q, want /", got)
	}
}

// FuzzNext: whatever a visitor brings along, what Next lets pass is on this site to everybody who reads it.
func FuzzNext(f *testing.F) {
	for _, target := range append(local, foreign...) {
		f.Add(target)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if got := session.Next(target, "fallback"); got != "fallback" {
			staysHere(t, got)
		}
	})
}

// staysHere fails the test unless target leads to this site, read by a browser, by net/url, by net/http's redirect, and
// however often somebody decodes its path and takes the dots out.
func staysHere(t *testing.T, target string) {
	t.Helper()
	for what, read := range map[string]string{
		"browsers": asBrowsersRead(target), "net/http": redirectedTo(target), "the target": target,
	} {
		base, _ := url.Parse("https://shop.example/login?next=x")
		u, err := base.Parse(read)
		if err != nil || u.Scheme != "https" || u.Host != "shop.example" || u.User != nil || u.Opaque != "" ||
			!strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//") || strings.HasPrefix(u.Path, "//") {
			t.Errorf("%q: to %s it is %q, which leads to %v (%v)", target, what, read, u, err)
		}
	}
	path, _, _ := strings.Cut(target, "?")
	path, _, _ = strings.Cut(path, "#")
	for range 3 {
		if strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t\x00") || strings.Contains(path, "/../") {
			t.Errorf("%q: its path can be read as %q", target, path)
		}
		path, _ = url.PathUnescape(path)
	}
}

// asBrowsersRead does what the URL Standard has them do before they look for a host.
func asBrowsersRead(target string) string {
	target = strings.TrimFunc(target, func(r rune) bool { return r <= ' ' })
	target = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(target)
	end := len(target)
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		end = i
	}
	return strings.ReplaceAll(target[:end], `\`, "/") + target[end:]
}

func redirectedTo(target string) string {
	w := httptest.NewRecorder()
	http.Redirect(w, httptest.NewRequest(http.MethodPost, "/login", nil), target, http.StatusSeeOther)
	return w.Header().Get("Location")
}
