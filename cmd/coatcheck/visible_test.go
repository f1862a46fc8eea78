package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// FuzzVisibleJSON: what is escaped decodes to what it was, and has nothing left that a terminal obeys.
func FuzzVisibleJSON(f *testing.F) {
	for _, seed := range []string{hostile, `{"a":"\u202e"}`, "[\n\t1,\r\"\u2028\"]", "\xff", `"\\"`} {
		f.Add(seed)
		f.Add(string(encoded(seed)))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if line := visible(text); visible(line) != line {
			t.Errorf("%q is obeyed", line)
		}
		var before, after any
		if json.Unmarshal([]byte(text), &before) != nil {
			return
		}
		escaped := visibleJSON(text)
		if err := json.Unmarshal([]byte(escaped), &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("%q became %q (%v)", text, escaped, err)
		}
		if line := strings.ReplaceAll(escaped, "\n", " "); visible(line) != line {
			t.Errorf("%q is obeyed", escaped)
		}
	})
}
