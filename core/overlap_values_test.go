package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// P5: what overlapping requests change is merged.

func TestTwoRequestsThatChangeDifferentKeysBothWin(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	name.Set(a.Session, "ann")
	items.Set(b.Session, []string{"apple"})
	a.finish().succeeded()
	b.finish().succeeded()
	w.read(t, cookie, func(s *session.Session) {
		if name.Get(s) != "ann" || !slices.Equal(items.Get(s), []string{"apple"}) || count.Get(s) != 1 {
			t.Errorf("name %q items %q count %d: a change was lost", name.Get(s), items.Get(s), count.Get(s))
		}
	})
	if !w.saw(session.ReasonMerged) {
		t.Error("merging two requests' changes was not reported")
	}
}

func TestUpdatesOfOneKeyAddUp(t *testing.T) {
	w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
	cookie := w.start(t)
	visits := make([]*visit, 64)
	for i := range visits {
		visits[i] = begin(t, w.Manager, cookie)
		count.Update(visits[i].Session, addOne)
	}
	w.store.Reset()
	var wg sync.WaitGroup
	for _, v := range visits {
		wg.Go(func() { v.finish() })
	}
	wg.Wait()
	for _, v := range visits {
		v.succeeded()
	}
	if n := w.countOf(t, cookie); n != 65 {
		t.Errorf("count = %d, want 65: an update was lost or applied twice", n)
	}
	if n := w.store.Count("Update"); n > 2*64 {
		t.Errorf("%d store updates for 64 requests: after a first conflict requests must take turns", n)
	}
}

func TestTheLaterOfTwoBlindSetsWinsOnlyItsKey(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	name.Set(a.Session, "ann")
	count.Set(a.Session, 7)
	name.Set(b.Session, "bob")
	a.finish().succeeded()
	b.finish().succeeded()
	w.read(t, cookie, func(s *session.Session) {
		if name.Get(s) != "bob" || count.Get(s) != 7 {
			t.Errorf("name %q count %d, want bob and 7", name.Get(s), count.Get(s))
		}
	})
}

func TestASetOfAKeyThatWasReadConflictsWithAChange(t *testing.T) {
	for _, policy := range []session.ConflictPolicy{session.RefuseConflicts, session.LastWriteWins} {
		w := newWorld(t, session.Options{Conflicts: policy})
		cookie := w.start(t)
		a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
		count.Set(a.Session, count.Get(a.Session)+1)
		count.Set(b.Session, count.Get(b.Session)+10)
		a.finish().succeeded()
		b.finish()
		want := 2
		if policy == session.LastWriteWins {
			want = 11
			b.succeeded()
		} else {
			b.failedWith(http.StatusConflict)
		}
		if n := w.countOf(t, cookie); n != want {
			t.Errorf("policy %d: count = %d, want %d", policy, n, want)
		}
	}
}

func TestTwoStepsToTheSameValueAreStillAConflict(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	for _, v := range []*visit{a, b} {
		count.Set(v.Session, count.Get(v.Session)+1)
	}
	a.finish().succeeded()
	b.finish().failedWith(http.StatusConflict) // two steps were taken, and the value would tell of one
}

func TestBytesDecideAboutAConflictAndNotVersions(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Set(v.Session, count.Get(v.Session)+1)
	for _, n := range []int{8, 1} {
		w.read(t, cookie, func(s *session.Session) { count.Set(s, n) }).succeeded()
	}
	v.finish().succeeded()
}

func TestAPopThatAnotherRequestHasTakenPasses(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	count.Pop(a.Session)
	count.Pop(b.Session)
	a.finish().succeeded()
	b.finish().succeeded()
}

func TestWhatWasReadIsDeletedOnce(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { items.Set(s, []string{"apple"}) }).succeeded().issued()
	orders := []*visit{begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)}
	for _, v := range orders {
		items.Get(v.Session)
		items.Delete(v.Session)
	}
	orders[0].finish().succeeded()
	orders[1].finish().failedWith(http.StatusConflict)
}

func TestAPopOfWhatAnotherRequestChangedConflicts(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	count.Update(a.Session, addOne)
	count.Pop(b.Session)
	a.finish().succeeded()
	b.finish().failedWith(http.StatusConflict)
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2: the pop threw away a value it had never seen", n)
	}
}

func TestATryThatRefusesTheFreshValueConflicts(t *testing.T) {
	full := errors.New("the cart is full")
	put := func(item string) func([]string) ([]string, error) {
		return func(in []string) ([]string, error) {
			if len(in) > 0 {
				return nil, full
			}
			return append(in, item), nil
		}
	}
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	for v, item := range map[*visit]string{a: "apple", b: "bread"} {
		if err := items.Try(v.Session, put(item)); err != nil {
			t.Fatal(err)
		}
	}
	a.finish().succeeded()
	b.finish().failedWith(http.StatusConflict)
	c := begin(t, w.Manager, cookie)
	if err := items.Try(c.Session, put("cake")); !errors.Is(err, full) {
		t.Errorf("Try = %v, want the function's error", err)
	}
	c.finish().succeeded()
}

func TestSaveShowsWhatIsStored(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	shown := count.Update(v.Session, addOne)
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	if stored := count.Get(v.Session); shown != 2 || stored != 3 {
		t.Errorf("shown %d, after Save %d; want 2 and 3", shown, stored)
	}
	v.finish().succeeded()
}

func TestAfterAConflictInSaveTheHandlerCanTryAgain(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	n := count.Get(v.Session)
	w.read(t, cookie, func(s *session.Session) { count.Set(s, 41) }).succeeded()
	count.Set(v.Session, n+1)
	if err := v.Save(); !errors.Is(err, session.ErrConflict) {
		t.Fatalf("Save = %v, want ErrConflict", err)
	}
	count.Set(v.Session, count.Get(v.Session)+1)
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 42 {
		t.Errorf("count = %d, want 42", n)
	}
}

func TestAWriteAfterClearOrASwitchIsNotHeldAgainstWhatWasReadBefore(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"clear, set":  func(s *session.Session) { s.Clear(); name.Set(s, "new") },
		"set, switch": func(s *session.Session) { name.Set(s, "new"); s.Login("user:b") },
		"switch, set": func(s *session.Session) { s.Login("user:b"); name.Set(s, "new") },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.read(t, "", func(s *session.Session) { name.Set(s, "old"); s.Login("user:a") }).succeeded().issued()
		v := w.read(t, cookie, func(s *session.Session) { name.Get(s); f(s) })
		if v.succeeded(); what != "clear, set" {
			cookie = v.issued()
		}
		w.read(t, cookie, func(s *session.Session) {
			if name.Get(s) != "new" {
				t.Errorf("%s: name = %q, want new", what, name.Get(s))
			}
		})
	}
}

func TestARequestIsNotInConflictWithItself(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, w.start(t))
	for n := range 3 {
		if n == 0 {
			name.Get(v.Session)
		}
		name.Set(v.Session, string(rune('a'+n)))
		count.Update(v.Session, addOne)
		if err := v.Save(); err != nil {
			t.Fatalf("Save %d: %v", n, err)
		}
	}
	v.finish().succeeded()
}
