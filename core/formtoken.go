package session

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// A form token is base64url of a mask and, behind it, the session's form key under that mask: two of them have nothing
// in common to see, so that a page which is compressed together with what an attacker chooses tells nothing.
const formKeySize = 16

// FormToken returns a token for a hidden field of a form, or for a header that a script sends. CheckFormToken accepts
// it as long as the session has no other token than by a periodic renewal: Login and Renew end all form tokens from
// before, those taken earlier in the same request too unless that starts the session. It is a new text each time, and
// all are good.
//
// Where there is a session, nothing is written for it. Where there is none it starts one, which takes a cookie:
// pages that anybody may see and caches keep do without forms that need it. The token is void if that session is not
// saved, as when Options.SaveOn refuses the response's status, or where another request's Renew was faster than this
// one's. It returns "" where the session could not be loaded, or the request comes from another site.
//
// Most sites need none: what browsers tell of a request's origin is judged for each (see Options.TrustedOrigins). A
// form token also protects visitors with browsers from before 2023, or over plain http, and where AllowCrossSite is
// set.
func (s *Session) FormToken() string {
	st := s.enter()
	if st == nil {
		return ""
	}
	if st.keepsFormKey() && !st.committing {
		defer s.leave()
		return s.maskedFormKey(st)
	}
	s.leave()
	st, err := s.enterToWrite()
	if err != nil {
		return ""
	}
	defer s.leaveChanged(st)
	if !st.keepsFormKey() && !st.changes().form {
		st.pending.form, st.rarely().formKey = true, mintFormKey()
	}
	return s.maskedFormKey(st)
}

// CheckFormToken reports whether t is a token that FormToken has returned for this session. For what is empty, cut off,
// of another session, or from before a Login or Renew, it is false, and so it is for a visitor without a session. It
// takes the same time whatever is wrong with a token of the right form.
func (s *Session) CheckFormToken(t string) bool {
	st := s.enter()
	if st == nil {
		return false
	}
	defer s.leave()
	if !isToken(t) {
		return false
	}
	b, _ := base64url.DecodeString(t) // which isToken has checked
	key := b[formKeySize:]
	subtle.XORBytes(key, key, b[:formKeySize])
	good := 0
	for _, k := range s.formKeys(st) {
		good |= subtle.ConstantTimeCompare(key, []byte(k))
	}
	return good == 1
}

// keepsFormKey reports whether there is a session whose form tokens outlast this request, as far as it is known.
func (st *state) keepsFormKey() bool {
	a := st.changes()
	return st.found && !a.login && !a.renew
}

// formKeys returns the keys whose form tokens are good: the first is to be used, and others stem from older Keys. There
// are none until one has been made for a session, or a token, that this request brings about.
func (s *Session) formKeys(st *state) []string {
	e := st.base.envelope()
	switch kept := e.Extension(wire.FormKey); {
	case st.changes().form:
		return []string{st.rare.formKey}
	case !st.keepsFormKey():
		return nil
	case kept != "":
		return []string{kept}
	case s.m.store == nil:
		return s.m.sealedFormKeys(&e)
	}
	if token := s.currentToken(st); token != "" {
		return []string{storedFormKey(token)}
	}
	return nil
}

// currentToken returns the token that opens the session in the store, or "".
func (s *Session) currentToken(st *state) string {
	c := commit{m: s.m, client: s.client, x: s.x, offeredToken: st.offeredToken(), issued: s.m.cookie.valueIn(st.cookie)}
	return c.tokenOf(st.base.id)
}

// storedFormKey derives the form key of a session from its token. What is at rest in the store, a hash of the token,
// does not lead to it.
func storedFormKey(token string) string { return formKeyUnder([]byte(token), nil) }

// sealedFormKeys derives the form keys of a sealed session, one for each of the Keys.
func (m *Manager) sealedFormKeys(e *wire.Envelope) (keys []string) {
	about := binary.BigEndian.AppendUint64(append([]byte(nil), e.Handle[:]...), uint64(e.Authenticated))
	for _, secret := range m.formSecrets {
		keys = append(keys, formKeyUnder(secret, about))
	}
	return keys
}

func formKeyUnder(secret, about []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("coatcheck form"))
	mac.Write(about)
	return string(mac.Sum(nil)[:formKeySize])
}

// deriveFormSecrets makes the sub-keys that the form keys of sealed sessions are derived with.
func (m *Manager) deriveFormSecrets(keys Keys) error {
	for _, k := range keys.all() {
		secret, err := k.derive("form", m.name, m.cookie.name, keyBytes)
		if err != nil {
			return err
		}
		m.formSecrets = append(m.formSecrets, secret)
	}
	return nil
}

func mintFormKey() string {
	var b [formKeySize]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return string(b[:])
}

// maskedFormKey returns a form token.
func (s *Session) maskedFormKey(st *state) string {
	keys := s.formKeys(st)
	if len(keys) == 0 {
		return ""
	}
	var b [2 * formKeySize]byte
	_, _ = rand.Read(b[:formKeySize]) // never fails: crypto/rand ends the program instead
	subtle.XORBytes(b[formKeySize:], []byte(keys[0]), b[:formKeySize])
	return base64url.EncodeToString(b[:])
}

// renewFormKey puts into e, which old becomes with a new token, the form key that it needs: form tokens live through a
// periodic renewal, and die at a Login or Renew.
func (c *commit) renewFormKey(e, old *wire.Envelope) {
	kept := old.Extension(wire.FormKey)
	switch {
	case c.periodic() && (c.m.store == nil || kept != ""):
	case c.m.store == nil && c.formKey == "" && e.Authenticated == old.Authenticated: // it would be derived as before
		e.SetExtension(wire.FormKey, mintFormKey())
	case kept != c.formKey:
		e.SetExtension(wire.FormKey, c.formKey)
	}
}
