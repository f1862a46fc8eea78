package session_test

import (
	"slices"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// Whoever waits for the end of many sessions asks for all of them at once, in pages that no store refuses.
func TestManySessionsAreJudgedAtOnce(t *testing.T) {
	w := newRevocable(t, session.Options{})
	var cookies []string
	for range 150 {
		cookies = append(cookies, w.login(t, "user:1"))
	}
	cookies = append(cookies, w.start(t), w.login(t, "user:2"))
	w.read(t, cookies[3], (*session.Session).Destroy).succeeded()
	w.revokeAll(t, "user:2")
	w.store.Reset()
	revoked, err := w.RevokedAmong(t.Context(), cookies)
	if err != nil || !revoked[3] || !revoked[151] || revoked[150] || slices.Contains(revoked[4:150], true) {
		t.Errorf("%v, %v; want the fourth and the last", revoked, err)
	}
	if n := w.store.Count("LoadAll"); n != 1 {
		t.Errorf("%d calls for fewer ids than fit a page", n)
	}
	w.store.Before(fail("LoadAll"))
	if revoked, err := w.RevokedAmong(t.Context(), cookies); err == nil || len(revoked) != len(cookies) {
		t.Errorf("%d verdicts, %v; want an error beside as many as there are sessions", len(revoked), err)
	}
	if revoked, err := newSealed(t, w.keys, session.Options{}).RevokedAmong(t.Context(), cookies); err != nil ||
		slices.Contains(revoked, true) {
		t.Errorf("without revocations: %v, %v", revoked, err)
	}
}
