package fromdjango

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// The salts of what Django signs, which keep one from passing for another.
const (
	cookieSalt = "django.contrib.sessions.backends.signed_cookies"
	storeSalt  = "django.contrib.sessions.SessionStore"
	hashSalt   = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
)

// maxSigned is the longest text that is read: what compression did not shorten, the time and the signature.
const maxSigned = strict.MaxSize*4/3 + 100

// saltedHMAC is Django's function of that name with SHA-256.
func saltedHMAC(salt, secret, text string) []byte {
	key := sha256.Sum256([]byte(salt + secret))
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func signature(salt, secret, text string) string {
	return base64.RawURLEncoding.EncodeToString(saltedHMAC(salt+"signer", secret, text))
}

// unsign checks body:time:signature, and returns the JSON in the body and the time. Signatures are compared as texts,
// so that each has one spelling.
func (c Config) unsign(salt, text string) ([]byte, time.Time, error) {
	if len(text) > maxSigned {
		return nil, time.Time{}, strict.Refused(session.ReasonOversized, "more than %d bytes", maxSigned)
	}
	end := strings.LastIndexByte(text, ':')
	body, stamp, ok := cutLast(text[:max(end, 0)])
	if !ok {
		return nil, time.Time{}, strict.Refused(session.ReasonMalformed, "not body:time:signature")
	}
	if !c.signed(salt, text[:end], text[end+1:]) {
		return nil, time.Time{}, strict.Refused(session.ReasonUnopenable, "no key of Config.Secrets has made the signature")
	}
	seconds, ok := base62(stamp)
	at := time.Unix(seconds, 0)
	switch {
	case !ok:
		return nil, time.Time{}, strict.Refused(session.ReasonMalformed, "the time is not in base 62")
	case at.Sub(c.Now()) > strict.Skew:
		return nil, time.Time{}, strict.Refused(session.ReasonUnopenable, "signed in the future: compare the clocks")
	}
	json, err := unpack(body)
	if err != nil {
		return nil, time.Time{}, strict.Refused(session.ReasonCorrupt, "signed, but %v", err)
	}
	return json, at, nil
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}

// signed reports whether one of the keys has made the signature.
func (c Config) signed(salt, text, sig string) bool {
	ok := false
	for _, secret := range c.Secrets {
		ok = hmac.Equal([]byte(sig), []byte(signature(salt, secret, text))) || ok
	}
	return ok
}

// unpack returns the JSON of a signed body, which Django reads as Latin-1 and writes as ASCII.
func unpack(body string) ([]byte, error) {
	text, compressed := strings.CutPrefix(body, ".")
	json, err := strict.Base64URL(text)
	if err == nil && compressed {
		json, err = strict.Inflate(json)
	}
	if err == nil && bytes.ContainsFunc(json, func(r rune) bool { return r > '\x7f' }) {
		err = errors.New("not JSON in ASCII; pickles (SESSION_SERIALIZER) are never read")
	}
	return json, err
}

// sign is the way back. It compresses always: the names of what Django knows a login by make up for it.
func (c Config) sign(salt string, json []byte) string {
	text := "." + base64.RawURLEncoding.EncodeToString(deflate(json)) + ":" + formatBase62(c.Now().Unix())
	return text + ":" + signature(salt, c.Secrets[0], text)
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(b) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 reads a number of seconds. Eight digits are enough for seven million years.
func base62(s string) (int64, bool) {
	if s == "" || len(s) > 8 {
		return 0, false
	}
	n := int64(0)
	for _, c := range []byte(s) {
		d := strings.IndexByte(digits, c)
		if d < 0 {
			return 0, false
		}
		n = n*62 + int64(d)
	}
	return n, true
}

func formatBase62(n int64) string {
	s := ""
	for ; n > 0; n /= 62 {
		s = string(digits[n%62]) + s
	}
	return s
}
