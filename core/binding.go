package session

import (
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Binding says what happens to a session that another client uses than the one which began it or logged in: a copied
// token, mostly. It compares little and coarsely, so it catches those who do not know of it: a thief who sends the
// visitor's User-Agent from the visitor's network passes. Where both policies apply, the stronger one counts.
type Binding struct {
	// Agent is about the family of browser and system, like "Firefox on Linux". It stays the same through updates of
	// either.
	Agent BindingPolicy
	// Network is about the first 24 bits of an IPv4 address, 48 of an IPv6 one. Phones change their network on the way,
	// and some providers with each request, so that more than Report costs visitors their sessions.
	Network BindingPolicy
}

// BindingPolicy is for a request whose client differs from what was noted with its session.
type BindingPolicy int

const (
	// Ignore compares nothing.
	Ignore BindingPolicy = iota
	// Report lets the request pass and emits ReasonOtherClient.
	Report
	// Refuse also makes the request an anonymous visitor's, whose Reason is ReasonOtherClient. The session lives on, and
	// nothing that the request does reaches it. So a thief cannot end it, and its owner comes back with the right client,
	// as on the usual network: the browser keeps its cookie unless the request logs in. Any other write fails with
	// ErrEnded, a 409, because the session that it would start needs a cookie in that place. For the same reason a form
	// token on a page that is shown to such a visitor is void: the login form has to do without CheckFormToken.
	Refuse
	// End also ends the session, as Revoke does, for its owner and the thief alike: whoever gets hold of the token can log
	// the owner out. Sealed sessions need Options.Revocations for it, which ends those that belong to somebody. If ending
	// fails, the request is refused all the same.
	End
)

// String returns "ignore", "report", "refuse" or "end".
func (p BindingPolicy) String() string {
	if p < Ignore || p > End {
		return "unknown"
	}
	return [...]string{"ignore", "report", "refuse", "end"}[p]
}

// check refuses what is no policy.
func (b Binding) check() error {
	for name, p := range map[string]BindingPolicy{"Agent": b.Agent, "Network": b.Network} {
		if p < Ignore || p > End {
			return fmt.Errorf("Binding.%s %d: use Ignore, Report, Refuse or End", name, int(p))
		}
	}
	return nil
}

var errEndSealed = errors.New("Binding: End cannot end a sealed session, which lives in its token: use Refuse, or " +
	"set Revocations")

// judge returns the policy for a session that this client presents: Ignore if it may be the one that was noted. What
// was not noted binds nobody.
func (b Binding) judge(c *client, e *wire.Envelope) (p BindingPolicy) {
	if noted := e.Extension(wire.Agent); b.Agent != Ignore && noted != "" && noted != agentFamily(c.agent) {
		p = b.Agent
	}
	if noted := e.Extension(wire.Network); b.Network > p && noted != "" && noted != networkOf(c.address) {
		p = b.Network
	}
	return p
}

// heedBinding applies Options.Binding to a live session that the request presents, and returns why it does not open.
func (s *Session) heedBinding(st *state, rec *record, now wire.Millis) Reason {
	if s.m.binding == (Binding{}) {
		return ""
	}
	switch s.m.binding.judge(s.client, &rec.env) {
	case Ignore:
		return ""
	case Report:
		st.addEvent(s.m, rec.event(ReasonOtherClient, nil))
		return ""
	case Refuse:
		st.rarely().otherClient = true
	case End:
		s.endFromOutside(st, rec, now)
	}
	return ReasonOtherClient
}
