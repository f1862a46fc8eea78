package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// A token is 256 bits from the operating system's random source (OWASP asks for 64, ASVS 5.0 7.2.3 for 128), as
// 43 characters of base64url. Only mintToken and successorToken make one: a client's value is looked up, never adopted.
const (
	tokenBytes  = 32
	tokenLength = 43
)

// base64url refuses stray bits, so that one token has one spelling.
var base64url = base64.RawURLEncoding.Strict()

func mintToken() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64url.EncodeToString(b[:])
}

func mintSalt() []byte {
	b := make([]byte, wire.SaltSize)
	_, _ = rand.Read(b)
	return b
}

// successorToken is the token that follows token in a periodic renewal. It takes both: the store keeps the salt and
// never a token, so what is at rest opens no session, and whoever holds the old token can be given the new one again.
func successorToken(token string, salt []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("coatcheck periodic renewal"))
	mac.Write(salt)
	return base64url.EncodeToString(mac.Sum(nil))
}

func mintHandle() (h wire.Handle) {
	_, _ = rand.Read(h[:])
	return h
}

// isToken keeps a value that cannot be a token away from the store.
func isToken(s string) bool {
	if len(s) != tokenLength {
		return false
	}
	var all byte // one look at the end is faster than one for each character
	for i := range tokenLength {
		all |= digits[s[i]]
	}
	return all != noDigit && digits[s[tokenLength-1]]&3 == 0 // 43 digits carry 258 bits; the last two must be zero
}

// digits are the values of base64url's characters.
var digits = func() (d [256]byte) {
	for i := range d {
		d[i] = noDigit
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		d[c] = byte(i)
	}
	return d
}()

const noDigit = 0xff

// recordID hashes the manager's name with the token, so that a token of one manager means nothing to another,
// even on one store.
func recordID(manager, token string) RecordID {
	var buf [1 + maxName + tokenLength]byte
	b := append(buf[:0], byte(len(manager)))
	b = append(b, manager...)
	b = append(b, token...)
	return sha256.Sum256(b)
}
