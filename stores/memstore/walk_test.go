package memstore_test

import (
	"encoding/binary"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// TestWalkLetsOthersWork: all records are in one shard, and whoever wants to write there gets in every 1000 of them,
// also while the map grows and shrinks under the walk.
func TestWalkLetsOthersWork(t *testing.T) {
	s := memstore.New()
	const stays = 3500
	for i := range uint32(stays) {
		if err := s.Create(t.Context(), inOneShard(0, i)); err != nil {
			t.Fatal(err)
		}
	}
	var writes uint32
	defer memstore.BetweenHolds(func() {
		for range 100 {
			writes++
			if err := s.Create(t.Context(), inOneShard(1, writes)); err != nil {
				t.Error(err)
			}
			if err := s.Delete(t.Context(), inOneShard(1, writes-writes%3).ID); err != nil {
				t.Error(err)
			}
		}
	})()
	found, pages := map[session.RecordID]int{}, 0
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, next, err := s.Walk(t.Context(), cursor, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			found[r.ID]++
		}
		cursor = next
		pages++
	}
	for i := range uint32(stays) {
		if n := found[inOneShard(0, i).ID]; n != 1 {
			t.Fatalf("record %d was found %d times", i, n)
		}
	}
	if least := uint32(pages) * 100 * (stays / 1000); writes < least {
		t.Errorf("%d writes got in during %d pages, want at least %d", writes, pages, least)
	}
}

// inOneShard is a record whose id begins as those of all the others.
func inOneShard(kind byte, number uint32) session.Record {
	r := session.Record{Version: 1, Seen: epoch, Expires: epoch}
	binary.BigEndian.PutUint32(r.ID[1:], number*2654435761) // in no order
	binary.BigEndian.PutUint32(r.ID[5:], number)
	r.ID[9] = kind
	return r
}
