package main

import (
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strconv"
	"testing"
)

// A measured cell must do what it is said to do, so that none of them measures an error: each app is visited over a
// network by a browser's cookie jar, which sees what the app's responses do to its cookies.
func TestEveryAppDoesItsWork(t *testing.T) {
	for _, a := range apps() {
		t.Run(a.framework+"/"+a.library+"/"+a.carrier, func(t *testing.T) {
			get := browse(t, a)
			for i, visit := range []struct {
				path string
				want int
			}{
				{"start", first}, {"unused", first}, {"read", first}, {"write", first + 1}, {"read", first + 1},
				{"write", first + 2},
				{"user", 0}, {"login", first}, {"user", 1}, {"read", first + 2}, {"write", first + 3}, {"login", first},
				{"read", first + 3},
			} {
				want := visit.want
				if a.library == "none" {
					want = first
				}
				if status, body := get(visit.path); status != http.StatusOK || body != strconv.Itoa(want) {
					t.Errorf("visit %d, %s: %d %q, want 200 %q", i, visit.path, status, body, strconv.Itoa(want))
				}
			}
		})
	}
}

// Somebody without a session finds nothing there: what a cell reads comes out of its session and from nowhere else.
func TestAStrangerFindsNothing(t *testing.T) {
	for _, a := range apps() {
		if a.library == "none" {
			continue
		}
		if _, body := browse(t, a)("read"); body == strconv.Itoa(first) {
			t.Errorf("%s, %s, %s: a stranger reads %q", a.framework, a.library, a.carrier, body)
		}
	}
}

// The measured loop itself notices when its operation does not work.
func TestEveryCellServes(t *testing.T) {
	for _, c := range cells() {
		v, err := c.open()
		for range 3 {
			if err == nil {
				err = v.serve(2)
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// A library that fails answers fast, and would look good.
func TestACellThatDoesNotWorkIsAnError(t *testing.T) {
	for _, c := range cells() {
		if c.library == "none" || c.op == "unused" || c.op == "login" {
			continue
		}
		v, err := c.open()
		if err != nil {
			t.Fatal(err)
		}
		v.cookie = strangers
		if v.serve(1) == nil {
			t.Errorf("%s: without the session's cookie it passes for done", c)
		}
	}
}

// browse serves an app until the test ends. What it returns visits a path.
func browse(t *testing.T, a app) func(path string) (status int, body string) {
	t.Helper()
	s, err := a.build()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.serve(l) // which ends when l is closed
	}()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(func() {
		_ = l.Close()
		<-served
	})
	client := &http.Client{Jar: jar, Transport: plainly{transport}}
	return func(path string) (int, string) {
		response, err := client.Get("https://" + l.Addr().String() + "/" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
}

// plainly lets the cookie jar see https, as the cookies are Secure, and speaks http.
type plainly struct{ http.RoundTripper }

func (p plainly) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme = "http"
	return p.RoundTripper.RoundTrip(r)
}
