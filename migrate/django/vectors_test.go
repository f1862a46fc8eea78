package fromdjango_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const (
	secret = "django-insecure-test-key"
	key    = "abcdefghijklmnopqrstuvwxyz012345"
)

var signedAt = time.Unix(1700000000, 0)

// vectorFile has the parts of the files in testdata that the tests look at.
type vectorFile struct {
	Vectors []vector `json:"vectors"`
	Verify  []struct {
		Name   string         `json:"name"`
		Cookie string         `json:"cookie"`
		Now    int64          `json:"now"`
		Loaded map[string]any `json:"loaded"`
	} `json:"verify"`
	Probe []struct {
		Name   string         `json:"name"`
		Data   map[string]any `json:"data"`
		Age    int64          `json:"age_s"`
		Loaded map[string]any `json:"loaded"`
	} `json:"expiry_probe"`
	Keys []struct {
		Backend string `json:"backend"`
		Prefix  string `json:"KEY_PREFIX"`
		Version int    `json:"VERSION"`
		Default string `json:"made_by_default_cache"`
		Made    string `json:"made"`
	} `json:"keys"`
}

type vector struct {
	Name       string         `json:"name"`
	Data       map[string]any `json:"data"`
	Cookie     string         `json:"cookie"`
	SessionKey string         `json:"session_key"`
	Row        string         `json:"session_data"`
	Expires    string         `json:"expire_date_sqlite"`
	FileName   string         `json:"file_name"`
	Content    string         `json:"content"`
	CacheKey   string         `json:"key"`
	Cached     string         `json:"value_hex"`
	Payload    string         `json:"payload_json"`
}

func vectors(t testing.TB, name string) vectorFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "django-"+name+"-5.2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vectorFile
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	return v
}

// config is for vectors, whose password hashes are of no password.
func config() fromdjango.Config {
	return fromdjango.Config{Secrets: []string{secret}, AnyPassword: true, Now: func() time.Time { return signedAt }}
}

func at(t time.Time) fromdjango.Config {
	c := config()
	c.Now = func() time.Time { return t }
	return c
}

func must(i session.Importer, err error) session.Importer {
	if err != nil {
		panic(err)
	}
	return i
}

// want compares a session with what Django read: its own names are not among the values, and what they say is.
func want(t *testing.T, v vector, f session.Foreign, err error, written time.Time) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	user, _ := v.Data["_auth_user_id"].(string)
	if f.Subject != user || !f.Written.Equal(written) || (f.ID == "") != (v.Cookie != "") {
		t.Errorf("%s: subject %q, written %v, ID %q", v.Name, f.Subject, f.Written, f.ID)
	}
	if got := decoded(t, f); !reflect.DeepEqual(got, programs(v.Data)) {
		t.Errorf("%s: values %v, want %v", v.Name, got, v.Data)
	}
	wantDeadline := time.Time{}
	if v.Name == "custom-expiry-iso" {
		wantDeadline = time.Date(2024, 2, 29, 12, 34, 56, 0, time.UTC)
	}
	if !f.Deadline.Equal(wantDeadline) {
		t.Errorf("%s: deadline %v, want %v", v.Name, f.Deadline, wantDeadline)
	}
}

func programs(data map[string]any) map[string]any {
	values := map[string]any{}
	for name, value := range data {
		if !slices.Contains([]string{"_auth_user_id", "_auth_user_backend", "_auth_user_hash", "_session_expiry"}, name) {
			values[name] = value
		}
	}
	return values
}

func decoded(t *testing.T, f session.Foreign) map[string]any {
	t.Helper()
	values := map[string]any{}
	for name, raw := range f.Values {
		var value any
		if err := json.Unmarshal(raw.(json.RawMessage), &value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		values[name] = value
	}
	return values
}

func TestSignedCookiesVectors(t *testing.T) {
	i := must(fromdjango.SignedCookies(config()))
	for _, v := range vectors(t, "signed-cookies").Vectors {
		f, err := i.Open(t.Context(), v.Cookie)
		want(t, v, f, err, signedAt)
	}
}

// Django's server lets set_expiry(300) pass, but the browser's cookie has ended then: a copy is not the visitor's.
func TestSignedCookiesAgeAsDjango(t *testing.T) {
	for _, v := range vectors(t, "signed-cookies").Verify {
		_, err := must(fromdjango.SignedCookies(at(time.Unix(v.Now, 0)))).Open(t.Context(), v.Cookie)
		if accepted := len(v.Loaded) > 0 && v.Loaded["_session_expiry"] == nil; accepted != (err == nil) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestRowVectors(t *testing.T) {
	for _, v := range vectors(t, "db-session").Vectors {
		db := oneRow(v.SessionKey, v.Row, v.Expires)
		i := must(fromdjango.DB(config(), fromdjango.Table{DB: db, Dialect: sqlstore.SQLite}))
		f, err := i.Open(t.Context(), v.SessionKey)
		want(t, v, f, err, signedAt)
	}
}

func TestFileVectors(t *testing.T) {
	folder := t.TempDir()
	i := must(fromdjango.Files(config(), folder))
	for _, v := range vectors(t, "file-session").Vectors {
		write(t, filepath.Join(folder, v.FileName), v.Content, signedAt)
		f, err := i.Open(t.Context(), key)
		want(t, v, f, err, signedAt)
	}
}

// Django's file back end forgets set_expiry(300), but the browser's cookie does not.
func TestFileAgeAsDjango(t *testing.T) {
	folder := t.TempDir()
	for _, p := range vectors(t, "file-session").Probe {
		text, err := json.Marshal(p.Data)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "sessionid"+key), seal(storeSalt, secret, b64(string(text)), signedAt), signedAt)
		now := signedAt.Add(time.Duration(p.Age) * time.Second)
		_, err = must(fromdjango.Files(at(now), folder)).Open(t.Context(), key)
		accepted := len(p.Loaded) > 0 && p.Loaded["_session_expiry"] == nil
		if accepted != (err == nil) || err != nil && reason(err) == "" {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// "Remember me" is set_expiry(60 days). It counts from the last write instead of SESSION_COOKIE_AGE, by which the file
// is over after 14 days. 0 and null mean SESSION_COOKIE_AGE.
func TestFileWithAnAgeOfItsOwn(t *testing.T) {
	folder := t.TempDir()
	for _, c := range []struct {
		expiry string
		days   int
		want   session.Reason
	}{
		{"5184000", 59, ""},
		{"5184000", 60, session.ReasonExpiredIdle},
		{"0", 13, ""},
		{"0", 14, session.ReasonExpiredIdle},
		{"null", 14, session.ReasonExpiredIdle},
		{`"2024-01-13T22:13:20"`, 59, ""},
		{`"2024-01-13T22:13:20"`, 60, session.ReasonExpiredAbsolute},
		{"[]", 59, session.ReasonCorrupt},
	} {
		text := seal(storeSalt, secret, b64(`{"_session_expiry":`+c.expiry+`}`), signedAt)
		write(t, filepath.Join(folder, "sessionid"+key), text, signedAt)
		now := signedAt.AddDate(0, 0, c.days)
		_, err := must(fromdjango.Files(at(now), folder)).Open(t.Context(), key)
		if reason(err) != c.want || c.want == "" && err != nil {
			t.Errorf("%s after %d days: %v, want %q", c.expiry, c.days, err, c.want)
		}
	}
}

func write(t *testing.T, path, text string, modified time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}

// The values are Django's pickles, which are refused, and then the same sessions as JSON.
func TestCacheVectors(t *testing.T) {
	all := vectors(t, "cache-session").Vectors
	for _, v := range all {
		pickle, err := hex.DecodeString(v.Cached)
		if err != nil {
			t.Fatal(err)
		}
		server := memory{v.CacheKey: pickle}
		i := must(fromdjango.Cache(config(), fromdjango.Cached{KeyValue: server}))
		_, err = i.Open(t.Context(), key)
		if reason(err) != session.ReasonCorrupt || !strings.Contains(err.Error(), "set SESSION_ENGINE to cached_db") {
			t.Errorf("%s: a pickle: %v", v.Name, err)
		}
		if server[v.CacheKey], err = json.Marshal(v.Data); err != nil {
			t.Fatal(err)
		}
		f, err := i.Open(t.Context(), key)
		want(t, v, f, err, time.Time{})
	}
}

func TestCacheKeysAsDjango(t *testing.T) {
	for _, v := range vectors(t, "cache-session").Keys {
		if v.Backend != "cache" {
			continue // cached_db is read from its table
		}
		server := memory{v.Made + v.Default: []byte("{}")} // one of them is empty
		i := must(fromdjango.Cache(config(), fromdjango.Cached{KeyValue: server, Prefix: v.Prefix, Version: v.Version}))
		if _, err := i.Open(t.Context(), key); err != nil {
			t.Errorf("%+v: %v", v, err)
		}
		if _, err := i.Open(t.Context(), "0"+key); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("another key: %v", err)
		}
	}
}

// reason is why a session was refused, and "" for another error.
func reason(err error) session.Reason {
	if refused, ok := errors.AsType[*session.NotImportedError](err); ok {
		return refused.Reason
	}
	return ""
}
