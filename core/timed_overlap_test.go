package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P5 and P28: values that run out while requests overlap.

// spoil makes the next commit of a request lose a race for its session, against a request that changes something else.
func (w *world) spoil(t *testing.T, cookie string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
}

func TestReplaysKeepTheRemainingTime(t *testing.T) {
	w := timedWorlds(t)["stored"]
	v := begin(t, w.Manager, w.cookie)
	name.Update(v.Session, func(s string) string { return s + "x" })
	w.now = w.now.Add(time.Minute)
	w.read(t, w.cookie, func(s *session.Session) { name.SetFor(s, "new", 20*time.Minute) }).succeeded()
	v.finish().succeeded()
	w.now = w.now.Add(20*time.Minute - time.Millisecond)
	w.wantName(t, "before the end that the other gave", w.cookie, "newx")
	w.now = w.now.Add(time.Millisecond)
	w.wantName(t, "after it", w.cookie, "")
}

// What an update made of a value does not outlive the value, whatever happened to it meanwhile.
func TestAReplayOnNothingKeepsTheTimeThatTheValueHad(t *testing.T) {
	w := timedWorlds(t)["stored"]
	v := begin(t, w.Manager, w.cookie)
	name.Update(v.Session, func(s string) string { return s + "x" })
	w.read(t, w.cookie, func(s *session.Session) { name.Delete(s) }).succeeded()
	v.finish().succeeded()
	w.wantName(t, "the other's Delete, then the update", w.cookie, "x")
	w.now = w.now.Add(10 * time.Minute)
	w.wantName(t, "after ten minutes", w.cookie, "")
}

func TestAnUpdateOfWhatRanOutBeforeTheCommitIsGoneToo(t *testing.T) {
	for _, contested := range []bool{false, true} { // and the request has something else to save
		w := timedWorlds(t)["stored"]
		v := begin(t, w.Manager, w.cookie)
		errWrong := errors.New("wrong code")
		for range 2 {
			if err := name.Try(v.Session, func(code string) (string, error) {
				if !strings.HasPrefix(code, "4711") {
					return "", errWrong
				}
				return code + "!", nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		w.now = w.now.Add(10 * time.Minute)
		if contested {
			items.Set(v.Session, nil)
			w.spoil(t, w.cookie) // and drops it
		}
		v.finish().succeeded()
		w.wantName(t, fmt.Sprint("contested: ", contested), w.cookie, "")
	}
}

func TestAnExpiredValueIsNeverAConflict(t *testing.T) {
	get, pop := func(s *session.Session) { name.Get(s) }, func(s *session.Session) { name.Pop(s) }
	set, drop := func(s *session.Session) { name.Set(s, "mine") }, func(s *session.Session) { name.Delete(s) }
	update := func(s *session.Session) { name.Update(s, strings.ToUpper) }
	or := func(s *session.Session) { name.GetOr(s, "") }
	setFor := func(s *session.Session) { name.SetFor(s, "mine", time.Hour) }
	none := func(*session.Session) {}
	for what, c := range map[string]struct {
		alive, over []func(*session.Session)
		want        string
	}{
		"read alive, set when over":       {[]func(*session.Session){get}, []func(*session.Session){set}, "mine"},
		"read and set alive":              {[]func(*session.Session){get, set}, nil, "mine"},
		"read and set when over":          {nil, []func(*session.Session){get, set}, "mine"},
		"popped alive":                    {[]func(*session.Session){pop}, nil, ""},
		"popped when over":                {nil, []func(*session.Session){pop}, ""},
		"popped and set":                  {[]func(*session.Session){pop}, []func(*session.Session){set}, "mine"},
		"read and deleted alive":          {[]func(*session.Session){get, drop}, nil, ""},
		"read alive, deleted when over":   {[]func(*session.Session){get}, []func(*session.Session){drop}, ""},
		"GetOr alive, SetFor when over":   {[]func(*session.Session){or}, []func(*session.Session){setFor}, "mine"},
		"updated alive, set when over":    {[]func(*session.Session){update}, []func(*session.Session){set}, "mine"},
		"updated alive, popped when over": {[]func(*session.Session){update}, []func(*session.Session){pop}, ""},
	} {
		for _, dropped := range []bool{false, true} {
			for _, renewed := range []bool{false, true} {
				w := timedWorlds(t)["stored"]
				v := begin(t, w.Manager, w.cookie)
				for _, f := range append(c.alive, none) {
					f(v.Session)
					v.Exists()
				}
				w.now = w.now.Add(10 * time.Minute)
				for _, f := range c.over {
					f(v.Session)
				}
				cookie := w.cookie
				if dropped {
					w.spoil(t, cookie)
				}
				if renewed {
					cookie = w.read(t, cookie, (*session.Session).Renew).succeeded().issued()
				}
				why := fmt.Sprintf("%s, dropped by another request: %t, renewed: %t", what, dropped, renewed)
				if v.finish(); !v.ok {
					t.Errorf("%s: %d %s", why, v.instead.Status, v.instead.Body)
				}
				w.wantName(t, why, cookie, c.want)
			}
		}
	}
}

// The clock may pass a value's end while a commit repeats itself.
func TestAValueThatRunsOutDuringACommitIsNoConflict(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"Set":    func(s *session.Session) { name.Set(s, name.Get(s)+"!") },
		"Delete": func(s *session.Session) { name.Get(s); name.Delete(s) },
		"Try": func(s *session.Session) {
			_ = name.Try(s, func(code string) (string, error) {
				if code == "" {
					return "", http.ErrNoCookie
				}
				return code + "!", nil
			})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := timedWorlds(t)["stored"]
			v := begin(t, w.Manager, w.cookie)
			f(v.Session)
			w.now = w.now.Add(10*time.Minute - time.Millisecond)
			w.store.Before(func(c probe.Call) error {
				if c.Method == "Update" {
					w.store.Before(nil)
					w.now = w.now.Add(time.Millisecond)
					w.spoil(t, w.cookie)
				}
				return nil
			})
			v.finish().succeeded()
			want := ""
			if what == "Set" {
				want = "4711!"
			}
			w.wantName(t, what, w.cookie, want)
		})
	}
}

func TestWhatAnotherRequestSetMeanwhileIsStillAConflict(t *testing.T) {
	w := timedWorlds(t)["stored"]
	v := begin(t, w.Manager, w.cookie)
	name.Get(v.Session)
	w.now = w.now.Add(10 * time.Minute)
	w.read(t, w.cookie, func(s *session.Session) { name.SetFor(s, "theirs", time.Minute) }).succeeded()
	name.Set(v.Session, "mine")
	v.finish().failedWith(http.StatusConflict)
	w.wantName(t, "the other's", w.cookie, "theirs")
}

// Deleting what is not there changes nothing, and what is over is not there.
func TestADeleteOfWhatIsOverLeavesWhatAnotherRequestSets(t *testing.T) {
	w := timedWorlds(t)["stored"]
	v := begin(t, w.Manager, w.cookie)
	w.now = w.now.Add(10 * time.Minute)
	name.Get(v.Session)
	name.Delete(v.Session)
	count.Update(v.Session, addOne)
	w.read(t, w.cookie, func(s *session.Session) { name.Set(s, "theirs") }).succeeded()
	v.finish().succeeded()
	w.wantName(t, "the other's", w.cookie, "theirs")
}

// A login as somebody else runs this request's updates again, on nothing.
func TestWhatWasMadeOfNothingOutlivesASwitch(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		cookie := w.loginAt(t, w.cookie, "user:1")
		v := begin(t, w.Manager, cookie)
		name.Update(v.Session, strings.ToLower)
		name.Update(v.Session, func(s string) string { return s + "x" })
		w.now = w.now.Add(10 * time.Minute)
		name.Update(v.Session, func(s string) string { return s + "anew" })
		v.Login("user:2")
		w.wantName(t, kind, v.finish().succeeded().issued(), "anew")
	}
}

// A server whose clock is ahead drops nothing that another one still shows.
func TestServersWhoseClocksDifferAgree(t *testing.T) {
	w := newWorld(t, session.Options{Leeway: 5 * time.Second})
	cookie := w.read(t, "", func(s *session.Session) { name.SetFor(s, "4711", time.Minute) }).succeeded().issued()
	ahead := w.second(t, 5*time.Second, session.Options{Leeway: 5 * time.Second})
	w.now = w.now.Add(time.Minute)
	v := begin(t, w.Manager, cookie)
	name.Set(v.Session, name.Get(v.Session)+"!")
	other := begin(t, ahead, cookie)
	if got, ok := name.Lookup(other.Session); ok {
		t.Errorf("the server ahead shows %q after its time and leeway", got)
	}
	count.Update(other.Session, addOne)
	other.finish().succeeded()
	v.finish().succeeded()
}
