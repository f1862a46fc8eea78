package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var indexCases = []testCase{
	{
		name: "ListBySubject",
		why:  "the list is what a user sees and revokes: it has all of that user's sessions, whole, and nobody else's",
		run:  listBySubject,
	},
	{
		name: "ListFollowsUpdate",
		why:  "a session belongs to whom it was last saved for; under another user's name it could be revoked by the wrong one, and not by the right one",
		run:  listFollowsUpdate,
	},
	{
		name: "ListForgetsDeleted",
		why:  "a session that has ended is not to be offered for revoking again, nor to fill the index for ever",
		run:  listForgetsDeleted,
	},
	{
		name: "ListIgnoresRefusedWrites",
		why:  "a write that was refused did not happen: the index may not keep a trace of it",
		run:  listIgnoresRefusedWrites,
	},
	{
		name: "ListOfNobody",
		why:  "an unknown user simply has no sessions, and the empty subject means nobody: ending its sessions must not end every anonymous one",
		run: func(t *trial) {
			s := t.indexer()
			anonymous := newRecord("values")
			t.create(anonymous)
			t.lists(s, newSubject())
			t.lists(s, "")
		},
	},
	{
		name: "ListHostileSubjects",
		why:  "applications choose subjects: one that looks like a pattern, a query or another one's variant finds itself and nothing else",
		run:  listHostileSubjects,
	},
	{
		name: "ListMany",
		why:  "\"log out everywhere\" means everywhere, also when the answer takes more than one page",
		run: func(t *trial) {
			s, subject := t.indexer(), newSubject()
			var records []session.Record
			for i := range 150 {
				records = append(records, newRecordOf(subject, fmt.Sprintf("session %d", i)))
			}
			t.create(records...)
			t.lists(s, subject, records...)
		},
	},
	{
		name: "ListAfterConcurrentUpdates",
		why:  "the index must agree with the record that won, or a session slips through \"log out everywhere\"",
		run:  listAfterConcurrentUpdates,
	},
}

func (t *trial) findIndexer() (session.Indexer, bool) {
	s, ok := t.store.(session.Indexer)
	if !ok {
		return nil, false
	}
	_, err := s.List(t.ctx, newSubject())
	return s, !errors.Is(err, errors.ErrUnsupported)
}

func (t *trial) indexer() session.Indexer {
	t.Helper()
	s, ok := t.findIndexer()
	if !ok {
		t.Skip("the store has no List; sessions cannot be listed and revoked by subject")
	}
	return s
}

// lists checks that the subject has exactly these records, in any order.
func (t *trial) lists(s session.Indexer, subject string, records ...session.Record) {
	t.Helper()
	listed, err := s.List(t.ctx, subject)
	t.want("List", err, nil)
	missing := map[session.RecordID]session.Record{}
	for _, r := range records {
		missing[r.ID] = r
	}
	for _, got := range listed {
		want, ok := missing[got.ID]
		if !ok {
			t.Fatalf("List of %.80q: record %s (data %.40q) is not to be there, or there twice", subject, got.ID, got.Data)
		}
		if diff := difference(got, want); diff != "" {
			t.Fatalf("List of %.80q: %s", subject, diff)
		}
		delete(missing, got.ID)
	}
	if len(missing) > 0 {
		t.Fatalf("List of %.80q: %d of %d records are missing", subject, len(missing), len(records))
	}
}

func listBySubject(t *trial) {
	s := t.indexer()
	user, other := newSubject(), newSubject()
	laptop, phone := newRecordOf(user, "laptop"), newRecordOf(user, "phone")
	others, anonymous := newRecordOf(other, "others"), newRecord("anonymous")
	t.create(laptop, phone, others, anonymous)
	t.lists(s, user, laptop, phone)
	t.lists(s, other, others)
	phone.Data, phone.Expires = []byte("phone, updated"), phone.Expires.Add(time.Minute)
	phone = t.update(phone)
	t.lists(s, user, laptop, phone)
	if toucher, ok := t.findToucher(); ok {
		phone.Seen, phone.Expires = phone.Seen.Add(time.Minute), phone.Expires.Add(time.Minute)
		t.want("Touch", toucher.Touch(t.ctx, phone.ID, phone.Seen, phone.Expires), nil)
		t.lists(s, user, laptop, phone)
	}
}

func listFollowsUpdate(t *trial) {
	s := t.indexer()
	before, after := newSubject(), newSubject()
	moved, stays := newRecordOf(before, "moved"), newRecordOf(before, "stays")
	t.create(moved, stays)
	moved.Subject = after
	moved = t.update(moved)
	t.lists(s, before, stays)
	t.lists(s, after, moved)
	moved.Subject, moved.Handle = "", ""
	moved = t.update(moved)
	t.lists(s, after)
	moved.Subject, moved.Handle = before, rand.Text()
	moved = t.update(moved)
	t.lists(s, before, stays, moved)
}

func listForgetsDeleted(t *trial) {
	s, subject := t.indexer(), newSubject()
	gone, stays := newRecordOf(subject, "gone"), newRecordOf(subject, "stays")
	t.create(gone, stays)
	t.delete(gone.ID)
	t.lists(s, subject, stays)
	t.delete(stays.ID)
	t.lists(s, subject)
	t.create(stays)
	t.lists(s, subject, stays)
}

func listIgnoresRefusedWrites(t *trial) {
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
	t.lists(s, own, r)
	t.lists(s, foreign)
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

func listHostileSubjects(t *trial) {
	s := t.indexer()
	owned := map[string]session.Record{}
	for _, subject := range hostileSubjects() {
		owned[subject] = newRecordOf(subject, "of "+subject)
		t.create(owned[subject])
	}
	for subject, r := range owned {
		t.lists(s, subject, r)
	}
	for subject, r := range owned {
		t.delete(r.ID)
		t.lists(s, subject)
	}
}

// listAfterConcurrentUpdates lets several writers move one record to different subjects; its data says who won. Only
// the last move shows whether record and index agree, hence the rounds.
func listAfterConcurrentUpdates(t *trial) {
	s := t.indexer()
	for range 20 {
		from, destinations := newSubject(), []string{newSubject(), newSubject(), newSubject(), ""}
		r := newRecordOf(from, from)
		t.create(r)
		var tasks []func() error
		for _, to := range destinations {
			tasks = append(tasks, func() error { return t.change(r.ID, moveTo(to)) })
		}
		t.contend(func() error { _, err := s.List(t.ctx, from); return err }, tasks...)
		t.listedOnlyAs(s, t.load(r.ID), append(destinations, from))
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

func (t *trial) listedOnlyAs(s session.Indexer, r session.Record, subjects []string) {
	t.Helper()
	r.Subject = string(r.Data)
	for _, subject := range subjects {
		switch subject {
		case "":
		case r.Subject:
			t.lists(s, subject, r)
		default:
			t.lists(s, subject)
		}
	}
}
