package storetest

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var walkCases = []testCase{
	{
		name: "WalkFindsAll",
		why: "whoever counts, revokes or moves all sessions means all of them: of every user and of nobody, whole, as they " +
			"are now, and those that have ended no longer",
		run: walkFindsAll,
	},
	{
		name: "WalkEnds",
		why:  "a walk of a store that has nothing, or nothing any more, is over and no failure",
		run:  walkEnds,
	},
	{
		name: "WalkPages",
		why:  "a page is what fits into memory and between two requests, and asking for small ones must get to the end too",
		run:  walkPages,
	},
	{
		name: "WalkHostileIDs",
		why:  "the first and the last record in any order, and those next to each other, are where pages lose one",
		run:  walkHostileIDs,
	},
	{
		name: "WalkExpired",
		why:  "the core judges what has expired or is a marker, on its own clock and by what it knows of them",
		run:  walkExpired,
	},
	{
		name: "WalkDuringChanges",
		why: "visitors come, go, save and are extended while an operator counts or moves their sessions, and a session that " +
			"was there all the time is neither missed nor counted twice for that",
		run: walkDuringChanges,
	},
	{
		name: "WalkDuringWrites",
		why: "a page that is read while records are being written shows each of them whole, and a record that is being " +
			"replaced is there",
		run: walkDuringWrites,
	},
	{
		name: "WalkFromKeptCursor",
		why:  "a move of all sessions that was interrupted goes on where it stopped, and another walk is not its business",
		run:  walkFromKeptCursor,
	},
	{
		name: "WalkHostileCursors",
		why: "a page of the operator's can hand a cursor to a browser and back: whatever comes instead is refused at once and " +
			"is no command to anybody",
		run: walkHostileCursors,
	},
}

// maxRounds is how often a record may be on two pages of a walk, in as many walks, before that is the store's habit
// and not a moment at which it reorganized itself.
const maxRounds = 3

func (t *trial) walker() session.Walker {
	t.Helper()
	s, ok := t.store.(session.Walker)
	if ok {
		_, _, err := s.Walk(t.ctx, "", 1)
		ok = !errors.Is(err, errors.ErrUnsupported)
	}
	if !ok {
		t.Skip("the store has no Walk; sessions can be neither counted nor moved to another store")
	}
	return s
}

// tour is one walk.
type tour struct {
	walker  session.Walker
	limit   int
	records map[session.RecordID]session.Record
	cursors map[string]bool
	twice   error // the last record that was on two pages
}

func newTour(s session.Walker, limit int) *tour {
	return &tour{walker: s, limit: limit, records: map[session.RecordID]session.Record{}, cursors: map[string]bool{}}
}

// page takes a page and returns the next one's cursor.
func (w *tour) page(t *trial, cursor string) (page []session.Record, next string, err error) {
	page, next, err = w.walker.Walk(t.ctx, cursor, w.limit)
	if err != nil {
		return page, next, fmt.Errorf("walk from %.80q: %w", cursor, err)
	}
	if len(page) > 3*w.limit+20 {
		return page, next, fmt.Errorf("walk: a page has %d records, and the limit was %d", len(page), w.limit)
	}
	on := map[session.RecordID]bool{}
	for _, r := range page {
		if on[r.ID] {
			return page, next, fmt.Errorf("walk: record %s is twice on one page", r.ID)
		}
		if _, seen := w.records[r.ID]; seen {
			w.twice = fmt.Errorf("walk: record %s is on two pages, in each of %d walks", r.ID, maxRounds)
		}
		on[r.ID], w.records[r.ID] = true, r
	}
	return page, next, w.look(next, page)
}

// look checks a cursor.
func (w *tour) look(cursor string, page []session.Record) error {
	if strings.ContainsFunc(cursor, func(c rune) bool { return c < ' ' || c > '~' }) {
		return fmt.Errorf("walk: the cursor %.80q is not printable ASCII", cursor)
	}
	if cursor != "" && w.cursors[cursor] {
		return fmt.Errorf("walk: the cursor %.80q comes again, so the walk goes round", cursor)
	}
	w.cursors[cursor] = true
	for _, r := range page {
		for _, secret := range []string{string(r.Data), r.Subject, r.Handle} {
			if len(secret) > 4 && strings.Contains(cursor, secret) {
				return fmt.Errorf("walk: the cursor %.80q says what is stored", cursor)
			}
		}
	}
	return nil
}

// to walks on from a cursor to the end, and calls between after each page.
func (w *tour) to(t *trial, cursor string, between func(page []session.Record)) {
	t.Helper()
	for first := true; first || cursor != ""; first = false {
		page, next, err := w.page(t, cursor)
		if err != nil {
			t.Fatal(err)
		}
		between(page)
		cursor = next
	}
}

// walk goes through the store. It begins again if a record was on two pages, which may be an accident.
func (t *trial) walk(s session.Walker, limit int) map[session.RecordID]session.Record {
	t.Helper()
	var found map[session.RecordID]session.Record
	t.rounds(func() error {
		w := newTour(s, limit)
		w.to(t, "", func([]session.Record) {})
		found = w.records
		return w.twice
	})
	return found
}

// rounds repeats a walk until no record was on two pages.
func (t *trial) rounds(round func() (twice error)) {
	t.Helper()
	var twice error
	for range maxRounds {
		if twice = round(); twice == nil {
			return
		}
	}
	t.Fatal(twice)
}

// among checks that a walk has found these records as they are.
func (t *trial) among(found map[session.RecordID]session.Record, records ...session.Record) {
	t.Helper()
	for _, want := range records {
		got, ok := found[want.ID]
		if !ok {
			t.Fatalf("Walk: record %s (data %.40q) is missing; %d were found", want.ID, want.Data, len(found))
		}
		if diff := difference(got, want); diff != "" {
			t.Fatalf("Walk: %s", diff)
		}
	}
}

func (t *trial) notAmong(found map[session.RecordID]session.Record, ids ...session.RecordID) {
	t.Helper()
	for _, id := range ids {
		if r, ok := found[id]; ok {
			t.Fatalf("Walk: record %s (data %.40q) was found, and is gone", id, r.Data)
		}
	}
}

func walkFindsAll(t *trial) {
	s := t.walker()
	user := newSubject()
	laptop, phone, anonymous := newRecordOf(user, "laptop"), newRecordOf(user, "phone"), newRecord("anonymous")
	other, gone := newRecordOf(newSubject(), "others"), newRecordOf(user, "gone")
	t.create(laptop, phone, anonymous, other, gone)
	t.among(t.walk(s, 500), laptop, phone, anonymous, other, gone)
	phone.Subject, phone.Handle, phone.Data = "", "", []byte("nobody's by now")
	phone = t.update(phone)
	t.delete(gone.ID)
	if toucher, ok := t.findToucher(); ok {
		laptop.Seen, laptop.Expires = laptop.Seen.Add(time.Second), laptop.Expires.Add(time.Second)
		t.want("Touch", toucher.Touch(t.ctx, laptop.ID, laptop.Seen, laptop.Expires), nil)
	}
	found := t.walk(s, 500)
	t.among(found, laptop, phone, anonymous, other)
	t.notAmong(found, gone.ID)
}

func walkEnds(t *trial) {
	s := t.walker()
	t.walk(s, 500)
	r := newRecordOf(newSubject(), "values")
	t.create(r)
	t.delete(r.ID)
	t.notAmong(t.walk(s, 500), r.ID)
}

func walkPages(t *trial) {
	s := t.walker()
	var records []session.Record
	for i := range 60 {
		records = append(records, newRecordOf(newSubject(), fmt.Sprintf("record %d", i)))
	}
	t.create(records...)
	found := t.walk(s, 500)
	t.among(found, records...)
	t.among(t.walk(s, 20), records...)
	if len(found) < 5*len(records) { // or what earlier cases have left would make the smallest pages take long
		t.among(t.walk(s, 1), records...)
		return
	}
	w, cursor := newTour(s, 1), ""
	for range records {
		_, next, err := w.page(t, cursor)
		t.want("Walk", err, nil)
		cursor = next
	}
}

func walkHostileIDs(t *trial) {
	s := t.walker()
	records := t.createHostile()
	t.among(t.walk(s, 7), records...)
	for _, r := range records {
		t.delete(r.ID)
	}
	t.notAmong(t.walk(s, 500), idsOf(records)...)
}

func walkExpired(t *trial) {
	s := t.walker()
	live, marker, expired := newRecord("live"), newRecordOf(newSubject(), "ended"), newRecord("expired")
	t.create(live, marker, expired)
	marker, expired.Expires = t.update(aliasOf(marker)), now().Add(-time.Second)
	expired = t.update(expired)
	found := t.walk(s, 500)
	t.among(found, live, marker)
	if t.keepsExpired(expired) {
		t.among(found, expired)
	}
}

// walkFromKeptCursor walks halfway, lets others change the store and walk through it, and goes on twice.
func walkFromKeptCursor(t *trial) {
	s := t.walker()
	t.rounds(func() (twice error) {
		var stays, goes []session.Record
		for range 20 {
			stays, goes = append(stays, newRecord("stays")), append(goes, newRecord("goes"))
		}
		t.create(append(stays, goes...)...)
		half := newTour(s, 20)
		_, cursor, err := half.page(t, "")
		t.want("Walk", err, nil)
		for _, r := range goes {
			t.delete(r.ID)
		}
		t.create(newRecord("came"))
		t.among(t.walk(s, 500), stays...)
		for range 2 {
			twice = errors.Join(twice, half.goesOn(t, cursor, stays))
		}
		return twice
	})
}

// goesOn walks from a kept cursor to the end, and leaves the tour where it was.
func (w *tour) goesOn(t *trial, cursor string, stays []session.Record) (twice error) {
	t.Helper()
	rest := newTour(w.walker, w.limit)
	maps.Copy(rest.records, w.records)
	if cursor != "" {
		rest.to(t, cursor, func([]session.Record) {})
	}
	t.among(rest.records, stays...)
	return rest.twice
}
