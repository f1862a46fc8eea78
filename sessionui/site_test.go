package sessionui_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/sessionui"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// shelf is a store that counts what it is asked, and can be made to wait or to fail.
type shelf struct {
	*memstore.Store

	mu    sync.Mutex
	ids   []session.RecordID
	walks int           // that have begun
	gate  chan struct{} // a walk waits until it is closed; nil: it does not
	err   error
}

func (s *shelf) Create(ctx context.Context, r session.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, r.ID)
	return s.Store.Create(ctx, r)
}

func (s *shelf) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if err := s.failure(); err != nil {
		return nil, err
	}
	return s.Store.Find(ctx, subject)
}

func (s *shelf) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Walk has cursors that are numbers.
func (s *shelf) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	s.mu.Lock()
	if cursor == "" {
		s.walks++
	}
	gate, err, ids, from := s.gate, s.err, s.ids, 0
	s.mu.Unlock()
	if gate != nil && cursor == "" {
		<-gate
	}
	if err != nil {
		return nil, "", err
	}
	_, _ = fmt.Sscan(cursor, &from) // "" is zero
	end := min(from+limit, len(ids))
	next := fmt.Sprint(end)
	if end == len(ids) {
		next = ""
	}
	page, err := s.LoadAll(context.WithoutCancel(ctx), ids[from:end]) // it may have waited for long
	return page, next, err
}

func (s *shelf) walked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.walks
}

// site is an application with the page.
type site struct {
	t        *testing.T
	store    *shelf
	sessions *session.Manager
	ui       http.Handler
	errors   []error
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, store: &shelf{Store: memstore.New()}}
	s.sessions = manager(t, s.store)
	s.ui = s.page(s.sessions)
	return s
}

// page is another page, as after a restart of the program.
func (s *site) page(m *session.Manager) http.Handler {
	return sessionui.New(s.t.Context(), m, sessionui.Options{
		OnError: func(err error) { s.errors = append(s.errors, err) },
	})
}

func manager(t *testing.T, store session.Store) *session.Manager {
	t.Helper()
	m, err := session.New(store, session.Options{ClientHints: true})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
	safari  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Version/18.5 Mobile/15E148 Safari/604.1"
)

var seen session.Key[bool] = "seen"

// login begins a session; "" is an anonymous visitor's. It returns the cookie.
func (s *site) login(subject, agent string) *http.Cookie {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, "https://example.com/login", nil)
	r.Header.Set("User-Agent", agent)
	w := httptest.NewRecorder()
	httpsession.Middleware(s.sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen.Set(httpsession.From(r), true)
		if subject != "" {
			httpsession.From(r).Login(subject)
		}
	})).ServeHTTP(w, r)
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		s.t.Fatalf("the login answers %d", w.Code)
	}
	return cookies[0]
}

func (s *site) handles(subject string) (all []string) {
	s.t.Helper()
	found, err := s.sessions.List(s.t.Context(), subject)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, i := range found {
		all = append(all, i.Handle)
	}
	return all
}

// answer is what a visitor gets.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

func (s *site) ask(method, query string, form url.Values, change ...func(*http.Request)) answer {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, "https://example.com/admin/sessions"+query,
		strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.ui.ServeHTTP(w, r)
	return answer{s.t, w.Code, w.Header(), w.Body.String()}
}

func (s *site) get(query string) answer  { s.t.Helper(); return s.ask(http.MethodGet, query, nil) }
func (s *site) post(query string) answer { s.t.Helper(); return s.ask(http.MethodPost, query, nil) }

// want checks the status, and that the page has these texts.
func (a answer) want(status int, texts ...string) {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("status %d, want %d", a.status, status)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			a.t.Errorf("%q is not in\n%s", text, a.visible())
		}
	}
}

func (a answer) wantNot(texts ...string) {
	a.t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			a.t.Errorf("%q is in\n%s", text, a.visible())
		}
	}
}

// visible is the page without its head.
func (a answer) visible() string {
	_, body, _ := strings.Cut(a.body, "<body>")
	return body
}

func about(subject string, more ...string) string {
	v := url.Values{"subject": {subject}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return "?" + v.Encode()
}

var errDown = errors.New("dial tcp 10.1.2.3:6379: connection refused")
