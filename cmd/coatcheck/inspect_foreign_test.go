package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/gob" //nolint:depguard // gorilla writes it
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	session "github.com/coatcheck/coatcheck/core"
)

// Made by Flask, Django and express-session: see migrate/flask, migrate/django and migrate/express.
const (
	flaskSecret  = "dev-secret-key"
	flaskCookie  = "eyJ1c2VybmFtZSI6IkpvaG5Eb2UifQ.ZVPxAA.IetOGcgfMG1QbZxHx923b1zsuWg"
	expressKey   = "keyboard cat"
	expressValue = "s%3AAAECAwQFBgcICQoLDA0ODxAREhMUFRYX.N0Id4opwqhaAYcoIYSsRkO1j3rAafXluGboH3Nk7dVc"
)

var vectorsTime = time.Unix(1700000000, 0)

func atVectors(shift time.Duration) *console {
	return &console{now: func() time.Time { return vectorsTime.Add(shift) }}
}

// djangoVector is a cookie with values, and its key.
func djangoVector(t *testing.T) (cookie, key string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "migrate", "django", "testdata", "django-signed-cookies-5.2.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Key     string `json:"secret_key"`
		Vectors []struct {
			Data   map[string]any
			Cookie string
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		if len(v.Data) > 0 && v.Data["_auth_user_id"] == nil {
			return v.Cookie, file.Key
		}
	}
	t.Fatal("no vector has values")
	return "", ""
}

const (
	gorillaHash  = "0123456789abcdef0123456789abcdef"
	gorillaBlock = "fedcba9876543210"
)

// gorillaCookie is signed under a name and encrypted.
func gorillaCookie(t *testing.T, name string, v any) string {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	value, err := securecookie.New([]byte(gorillaHash), []byte(gorillaBlock)).
		SetSerializer(securecookie.NopEncoder{}).Encode(name, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func inspectForeignJSON(t *testing.T, c *console, keys string, args ...string) (p presentedForeign) {
	t.Helper()
	t.Setenv(foreignKeysVariable, keys)
	status, stdout, stderr := callWith(c, append([]string{"inspect", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &p); err != nil || stderr != "" {
		t.Fatalf("%v in %q, stderr %q", err, stdout, stderr)
	}
	if want := map[bool]int{true: exitOK, false: exitNobody}[p.Accepted]; status != want {
		t.Errorf("status %d, want %d for %+v", status, want, p)
	}
	return p
}

func TestInspectForeign(t *testing.T) {
	django, djangoKey := djangoVector(t)
	today, vectors := &console{now: time.Now}, atVectors(time.Hour)
	for _, test := range []struct {
		why          string
		c            *console
		system, keys string
		value        string
		carries      string
		format       string
	}{
		{"Flask", vectors, "flask", "next\n" + flaskSecret + "\n", flaskCookie, carriesSession, "Flask's"},
		{"Flask, a line", vectors, "flask", flaskSecret, "Cookie: a=b; session=" + flaskCookie, carriesSession, "Flask's"},
		{"Flask, bytes", vectors, "flask", "hex:6465762d7365637265742d6b6579", flaskCookie, carriesSession, "Flask's"},
		{"Flask-Session", today, "flask", "x", strings.Repeat("A", 43), carriesID, "not signed"},
		{"Django", vectors, "django", djangoKey, django, carriesSession, "signed_cookies"},
		{"Django's key", today, "django", djangoKey, strings.Repeat("a", 32), carriesID, "not signed"},
		{
			"gorilla", today, "gorilla", gorillaHash + "\r\n" + gorillaBlock,
			"shop=" + gorillaCookie(t, "shop", map[any]any{"cart": []string{"tea"}, "n": 3}), carriesSession, "CookieStore",
		},
		{
			"redistore", today, "gorilla", gorillaHash + "\n" + gorillaBlock, "shop=" + gorillaCookie(t, "shop", "AN ID"),
			carriesID, "redistore",
		},
		{"express", today, "express", "next\n" + expressKey, expressValue, carriesID, "signed"},
		{"scs", today, "scs", "", strings.Repeat("A", 43), carriesID, "not signed"},
	} {
		p := inspectForeignJSON(t, test.c, test.keys, "--as", test.system, test.value)
		if !p.Accepted || p.Carries != test.carries || !strings.Contains(p.Format, test.format) {
			t.Errorf("%s: %+v", test.why, p)
		}
		if whole := test.carries == carriesSession; whole != (len(p.Values) > 0) || whole != !p.Written.IsZero() ||
			whole != p.Expires.After(p.Written) {
			t.Errorf("%s: %+v", test.why, p)
		}
	}
}

func TestInspectForeignValues(t *testing.T) {
	p := inspectForeignJSON(t, atVectors(0), flaskSecret, "--as", "flask", flaskCookie)
	if v := p.Values["username"]; v.Type != "string" || string(v.Value) != string(hidden(len(`"JohnDoe"`))) {
		t.Errorf("%s", v)
	}
	if want := vectorsTime.Add(31 * day); !p.Written.Equal(vectorsTime) || !p.Expires.Equal(want) {
		t.Errorf("written %s, expires %s", p.Written, p.Expires)
	}
	p = inspectForeignJSON(t, atVectors(0), flaskSecret, "--as", "flask", "--secrets", "--lifetime", "1h", flaskCookie)
	if v := p.Values["username"]; string(v.Value) != `"JohnDoe"` || !p.Expires.Equal(vectorsTime.Add(time.Hour)) {
		t.Errorf("%s, expires %s", v, p.Expires)
	}
	cookie := "shop=" + gorillaCookie(t, "shop", map[any]any{"cart": []string{"tea"}, "c": "d"})
	keys := gorillaHash + "\n" + gorillaBlock
	p = inspectForeignJSON(t, &console{now: time.Now}, keys, "--as", "gorilla", "--secrets", cookie)
	if v := p.Values["cart"]; v.Type != "[]string" || string(v.Value) != "[\n        \"tea\"\n      ]" {
		t.Errorf("%s", v)
	}
}

// djangoWith is a cookie of signed_cookies, from the time of the vectors, with a user and set_expiry.
func djangoWith(key, expiry string) string {
	const salt = "django.contrib.sessions.backends.signed_cookies"
	body := `{"_auth_user_id":"1","_auth_user_backend":"b","x":1,"_session_expiry":` + expiry + `}`
	text := base64.RawURLEncoding.EncodeToString([]byte(body)) + ":1r31eq" // 1700000000 in base 62
	hashed := sha256.Sum256([]byte(salt + "signer" + key))
	mac := hmac.New(sha256.New, hashed[:])
	mac.Write([]byte(text))
	return text + ":" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// request.session.set_expiry(300) ends a session in five minutes, and not in two weeks.
func TestInspectForeignExpires(t *testing.T) {
	for expiry, want := range map[string]time.Duration{
		"300": 5 * time.Minute, "0": 14 * day, "86400000": 14 * day, `"2023-11-15T00:13:20+02:00"`: 0,
	} {
		p := inspectForeignJSON(t, atVectors(-time.Second), "k", "--as", "django", djangoWith("k", expiry))
		if !p.Accepted || !p.Expires.Equal(vectorsTime.Add(want)) {
			t.Errorf("%s: %+v, want it to expire at %s", expiry, p, vectorsTime.Add(want))
		}
	}
}

// Of what could not be read nothing is said but that.
func TestInspectForeignThatCannotBeRead(t *testing.T) {
	t.Setenv(foreignKeysVariable, "k")
	for _, expiry := range []string{"1", "-1", `"2023-11-14T22:13:20"`} {
		args := []string{"inspect", "--as", "django", djangoWith("k", expiry)}
		status, stdout, _ := callWith(atVectors(time.Hour), args...)
		if status != exitNobody || !strings.Contains(stdout, "expired") || strings.Contains(stdout, "subject") ||
			strings.Contains(stdout, "values") {
			t.Errorf("%s: %d %s", expiry, status, stdout)
		}
	}
}

// The name in front of a value is the cookie's, whatever --name says of a bare one.
func TestInspectForeignName(t *testing.T) {
	value := gorillaCookie(t, "shop", map[any]any{"a": 1})
	for _, args := range [][]string{{"--name", "sid", "shop=" + value}, {"--name", "shop", value}} {
		args = append([]string{"--as", "gorilla"}, args...)
		p := inspectForeignJSON(t, &console{now: time.Now}, gorillaHash+"\n"+gorillaBlock, args...)
		if !p.Accepted || p.Name != "shop" {
			t.Errorf("%+v", p)
		}
	}
}

// An empty line stands for no block key.
func TestInspectForeignWithoutBlockKey(t *testing.T) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(map[any]any{"a": 1}); err != nil {
		t.Fatal(err)
	}
	value, err := securecookie.New([]byte(gorillaHash), nil).
		SetSerializer(securecookie.NopEncoder{}).Encode("shop", b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range []string{gorillaHash, gorillaHash + "\n\n", strings.Repeat("n", 32) + "\n\n" + gorillaHash} {
		if p := inspectForeignJSON(t, &console{now: time.Now}, keys, "--as", "gorilla", "shop="+value); !p.Accepted {
			t.Errorf("%q: %+v", keys, p)
		}
	}
}

func TestInspectForeignSaysWhyNot(t *testing.T) {
	redistore := gorillaCookie(t, "shop", "AN ID")
	for _, test := range []struct {
		why, system, keys, value, reason string
		c                                *console
	}{
		{"expired", "flask", flaskSecret, flaskCookie, "expired-idle", atVectors(32 * day)},
		{"another key", "flask", "x", flaskCookie, "unopenable", atVectors(0)},
		{"from the future", "flask", flaskSecret, flaskCookie, "unopenable", atVectors(-time.Hour)},
		{"no cookie of Flask's", "flask", flaskSecret, "a.b", "malformed", atVectors(0)},
		{"no cookie of Django's", "django", "x", "A", "malformed", atVectors(0)},
		{"another name", "gorilla", gorillaHash + "\n" + gorillaBlock, "cart=" + redistore, "unopenable", now(0)},
		{"without its block key", "gorilla", gorillaHash, "shop=" + redistore, "corrupt", &console{now: time.Now}},
		{"another secret", "express", "x", expressValue, "unopenable", now(0)},
		{"cut off", "scs", "", strings.Repeat("A", 42), "malformed", now(0)},
	} {
		p := inspectForeignJSON(t, test.c, test.keys, "--as", test.system, test.value)
		if p.Accepted || p.Reason != test.reason || p.Explanation == "" {
			t.Errorf("%s: %+v, want %s", test.why, p, test.reason)
		}
		if expired := strings.HasPrefix(test.reason, "expired"); expired != (len(p.Values) > 0) {
			t.Errorf("%s: %+v; want to know what it was, if it is only too old", test.why, p)
		}
	}
}

func TestInspectForeignRefusesWrongSettings(t *testing.T) {
	for _, test := range []struct{ want, keys, system, value string }{
		{foreignKeysVariable, "", "flask", "x"},
		{foreignKeysVariable, "\n", "express", "x"},
		{"line 2", "a\nhex:hunter2", "flask", "x"},
		{"line 1", "base64:", "flask", "x"},
		{"empty", "a\n\nb", "flask", "x"},
		{"name", "a", "gorilla", strings.Repeat("x", 30)},
		{"KeyPairs", "a\nhunter2", "gorilla", "a=b"},
		{"no cookie", "a", "flask", "="},
	} {
		t.Setenv(foreignKeysVariable, test.keys)
		status, stdout, stderr := call("inspect", "--as", test.system, test.value)
		if status != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) ||
			strings.Contains(stderr, "hunter2") {
			t.Errorf("%q: status %d, %q, %q; want %q", test.keys, status, stdout, stderr, test.want)
		}
	}
}

func TestInspectForeignKeysFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(flaskSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := inspectForeignJSON(t, atVectors(0), "another", "--as", "flask", "--keys-file", file, flaskCookie)
	if !p.Accepted {
		t.Errorf("%+v", p)
	}
}

// Neither cookies nor keys are in what is printed, and values only if they are asked for. No terminal obeys the rest.
func TestInspectForeignHides(t *testing.T) {
	cookie := gorillaCookie(t, "shop", map[any]any{"a" + hostile: "hunter2"})
	t.Setenv(foreignKeysVariable, gorillaHash+"\n"+gorillaBlock)
	for _, args := range [][]string{
		{"shop=" + cookie}, {"shop=" + cookie, "--json"}, {"sh=" + cookie}, {"shop=" + cookie[1:]}, {cookie},
	} {
		c := &console{now: time.Now}
		_, stdout, stderr := callWith(c, append([]string{"inspect", "--as", "gorilla"}, args...)...)
		for _, secret := range []string{cookie[1:], gorillaHash, gorillaBlock, "hunter2"} {
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("%q prints %q: %s%s", args, secret, stdout, stderr)
			}
		}
		if obeyed(stdout + stderr) {
			t.Errorf("a terminal obeys %q", stdout+stderr)
		}
	}
}

func FuzzInspectForeign(f *testing.F) {
	f.Add("flask", flaskCookie)
	f.Add("express", expressValue)
	f.Add("gorilla", "shop=MTcwMDAwMDAwMHxhfGI=")
	f.Add("django", strings.Repeat("a", 32))
	f.Add("scs", "Cookie: session="+strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, name, value string) {
		s := foreignSettings{keys: []string{flaskSecret}, lifetime: day, now: atVectors(0).now}
		for _, k := range parseCookies(value, systems[name].cookie) {
			s.cookie = "shop"
			found, err := systems[name].read(t.Context(), k.value, s)
			if err != nil {
				t.Fatal(err)
			}
			if found == nil { // there is no such system
				return
			}
			if found.reason != "" && found.reason != session.ReasonUnknown && found.detail == "" {
				t.Errorf("%+v says nothing", found)
			}
			if text := (inspect{}).presentForeign(*found).text(); obeyed(text) {
				t.Errorf("a terminal obeys %q", text)
			}
		}
	})
}
