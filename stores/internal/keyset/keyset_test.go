package keyset_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/stores/internal/keyset"
)

type key [32]byte

const mark = "test-"

// TestPages walks through keys that differ early, late and in their last bit, offered in any order and twice.
func TestPages(t *testing.T) {
	keys := []key{{}, {31: 1}, {31: 2}, {30: 1}, {0: 1}, {0: 1, 31: 0xff}, key(bytes.Repeat([]byte{0xff}, 32))}
	for range 200 {
		keys = append(keys, random())
	}
	want := slices.SortedFunc(slices.Values(keys), func(a, b key) int { return bytes.Compare(a[:], b[:]) })
	for _, limit := range []int{1, 2, 3, 50, len(keys), 500} {
		var got []key
		for cursor, more := "", true; more; more = cursor != "" {
			from, err := keyset.Parse[key](mark, cursor)
			if err != nil {
				t.Fatalf("limit %d: its own cursor %q: %v", limit, cursor, err)
			}
			page := keyset.Page[key]{From: from, Limit: limit}
			for _, i := range rand.Perm(2 * len(keys)) {
				page.Offer(keys[i/2])
			}
			var part []key
			part, cursor = page.End(mark)
			if len(part) > limit || cursor != "" && len(part) < limit {
				t.Fatalf("limit %d: a page of %d, and the next one is %q", limit, len(part), cursor)
			}
			got = append(got, part...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("limit %d: %d keys, want %d, in order and once each", limit, len(got), len(want))
		}
	}
}

func random() (k key) {
	for i := 0; i < len(k); i += 8 {
		binary.LittleEndian.PutUint64(k[i:], rand.Uint64())
	}
	return k
}

func TestForeignCursors(t *testing.T) {
	for _, cursor := range []string{
		"test-", "test", "tes", "0a", "other-0a", "test-0", "test-0A", "test-00", "test-0a00", "test-0g", "test-0a'", " test-0a",
		"test-0a ", "test-0a\x00", "test-" + strings.Repeat("0a", 33), "test-" + strings.Repeat("0a", 1<<20), "\x00", "é", "'",
	} {
		if _, err := keyset.Parse[key](mark, cursor); err == nil {
			t.Errorf("%.40q was accepted", cursor)
		} else if strings.Contains(err.Error(), cursor) {
			t.Errorf("the error repeats what a stranger wrote: %v", err)
		}
	}
}

// TestCursorsSayLittle: cursors travel through pages and logs, and ids need not.
func TestCursorsSayLittle(t *testing.T) {
	last, first := key{1, 2, 3, 4}, key{1, 2, 9, 4}
	if got := keyset.Cursor(mark, last, first); got != "test-010209" {
		t.Errorf("the cursor is %q, want no more than tells the two keys apart", got)
	}
}
