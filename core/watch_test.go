package session_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// office is a world whose clock is the bubble's, and a second process on the same store.
type office struct {
	*world
	other *world
}

// inOffice runs f in a bubble, in which time passes while everybody waits.
func inOffice(t *testing.T, o session.Options, f func(t *testing.T, w office)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{})
		o.Now = time.Now
		o.OnEvent = func(_ context.Context, e session.Event) { w.events = append(w.events, e) }
		var err error
		if w.Manager, err = session.New(w.store, o); err != nil {
			t.Fatal(err)
		}
		second := &world{store: w.store}
		if second.Manager, err = session.New(w.store, session.Options{Now: time.Now}); err != nil {
			t.Fatal(err)
		}
		f(t, office{w, second})
	})
}

// watch is what a request with cookie gets, which then is over.
func (w *world) watch(t *testing.T, cookie string) (ctx context.Context) {
	t.Helper()
	parent, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w.read(t, cookie, func(s *session.Session) { ctx = s.Watch(parent) })
	return ctx
}

// stays fails the test unless ctx is still there.
func stays(ctx context.Context, t *testing.T) {
	t.Helper()
	synctest.Wait()
	if ctx.Err() != nil {
		t.Errorf("the watch has ended: %v", context.Cause(ctx))
	}
}

// over fails the test unless ctx ended because the session did, for this reason.
func over(ctx context.Context, t *testing.T, why string) {
	t.Helper()
	synctest.Wait()
	if err := context.Cause(ctx); !errors.Is(err, session.ErrEnded) || !strings.Contains(err.Error(), why) {
		t.Errorf("the watch is over because of %v, want ErrEnded and %q", err, why)
	}
}

func TestAWatchEndsAtOnceWithWhatThisProcessEnds(t *testing.T) {
	for what, end := range map[string]func(t *testing.T, w office, cookie string){
		"ended": func(t *testing.T, w office, cookie string) {
			w.read(t, cookie, (*session.Session).Destroy).succeeded()
		},
		"revoked": func(t *testing.T, w office, cookie string) {
			if err := w.Revoke(t.Context(), "user:1", w.handleOf(t, cookie)); err != nil {
				t.Fatal(err)
			}
		},
		"evicted": func(t *testing.T, w office, _ string) {
			time.Sleep(time.Second) // of two logins at once either may be the older one
			w.login(t, "user:1")
		},
		"superseded":                 func(t *testing.T, w office, cookie string) { w.loginAt(t, cookie, "user:1") },
		"superseded by another user": func(t *testing.T, w office, cookie string) { w.loginAt(t, cookie, "user:2") },
		"revoked for the others": func(t *testing.T, w office, _ string) {
			if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			inOffice(t, session.Options{MaxPerSubject: 1}, func(t *testing.T, w office) {
				cookie := w.login(t, "user:1")
				ctx, bystander := w.watch(t, cookie), w.watch(t, w.start(t))
				stays(ctx, t)
				time.Sleep(time.Second) // sessions of one moment are evicted in any order
				end(t, w, cookie)
				over(ctx, t, strings.Fields(what)[0])
				stays(bystander, t)
			})
		})
	}
}

func TestAWatchEndsWithinTheIntervalWithWhatAnotherProcessEnds(t *testing.T) {
	for what, end := range map[string]func(t *testing.T, w *world, cookie string){
		"already-ended": func(t *testing.T, w *world, cookie string) { w.read(t, cookie, (*session.Session).Destroy) },
		"superseded":    func(t *testing.T, w *world, cookie string) { w.loginAt(t, cookie, "user:1") },
		"already-ended after a renewal": func(t *testing.T, w *world, cookie string) {
			cookie = w.read(t, cookie, (*session.Session).Renew).issued()
			cookie = w.read(t, cookie, (*session.Session).Renew).issued()
			w.read(t, cookie, (*session.Session).Destroy)
		},
		"unknown": func(t *testing.T, w *world, _ string) {
			ids, _ := w.store.Find(t.Context(), "user:1")
			_ = w.store.Delete(t.Context(), ids[0])
		},
	} {
		t.Run(what, func(t *testing.T) {
			inOffice(t, session.Options{WatchInterval: 2 * time.Second}, func(t *testing.T, w office) {
				cookie := w.login(t, "user:1")
				ctx, bystander := w.watch(t, cookie), w.watch(t, w.start(t))
				time.Sleep(3 * time.Second)
				stays(ctx, t)
				end(t, w.other, cookie)
				time.Sleep(2 * time.Second)
				over(ctx, t, strings.Fields(what)[0])
				stays(bystander, t)
			})
		})
	}
}

// Renewals, by this process and by others, asked for and periodic, change the record and not the session.
func TestAWatchFollowsRenewals(t *testing.T) {
	inOffice(t, session.Options{RenewAfter: 5 * time.Minute}, func(t *testing.T, w office) {
		old := w.login(t, "user:1")
		ctx := w.watch(t, old)
		own := w.read(t, old, (*session.Session).Renew).issued()
		time.Sleep(10 * time.Second)
		foreign := w.other.read(t, own, (*session.Session).Renew).issued()
		time.Sleep(10 * time.Second)
		stays(ctx, t)
		time.Sleep(6 * time.Minute)
		last := w.read(t, foreign, func(s *session.Session) { s.Exists() }).issued()
		byOld := w.watch(t, foreign) // the periodically replaced token opens the session still
		time.Sleep(time.Minute)
		stays(ctx, t)
		stays(byOld, t)
		w.read(t, last, (*session.Session).Destroy).succeeded()
		over(ctx, t, "ended")
		over(byOld, t, "ended")
	})
}

func TestAWatchEndsWhenTheSessionRunsOut(t *testing.T) {
	for what, down := range map[string]bool{"asking the store": false, "by what is known, while the store is down": true} {
		t.Run(what, func(t *testing.T) {
			inOffice(t, session.Options{WatchInterval: time.Minute}, func(t *testing.T, w office) {
				ctx := w.watch(t, w.start(t))
				if down {
					w.store.Before(func(probe.Call) error { return errDown })
				}
				time.Sleep(idleEnd - time.Second)
				stays(ctx, t)
				time.Sleep(2 * time.Second)
				over(ctx, t, "expired-idle")
			})
		})
	}
}

// A use that another process has noted keeps the session and the watch; watching itself does not.
func TestAWatchLivesWithTheUsesOfItsSession(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		cookie := w.start(t)
		ctx := w.watch(t, cookie)
		for range 23 {
			time.Sleep(30 * time.Minute)
			w.other.read(t, cookie, func(s *session.Session) { s.Exists() })
			stays(ctx, t)
		}
		time.Sleep(30*time.Minute - time.Second)
		stays(ctx, t)
		time.Sleep(2 * time.Second)
		over(ctx, t, "expired-absolute")
	})
}

// The store is asked in vain: the watch stays, one event tells of each outage, and what happened meanwhile is told.
func TestAWatchOutlastsAnOutage(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		cookie := w.start(t)
		ctx := w.watch(t, cookie)
		for outage := range 2 {
			w.store.Before(fail("LoadAll"))
			time.Sleep(time.Minute)
			stays(ctx, t)
			if w.failures() != outage+1 {
				t.Errorf("%d events after %d outages", w.failures(), outage+1)
			}
			w.store.Before(nil)
			time.Sleep(time.Minute)
			stays(ctx, t)
		}
		w.store.Before(fail("LoadAll"))
		w.other.read(t, cookie, (*session.Session).Destroy)
		time.Sleep(time.Minute)
		stays(ctx, t)
		w.store.Before(nil)
		time.Sleep(5 * time.Second)
		over(ctx, t, "already-ended")
	})
}

// failures counts the events of watches that failed.
func (w *world) failures() (n int) {
	for _, e := range w.events {
		if e.Reason == session.ReasonWatchFailed && errors.Is(e.Err, session.ErrUnavailable) {
			n++
		}
	}
	return n
}

// A store that panics is one that fails: nobody else could keep the program from ending.
func TestAWatchOutlastsAPanic(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		cookie := w.start(t)
		ctx := w.watch(t, cookie)
		w.store.Before(func(probe.Call) error { panic("a driver's fault") })
		time.Sleep(time.Minute)
		stays(ctx, t)
		if w.failures() != 1 {
			t.Errorf("%d events, want 1", w.failures())
		}
		w.store.Before(nil)
		w.other.read(t, cookie, (*session.Session).Destroy)
		time.Sleep(5 * time.Second)
		over(ctx, t, "already-ended")
	})
}

// A record of a newer version is reported once, and neither hides an outage nor keeps others from being looked at.
func TestARecordThatCannotBeReadHidesNoOutage(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		w.watch(t, w.login(t, "user:1"))
		r := recordsOf(t, w.world, "user:1")[0]
		r.Data = append([]byte(nil), r.Data...)
		r.Data[1]++ // the version of the format
		if err := w.store.Update(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		cookie := w.start(t)
		ctx := w.watch(t, cookie)
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.failures() != 1 {
			t.Errorf("%d events for one record, want 1", w.failures())
		}
		w.store.Before(fail("LoadAll"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if w.failures() != 2 {
			t.Errorf("%d events after an outage besides, want 2", w.failures())
		}
		w.store.Before(nil)
		cookie = w.other.read(t, cookie, (*session.Session).Renew).issued()
		w.other.read(t, cookie, (*session.Session).Destroy)
		time.Sleep(5 * time.Second)
		over(ctx, t, "already-ended")
	})
}

// stalled is a store that does not answer while it is stalled.
type stalled struct {
	*memstore.Store
	now atomic.Bool
}

func (s *stalled) LoadAll(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
	if s.now.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Store.LoadAll(ctx, ids)
}

// A store that hangs makes a watch late by its timeout once, however many pages of sessions there are.
func TestAStoreThatHangsDelaysOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &stalled{Store: memstore.New()}
		o := session.Options{StoreTimeout: 10 * time.Second, OnEvent: func(context.Context, session.Event) {}}
		m, err := session.New(store, o)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Manager: m}
		var ctx context.Context
		for range 1600 {
			ctx = w.watch(t, w.start(t))
		}
		store.now.Store(true)
		time.Sleep(idleEnd + 11*time.Second)
		over(ctx, t, "expired-idle")
	})
}

// single is a store without LoadAll.
type single struct{ session.Store }

func TestAWatchNeedsNoBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := probe.New(memstore.New())
		m, err := session.New(single{store}, session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Manager: m}
		second, err := session.New(single{store}, session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cookie := w.start(t)
		ctx, bystander := w.watch(t, cookie), w.watch(t, w.start(t))
		(&world{Manager: second}).read(t, cookie, (*session.Session).Destroy)
		time.Sleep(5 * time.Second)
		over(ctx, t, "already-ended")
		stays(bystander, t)
		for range 9 {
			w.watch(t, w.start(t))
		}
		store.Before(fail("Load"))
		store.Reset()
		time.Sleep(5 * time.Second)
		stays(bystander, t)
		if n := store.Count("Load"); n != 3 {
			t.Errorf("a store that is down was asked %d times in an interval, want 3", n)
		}
	})
}

// Managers that share a store do not share sessions.
func TestAWatchIsOfOneManager(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		admin, err := session.New(w.store, session.Options{Name: "admin", Cookie: session.Cookie{Name: cookieName}})
		if err != nil {
			t.Fatal(err)
		}
		a := &world{Manager: admin, store: w.store}
		ctx, ofAdmin := w.watch(t, w.login(t, "user:1")), a.watch(t, a.login(t, "admin:1"))
		if n, err := a.RevokeAll(t.Context(), "admin:1"); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		over(ofAdmin, t, "revoked")
		time.Sleep(time.Minute)
		stays(ctx, t)
	})
}

func TestThereMayBeNothingToWatch(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		cookie := w.login(t, "user:1")
		over(w.watch(t, ""), t, "there is none to watch")
		over(w.watch(t, cookie[:40]), t, "malformed")
		over(w.watch(t, flip(cookie)), t, "unknown")
		w.read(t, "", func(s *session.Session) {
			count.Set(s, 1)
			over(s.Watch(t.Context()), t, "has not been saved")
		})
		w.read(t, cookie, func(s *session.Session) { s.Destroy(); over(s.Watch(t.Context()), t, "ended") })
		cookie = w.login(t, "user:1")
		w.read(t, cookie, func(s *session.Session) {
			s.Login("user:2")
			over(s.Watch(t.Context()), t, "call Save")
			if err := s.Save(); err != nil {
				t.Fatal(err)
			}
			stays(s.Watch(t.Context()), t)
		})
		v := w.read(t, cookie, func(*session.Session) {})
		if err := context.Cause(v.Watch(t.Context())); !errors.Is(err, session.ErrRequestOver) {
			t.Errorf("after the request: %v", err)
		}
		w.store.Before(fail("Load"))
		if err := context.Cause(w.watch(t, cookie)); !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("of a session that could not be loaded: %v", err)
		}
	})
}

// The session ends in another request after this one has loaded it, and before it watches.
func TestAWatchMayComeLate(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		v.Exists()
		w.read(t, cookie, (*session.Session).Destroy).succeeded()
		ctx := v.Watch(t.Context())
		time.Sleep(5 * time.Second)
		over(ctx, t, "already-ended")

		v = begin(t, w.Manager, w.start(t))
		v.Exists()
		time.Sleep(time.Hour)
		ctx = v.Watch(t.Context())
		time.Sleep(50 * time.Millisecond)
		over(ctx, t, "expired-idle")
	})
}

// Of a sealed session its deadline is known, and what this process has answered.
func TestAWatchOfASealedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Manager: m}
		cookie := w.start(t)
		ctx, destroyed := w.watch(t, cookie), w.watch(t, w.start(t))
		w.read(t, cookie, (*session.Session).Destroy)
		over(ctx, t, "ended")
		time.Sleep(12*time.Hour - time.Second)
		stays(destroyed, t)
		time.Sleep(2 * time.Second)
		over(destroyed, t, "expired-absolute")
	})
}

func TestTheWatchIntervalIsChecked(t *testing.T) {
	for _, d := range []time.Duration{-1, 99 * time.Millisecond, time.Minute + 1} {
		if _, err := session.New(memstore.New(), session.Options{WatchInterval: d}); err == nil {
			t.Errorf("%v was accepted", d)
		}
	}
}
