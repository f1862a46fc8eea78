package exampletest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// browser keeps the session cookie as a browser does. The cookie is in plain sight, so that a test can copy or forge
// it.
type browser struct {
	t      *testing.T
	client *http.Client
	url    string
	name   string // of the cookie
	cookie string // "": none
}

// site is a running example.
type site struct{ url, cookieName string }

// visit lets somebody look at the example to learn what its cookie is called.
func visit(t *testing.T, url string) site {
	t.Helper()
	set := newBrowser(t, site{url: url}).get("/").header.Get("Set-Cookie")
	name, _, ok := strings.Cut(set, "=")
	if !ok {
		t.Fatalf("the first visit sets no cookie but %q", set)
	}
	return site{url, name}
}

// newBrowser returns a browser without a cookie. It has connections of its own, so that a server which closes one
// disturbs no other browser.
func newBrowser(t *testing.T, at site) *browser {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, url: at.url, name: at.cookieName, client: &http.Client{Transport: transport, Timeout: Patience}}
}

// answer is a response that has been read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	cookie *http.Cookie // the session cookie that it sets; nil: none
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	return b.do(http.MethodPost, path, form)
}

func (b *browser) login(user string) answer {
	b.t.Helper()
	return b.post("/login", url.Values{"user": {user}})
}

func (b *browser) do(method, path string, form url.Values) answer {
	b.t.Helper()
	a, err := b.try(method, path, form)
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// try sends the cookie as it is, valid or not, and takes the one it is given.
func (b *browser) try(method, path string, form url.Values) (answer, error) {
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.name+"="+b.cookie)
	}
	response, err := b.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: response.StatusCode, header: response.Header, body: string(body)}
	for _, c := range response.Cookies() {
		if c.Name == b.name {
			a.cookie, b.cookie = c, c.Value
		}
	}
	return a, nil
}

// is fails the test unless the answer has this status and body.
func (a answer) is(t *testing.T, what string, status int, body string) {
	t.Helper()
	if a.status != status || a.body != body {
		t.Errorf("%s: %d %q, want %d %q", what, a.status, a.body, status, body)
	}
}

func (a answer) setsNoCookie(t *testing.T, what string) {
	t.Helper()
	if lines := a.header.Values("Set-Cookie"); len(lines) > 0 {
		t.Errorf("%s: sets a cookie: %q", what, lines)
	}
}
