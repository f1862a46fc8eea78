package shop

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var (
	formStart = regexp.MustCompile(`<form [^>]*method="post"[^>]*>`)
	hidden    = regexp.MustCompile(`<input type="hidden" name="form_token" value="([^"]+)">`)
)

// token is what the first form of a page would send back.
func (a answer) token(t *testing.T) string {
	t.Helper()
	found := hidden.FindStringSubmatch(a.body)
	if found == nil {
		t.Fatalf("no form token in %s", a.body)
	}
	return url.QueryEscape(found[1])
}

func TestEveryFormHasAToken(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		v := browser(t, url)
		for _, path := range []string{"/", "/cart", "/login", "/preferences", "/nonesuch"} {
			if a := v.get(path); strings.Contains(a.body, tokenField) || v.cookie != "" {
				t.Errorf("%s has a form token, or a cookie, for a visitor without a session", path)
			}
		}
		v.post("/login", "username=admin&password=password3")
		v.post("/cart/add", "item=olives")
		for path, r := range routes() {
			if _, ok := r[http.MethodGet]; !ok {
				continue
			}
			body := v.get(path).body
			forms, tokens := len(formStart.FindAllString(body, -1)), len(hidden.FindAllString(body, -1))
			if forms < 2 || forms != tokens {
				t.Errorf("%s: %d forms and %d tokens", path, forms, tokens)
			}
		}
		if a, b := v.get("/").token(t), v.get("/").token(t); a == b {
			t.Error("a form token is the same on two pages, so whoever can compare pages learns it")
		}
	})
}

func TestFormsAreChecked(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		v, other := browser(t, url), browser(t, url)
		other.post("/cart/add", "item=apple")
		v.post("/login", rightOne)
		early := v.get("/").token(t)
		v.post("/login", rightOne) // which what was made before it does not outlive
		wrong := []string{"", "nonsense", other.get("/").token(t), early}
		for path, r := range routes() {
			_, takesForms := r[http.MethodPost]
			if !takesForms || strings.HasPrefix(path, "/devices") && v.get("/devices").status != http.StatusOK {
				continue
			}
			for _, token := range wrong {
				body := "item=apple&username=user1&password=password1&language=fr&theme=dark&form_token=" + token
				v.post(path, body).has(t, http.StatusForbidden, "This form was made for another session")
				program(t, url).as(v).post(path, body).has(t, http.StatusForbidden)
			}
		}
		st := program(t, url).as(v).get("/").state(t)
		if st.User == nil || *st.User != "user1" || len(st.Cart) > 0 || st.Language != "en" || st.Theme != "light" {
			t.Errorf("a wrong form changes something: %+v", st)
		}
		first, second := v.get("/").token(t), v.get("/cart").token(t)
		v.post("/cart/add", "item=apple&form_token="+second).leadsTo(t, "/cart")
		v.post("/cart/add", "item=apple&form_token="+first).leadsTo(t, "/cart")
	})
}

// A stranger has no token to send, and a page that was made for a session may be sent once it is over.
func TestAFormOfASessionThatIsOver(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		v := browser(t, url)
		v.post("/cart/add", "item=apple")
		token := v.get("/login").token(t)
		v.post("/logout", "").leadsTo(t, "/")
		v.post("/login", rightOne+"&remember=on&next=/cart&form_token="+token).has(t, http.StatusForbidden,
			"This form was made for another session", `value="user1"`, `name="next" value="/cart"`, `value="on" checked`)
		if v.cookie != "" {
			t.Error("a refused login sets a cookie")
		}
		v.post("/login", rightOne).leadsTo(t, "/")
	})
}
