package proof_test

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
)

const flaskSecret = "a secret of the tests"

var flaskPackages = map[string]string{"flask": "python3-flask", "flask_login": "python3-flask-login"}

// flaskBrowser is a visitor of a Flask application.
type flaskBrowser struct {
	t      *testing.T
	url    *url.URL
	client *http.Client
}

func browseFlask(t *testing.T, address string) flaskBrowser {
	t.Helper()
	u, err := url.Parse(address)
	noError(t, err)
	jar, err := cookiejar.New(nil)
	noError(t, err)
	return flaskBrowser{t, u, &http.Client{Jar: jar}}
}

func (b flaskBrowser) send(method, path string) *http.Response {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url.String()+path, nil)
	noError(b.t, err)
	r.Header.Set("User-Agent", userAgent)
	res, err := b.client.Do(r)
	noError(b.t, err)
	b.t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %s", method, path, res.Status)
	}
	return res
}

const userAgent = `It's "Mozilla"/5.0 \ é`

// cookie is the session cookie's value, "" without one.
func (b flaskBrowser) cookie() string {
	for _, c := range b.client.Jar.Cookies(b.url) {
		if c.Name == "session" {
			return c.Value
		}
	}
	return ""
}

// openFlask reads the visitor's session as Coatcheck does.
func openFlask(t *testing.T, i session.Importer, b flaskBrowser) session.Foreign {
	t.Helper()
	f, err := i.Open(t.Context(), b.cookie())
	noError(t, err)
	return f
}

func wantFlaskValues(t *testing.T, f session.Foreign, want map[string]string) {
	t.Helper()
	if f.Subject != "42" {
		t.Errorf("the subject is %q", f.Subject)
	}
	for name, text := range want {
		if got, _ := f.Values[name].(json.RawMessage); string(got) != text {
			t.Errorf("%s is %s, want %s", name, got, text)
		}
	}
}

// everyType are the values that the application keeps at /login?types.
var everyType = map[string]string{
	"cart": `["apple","banana"]`, "language": `"ja 太郎"`, "count": "3", "tuple": `["a",1]`, "bytes": `"AP9oZWxsbw=="`,
	"uuid": `"12345678-1234-5678-1234-567812345678"`, "when": `"2024-02-29T12:34:56Z"`, "markup": `"<b>hi</b>"`,
	"tag": `{" t":"x"}`, "_flashes": `[["message","Hello"]]`, "_fresh": "true",
}

// TestFlaskCookie: who has logged in with Flask comes along with everything that Flask can keep.
func TestFlaskCookie(t *testing.T) {
	app := startPython(t, "flask_app.py", flaskPackages, "SECRET_KEY="+flaskSecret)
	i, err := fromflask.Cookie(fromflask.Config{Secrets: []string{"the next one", flaskSecret}})
	noError(t, err)
	var b flaskBrowser
	for _, path := range []string{"/login?user=42&types", "/login?user=42&types&permanent"} {
		b = browseFlask(t, app)
		b.send(http.MethodPost, path)
		wantFlaskValues(t, openFlask(t, i, b), everyType)
	}
	b.send(http.MethodPost, "/logout")
	if f := openFlask(t, i, b); f.Subject != "" || f.Values["cart"] == nil {
		t.Errorf("after the logout there are %q and %v", f.Subject, f.Values)
	}
}
