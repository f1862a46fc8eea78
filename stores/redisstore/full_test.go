package redisstore_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// TestFull: Redis at maxmemory refuses what may need memory. Visitors can still leave: the core deletes a record that
// it cannot mark as ended, and finds those of a subject. What is refused is neither too large nor a conflict.
func TestFull(t *testing.T) {
	for name, client := range map[string]func(*testing.T, *redis.Client) redis.UniversalClient{
		"Plain":      func(_ *testing.T, c *redis.Client) redis.UniversalClient { return c },
		"Pipelining": pipelining,
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, servers.Redis(t))
			s := redisstore.New(client(t, c))
			sessions := loggedIn(t, s, "user:42")
			r := newRecordOf("user:42")
			check(t, s.Create(t.Context(), r))
			check(t, s.Touch(t.Context(), r.ID, r.Seen, r.Expires)) // Redis knows the scripts
			check(t, c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
			check(t, c.ConfigSet(t.Context(), "maxmemory", "1").Err())
			for call, err := range map[string]error{
				"Create":                s.Create(t.Context(), newRecord("values")),
				"Create of a subject's": s.Create(t.Context(), newRecordOf("user:42")),
				"Update":                s.Update(t.Context(), r), "Touch": touched(t.Context(), s, r, 0),
			} {
				refused(t, call, err)
			}
			listed, err := sessions.List(t.Context(), "user:42")
			if check(t, err); len(listed) != 1 {
				t.Errorf("%d sessions of the subject are listed, want 1", len(listed))
			}
			_, err = s.Load(t.Context(), r.ID)
			check(t, err)
			check(t, s.Delete(t.Context(), r.ID))
			_, err = s.Load(t.Context(), r.ID)
			wantError(t, "Load after Delete", err, session.ErrNotFound)
			check(t, c.ConfigSet(t.Context(), "maxmemory", "0").Err())
			check(t, s.Create(t.Context(), newRecord("values")))
		})
	}
}

func refused(t *testing.T, call string, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "maxmemory") {
		t.Errorf("%s: error is %v, which does not say that Redis is full", call, err)
	}
	for _, answer := range []error{session.ErrTooLarge, session.ErrConflict, session.ErrNotFound, session.ErrExists} {
		if errors.Is(err, answer) {
			t.Errorf("%s: a full Redis is reported as %v", call, answer)
		}
	}
}

// loggedIn is a manager with one session, which is the subject's.
func loggedIn(t *testing.T, store session.Store, subject string) *session.Manager {
	t.Helper()
	sessions, err := session.New(store, session.Options{})
	check(t, err)
	page := httpsession.Middleware(sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		httpsession.From(r).Login(subject)
	}))
	answer := httptest.NewRecorder()
	page.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "https://shop.test/", nil))
	if answer.Code != http.StatusOK {
		t.Fatalf("login: status %d, %s", answer.Code, answer.Body)
	}
	return sessions
}
