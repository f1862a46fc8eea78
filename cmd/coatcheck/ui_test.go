package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// uiPage is the command at work.
type uiPage struct {
	t       *testing.T
	address *url.URL // that it printed
	stop    func() int
	stderr  *diagnostics
}

// diagnostics is a standard error that is read while it is written to.
type diagnostics struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write writes.
func (d *diagnostics) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(p)
}

func (d *diagnostics) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.String()
}

func openUI(t *testing.T, store string, args ...string) *uiPage {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	r, w := io.Pipe()
	p := &uiPage{t: t, stderr: &diagnostics{}}
	status := make(chan int, 1)
	t.Setenv("COATCHECK_STORE", store)
	go func() {
		status <- run(append([]string{"ui"}, args...), (&console{ctx: ctx, now: time.Now}).complete(w, p.stderr))
		_ = w.Close()
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, p.stderr)
	}
	if p.address, err = url.Parse(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceValue(func() int { interrupt(); return <-status })
	t.Cleanup(func() { p.stop() })
	return p
}

// visitor is a browser.
func (p *uiPage) visitor() *http.Client {
	jar, _ := cookiejar.New(nil) // it never fails
	return &http.Client{Jar: jar}
}

// do sends a request and follows redirects.
func (p *uiPage) do(c *http.Client, method, address string, change ...func(*http.Request)) (status int, body string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range change {
		f(r)
	}
	response, err := c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// bare is the address without the ticket.
func (p *uiPage) bare() string { u := *p.address; u.RawQuery = ""; return u.String() }

func TestUI(t *testing.T) {
	s := newSite(t, sqliteURL(t))
	s.login("user:42", 0)
	s.login("user:42", 0)
	p := openUI(t, s.url)
	browser := p.visitor()
	if status, body := p.do(browser, http.MethodGet, p.address.String()); status != http.StatusOK ||
		!strings.Contains(body, "Sessions in sqlite") || !strings.Contains(body, "user:42") {
		t.Errorf("the printed address: %d: %s", status, body)
	}
	if status, body := p.do(browser, http.MethodPost, p.bare()+"?subject=user:42&all=1"); status != http.StatusOK ||
		!strings.Contains(body, "2 sessions ended") {
		t.Errorf("ending a subject's sessions: %d: %s", status, body)
	}
	if left, err := s.manager(session.Options{}, 0).List(t.Context(), "user:42"); err != nil || len(left) != 0 {
		t.Errorf("%d are left (%v)", len(left), err)
	}
	if status := p.stop(); status != exitOK {
		t.Errorf("interrupted it ends with %d: %s", status, p.stderr)
	}
	if !strings.Contains(p.stderr.String(), "Ctrl-C") {
		t.Errorf("standard error does not say how it ends: %s", p.stderr)
	}
}

// The address opens the page for one browser. A second one, as of whoever has read the terminal or the history, sees
// nothing, and neither does one that guesses.
func TestTheTicketIsGoodForOneBrowser(t *testing.T) {
	p := openUI(t, newSite(t, sqliteURL(t)).url)
	first := p.visitor()
	for why, address := range map[string]string{
		"no ticket": p.bare(), "an empty ticket": p.bare() + "?ticket=",
		"another ticket": p.address.String()[:len(p.address.String())-1] + "-", "a longer one": p.address.String() + "A",
	} {
		if status, body := p.do(p.visitor(), http.MethodGet, address); status != http.StatusForbidden ||
			strings.Contains(body, "<html") {
			t.Errorf("%s: %d: %s", why, status, body)
		}
	}
	if status, _ := p.do(p.visitor(), http.MethodHead, p.address.String()); status != http.StatusForbidden {
		t.Errorf("a preview's HEAD: %d", status)
	}
	for range 2 { // the browser's own second time is harmless
		if status, _ := p.do(first, http.MethodGet, p.address.String()); status != http.StatusOK {
			t.Errorf("the first browser: %d", status)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if status, body := p.do(p.visitor(), method, p.address.String()); status != http.StatusForbidden ||
			!strings.Contains(body, "Run the command again") {
			t.Errorf("the second browser: %d: %s", status, body)
		}
	}
	if status, _ := p.do(first, http.MethodGet, "http://"+p.address.Host+"/"); status != http.StatusNotFound {
		t.Errorf("another path: %d", status)
	}
	jar := first.Jar.Cookies(p.address)
	root, _ := url.Parse("http://" + p.address.Host + "/")
	if len(jar) != 1 || len(first.Jar.Cookies(root)) != 0 || strings.Contains(p.address.String(), jar[0].Value) {
		t.Errorf("the page has %d cookies and the rest of the host %d; want 1, which is not the ticket, and none",
			len(jar), len(first.Jar.Cookies(root)))
	}
}

// A name that somebody else makes point to this machine opens nothing, not even for the browser that has the cookie,
// and neither does another site's form.
func TestOtherSitesCannotUseThePage(t *testing.T) {
	s := newSite(t, sqliteURL(t))
	s.login("user:42", 0)
	p := openUI(t, s.url)
	browser := p.visitor()
	port := p.address.Port()
	hosts := []string{"evil.example:" + port, "evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:" + port,
		"127.0.0.2:" + port, "[::1]:" + port, ""}
	refused := func() {
		t.Helper()
		for _, host := range hosts {
			status, body := p.do(browser, http.MethodGet, p.address.String(), func(r *http.Request) {
				r.Host = host
				if host == "" {
					r.Host = "." // an empty one is the address's
				}
			})
			if status != http.StatusMisdirectedRequest || strings.Contains(body, "user:42") {
				t.Errorf("host %q: %d: %s", host, status, body)
			}
		}
	}
	refused()
	if status, _ := p.do(browser, http.MethodGet, p.address.String()); status != http.StatusOK {
		t.Fatalf("the ticket is gone: %d", status)
	}
	refused()
	for _, header := range [][2]string{{"Sec-Fetch-Site", "same-site"}, {"Origin", "http://127.0.0.1:1"}} {
		status, _ := p.do(browser, http.MethodPost, p.bare()+"?subject=user:42&all=1", func(r *http.Request) {
			r.Header.Set(header[0], header[1])
		})
		if status != http.StatusForbidden {
			t.Errorf("a form with %s: %d", header, status)
		}
	}
	if left, err := s.manager(session.Options{}, 0).List(t.Context(), "user:42"); err != nil || len(left) != 1 {
		t.Errorf("%d are left (%v)", len(left), err)
	}
}

// The page has no login, so nobody else's machine may reach it.
func TestUIIsForThisMachine(t *testing.T) {
	s := newSite(t, sqliteURL(t))
	for _, addr := range []string{
		"0.0.0.0:0", "[::]:0", ":8090", "192.168.1.5:80", "example.com:80", "127.0.0.1", "localhost.example.com:80",
		"8090", "",
	} {
		status, stdout, stderr := s.run("ui", "--addr", addr)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, "--addr") {
			t.Errorf("%q: status %d, %s%s", addr, status, stdout, stderr)
		}
	}
	p := openUI(t, s.url, "--addr", "localhost:0")
	if p.address.Hostname() != "127.0.0.1" {
		t.Errorf("localhost is %s", p.address.Hostname())
	}
	if status, _, stderr := s.run("ui", "--addr", p.address.Host); status != exitFailed ||
		!strings.Contains(stderr, "another port") {
		t.Errorf("on a port that is taken: status %d, %s", status, stderr)
	}
}

// A store that is down from the beginning is said at once, as by the other commands.
func TestUIOfAStoreThatIsDown(t *testing.T) {
	status, stdout, stderr := call("ui", "--store", "memcached://127.0.0.1:1")
	if status != exitFailed || stdout != "" || !strings.Contains(stderr, "connection refused") ||
		!strings.Contains(stderr, findOut) {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
}

// One that fails later makes a page that says so, and the reason is where the command was started.
func TestUIOfAStoreThatFails(t *testing.T) {
	var stderr diagnostics
	c := (&console{now: time.Now}).complete(io.Discard, &stderr)
	page, err := ui{}.page(c, &storeurl.Opened{Store: &unreachable{memstore.New()}, Kind: "broken"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?subject=user:42", nil))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
	if text := stderr.String(); !strings.Contains(text, "coatcheck: ") || !strings.Contains(text, "disk on fire") ||
		!strings.Contains(text, findOut) {
		t.Errorf("standard error: %s", text)
	}
}

// unreachable is a store that cannot be searched.
type unreachable struct{ *memstore.Store }

func (unreachable) Find(context.Context, string) ([]session.RecordID, error) { return nil, errFire }

// A page of nothing would be taken for a site without visitors.
func TestUIOfAMistypedPath(t *testing.T) {
	dir := t.TempDir()
	status, stdout, stderr := call("ui", "--store", "sqlite://"+dir+"/typo")
	if status != exitFailed || stdout != "" || !strings.Contains(stderr, "there is no store at") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("looking made %v (%v)", left, err)
	}
}
