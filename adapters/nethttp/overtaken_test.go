package httpsession_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// What other requests do while a handler is at work, between its Save and its headers too.

const (
	number  session.Key[int]      = "number"
	text    session.Key[string]   = "text"
	notices session.Flash[string] = "notices"
)

var remembered = session.Lifetime{Idle: 30 * 24 * time.Hour, Absolute: 90 * 24 * time.Hour, Persistent: session.Keep}

// desk answers requests that a test's functions handle.
type desk struct {
	*testing.T
	sessions *session.Manager
	clock    *sessiontest.Clock
}

func openDesk(t *testing.T, store session.Store, o session.Options) *desk {
	t.Helper()
	d := &desk{T: t, clock: sessiontest.NewClock()}
	o.Now, o.OnEvent, o.Name = d.clock.Now, func(context.Context, session.Event) {}, "id"
	var err error
	if d.sessions, err = session.New(store, o); err != nil {
		t.Fatal(err)
	}
	return d
}

// answer is a response as a browser looks at it.
type answer struct {
	status      int
	line, token string // of the session's cookie, if it sets one
}

func (d *desk) ask(token string, handle func(*session.Session)) answer {
	d.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://shop.example/page", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-id", Value: token})
	w := httptest.NewRecorder()
	httpsession.Middleware(d.sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		handle(httpsession.From(r))
	})).ServeHTTP(w, r)
	a := answer{status: w.Code, line: strings.Join(w.Header()["Set-Cookie"], " | ")}
	for _, c := range w.Result().Cookies() {
		a.token = c.Value
	}
	return a
}

// begun returns the token of a session that alice has logged in.
func (d *desk) begun() string { return d.ask("", func(s *session.Session) { s.Login("alice") }).token }

func (d *desk) subject(token string) (who string) {
	d.ask(token, func(s *session.Session) { who = s.Subject() })
	return who
}

func use(s *session.Session) { s.Exists() }

func mustSave(t *testing.T, s *session.Session) {
	t.Helper()
	if err := s.Save(); err != nil {
		t.Fatal(err)
	}
}

// P7: the cookie that a Save has made necessary must not replace one that another response has issued since.
func TestALifetimeThatIsSavedEarlyDoesNotUndoALogin(t *testing.T) {
	for name, meanwhile := range map[string]func(*session.Session){
		"login": func(s *session.Session) { s.Login("alice") }, "renew": (*session.Session).Renew,
	} {
		d := openDesk(t, memstore.New(), session.Options{})
		old := d.begun()
		slow := d.ask(old, func(s *session.Session) {
			s.SetLifetime(remembered)
			mustSave(t, s)
			d.ask(old, meanwhile)
		})
		if slow.token != "" && d.subject(slow.token) == "" {
			t.Errorf("%s: the slow response sets a dead token: %s", name, slow.line)
		}
		quick := d.ask(d.begun(), func(s *session.Session) { s.SetLifetime(remembered); mustSave(t, s) })
		if !strings.Contains(quick.line, "Max-Age") {
			t.Errorf("with nobody in between the cookie is %q, want it with Max-Age", quick.line)
		}
	}
}

func TestATokenHandedOutAfterASaveDoesNotUndoALogin(t *testing.T) {
	d := openDesk(t, memstore.New(), session.Options{RenewAfter: 10 * time.Minute})
	old, newer := d.begun(), ""
	slow := d.ask(old, func(s *session.Session) {
		number.Get(s)
		d.clock.Advance(11 * time.Minute)
		renewed := d.ask(old, use).token
		number.Set(s, 4)
		mustSave(t, s)
		newer = d.ask(renewed, func(s *session.Session) { s.Login("alice") }).token
	})
	if newer == "" || slow.token != "" && slow.token != newer && d.subject(slow.token) == "" {
		t.Errorf("the slow response sets a dead token over the one of the login: %s", slow.line)
	}
}

func TestATokenIsHandedOutUnderTheAttributesOfTheMoment(t *testing.T) {
	for name, write := range map[string]bool{"read": false, "write": true} {
		d := openDesk(t, memstore.New(), session.Options{RenewAfter: 10 * time.Minute})
		old := d.begun()
		d.clock.Advance(11 * time.Minute)
		d.ask(old, use) // its answer is lost
		late := d.ask(old, func(s *session.Session) {
			number.Get(s)
			d.ask(old, func(s *session.Session) { s.SetLifetime(remembered) })
			if write {
				number.Set(s, 5)
			}
		})
		if !strings.Contains(late.line, "Max-Age") {
			t.Errorf("%s: the session is remembered, and its cookie ends with the browser: %q", name, late.line)
		}
	}
}

func TestALifetimeThatIsNoChangeUndoesNone(t *testing.T) {
	d := openDesk(t, memstore.New(), session.Options{})
	token, persistent := d.begun(), false
	d.ask(token, func(s *session.Session) {
		s.SetLifetime(session.Lifetime{})
		number.Set(s, 1)
		d.ask(token, func(s *session.Session) { s.SetLifetime(remembered) })
	})
	if d.ask(token, func(s *session.Session) { persistent = s.Info().Persistent }); !persistent {
		t.Error("another request's remember me was undone by a lifetime that the session had already")
	}
}

// P28: a page that shows messages has nothing to lose if its session ends meanwhile.
func TestAPageThatTakesMessagesIsShownWhateverHappens(t *testing.T) {
	d := openDesk(t, memstore.New(), session.Options{})
	for name, meanwhile := range map[string]func(token string){
		"login":   func(token string) { d.ask(token, func(s *session.Session) { s.Login("alice") }) },
		"logout":  func(token string) { d.ask(token, (*session.Session).Destroy) },
		"expires": func(string) { d.clock.Advance(13 * time.Hour) },
	} {
		token := d.ask("", func(s *session.Session) { notices.Add(s, "saved") }).token
		a := d.ask(token, func(s *session.Session) { notices.Take(s); meanwhile(token) })
		if a.status != http.StatusOK || a.line != "" {
			t.Errorf("%s: %d %q, want the page and no cookie", name, a.status, a.line)
		}
	}
}

func TestAPageWithAFormIsShownAfterALostAnswer(t *testing.T) {
	d := openDesk(t, memstore.New(), session.Options{})
	for name, lost := range map[string]func(*session.Session){
		"login": func(s *session.Session) { s.Login("alice") }, "logout": (*session.Session).Destroy,
	} {
		token := d.begun()
		d.ask(token, lost)
		if a := d.ask(token, func(s *session.Session) { s.FormToken() }); a.status != http.StatusOK || a.token != "" {
			t.Errorf("after a lost %s: %d %q, want the page and no new session", name, a.status, a.line)
		}
	}
}

// failing is a store whose updates can fail. It hides Touch.
type failing struct {
	session.Store
	fails bool
}

func (f *failing) Update(ctx context.Context, r session.Record) error {
	if f.fails {
		return errors.New("down")
	}
	return f.Store.Update(ctx, r)
}

// P18: a Touch that was asked for is no upkeep whose failure nobody minds.
func TestATouchThatFailsIsTold(t *testing.T) {
	store := &failing{Store: memstore.New()}
	d := openDesk(t, store, session.Options{RenewAfter: 10 * time.Minute})
	old := d.begun()
	d.clock.Advance(11 * time.Minute)
	renewed := d.ask(old, use).token
	store.fails = true
	if a := d.ask(renewed, (*session.Session).Touch); a.status != http.StatusServiceUnavailable {
		t.Errorf("a Touch with a token that is presented for the first time: %d, want 503", a.status)
	}
}

func TestATouchIsKeptThoughAnotherRequestCameFirst(t *testing.T) {
	o := session.Options{Basis: session.LastChange, RenewAfter: 10 * time.Minute}
	d := openDesk(t, &failing{Store: memstore.New()}, o)
	old := d.begun()
	d.clock.Advance(20 * time.Minute)
	renewed := d.ask(old, use).token
	var told, kept time.Time
	d.ask(old, func(s *session.Session) {
		s.Touch()
		told = s.Info().ExpiresAt
		d.ask(renewed, use)
	})
	if d.ask(renewed, func(s *session.Session) { kept = s.Info().ExpiresAt }); kept.Before(told) {
		t.Errorf("the session ends %v before what Info has told", told.Sub(kept))
	}
}

func TestASealedSessionThatDoesNotFitAnyMoreIsRead(t *testing.T) {
	keys, clock := session.TemporaryKeys(), sessiontest.NewClock()
	sealed := func(o session.Options) *desk {
		o.Now, o.OnEvent = clock.Now, func(context.Context, session.Event) {}
		m, err := session.NewSealed(keys, o)
		if err != nil {
			t.Fatal(err)
		}
		return &desk{t, m, clock}
	}
	before, after := sealed(session.Options{}), sealed(session.Options{Cookie: session.Cookie{Persistent: true}})
	token := ""
	for n := 2500; n > 500 && token == ""; n-- {
		token = before.ask("", func(s *session.Session) { text.Set(s, strings.Repeat("x", n)) }).token
	}
	clock.Advance(10 * time.Minute) // a touch is due, and longer attributes leave no room for it
	found := ""
	if a := after.ask(token, func(s *session.Session) { found = text.Get(s) }); a.status != http.StatusOK || found == "" {
		t.Errorf("a page that only reads: %d, with %d bytes", a.status, len(found))
	}
}
