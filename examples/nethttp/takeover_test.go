package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// TestTakingOverTheConnection says what README.md tells authors of WebSockets: who takes over the connection before the
// headers are out can hand out no cookie, so that a visitor needs the session from before.
func TestTakingOverTheConnection(t *testing.T) {
	url := takesOver(t)
	for path, cookieless := range map[string]int{"/hijack": 500, "/proxy": 500, "/upgrade": 101} {
		status, cookie := upgrade(t, url+path, "")
		if status != cookieless || (cookie != "") != (status == 101) {
			t.Errorf("%s for a new visitor: %d, cookie %q, want %d", path, status, cookie, cookieless)
		}
		_, cookie = upgrade(t, url+"/page", "")
		if status, again := upgrade(t, url+path, cookie); cookie == "" || status != 101 || again != "" {
			t.Errorf("%s after a page: %d, cookies %q and %q, want 101 and one cookie", path, status, cookie, again)
		}
	}
}

// takesOver serves a page, and upgrades as gorilla/websocket, a reverse proxy and coder/websocket make them.
func takesOver(t *testing.T) string {
	t.Helper()
	silent := session.Options{InsecureHTTP: true, OnEvent: func(context.Context, session.Event) {}}
	sessions, err := session.New(memstore.New(), silent)
	if err != nil {
		t.Fatal(err)
	}
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { takeOver(w, true) }))
	t.Cleanup(behind.Close)
	target, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) { takeOver(w, true) })
	mux.Handle("/proxy", proxy)
	mux.HandleFunc("/upgrade", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusSwitchingProtocols)
		takeOver(w, false)
	})
	visited := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
		mux.ServeHTTP(w, r)
	})
	server := httptest.NewServer(httpsession.Middleware(sessions)(visited))
	t.Cleanup(server.Close)
	return server.URL
}

func takeOver(w http.ResponseWriter, sendsHeaders bool) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return // the client has been told
	}
	defer connection.Close()
	if sendsHeaders {
		fmt.Fprint(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	}
}

// upgrade asks for another protocol and returns the answer's status and the cookie in it.
func upgrade(t *testing.T, target, cookie string) (status int, set string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"echo"}, "Cookie": {cookie}}
	connection, err := net.Dial("tcp", r.URL.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := r.Write(connection); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for _, c := range answer.Cookies() {
		set = c.Name + "=" + c.Value
	}
	return answer.StatusCode, set
}
