package session

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// secretFor is 32 bytes that look random and are the same in every run.
func secretFor(name string) []byte {
	secret := sha256.Sum256([]byte("secret of " + name))
	return secret[:]
}

// keysNamed returns keys with the names and fixed secrets.
func keysNamed(names ...string) Keys {
	var keys []string
	for _, name := range names {
		keys = append(keys, name+":"+base64.RawURLEncoding.EncodeToString(secretFor(name)))
	}
	parsed, err := ParseKeys(strings.Join(keys, ","))
	if err != nil {
		panic(err)
	}
	return parsed
}

func TestParseKeysReadsEverySpellingOfBase64(t *testing.T) {
	// 0xfb and 0xff give the characters in which the two alphabets differ; 34 bytes need padding.
	secret := append([]byte{0xfb, 0xff}, secretFor("a")...)
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding,
		base64.RawURLEncoding} {
		text := e.EncodeToString(secret)
		for _, s := range []string{"a:" + text, "  a:" + text + "\n",
			"a:" + text + ", b:" + base64.StdEncoding.EncodeToString(secretFor("b"))} {
			keys, err := ParseKeys(s)
			if err != nil {
				t.Errorf("ParseKeys(%q): %v", s, err)
				continue
			}
			if first := keys.all()[0]; first.name != "a" || !bytes.Equal(first.secret, secret) {
				t.Errorf("ParseKeys(%q): the first key is %q with %x, want a with %x", s, first.name, first.secret, secret)
			}
		}
	}
}

func TestParseKeysKeepsTheOrder(t *testing.T) {
	std := base64.StdEncoding.EncodeToString
	keys, err := ParseKeys("2026-11:" + std(secretFor("n")) + " ,\t2026.05_x:" + std(secretFor("o")))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(keys); got != "session.Keys(2026-11, 2026.05_x)" {
		t.Errorf("keys = %s, want 2026-11 first: the first one seals", got)
	}
}

func TestParseKeysRefusesWhatIsNoKey(t *testing.T) {
	std := base64.StdEncoding.EncodeToString
	good := std(secretFor("a"))
	for _, c := range []struct {
		name, keys, want string // want: a part of the error
	}{
		{"empty", "", "none given"},
		{"blank", " \n", "none given"},
		{"no colon", good, "name:base64"},
		{"trailing comma", "a:" + good + ",", "key 2: it is empty"},
		{"no name", ":" + good, "has 1 to 32"},
		{"name with a space", "my key:" + good, "has 1 to 32"},
		{"name beyond ASCII", "schlüssel:" + good, "has 1 to 32"},
		{"name too long", strings.Repeat("n", 33) + ":" + good, "has 1 to 32"},
		{"name twice", "a:" + good + ",a:" + std(secretFor("b")), `the name "a" is used twice`},
		{"no secret", "a:", "has 0 bytes"},
		{"short", "a:" + std(secretFor("a")[:31]), "has 31 bytes and needs at least 32"},
		{"hex instead of base64", "a:" + hex.EncodeToString(secretFor("a"))[:40], "has 30 bytes"},
		{"not base64", "a:" + good[:20] + "!" + good[20:], "is not base64"},
		{"padding in the middle", "a:" + good[:20] + "=" + good[20:], "is not base64"},
		{"zeros", "a:" + std(make([]byte, 32)), "repeats itself"},
		{"long and repetitive", "a:" + std(bytes.Repeat([]byte{1, 2, 3, 250}, 100)), "repeats itself"},
		{"placeholder", "a:" + std([]byte("change-me-change-me-change-me-change-me")), "repeats itself"},
		{"password", "a:" + std([]byte("Tr0ub4dor&3 is not a key, however long it gets")), "is text"},
		{"hex that was encoded again", "a:" + std([]byte(hex.EncodeToString(secretFor("a")))), "is text"},
		{"the second is bad", "a:" + good + ",b:" + std(make([]byte, 32)), `key 2: "b" repeats itself`},
	} {
		keys, err := ParseKeys(c.keys)
		if err == nil || !strings.HasPrefix(err.Error(), "session: keys: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: err = %v, want one that says %q", c.name, err, c.want)
			continue
		}
		if len(keys.all()) != 0 {
			t.Errorf("%s: there are keys besides the error", c.name)
		}
		for _, part := range strings.Split(c.keys, ",") {
			_, secret, _ := strings.Cut(part, ":")
			if raw, _ := base64.StdEncoding.DecodeString(secret); len(secret) > 4 && (strings.Contains(err.Error(), secret) ||
				len(raw) > 4 && strings.Contains(err.Error(), string(raw))) {
				t.Errorf("%s: the error shows the secret: %v", c.name, err)
			}
		}
	}
}

// regularBytes are keys that somebody typed or counted out.
func regularBytes() map[string][]byte {
	made := func(n int, f func(i int) int) []byte {
		secret := make([]byte, n)
		for i := range secret {
			secret[i] = byte(f(i))
		}
		return secret
	}
	random := secretFor("a")
	return map[string][]byte{
		"00 to 1f":            made(32, func(i int) int { return i }),
		"00 to 3f":            made(64, func(i int) int { return i }),
		"01 to 20":            made(32, func(i int) int { return i + 1 }),
		"f0 and on":           made(32, func(i int) int { return 0xf0 + i }),
		"ff and down":         made(32, func(i int) int { return 0xff - i }),
		"steps of 3":          made(33, func(i int) int { return 3 * i }),
		"steps of 17":         made(32, func(i int) int { return 17 * i }),
		"steps of -7":         made(48, func(i int) int { return 5 - 7*i }),
		"up and down":         made(32, func(i int) int { return min(i, 31-i) }),
		"two runs":            made(32, func(i int) int { return i%16 + i/16*0x80 }),
		"runs of four":        made(32, func(i int) int { return i%4 + i/4*16 }),
		"two runs interlaced": made(32, func(i int) int { return i/2 + i%2*200 }),
		"16 bytes twice":      slices.Concat(random[:16], random[:16]),
		"20 bytes and again":  slices.Concat(random[:20], random[:12]),
		"31 bytes for long":   slices.Concat(random[:31], random[:31], random[:31]),
		"16 bytes and zeros":  slices.Concat(random[:16], make([]byte, 16)),
		"zeros and 20 bytes":  slices.Concat(make([]byte, 12), random[:20]),
		"16 bytes and a run":  slices.Concat(random[:16], made(16, func(i int) int { return i })),
	}
}

func TestParseKeysRefusesRegularBytes(t *testing.T) {
	for name, secret := range regularBytes() {
		_, err := ParseKeys("a:" + base64.StdEncoding.EncodeToString(secret))
		if err == nil || !strings.Contains(err.Error(), "is not random; make one with: ") {
			t.Errorf("%s: err = %v, want one that says it is not random and how to make one", name, err)
		}
	}
}

func TestRandomKeysAreTaken(t *testing.T) {
	random := rand.NewChaCha8([32]byte{7})
	for _, size := range []int{32, 33, 64, 256} {
		secret := make([]byte, size)
		for range 50_000 {
			_, _ = random.Read(secret)
			if err := weakness(secret); err != nil {
				t.Fatalf("a random key of %d bytes %v: %x", size, err, secret)
			}
		}
	}
	if err := weakness(slices.Concat(secretFor("a"), secretFor("a"))); err != nil {
		t.Errorf("32 random bytes twice: %v; they are 32 random bytes", err)
	}
}

// echo appends a line break, and passwords are typed on keyboards with umlauts.
func TestParseKeysRefusesTypedSecrets(t *testing.T) {
	for _, typed := range []string{
		"The quick brown fox jumps over the lazy dog\n",
		"The quick brown fox\r\njumps over the lazy dog",
		"Franz jagt im völlig verwahrlosten Taxi quer durch Bayern",
	} {
		if _, err := ParseKeys("a:" + base64.StdEncoding.EncodeToString([]byte(typed))); err == nil {
			t.Errorf("%q passes for 32 random bytes", typed)
		}
	}
}

func TestKeysNeverPrintTheirSecrets(t *testing.T) {
	keys := keysNamed("new", "old")
	type config struct {
		Addr string
		Keys Keys
	}
	type hidden struct{ keys Keys }
	for _, v := range []any{keys, &keys, []Keys{keys}, map[string]Keys{"k": keys}, config{"", keys}, &config{"", keys},
		hidden{keys}, &hidden{keys}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%p", "%t", "%c",
			"%08.3f"} {
			if form := secretIn(fmt.Sprintf(verb, v), keys); form != "" {
				t.Errorf("Sprintf(%q, %T) shows the secret as %s", verb, v, form)
			}
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("json.Marshal(%T): %v", v, err)
		}
		if form := secretIn(string(b), keys); form != "" {
			t.Errorf("json.Marshal(%T) shows the secret as %s", v, form)
		}
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			slog.New(h).Info("started", "keys", v)
		}
		if form := secretIn(log.String(), keys); form != "" {
			t.Errorf("slog shows the secret of a %T as %s", v, form)
		}
	}
}

// secretIn names the form in which s shows a part of a secret, or returns "".
func secretIn(s string, keys Keys) string {
	for _, k := range keys.all() {
		part := k.secret[4:12]
		elements := func(format string) string {
			var b []string
			for _, x := range part {
				b = append(b, fmt.Sprintf(format, x))
			}
			return strings.Join(b, " ")
		}
		flat := strings.NewReplacer(",", "", "0x", "", "0X", "").Replace(s)
		for form, text := range map[string]string{
			"bytes": string(part), "quoted bytes": strings.Trim(fmt.Sprintf("%q", part), `"`),
			"hex": hex.EncodeToString(part), "decimals": elements("%d"), "octals": elements("%o"), "bits": elements("%b"),
			"hex numbers": elements("%x"),
			"base64":      base64.RawStdEncoding.EncodeToString(k.secret)[4:12],
			"base64url":   base64.RawURLEncoding.EncodeToString(k.secret)[4:12],
		} {
			if strings.Contains(s, text) || strings.Contains(strings.ToLower(flat), strings.ToLower(text)) {
				return form
			}
		}
	}
	return ""
}

func TestGeneratedKeyParsesBack(t *testing.T) {
	a, err := GenerateKey("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	b, err := GenerateKey("2026-05")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(a + "," + b)
	if err != nil {
		t.Fatalf("GenerateKey made what ParseKeys refuses: %v", err)
	}
	if len(keys.all()[0].secret) != 32 || bytes.Equal(keys.all()[0].secret, keys.all()[1].secret) {
		t.Error("two generated keys are not 32 bytes each, or the same")
	}
	for _, name := range []string{"", "two words", "a,b", "a:b", strings.Repeat("n", 33)} {
		if key, err := GenerateKey(name); err == nil || key != "" {
			t.Errorf("GenerateKey(%q) = a key, err %v; want an error, because ParseKeys would refuse it", name, err)
		}
	}
}

func TestTemporaryKeysDiffer(t *testing.T) {
	a, b := TemporaryKeys(), TemporaryKeys()
	if len(a.all()) != 1 || weakness(a.all()[0].secret) != nil || slices.Equal(a.all()[0].secret, b.all()[0].secret) {
		t.Error("want one random key each time")
	}
}

func TestDerivedSecretsDifferByPurposeManagerCookieAndKey(t *testing.T) {
	keys := keysNamed("a", "b")
	seen := map[string]string{}
	for _, k := range keys.all() {
		for _, in := range [][3]string{
			{"key id", "shop", "id"}, {"securecookie", "shop", "id"}, {"aead 1", "shop", "id"}, {"aead 2", "shop", "id"},
			{"securecookie", "admin", "id"}, {"securecookie", "shop", "sid"},
			// Where one part ends and the next begins must matter.
			{"securecookie", "shopi", "d"}, {"securecookie", `shop" "id`, ""}, {"securecookie", "", `shop" "id`},
			{"securecookie", "shop id", "x"}, {"securecookie", "shop", "id x"},
		} {
			b, err := k.derive(in[0], in[1], in[2], 32)
			if err != nil {
				t.Fatal(err)
			}
			use := fmt.Sprintf("key %s %q", k.name, in)
			if other, taken := seen[string(b)]; taken {
				t.Errorf("%s and %s share a secret", use, other)
			}
			if bytes.Equal(b, k.secret) {
				t.Errorf("%s is the key itself", use)
			}
			seen[string(b)] = use
		}
	}
}
