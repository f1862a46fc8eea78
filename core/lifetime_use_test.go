package session

import (
	"testing"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func TestHowLongASessionLivesAfterAUse(t *testing.T) {
	m := &Manager{idle: 30 * minute, absolute: absolute, maxLifetime: absolute, basis: LastUse}
	for _, c := range []struct {
		why     string
		rec     record
		extends bool
		seen    wire.Millis
		want    wire.Millis
	}{
		{"idle from now, and what a touch may be late", clocks(lastUsed, 0), true, lately, lately + span},
		{"a read too", clocks(lastUsed, 0), false, lately, lately + span},
		{"never past the deadline", clocks(lastUsed, lately+7), true, lately, lately + 7},
		{"from the later of two servers' uses", clocks(lately+7, 0), true, lately + 7, lately + 7 + span},
		{"a deadline in the past is one that is now", clocks(lastUsed, beginning), true, lately, lately},
		{
			"an idle timeout of its own, with its own interval",
			owning(wire.Lifetime{Idle: 10 * minute}), true, lately, lately + 11*minute,
		},
		{
			"from the last change: the timeout exactly",
			owning(wire.Lifetime{Basis: byte(LastChange)}), true, lately, lately + 30*minute,
		},
		{"and a read moves nothing", owning(wire.Lifetime{Basis: byte(LastChange)}), false, lastUsed, lastUsed + span},
	} {
		if m.noteUse(&c.rec, lately, c.extends); c.rec.expires != c.want || c.rec.seen != c.seen {
			t.Errorf("%s: seen %d and expires %d after now, want %d and %d", c.why,
				c.rec.seen-lately, c.rec.expires-lately, c.seen-lately, c.want-lately)
		}
	}
}

// clocks is a session that was last used at seen and ends at deadline; 0: as the manager says.
func clocks(seen, deadline wire.Millis) record {
	if deadline == 0 {
		deadline = beginning + absolute
	}
	return record{snapshot: snapshot{seen: seen, expires: seen + span},
		env: wire.Envelope{Kind: wire.Live, Created: beginning, Deadline: deadline}}
}

// owning is a session with a lifetime of its own.
func owning(l wire.Lifetime) record {
	rec := clocks(lastUsed, 0)
	rec.env.SetLifetime(l)
	return rec
}
