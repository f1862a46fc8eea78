// Package exampletest runs an example as its user would, and checks that every example behaves like the others.
package exampletest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// Run builds and runs the example in the present directory and checks it. roomy is the size of a cookie that its
// server's header limit still lets through.
func Run(t *testing.T, roomy int) {
	at := visit(t, start(t))
	for _, test := range []struct {
		name  string
		check func(t *testing.T, at site)
	}{
		{"EachBrowserHasItsOwnCount", eachBrowserHasItsOwnCount},
		{"VisitsAtOnceAllCount", visitsAtOnceAllCount},
		{"TheCookieIsStrictAndUncached", theCookieIsStrictAndUncached},
		{"WhatDoesNotUseTheSessionSetsNothing", whatDoesNotUseTheSessionSetsNothing},
		{"AnonymousIsNobody", anonymousIsNobody},
		{"LoginNeedsAUser", loginNeedsAUser},
		{"LoginChangesTheToken", loginChangesTheToken},
		{"LogoutEndsTheSession", logoutEndsTheSession},
		{"ABadCookieIsAnAnonymousVisitor", aBadCookieIsAnAnonymousVisitor},
		{"AHugeCookieIsNoServerError", func(t *testing.T, at site) { aHugeCookieIsNoServerError(t, at, roomy) }},
	} {
		t.Run(test.name, func(t *testing.T) { test.check(t, at) })
	}
}

func eachBrowserHasItsOwnCount(t *testing.T, at site) {
	alice, bob := newBrowser(t, at), newBrowser(t, at)
	alice.get("/").is(t, "alice's first visit", http.StatusOK, "visit 1\n")
	second := alice.get("/")
	second.is(t, "alice's second visit", http.StatusOK, "visit 2\n")
	second.setsNoCookie(t, "alice's second visit")
	bob.get("/").is(t, "bob's first visit", http.StatusOK, "visit 1\n")
	alice.get("/").is(t, "alice's third visit", http.StatusOK, "visit 3\n")
}

func visitsAtOnceAllCount(t *testing.T, at site) {
	const visits = 50
	first := newBrowser(t, at)
	first.get("/")
	var all sync.WaitGroup
	for range visits {
		b := newBrowser(t, at)
		b.cookie = first.cookie
		all.Go(func() {
			if a, err := b.try(http.MethodGet, "/", nil); err != nil || a.status != http.StatusOK {
				t.Errorf("a visit among many: %d %q, error %v", a.status, a.body, err)
			}
		})
	}
	all.Wait()
	first.get("/").is(t, "the visit after them", http.StatusOK, fmt.Sprintf("visit %d\n", visits+2))
}

func theCookieIsStrictAndUncached(t *testing.T, at site) {
	a := newBrowser(t, at).get("/")
	if a.cookie == nil {
		t.Fatalf("the first visit sets no cookie; headers %v", a.header)
	}
	want := at.cookieName + "=" + a.cookie.Value + "; Path=/; HttpOnly; SameSite=Lax"
	if a.cookie.Raw != want || len(a.cookie.Value) != 43 {
		t.Errorf("the cookie is %q, want %q", a.cookie.Raw, want)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control beside the cookie is %q, want no-store", got)
	}
	if got := a.header.Get("Vary"); got != "Cookie" {
		t.Errorf("Vary is %q, want Cookie", got)
	}
}

func whatDoesNotUseTheSessionSetsNothing(t *testing.T, at site) {
	b := newBrowser(t, at)
	for range 2 { // without a cookie, then with one
		a := b.get("/nonesuch")
		if a.status != http.StatusNotFound {
			t.Errorf("status %d, want 404", a.status)
		}
		a.setsNoCookie(t, "/nonesuch")
		if vary := a.header.Get("Vary"); vary != "" {
			t.Errorf("Vary is %q on a response that is the same for everybody", vary)
		}
		b.get("/")
	}
}

func anonymousIsNobody(t *testing.T, at site) {
	b := newBrowser(t, at)
	a := b.get("/me")
	a.is(t, "/me without a cookie", http.StatusUnauthorized, "not logged in\n")
	a.setsNoCookie(t, "/me without a cookie")
	a = b.post("/logout", nil)
	a.is(t, "/logout without a cookie", http.StatusOK, "bye\n")
	a.setsNoCookie(t, "/logout without a cookie")
	b.get("/")
	a = b.get("/me")
	a.is(t, "/me of a visitor", http.StatusUnauthorized, "not logged in\n")
	a.setsNoCookie(t, "/me of a visitor")
}

func loginNeedsAUser(t *testing.T, at site) {
	b := newBrowser(t, at)
	for _, form := range []map[string][]string{nil, {"user": {""}}, {"name": {"alice"}}} {
		a := b.post("/login", form)
		a.is(t, fmt.Sprintf("login with %v", form), http.StatusBadRequest, "the form field user is missing\n")
		a.setsNoCookie(t, fmt.Sprintf("login with %v", form))
	}
}

func loginChangesTheToken(t *testing.T, at site) {
	b, old := newBrowser(t, at), newBrowser(t, at)
	b.get("/")
	old.cookie = b.cookie
	a := b.login("alice <alice@example.com>")
	a.is(t, "login", http.StatusOK, "hello alice <alice@example.com>\n")
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("what a visitor typed is answered as %q", got)
	}
	if b.cookie == old.cookie {
		t.Error("login did not change the token")
	}
	b.get("/me").is(t, "/me with the new token", http.StatusOK, "hello alice <alice@example.com>\n")
	b.get("/").is(t, "the first visit's count after the login", http.StatusOK, "visit 2\n")
	old.get("/me").is(t, "/me with the old token", http.StatusUnauthorized, "not logged in\n")
}

func logoutEndsTheSession(t *testing.T, at site) {
	b, kept := newBrowser(t, at), newBrowser(t, at)
	b.login("alice")
	kept.cookie = b.cookie
	a := b.post("/logout", nil)
	a.is(t, "logout", http.StatusOK, "bye\n")
	if a.cookie == nil || a.cookie.Value != "" || a.cookie.MaxAge >= 0 {
		t.Errorf("logout does not delete the cookie; headers %v", a.header)
	}
	kept.get("/me").is(t, "/me with the kept cookie", http.StatusUnauthorized, "not logged in\n")
	b.get("/me").is(t, "/me after logout", http.StatusUnauthorized, "not logged in\n")
}

func aBadCookieIsAnAnonymousVisitor(t *testing.T, at site) {
	owner := newBrowser(t, at)
	owner.login("alice")
	token := owner.cookie
	for name, cookie := range map[string]string{
		"tampered with": flip(token),
		"truncated":     token[:len(token)-1],
		"lengthened":    token + "A",
		"never issued":  strings.Repeat("A", len(token)),
		"not a token":   "<script>../../etc/passwd%00",
		"of other software": "MTczMjE5NzYwMHxEWDhFQVFMX2dBQUJFQUVRQUFBZ180QUFBUVp6ZEhKcGJtY01CZ0FFZFhObGNnWnpkSEpwYm1jTUJ3" +
			"QUZZV3hwWTJVPXz2c2nOaZ0d1m",
	} {
		b := newBrowser(t, at)
		b.cookie = cookie
		a := b.get("/me")
		a.is(t, "/me, cookie "+name, http.StatusUnauthorized, "not logged in\n")
		a.setsNoCookie(t, "/me, cookie "+name)
		b.get("/").is(t, "first visit, cookie "+name, http.StatusOK, "visit 1\n")
		b.get("/").is(t, "second visit, cookie "+name, http.StatusOK, "visit 2\n")
	}
	owner.get("/me").is(t, "/me of the owner afterwards", http.StatusOK, "hello alice\n")
}

// flip changes a character in the middle of a token to another that can stand there.
func flip(token string) string {
	middle := len(token) / 2
	c := "A"
	if token[middle] == 'A' {
		c = "B"
	}
	return token[:middle] + c + token[middle+1:]
}

func aHugeCookieIsNoServerError(t *testing.T, at site, roomy int) {
	b := newBrowser(t, at)
	b.cookie = strings.Repeat("A", roomy)
	b.get("/me").is(t, fmt.Sprintf("/me, cookie of %d bytes", roomy), http.StatusUnauthorized, "not logged in\n")
	b.get("/").is(t, fmt.Sprintf("visit, cookie of %d bytes", roomy), http.StatusOK, "visit 1\n")

	for _, size := range []int{5_000, 70_000, 1_000_000, 1 << 20, 4 << 20} {
		b := newBrowser(t, at)
		b.cookie = strings.Repeat("A", size)
		a, err := b.try(http.MethodGet, "/me", nil)
		if err == nil && (a.status < 400 || a.status >= 500) { // the server may also hang up on somebody who talks that much
			t.Errorf("/me, cookie of %d bytes: %d %q", size, a.status, a.body)
		}
	}
	newBrowser(t, at).get("/").is(t, "the next visitor", http.StatusOK, "visit 1\n")
}
