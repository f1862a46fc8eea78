// Package waitingtest visits the programs that wait, over real connections.
package waitingtest

import (
	"bufio"
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// browser is alice's, logged in.
type browser struct {
	*testing.T
	ctx       context.Context
	client    *http.Client
	site      string
	elsewhere *session.Manager // of another process
}

// Run checks a program. serve serves its site and returns the site's URL.
func Run(t *testing.T, serve func(t *testing.T, sessions *session.Manager) string) {
	t.Helper()
	ends := map[string]func(b browser){
		"LogoutInAnotherTab": func(b browser) { b.post("/logout", nil) },
		"RevokedElsewhere": func(b browser) {
			if n, err := b.elsewhere.RevokeAll(b.ctx, "alice"); n != 1 || err != nil {
				b.Errorf("%d sessions of alice were revoked, error %v", n, err)
			}
		},
	}
	for name, end := range ends {
		t.Run("Events"+name, func(t *testing.T) { openBrowser(t, serve).eventsEnd(end) })
		t.Run("Socket"+name, func(t *testing.T) { openBrowser(t, serve).socketEnds(end) })
	}
	t.Run("ForMembersOnly", func(t *testing.T) {
		b := openBrowser(t, serve)
		b.post("/logout", nil)
		b.refused("/events", http.StatusUnauthorized, "")
		b.refused("/socket", http.StatusUnauthorized, b.site)
	})
	t.Run("OtherOrigins", func(t *testing.T) {
		openBrowser(t, serve).refused("/socket", http.StatusForbidden, "https://evil.example")
	})
}

func openBrowser(t *testing.T, serve func(t *testing.T, sessions *session.Manager) string) browser {
	t.Helper()
	store, managers := memstore.New(), [2]*session.Manager{}
	for i := range managers {
		var err error
		o := session.Options{InsecureHTTP: true, WatchInterval: 100 * time.Millisecond}
		if managers[i], err = session.New(store, o); err != nil {
			t.Fatal(err)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	b := browser{t, ctx, &http.Client{Jar: jar}, serve(t, managers[0]), managers[1]}
	t.Cleanup(b.client.CloseIdleConnections)
	b.post("/login", url.Values{"user": {"alice"}})
	return b
}

func (b browser) do(method, path, form, origin string, headers ...string) *http.Response {
	b.Helper()
	r, err := http.NewRequestWithContext(b.ctx, method, b.site+path, strings.NewReader(form))
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	return response
}

func (b browser) post(path string, form url.Values) {
	b.Helper()
	response := b.do(http.MethodPost, path, form.Encode(), "", "Content-Type", "application/x-www-form-urlencoded")
	if response.Body.Close(); response.StatusCode != http.StatusOK {
		b.Fatalf("POST %s: %s", path, response.Status)
	}
}

// refused asks for a WebSocket, or with no origin for events.
func (b browser) refused(path string, status int, origin string) {
	b.Helper()
	upgrade := []string{
		"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==",
	}
	if origin == "" {
		upgrade = nil
	}
	response := b.do(http.MethodGet, path, "", origin, upgrade...)
	if response.Body.Close(); response.StatusCode != status {
		b.Errorf("GET %s from %q: %s, want %d", path, origin, response.Status, status)
	}
}

// eventsEnd reads events until the session has ended. The connection ends then.
func (b browser) eventsEnd(end func(browser)) {
	b.Helper()
	response := b.do(http.MethodGet, "/events", "", "")
	defer response.Body.Close()
	var last string
	ended := false
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") && !ended {
			ended = true
			end(b)
		}
		if strings.HasPrefix(lines.Text(), "event: ") {
			last = lines.Text()
		}
	}
	if !ended || last != "event: ended" || b.ctx.Err() != nil {
		b.Errorf("the stream has ended (%v) after the event %q; data came: %t", b.ctx.Err(), last, ended)
	}
}

// socketEnds talks until the session has ended. The server says why it closes then.
func (b browser) socketEnds(end func(browser)) {
	b.Helper()
	o := &websocket.DialOptions{HTTPClient: b.client, HTTPHeader: http.Header{"Origin": {b.site}}}
	conn, _, err := websocket.Dial(b.ctx, b.site+"/socket", o) //nolint:bodyclose // it is the connection
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	if err := conn.Write(b.ctx, websocket.MessageText, []byte("hello")); err != nil {
		b.Fatal(err)
	}
	if _, echo, err := conn.Read(b.ctx); string(echo) != "hello" {
		b.Fatalf("echo %q, error %v", echo, err)
	}
	end(b)
	if _, _, err = conn.Read(b.ctx); websocket.CloseStatus(err) != 4001 {
		b.Errorf("after the session's end: %v, want a close with 4001", err)
	}
}
