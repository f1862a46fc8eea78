package fromflask

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

var digests = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

const (
	secret = "dev-secret-key"
	simple = "eyJ1c2VybmFtZSI6IkpvaG5Eb2UifQ.ZVPxAA.IetOGcgfMG1QbZxHx923b1zsuWg"
	now    = 1700000000
)

func config() Config { return Config{Secrets: []string{secret}, Now: at(now)} }

// signed is a cookie whose signature is right, whatever is in it.
func signed(t testing.TB, body, time string) string {
	t.Helper()
	p, err := config().prepare("cookie-session")
	if err != nil {
		t.Fatal(err)
	}
	return p.signers[0].sign(body + "." + time)
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func deflated(t testing.TB, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(text) // into memory
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return "." + base64.RawURLEncoding.EncodeToString(b.Bytes())
}

// TestDamagedCookie: a cookie with any bit flipped, any byte less or one more is no session.
func TestDamagedCookie(t *testing.T) {
	i := cookieImporter(t, config())
	if got := reasonOf(t, i, simple); got != "" {
		t.Fatalf("the cookie itself is refused as %q", got)
	}
	for at := range len(simple) {
		for bit := range 8 {
			damaged := []byte(simple)
			damaged[at] ^= 1 << bit
			if reasonOf(t, i, string(damaged)) == "" {
				t.Errorf("opens with bit %d of byte %d flipped", bit, at)
			}
		}
		for _, damaged := range []string{simple[:at], simple[at+1:], simple[:at] + "A" + simple[at:]} {
			if reasonOf(t, i, damaged) == "" {
				t.Errorf("opens as %q", damaged)
			}
		}
	}
}

// TestSignedNonsense: a signature is no reason to take what Flask would not have written.
func TestSignedNonsense(t *testing.T) {
	i := cookieImporter(t, config())
	deep := b64(`{"a":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`)
	for name, c := range map[string]struct {
		body, time string
		want       session.Reason
	}{
		"no object":              {b64(`[1]`), "ZVPxAA", session.ReasonCorrupt},
		"null":                   {b64(`null`), "ZVPxAA", session.ReasonCorrupt},
		"a string":               {b64(`"user"`), "ZVPxAA", session.ReasonCorrupt},
		"a tuple":                {b64(`{" t":[1]}`), "ZVPxAA", session.ReasonCorrupt},
		"nothing":                {"", "ZVPxAA", session.ReasonCorrupt},
		"a member twice":         {b64(`{"_user_id":"1","_user_id":"2"}`), "ZVPxAA", session.ReasonCorrupt},
		"a member twice, inside": {b64(`{"a":[{"b":1,"\u0062":2}]}`), "ZVPxAA", ""}, // see TestMemberTwiceInside
		"trailing bytes":         {b64(`{} {}`), "ZVPxAA", session.ReasonCorrupt},
		"not UTF-8":              {b64("{\"a\":\"\xff\"}"), "ZVPxAA", session.ReasonCorrupt},
		"nested too deep":        {deep, "ZVPxAA", session.ReasonCorrupt},
		"a bomb":                 {deflated(t, bytes.Repeat([]byte(" "), 2<<20)), "ZVPxAA", session.ReasonCorrupt},
		"bytes after zlib":       {deflated(t, []byte(`{}`)) + "AAAA", "ZVPxAA", session.ReasonCorrupt},
		"no tuple":               {b64(`{"a":{" t":"x"}}`), "ZVPxAA", session.ReasonCorrupt},
		"no bytes":               {b64(`{"a":{" b":"x"}}`), "ZVPxAA", session.ReasonCorrupt},
		"bytes of another type":  {b64(`{"a":{" b":7}}`), "ZVPxAA", session.ReasonCorrupt},
		"no UUID":                {b64(`{"a":{" u":"12"}}`), "ZVPxAA", session.ReasonCorrupt},
		"no datetime":            {b64(`{"a":{" d":"today"}}`), "ZVPxAA", session.ReasonCorrupt},
		"nothing escaped":        {b64(`{"a":{" di":{" t":1}}}`), "ZVPxAA", session.ReasonCorrupt},
		"a time with zeros":      {b64(`{}`), b64("\x00e\x53\xf1\x00"), session.ReasonCorrupt},
		"a time of nine bytes":   {b64(`{}`), b64("123456789"), session.ReasonCorrupt},
		"the end of time":        {b64(`{}`), b64("\xff\xff\xff\xff\xff\xff\xff\xff"), session.ReasonUnopenable},
		"too long":               {strings.Repeat("A", maxCookie), "ZVPxAA", session.ReasonOversized},
		"an unknown tag":         {b64(`{"a":{" x":1}}`), "ZVPxAA", ""},
	} {
		if got := reasonOf(t, i, signed(t, c.body, c.time)); got != c.want {
			t.Errorf("%s: refused as %q, want %q", name, got, c.want)
		}
	}
}

// TestSubject is whom Flask-Login has logged in, or whom the application remembers under another name.
func TestSubject(t *testing.T) {
	for body, want := range map[string]string{
		`{"_user_id":"42","_fresh":true}`: "42",
		`{"_user_id":42}`:                 "42",
		`{"_user_id":null}`:               "",
		`{"_user_id":["42"]}`:             "",
		`{"_user_id":true}`:               "",
		`{"user":"42"}`:                   "",
		`{"_user_id":{" u":"12345678123456781234567812345678"}}`: "12345678-1234-5678-1234-567812345678",
	} {
		f, err := cookieImporter(t, config()).Open(t.Context(), signed(t, b64(body), "ZVPxAA"))
		if err != nil || f.Subject != want {
			t.Errorf("%s: the subject is %q, %v; want %q", body, f.Subject, err, want)
		}
	}
	c := config()
	c.User = "user"
	f, err := cookieImporter(t, c).Open(t.Context(), signed(t, b64(`{"user":"taro"}`), "ZVPxAA"))
	if err != nil || f.Subject != "taro" {
		t.Errorf("the subject is %q, %v", f.Subject, err)
	}
}

// TestConfig: what cannot work is said when the program starts.
func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{
		"no secret":          {},
		"an empty secret":    {Secrets: []string{secret, ""}},
		"a strange key":      {Secrets: []string{secret}, Signer: Signer{Derivation: "pbkdf2"}},
		"a lifetime of none": {Secrets: []string{secret}, Lifetime: 5},
		"a negative one":     {Secrets: []string{secret}, Lifetime: -5},
	} {
		if _, err := Cookie(c); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	i := cookieImporter(t, config())
	if i.Name != "flask" || i.Cookie != (session.ForeignCookie{Name: "session", Insecure: true}) {
		t.Errorf("the importer is %q with the cookie %+v", i.Name, i.Cookie)
	}
}

// FuzzCookie: whatever comes is a session or refused with a reason. What opens has been signed.
func FuzzCookie(f *testing.F) {
	var all cookieVectors
	vectors(f, "flask-cookie.json", &all)
	for _, v := range all.Vectors {
		f.Add(v.Cookie)
	}
	i := cookieImporter(f, config())
	f.Fuzz(func(t *testing.T, value string) { _ = reasonOf(t, i, value) })
}

// FuzzUntagged: the members of whatever object are valid JSON.
func FuzzUntagged(f *testing.F) {
	var all cookieVectors
	vectors(f, "flask-cookie.json", &all)
	for _, v := range all.Vectors {
		f.Add([]byte(v.TaggedJSON))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		values, err := untagged(text)
		if err != nil {
			return
		}
		wantJSON(t, values)
	})
}
