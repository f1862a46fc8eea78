package session

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

const someday = 20_500*day + day/2 // noon, so that a day more or less is one

// sealerKinds are both sealers, so that each promise is tested for both.
var sealerKinds = []struct {
	name string
	from func(keys Keys, manager, cookie string) (sealing, error)
}{
	{"SecureCookie", func(k Keys, m, c string) (sealing, error) { return newSecureCookies(k, m, c) }},
	{"AEAD", func(k Keys, m, c string) (sealing, error) { return newAEADs(k, m, c) }},
}

func forBothSealers(t *testing.T, test func(t *testing.T, with func(keys Keys, manager, cookie string) sealing)) {
	for _, kind := range sealerKinds {
		t.Run(kind.name, func(t *testing.T) {
			test(t, func(keys Keys, manager, cookie string) sealing {
				s, err := kind.from(keys, manager, cookie)
				if err != nil {
					t.Fatal(err)
				}
				return s
			})
		})
	}
}

func mustSeal(t *testing.T, s sealing, plain string) string {
	t.Helper()
	value, err := s.seal([]byte(plain), someday, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSealedContentComesBack(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		s := with(keysNamed("a"), "id", "__Host-id")
		for _, plain := range []string{"x", "a session", strings.Repeat("long ", 1000), "\x00\xff|;\"\r\n"} {
			value := mustSeal(t, s, plain)
			got, retired, ok := s.unseal(value, someday)
			if !ok || retired || string(got) != plain {
				t.Errorf("open(seal(%.20q)) = %.20q, retired key %t, ok %t", plain, got, retired, ok)
			}
			if strings.Trim(value, nameAlphabet+"=") != "" {
				t.Errorf("the sealed value needs quoting in a cookie: %q", value)
			}
			if again := mustSeal(t, s, plain); again == value {
				t.Errorf("sealing %.20q twice gives the same value: an observer sees that nothing changed", plain)
			}
		}
	})
}

// The session goes on living, in the request's own view, after Save has sealed it.
func TestSealingLeavesItsInputAlone(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		plain := []byte("what the request still reads after Save")
		before := bytes.Clone(plain)
		if _, err := with(keysNamed("a"), "id", "__Host-id").seal(plain, someday, "", ""); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(plain, before) {
			t.Errorf("seal overwrote its input: %q, want %q", plain, before)
		}
	})
}

func TestTamperedOrTruncatedValueDoesNotOpen(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		s := with(keysNamed("a", "b"), "id", "__Host-id")
		for _, plain := range []string{"1", "12", "123"} { // every length of padding
			value := mustSeal(t, s, plain)
			for i := range value {
				if _, _, ok := s.unseal(value[:i], someday); ok {
					t.Errorf("the first %d of %d characters open", i, len(value))
				}
				tampered := []byte(value)
				tampered[i] = otherCharacter(value[i])
				if _, _, ok := s.unseal(string(tampered), someday); ok {
					t.Errorf("the value opens with character %d of %d changed from %q to %q", i, len(value), value[i], tampered[i])
				}
			}
			for _, more := range []string{"A", "AAAA", "=", " ", value} {
				if _, _, ok := s.unseal(value+more, someday); ok {
					t.Errorf("the value opens with %q behind it", more)
				}
			}
		}
	})
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// otherCharacter differs from c in the highest of the six bits, which is never a stray one at the end.
func otherCharacter(c byte) byte {
	if i := strings.IndexByte(base64Alphabet, c); i >= 0 {
		return base64Alphabet[i^32]
	}
	return 'A'
}

// encoding/base64 skips line breaks, in strict mode too, and takes stray bits at the end unless it is strict.
func TestAnAEADValueHasOneSpelling(t *testing.T) {
	s, err := newAEADs(keysNamed("a"), "id", "__Host-id")
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"1", "12", "123"} {
		value := mustSeal(t, s, plain)
		end := len(value) - 1
		stray := value[:end] + string(base64Alphabet[strings.IndexByte(base64Alphabet, value[end])^1])
		for _, other := range []string{value + "\n", value[:9] + "\r\n" + value[9:], stray} {
			if _, _, ok := s.unseal(other, someday); ok {
				t.Errorf("%q opens like %q", other, value)
			}
		}
	}
}

func TestForeignValueDoesNotOpen(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		s := with(keysNamed("a"), "id", "__Host-id")
		for name, other := range map[string]sealing{
			"another manager":     with(keysNamed("a"), "admin", "__Host-id"),
			"another cookie name": with(keysNamed("a"), "id", "__Host-sid"),
			"another key":         with(keysNamed("b"), "id", "__Host-id"),
		} {
			if _, _, ok := s.unseal(mustSeal(t, other, "a session"), someday); ok {
				t.Errorf("a value of %s opens", name)
			}
		}
		for _, kind := range sealerKinds {
			other, err := kind.from(keysNamed("a"), "id", "__Host-id")
			if err != nil {
				t.Fatal(err)
			}
			if _, _, ok := s.unseal(mustSeal(t, other, "a session"),
				someday); ok != (kind.name == t.Name()[strings.IndexByte(t.Name(), '/')+1:]) {
				t.Errorf("a value of the sealer %s opens: %t", kind.name, ok)
			}
		}
	})
}

func TestRotationKeepsOldValuesOpenAndMarksThem(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		before, during := with(keysNamed("old"), "id", "c"), with(keysNamed("new", "old"), "id", "c")
		after := with(keysNamed("new"), "id", "c")
		if got, retired, ok := during.unseal(mustSeal(t, before, "a session"), someday); !ok || !retired ||
			string(got) != "a session" {
			t.Errorf("a value under the old key: %q, retired key %t, ok %t; want it opened and marked old", got, retired, ok)
		}
		if _, retired, ok := during.unseal(mustSeal(t, after, "a session"), someday); !ok || retired {
			t.Errorf("a value under the new key: retired key %t, ok %t; want it opened and not marked", retired, ok)
		}
		if _, _, ok := after.unseal(mustSeal(t, during, "a session"), someday); !ok {
			t.Error("the first key is not the one that seals")
		}
		if _, _, ok := after.unseal(mustSeal(t, before, "a session"), someday); ok {
			t.Error("a value under a dropped key opens")
		}
	})
}

func TestOneKeyUnderTwoNamesIsRefused(t *testing.T) {
	keys := keysNamed("a", "b", "c")
	keys.all()[2].secret = keys.all()[0].secret
	for _, kind := range sealerKinds {
		_, err := kind.from(keys, "id", "c")
		if err == nil || !strings.Contains(err.Error(), `"a" and "c" are the same`) {
			t.Errorf("%s: err = %v, want one that names both keys", kind.name, err)
		}
	}
}

// A value from the future has a wrong clock behind it, and would live longer than it should. The clock is the
// application's.
func TestBothSealersJudgeTheDayAlike(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		s := with(keysNamed("a"), "id", "c")
		for _, c := range []struct {
			name string
			on   wire.Millis
			want bool
		}{
			{"today", someday, true},
			{"yesterday", someday - day, true},
			{"tomorrow: another server's clock is ahead", someday + day, true},
			{"in two days", someday + 2*day, false},
			{"in the far future", 1 << 47, false},
			{"400 days ago", someday - 400*day, true},
			{"401 days ago", someday - 401*day, false},
			{"in 1970", 0, false},
		} {
			value, err := s.seal([]byte("a session"), c.on, "", "")
			if err != nil {
				t.Fatal(err)
			}
			if plain, _, ok := s.unseal(value, someday); ok != c.want || ok != (string(plain) == "a session") {
				t.Errorf("a value sealed %s opens: %t, as %q; want %t", c.name, ok, plain, c.want)
			}
		}
	})
}

func TestAnAEADKeySealsOneDay(t *testing.T) {
	s, err := newAEADs(keysNamed("a"), "id", "c")
	if err != nil {
		t.Fatal(err)
	}
	for n := range wire.Millis(3) {
		for range 2 {
			value, err := s.seal([]byte("a session"), someday+n*day, "", "")
			if err != nil {
				t.Fatal(err)
			}
			buf, _ := base64.RawURLEncoding.DecodeString(value)
			copy(buf[4:8], "\xff\xff\xff\xff")
			_, _, _ = s.unseal(base64.RawURLEncoding.EncodeToString(buf), someday)
		}
		if derived := len(*s.keys[0].ciphers.Load()); derived != int(n)+1 {
			t.Errorf("%d daily keys after %d days, besides a client that names a day of its own", derived, n+1)
		}
	}
}

func TestShortValuesDoNotOpen(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		s := with(keysNamed("a"), "id", "c")
		whole := mustSeal(t, s, "")
		for _, value := range []string{"", "=", "A", "||", whole[:8], whole[:8] + "=",
			whole[:8] + base64.URLEncoding.EncodeToString([]byte("||"))} {
			if _, _, ok := s.unseal(value, someday); ok {
				t.Errorf("%q opens", value)
			}
		}
	})
}

func TestSealersAreSafeForConcurrentUse(t *testing.T) {
	forBothSealers(t, func(t *testing.T, with func(Keys, string, string) sealing) {
		s := with(keysNamed("a"), "id", "c")
		opened := make(chan bool)
		for i := range 8 {
			go func() {
				now := someday + wire.Millis(i)*day/4
				value, err := s.seal([]byte("a session"), now, "", "")
				_, _, ok := s.unseal(value, now)
				opened <- ok && err == nil
			}()
		}
		var all []bool
		for range 8 {
			all = append(all, <-opened)
		}
		if slices.Contains(all, false) {
			t.Error("a value did not open when several goroutines sealed at once")
		}
	})
}

// gorilla/securecookie refuses what is older than 30 days on the system's clock or longer than 4096 bytes unless told
// otherwise.
func TestSecureCookieLeavesAgeAndLengthToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newSecureCookies(keysNamed("a"), "id", "c")
		if err != nil {
			t.Fatal(err)
		}
		value := mustSeal(t, s, strings.Repeat("x", 8000))
		<-time.After(399 * 24 * time.Hour)
		if _, _, ok := s.unseal(value, someday); !ok {
			t.Error("the sealer judges age or length; the content's own expiry and the cookie's size are to decide")
		}
	})
}
