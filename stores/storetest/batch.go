package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	session "github.com/coatcheck/coatcheck/core"
)

var batchCases = []testCase{
	{
		name: "LoadAllLeavesOutAbsent",
		why:  "sessions end while others are read: that may neither hide the others nor show one that is none",
		run:  loadAllLeavesOutAbsent,
	},
	{
		name: "LoadAllMany",
		why: "the core asks for 500 at once: one that is left out is a session that no revocation reaches, or a revocation " +
			"that nobody sees",
		run: loadAllMany,
	},
	{
		name: "LoadAllWhosesoever",
		why: "the core follows what a record has become: another user's, a marker without one, or expired, of which it is " +
			"the judge",
		run: loadAllWhosesoever,
	},
	{
		name: "LoadAllHostileIDs",
		why: "many ids in one request to a server are still arbitrary bytes, and an answer that goes to the wrong one shows " +
			"a visitor somebody else's session",
		run: loadAllHostileIDs,
	},
	{
		name: "LoadAllDuringWrites",
		why:  "a record that is being written is read as it was or as it is, with the version that belongs to its data",
		run:  loadAllDuringWrites,
	},
}

func (t *trial) batchLoader() session.BatchLoader {
	t.Helper()
	s, ok := t.store.(session.BatchLoader)
	if ok {
		_, err := s.LoadAll(t.ctx, []session.RecordID{newID()})
		ok = !errors.Is(err, errors.ErrUnsupported)
	}
	if !ok {
		t.Skip("the store has no LoadAll; it can neither list sessions nor keep revocations")
	}
	return s
}

// loadsAll checks that LoadAll returns records that were asked for, once each, and among them these as they are.
func (t *trial) loadsAll(s session.BatchLoader, ids []session.RecordID, records ...session.Record) {
	t.Helper()
	got := map[session.RecordID]session.Record{}
	for page := range slices.Chunk(ids, 500) {
		loaded, err := s.LoadAll(t.ctx, page)
		t.want("LoadAll", err, nil)
		for _, r := range loaded {
			if _, twice := got[r.ID]; twice || !slices.Contains(page, r.ID) {
				t.Fatalf("LoadAll: record %s (data %.40q) was not asked for, or is there twice", r.ID, r.Data)
			}
			got[r.ID] = r
		}
	}
	for _, want := range records {
		r, ok := got[want.ID]
		if !ok {
			t.Fatalf("LoadAll: record %s is missing", want.ID)
		}
		if diff := difference(r, want); diff != "" {
			t.Fatalf("LoadAll: %s", diff)
		}
	}
}

// loadsOnly checks that LoadAll returns these records and no others.
func (t *trial) loadsOnly(s session.BatchLoader, ids []session.RecordID, records ...session.Record) {
	t.Helper()
	t.loadsAll(s, ids, records...)
	if loaded, err := s.LoadAll(t.ctx, ids); err != nil || len(loaded) != len(records) {
		t.Fatalf("LoadAll of %d ids, of which %d have a record: %d records, error %v", len(ids), len(records), len(loaded), err)
	}
}

func idsOf(records []session.Record) (ids []session.RecordID) {
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

func loadAllLeavesOutAbsent(t *trial) {
	s := t.batchLoader()
	gone, stays, anonymous := newRecordOf(newSubject(), "gone"), newRecordOf(newSubject(), "stays"), newRecord("anonymous")
	t.create(gone, stays, anonymous)
	t.delete(gone.ID)
	t.loadsOnly(s, []session.RecordID{newID(), gone.ID, stays.ID, newID(), anonymous.ID}, stays, anonymous)
	t.loadsOnly(s, []session.RecordID{gone.ID, newID()})
	t.loadsOnly(s, nil)
}

func loadAllMany(t *trial) {
	s := t.batchLoader()
	var records []session.Record
	ids := make([]session.RecordID, 500)
	for i := range ids {
		ids[i] = newID()
		if i%10 == 0 || i == len(ids)-1 {
			records = append(records, newRecord(fmt.Sprintf("record %d", i)))
			ids[i] = records[len(records)-1].ID
		}
	}
	t.create(records...)
	t.loadsOnly(s, ids, records...)
}

func loadAllWhosesoever(t *trial) {
	s := t.batchLoader()
	moved, ended, expired := newRecordOf(newSubject(), "1"), newRecordOf(newSubject(), "2"), newRecord("3")
	t.create(moved, ended, expired)
	ids := []session.RecordID{moved.ID, ended.ID, expired.ID}
	moved.Subject, moved.Data = newSubject(), []byte("somebody else's")
	expired.Expires = now()
	moved, ended, expired = t.update(moved), t.update(aliasOf(ended)), t.update(expired)
	t.loadsAll(s, ids, moved, ended)
	if t.keepsExpired(expired) {
		t.loadsAll(s, ids, expired)
	}
}

// createHostile makes records under hostile ids and their neighbours, which the case has to delete.
func (t *trial) createHostile() (records []session.Record) {
	t.Helper()
	ids := hostileIDs()
	for _, id := range hostileIDs() {
		id[len(id)-1] ^= 1
		ids = append(ids, id)
	}
	for i, id := range append(ids, newID()) {
		r := newRecord(fmt.Sprintf("record %d", i))
		r.ID = id
		t.delete(id) // an earlier run may have been interrupted
		records = append(records, r)
	}
	t.create(records...)
	return records
}

func loadAllHostileIDs(t *trial) {
	s := t.batchLoader()
	records := t.createHostile()
	t.loadsOnly(s, idsOf(records), records...)
	for i, r := range records {
		t.delete(r.ID)
		t.loadsOnly(s, idsOf(records), records[i+1:]...)
	}
}

func loadAllDuringWrites(t *trial) {
	const changes = 40
	s := t.batchLoader()
	var records []session.Record
	for range 3 {
		r := newRecord("")
		r.Data = tally(0)
		records = append(records, r)
	}
	t.create(records...)
	ids := idsOf(records)
	var over atomic.Bool
	reads := t.until(&over, func() error {
		loaded, err := s.LoadAll(t.ctx, ids)
		if err == nil && len(loaded) != len(ids) {
			err = fmt.Errorf("load all during writes: %d records, want %d", len(loaded), len(ids))
		}
		for _, r := range loaded {
			_, parts := countOf(r)
			err = errors.Join(err, parts)
		}
		return err
	})
	t.contend(nil, reads, func() error {
		defer over.Store(true)
		for i := range changes * len(ids) {
			if err := t.change(ids[i%len(ids)], increment); err != nil {
				return err
			}
		}
		return nil
	})
}
