package fromdjango

import (
	"crypto/rand"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Session keys: what Django makes, and the lengths that it accepts and its table holds.
const (
	keyLetters = "abcdefghijklmnopqrstuvwxyz0123456789"
	keyLength  = 32
	minKey     = 8
	maxKey     = 40
)

// errNoKey refuses a cookie whose value cannot be a session key.
var errNoKey = strict.Refused(session.ReasonMalformed, "not a session key")

// isKey reports whether a text is a session key as Django makes them. It never is a path, nor another spelling of the
// same key for a database that ignores case.
func isKey(text string) bool {
	return len(text) >= minKey && len(text) <= maxKey && strings.Trim(text, keyLetters) == ""
}

func newKey() string {
	key := make([]byte, 0, keyLength)
	for random := [1]byte{}; len(key) < keyLength; {
		_, _ = rand.Read(random[:]) // it never fails
		if n := int(random[0] & 63); n < len(keyLetters) {
			key = append(key, keyLetters[n])
		}
	}
	return string(key)
}
