package shop

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestCrawlersGetNoCookie(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		for path, r := range routes() {
			if _, ok := r[http.MethodGet]; !ok {
				continue
			}
			for _, v := range []*visitor{browser(t, url), program(t, url)} {
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					if a := v.ask(method, path, ""); len(a.header.Values("Set-Cookie")) > 0 {
						t.Errorf("%s %s sets a cookie", method, path)
					}
				}
			}
		}
		v := browser(t, url)
		v.post("/login", "username=user1&password=wrong").has(t, http.StatusUnauthorized)
		v.post("/checkout", "").has(t, http.StatusConflict)
		v.get("/nonesuch").has(t, http.StatusNotFound)
		if v.cookie != "" {
			t.Error("a request that failed sets a cookie")
		}
	})
}

func TestFilesDoWithoutTheSession(t *testing.T) {
	everywhere(t, func(t *testing.T, url string) {
		v := browser(t, url)
		v.post("/cart/add", "item=apple")
		for _, path := range []string{"/healthz", "/static/shop.css", "/static/apple.svg", "/static/nonesuch"} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
				a := v.ask(method, path, "")
				if a.header.Get("Vary") != "" || len(a.header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s %s: Vary %q, Set-Cookie %q, want neither", method, path, a.header.Get("Vary"),
						a.header.Values("Set-Cookie"))
				}
				if a.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s %s: no X-Content-Type-Options", method, path)
				}
			}
		}
	})
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		for _, next := range []string{
			"//example.com", "https://example.com/", "/\\example.com", "\\\\example.com", "/%2Fexample.com", "%2F%2Fexample.com",
			"/cart%0d%0aX-Bad: 1", "javascript:alert(1)", "/cart/../..//example.com", "/logout", "/nonesuch", "cart",
			"/login", "",
		} {
			v := browser(t, url)
			page := v.get("/login?next="+strings.ReplaceAll(next, " ", "+")).has(t, http.StatusOK)
			if !strings.Contains(page.body, `name="next" value=""`) {
				t.Errorf("next=%q survives on the login page", next)
			}
			v.post("/login", "username=user1&password=password1&next="+next).leadsTo(t, "/")
			if next != "/login" {
				v.post("/language", "language=fr&next="+next).leadsTo(t, "/")
			}
		}
		v := browser(t, url)
		v.get("/admin").leadsTo(t, "/login?next=%2Fadmin")
		v.post("/login", "username=admin&password=password3&next=/admin").leadsTo(t, "/admin")
		v.post("/language", "language=fr&next=%2Flogin%3Fnext%3D%252F%252Fexample.com").leadsTo(t, "/")
	})
}

// Who chooses a language on the way to a page goes on from there.
func TestChoicesOnTheLoginPage(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := browser(t, url)
		here := v.get("/profile").header.Get("Location")
		v.get(here).has(t, http.StatusOK, `<input type="hidden" name="next" value="/login?next=%2Fprofile">`)
		v.post("/language", "language=fr&next=%2Flogin%3Fnext%3D%252Fprofile").leadsTo(t, here)
		v.get(here).has(t, http.StatusOK, `<input type="hidden" name="next" value="/profile">`)
		v.get("/login").has(t, http.StatusOK, `<input type="hidden" name="next" value="/login">`)
		v.post("/preferences", "theme=dark&next=/login").leadsTo(t, "/login")
	})
}

func TestItemsAreEscaped(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := browser(t, url)
		for _, item := range []string{
			`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; alert(1) //`, `{{.State}}`, `%d %s`,
		} {
			v.ask(http.MethodPost, "/cart/add", fmt.Sprintf(`{"item":%q}`, item), "Content-Type",
				"application/json").leadsTo(t, "/cart")
			page := v.get("/cart").has(t, http.StatusOK)
			if strings.Contains(page.body, "<script") || strings.Contains(page.body, "<img src=x") ||
				strings.Contains(page.body, "!(NOVERB)") {
				t.Errorf("item %q is not escaped", item)
			}
		}
		v.post("/login", "username=%3Cscript%3E&password=x").has(t, http.StatusUnauthorized, "&lt;script&gt;")
	})
}

// What a page refers to exists, and is the shop's own.
func TestPagesHoldTogether(t *testing.T) {
	references := regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := browser(t, url)
		v.post("/login", "username=admin&password=password3")
		v.post("/cart/add", "item=apple")
		v.post("/cart/add", "item=olives")
		v.post("/language", "language=ja")
		for _, path := range []string{
			"/", "/cart", "/history", "/preferences", "/profile", "/password", "/devices", "/admin", "/login", "/nonesuch",
		} {
			page := v.get(path)
			for _, found := range references.FindAllStringSubmatch(page.body, -1) {
				if strings.HasPrefix(found[1], "#") {
					continue
				}
				if a := v.ask(http.MethodHead, found[1], ""); a.status == http.StatusNotFound {
					t.Errorf("%s refers to %s: status %d", path, found[1], a.status)
				}
			}
			if strings.Contains(page.body, "style=") || strings.Contains(page.body, "://") ||
				strings.Contains(page.body, "ZgotmplZ") {
				t.Errorf("%s: what the Content-Security-Policy forbids: %s", path, page.body)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := program(t, url)
		for i := range maxItems {
			v.post("/cart/add", fmt.Sprintf("item=%d", i)).has(t, http.StatusOK)
		}
		v.post("/cart/add", "item=more").has(t, http.StatusConflict, "The cart is full: it holds 100 items.")
		for range maxHistory + 5 {
			v.get("/history")
		}
		st := v.get("/").state(t)
		if len(st.Cart) != maxItems || len(st.History) != maxHistory || st.History[maxHistory-1] != "/" {
			t.Errorf("%d items and history %q", len(st.Cart), st.History)
		}
	})
}

// A cookie that is full refuses more items and goes on showing pages.
func TestFullCookie(t *testing.T) {
	for _, sealer := range sealerNames {
		on(t, options{store: "cookie", sealer: sealer}, func(t *testing.T, url string) {
			v := program(t, url)
			item := strings.Repeat("x", maxItemLength)
			added := 0
			for v.post("/cart/add", "item="+item).status == http.StatusOK {
				added++
			}
			v.post("/cart/add", "item="+item).has(t, http.StatusUnprocessableEntity, "There is no room left for this.")
			for v.post("/cart/add", "item=x").status == http.StatusOK {
				added++
			}
			for range maxHistory {
				if st := v.get("/preferences").state(t); len(st.Cart) != added {
					t.Fatalf("%d items, want %d", len(st.Cart), added)
				}
			}
			if len(v.cookie) > 4096 || added < 15 {
				t.Errorf("%d items in a cookie of %d bytes", added, len(v.cookie))
			}
			v.post("/logout", "").state(t)
		})
	}
}

func TestUnusualMethod(t *testing.T) {
	for _, framework := range frameworks {
		if framework == "fiber" {
			continue // Fiber answers methods that it does not know by itself
		}
		v := program(t, open(t, options{framework: framework, store: "memory"}))
		a := v.ask("BREW", "/cart", "").has(t, http.StatusMethodNotAllowed)
		if a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow %q", framework, a.header.Get("Allow"))
		}
	}
}

func TestOwnFormsPass(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := browser(t, url)
		for _, header := range [][]string{
			{}, {"Origin", url}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"},
		} {
			v.post("/cart/add", "item=apple", header...).leadsTo(t, "/cart")
		}
	})
}

// Frameworks have limits of their own, beyond the shop's; the client may also be cut off.
func TestHugeBody(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		v := browser(t, url)
		a, err := v.try(http.MethodPost, "/cart/add", "item="+strings.Repeat("x", 8<<20), "Content-Type",
			"application/x-www-form-urlencoded")
		if err == nil && (a.status != http.StatusRequestEntityTooLarge ||
			!strings.Contains(a.body, "The request is too large.") || a.header.Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%d %v %s", a.status, a.header, a.body)
		}
	})
}

func TestDelayNeedsItsFlag(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		program(t, url).get("/", "X-Delay", "1h").state(t)
	})
}

func TestDelay(t *testing.T) {
	v, started := program(t, open(t, options{framework: "gin", store: "memory", allowDelay: true})), time.Now()
	v.get("/", "X-Delay", "50ms").state(t)
	if took := time.Since(started); took < 50*time.Millisecond {
		t.Errorf("X-Delay: 50ms took %v", took)
	}
}

func TestEveryLanguageSaysEverything(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	verbs := regexp.MustCompile(`%[0-9]*[ds]`)
	for key, sentence := range all["en"] {
		for _, lang := range languages {
			if got, want := verbs.FindAllString(all[lang][key], -1), verbs.FindAllString(sentence, -1); all[lang][key] == "" ||
				!slices.Equal(got, want) {
				t.Errorf("%s: %s has the verbs %q, want %q: %q", lang, key, got, want, all[lang][key])
			}
		}
	}
	for _, lang := range languages {
		if len(all[lang]) != len(all["en"]) {
			t.Errorf("%s has %d texts, en has %d", lang, len(all[lang]), len(all["en"]))
		}
	}
}

func TestAPageThatFailsIsAnErrorPage(t *testing.T) {
	a := newShop(t, t.Output())
	for err, want := range map[error]int{
		session.ErrUnavailable: 503, session.ErrConflict: 409, session.ErrEnded: 409, session.ErrTooLarge: 422,
		session.ErrCrossSite: 403, session.ErrForbidden: 403, session.ErrLoginRequired: 401, session.ErrLoginStale: 401,
		http.ErrNotSupported: 500,
	} {
		for accept, kind := range map[string]string{
			"application/json": "application/json", "*/*": "text/html; charset=utf-8",
		} {
			r := a.sessionFailure(err, func(name string) string {
				if name == "Accept" {
					return accept
				}
				return ""
			})
			if r.Status != want || r.ContentType != kind || len(r.Body) == 0 {
				t.Errorf("%v: %d %s %s", err, r.Status, r.ContentType, r.Body)
			}
		}
	}
}

func TestUnknownUsersTakeAsLong(t *testing.T) {
	demo := demoAccounts()
	for name, who := range demo.byName {
		if who.hash[:7] != demo.nobody.hash[:7] {
			t.Errorf("%s's password is hashed as %s, nobody's as %s", name, who.hash[:7], demo.nobody.hash[:7])
		}
	}
	for name, password := range map[string]string{"user1": "password1", "user2": "password2", "admin": "password3"} {
		if !demo.check(name, password) || demo.check(name, password+"x") || demo.check(name+"x", password) {
			t.Errorf("%s's password is not what it should be", name)
		}
	}
}

func TestWhoWantsJSON(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "text/html": false, "application/json": true, "APPLICATION/JSON; q=0.5": true,
		"text/html,application/xhtml+xml,*/*;q=0.8": false, "application/json;q=0.9, text/html": false,
		"text/html;q=0.1, application/json": true, "application/json;q=0": false, "application/json, text/plain, */*": true,
	} {
		header := http.Header{"Accept": {accept}}
		if got := wantsJSON(header.Get); got != want {
			t.Errorf("Accept %q: %v, want %v", accept, got, want)
		}
	}
	if header := (http.Header{"Accept": {"*/*"}, "Content-Type": {"application/json"}}); !wantsJSON(header.Get) {
		t.Error("who sends JSON and accepts anything gets no JSON")
	}
}
