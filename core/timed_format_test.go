package session

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func TestAValueKeepsItsEnd(t *testing.T) {
	for _, end := range []wire.Millis{0, 1, 127, 128, someday, wire.Never} {
		if got, text := splitEnd(withEnd([]byte(`"x"`), end)); got != end || string(text) != `"x"` {
			t.Errorf("end %d and %q, want %d", got, text, end)
		}
	}
	if got := withEnd(nil, 5); got != nil {
		t.Errorf("%q of an absent value", got)
	}
}

// What a newer version or another program has stored reads as absent, is reported and kept, and does not spoil the
// debug page of everything else.
func TestValuesThatAreNoJSON(t *testing.T) {
	for _, stored := range []string{"", "\x01", "\x01\x00", "\x01\x00[]", "\x01\xff", "\x02\x09[]",
		"\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01[]", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01[]"} {
		s := holding(t, "k", stored)
		if v, ok := Key[[]int]("k").Lookup(s); ok {
			t.Errorf("%q reads as %v", stored, v)
		}
		all := s.All()
		if _, err := json.Marshal(all); err != nil || len(all) != 0 || !slices.Equal(s.Keys(), []string{"k"}) {
			t.Errorf("%q: All %q (%v), Keys %q", stored, all, err, s.Keys())
		}
		if got := s.st.valuesAt(s.m, someday).appendBody(nil, nil); string(got) != string(bodyOf("k", stored)) {
			t.Errorf("%q is stored as %q", stored, got)
		}
	}
}
