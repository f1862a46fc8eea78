package redisstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// permitted is a client of a user who may do nothing else.
func permitted(t *testing.T, admin *redis.Client, o *redis.Options, rules ...string) *redis.Client {
	t.Helper()
	rule := []any{"acl", "setuser", "shop", "reset", "on", ">secret"}
	for _, r := range rules {
		rule = append(rule, r)
	}
	check(t, admin.Do(t.Context(), rule...).Err())
	o.Addr, o.Username, o.Password = admin.Options().Addr, "shop", "secret"
	return client(t, o)
}

// TestPermissions: a user with the commands that the documentation names, on keys with the prefix, can do everything.
func TestPermissions(t *testing.T) {
	admin := connect(t, servers.Redis(t))
	rules := append([]string{"~coatcheck:*"}, strings.Fields(redisstore.Permissions)...)
	for name, wrap := range map[string]func(*testing.T, *redis.Client) redis.UniversalClient{
		"Plain":      func(_ *testing.T, c *redis.Client) redis.UniversalClient { return c },
		"Pipelining": pipelining,
	} {
		t.Run(name, func(t *testing.T) {
			s := redisstore.New(wrap(t, permitted(t, admin, &redis.Options{}, rules...)))
			storetest.Run(t, func(*testing.T) session.Store { return s })
		})
	}
}

// unknown is a client of which the store does not know what it is.
type unknown struct{ redis.UniversalClient }

// TestMissingPermission: whoever set the user up hears what is missing, in a script too, and what has to be there. Not
// one of the commands is superfluous.
func TestMissingPermission(t *testing.T) {
	admin := connect(t, servers.Redis(t))
	for command := range strings.FieldsSeq(redisstore.Permissions) {
		rules := append([]string{"~coatcheck:*"}, strings.Fields(redisstore.Permissions)...)
		rules = append(rules, "-"+command[1:])
		check(t, admin.Do(t.Context(), "script", "flush").Err())
		var failed error
		for _, s := range []*redisstore.Store{
			redisstore.New(permitted(t, admin, &redis.Options{}, rules...)),
			redisstore.New(unknown{permitted(t, admin, &redis.Options{}, rules...)}), // sessions are read with GETEX
		} {
			for _, err := range everyCall(t, s) {
				if err != nil && !errors.Is(err, session.ErrNotFound) {
					failed = err
				}
			}
		}
		if failed == nil {
			t.Errorf("everything works without %s", command)
			continue
		}
		if want := fmt.Sprintf("permit what the store uses: ACL SETUSER … ~coatcheck:* %s",
			redisstore.Permissions); !strings.Contains(failed.Error(), want) {
			t.Errorf("without %s: error is %v, which does not say what to do", command, failed)
		}
	}
}

func everyCall(t *testing.T, s *redisstore.Store) []error {
	t.Helper()
	r := newRecordOf("user:42")
	created := s.Create(t.Context(), r)
	_, loaded := s.Load(t.Context(), r.ID)
	updated, extended := s.Update(t.Context(), r), touched(t.Context(), s, r, time.Minute)
	sessions, err := session.New(s, session.Options{})
	check(t, err)
	_, listed := sessions.List(t.Context(), "user:43")
	_, _, walked := s.Walk(t.Context(), "", 1)
	return []error{created, loaded, updated, extended, listed, walked, s.Delete(t.Context(), r.ID)}
}
