package sessionui_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/sessionui"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// row is how the plots write a line.
func row(name string, count int, share string) string {
	return fmt.Sprintf("<bdi>%s</bdi></th><td>%d</td><td class=\"quiet\">%s</td></tr>\n"+`<tr class="line" `+
		`aria-hidden="true"><td colspan="3"><svg width="100%%" height="8"><rect class="whole" width="100%%" height="8" `+
		`rx="4"/><rect width="100.0%%" height="8" rx="4"/>`, name, count, share)
}

func TestOverview(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		for range 3 {
			s.login("user:7", firefox)
		}
		time.Sleep(20 * time.Minute)
		s.login("user:8", safari)
		s.login("", firefox)
		s.login("", "")
		a := s.get("")
		a.want(http.StatusOK, "<dd>6</dd>", "<dd>4</dd>", "<dd>2</dd>", "Counted",
			row("under 5 minutes ago", 3, "50 %"), row("5 to 30 minutes ago", 3, "50 %"), row("Firefox on Windows", 4, "67 %"),
			"Safari on iOS", "not noted", row(`<a href="?subject=user%3A7">user:7</a>`, 3, "50 %"), "user%3A8")
		a.wantNot("12 hours", "http-equiv")
	})
}

func TestOverviewOfNobody(t *testing.T) {
	a := newSite(t).get("")
	a.want(http.StatusOK, "<dd>0</dd>", "Counted")
	a.wantNot("<table")
}

// However long a count takes, the page is there at once, and says what has been found so far.
func TestOverviewDoesNotWaitForTheCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.login("user:7", firefox)
		s.store.gate = make(chan struct{})
		start := time.Now()
		for range 3 {
			a := s.get("")
			a.want(http.StatusOK, "Counting", `http-equiv="refresh" content="1"`, "<dd>0</dd>")
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("three pages took %v", took)
		}
		if n := s.store.walked(); n != 1 {
			t.Errorf("%d counts at a time", n)
		}
		time.Sleep(40 * time.Second)
		s.get("").want(http.StatusOK, `http-equiv="refresh" content="30"`)
		close(s.store.gate)
		synctest.Wait()
		a := s.get("")
		a.want(http.StatusOK, "Counted", "<dd>1</dd>")
		a.wantNot("http-equiv")
	})
}

// The store is not asked by each visitor, and by none for most of the time.
func TestACountIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.get("").want(http.StatusOK, "<dd>0</dd>")
		s.login("user:7", firefox)
		s.get("").want(http.StatusOK, "<dd>0</dd>")
		time.Sleep(time.Minute)
		s.get("")
		synctest.Wait()
		s.get("").want(http.StatusOK, "<dd>1</dd>")
		if n := s.store.walked(); n != 2 {
			t.Errorf("%d counts in a minute, want 2", n)
		}
		s.store.gate = make(chan struct{})
		time.Sleep(time.Minute)
		s.get("").want(http.StatusOK, "Counted", "<dd>1</dd>") // what is known is shown meanwhile
		time.Sleep(time.Minute)
		close(s.store.gate)
		synctest.Wait()
		time.Sleep(9 * time.Minute)
		s.get("")
		synctest.Wait()
		if n := s.store.walked(); n != 3 {
			t.Errorf("%d counts, the last of which took a minute; want 3 until ten minutes later", n)
		}
	})
}

// What has been counted is shown, though the store fails in the middle.
func TestTheStoreFailsInTheMiddle(t *testing.T) {
	s := newSite(t)
	s.login("user:7", firefox)
	failing := &half{s.store}
	s.ui = s.page(manager(t, failing))
	a := s.get("")
	a.want(http.StatusOK, "The count stopped early", "<dd>1</dd>")
	a.wantNot("10.1.2.3")
	if len(s.errors) != 1 || !errors.Is(s.errors[0], errDown) {
		t.Errorf("the program was told %v", s.errors)
	}
}

type half struct{ *shelf }

func (h *half) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	if cursor != "" {
		return nil, "", errDown
	}
	page, _, err := h.shelf.Walk(ctx, cursor, limit)
	return page, "1", err
}

// A store that is down is said in words, and tried again.
func TestTheStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		s.login("user:7", firefox)
		handle := s.handles("user:7")[0]
		s.store.err = errDown
		for _, query := range []string{"", about("user:7"), about("user:7", "all", "1"), about("user:7", "handle", handle)} {
			a := s.get(query)
			a.want(http.StatusServiceUnavailable, "The store does not answer", "Try again")
			a.wantNot("10.1.2.3")
			if a.header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", query)
			}
		}
		a := s.post(about("user:7", "all", "1"))
		a.want(http.StatusServiceUnavailable, "The store did not answer", "Try again")
		a.wantNot("10.1.2.3", "http-equiv")
		if len(s.errors) != 5 {
			t.Errorf("the program was told of %d failures, want 5: %v", len(s.errors), s.errors)
		}
		s.store.err = nil
		time.Sleep(10 * time.Second)
		s.get("")
		synctest.Wait()
		s.get("").want(http.StatusOK, "<dd>1</dd>")
	})
}

// plain is a store that can do nothing that is optional.
type plain struct{ session.Store }

func TestNothingToCount(t *testing.T) {
	sealed, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]*session.Manager{"sealed": sealed, "plain": manager(t, plain{memstore.New()})} {
		s := &site{t: t, sessions: m}
		s.ui = s.page(m)
		s.get("").want(http.StatusOK, "cannot be counted", "sealed in their browsers", "Memcached")
		s.get(about("user:7")).want(http.StatusOK, "cannot be listed")
		s.get(about("user:7", "all", "1")).want(http.StatusOK, "All sessions of")
		s.post(about("user:7", "all", "1")).want(http.StatusNotImplemented, "Nobody can end these sessions from here")
		if len(s.errors) > 0 {
			t.Errorf("%s: it is no failure: %v", name, s.errors)
		}
	}
}

// A million sessions are enough to know what there is.
func TestACountEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := newSite(t)
	s.ui = sessionui.New(ctx, s.sessions, sessionui.Options{OnError: func(err error) { t.Error(err) }})
	a := s.get("")
	a.want(http.StatusServiceUnavailable)
	if strings.Contains(a.body, "context") {
		t.Error("the page says why the program ends")
	}
}
