package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// browser is somebody with cookies.
type browser struct {
	t      *testing.T
	client *http.Client
	url    string
}

func (b *browser) do(method, path string, form url.Values) (status int, at, body string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, response.Request.URL.Path, string(text)
}

func open(t *testing.T) (visitor func() *browser, sessions *session.Manager) {
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site(t.Context(), sessions))
	t.Cleanup(server.Close)
	return func() *browser {
		jar, _ := cookiejar.New(nil) // it never fails
		return &browser{t, &http.Client{Jar: jar}, server.URL}
	}, sessions
}

// Nobody but an administrator sees the page, or ends anything by it.
func TestOnlyAdministratorsSeeThePage(t *testing.T) {
	visitor, sessions := open(t)
	nobody, user := visitor(), visitor()
	if _, at, _ := nobody.do(http.MethodGet, "/admin/sessions", nil); at != "/login" {
		t.Errorf("who is not logged in is at %s", at)
	}
	user.do(http.MethodPost, "/login", url.Values{"user": {"mallory"}})
	if status, _, body := user.do(http.MethodGet, "/admin/sessions", nil); status != http.StatusForbidden ||
		strings.Contains(body, "mallory") {
		t.Errorf("who is no administrator gets %d: %s", status, body)
	}
	for _, b := range []*browser{nobody, user} {
		b.do(http.MethodPost, "/admin/sessions?subject=mallory&all=1", nil)
	}
	if list, err := sessions.List(t.Context(), "mallory"); err != nil || len(list) != 1 {
		t.Errorf("there are %d sessions (%v), want 1", len(list), err)
	}
}

func TestAnAdministratorEndsASession(t *testing.T) {
	visitor, sessions := open(t)
	visitor().do(http.MethodPost, "/login", url.Values{"user": {"mallory"}})
	admin := visitor()
	status, at, body := admin.do(http.MethodPost, "/login", url.Values{"user": {"admin"}})
	if status != http.StatusOK || at != "/admin/sessions" || !strings.Contains(body, "mallory") {
		t.Fatalf("the administrator is at %s, %d: %s", at, status, body)
	}
	const all = "/admin/sessions?subject=mallory&all=1"
	_, _, body = admin.do(http.MethodGet, all, nil)
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(body)
	if token == nil {
		t.Fatalf("no form token in %s", body)
	}
	if status, _, body := admin.do(http.MethodPost, all, nil); status != http.StatusForbidden {
		t.Errorf("without its token the form is answered with %d: %s", status, body)
	}
	if status, _, body := admin.do(http.MethodPost, all, url.Values{"token": {token[1]}}); status != http.StatusOK {
		t.Errorf("the form is answered with %d: %s", status, body)
	}
	if list, err := sessions.List(t.Context(), "mallory"); err != nil || len(list) != 0 {
		t.Errorf("there are %d sessions (%v), want none", len(list), err)
	}
}
