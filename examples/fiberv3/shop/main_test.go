package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
	"github.com/coatcheck/coatcheck/examples/internal/shop"
)

// The pages are tested on every other framework beside package shop. Here is what a mount can get wrong.
func TestTheShopIsServed(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run leaves this out: the shop gets one request after the other")
	}
	for _, store := range []string{"memory", "cookie"} {
		t.Run(store, func(t *testing.T) {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			v := visitor{t, start(t, "-store", store), &http.Client{Jar: jar, Timeout: exampletest.Patience}}
			v.sends("GET", "/healthz", "", 200, "ok")
			v.sends("GET", "/nonesuch?a=b", "", 404, "There is no such page")
			v.sends("DELETE", "/cart", "", 405, "does not take that method")
			v.sends("POST", "/login", strings.Repeat("a", shop.MaxBody+1), 413, "error")
			v.refusesLongHeaders()
			v.sends("POST", "/login", "username=user1&password=wrong", 401, "is wrong")
			v.sends("GET", "/profile", "", 401, "error")
			v.sends("POST", "/login", "username=user1&password=password1", 200, `"user":"user1"`)
			v.sends("GET", "/profile", "", 200, `"user":"user1"`)
			v.sends("POST", "/cart/add", "item=tea&form_token=x", 403, "This form was made for another session")
			v.sends("POST", "/login", "username=user1&password=password1&remember=on", 200, `"remembered":true`)
			v.sends("GET", "/password", "", 200, `"form_token":"`)
			v.sends("POST", "/language", "language=ja", 200, `"language":"ja"`)
			v.sends("POST", "/logout", "", 200, `"user":null`)
			v.sends("GET", "/profile", "", 401, "error")
		})
	}
}

// start runs the program on a free port until the test ends, and returns its URL.
func start(t *testing.T, args ...string) (url string) {
	t.Helper()
	urls := make(chan string, 1)
	ended := exampletest.Launch(t, exampletest.Build(t), append(args, "-addr", "127.0.0.1:0"), func(line string) {
		if u, ok := strings.CutPrefix(line, "listening on "); ok {
			urls <- u
		}
	})
	select {
	case url = <-urls:
	case <-ended:
		t.Fatal("the program ended before it printed its URL")
	case <-time.After(exampletest.Patience):
		t.Fatal("the program did not print its URL")
	}
	return url
}

// visitor is a program that keeps its cookie.
type visitor struct {
	*testing.T
	url    string
	client *http.Client
}

// refusesLongHeaders fails the test unless Fiber itself answers a request whose headers are too long. It closes the
// connection with that, so that the answer is lost where it comes before all of the request has been written.
func (v visitor) refusesLongHeaders() {
	v.Helper()
	path := "/?" + strings.Repeat("a", 20_000)
	for range 20 {
		response, err := v.client.Get(v.url + path)
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		v.sends("GET", "/healthz", "", 200, "ok")
		if response.StatusCode != 431 || response.Header.Get("X-Content-Type-Options") != "nosniff" {
			v.Errorf("status %d with %v, want a 431 with the headers of each answer", response.StatusCode, response.Header)
		}
		return
	}
	v.Error("of twenty requests with long headers none got an answer")
}

// sends fails the test unless the answer has this status, this text and the headers that each answer has.
func (v visitor) sends(method, path, form string, status int, text string) {
	v.Helper()
	r, err := http.NewRequest(method, v.url+path, strings.NewReader(form))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != status || !strings.Contains(string(body), text) {
		v.Errorf("%s %.40s: %d %.200s (%v), want %d and %s", method, path, response.StatusCode, body, err, status, text)
	}
	for name, want := range shop.SecurityHeaders {
		if got := response.Header.Get(name); got != want {
			v.Errorf("%s %.40s: %s is %q, want %q", method, path, name, got, want)
		}
	}
}
