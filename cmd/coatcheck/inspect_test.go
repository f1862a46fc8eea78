package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
)

// newKeys returns keys and sets the variable that holds them.
func newKeys(t *testing.T) session.Keys {
	t.Helper()
	text, err := session.GenerateKey("test")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := session.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(keysVariable, text)
	return keys
}

func sealedCookie(t *testing.T, keys session.Keys, o session.Options) (name, value string) {
	t.Helper()
	m, err := session.NewSealed(keys, o)
	if err != nil {
		t.Fatal(err)
	}
	c := sessiontest.Login(t, m, "user:42", func(s *session.Session) { theme.Set(s, "dark"); csrf.Set(s, "hunter2") })
	return c.Name, c.Value
}

// inspection is what inspect prints for machines.
type inspection struct {
	Alive       bool
	Reason      string
	Explanation string
	Name        string `json:"cookie_name"`
	Carrier     string
	Subject     string
	Handle      string
	Size        int
	Created     time.Time
	Expires     time.Time
	Values      map[string]any
}

func inspectJSON(t *testing.T, c *console, args ...string) (got inspection) {
	t.Helper()
	status, stdout, stderr := callWith(c, append([]string{"inspect", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || stderr != "" {
		t.Fatalf("%v in %s, stderr %q", err, stdout, stderr)
	}
	if want := map[bool]int{true: exitOK, false: exitNobody}[got.Alive]; status != want {
		t.Errorf("status %d, want %d for %+v", status, want, got)
	}
	return got
}

func now(shift time.Duration) *console {
	return &console{now: func() time.Time { return time.Now().Add(shift) }}
}

// Whatever the application chose, a cookie opens without a flag as long as its name is known or the usual one.
func TestInspectSealed(t *testing.T) {
	keys := newKeys(t)
	for _, test := range []struct {
		why      string
		o        session.Options
		withName bool
	}{
		{"the default", session.Options{}, false},
		{"the other sealer", session.Options{Sealer: session.AEAD}, false},
		{"development over http", session.Options{InsecureHTTP: true}, true},
		{"a cookie for subdomains", session.Options{Cookie: session.Cookie{Domain: "example.com"}}, false},
		{"a manager of another name", session.Options{Name: "admin"}, true},
		{"a cookie of another name", session.Options{Cookie: session.Cookie{Name: "sid"}}, true},
	} {
		name, value := sealedCookie(t, keys, test.o)
		spellings := []string{
			name + "=" + value, "Cookie: a=b; " + name + "=" + value + "; c=d",
			"Set-Cookie: " + name + "=" + value + "; Path=/; Secure",
		}
		if !test.withName {
			spellings = append(spellings, value)
		}
		for _, text := range spellings {
			got := inspectJSON(t, now(0), text)
			if !got.Alive || got.Subject != "user:42" || got.Name != name || got.Carrier != carrierCookie ||
				len(got.Handle) != 22 || got.Size == 0 {
				t.Errorf("%s: %q: %+v", test.why, text, got)
			}
			if got.Values["theme"] != "dark" || got.Values["csrf_token"] != "(hidden, 9 bytes; --secrets shows it)" {
				t.Errorf("%s: values %v", test.why, got.Values)
			}
		}
	}
}

func TestInspectReadsStandardInput(t *testing.T) {
	name, value := sealedCookie(t, newKeys(t), session.Options{})
	for _, args := range [][]string{nil, {"-"}} {
		c := now(0)
		c.stdin = strings.NewReader("  " + name + "=" + value + "\r\nnever read")
		if got := inspectJSON(t, c, args...); !got.Alive {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestInspectKeysFile(t *testing.T) {
	_, value := sealedCookie(t, newKeys(t), session.Options{})
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(os.Getenv(keysVariable)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	newKeys(t) // in the environment are others, over which the file wins
	if got := inspectJSON(t, now(0), value, "--keys-file", file); !got.Alive {
		t.Errorf("%+v", got)
	}
	if status, _, stderr := call("inspect", value, "--keys-file", file+"x"); status != exitFailed ||
		!strings.Contains(stderr, "--keys-file") {
		t.Errorf("a missing file: status %d, %s", status, stderr)
	}
}

func TestInspectSecrets(t *testing.T) {
	_, value := sealedCookie(t, newKeys(t), session.Options{})
	if got := inspectJSON(t, now(0), value, "--secrets"); got.Values["csrf_token"] != "hunter2" {
		t.Errorf("values %v", got.Values)
	}
}

func TestInspectSaysWhyNot(t *testing.T) {
	keys := newKeys(t)
	_, value := sealedCookie(t, keys, session.Options{})
	_, ofAdmin := sealedCookie(t, keys, session.Options{Name: "admin"})
	for _, test := range []struct {
		why, reason, value string
		later              time.Duration
		args               []string
	}{
		{"unused for too long", "expired-idle", value, time.Hour, nil},
		{"too old", "expired-absolute", value, 13 * time.Hour, nil},
		{"cut off", "unopenable", value[:len(value)-8], 0, nil},
		{"another manager's, and nobody says whose", "unopenable", ofAdmin, 0, nil},
		{"the wrong sealer", "unopenable", value, 0, []string{"--sealer", "aead"}},
		{"too long", "oversized", strings.Repeat("x", 5000), 0, nil},
	} {
		got := inspectJSON(t, now(test.later), append(test.args, test.value)...)
		if got.Alive || got.Reason != test.reason || got.Explanation == "" {
			t.Errorf("%s: %+v, want %s", test.why, got, test.reason)
		}
		if expired := strings.HasPrefix(test.reason, "expired"); expired != (got.Subject != "") {
			t.Errorf("%s: %+v; want to know whose it was, if it opened", test.why, got)
		}
	}
}

// Of several sessions the one that tells most is shown, and of two that are alive the first.
func TestInspectOfSeveral(t *testing.T) {
	keys := newKeys(t)
	_, first := sealedCookie(t, keys, session.Options{InsecureHTTP: true, Name: "id"})
	_, second := sealedCookie(t, keys, session.Options{})
	for text, want := range map[string]string{
		"id=" + first + "; __Host-id=" + second:        "id",
		"__Host-id=" + second + "; id=" + first:        "__Host-id",
		"id=" + first[1:] + "; __Host-id=" + second:    "__Host-id",
		"id=" + first + "; __Host-id=" + second[1:]:    "id",
		"Cookie: a=" + first + "; __Host-id=" + second: "__Host-id",
	} {
		if got := inspectJSON(t, now(0), text); !got.Alive || got.Name != want {
			t.Errorf("%q: %+v, want the one named %s", text, got, want)
		}
	}
}

// Every reason for which a cookie opens nothing has to mean something to people.
func TestReasonsAreExplained(t *testing.T) {
	for _, r := range []session.Reason{
		session.ReasonMalformed, session.ReasonOversized, session.ReasonUnknown, session.ReasonUnopenable,
		session.ReasonExpiredIdle,
		session.ReasonExpiredAbsolute, session.ReasonAlreadyEnded, session.ReasonSuperseded, session.ReasonCorrupt,
	} {
		if explanations[r] == "" {
			t.Errorf("%s is not explained", r)
		}
	}
}

// With both in the environment, each kind of cookie finds its way.
func TestInspectWithKeysAndStore(t *testing.T) {
	_, sealed := sealedCookie(t, newKeys(t), session.Options{})
	s := newSite(t, sqliteURL(t))
	stored := s.login("user:43", 0)
	t.Setenv("COATCHECK_STORE", s.url)
	if got := inspectJSON(t, now(0), sealed); !got.Alive || got.Carrier != carrierCookie || got.Subject != "user:42" {
		t.Errorf("the sealed one: %+v", got)
	}
	if got := inspectJSON(t, now(0), stored.Value); !got.Alive || got.Carrier != carrierStore || got.Subject != "user:43" {
		t.Errorf("the stored one: %+v", got)
	}
	if got := inspectJSON(t, now(time.Hour), stored.Value); got.Alive || got.Reason != "expired-idle" ||
		got.Subject != "user:43" {
		t.Errorf("the stored one, expired: %+v", got)
	}
}

// Cookies and keys never appear in what is printed, whatever becomes of them.
func TestInspectNeverPrintsTheCookie(t *testing.T) {
	keys := newKeys(t)
	name, value := sealedCookie(t, keys, session.Options{})
	_, secret, _ := strings.Cut(os.Getenv(keysVariable), ":")
	token := strings.Repeat("A", 43)
	for _, args := range [][]string{
		{value}, {name + "=" + value}, {"x y=" + value}, {value + "="}, {value, "--json"}, {value[1:]},
		{value, "--name", "a b"}, {value, value},
		{token, "--store", "redis://127.0.0.1:1", "--timeout", "1s"}, {token, "--store", sqliteURL(t)}, {"-" + value},
		{"--" + value},
	} {
		_, stdout, stderr := callWith(now(0), append([]string{"inspect"}, args...)...)
		for _, s := range []string{value[1:], secret, token} {
			if strings.Contains(stdout+stderr, s) {
				t.Errorf("%q prints a secret: %s%s", args, stdout, stderr)
			}
		}
	}
}

// A wrong setting is the caller's, and must not look like a cookie that does not open.
func TestInspectRefusesWrongSettings(t *testing.T) {
	newKeys(t)
	for want, args := range map[string][]string{
		"a b":           {"x", "--name", "a b"},
		"__Host-":       {"x", "--name", "__Host-id"},
		"none of these": {"x y=z"},
	} {
		status, _, stderr := call(append([]string{"inspect"}, args...)...)
		if status != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, stderr %q, want %q", args, status, stderr, want)
		}
	}
}
