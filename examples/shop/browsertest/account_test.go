package browsertest

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

// logIn fills in the form that the tab shows.
func (b tab) logIn() {
	b.t.Helper()
	b.fill("#username", "user1")
	b.fill("#password", "password1")
	b.press("form.stack button")
}

func TestLogin(t *testing.T) {
	everywhere(t, func(_ *testing.T, b tab) {
		b.visit("/login")
		b.logIn()
		b.want("page", b.path(), "/")
		b.want("message", b.text(".message"), "Welcome, user1!")
		b.press(`nav a[href="/profile"]`)
		b.want("page", b.path(), "/profile")
		b.want("initial and name", b.js("document.querySelector('h1').textContent"), "uuser1")
	})
}

func TestProtectedPage(t *testing.T) {
	everywhere(t, func(_ *testing.T, b tab) {
		b.visit("/profile")
		b.want("page", b.path(), "/login?next=%2Fprofile")
		b.logIn()
		b.want("page", b.path(), "/profile")
		b.want("message", b.text(".message"), "Welcome, user1!")
	})
}

func TestLogoutInAnotherTab(t *testing.T) {
	everywhere(t, func(_ *testing.T, b tab) {
		b.visit("/login")
		b.logIn()
		other := b.another()
		other.visit("/profile")
		other.want("page", other.path(), "/profile")
		b.visit("/profile")
		b.press(`main form[action="/logout"] button`)
		b.want("page", b.path(), "/")

		other.reload()
		other.want("page", other.path(), "/login?next=%2Fprofile")
		other.want("link to the profile", other.text(`nav a[href="/profile"]`), "")
		other.want("link to the login", other.text(`nav a[href="/login"]`), "Log in")
	})
}

func TestCookie(t *testing.T) {
	on(t, frameworks, comesAndGoes)
}

// With -tls the cookie is the strict one, and the browser sends it all the same.
func TestCookieWithTLS(t *testing.T) {
	everywhere(t, comesAndGoes, "-tls")
}

func comesAndGoes(t *testing.T, b tab) {
	b.visit("/")
	if jar := b.cookies(); len(jar) != 0 {
		t.Errorf("%d cookies after a look around, want none", len(jar))
	}
	b.add("bread")
	anonymous := b.cookie()
	b.visit("/login")
	b.logIn()
	if b.cookie() == anonymous {
		t.Error("the cookie is the same after the login")
	}
	b.want("cart", b.text(".badge"), "1")
	b.want("what scripts see", b.js("document.cookie"), "")
	b.visit("/profile")
	b.press(`main form[action="/logout"] button`)
	if jar := b.cookies(); len(jar) != 0 {
		t.Errorf("%d cookies after the logout, want none", len(jar))
	}
}

// cookie is the value of the session's cookie. It has to be the only one, and one that the browser guards well.
func (b tab) cookie() string {
	b.t.Helper()
	jar := b.cookies()
	if len(jar) != 1 {
		b.t.Fatalf("%d cookies, want 1", len(jar))
	}
	c := jar[0]
	secure := strings.HasPrefix(b.shop, "https:")
	if c.Secure != secure || strings.HasPrefix(c.Name, "__Host-") != secure {
		b.t.Errorf("cookie %s on %s: Secure %t", c.Name, b.shop, c.Secure)
	}
	if c.Path != "/" || c.Domain != "127.0.0.1" {
		b.t.Errorf("cookie on %s%s, want 127.0.0.1/", c.Domain, c.Path)
	}
	if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || !c.Session {
		b.t.Errorf("cookie: HttpOnly %t, SameSite %s, session %t; want true, Lax, true", c.HTTPOnly, c.SameSite, c.Session)
	}
	return c.Value
}

// Somebody who has lost a phone can log it out from another device.
func TestLogOutAnotherDevice(t *testing.T) {
	everywhere(t, func(t *testing.T, b tab) {
		lost := visitor(t, b.shop)
		for _, device := range []tab{lost, b} {
			device.visit("/login")
			device.logIn()
		}
		lost.visit("/profile")
		b.press(`nav a[href="/devices"]`)
		b.want("devices", b.js(`String(document.querySelectorAll(".lines li").length)`), "2")
		b.want("this device", b.text(".lines li[aria-current] .badge"), "this device")
		b.want("browser", b.text(".lines li[aria-current] strong"), "Chrome on Linux")
		b.press(".lines li:not([aria-current]) button")
		b.want("page", b.path(), "/devices")
		b.want("message", b.text(".message"), "The device is logged out.")
		b.want("devices left", b.js(`String(document.querySelectorAll(".lines li").length)`), "1")
		b.want("button for other devices", b.text(".others"), "")

		lost.reload()
		lost.want("page", lost.path(), "/login?next=%2Fprofile")
		b.press(".lines button")
		b.want("page after logging out this device", b.path(), "/")
		b.want("link to the login", b.text(`nav a[href="/login"]`), "Log in")
		if jar := b.cookies(); len(jar) != 0 {
			t.Errorf("%d cookies after the logout, want none", len(jar))
		}
	})
}
