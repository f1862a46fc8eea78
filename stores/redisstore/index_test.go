package redisstore_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// lists checks that these records are found by their subject.
func lists(t *testing.T, s *redisstore.Store, subject string, want ...session.Record) {
	t.Helper()
	ids, err := s.Find(t.Context(), subject)
	check(t, err)
	records, err := s.LoadAll(t.Context(), ids)
	check(t, err)
	got := map[session.RecordID]bool{}
	for _, r := range records {
		got[r.ID] = true
	}
	for _, r := range want {
		if !got[r.ID] {
			t.Errorf("%v is not found by its subject", r)
		}
	}
}

// TestCrashBetweenSteps: a process may die after any command. The list may then know too much, never too little.
func TestCrashBetweenSteps(t *testing.T) {
	server := servers.Redis(t)
	s := redisstore.New(connect(t, server))
	for operation, run := range map[string]func(dying *redisstore.Store, r session.Record) error{
		"Create": func(dying *redisstore.Store, r session.Record) error { return dying.Create(t.Context(), r) },
		"Update": func(dying *redisstore.Store, r session.Record) error {
			anonymous := r
			anonymous.Subject = ""
			check(t, s.Create(t.Context(), anonymous))
			return dying.Update(t.Context(), r)
		},
		"Touch": func(dying *redisstore.Store, r session.Record) error {
			check(t, s.Create(t.Context(), r))
			return touched(t.Context(), dying, r, 9*time.Hour)
		},
	} {
		for after := range int64(6) {
			c := connect(t, server)
			check(t, c.Ping(t.Context()).Err()) // not counted
			c.AddHook(&crash{after: after})
			r := newRecordOf(operation + string(rune('0'+after)))
			err := run(redisstore.New(c), r)
			if after == 0 && err == nil {
				t.Fatalf("%s needed no command", operation)
			}
			if operation == "Touch" || err == nil {
				lists(t, s, r.Subject, r)
			}
		}
	}
}

// TestListedAsLongAsItLives walks a session through a day of touches and updates, after each of which its entry must
// outlive it.
func TestListedAsLongAsItLives(t *testing.T) {
	c := connect(t, servers.Redis(t))
	s, ctx := redisstore.New(c), t.Context()
	r := newRecordOf("user:42")
	check(t, s.Create(ctx, r))
	record := keyOf(t, c)
	index := onlyIndex(t, c)
	for i := range 48 {
		outlives(t, c, record, index)
		r.Expires = r.Expires.Add(29 * time.Minute) // seen right now: the test does not wait
		if i%3 == 0 {
			check(t, s.Update(ctx, r))
			r.Version++
		} else {
			check(t, s.Touch(ctx, r.ID, r.Seen, r.Expires))
		}
	}
	r.Expires = r.Expires.AddDate(0, 0, 30) // as "remember me" does
	check(t, s.Update(ctx, r))
	outlives(t, c, record, index)
	r.Version++
	r.Expires = r.Expires.AddDate(0, 0, -20)
	check(t, s.Update(ctx, r))
	check(t, touched(ctx, s, r, 25*24*time.Hour))
	outlives(t, c, record, index)
	lists(t, s, r.Subject, r)
	shorter := r
	shorter.Expires = r.Seen.Add(time.Minute)
	wantError(t, "Create", s.Create(ctx, shorter), session.ErrExists)
	outlives(t, c, record, index)
}

func onlyIndex(t *testing.T, c *redis.Client) string {
	t.Helper()
	keys := c.Keys(t.Context(), "coatcheck:subject:*").Val()
	if len(keys) != 1 {
		t.Fatalf("there are %d lists, want 1", len(keys))
	}
	return keys[0]
}

// outlives checks that the record's entry and the whole list end later than the record.
func outlives(t *testing.T, c *redis.Client, record, index string) {
	t.Helper()
	lives := time.Now().Add(c.PTTL(t.Context(), record).Val())
	if list := time.Now().Add(c.PTTL(t.Context(), index).Val()); list.Before(lives) {
		t.Fatalf("the list ends at %s, the record at %s", list, lives)
	}
	for _, entry := range c.ZRangeWithScores(t.Context(), index, 0, -1).Val() {
		if until := time.UnixMilli(int64(entry.Score)); until.Before(lives) {
			t.Fatalf("the entry ends at %s, the record at %s", until, lives)
		}
	}
}

// TestListsEnd: what has had its time leaves the list with the next entry, and a list ends with its last one. A
// service that logs in every minute would fill Redis otherwise.
func TestListsEnd(t *testing.T) {
	c := connect(t, servers.Redis(t))
	s, ctx := redisstore.New(c), t.Context()
	old, long := newRecordOf("user:42"), newRecordOf("user:42")
	long.Expires = long.Expires.AddDate(0, 0, 30)
	check(t, s.Create(ctx, long))
	check(t, s.Create(ctx, old))
	index := onlyIndex(t, c)
	check(t, c.ZAdd(ctx, index, redis.Z{Score: float64(time.Now().Add(-time.Second).UnixMilli()),
		Member: old.ID[:]}).Err())
	check(t, s.Create(ctx, newRecordOf("user:42")))
	if n := c.ZCard(ctx, index).Val(); n != 2 {
		t.Errorf("the list has %d entries, want 2", n)
	}
	const month = 30 * 24 * time.Hour
	if ttl := c.PTTL(ctx, index).Val(); ttl < month || ttl > month+4*time.Hour {
		t.Errorf("the list ends in %s, want a little over %s", ttl, month)
	}
}

// TestMoveDuringTouch: a touch that has extended the list of a session's owner meets the session of another one.
func TestMoveDuringTouch(t *testing.T) {
	server := servers.Redis(t)
	s, ctx := redisstore.New(connect(t, server)), t.Context()
	warm, r := newRecordOf("user:7"), newRecordOf("user:42")
	check(t, s.Create(ctx, warm))
	check(t, touched(ctx, s, warm, 9*time.Hour)) // the scripts are known from here on
	check(t, s.Create(ctx, r))
	moved := r
	moved.Subject = "user:43"
	c := connect(t, server)
	check(t, c.Ping(ctx).Err())                                                    // not counted
	c.AddHook(&between{before: 3, run: func() { check(t, s.Update(ctx, moved)) }}) // touch, list, touch
	check(t, touched(ctx, redisstore.New(c), r, 9*time.Hour))
	lists(t, s, "user:43", moved)
	raw := connect(t, server)
	name := sha256.Sum256([]byte(moved.Subject))
	outlives(t, raw, "coatcheck:"+base64.RawURLEncoding.EncodeToString(r.ID[:]),
		"coatcheck:subject:"+base64.RawURLEncoding.EncodeToString(name[:]))
}

// TestListWithUnfinishedEntries: entries without a session, however many, neither hide one nor count as one.
func TestListWithUnfinishedEntries(t *testing.T) {
	server := servers.Redis(t)
	s, ctx := redisstore.New(connect(t, server)), t.Context()
	c := connect(t, server)
	c.AddHook(&unfinished{})
	dying := redisstore.New(c)
	for range 1200 { // more than two batches
		_ = dying.Create(ctx, newRecordOf("user:42")) // fails, after its entry has been made
	}
	r := newRecordOf("user:42")
	check(t, s.Create(ctx, r))
	lists(t, s, r.Subject, r)
}

// TestSessionsOfASubject renews and ends sessions as an application does.
func TestSessionsOfASubject(t *testing.T) {
	sessions, err := session.New(redisstore.New(connect(t, servers.Redis(t))), session.Options{})
	check(t, err)
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) { httpsession.From(r).Login("user:42") })
	mux.HandleFunc("/renew", func(_ http.ResponseWriter, r *http.Request) { httpsession.From(r).Renew() })
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { httpsession.From(r).Destroy() })
	page := httpsession.Middleware(sessions)(mux)
	laptop, phone := &browser{t: t, page: page}, &browser{t: t, page: page}
	for _, step := range []struct {
		visitor *browser
		path    string
		want    int
	}{
		{laptop, "/login", 1}, {phone, "/login", 2}, {laptop, "/renew", 2}, {laptop, "/renew", 2}, {laptop, "/login", 2},
		{phone, "/logout", 1}, {phone, "/login", 2}, {laptop, "/logout", 1},
	} {
		step.visitor.get(step.path)
		list, err := sessions.List(t.Context(), "user:42")
		check(t, err)
		if len(list) != step.want {
			t.Fatalf("after %s the subject has %d sessions, want %d", step.path, len(list), step.want)
		}
	}
	_, err = sessions.RevokeAll(t.Context(), "user:42")
	check(t, err)
	if list, err := sessions.List(t.Context(), "user:42"); len(list) > 0 || err != nil {
		t.Errorf("after RevokeAll: %v, %v", list, err)
	}
}
