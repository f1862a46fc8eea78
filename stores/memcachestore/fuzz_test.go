package memcachestore_test

import (
	"bytes"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
)

// FuzzDecode: whatever a server holds under our keys is a record or an error, and never lives for ever.
func FuzzDecode(f *testing.F) {
	now := time.UnixMilli(1_700_000_000_000)
	f.Add(memcachestore.Encode(session.Record{Version: 7, Data: []byte("values"), Seen: now, Expires: now.Add(time.Hour)}))
	f.Add([]byte{1})
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := memcachestore.Decode(b)
		if err != nil {
			return
		}
		if again := memcachestore.Encode(r); !bytes.Equal(again, b) {
			t.Errorf("%x is read as %v, which is written as %x", b, r, again)
		}
		sane := r.Expires.Year() > 1980 && r.Expires.Year() < 3000 && r.Seen.Year() > 1980 && r.Seen.Year() < 3000
		if e := memcachestore.Expiration(b); sane && e < 360 {
			t.Errorf("a record seen %v that expires %v is sent with the expiration %d", r.Seen, r.Expires, e)
		}
	})
}
