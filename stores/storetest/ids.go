package storetest

import (
	"bytes"
	"encoding/base64"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
)

var idCases = []testCase{
	{
		name: "IDsOneBitApart",
		why:  "every bit of an id counts: a store that shortens ids gives one visitor another one's session",
		run: func(t *trial) {
			id := newID()
			ids := []session.RecordID{id}
			for i := range id {
				other := id
				other[i] ^= 1 << (i % 8)
				ids = append(ids, other)
			}
			t.keepsApart(ids)
		},
	},
	{
		name: "IDsLetterCaseApart",
		why: "two ids whose encodings differ in upper and lower case are two, also in a file system or collation that " +
			"ignores case",
		run: func(t *trial) {
			for range 4 {
				id := newID()
				t.keepsApart([]session.RecordID{id, otherCase(id)})
			}
		},
	},
	{
		name: "IDsHostile",
		why:  "ids are arbitrary bytes, some of which mean something to file systems, protocols and patterns",
		run: func(t *trial) {
			ids := hostileIDs()
			for _, id := range ids { // these are no random ones: an earlier run may have been interrupted
				t.delete(id)
				t.absent(id)
			}
			t.keepsApart(ids)
		},
	},
}

// hostileIDs mean something to protocols, and are the first and last ones in any order.
func hostileIDs() (ids []session.RecordID) {
	for _, b := range []byte("\x00\xff\n\r /\\.%*?'\"") {
		ids = append(ids, session.RecordID(bytes.Repeat([]byte{b}, len(session.RecordID{}))))
	}
	return ids
}

// keepsApart checks that records under these ids are strangers to each other.
func (t *trial) keepsApart(ids []session.RecordID) {
	t.Helper()
	var records []session.Record
	for i, id := range ids {
		r := newRecord(fmt.Sprintf("record %d", i))
		r.ID = id
		t.create(r)
		records = append(records, r)
	}
	t.holds(records...)
	records[0].Data = []byte("updated")
	records[0] = t.update(records[0])
	t.holds(records...)
	for i, id := range ids {
		t.delete(id)
		t.absent(id)
		t.holds(records[i+1:]...)
	}
}

// otherCase is the id whose base64 form has upper and lower case swapped.
func otherCase(id session.RecordID) session.RecordID {
	text := []byte(base64.RawURLEncoding.EncodeToString(id[:]))
	for i, c := range text[:len(text)-1] { // the last letter holds spare bits
		if 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			text[i] ^= 'a' - 'A'
		}
	}
	_, _ = base64.RawURLEncoding.Decode(id[:], text) // an alphabet's letters in its own length
	return id
}
