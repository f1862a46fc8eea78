package shop

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAnExpiredSessionSaysSo(t *testing.T) {
	clocked(t, options{}, func(t *testing.T, url string, c *clock) {
		v, person := program(t, url), browser(t, url)
		v.post("/login", rightOne).state(t)
		person.as(v)
		c.advance(34 * time.Minute)
		for range 2 { // as often as the visitor looks
			if st := v.get("/").state(t); !st.Expired || st.User != nil {
				t.Errorf("after the idle timeout: %+v", st)
			}
			v.get("/profile").has(t, http.StatusUnauthorized, `{"error":"Please log in first.","expired":true}`)
			person.get("/profile").leadsTo(t, "/login?next=%2Fprofile")
			for lang, notice := range map[string]string{
				"en": "Your session has expired.", "es": "Tu sesión ha caducado.", "fr": "Votre session a expiré.",
				"ja": "セッションの有効期限が切れました。",
			} {
				person.get("/login?next=/profile", "Accept-Language", lang).has(t, http.StatusOK, notice)
			}
		}
		v.post("/login", guess).has(t, http.StatusUnauthorized, `"expired":true`)
		if st := v.post("/login", rightOne).state(t); st.Expired {
			t.Error("the answer to a login says that the session has expired")
		}
		v.says(t, "after a login")
	})
}

// says looks for words that do not belong there.
func (v *visitor) says(t *testing.T, what string) {
	t.Helper()
	for _, path := range []string{"/", "/login", "/nonesuch", "/profile"} {
		if a := v.get(path); strings.Contains(a.body, "expired") {
			t.Errorf("%s: %s says that something has expired: %s", what, path, a.body)
		}
	}
}

func TestNothingHasExpired(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		for _, v := range []*visitor{browser(t, url), program(t, url)} {
			v.says(t, "without a session")
			v.post("/cart/add", "item=apple")
			v.says(t, "with a cart")
			v.post("/login", rightOne)
			v.says(t, "logged in")
			v.post("/logout", "")
			v.says(t, "logged out")
			v.cookie = "forged"
			v.says(t, "with a forged cookie")
		}
	})
}

// Who was logged out from another device learns why on the login page.
func TestARevokedSessionSaysSo(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		lost, v := loggedIn(t, browser(t, url), safari), loggedIn(t, program(t, url), firefox)
		v.post("/devices/revoke", "handle="+other(t, v)).state(t)
		lost.get("/profile").leadsTo(t, "/login?next=%2Fprofile")
		lost.get("/login?next=/profile").has(t, http.StatusOK, "Your session has expired.")
	})
}
