package fromflask

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// TestSealAsFlask: what a mirror writes has the bytes that Flask writes, but for those of zlib.
func TestSealAsFlask(t *testing.T) {
	var all cookieVectors
	vectors(t, "flask-cookie.json", &all)
	same := 0
	for _, v := range all.Vectors {
		want, err := untagged([]byte(v.TaggedJSON))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(v.TaggedJSON, `{" `) && !strings.Contains(v.TaggedJSON, `" di"`) {
			continue // of a type that JSON does not have
		}
		c := Config{Secrets: v.secrets(t), Now: at(v.Timestamp + 5), Mirror: &Mirror{}}
		p, err := c.prepare("cookie-session")
		if err != nil {
			t.Fatal(err)
		}
		text, err := compact(want)
		if err != nil {
			t.Fatal(err)
		}
		values, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		cookie := p.seal(values.(map[string]any))
		body, _, err := p.unsealed(cookie)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := plain(body); err != nil || string(got) != v.TaggedJSON {
			t.Errorf("%s: %s, %v; want %s", v.Name, got, err, v.TaggedJSON)
		}
		if !v.Compressed && cookie != v.Cookie || v.Name == "compressed" && len(cookie) > len(v.Cookie)+20 {
			t.Errorf("%s: %s, want %s", v.Name, cookie, v.Cookie)
		}
		f, err := cookieImporter(t, c).Open(t.Context(), cookie)
		if err != nil || !reflect.DeepEqual(decoded(t, f.Values), decoded(t, want)) {
			t.Errorf("%s: %v, %v", v.Name, f.Values, err)
		}
		same++
	}
	if same < 18 {
		t.Errorf("%d vectors", same)
	}
}

var login = session.Foreign{
	Subject: "user:42",
	Values: map[string]any{
		"cart": json.RawMessage(`["apple",{" t":"x"}]`), "language": "ja 太郎", "count": 3,
		"_user_id": "1", "_id": "forged", "_permanent": true, "_fresh": false,
	},
}

// mirrored are the values of a login by a mirror.
func mirrored(t *testing.T, i session.Importer, old string) (value string, f session.Foreign) {
	t.Helper()
	value, err := i.Mirror.Login(t.Context(), old, login)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = i.Open(t.Context(), value); err != nil {
		t.Fatal(err)
	}
	return value, f
}

func userOf(_ context.Context, subject string) (any, error) {
	return strings.TrimPrefix(subject, "user:"), nil
}

// TestMirror: what a mirror writes is a login of the user's with the values, of which none can pass for a part of the
// login.
func TestMirror(t *testing.T) {
	want := map[string]any{
		"cart": []any{"apple", map[string]any{" t": "x"}}, "language": "ja 太郎", "count": 3.0, "_user_id": "42",
		"_fresh": true,
	}
	kv := kept{}
	for name, open := range map[string]func(Config) (session.Importer, error){
		"cookie":   Cookie,
		"KeyValue": func(c Config) (session.Importer, error) { return KeyValue(c, kv) },
		"JSON": func(c Config) (session.Importer, error) {
			c.Mirror.JSON = true
			return KeyValue(c, kv)
		},
	} {
		i, err := open(Config{Secrets: []string{"new", "old"}, Mirror: &Mirror{User: userOf}})
		if err != nil {
			t.Fatal(err)
		}
		value, f := mirrored(t, i, "")
		if got := decoded(t, f.Values); !reflect.DeepEqual(got, want) || f.Subject != "42" {
			t.Errorf("%s: %v of %q, want %v", name, got, f.Subject, want)
		}
		if again, _ := mirrored(t, i, value); i.Cookie.MaxAge != 0 || name != "cookie" && again == value {
			t.Errorf("%s: %+v, and a second login has the cookie %q after %q", name, i.Cookie, again, value)
		}
	}
}

// TestMirrorKeepsWhatNobodyHas: who has put something into his cart over there before he logs in here finds it there
// afterwards, as it was. What somebody else has over there is not his.
func TestMirrorKeepsWhatNobodyHas(t *testing.T) {
	const begun = `{"basket":{" t":["plum",2]},"language":"en","_id":"forged","_permanent":true}`
	c := config()
	c.Mirror = &Mirror{User: userOf, JSON: true}
	cookie := cookieImporter(t, c)
	value, f := mirrored(t, cookie, signed(t, b64(begun), "ZVPxAA"))
	if got := string(raw(f.Values["basket"])); got != `["plum",2]` || string(raw(f.Values["language"])) != `"ja 太郎"` {
		t.Errorf("the basket is %s, the language %s", got, f.Values["language"])
	}
	p, _ := c.prepare("cookie-session")
	body, _, _ := p.unsealed(value)
	if text, err := plain(body); err != nil || !strings.Contains(string(text), `"basket":{" t":["plum",2]}`) {
		t.Errorf("the tuple has become %s, %v", text, err)
	}
	c.Secrets = nil
	onServer := keyValueImporter(t, c, kept{"session:" + sid: `{"basket":["plum",2]}`})
	if _, f = mirrored(t, onServer, sid); string(raw(f.Values["basket"])) != `["plum",2]` {
		t.Errorf("on a server the basket is %s", f.Values["basket"])
	}
	for _, bad := range []string{
		"", "x", signed(t, b64(`{"basket":1,"_user_id":"7"}`), "ZVPxAA"), signed(t, b64(`{"basket":1}`), "ZVPxA"),
	} {
		if _, f = mirrored(t, cookie, bad); f.Values["basket"] != nil || string(raw(f.Values["_id"])) == `"forged"` {
			t.Errorf("%q: there is another's basket", bad)
		}
	}
}

// TestClocksThatDifferLogNobodyOut: to a mirror a cookie that does not open is a logout, and without one a visitor's
// first visit would be without his session. Flask's clock may be ahead of this one.
func TestClocksThatDifferLogNobodyOut(t *testing.T) {
	for ahead, want := range map[int64]session.Reason{1: "", 60: "", 61: session.ReasonUnopenable} {
		for _, m := range []*Mirror{nil, {}} {
			c := config()
			c.Now, c.Mirror = at(now-ahead), m
			if got := reasonOf(t, cookieImporter(t, c), simple); got != want {
				t.Errorf("%d s ahead, mirror %v: refused as %q, want %q", ahead, m, got, want)
			}
		}
	}
}

// TestMirrorForAFlaskBehind: Flask takes no cookie from the future, and its clock may be a few seconds behind.
func TestMirrorForAFlaskBehind(t *testing.T) {
	c := config()
	c.Mirror = &Mirror{}
	if _, f := mirrored(t, cookieImporter(t, c), ""); !f.Written.Equal(time.Unix(now-5, 0)) {
		t.Errorf("signed as of %v, want 5 s before %v", f.Written.Unix(), now)
	}
}

// TestMirrorOnServer: a login leaves the session of before, which is ended once it has succeeded; none opens anything
// after a logout.
func TestMirrorOnServer(t *testing.T) {
	kv := kept{"session:" + sid: "\x80", "session:": "not a session", "other": "value"}
	i := keyValueImporter(t, Config{Mirror: &Mirror{Permanent: true}}, kv)
	value, f := mirrored(t, i, sid)
	if _, err := i.Open(t.Context(), sid); err != nil {
		t.Errorf("the old session: error is %v", err)
	}
	if string(raw(f.Values["_permanent"])) != "true" || i.Cookie.MaxAge != 31*24*time.Hour || len(value) != 43 {
		t.Errorf("%q: %s for %v", value, f.Values, i.Cookie.MaxAge)
	}
	for _, v := range []string{sid, value, value, "", "../other", strings.Repeat("a", 43)} {
		if err := i.Mirror.Logout(t.Context(), v); err != nil {
			t.Errorf("%q: %v", v, err)
		}
	}
	if len(kv) != 2 {
		t.Errorf("there remain %v", kv)
	}
	if _, err := KeyValue(Config{Mirror: &Mirror{}}, broken{}); err == nil {
		t.Error("a mirror needs a server that can be written, and nobody says so")
	}
}

// TestMirrorElsewhere: an application without Flask-Login has its user under its own name and in its own type.
func TestMirrorElsewhere(t *testing.T) {
	c := config()
	c.User = "user_id"
	c.Mirror = &Mirror{
		User:   func(context.Context, string) (any, error) { return 42, nil },
		Client: func(context.Context) (string, string) { return "", "" },
	}
	_, f := mirrored(t, cookieImporter(t, c), "")
	if f.Subject != "42" || string(raw(f.Values["user_id"])) != "42" || string(raw(f.Values["_fresh"])) != "false" {
		t.Errorf("%q: %s", f.Subject, f.Values)
	}
}

// TestMirrorFails: a login that cannot be one in Flask writes nothing there, and says why. Of whom Flask does not know,
// core hears by ErrNotFound.
func TestMirrorFails(t *testing.T) {
	unknown := session.ErrNotFound
	kv := kept{}
	for name, c := range map[string]struct {
		mirror Mirror
		value  any
	}{
		"the user is unknown": {Mirror{User: func(context.Context, string) (any, error) { return nil, unknown }}, 1},
		"no JSON":             {Mirror{}, math.Inf(1)},
		"no MessagePack":      {Mirror{}, json.RawMessage("1e999")},
	} {
		i := keyValueImporter(t, Config{Mirror: &c.mirror}, kv)
		value, err := i.Mirror.Login(t.Context(), "", session.Foreign{Values: map[string]any{"a": c.value}})
		if err == nil || value != "" || len(kv) != 0 || c.mirror.User != nil && !errors.Is(err, unknown) {
			t.Errorf("%s: %q, %v; kept %v", name, value, err, kv)
		}
	}
}

// TestPythonBytes: Flask-Login recognizes a browser by how Python shows its name.
func TestPythonBytes(t *testing.T) {
	for text, want := range map[string]string{
		"": `b''`, `it's`: `b"it's"`, `it's "x"`: `b'it\'s "x"'`, "\\\t\x7fé": `b'\\\t\x7f\xc3\xa9'`,
	} {
		if got := pythonBytes(text); got != want {
			t.Errorf("%q is shown as %s, want %s", text, got, want)
		}
	}
}
