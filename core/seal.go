package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Sealer chooses how NewSealed protects a session inside its cookie. Both encrypt and authenticate.
type Sealer int

const (
	// SecureCookie is gorilla/securecookie with AES-256-CTR and HMAC-SHA-256. The default.
	SecureCookie Sealer = iota
	// AEAD is AES-256-GCM: several times faster, and a third more room in the cookie.
	AEAD
)

// sealing turns an encoded session into a cookie value and back. seal returns the value between two texts, because
// to put them together later would copy it once more. What unseal returns must not alias value. retiredKey reports
// whether another than the first key opened it.
type sealing interface {
	seal(plaintext []byte, now wire.Millis, before, after string) (string, error)
	unseal(value string, now wire.Millis) (plaintext []byte, retiredKey, ok bool)
}

// Both sealers keep the day on which a value was sealed, on the application's clock, and judge it alike.
const (
	day       = wire.Millis(24 * 60 * 60 * 1000)
	daySize   = 4
	oldestDay = uint32(maxAge / (24 * time.Hour))
)

func dayOf(now wire.Millis) uint32 { return uint32(now / day) }

// plausible reports whether a value may have been sealed on a day: tomorrow, because another server's clock may be
// ahead of ours around midnight, but not later; and not longer ago than a session can last.
func plausible(sealedOn uint32, now wire.Millis) bool {
	today := dayOf(now)
	return sealedOn <= today+1 && sealedOn+oldestDay >= today
}

// keyID tells which key sealed a value, without naming it.
type keyID [4]byte

func keyIDs(keys Keys, manager, cookie string) ([]keyID, error) {
	ids := make([]keyID, len(keys.all()))
	for i, k := range keys.all() {
		b, err := k.derive("key id", manager, cookie, len(ids[i]))
		if err != nil {
			return nil, err
		}
		copy(ids[i][:], b)
		if j := slices.Index(ids[:i], ids[i]); j >= 0 {
			return nil, fmt.Errorf("keys %q and %q are the same: remove one", keys.all()[j].name, k.name)
		}
	}
	return ids, nil
}

// secureCookies seals with gorilla/securecookie: eight hexadecimal digits of key id, then its encoding of day (4
// bytes) and content. Its own age and length limits are off: they ask the system's clock and not the application's,
// and the expiry inside the sealed content and the cookie's size decide.
type secureCookies struct {
	name string
	keys []secureCookieKey
}

type secureCookieKey struct {
	id    string
	codec *securecookie.SecureCookie
}

func newSecureCookies(keys Keys, manager, cookie string) (*secureCookies, error) {
	ids, err := keyIDs(keys, manager, cookie)
	if err != nil {
		return nil, err
	}
	s := &secureCookies{name: cookie}
	for i, k := range keys.all() {
		secret, err := k.derive("securecookie", manager, cookie, 64+32)
		if err != nil {
			return nil, err
		}
		codec := securecookie.New(secret[:64], secret[64:]).MaxAge(0).MaxLength(0).SetSerializer(securecookie.NopEncoder{})
		s.keys = append(s.keys, secureCookieKey{id: hex.EncodeToString(ids[i][:]), codec: codec})
	}
	return s, nil
}

func (s *secureCookies) seal(plaintext []byte, now wire.Millis, before, after string) (string, error) {
	dated := binary.BigEndian.AppendUint32(make([]byte, 0, daySize+len(plaintext)), dayOf(now))
	value, err := s.keys[0].codec.Encode(s.name, append(dated, plaintext...)) // it encrypts in place
	return before + s.keys[0].id + value + after, err
}

func (s *secureCookies) unseal(value string, now wire.Millis) (plaintext []byte, retiredKey, ok bool) {
	for i, key := range s.keys {
		var dated []byte
		sealed, ours := strings.CutPrefix(value, key.id)
		if !ours || key.codec.Decode(s.name, sealed, &dated) != nil {
			continue
		}
		if len(dated) < daySize || !plausible(binary.BigEndian.Uint32(dated), now) {
			break
		}
		return dated[daySize:], i > 0, true
	}
	return nil, false, false
}

// aeads seals with AES-256-GCM: base64url of key id (4 bytes), day (4), nonce (12), ciphertext and tag (16).
//
// A random 96-bit nonce is good for 2^32 messages under one key (NIST SP 800-38D §8.3), so each key seals one day
// only: it is derived from the named key and the day, which makes 2^32 messages a day, 49 000 a second.
type aeads struct {
	keys []*aeadKey
}

const (
	aeadHeader = len(keyID{}) + daySize
	nonceSize  = 12
	tagSize    = 16
)

type aeadKey struct {
	id   keyID
	key  namedKey
	info [2]string

	mu      sync.Mutex                             // held to add a day
	ciphers atomic.Pointer[map[uint32]cipher.AEAD] // replaced by a longer one, so that to look takes no lock
}

func newAEADs(keys Keys, manager, cookie string) (*aeads, error) {
	ids, err := keyIDs(keys, manager, cookie)
	if err != nil {
		return nil, err
	}
	a := &aeads{}
	for i, k := range keys.all() {
		key := &aeadKey{id: ids[i], key: k, info: [2]string{manager, cookie}}
		key.ciphers.Store(&map[uint32]cipher.AEAD{})
		a.keys = append(a.keys, key)
	}
	return a, nil
}

func (a *aeads) seal(plaintext []byte, now wire.Millis, before, after string) (string, error) {
	today := dayOf(now)
	aead, err := a.keys[0].cipherFor(today)
	if err != nil {
		return "", err
	}
	buf := make([]byte, aeadHeader+nonceSize, aeadHeader+nonceSize+len(plaintext)+tagSize)
	copy(buf, a.keys[0].id[:])
	binary.BigEndian.PutUint32(buf[len(keyID{}):], today)
	_, _ = rand.Read(buf[aeadHeader:]) // never fails: crypto/rand ends the program instead
	buf = aead.Seal(buf, buf[aeadHeader:], plaintext, buf[:aeadHeader])
	var space [512]byte // most sessions fit
	line := base64.RawURLEncoding.AppendEncode(append(space[:0], before...), buf)
	return string(append(line, after...)), nil
}

func (a *aeads) unseal(value string, now wire.Millis) (plaintext []byte, retiredKey, ok bool) {
	buf, err := base64url.DecodeString(value)
	// A value in which the decoder has skipped a line break is too long for what came out.
	if err != nil || base64url.EncodedLen(len(buf)) != len(value) || len(buf) < aeadHeader+nonceSize+tagSize {
		return nil, false, false
	}
	header, nonce, sealed := buf[:aeadHeader], buf[aeadHeader:aeadHeader+nonceSize], buf[aeadHeader+nonceSize:]
	sealedOn := binary.BigEndian.Uint32(header[len(keyID{}):])
	if !plausible(sealedOn, now) { // a client must not make us derive keys for any day it likes either
		return nil, false, false
	}
	for i, key := range a.keys {
		if keyID(header) != key.id {
			continue
		}
		aead, err := key.cipherFor(sealedOn)
		if err != nil {
			break
		}
		plaintext, err := aead.Open(sealed[:0], nonce, sealed, header)
		return plaintext, i > 0, err == nil
	}
	return nil, false, false
}

// cipherFor returns the cipher of a day.
func (k *aeadKey) cipherFor(day uint32) (cipher.AEAD, error) {
	if aead, ok := (*k.ciphers.Load())[day]; ok {
		return aead, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	secret, err := k.key.derive("aead "+string(binary.BigEndian.AppendUint32(nil, day)), k.info[0], k.info[1], 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	longer := maps.Clone(*k.ciphers.Load())
	longer[day] = aead
	k.ciphers.Store(&longer)
	return aead, nil
}
