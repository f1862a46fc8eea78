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

// checkKey refuses what cannot be a session key, so that one never is a path, nor another spelling of the same key for a
// database that ignores case.
func checkKey(key string) error {
	if len(key) < minKey || len(key) > maxKey || strings.Trim(key, keyLetters) != "" {
		return strict.Refused(session.ReasonMalformed, "not a session key")
	}
	return nil
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
