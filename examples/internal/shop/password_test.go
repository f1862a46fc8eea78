package shop

import (
	"net/http"
	"strings"
	"testing"
)

const fresh = "correct horse"

func TestChangeThePassword(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		elsewhere, v := program(t, url), browser(t, url)
		elsewhere.post("/login", rightOne).state(t)
		lists := elsewhere.get("/devices").status == http.StatusOK
		v.post("/login", rightOne+"&remember=on")
		v.get("/profile").has(t, http.StatusOK, `href="/password"`)
		page, before := v.get("/password").has(t, http.StatusOK, "Change password"), v.cookie
		v.post("/password", "password="+fresh+"&form_token="+page.token(t)).leadsTo(t, "/profile")
		if v.cookie == before {
			t.Error("the token is the one from before")
		}
		a := v.get("/profile").has(t, http.StatusOK, "Your password is changed.", "Stays logged in")
		if strings.Contains(a.body, "All other devices are logged out.") != lists {
			t.Errorf("sessions can be listed %t, and the page says %s", lists, a.body)
		}
		if a := elsewhere.get("/profile"); (a.status == http.StatusUnauthorized) != lists {
			t.Errorf("another device: %d", a.status)
		}
		program(t, url).post("/login", rightOne).has(t, http.StatusUnauthorized)
		program(t, url).post("/login", "username=user1&password="+fresh).state(t)
	})
}

func TestAPasswordIsNotChanged(t *testing.T) {
	clocked(t, options{}, func(t *testing.T, url string, c *clock) {
		v, p := browser(t, url), program(t, url)
		v.get("/password").leadsTo(t, "/login?next=%2Fpassword")
		v.post("/password", "password="+fresh).leadsTo(t, "/login?next=%2Fpassword")
		p.post("/password", "password="+fresh).has(t, http.StatusUnauthorized, `{"error":"Please log in first."}`)
		v.post("/login", rightOne+"&next=/password").leadsTo(t, "/password")
		p.as(v)
		token := v.get("/password").token(t)
		for _, sent := range []string{"", "&form_token=", "&form_token=x" + token} {
			v.post("/password", "password="+fresh+sent).has(t, http.StatusForbidden, "This form was made for another session",
				`name="password"`, `role="alert"`)
		}
		for _, short := range []string{"", "short", "%E3%81%82%E3%81%82%E3%81%82", strings.Repeat("x", 73)} {
			v.post("/password", "password="+short+"&form_token="+token).has(t, http.StatusUnprocessableEntity,
				"A password has at least 8 characters and at most 72 bytes.")
		}
		c.advance(recently)
		v.get("/password").leadsTo(t, "/login?next=%2Fpassword")
		v.post("/password", "password="+fresh+"&form_token="+token).leadsTo(t, "/login?next=%2Fpassword")
		p.post("/password", "password="+fresh+"&form_token="+token).has(t, http.StatusUnauthorized)
		p.post("/login", rightOne).state(t)
	})
}

// Programs find the token where a browser finds the form.
func TestAProgramChangesThePassword(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		v := program(t, url)
		v.post("/login", rightOne).state(t)
		v.post("/password", `{"password":"`+fresh+`"}`, "Content-Type", asJSON).has(t, http.StatusForbidden)
		token := v.get("/password").state(t).FormToken
		st := v.post("/password", `{"password":"`+fresh+`","form_token":"`+token+`"}`, "Content-Type", asJSON).state(t)
		if *st.User != "user1" || len(st.Flash) == 0 || st.FormToken != "" {
			t.Errorf("afterwards: %+v", st)
		}
		if a := v.get("/profile"); strings.Contains(a.body, tokenField) {
			t.Errorf("a form token on another page: %s", a.body)
		}
	})
}
