package session_test

import (
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestOfSeveralCookiesOfOneSubjectTheLatestLoginCounts(t *testing.T) {
	for kind, w := range map[string]*world{
		"stored": newWorld(t, session.Options{}), "sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
	} {
		older := w.login(t, "user:1")
		w.now = w.now.Add(time.Minute)
		newer := w.read(t, "", func(s *session.Session) { s.Login("user:1"); name.Set(s, "newer") }).succeeded().issued()
		for _, cookies := range [][]string{{older, newer}, {newer, older}, {newer, older, newer}} {
			v := beginCookies(t, w.Manager, cookies...)
			if v.Subject() != "user:1" || name.Get(v.Session) != "newer" {
				t.Errorf("%s: subject %q name %q: the visitor is locked out", kind, v.Subject(), name.Get(v.Session))
			}
			v.finish().succeeded().untouched()
		}
	}
}

func TestSeveralCookiesThatCannotBeToldApartAreRefused(t *testing.T) {
	w := newWorld(t, session.Options{})
	one, two, anonymous, another := w.login(t, "user:1"), w.login(t, "user:2"), w.start(t), w.start(t)
	for _, cookies := range [][]string{{one, two}, {one, anonymous}, {anonymous, one}, {anonymous, another},
		{one, two, one}} {
		w.events = nil
		v := beginCookies(t, w.Manager, cookies...)
		if v.Exists() {
			t.Error("the order of the cookies decided who the visitor is")
		}
		if v.finish().succeeded().untouched(); !w.saw(session.ReasonAmbiguous) {
			t.Error("the refusal was not counted")
		}
	}
}

func TestLoginAndDestroyEndEverySessionThatTheCookiesOpened(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"login": func(s *session.Session) { s.Login("user:1") }, "destroy": (*session.Session).Destroy,
		"destroy and login": func(s *session.Session) { s.Destroy(); s.Login("user:1") },
	} {
		for _, subjects := range [][]string{{"user:1", "user:1"}, {"user:1", "user:2"}, {"user:1", ""}, {"", ""},
			{"user:1", "user:1", "user:1"}} {
			w := newWorld(t, session.Options{})
			var cookies []string
			for _, subject := range subjects {
				if subject == "" {
					cookies = append(cookies, w.start(t))
				} else {
					cookies = append(cookies, w.login(t, subject))
				}
			}
			v := beginCookies(t, w.Manager, append([]string{}, cookies...)...)
			f(v.Session)
			v.finish().succeeded()
			value, deleted := v.cookie()
			if what == "destroy" != deleted || what != "destroy" && w.subjectOf(t, value) != "user:1" {
				t.Errorf("%s of %q: cookie %.5q, deleted %t", what, subjects, value, deleted)
			}
			for _, c := range cookies {
				if v := begin(t, w.Manager, c); v.Exists() {
					t.Errorf("%s of %q: one of the sessions lives on, answered with 200", what, subjects)
				}
			}
		}
	}
}

func TestFormerScopesAreDeletedWhenSeen(t *testing.T) {
	o := session.Options{Cookie: session.Cookie{Name: "sid", Domain: "example.com",
		Former: []session.Scope{{}, {Domain: "www.example.com", Path: "/shop"}}}}
	for kind, w := range map[string]*world{"stored": newWorld(t, o), "sealed": newSealed(t, session.TemporaryKeys(), o)} {
		start := begin(t, w.Manager, "")
		start.Login("user:1")
		start.finish().succeeded()
		line := start.x.response.Get("Set-Cookie")
		token, _, _ := strings.Cut(strings.TrimPrefix(line, "sid="), ";")
		for _, c := range []struct {
			lines string
			want  int
		}{{"sid=" + token, 0}, {"sid=junk; sid=" + token, 3}, {"sid=junk; sid=rubbish", 2}} {
			v := begin(t, w.Manager, "")
			v.x.lines = []string{c.lines}
			subject := v.Subject()
			v.finish().succeeded()
			got := v.x.response.Values("Set-Cookie")
			if len(got) != c.want {
				t.Errorf("%s: %q: Set-Cookie %q, want %d lines", kind, c.lines, got, c.want)
				continue
			}
			deleted := 0
			for _, l := range got {
				if strings.Contains(l, "Max-Age=0") {
					deleted++
				} else if !strings.HasPrefix(l, "sid="+token+"; Path=/; Domain=example.com;") {
					t.Errorf("%s: %q, want the present session's cookie in the present scope", kind, l)
				}
			}
			if c.want > 0 && (deleted != 2 || v.x.response.Get("Cache-Control") != "no-store") || c.want != 2 &&
				subject != "user:1" {
				t.Errorf("%s: %q: subject %q, Set-Cookie %q", kind, c.lines, subject, got)
			}
		}
	}
}
