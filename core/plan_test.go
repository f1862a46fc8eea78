package session

import (
	"context"
	"errors"
	"testing"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// The clock of these tests, in minutes: a session of 30 idle and 720 absolute minutes, created at 1000 and used
// at 1005, looked at a little later. A use adds the touch interval of 3 minutes to the idle ones.
const (
	minute    = wire.Millis(60_000)
	beginning = 1000 * minute
	lastUsed  = 1005 * minute
	lately    = lastUsed + 1*minute
	touchTime = lastUsed + 3*minute
	span      = 33 * minute
	absolute  = 720 * minute
)

func fresh(change func(*facts)) facts {
	f := facts{now: lately}
	change(&f)
	return f
}

func loaded(change func(*facts)) facts {
	return fresh(func(f *facts) {
		f.found, f.upkeep = true, upkeep{seen: lastUsed, touchEvery: 3 * minute, renewed: beginning}
		f.idleEnd, f.absoluteEnd = lastUsed+span, beginning+absolute
		change(f)
		f.usedEnd = min(f.now+span, f.absoluteEnd)
	})
}

func sealedIn(change func(*facts)) facts {
	return loaded(func(f *facts) { f.sealed = true; change(f) })
}

var (
	errLoad    = errors.New("store down")
	errRefused = errors.New("value cannot be encoded")
)

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		why    string
		facts  facts
		action action
		reason Reason
		err    error
	}{
		{"a read changes nothing", loaded(func(f *facts) {}), doNothing, "", nil},
		{"a read without a session starts none", fresh(func(f *facts) {}), doNothing, "", nil},
		{"a sealed read sends no cookie", sealedIn(func(f *facts) {}), doNothing, "", nil},

		{"a value starts a session", fresh(func(f *facts) { f.starts = true }), doCreate, ReasonCreated, nil},
		{"a login starts a session, values or not", fresh(func(f *facts) { f.login = true }), doCreate, ReasonCreated, nil},
		{
			"there is nothing to renew or extend without a session",
			fresh(func(f *facts) { f.renew, f.touch = true, true }), doNothing, "", nil,
		},
		{"a changed value is saved", loaded(func(f *facts) { f.changed, f.starts = true, true }), doUpdate, "", nil},
		{"dropping the last value keeps the session", loaded(func(f *facts) { f.changed = true }), doUpdate, "", nil},
		{"setting what is there already is no change", loaded(func(f *facts) { f.starts = true }), doNothing, "", nil},

		{"a login renews the token", loaded(func(f *facts) { f.login = true }), doRenew, ReasonRenewed, nil},
		{"an explicit renewal does", loaded(func(f *facts) { f.renew = true }), doRenew, ReasonRenewed, nil},
		{
			"a renewal carries the changes",
			loaded(func(f *facts) { f.renew, f.changed = true, true }), doRenew, ReasonRenewed, nil,
		},
		{"an old token is renewed", loaded(func(f *facts) { f.renewEvery = 6 * minute }), doRenew, ReasonRenewed, nil},
		{"a younger one is not", loaded(func(f *facts) { f.renewEvery = 6*minute + 1 }), doNothing, "", nil},
		{"never, when RenewAfter is zero", loaded(func(f *facts) { f.renewed = 0 }), doNothing, "", nil},

		{"a touch is due once per interval", loaded(func(f *facts) { f.now = touchTime }), doTouch, ReasonTouched, nil},
		{"and not before", loaded(func(f *facts) { f.now = touchTime - 1 }), doNothing, "", nil},
		{"an explicit touch does not wait", loaded(func(f *facts) { f.touch = true }), doTouch, ReasonTouched, nil},
		{
			"a touch never shortens",
			loaded(func(f *facts) { f.touch, f.idleEnd = true, lately+span+minute }), doNothing, "", nil,
		},
		{
			"a touch that gains nothing is none",
			loaded(func(f *facts) { f.touch, f.idleEnd = true, lately+span }), doNothing, "", nil,
		},
		{
			"a touch at the deadline gains nothing",
			loaded(func(f *facts) { f.touch, f.idleEnd = true, f.absoluteEnd }), doNothing, "", nil,
		},
		{
			"a change extends too, so no touch besides",
			loaded(func(f *facts) { f.now, f.changed = touchTime, true }), doUpdate, "", nil,
		},
		{
			"a sealed session is touched by sealing it anew",
			sealedIn(func(f *facts) { f.now = touchTime }), doTouch, ReasonTouched, nil,
		},
		{
			"an old key's cookie is sealed anew",
			sealedIn(func(f *facts) { f.retiredKey = true }), doTouch, ReasonReissued, nil,
		},

		{"a destroyed session is ended", fresh(func(f *facts) { f.ending = &ending{} }), doEnd, ReasonEnded, nil},
		{
			"writes after it start another",
			fresh(func(f *facts) { f.ending, f.starts = &ending{}, true }), doEndThenCreate, ReasonCreated, nil,
		},
		{
			"so does a login after it",
			fresh(func(f *facts) { f.ending, f.login = &ending{}, true }), doEndThenCreate, ReasonCreated, nil,
		},

		{
			"what could not be loaded is not saved over",
			fresh(func(f *facts) { f.blocked, f.login = errLoad, true }), doNothing, "", errLoad,
		},
		{"a reader gets the failure too", fresh(func(f *facts) { f.blocked = errLoad }), doNothing, "", errLoad},
		{
			"unless the application serves on",
			fresh(func(f *facts) { f.blocked, f.serveOn = errLoad, true }), doNothing, "", nil,
		},
		{
			"but not past a write that was lost",
			fresh(func(f *facts) { f.blocked, f.serveOn, f.refusal = errLoad, true, errLoad }), doNothing, "", errLoad,
		},
		{
			"which SaveOn would not have saved",
			fresh(func(f *facts) { f.blocked, f.serveOn, f.refusal, f.unsaved = errLoad, true, errLoad, true }), doNothing, "",
			nil,
		},
		{
			"a refused write fails the commit whole",
			loaded(func(f *facts) { f.refusal, f.changed = errRefused, true }), doNothing, "", errRefused,
		},
		{
			"SaveOn drops changes",
			loaded(func(f *facts) { f.unsaved, f.changed, f.login = true, true, true }), doNothing, "", nil,
		},
		{
			"and refused writes with them",
			loaded(func(f *facts) { f.unsaved, f.refusal = true, errRefused }), doNothing, "", nil,
		},
		{
			"but the visit counts",
			loaded(func(f *facts) { f.unsaved, f.now, f.changed = true, touchTime, true }), doTouch, ReasonTouched, nil,
		},
		{
			"also when a write was refused",
			loaded(func(f *facts) { f.refusal, f.now = errRefused, touchTime }), doTouch, ReasonTouched, errRefused,
		},
		{
			"which a sealed session's error response cannot tell",
			sealedIn(func(f *facts) { f.refusal, f.now = errRefused, touchTime }), doNothing, "", errRefused,
		},

		{
			"after the headers a stored change is saved",
			loaded(func(f *facts) { f.headersSent, f.changed = true, true }), doUpdate, "", nil,
		},
		{
			"a stored session is touched",
			loaded(func(f *facts) { f.headersSent, f.touch = true, true }), doTouch, ReasonTouched, nil,
		},
		{
			"a stored session is ended",
			fresh(func(f *facts) { f.headersSent, f.ending = true, &ending{} }), doEnd, ReasonEnded, nil,
		},
		{
			"a new session needs a cookie",
			fresh(func(f *facts) { f.headersSent, f.starts = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a login needs a cookie",
			loaded(func(f *facts) { f.headersSent, f.login = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a renewal needs a cookie",
			loaded(func(f *facts) { f.headersSent, f.renew = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a sealed change needs a cookie",
			sealedIn(func(f *facts) { f.headersSent, f.changed = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a sealed touch needs a cookie",
			sealedIn(func(f *facts) { f.headersSent, f.touch = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a sealed logout needs a cookie",
			fresh(func(f *facts) { f.sealed, f.headersSent, f.ending = true, true, &ending{} }), doNothing, "", ErrCommitted,
		},
		{
			"but a stored logout is not lost with the writes behind it",
			fresh(func(f *facts) { f.headersSent, f.ending, f.starts = true, &ending{}, true }), doEnd, ReasonEnded,
			ErrCommitted,
		},
		{
			"a sealed one is",
			fresh(func(f *facts) { f.sealed, f.headersSent, f.ending, f.starts = true, true, &ending{}, true }), doNothing, "",
			ErrCommitted,
		},
		{"a periodic renewal waits", loaded(func(f *facts) { f.headersSent, f.renewEvery = true, 1 }), doNothing, "", nil},
		{
			"and does not keep a change from being saved",
			loaded(func(f *facts) { f.headersSent, f.renewEvery, f.changed = true, 1, true }), doUpdate, "", nil,
		},
		{
			"a sealed touch that nobody asked for waits",
			sealedIn(func(f *facts) { f.headersSent, f.now = true, touchTime }), doNothing, "", nil,
		},
		{"so does the new key", sealedIn(func(f *facts) { f.headersSent, f.retiredKey = true, true }), doNothing, "", nil},

		{
			"past the request's deadline no cookie is promised",
			fresh(func(f *facts) { f.timedOut, f.starts = true, true }), doNothing, "", context.DeadlineExceeded,
		},
		{
			"which is a failure of this side",
			loaded(func(f *facts) { f.timedOut, f.login = true, true }), doNothing, "", ErrUnavailable,
		},
		{"what needs no header is saved", loaded(func(f *facts) { f.timedOut, f.changed = true, true }), doUpdate, "", nil},
		{
			"a logout is kept, and the login behind it is not promised",
			fresh(func(f *facts) { f.timedOut, f.ending, f.login = true, &ending{}, true }), doEnd, ReasonEnded, ErrUnavailable,
		},
		{"logout wins", fresh(func(f *facts) { f.timedOut, f.ending = true, &ending{} }), doEnd, ReasonEnded, nil},

		{
			"what reached its deadline during the request is not touched",
			loaded(func(f *facts) { f.expired, f.touch = true, true }), doNothing, "", ErrEnded,
		},
		{"nor renewed unasked", loaded(func(f *facts) { f.expired, f.renewEvery = true, 1 }), doNothing, "", nil},
		{"nor sealed anew", sealedIn(func(f *facts) { f.expired, f.retiredKey = true, true }), doNothing, "", nil},
		{"nor changed", loaded(func(f *facts) { f.expired, f.changed = true, true }), doNothing, "", ErrEnded},
		{"nor renewed", sealedIn(func(f *facts) { f.expired, f.renew = true, true }), doNothing, "", ErrEnded},
		{
			"a login then starts a session, and says so",
			loaded(func(f *facts) { f.expired, f.login = true, true }), doCreate, ReasonCreated, nil,
		},
		{"a sealed one too", sealedIn(func(f *facts) { f.expired, f.login = true, true }), doCreate, ReasonCreated, nil},
		{
			"a request that began before the idle end is use, however late it is",
			loaded(func(f *facts) { f.now = lastUsed + 40*minute }), doTouch, ReasonTouched, nil,
		},
		{
			"and its change is saved",
			loaded(func(f *facts) { f.now, f.changed = lastUsed+40*minute, true }), doUpdate, "", nil,
		},

		{
			"the first use of a renewed token is noted down",
			loaded(func(f *facts) { f.firstPresented = true }), doUpdate, "", nil,
		},
		{
			"along with a change, if there is one",
			loaded(func(f *facts) { f.firstPresented, f.changed = true, true }), doUpdate, "", nil,
		},

		{"a dead token's cookie is left alone at first", fresh(func(f *facts) { f.marker = &record{} }), doNothing, "", nil},
		{
			"and no write sets a cookie in its place",
			fresh(func(f *facts) { f.marker, f.starts = &record{}, true }), doNothing, "", ErrEnded,
		},
		{"but a login", fresh(func(f *facts) { f.marker, f.login = &record{}, true }), doCreate, ReasonCreated, nil},
		{
			"nor in place of one that is refused to this client",
			fresh(func(f *facts) { f.otherClient, f.starts = true, true }), doNothing, "", ErrEnded,
		},
		{
			"nor is that deleted along with a dead one",
			fresh(func(f *facts) { f.marker, f.cookieDeletable, f.otherClient = &record{}, true, true }), doNothing, "", nil,
		},
		{
			"but a login there too", fresh(func(f *facts) { f.otherClient, f.login = true, true }),
			doCreate, ReasonCreated, nil,
		},
		{
			"later it is deleted",
			fresh(func(f *facts) { f.marker, f.cookieDeletable = &record{}, true }), doDeleteCookie, "", nil,
		},
		{
			"if a header can be sent",
			fresh(func(f *facts) { f.marker, f.cookieDeletable, f.headersSent = &record{}, true, true }), doNothing, "", nil,
		},
		{
			"or replaced",
			fresh(func(f *facts) { f.marker, f.cookieDeletable, f.starts = &record{}, true, true }), doCreate, ReasonCreated,
			nil,
		},
	} {
		got := decide(&c.facts)
		if got.action != c.action || !errors.Is(got.err, c.err) || (got.err == nil) != (c.err == nil) {
			t.Errorf("%s: action %d, err %v; want action %d, err %v", c.why, got.action, got.err, c.action, c.err)
		}
		if got.reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.why, got.reason, c.reason)
		}
	}
}
