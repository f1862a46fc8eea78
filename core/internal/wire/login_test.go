package wire

import (
	"reflect"
	"testing"
)

func TestStampsAndLabelsComeBack(t *testing.T) {
	e := Envelope{Kind: Live}
	plain := len(e.AppendHeader(nil))
	for _, s := range []Stamps{{1<<48 - 1, 0}, {0, 7}, {5, 6}, {}} {
		labels := []Label{{"a", s.Subject}, {"", 0}, {"\x00\xff", s.Everybody}}
		e.SetStamps(s)
		e.SetLabels(labels)
		if e.Stamps() != s || !reflect.DeepEqual(e.Labels(), labels) || !e.HasLabels() {
			t.Errorf("%+v and %+v came back as %+v and %+v", s, labels, e.Stamps(), e.Labels())
		}
	}
	e.SetLabels(nil)
	if n := len(e.AppendHeader(nil)); n != plain || e.HasLabels() || e.Labels() != nil {
		t.Errorf("%d bytes once they are gone, %d before", n, plain)
	}
}

// What is cut off, or a newer version's, is no reason to panic.
func TestOddLabelsAreRead(t *testing.T) {
	for _, kept := range []string{"\xff", "\x01", "\x01a", "\x05a", "\x01a\xff", "\x01a\x05\x02b"} {
		e := Envelope{Kind: Live}
		e.SetExtension(LoginLabels, kept)
		e.SetExtension(LoginStamps, kept)
		if n := len(e.Labels()); n > 1 || e.Stamps().Subject < 0 {
			t.Errorf("%q: %d labels", kept, n)
		}
	}
}
