package tieredstore_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// FuzzCopy: whatever is in the fast store under our ids, it is a copy or the durable store's record is what counts.
func FuzzCopy(f *testing.F) {
	f.Add([]byte("copy\x01\x00\x00\x00\x00\x00\x00\x00\x01seenseenexpiresxdata"))
	f.Add([]byte("copy\x02"))
	f.Add([]byte("copy\x01000000000000000000000000"))
	f.Add([]byte("C"))
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := newRig()
		r.store = r.server(r.fast)
		found := session.Record{ID: session.RecordID{1}, Version: 1, Data: data, Seen: r.now, Expires: r.now.Add(maxStale)}
		want(t, "Create", r.fast.Inner().Create(t.Context(), found), nil)
		rec := found
		rec.Data, rec.Expires = []byte("the record"), r.now.Add(time.Hour)
		want(t, "Create", r.durable.Inner().Create(t.Context(), rec), nil)
		got, err := r.store.Load(t.Context(), rec.ID)
		want(t, "Load", err, nil)
		if r.durable.Count("") > 0 && string(got.Data) != "the record" {
			t.Errorf("Load returns %q", got.Data)
		}
		want(t, "Touch", r.store.Touch(t.Context(), rec.ID, rec.Seen, rec.Expires), nil)
		rec = update(t, r.store, rec, "changed")
		r.now = r.now.Add(maxStale) // a copy may claim to be of a later version
		reads(t, r.store, rec)
	})
}
