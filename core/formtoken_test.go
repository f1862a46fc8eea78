package session_test

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// carriers are the ways in which a session is kept, with and without periodic renewal.
func carriers(t *testing.T, o session.Options) map[string]*world {
	t.Helper()
	aead := o
	aead.Sealer = session.AEAD
	return map[string]*world{
		"stored": newWorld(t, o), "sealed": newSealed(t, session.TemporaryKeys(), o),
		"AEAD": newSealed(t, session.TemporaryKeys(), aead),
	}
}

// formOf returns a form token of the session behind cookie, and the cookie that opens it afterwards.
func (w *world) formOf(t *testing.T, cookie string) (form, after string) {
	t.Helper()
	v := w.read(t, cookie, func(s *session.Session) { form = s.FormToken() }).succeeded()
	if issued, _ := v.cookie(); issued != "" {
		cookie = issued
	}
	return form, cookie
}

// takes reports whether the session behind cookie takes a form token.
func (w *world) takes(t *testing.T, cookie, form string) (good bool) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { good = s.CheckFormToken(form) }).succeeded()
	return good
}

// after does something in a request and returns the cookie that opens the session afterwards.
func (w *world) after(t *testing.T, cookie string, f func(*session.Session)) string {
	t.Helper()
	if issued, _ := w.read(t, cookie, f).succeeded().cookie(); issued != "" {
		return issued
	}
	return cookie
}

// begun returns the cookie of a new session.
func (w *world) begun(t *testing.T) string {
	t.Helper()
	return w.after(t, "", func(s *session.Session) { count.Set(s, 1) })
}

func TestFormsRenderedAtOnceAllWork(t *testing.T) {
	for kind, w := range carriers(t, session.Options{}) {
		cookie := w.after(t, "", func(s *session.Session) { s.Login("user:1") })
		var forms []string
		a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
		for _, s := range []*session.Session{a.Session, b.Session, a.Session} {
			forms = append(forms, s.FormToken())
		}
		a.finish().untouched()
		b.finish().untouched()
		for _, form := range forms {
			if !w.takes(t, cookie, form) || !w.takes(t, cookie, form) {
				t.Errorf("%s: the form token %q is not taken", kind, form)
			}
		}
		if slices.Sort(forms); len(slices.Compact(forms)) != 3 {
			t.Errorf("%s: form tokens repeat, so that compression can tell them: %q", kind, forms)
		}
	}
}

func TestAFormTokenWritesNothingWhereASessionExists(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	form, _ := w.formOf(t, cookie)
	if n := w.store.Count(""); n != 1 || form == "" {
		t.Errorf("%d store calls for %q, want the load alone", n, form)
	}
	w.store.Reset()
	if !w.takes(t, cookie, form) || w.store.Count("") != 1 {
		t.Errorf("%d store calls to check it, want the load alone", w.store.Count(""))
	}
	w.read(t, cookie, func(s *session.Session) { s.FormToken() }).untouched()
}

func TestAFormTokenStartsASessionWhereThereIsNone(t *testing.T) {
	for kind, w := range carriers(t, session.Options{}) {
		v := begin(t, w.Manager, "")
		form, again := v.FormToken(), v.FormToken()
		if !v.Exists() || !v.CheckFormToken(form) || !v.CheckFormToken(again) {
			t.Errorf("%s: in the request itself it is not taken", kind)
		}
		cookie := v.finish().succeeded().issued()
		for _, token := range []string{form, again} {
			if !w.takes(t, cookie, token) {
				t.Errorf("%s: the form of the page that started the session is not taken", kind)
			}
		}
		cookie = w.after(t, cookie, func(s *session.Session) { count.Set(s, 1) })
		if !w.takes(t, cookie, form) {
			t.Errorf("%s: not taken once the session has changed", kind)
		}
	}
}

// A form from before must not be sent by whoever has planted the token from before.
// With Login or Renew in its request, a form token is the new session's. One that was taken earlier in the request is
// so where there was no session before, and nobody else can know its key.
// Rotation of keys logs nobody out, and loses no form either: neither one that the new key's server has rendered.
func TestFormTokenOfAnotherSession(t *testing.T) {
	for kind, w := range carriers(t, session.Options{}) {
		form, _ := w.formOf(t, w.begun(t))
		other := w.begun(t)
		if w.takes(t, other, form) || w.takes(t, "", form) || w.takes(t, "malformed", form) {
			t.Errorf("%s: a form token of another session is taken", kind)
		}
		ended := w.after(t, other, func(s *session.Session) { form = s.FormToken() })
		v := begin(t, w.Manager, ended)
		v.Destroy()
		if v.CheckFormToken(form) {
			t.Errorf("%s: a form token is taken after Destroy", kind)
		}
		if v.finish(); kind == "stored" && w.takes(t, ended, form) {
			t.Error("a form token of a session that has ended is taken")
		}
	}
}

func TestFormTokenOfAFailedLoadOrAnotherSite(t *testing.T) {
	w := newWorld(t, session.Options{AnonymousWhenUnavailable: true})
	form, cookie := w.formOf(t, w.start(t))
	v := crossSite(t, w.Manager, cookie)
	if v.CheckFormToken(form) || v.FormToken() != "" {
		t.Error("another site's request has form tokens")
	}
	v.finish().failedWith(403)
	w.store.Before(fail("Load"))
	v = begin(t, w.Manager, cookie)
	if v.CheckFormToken(form) || v.FormToken() != "" {
		t.Error("a session that could not be loaded has form tokens")
	}
	v.finish().failedWith(503)
	if v.FormToken() != "" || v.CheckFormToken(form) {
		t.Error("a session has form tokens after its request")
	}
}

func TestALateFormToken(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie).commit()
	form := v.FormToken()
	v.request.End()
	if !w.takes(t, cookie, form) || w.saw(session.ReasonTooLate) {
		t.Error("a form token of a session that exists needs no header")
	}
	v = begin(t, w.Manager, "").commit()
	v.FormToken()
	if v.request.End(); !w.saw(session.ReasonTooLate) {
		t.Error("nothing tells of a session that could not be started any more")
	}
	if e := w.events[len(w.events)-1]; !strings.Contains(e.Source, "formtoken_test.go:") {
		t.Errorf("event %+v, want one that leads to the line", e)
	}
}

func TestAFormTokenThatIsNotSavedIsNotTaken(t *testing.T) {
	w := newWorld(t, session.Options{SaveOn: func(int) bool { return false }})
	v := begin(t, w.Manager, "")
	v.FormToken()
	v.finish().succeeded().untouched()
}

func TestFormTokensInSeveralGoroutines(t *testing.T) {
	for kind, w := range carriers(t, session.Options{}) {
		for _, cookie := range []string{"", w.begun(t)} {
			v := begin(t, w.Manager, cookie)
			forms := make([]string, 16)
			var wg sync.WaitGroup
			for i := range forms {
				wg.Go(func() {
					if forms[i] = v.FormToken(); i%4 == 0 && w.store != nil {
						_ = v.Save()
					}
					v.CheckFormToken(forms[i])
				})
			}
			wg.Wait()
			if v.finish().succeeded(); cookie == "" {
				cookie = v.issued()
			}
			for _, form := range forms {
				if !w.takes(t, cookie, form) {
					t.Errorf("%s: a goroutine's form token is not taken", kind)
				}
			}
		}
	}
}

func TestHostileFormTokens(t *testing.T) {
	for kind, w := range carriers(t, session.Options{}) {
		form, cookie := w.formOf(t, w.begun(t))
		raw, err := base64.RawURLEncoding.DecodeString(form)
		if err != nil || len(raw) != 32 {
			t.Fatal(err, len(raw))
		}
		for n := range 200 {
			for _, b := range []string{"A", "_", "\x00", "é", " "} {
				if w.takes(t, cookie, strings.Repeat(b, n)) {
					t.Fatalf("%s: %d times %q is taken", kind, n, b)
				}
			}
			if n < len(form) && (w.takes(t, cookie, form[:n]) || w.takes(t, cookie, form[n+1:])) {
				t.Errorf("%s: a part of a form token is taken", kind)
			}
		}
		for i := range raw {
			changed := bytes.Clone(raw)
			changed[i] ^= 1
			if w.takes(t, cookie, base64.RawURLEncoding.EncodeToString(changed)) {
				t.Errorf("%s: a form token with another byte %d is taken", kind, i)
			}
		}
		for _, more := range []string{form + "=", form + form, " " + form, form + "\n", form[:20] + "\n" + form[20:],
			base64.StdEncoding.EncodeToString(raw), strings.Repeat("A", 1<<20)} {
			if w.takes(t, cookie, more) {
				t.Errorf("%s: another spelling is taken: %.60q", kind, more)
			}
		}
	}
}

// formKeyOf takes the mask off.
func formKeyOf(t *testing.T, form string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(form)
	if err != nil || len(b) != 32 {
		t.Fatal(form, err)
	}
	for i := range 16 {
		b[16+i] ^= b[i]
	}
	return b[16:]
}

// What is at rest, public, or in the visitor's hands besides the token must not lead to a form token.
func TestAFormKeyIsNothingThatOthersKnow(t *testing.T) {
	w := newWorld(t, session.Options{})
	form, cookie := w.formOf(t, w.login(t, "user:1"))
	key := formKeyOf(t, form)
	known := [][]byte{[]byte(cookie), []byte(w.handleOf(t, cookie)), []byte("user:1")}
	for _, r := range recordsOf(t, w, "user:1") {
		known = append(known, r.Data, r.ID[:])
	}
	for i := range known {
		if bytes.Contains(known[i], key) {
			t.Errorf("the form key is a part of %q", known[i])
		}
	}
	if token, err := base64.RawURLEncoding.DecodeString(cookie); err != nil || bytes.Contains(token, key) {
		t.Errorf("the form key is a part of the token (%v)", err)
	}
	if other, _ := newWorld(t, session.Options{}).formOf(t, ""); bytes.Equal(formKeyOf(t, other), key) {
		t.Error("two sessions have one form key")
	}
	sealed := newSealed(t, session.TemporaryKeys(), session.Options{})
	sealedForm, sealedCookie := sealed.formOf(t, sealed.begun(t))
	other, err := session.NewSealed(sealed.keys, sealed.observed(session.Options{Name: "other"}))
	if err != nil {
		t.Fatal(err)
	}
	if v := begin(t, other, sealedCookie); v.CheckFormToken(sealedForm) {
		t.Error("another manager with the same keys takes it")
	}
}

// What is not used costs nothing: a session whose pages have no forms is stored as before.
func TestFormTokensCostOtherSessionsNothing(t *testing.T) {
	sizes := map[int]bool{}
	for _, f := range []func(*session.Session){func(*session.Session) {}, func(s *session.Session) { s.Renew() },
		func(s *session.Session) { s.Login("user:1") }} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		w.after(t, cookie, f)
		for _, r := range recordsOf(t, w, "user:1") {
			sizes[len(r.Data)] = true
		}
	}
	if len(sizes) != 1 {
		t.Errorf("sizes %v, want one: nothing is kept for form tokens", sizes)
	}
}
