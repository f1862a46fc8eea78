package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// LoginOption is what Login can be given besides the subject: see Label.
type LoginOption struct{ label string }

const (
	maxLabel  = 200
	maxLabels = 8
)

// Label gives the session a name by which Manager.RevokeLabel ends it, with all others of that name: the session at an
// identity provider, a device, a customer of yours. A name has 1 to 200 bytes, and a session has at most 8 of
// them. They stay with it through renewals and further logins as the same subject; of logins at once that give more
// than 8 between them, the newest stay. Info shows them. It takes a store that can search by subject, or
// Options.Revocations: elsewhere the login is refused. A store that learns only when it is asked that it cannot search
// takes the login, and RevokeLabel returns errors.ErrUnsupported.
//
// In a store, each label of a login costs a call more.
func Label(name string) LoginOption { return LoginOption{label: name} }

// checkLabels says what is wrong with a login's options.
func (m *Manager) checkLabels(options []LoginOption) error {
	for _, o := range options {
		if o.label == "" || len(o.label) > maxLabel {
			return fmt.Errorf("session: Label of %d bytes: a label has 1 to %d", len(o.label), maxLabel)
		}
	}
	if len(options) > 0 && m.index == nil && m.revocations == nil {
		return errors.New("session: Label needs Options.Revocations, or a store that can search by subject")
	}
	return nil
}

// addLabels notes the labels of a login, beside those of an earlier one of this request as the same subject.
func (st *state) addLabels(subject string, options []LoginOption) error {
	if st.pending.login && st.pending.subject != subject {
		st.setLabels(nil)
	}
	if len(options) == 0 {
		return nil
	}
	labels := slices.Clone(st.wantedLabels())
	for _, o := range options {
		if !slices.Contains(labels, o.label) {
			labels = append(labels, strings.Clone(o.label)) // it may lie in a buffer that the framework reuses
		}
	}
	var kept []wire.Label
	if string(st.storedSubject()) == subject {
		e := st.base.envelope()
		kept = e.Labels()
	}
	if n := len(mergeLabels(kept, labels)); n > maxLabels {
		return fmt.Errorf("session: Login would give the session %d labels: %d are allowed", n, maxLabels)
	}
	st.setLabels(labels)
	return nil
}

// wantedLabels are those of the login that the next commit makes.
func (st *state) wantedLabels() []string {
	if st.rare == nil {
		return nil
	}
	return st.rare.labels
}

func (st *state) setLabels(labels []string) {
	if labels != nil || st.rare != nil {
		st.rarely().labels = labels
	}
}

// mergeLabels returns the labels that a session has after a login that gives it more.
func mergeLabels(kept []wire.Label, added []string) []wire.Label {
	for _, name := range added {
		if !slices.ContainsFunc(kept, func(l wire.Label) bool { return l.Name == name }) {
			kept = append(kept, wire.Label{Name: name})
		}
	}
	return kept
}

// newestLabels drops what is too much, from the beginning, but nothing of what the login itself gives. addLabels has
// refused that already, unless the session has got more since, by a login that this one comes after.
func newestLabels(labels []wire.Label, given []string) []wire.Label {
	excess := len(labels) - maxLabels
	return slices.DeleteFunc(labels, func(l wire.Label) bool {
		drop := excess > 0 && !slices.Contains(given, l.Name)
		if drop {
			excess--
		}
		return drop
	})
}
