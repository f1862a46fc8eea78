package storetest

import (
	"bytes"
	"errors"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var dataCases = []testCase{
	{
		name: "DataBinary",
		why:  "data is bytes, not text: a store that converts, escapes or cuts it hands back a corrupt session",
		run: func(t *trial) {
			var every []byte
			for b := range 256 {
				every = append(every, byte(b), byte(255-b))
			}
			t.keeps(every)
			t.keeps([]byte("line\r\nEND\r\n\x00after"))
			t.keeps([]byte("trailing \x00\x00"))
		},
	},
	{
		name: "DataEmpty",
		why:  "a store does not interpret data, so a record without any is a record and not an absent one",
		run: func(t *trial) {
			t.keeps(nil)
			t.keeps([]byte{})
		},
	},
	{
		name: "DataLarge",
		why:  "a session that outgrows a column or a buffer must be stored whole or refused, never cut short",
		run: func(t *trial) {
			t.keeps(bytes.Repeat([]byte("0123456789abcdef"), 4<<10))
			t.keepsOrRefuses(bytes.Repeat([]byte{0, 0xff, 'c', '\n'}, 1<<18))
		},
	},
	{
		name: "DataStays",
		why:  "requests read loaded data long after Load, without a copy, so later store calls must not write into it",
		run:  dataStays,
	},
	{
		name: "DataNotShared",
		why:  "two sessions that were created from the same bytes are still two: a change to one must not show in the other",
		run: func(t *trial) {
			one, other := newRecord("shared"), newRecord("")
			other.Data = one.Data
			t.create(one, other)
			one.Data, other.Data = []byte("SHARED"), []byte("shared") // not the slice that the store was given
			one = t.update(one)
			t.holds(one, other)
			t.delete(one.ID)
			t.holds(other)
		},
	},
}

// keeps checks that data survives both ways of writing it.
func (t *trial) keeps(data []byte) {
	t.Helper()
	created, updated := newRecord(""), newRecord("short")
	created.Data = data
	t.create(created, updated)
	updated.Data = data
	t.holds(created, t.update(updated))
}

// keepsOrRefuses lets a store refuse what is beyond its limit, as long as it leaves what there was.
func (t *trial) keepsOrRefuses(data []byte) {
	t.Helper()
	created, updated := newRecord(""), newRecord("short")
	created.Data = data
	err := t.store.Create(t.ctx, created)
	if !errors.Is(err, session.ErrTooLarge) {
		t.want("Create", err, nil)
		t.keeps(data)
		return
	}
	t.absent(created.ID)
	t.create(updated)
	larger := updated
	larger.Data = data
	t.want("Update with data that Create refuses", t.store.Update(t.ctx, larger), session.ErrTooLarge)
	t.holds(updated)
	t.Skipf("the store does not take %d bytes, and says so", len(data))
}

func dataStays(t *trial) {
	r, other := newRecord("before"), newRecord("others")
	t.create(r, other)
	loaded := t.load(r.ID).Data
	unchanged := func(after string) {
		t.Helper()
		if string(loaded) != "before" {
			t.Fatalf("data loaded as %q reads %q after %s", "before", loaded, after)
		}
	}
	t.load(other.ID)
	unchanged("another Load")
	if s, ok := t.findToucher(); ok {
		t.want("Touch", s.Touch(t.ctx, r.ID, r.Seen.Add(time.Minute), r.Expires.Add(time.Minute)), nil)
		unchanged("Touch")
	}
	r.Data = []byte("AFTER!")
	t.update(r)
	unchanged("Update")
	t.delete(r.ID)
	t.create(newRecord("newest"))
	unchanged("Delete and another Create")
}
