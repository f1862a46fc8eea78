package shop

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// step is a request of one visitor's walk through the shop, and the answer to it.
type step struct {
	method, path, body, kind string // kind: of the body; empty: a form
	accept                   string // empty: JSON
	header                   [2]string
	status                   int
	want                     string // JSON, or a part of a page
	location, allow          string
}

const aPage = "text/html"

// stateWith is a JSON state with the given differences from a stranger's.
func stateWith(changes string) string {
	st := map[string]any{
		"user": nil, "role": nil, "language": "en", "greeting": "Hello, World!", "theme": "light", "notifications": "enabled",
		"cart": []string{}, "history": []string{}, "flash": []string{}, "remembered": false,
	}
	if err := json.Unmarshal([]byte(changes), &st); err != nil {
		panic(err)
	}
	text, err := json.Marshal(st)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func refused(sentence string) string {
	text, err := json.Marshal(map[string]string{"error": sentence})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// walk is one visitor's way through everything that the shop has.
func walk() []step {
	json := "application/json"
	const user = `"user":"user1","role":"user",`
	return []step{
		{method: "GET", path: "/", status: 200, want: stateWith(`{}`)},
		{method: "GET", path: "/", header: [2]string{"Accept-Language", "fr-CA, en;q=0.5"}, status: 200,
			want: stateWith(`{"language":"fr","greeting":"Bonjour, le monde!"}`)},
		{method: "GET", path: "/", accept: aPage, header: [2]string{"Accept-Language", "ja"}, status: 200,
			want: "<h1>こんにちは、世界!</h1>"},
		{method: "GET", path: "/", accept: aPage, header: [2]string{"Accept-Language", "de"}, status: 200,
			want: "<h1>Hello, World!</h1>"},
		{method: "GET", path: "/cart", accept: aPage, status: 200, want: "Your cart is empty"},
		{method: "GET", path: "/history", accept: aPage, status: 200, want: "Nothing to remember yet"},
		{method: "GET", path: "/profile", accept: aPage, status: 303, location: "/login?next=%2Fprofile"},
		{method: "GET", path: "/profile", status: 401, want: refused("Please log in first.")},
		{method: "GET", path: "/admin", accept: aPage, status: 303, location: "/login?next=%2Fadmin"},
		{method: "GET", path: "/admin", status: 401, want: refused("Please log in first.")},
		{method: "GET", path: "/login?next=/profile", accept: aPage, status: 200,
			want: `<input type="hidden" name="next" value="/profile">`},
		{method: "POST", path: "/login", body: "username=user1&password=wrong", status: 401,
			want: refused("User name or password is wrong.")},
		{method: "POST", path: "/login", body: "username=nobody&password=wrong", status: 401,
			want: refused("User name or password is wrong.")},
		{method: "POST", path: "/login", accept: aPage, body: "username=user1&password=wrong&next=/cart", status: 401,
			want: `name="next" value="/cart"`},
		{method: "GET", path: "/password", accept: aPage, status: 303, location: "/login?next=%2Fpassword"},
		{method: "POST", path: "/password", body: "password=correct+horse", status: 401,
			want: refused("Please log in first.")},
		{method: "POST", path: "/login", body: "username=user1", status: 422,
			want: refused("Please give a user name and a password.")},
		{method: "POST", path: "/logout", status: 200, want: stateWith(`{}`)},
		{method: "POST", path: "/cart/clear", status: 200, want: stateWith(`{}`)},
		{method: "POST", path: "/checkout", status: 409, want: refused("Your cart is empty: there is nothing to check out.")},

		{method: "POST", path: "/cart/add", body: "item=apple", status: 200,
			want: stateWith(`{"cart":["apple"],"flash":["Apple is in your cart."]}`)},
		{method: "GET", path: "/cart", accept: aPage, status: 200,
			want: `<p class="message" role="status">Apple is in your cart.</p>`},
		{method: "GET", path: "/", status: 200, want: stateWith(`{"cart":["apple"],"history":["/cart","/"]}`)},
		{method: "HEAD", path: "/history", status: 200},
		{method: "POST", path: "/cart/add", body: `{"item":"<b>pear</b>"}`, kind: json, accept: aPage, status: 303,
			location: "/cart"},
		{method: "HEAD", path: "/cart", accept: aPage, status: 200},
		{method: "GET", path: "/cart", accept: aPage, status: 200, want: "&lt;b&gt;pear&lt;/b&gt; is in your cart."},
		{method: "POST", path: "/cart/remove", body: "item=apple", status: 200,
			want: stateWith(`{"cart":["<b>pear</b>"],"history":["/cart","/","/cart"]}`)},
		{method: "POST", path: "/cart/remove", body: "item=apple", status: 404,
			want: refused("This item is not in your cart.")},
		{method: "POST", path: "/cart/add", body: "", status: 422, want: refused("Please say which item.")},
		{method: "POST", path: "/cart/add", body: "item=+", status: 422, want: refused("Please say which item.")},
		{method: "POST", path: "/cart/add", body: "item=" + strings.Repeat("x", 101), status: 422,
			want: refused("An item is plain text of at most 100 characters.")},
		{method: "POST", path: "/cart/add", body: "item=a%00b", status: 422,
			want: refused("An item is plain text of at most 100 characters.")},
		{method: "POST", path: "/cart/add", body: "item=%FF", status: 400, want: refused("The form cannot be read.")},
		{method: "POST", path: "/cart/add", body: "item=%zz", status: 400, want: refused("The form cannot be read.")},
		{method: "POST", path: "/cart/add", body: "item=apple", kind: "text/plain", status: 415,
			want: refused("Send a form or JSON.")},
		{method: "POST", path: "/cart/add", body: "item=apple", header: [2]string{"Content-Encoding", "gzip"}, status: 415,
			want: refused("Send a form or JSON.")},
		{method: "POST", path: "/cart/add", body: `{"item":`, kind: json, status: 400,
			want: refused("The body is not a JSON object whose values are strings.")},
		{method: "POST", path: "/cart/add", body: `{"item":["apple"]}`, kind: json, status: 400,
			want: refused("The body is not a JSON object whose values are strings.")},
		{method: "POST", path: "/cart/add", body: `{"item":"apple"} {}`, kind: json, status: 400,
			want: refused("The body is not a JSON object whose values are strings.")},
		{method: "POST", path: "/cart/add", body: "item=" + strings.Repeat("x", 1<<20), status: 413,
			want: refused("The request is too large.")},
		{method: "POST", path: "/cart/add", body: "item=apple", header: [2]string{"Sec-Fetch-Site", "cross-site"},
			status: 403, want: refused("This request comes from another site.")},
		{method: "POST", path: "/cart/add", body: "item=apple", header: [2]string{"Sec-Fetch-Site", "same-site"}, status: 403,
			want: refused("This request comes from another site.")},
		{method: "POST", path: "/cart/add", body: "item=apple", header: [2]string{"Origin", "https://example.com"},
			accept: aPage, status: 403, want: "This request comes from another site."},
		{method: "POST", path: "/cart/add", body: "item=apple", header: [2]string{"X-Delay", "3001ms"}, status: 400,
			want: refused("X-Delay takes a duration from 0s to 3s, such as 300ms.")},
		{method: "GET", path: "/cart", header: [2]string{"X-Delay", "soon"}, status: 400,
			want: refused("X-Delay takes a duration from 0s to 3s, such as 300ms.")},
		{method: "PUT", path: "/cart", status: 405, allow: "GET, HEAD",
			want: refused("This address does not take that method.")},
		{method: "DELETE", path: "/login", status: 405, allow: "GET, HEAD, POST",
			want: refused("This address does not take that method.")},
		{method: "GET", path: "/checkout", status: 405, allow: "POST",
			want: refused("This address does not take that method.")},
		{method: "OPTIONS", path: "/checkout", accept: aPage, status: 405, allow: "POST",
			want: "This address does not take that method."},
		{method: "POST", path: "/static/shop.css", status: 405, allow: "GET, HEAD",
			want: refused("This address does not take that method.")},
		{method: "GET", path: "/nonesuch", status: 404, want: refused("There is no such page.")},
		{method: "GET", path: "/static/nonesuch", status: 404, want: refused("There is no such page.")},
		{method: "GET", path: "/cart/", accept: aPage, status: 404, want: "There is no such page."},
		{method: "GET", path: "/%63art", status: 200,
			want: stateWith(`{"cart":["<b>pear</b>"],"history":["/cart","/","/cart","/cart"]}`)},
		{method: "POST", path: "/cart/clear", status: 200, want: stateWith(`{"history":["/cart","/","/cart","/cart"]}`)},

		{method: "POST", path: "/language", body: "language=tlh", status: 422,
			want: refused("language must be one of these: en, es, fr, ja.")},
		{method: "POST", path: "/language", body: "language=es&next=/cart", accept: aPage, status: 303, location: "/cart"},
		{method: "GET", path: "/", accept: aPage, header: [2]string{"Accept-Language", "fr"}, status: 200,
			want: `<html lang="es" data-theme="light" data-notifications="enabled">`},
		{method: "GET", path: "/nonesuch", status: 404, want: refused("Esta página no existe.")},
		{method: "POST", path: "/language", body: `{"language":"en"}`, kind: json, status: 200,
			want: stateWith(`{"history":["/cart","/","/cart","/cart","/"]}`)},
		{method: "POST", path: "/preferences", body: "theme=dark", accept: aPage, status: 303, location: "/preferences"},
		{method: "POST", path: "/preferences", body: "theme=dark&notifications=maybe", status: 422,
			want: refused("notifications must be one of these: enabled, disabled.")},
		{method: "POST", path: "/preferences", body: "colour=dark", status: 422,
			want: refused("Choose a theme, notifications or both.")},
		{method: "POST", path: "/preferences", body: "notifications=disabled", accept: aPage, status: 303,
			location: "/preferences"},
		{method: "GET", path: "/preferences", accept: aPage, status: 200,
			want: `<html lang="en" data-theme="dark" data-notifications="disabled">`},

		{method: "POST", path: "/cart/add", body: "item=tea", accept: aPage, status: 303, location: "/cart"},
		{method: "POST", path: "/login", accept: aPage, body: "username=user1&password=password1&next=/profile", status: 303,
			location: "/profile"},
		{method: "GET", path: "/profile", accept: aPage, status: 200, want: "Welcome, user1!"},
		{method: "GET", path: "/password", accept: aPage, status: 200, want: `type="password"`},
		{method: "POST", path: "/password", body: "password=correct+horse", accept: aPage, status: 403,
			want: "This form was made for another session, or before you logged in."},
		{method: "POST", path: "/cart/clear", body: "form_token=AAAA", status: 403,
			want: refused("This form was made for another session, or before you logged in. " +
				"Please send it from a page that you load now.")},
		{method: "GET", path: "/admin", accept: aPage, status: 403, want: "This page is for administrators."},
		{method: "GET", path: "/admin", status: 403, want: refused("This page is for administrators.")},
		{method: "POST", path: "/checkout", status: 200,
			want: stateWith(`{` + user + `"theme":"dark","notifications":"disabled",` +
				`"history":["/cart","/","/cart","/cart","/","/preferences","/profile","/password"],` +
				`"flash":["Thank you! Your order is on its way: 1 item."]}`)},
		{method: "POST", path: "/logout", accept: aPage, status: 303, location: "/"},
		{method: "GET", path: "/", status: 200, want: stateWith(`{}`)},
		{method: "POST", path: "/login", body: `{"username":"admin","password":"password3"}`, kind: json, status: 200,
			want: stateWith(`{"user":"admin","role":"admin","flash":["Welcome, admin!"]}`)},
		{method: "GET", path: "/admin", accept: aPage, status: 200, want: "Administrator"},
		{method: "POST", path: "/login", body: `{"username":"admin","password":"password3","remember":true}`, kind: json,
			status: 200, want: stateWith(`{"user":"admin","role":"admin","history":["/admin"],"flash":["Welcome, admin!"],` +
				`"remembered":true}`)},
		{method: "POST", path: "/login", body: "username=user2&password=password2", status: 200,
			want: stateWith(`{"user":"user2","role":"user","flash":["Welcome, user2!"]}`)},
		{method: "GET", path: "/healthz", status: 200, want: "ok\n"},
		{method: "GET", path: "/static/shop.css", status: 200, want: ":root"},
	}
}

func TestWalk(t *testing.T) {
	var mu sync.Mutex
	answers := map[string][]answer{}
	t.Run("on", func(t *testing.T) {
		everywhere(t, func(t *testing.T, url string) {
			var all []answer
			v := program(t, url)
			for i, s := range walk() {
				a := v.ask(s.method, s.path, s.body, s.headers()...)
				s.check(t, fmt.Sprintf("step %d: %s %s %.80s", i+1, s.method, s.path, s.body), a)
				all = append(all, a)
			}
			mu.Lock()
			defer mu.Unlock()
			answers[t.Name()] = all
		})
	})
	if !t.Failed() {
		compare(t, answers)
	}
}

func (s step) headers() []string {
	header := []string{}
	if s.body != "" {
		header = append(header, "Content-Type", "application/x-www-form-urlencoded")
	}
	if s.kind != "" {
		header = append(header, "Content-Type", s.kind)
	}
	if s.accept != "" {
		header = append(header, "Accept", s.accept)
	}
	if s.header[0] != "" {
		header = append(header, s.header[0], s.header[1])
	}
	return header
}

func (s step) check(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status != s.status || a.header.Get("Location") != s.location || a.header.Get("Allow") != s.allow {
		t.Errorf("%s: status %d, Location %q, Allow %q; want %d, %q, %q; body %s", what,
			a.status, a.header.Get("Location"), a.header.Get("Allow"), s.status, s.location, s.allow, a.body)
	}
	isJSON := strings.HasPrefix(s.want, "{")
	if kind := a.header.Get("Content-Type"); isJSON && kind != "application/json" ||
		s.accept == aPage && s.location == "" && kind != "text/html; charset=utf-8" {
		t.Errorf("%s: Content-Type %q", what, kind)
	}
	switch {
	case isJSON && !sameJSON(a.body, s.want):
		t.Errorf("%s: %s\nwant %s", what, a.body, s.want)
	case !isJSON && !strings.Contains(a.body, s.want):
		t.Errorf("%s: no %q in %s", what, s.want, a.body)
	case s.method == http.MethodHead && a.body != "":
		t.Errorf("%s: a body: %s", what, a.body)
	}
}

func sameJSON(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

// compare holds every framework's answers against net/http's with the same store.
func compare(t *testing.T, answers map[string][]answer) {
	for name, all := range answers {
		_, store, _ := strings.Cut(strings.TrimPrefix(name, t.Name()+"/on/"), "/")
		for i, want := range answers[t.Name()+"/on/nethttp/"+store] {
			same := timeless(all[i].body) == timeless(want.body) && maps.Equal(flat(all[i].header), flat(want.header))
			if s := walk()[i]; !same {
				t.Errorf("%s: step %d, %s %s: not as on net/http:\n%v\n%v", name, i+1, s.method, s.path, flat(all[i].header),
					flat(want.header))
			}
		}
	}
}

// timeless is a page without what is different each time.
func timeless(body string) string {
	return moment.ReplaceAllString(hidden.ReplaceAllString(body, ""), "")
}

var moment = regexp.MustCompile(`<time [^>]*>[^<]*</time>`)

// flat is what of a header has to be the same everywhere.
func flat(h http.Header) map[string]string {
	same := map[string]string{}
	for name, lines := range h {
		switch name {
		case "Date", "Content-Length", "Connection":
		case "Set-Cookie":
			for _, line := range lines {
				_, attributes, _ := strings.Cut(line, ";")
				same[name] += attributes + "\n"
			}
		default:
			same[name] = strings.Join(lines, "\n")
		}
	}
	return same
}
