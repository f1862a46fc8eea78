package fromflask

import (
	"context"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
)

// kept is a server of the kind of Redis.
type kept map[string]string

func (k kept) Get(_ context.Context, key string) ([]byte, error) {
	value, ok := k[key]
	if !ok {
		return nil, session.ErrNotFound
	}
	return []byte(value), nil
}

func (k kept) Set(_ context.Context, key string, value []byte, _ time.Duration) error {
	k[key] = string(value)
	return nil
}

func (k kept) Delete(_ context.Context, key string) error {
	delete(k, key)
	return nil
}

func keyValueImporter(t testing.TB, c Config, kv migrate.KeyValue) session.Importer {
	t.Helper()
	i, err := KeyValue(c, kv)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

const sid = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

type serverVectors struct {
	Vectors, Memcached []struct {
		Name, Format string
		Key          string
		RedisKey     string `json:"redis_key"`
		Value        string `json:"value_hex"`
		Cookie       string `json:"cookie_value"`
	}
	Signed []struct {
		SecretKey string `json:"secret_key"`
		Cookie    string `json:"cookie_value"`
	} `json:"signed_sid"`
	Filesystem []struct {
		File string `json:"file_hex"`
	}
	SQLAlchemy []struct {
		Data string `json:"data_hex"`
	}
	Fallback []struct{ Stored, Hex string } `json:"decode_fallback"`
}

func unhex(t testing.TB, digits string) string {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sameTimes writes times, of which there are several spellings, in one.
func sameTimes(values map[string]any) map[string]any {
	for name, value := range values {
		text, _ := value.(string)
		if when, err := time.Parse(time.RFC3339, text); err == nil {
			values[name] = when.UTC()
		}
	}
	return values
}

// TestFlaskSessions opens what Flask-Session wrote. What it writes in two formats is the same here.
func TestFlaskSessions(t *testing.T) {
	var all serverVectors
	vectors(t, "flask-session.json", &all)
	opened := map[string]map[string]any{}
	for _, v := range append(all.Vectors, all.Memcached...) {
		c := Config{}
		if strings.Contains(v.Cookie, ".") {
			c.Secrets, c.Prefix = []string{"none", "your_secret_key", "dev-secret-key"}, "myapp_session:"
		}
		if v.Cookie == "" { // Memcached's vectors have none
			v.Cookie, v.RedisKey = sid, v.Key
		}
		f, err := keyValueImporter(t, c, kept{v.RedisKey: unhex(t, v.Value)}).Open(t.Context(), v.Cookie)
		if err != nil || f.ID != sid {
			t.Errorf("%s, %s: %+v, %v", v.Name, v.Format, f, err)
			continue
		}
		values := sameTimes(decoded(t, f.Values))
		if before := opened[v.Name]; before != nil && !reflect.DeepEqual(values, before) {
			t.Errorf("%s, %s: %v, want %v", v.Name, v.Format, values, before)
		}
		opened[v.Name] = values
	}
	if len(all.Vectors) != 30 || len(all.Memcached) != 12 || len(opened) != 16 {
		t.Errorf("%d and %d vectors of %d names", len(all.Vectors), len(all.Memcached), len(opened))
	}
	want := map[string]any{"_permanent": true, "d": time.Date(2024, 2, 29, 12, 34, 56, 789e6, time.UTC)}
	if got := opened["datetime-utc"]; !reflect.DeepEqual(got, want) {
		t.Errorf("a datetime is %v", got)
	}
}

func TestNoPrefix(t *testing.T) {
	f, err := keyValueImporter(t, Config{NoPrefix: true}, kept{sid: "\x80"}).Open(t.Context(), sid)
	if err != nil || f.ID != sid {
		t.Errorf("%q, %v", f.ID, err)
	}
}

// TestSignedIDs opens what Flask-Session signs with SESSION_USE_SIGNER, and nothing without a signature then.
func TestSignedIDs(t *testing.T) {
	var all serverVectors
	vectors(t, "flask-session.json", &all)
	kv := kept{"session:" + sid: "\x80", "session:" + sid + ".": "\x80"}
	for _, v := range all.Signed {
		i := keyValueImporter(t, Config{Secrets: []string{"other", v.SecretKey}}, kv)
		if f, err := i.Open(t.Context(), v.Cookie); err != nil || f.ID != sid {
			t.Errorf("%s: %+v, %v", v.SecretKey, f, err)
		}
		if got := reasonOf(t, i, sid); got != session.ReasonMalformed {
			t.Errorf("without a signature: refused as %q", got)
		}
		for at := range len(v.Cookie) {
			damaged := []byte(v.Cookie)
			damaged[at] ^= 1
			if reasonOf(t, i, string(damaged)) == "" || reasonOf(t, i, v.Cookie[:at]) == "" {
				t.Errorf("%s: opens with a damage at byte %d", v.SecretKey, at)
			}
		}
		unsigned := keyValueImporter(t, Config{}, kv)
		if got := reasonOf(t, unsigned, v.Cookie); got != session.ReasonMalformed {
			t.Errorf("a signature that nobody expects: refused as %q", got)
		}
	}
}

// TestIDs: what a visitor sends addresses sessions, and nothing else that the server may have.
func TestIDs(t *testing.T) {
	kv := kept{}
	i := keyValueImporter(t, Config{}, kv)
	for value, want := range map[string]session.Reason{
		"":                                     session.ReasonMalformed,
		"short":                                session.ReasonMalformed,
		strings.Repeat("a", 129):               session.ReasonMalformed,
		strings.Repeat("a", 257):               session.ReasonOversized,
		sid + "\r\nflushall":                   session.ReasonMalformed,
		"../../../../../../../etc/passwd":      session.ReasonMalformed,
		sid + "=":                              session.ReasonMalformed,
		"f47ac10b-58cc-4372-a567-0e02b2c3d479": "", // as 0.3.2 has them
		sid:                                    "",
	} {
		kv["session:"+value] = "\x80"
		if got := reasonOf(t, i, value); got != want {
			t.Errorf("%q: refused as %q, want %q", value, got, want)
		}
	}
	if _, err := i.Open(t.Context(), strings.Repeat("b", 43)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("an unknown session: error is %v", err)
	}
	down := errors.New("no connection")
	if _, err := keyValueImporter(t, Config{}, broken{down}).Open(t.Context(), sid); !errors.Is(err, down) {
		t.Errorf("a server that is down: error is %v", err)
	}
}

type broken struct{ err error }

func (b broken) Get(context.Context, string) ([]byte, error) { return nil, b.err }

// TestStoredNonsense: what is no object, or a pickle, is refused, whoever wrote it.
func TestStoredNonsense(t *testing.T) {
	var all serverVectors
	vectors(t, "flask-session.json", &all)
	kv := kept{}
	i := keyValueImporter(t, Config{}, kv)
	cases := map[string]string{
		"no JSON object": "[1]", "null": "null", "two objects": "{}{}", "a member twice": `{"a":1,"a":2}`,
		"a bomb": `{"a":"` + strings.Repeat("a", 2<<20) + `"}`, "a bomb of MessagePack": "\x81\xa1a\xdd\xff\xff\xff\xff",
		"a long text": "\x81\xa1a\xdb\xff\xff\xff\xff", "a MessagePack array": "\x90", "trailing bytes": "\x80\x80",
		"the member twice in MessagePack": "\x82\xa1a\x01\xa1a\x02", "names alike": "\x82\xa11\x01\x01\x02",
		"a name of bytes": "\x81\xc4\x01a\x01", "text that is not UTF-8": "\x81\xa1a\xa1\xff", "nothing": "",
		"NaN":         "\x81\xa1a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",
		"nested deep": "\x81\xa1a" + strings.Repeat("\x91", 100) + "\x00",
		"extension":   "\x81\xa1a\xd4\x05\x00", "a time of one byte": "\x81\xa1a\xd4\xff\x00",
		"a time out of range": "\x81\xa1a\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff",
		"nanoseconds":         "\x81\xa1a\xc7\x0c\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00",
	}
	for _, v := range all.Fallback {
		if v.Stored != "msgpack" && v.Stored != "json" {
			cases[v.Stored] = unhex(t, v.Hex)
		}
	}
	for _, v := range all.Filesystem {
		cases["a file "+v.File] = unhex(t, v.File)
	}
	for name, data := range cases {
		kv["session:"+sid] = data
		if got := reasonOf(t, i, sid); got != session.ReasonCorrupt {
			t.Errorf("%s: refused as %q", name, got)
		}
		_, err := i.Open(t.Context(), sid)
		if strings.HasPrefix(name, "pickle") != strings.Contains(err.Error(), "let Flask-Session") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(all.Fallback) != 8 || len(all.Filesystem) != 7 {
		t.Errorf("%d and %d vectors", len(all.Fallback), len(all.Filesystem))
	}
}

// TestTruncatedSession: half a session is none.
func TestTruncatedSession(t *testing.T) {
	var all serverVectors
	vectors(t, "flask-session.json", &all)
	for _, v := range all.Vectors {
		data := unhex(t, v.Value)
		for length := range len(data) {
			if _, err := decode([]byte(data[:length])); err == nil {
				t.Errorf("%s, %s: the first %d bytes are a session", v.Name, v.Format, length)
			}
		}
	}
}

// TestNumbers: MessagePack has many ways to write a number.
func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"\x7f": "127", "\xff": "-1", "\xe0": "-32", "\xcc\xff": "255", "\xcd\x01\x00": "256",
		"\xce\xff\xff\xff\xff": "4294967295",
		"\xd0\x80":             "-128", "\xd1\x80\x00": "-32768", "\xd2\xff\xff\xff\xfe": "-2",
		"\xd3\x80\x00\x00\x00\x00\x00\x00\x00": "-9223372036854775808", "\xca\x3f\xc0\x00\x00": "1.5",
		"\xd6\xff\xff\xff\xff\xff":                                 `"2106-02-07T06:28:15Z"`,
		"\xc7\x0c\xff\x00\x00\x00\x01" + strings.Repeat("\xff", 8): `"1969-12-31T23:59:59.000000001Z"`,
		"\xc5\x00\x01a": `"YQ=="`, "\xda\x00\x01a": `"a"`, "\xdc\x00\x01\xc2": "[false]", "\xde\x00\x01\xa0\xc3": `{"":true}`,
		"\x81\x05\xc0": `{"5":null}`, "\x81\xff\xc0": `{"-1":null}`,
	} {
		values, err := decode([]byte("\x81\xa1a" + text))
		if err != nil || string(raw(values["a"])) != want {
			t.Errorf("%x is %s, %v; want %s", text, values["a"], err, want)
		}
	}
}

// FuzzDecode: whatever a server has is members of valid JSON, or refused.
func FuzzDecode(f *testing.F) {
	var all serverVectors
	vectors(f, "flask-session.json", &all)
	for _, v := range all.Vectors {
		f.Add([]byte(unhex(f, v.Value)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := decode(data)
		if err != nil {
			return
		}
		wantJSON(t, values)
	})
}

// TestMemberTwiceInside: Python's dictionaries may have both 7 and "7" for names. Which one counts nobody knows, so
// that value is left out, and no other.
func TestMemberTwiceInside(t *testing.T) {
	kv := kept{}
	onServer, cookie := keyValueImporter(t, Config{}, kv), cookieImporter(t, config())
	for name, data := range map[string]string{
		"JSON":        `{"_user_id":"42","cart":[{"7":1,"7":2}],"n":[{"7":1}]}`,
		"tag":         `{"_user_id":"42","cart":{" t":[{"7":1,"7":2}]},"n":1}`,
		"MessagePack": "\x83\xa8_user_id\xa242\xa4cart\x91\x82\x07\x01\xa17\x02\xa1n\x01",
	} {
		open, value := onServer.Open, sid
		kv["session:"+sid] = data
		if name == "tag" {
			open, value = cookie.Open, signed(t, b64(data), "ZVPxAA")
		}
		f, err := open(t.Context(), value)
		if err != nil || f.Subject != "42" || f.Values["cart"] != nil || f.Values["n"] == nil {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	f, err := cookie.Open(t.Context(), signed(t, b64(`{" di":{" t__":{"7":1,"7":2}}}`), "ZVPxAA"))
	if err != nil || len(f.Values) > 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestMirrorDeletesSessionsOnly: a visitor chooses the id in his cookie, and with a short prefix, or none, another
// program's key may be what it names. A pickle is a session: Flask-Session goes on to read it.
func TestMirrorDeletesSessionsOnly(t *testing.T) {
	for data, stays := range map[string]bool{
		"the queue": true, `["json"]`: true, `{"a":1}`: false, "\x80": false, "\x80\x05}.": false,
		`{"a":NaN}`: false, "(dp0\n.": false, "": true,
	} {
		kv := kept{"session:" + sid: data}
		if err := keyValueImporter(t, Config{Mirror: &Mirror{}}, kv).Mirror.Logout(t.Context(), sid); err != nil {
			t.Fatal(err)
		}
		if (len(kv) == 1) != stays {
			t.Errorf("%q: there is %v", data, kv)
		}
	}
	i := keyValueImporter(t, Config{Mirror: &Mirror{}}, brokenKept{kept{}, errDown})
	if err := i.Mirror.Logout(t.Context(), sid); !errors.Is(err, errDown) {
		t.Errorf("error is %v", err)
	}
}

var errDown = errors.New("connection refused")

type brokenKept struct {
	kept
	err error
}

func (b brokenKept) Get(context.Context, string) ([]byte, error) { return nil, b.err }
