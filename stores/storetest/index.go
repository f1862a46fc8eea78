package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var indexCases = []testCase{
	{
		name: "FindBySubject",
		why:  "the list is what a user sees and revokes: it has all of that user's sessions, whole, and nobody else's",
		run:  findBySubject,
	},
	{
		name: "FindFollowsUpdate",
		why:  "a session belongs to whom it was last saved for, and whoever that is must be able to revoke it",
		run:  findFollowsUpdate,
	},
	{
		name: "FindAfterRefusedWrites",
		why:  "a write that was refused did not happen: it may not take a session off its user's list",
		run:  findAfterRefusedWrites,
	},
	{
		name: "FindNobody",
		why: "an unknown user simply has no sessions, and the empty subject means nobody: ending its sessions must not " +
			"end every anonymous one",
		run: func(t *trial) {
			s := t.indexer()
			anonymous := newRecord("values")
			t.create(anonymous)
			t.finds(s, newSubject())
			t.finds(s, "")
		},
	},
	{
		name: "FindHostileSubjects",
		why: "applications choose subjects: one that looks like a pattern, a query or another one's variant finds itself " +
			"and nothing else",
		run: findHostileSubjects,
	},
	{
		name: "FindMany",
		why:  "\"log out everywhere\" means everywhere, also when the answer takes more than one page",
		run:  findMany,
	},
	{
		name: "FindAfterConcurrentUpdates",
		why:  "the index must agree with the record that won, or a session slips through \"log out everywhere\"",
		run:  findAfterConcurrentUpdates,
	},
}

func (t *trial) findIndexer() (session.Indexer, bool) {
	s, ok := t.store.(session.Indexer)
	if !ok {
		return nil, false
	}
	_, err := s.Find(t.ctx, newSubject())
	return s, !errors.Is(err, errors.ErrUnsupported)
}

func (t *trial) indexer() session.Indexer {
	t.Helper()
	s, ok := t.findIndexer()
	if !ok {
		t.Skip("the store has no Find; sessions cannot be listed and revoked by subject")
	}
	return s
}

// finds checks that these records are found by their subject, and that whatever else is found is gone.
func (t *trial) finds(s session.Indexer, subject string, records ...session.Record) {
	t.Helper()
	t.findsAmong(s, subject, nil, records...)
}

// findsAmong lets the index still have some that were the subject's once.
func (t *trial) findsAmong(s session.Indexer, subject string, once []session.RecordID, records ...session.Record) {
	t.Helper()
	ids := t.find(s, subject)
	for _, r := range records {
		if !slices.Contains(ids, r.ID) {
			t.Fatalf("Find of %.80q: record %s is missing; %d of %d were to be there", subject, r.ID, len(ids), len(records))
		}
	}
	isWanted := func(id session.RecordID) bool {
		return slices.Contains(once, id) || slices.ContainsFunc(records, func(r session.Record) bool { return r.ID == id })
	}
	for _, id := range ids {
		if _, err := t.store.Load(t.ctx, id); err == nil && !isWanted(id) {
			t.Fatalf("Find of %.80q: record %s is there and never was that subject's", subject, id)
		}
	}
	t.loadsAll(s, ids, records...)
}

func (t *trial) find(s session.Indexer, subject string) []session.RecordID {
	t.Helper()
	ids, err := s.Find(t.ctx, subject)
	t.want("Find", err, nil)
	seen := map[session.RecordID]bool{}
	for _, id := range ids {
		if seen[id] {
			t.Fatalf("Find of %.80q: record %s is there twice", subject, id)
		}
		seen[id] = true
	}
	return ids
}

func findBySubject(t *trial) {
	s := t.indexer()
	user, other := newSubject(), newSubject()
	laptop, phone := newRecordOf(user, "laptop"), newRecordOf(user, "phone")
	others, anonymous := newRecordOf(other, "others"), newRecord("anonymous")
	t.create(laptop, phone, others, anonymous)
	t.finds(s, user, laptop, phone)
	t.finds(s, other, others)
	phone.Data, phone.Expires = []byte("phone, updated"), phone.Expires.Add(time.Minute)
	phone = t.update(phone)
	t.finds(s, user, laptop, phone)
	if toucher, ok := t.findToucher(); ok {
		phone.Seen, phone.Expires = phone.Seen.Add(time.Minute), phone.Expires.Add(time.Minute)
		t.want("Touch", toucher.Touch(t.ctx, phone.ID, phone.Seen, phone.Expires), nil)
		t.finds(s, user, laptop, phone)
	}
}

func findFollowsUpdate(t *trial) {
	s := t.indexer()
	before, after := newSubject(), newSubject()
	moved, stays := newRecordOf(before, "moved"), newRecordOf(before, "stays")
	once := []session.RecordID{moved.ID}
	t.create(moved, stays)
	for _, to := range []string{after, "", before} {
		moved.Subject, moved.Handle = to, "handle of "+to
		moved = t.update(moved)
		if to != "" {
			t.findsAmong(s, to, []session.RecordID{stays.ID}, moved)
		}
		t.findsAmong(s, before, once, stays)
	}
}

func findAfterRefusedWrites(t *trial) {
	s, own, foreign := t.indexer(), newSubject(), newSubject()
	r := newRecordOf(own, "values")
	t.create(r)
	refused := r
	refused.Subject, refused.Data = foreign, []byte("refused")
	t.want("Create of an existing record", t.store.Create(t.ctx, refused), session.ErrExists)
	refused.Version++
	t.want("Update with another version", t.store.Update(t.ctx, refused), session.ErrConflict)
	absent := newRecordOf(foreign, "absent")
	t.want("Update of an absent record", t.store.Update(t.ctx, absent), session.ErrNotFound)
	t.finds(s, own, r)
	t.findsAmong(s, foreign, []session.RecordID{r.ID})
}

// hostileSubjects are variants of one subject that patterns, collations, trimming and short columns take for another.
func hostileSubjects() []string {
	s := newSubject()
	long := s + strings.Repeat("x", 299-len(s))
	return []string{
		s, s + "%", s + "*", s + "_", s + "?", s + "[a-z]", s + ".*", "%" + s, "*" + s,
		s + " ", " " + s, s + "\t", s + "\n", "\r\n" + s, s + "/..", s + "/", s + "\\", s + ":", s + "{1}", s + "\x01",
		s + "'", s + "\"", s + "' OR '1'='1", s + "\\'; --", s + "|", s + ",", s + "&",
		s + "e", s + "E", s + "é", s + "e\u0301", s + "É", s + "ß", s + "ss", s + "ſs", s + "🦊", s + "\u200b", s + "日本",
		strings.ToUpper(s), long + "a", long + "b", long,
	}
}

func findHostileSubjects(t *trial) {
	s := t.indexer()
	owned := map[string]session.Record{}
	for _, subject := range hostileSubjects() {
		owned[subject] = newRecordOf(subject, "of "+subject)
		t.create(owned[subject])
	}
	for subject, r := range owned {
		t.finds(s, subject, r)
	}
	for subject, r := range owned {
		t.delete(r.ID)
		t.finds(s, subject)
	}
}

func findMany(t *trial) {
	s, subject := t.indexer(), newSubject()
	var records []session.Record
	for i := range 150 {
		records = append(records, newRecordOf(subject, fmt.Sprintf("session %d", i)))
	}
	t.create(records...)
	t.finds(s, subject, records...)
}

// findAfterConcurrentUpdates lets several writers move one record to different subjects; its data says who won. Only
// the last move shows whether record and index agree, hence the rounds.
func findAfterConcurrentUpdates(t *trial) {
	s := t.indexer()
	for range 20 {
		from, destinations := newSubject(), []string{newSubject(), newSubject(), newSubject(), ""}
		r := newRecordOf(from, from)
		t.create(r)
		var tasks []func() error
		for _, to := range destinations {
			tasks = append(tasks, func() error { return t.change(r.ID, moveTo(to)) })
		}
		t.contend(func() error { _, err := s.Find(t.ctx, from); return err }, tasks...)
		last := t.load(r.ID)
		if last.Subject = string(last.Data); last.Subject != "" {
			t.finds(s, last.Subject, last)
		}
	}
}

// moveTo gives a record whose data is its subject to another one.
func moveTo(subject string) func(r *session.Record) error {
	return func(r *session.Record) error {
		if r.Subject != "" && r.Subject != string(r.Data) {
			return fmt.Errorf("load during other writes: the record of %q says that it is %q's", r.Data, r.Subject)
		}
		r.Subject, r.Data = subject, []byte(subject)
		return nil
	}
}
