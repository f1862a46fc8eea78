package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var momentCases = []testCase{
	{
		name: "FindThenRenewal",
		why: "between a search and the reading a session may be renewed: the core follows the alias that its old record " +
			"has become, so that one has to be read",
		run: findThenRenewal,
	},
	{
		name: "FindDuringRenewals",
		why: "a search that is not of one moment can miss both the old and the new record of a session that is being " +
			"renewed, which then outlives \"log out everywhere\"",
		run: findDuringRenewals,
	},
	{
		name: "FindAfterRenewal",
		why:  "a renewed session must be found by its new record, whatever comes late to the old one",
		run:  findAfterRenewal,
	},
}

// aliasOf is what a renewal makes of the old record.
func aliasOf(old session.Record) session.Record {
	old.Subject, old.Handle, old.Data = "", "", []byte("alias")
	old.Expires = old.Seen.Add(5 * time.Minute)
	return old
}

func findThenRenewal(t *trial) {
	s, subject := t.indexer(), newSubject()
	old, moved, gone := newRecordOf(subject, "old"), newRecordOf(subject, "moved"), newRecordOf(subject, "gone")
	t.create(old, moved, gone)
	ids := t.find(s, subject)
	t.create(newRecordOf(subject, "renewed"))
	alias := t.update(aliasOf(old))
	moved.Subject, moved.Data = newSubject(), []byte("somebody else's")
	moved = t.update(moved)
	t.delete(gone.ID)
	t.loadsAll(s, ids, alias, moved)
}

// findDuringRenewals renews sessions while it searches. Whatever the moment of a search, each session has a record in
// the index then: the one that it had when the search began, or a later one.
func findDuringRenewals(t *trial) {
	const sessions, renewals = 8, 40
	s, subject := t.indexer(), newSubject()
	var others []session.Record
	for range 400 { // so that reading the index takes a while
		others = append(others, newRecordOf(subject, "idle"))
	}
	t.create(others...)
	chains, tasks := make([]*chain, sessions), make([]func() error, sessions)
	for i := range chains {
		chains[i] = &chain{subject: subject}
		t.want("Create", chains[i].renew(t), nil)
		tasks[i] = func() error {
			for range renewals {
				if err := chains[i].renew(t); err != nil {
					return err
				}
			}
			return nil
		}
	}
	t.contend(func() error { return searchChains(t, s, subject, chains) }, tasks...)
}

func searchChains(t *trial, s session.Indexer, subject string, chains []*chain) error {
	begun := make([]int, len(chains))
	for i, c := range chains {
		begun[i] = c.present()
	}
	ids, err := s.Find(t.ctx, subject)
	if err != nil {
		return fmt.Errorf("find during renewals: %w", err)
	}
	found := map[session.RecordID]bool{}
	for _, id := range ids {
		found[id] = true
	}
	for i, c := range chains {
		if !c.foundSince(begun[i], found) {
			return fmt.Errorf("find during renewals: of a session that was there, neither the old record is found nor a "+
				"later one (%d ids)", len(ids))
		}
	}
	return nil
}

// chain is a session that is renewed over and over.
type chain struct {
	subject string
	mu      sync.Mutex
	records []session.Record // the last one may be about to be created
	made    int              // those that have been created
}

func (c *chain) renew(t *trial) error {
	fresh := newRecordOf(c.subject, "live")
	c.mu.Lock()
	c.records = append(c.records, fresh)
	old := slices.Clone(c.records[:c.made])
	c.mu.Unlock()
	if err := t.store.Create(t.ctx, fresh); err != nil {
		return fmt.Errorf("create during searches: %w", err)
	}
	c.mu.Lock()
	c.made++
	c.mu.Unlock()
	if len(old) == 0 {
		return nil
	}
	if err := t.store.Update(t.ctx, aliasOf(old[len(old)-1])); err != nil {
		return fmt.Errorf("update during searches: %w", err)
	}
	return nil
}

// present is the place of the record that the session has now.
func (c *chain) present() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made - 1
}

func (c *chain) foundSince(begun int, found map[session.RecordID]bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.records[begun:], func(r session.Record) bool { return found[r.ID] })
}

func findAfterRenewal(t *trial) {
	s, subject := t.indexer(), newSubject()
	old := newRecordOf(subject, "values")
	once := []session.RecordID{old.ID}
	t.create(old)
	fresh := newRecordOf(subject, "values, renewed")
	fresh.Handle = old.Handle
	t.create(fresh)
	t.finds(s, subject, old, fresh) // a crash here leaves both
	old = t.update(aliasOf(old))
	t.findsAmong(s, subject, once, fresh)
	if toucher, ok := t.findToucher(); ok { // of a request that was in flight
		t.want("Touch", toucher.Touch(t.ctx, old.ID, old.Seen.Add(time.Hour), old.Expires.Add(time.Hour)), nil)
		t.findsAmong(s, subject, once, fresh)
	}
	t.delete(old.ID)
	t.finds(s, subject, fresh)
}
