package fromexpress

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// maxCookie is how long a cookie's value can be in a browser.
const maxCookie = 4096

// verify returns the id in a cookie's value: percent-encoded "s:", the id, "." and its signature.
func (c Config) verify(value string) (id string, err error) {
	if len(value) > maxCookie {
		return "", strict.Refused(session.ReasonOversized, "longer than a browser's cookie can be")
	}
	text, err := url.PathUnescape(value)
	if err != nil || escape(text) != value {
		return "", strict.Refused(session.ReasonMalformed, "not percent-encoded as encodeURIComponent does it")
	}
	signed, isSigned := strings.CutPrefix(text, "s:")
	dot := strings.LastIndexByte(signed, '.')
	if !isSigned || dot < 0 {
		return "", strict.Refused(session.ReasonMalformed, "not a signed id: s:ID.SIGNATURE, percent-encoded")
	}
	if id = signed[:dot]; !c.signed(id, signed[dot+1:]) {
		return "", strict.Refused(session.ReasonUnopenable, "none of the secrets has signed it")
	}
	if id == "" { // which express-session takes for none
		return "", strict.Refused(session.ReasonMalformed, "the signed id is empty")
	}
	return id, nil
}

// signed compares the signature's text, so that only one spelling counts.
func (c Config) signed(id, signature string) bool {
	for _, secret := range c.Secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(id))
		if hmac.Equal([]byte(base64.RawStdEncoding.EncodeToString(mac.Sum(nil))), []byte(signature)) {
			return true
		}
	}
	return false
}

// escape is JavaScript's encodeURIComponent.
func escape(s string) string {
	const digits, plain = "0123456789ABCDEF", "-_.!~*'()"
	var b strings.Builder
	for _, c := range []byte(s) {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(plain, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}
