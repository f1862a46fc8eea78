package session

import (
	"fmt"
	"os"
	"testing"
)

// TestMain also checks what all requests share once everything has run.
func TestMain(m *testing.M) {
	code := m.Run()
	if nothing.anything() || nothing.subject != "" || nothing.switched || nothing.ctx.parent != nil || nothing.first[0].key != "" {
		_, _ = fmt.Fprintln(os.Stderr, "FAIL: something was written into the wish that all requests share, where others would have found it")
		code = 1
	}
	os.Exit(code)
}
