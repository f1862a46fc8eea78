package sessionui_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"math"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// gone is the context of a visitor who has left.
func gone(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// pages are all views of a site, by their queries.
func (s *site) pages() map[string]answer {
	s.t.Helper()
	all := map[string]answer{}
	for _, query := range []string{
		"", about("user:7"), about("nobody"), about("user:7", "all", "1"), about("user:7", "handle", s.handles("user:7")[0]),
		about("user:7", "handle", "wrong"),
	} {
		all[query] = s.get(query)
	}
	all["post"] = s.post("")
	return all
}

var (
	styleElement = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	references   = regexp.MustCompile(`(?:href|action|src)="([^"]*)"`)
)

// The page runs nothing, loads nothing, is framed by nobody and remembered by no cache, and its references hold under
// any path.
func TestPolicy(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	for query, a := range s.pages() {
		style := sha256.Sum256([]byte(styleElement.FindStringSubmatch(a.body)[1]))
		policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
			"'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Frame-Options": "DENY", "Cache-Control": "no-store",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Content-Type": "text/html; charset=utf-8",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%q: %s is %q, want %q", query, name, got, want)
			}
		}
		a.wantNot("<script", " style=", "onclick", "ZgotmplZ")
		for _, r := range references.FindAllStringSubmatch(a.body, -1) {
			if !strings.HasPrefix(r[1], "?") && r[1] != "data:," {
				t.Errorf("%q refers to %q", query, r[1])
			}
		}
	}
}

// Who cannot see the page, or sees it on a phone, finds the way as well.
func TestAccessible(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	for query, a := range s.pages() {
		a.want(a.status, `<html lang="en">`, `name="viewport"`, `<label for="subject">`, "<main>", "<title>")
		if n := strings.Count(a.body, "<h1>"); n != 1 {
			t.Errorf("%q has %d main headings", query, n)
		}
		if n, m := strings.Count(a.body, "<table>"), strings.Count(a.body, `<thead>`); n != m {
			t.Errorf("%q has %d tables and %d heads", query, n, m)
		}
	}
}

// Everything can be read in both schemes: WCAG 2.2 asks for a contrast of 4.5 for text (1.4.3) and of 3 for what else
// tells something (1.4.11).
func TestContrast(t *testing.T) {
	css, err := os.ReadFile("page/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "@media (prefers-color-scheme: dark)")
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		colour := func(name string) float64 {
			found := regexp.MustCompile(`--` + name + `: #([0-9a-f]{3,6});`).FindStringSubmatch(text)
			if found == nil {
				t.Fatalf("no colour %s in %s", name, scheme)
			}
			return luminance(found[1])
		}
		for _, pair := range []struct {
			text, ground string
			least        float64
		}{
			{"ink", "ground", 4.5}, {"ink", "paper", 4.5}, {"quiet", "ground", 4.5}, {"quiet", "paper", 4.5},
			{"link", "paper", 4.5}, {"link", "ground", 4.5}, {"danger", "paper", 4.5}, {"danger", "ground", 4.5},
			{"on-danger", "danger", 4.5}, {"ink", "notice", 4.5}, {"link", "notice", 4.5}, {"bar", "paper", 3},
			{"bar", "line", 3},
		} {
			a, b := colour(pair.text), colour(pair.ground)
			if contrast := (max(a, b) + 0.05) / (min(a, b) + 0.05); contrast < pair.least {
				t.Errorf("%s: %s on %s has a contrast of %.2f, want %v", scheme, pair.text, pair.ground, contrast, pair.least)
			}
		}
	}
}

// luminance is a colour's, as WCAG defines it.
func luminance(hex string) (sum float64) {
	if len(hex) == 3 {
		hex = fmt.Sprintf("%[1]c%[1]c%[2]c%[2]c%[3]c%[3]c", hex[0], hex[1], hex[2])
	}
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// hostile are texts that want to be more than texts.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "a\x00b\x1b[2J\r\n", "admin\u202egpj.exe",
	"\u2066\u2067x", "\u00a0", "%00",
	"\xff\xfe", "' onmouseover='x", "javascript:alert(1)", "{{.}}", "user:7 ", "  ", `"quoted"`, "a&b=c&handle=x",
	"x\u0301\u0301\u0301", strings.Repeat("W", 10_000), strings.Repeat("\u202e", 3_000),
}

// Whatever subjects and agents are, they are text on the page, show what they are, and can be looked for and ended.
func TestHostileTexts(t *testing.T) {
	for _, text := range hostile {
		s := newSite(t)
		s.login(text, firefox)
		s.login(text, safari)
		for _, query := range []string{"", about(text), about(text, "all", "1"), about(text, "handle", s.handles(text)[0])} {
			a := s.get(query)
			a.want(http.StatusOK)
			a.wantNot("<script>", "<img", "onerror=alert(1)>", "\x00", "\x1b", "\u202e", "\u2066", "\u2067", "\xff", "\u00a0",
				"onmouseover='", `href="javascript`, "ZgotmplZ")
			if strings.Contains(references.ReplaceAllString(a.body, ""), strings.Repeat("W", 81)) {
				t.Errorf("%q is not cut", query)
			}
			if len(a.body) > 40<<10 && len(text) < 1000 {
				t.Errorf("%q makes a page of %d bytes", text, len(a.body))
			}
		}
		follow(s, about(text), "all=1").want(http.StatusOK, "2 sessions ended")
	}
}

// follow sends the form behind a link of a page.
func follow(s *site, query, part string) answer {
	s.t.Helper()
	for _, r := range references.FindAllStringSubmatch(s.get(query).body, -1) {
		if strings.Contains(r[1], part) {
			return s.post(html.UnescapeString(r[1]))
		}
	}
	s.t.Fatalf("no link with %s", part)
	return answer{}
}
