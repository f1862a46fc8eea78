package session

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	keyBytes   = 32
	maxKeyName = 32
	keyCommand = "make one with: go run github.com/coatcheck/coatcheck/cmd/coatcheck@latest keygen"
)

// Keys are the secrets that seal sessions into cookies. The first seals, every one opens, and a cookie that an
// older one opened is sealed anew under the first. To rotate, put a new key in front. Where several servers run,
// first put it behind, so that each can open what the others seal. Drop the old one once the absolute timeout has
// passed. The zero value holds no key and is refused by NewSealed.
//
// Keys never print their secrets.
type Keys struct {
	// A function, because package fmt looks into everything else, however deep Keys lies in what it prints.
	list func() []namedKey
}

func keysOf(list ...namedKey) Keys { return Keys{func() []namedKey { return list }} }

func (k Keys) all() []namedKey {
	if k.list == nil {
		return nil
	}
	return k.list()
}

type namedKey struct {
	name   string
	secret []byte
}

// ParseKeys reads keys written as name:base64, several separated by commas:
//
//	2026-11:pZ0…,2026-05:Qm4…
//
// A name has 1 to 32 letters, digits, '-', '_' or '.'. A secret has at least 32 random bytes; short ones,
// repetitive and regular ones and plain text are refused. Errors name the key and never show its secret.
func ParseKeys(s string) (Keys, error) {
	if strings.TrimSpace(s) == "" {
		return Keys{}, errors.New("session: keys: none given; " + keyCommand)
	}
	var list []namedKey
	for i, part := range strings.Split(s, ",") {
		key, err := parseKey(strings.TrimSpace(part))
		if err != nil {
			return Keys{}, fmt.Errorf("session: keys: key %d: %w", i+1, err)
		}
		for _, other := range list {
			if other.name == key.name {
				return Keys{}, fmt.Errorf("session: keys: key %d: the name %q is used twice; names are free to choose",
					i+1, key.name)
			}
		}
		list = append(list, key)
	}
	return keysOf(list...), nil
}

func parseKey(s string) (namedKey, error) {
	if s == "" {
		return namedKey{}, errors.New("it is empty: remove the comma")
	}
	name, text, ok := strings.Cut(s, ":")
	if !ok {
		return namedKey{}, errors.New("write it as name:base64; " + keyCommand)
	}
	if err := checkKeyName(name); err != nil {
		return namedKey{}, err
	}
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	secret, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return namedKey{}, fmt.Errorf("%q is not base64 (several keys are separated by commas); %s", name, keyCommand)
	}
	if err := weakness(secret); err != nil {
		return namedKey{}, fmt.Errorf("%q %w; %s", name, err, keyCommand)
	}
	return namedKey{name: name, secret: secret}, nil
}

func checkKeyName(name string) error {
	if name == "" || len(name) > maxKeyName || strings.Trim(name, nameAlphabet) != "" {
		return fmt.Errorf("a key's name, before the colon, has 1 to %d letters, digits, '-', '_' or '.'", maxKeyName)
	}
	return nil
}

// weakness refuses what random bytes are not. 32 random bytes have fewer than 15 distinct values, or are regular,
// less than once in 2^60 keys; they read as text less than once in 10^10.
func weakness(secret []byte) error {
	if len(secret) < keyBytes {
		return fmt.Errorf("has %d bytes and needs at least %d", len(secret), keyBytes)
	}
	if distinct(secret) < 15 {
		return errors.New("repeats itself and is not random")
	}
	if regular(secret) {
		return errors.New("follows a pattern and is not random")
	}
	binary := func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) }
	if utf8.Valid(secret) && !bytes.ContainsFunc(secret, binary) {
		return errors.New("is text and not random bytes")
	}
	return nil
}

func distinct(secret []byte) (n int) {
	var seen [256]bool
	for _, b := range secret {
		if !seen[b] {
			seen[b] = true
			n++
		}
	}
	return n
}

// regular reports whether bytes can be told from those before them: at some distance short of a whole key the
// difference is the same everywhere (a repeated pattern, an arithmetic progression), or it is ten times in a row
// between neighbours (a run, padding). In random bytes at least eight would have to agree by chance.
func regular(secret []byte) bool {
	for distance := 1; distance < min(keyBytes, len(secret)-8); distance++ {
		if run(secret, distance) == len(secret)-distance {
			return true
		}
	}
	for i := range len(secret) - 10 {
		if run(secret[i:], 1) >= 10 {
			return true
		}
	}
	return false
}

// run returns for how many bytes the difference to the one at a distance before is what it is for the first.
func run(secret []byte, distance int) (n int) {
	for n = 1; n < len(secret)-distance && secret[n+distance]-secret[n] == secret[distance]-secret[0]; n++ {
	}
	return n
}

// TemporaryKeys returns a random key that lasts as long as the program, for trying things out: sessions sealed
// with it cannot be opened after a restart or by another server.
func TemporaryKeys() Keys {
	return keysOf(namedKey{name: "temporary", secret: randomSecret()})
}

// GenerateKey returns a fresh key in the form that ParseKeys reads.
func GenerateKey(name string) (string, error) {
	if err := checkKeyName(name); err != nil {
		return "", fmt.Errorf("session: keys: %w", err)
	}
	return name + ":" + base64.RawURLEncoding.EncodeToString(randomSecret()), nil
}

func randomSecret() []byte {
	secret := make([]byte, keyBytes)
	for {
		_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
		if weakness(secret) == nil {
			return secret
		}
	}
}

// Format keeps the secrets out of every verb of package fmt.
func (k Keys) Format(f fmt.State, _ rune) {
	names := make([]string, len(k.all()))
	for i, key := range k.all() {
		names[i] = key.name
	}
	_, _ = fmt.Fprintf(f, "session.Keys(%s)", strings.Join(names, ", "))
}

// MarshalText keeps the secrets out of encoders that look inside.
func (k Keys) MarshalText() ([]byte, error) { return fmt.Append(nil, k), nil }

// derive makes a sub-key for one purpose (HKDF, RFC 5869), so that no two uses, managers or cookies share one.
func (k namedKey) derive(purpose, manager, cookie string, length int) ([]byte, error) {
	info := fmt.Sprintf("coatcheck/1 %q %q %q", purpose, manager, cookie)
	return hkdf.Key(sha256.New, k.secret, nil, info, length)
}
