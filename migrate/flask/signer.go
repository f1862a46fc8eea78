package fromflask

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// signer signs as itsdangerous does.
type signer struct {
	digest func() hash.Hash
	key    []byte
}

func newSigner(c Signer, secret string) (signer, error) {
	s := signer{digest: c.Digest}
	switch c.Derivation {
	case "hmac":
		s.key = signer{c.Digest, []byte(secret)}.mac(c.Salt)
	case "concat":
		s.key = s.sum(c.Salt + secret)
	case "django-concat":
		s.key = s.sum(c.Salt + "signer" + secret)
	case "none":
		s.key = []byte(secret)
	default:
		return s, fmt.Errorf("fromflask: the key derivation is %q: want hmac, concat, django-concat or none", c.Derivation)
	}
	return s, nil
}

func (s signer) sum(text string) []byte {
	h := s.digest()
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (s signer) mac(text string) []byte {
	h := hmac.New(s.digest, s.key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (s signer) sign(text string) string {
	return text + "." + base64.RawURLEncoding.EncodeToString(s.mac(text))
}

// unsign returns what has been signed with any of the keys.
func (p *prepared) unsign(value string) (text string, err error) {
	dot := strings.LastIndexByte(value, '.')
	if dot < 0 {
		return "", strict.Refused(session.ReasonMalformed, "there is no signature")
	}
	signature, err := strict.Base64URL(value[dot+1:])
	if err != nil {
		return "", strict.Refused(session.ReasonMalformed, "the signature is %v", err)
	}
	valid := false
	for _, s := range p.signers {
		valid = hmac.Equal(s.mac(value[:dot]), signature) || valid
	}
	if !valid {
		return "", strict.Refused(session.ReasonUnopenable, "the signature is that of none of the secrets")
	}
	return value[:dot], nil
}
