package session

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// FuzzOverlay: whatever body a record has, it can be copied with a value added to it, and whatever the value is, it can
// be looked at, as one with an end of its own and as a Flash's too.
func FuzzOverlay(f *testing.F) {
	f.Add([]byte(nil), "k", "1")
	f.Add(bodyOf("theme", `"dark"`, "visits", "3"), "visits", "4")
	f.Add(bodyOf("", "", "k", ""), "", "1")
	f.Add(bodyOf("code", string(withEnd([]byte(`"4711"`), someday))), "code", "\x01\xff")
	f.Add([]byte(nil), "notices", `[[5,"saved"],[6,{"a":[]}]]`)
	m := must(New(struct{ Store }{}, Options{}))
	f.Fuzz(func(t *testing.T, body []byte, key, value string) {
		e := wire.Envelope{Kind: wire.Live}
		draft := e.AppendHeader(nil)
		if e.Parse(e.Finish(append(draft, body...), len(draft))) != nil {
			return
		}
		var rec record
		rec.env = wire.Envelope{Kind: wire.Live}
		rec.encode(values{body: body}, []operation{put(key, value)})
		if err := rec.parse(rec.data); err != nil {
			t.Fatalf("%q added to %q does not parse: %v", key, body, err)
		}
		if got := wire.Value(rec.body(), key); string(got) != value {
			t.Errorf("%q was added to %q as %q and reads as %q", key, body, value, got)
		}
		checkStored(t, []byte(value))
		v := values{body: body, m: m, now: someday}
		kept := v.appendBody(nil, nil)
		if again := (values{body: kept, m: m, now: someday}).appendBody(nil, nil); string(again) != string(kept) {
			t.Errorf("%q without what is over is %q, and then %q", body, kept, again)
		}
	})
}

func checkStored(t *testing.T, value []byte) {
	end, text := splitEnd(value)
	if got, rest := splitEnd(withEnd(text, end)); end != 0 && (got != end || string(rest) != string(text)) {
		t.Errorf("%q ends at %d, and written again at %d as %q", value, end, got, rest)
	}
	messages, err := parseMessages(text)
	if err != nil || len(messages) == 0 {
		return
	}
	again, err := parseMessages(encodeMessages(messages))
	if err != nil || !reflect.DeepEqual(again, messages) {
		t.Errorf("messages of %q, written and read again: %+v, %v", value, again, err)
	}
}

func FuzzCookieLines(f *testing.F) {
	token, other := strings.Repeat("A", 43), strings.Repeat("B", 42)+"A"
	for _, lines := range [][2]string{
		{"id=" + token, ""}, {"theme=dark; id=" + token + "; lang=de", "id=" + other}, {`id="` + token + `"`, "id2=" + token},
		{
			"id=;id;=;;",
			" \tid=" + token + " "}, {"id=" + token + "; id=" + other + "; id=x", strings.Repeat("id=a;", 99)},
		{"id=\x00\xff", "ID=" + token},
	} {
		f.Add(lines[0], lines[1])
	}
	stored := must(New(struct{ Store }{}, Options{InsecureHTTP: true}))
	sealed := must(NewSealed(keysNamed("a"), Options{InsecureHTTP: true}))
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, m := range []*Manager{stored, sealed} {
			found := m.cookie.find([]string{one, two}, m.checkValue)
			if found.count > maxCandidates {
				t.Fatalf("%d candidates, at most %d are allowed", found.count, maxCandidates)
			}
			for i, value := range found.values[:found.count] {
				if m.checkValue(value) != "" {
					t.Errorf("%q is a candidate and not well-formed", value)
				}
				if !strings.Contains(one+"\n"+two, value) {
					t.Errorf("%q is a candidate and was not sent", value)
				}
				if slices.Contains(found.values[:i], value) {
					t.Errorf("%q is a candidate twice", value)
				}
			}
		}
	})
}

func FuzzWellFormedToken(f *testing.F) {
	for _, s := range []string{"", strings.Repeat("A", 43), strings.Repeat("A", 42) + "B", strings.Repeat("_", 42) + "8",
		strings.Repeat("A", 42) + "=",
		strings.Repeat("A", 41) + "\r\n", strings.Repeat("+", 43), "PBRTGfHzc0ZbN3qYd1mUo8xWk2LsVj7Ce9AqXrTnEhI"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := base64url.DecodeString(s)
		canonical := err == nil && len(raw) == tokenBytes && base64url.EncodeToString(raw) == s
		if got := isToken(s); got != canonical {
			t.Errorf("isToken(%q) = %t, want %t: only the spelling that encoding 32 bytes gives", s, got, canonical)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	generated := "2026-11:" + base64url.EncodeToString(secretFor("2026-11"))
	for _, s := range []string{"", ",", ":", "a:", "a:b", generated, generated + ", b:" + strings.Repeat("c2VjcmV0", 8),
		generated + "," + generated,
		"a:" + strings.Repeat("A", 43), "a:" + strings.Repeat("=", 43), "name: " + strings.Repeat("pZ0-_+/", 9) + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		keys, err := ParseKeys(s)
		if err != nil {
			for _, part := range strings.Split(s, ",") { // what is longer than a name can be is a secret
				if _, secret, _ := strings.Cut(strings.TrimSpace(part), ":"); len(secret) > maxKeyName &&
					strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
			return
		}
		var again []string
		for _, k := range keys.all() {
			if len(k.secret) < keyBytes || weakness(k.secret) != nil {
				t.Errorf("key %q is weak and accepted", k.name)
			}
			again = append(again, k.name+":"+base64url.EncodeToString(k.secret))
		}
		if parsed, err := ParseKeys(strings.Join(again, ",")); err != nil || !reflect.DeepEqual(parsed.all(), keys.all()) {
			t.Errorf("keys written out and parsed again differ (err %v)", err)
		}
		if _, err := NewSealed(keys, Options{}); err != nil && !strings.Contains(err.Error(), "are the same") {
			t.Errorf("ParseKeys accepts what NewSealed refuses: %v", err)
		}
	})
}

func FuzzOpenSecureCookie(f *testing.F) {
	s, err := newSecureCookies(keysNamed("new", "old"), "id", "__Host-id")
	if err != nil {
		f.Fatal(err)
	}
	old, err := newSecureCookies(keysNamed("old"), "id", "__Host-id")
	if err != nil {
		f.Fatal(err)
	}
	fuzzOpen(f, s, old)
}

func FuzzOpenAEAD(f *testing.F) {
	s, err := newAEADs(keysNamed("new", "old"), "id", "__Host-id")
	if err != nil {
		f.Fatal(err)
	}
	old, err := newAEADs(keysNamed("old"), "id", "__Host-id")
	if err != nil {
		f.Fatal(err)
	}
	fuzzOpen(f, s, old)
}

// fuzzOpen: whatever a client sends, it opens as something that was sealed, or not at all.
func fuzzOpen(f *testing.F, s, old sealing) {
	contents := []string{"a session", "another one", string(encoded(&wire.Envelope{Kind: wire.Live, Flags: wire.Sealed,
		Body: bodyOf("k", "1")}))}
	for _, from := range []sealing{s, old} {
		for _, plain := range contents {
			value, err := from.seal([]byte(plain), someday, "", "")
			if err != nil {
				f.Fatal(err)
			}
			f.Add(value)
			f.Add(value[:len(value)/2])
			f.Add(value[:8])
			f.Add(value + value)
		}
	}
	f.Add("")
	f.Add("||||")
	f.Fuzz(func(t *testing.T, value string) {
		plain, _, ok := s.unseal(value, someday)
		if ok && !slices.Contains(contents, string(plain)) {
			t.Errorf("%q opens as %q, which was never sealed", value, plain)
		}
		if !ok && plain != nil {
			t.Errorf("%q does not open and yields %q", value, plain)
		}
	})
}

func FuzzStringCodec(f *testing.F) {
	for _, s := range []string{"", "dark", `"`, `"dark"`, `"a\"b"`, `"a`, `null`, ` "a"`, "<&>", "käse", "\xff", "\x00",
		`"\u00e9"`, `"\ud800"`, `5`, `[""]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if utf8.ValidString(s) {
			likeJSON(t, s)
		} else if _, err := encode(s); err == nil {
			t.Errorf("%q is taken and would come back as something else", s)
		}
		var want string
		err := json.Unmarshal([]byte(s), &want)
		got, ok := decode[string]([]byte(s)) // s as somebody else's encoded value
		if null := strings.TrimSpace(s) == "null"; !null && (ok != (err == nil) || got != want) {
			t.Errorf("decode(%q) = %q, %t; encoding/json reads %q, %v", s, got, ok, want, err)
		}
	})
}

func FuzzNumberCodec(f *testing.F) {
	for _, n := range []int64{0, 1, -1, 1 << 62, -1 << 63} {
		f.Add(n, n > 0)
	}
	f.Fuzz(func(t *testing.T, n int64, b bool) {
		likeJSON(t, n)
		likeJSON(t, int(n))
		likeJSON(t, b)
	})
}
