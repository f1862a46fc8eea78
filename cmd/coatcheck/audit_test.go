package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

var update = flag.Bool("update", false, "write docs/audit.md anew")

func stored(t *testing.T, o session.Options) session.Settings {
	t.Helper()
	m, err := session.New(memstore.New(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m.Settings()
}

func sealed(t *testing.T, o session.Options) session.Settings {
	t.Helper()
	m, err := session.NewSealed(session.TemporaryKeys(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m.Settings()
}

// auditOf runs the command on settings that a file has.
func auditOf(t *testing.T, v any, more ...string) (status int, stdout, stderr string) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return call(append([]string{"audit", file}, more...)...)
}

func TestAuditOfTheDefaults(t *testing.T) {
	status, stdout, stderr := auditOf(t, stored(t, session.Options{}))
	if status != exitOK || stderr != "" || !strings.HasPrefix(stdout, "manager id: ") ||
		!strings.Contains(stdout, " 0 not met") || !strings.Contains(stdout, "\nASVS 5.0\n  3.3.1  met    ") {
		t.Errorf("status %d, stderr %q, stdout:\n%s", status, stderr, stdout)
	}
	for _, args := range [][]string{{"--standard", "nist"}, {"--open"}} {
		if _, part, _ := auditOf(t, stored(t, session.Options{}), args...); len(part) >= len(stdout) ||
			strings.Contains(part, "3.3.1") {
			t.Errorf("%q: %s", args, part)
		}
	}
}

// verdicts are the states of all requirements for a manager at a level, by standard and number.
func verdicts(s session.Settings, aal int) map[string]state {
	all := map[string]state{}
	for _, f := range judge(settings{s, aal}, "all") {
		if all[f.Standard+" "+f.Number] != notMet {
			all[f.Standard+" "+f.Number] = f.State
		}
	}
	return all
}

// TestAuditNotices: each option that weakens something shows at the numbers that it concerns.
func TestAuditNotices(t *testing.T) {
	const day = 24 * time.Hour
	list := func(numbers ...string) []string { return numbers }
	for name, c := range map[string]struct {
		settings session.Settings
		aal      int
		state    state
		at       []string
	}{
		"http": {stored(t, session.Options{InsecureHTTP: true}), 2, notMet,
			list("ASVS 5.0 3.3.1", "ASVS 5.0 3.3.3", "NIST 800-63B-4 5.1", "NIST 800-63B-4 5.1.1 (1)",
				"NIST 800-63B-4 5.1.1 (5)", "OWASP Session Management Transport Layer Security")},
		"a name": {stored(t, session.Options{Cookie: session.Cookie{Name: "sid"}}), 2, notMet,
			list("ASVS 5.0 3.3.1", "ASVS 5.0 3.3.3")},
		"a domain": {stored(t, session.Options{Cookie: session.Cookie{Domain: "example.com"}}), 2, undecided,
			list("ASVS 5.0 3.3.3", "NIST 800-63B-4 5.1.1 (2)")},
		"frames": {stored(t, session.Options{Cookie: session.Cookie{SameSite: http.SameSiteNoneMode}}), 2, undecided,
			list("ASVS 5.0 3.3.2", "NIST 800-63B-4 5.1.1 (6)")},
		"cross-site": {stored(t, session.Options{AllowCrossSite: true}), 2, undecided, list("ASVS 5.0 3.5.1")},
		"persistent": {stored(t, session.Options{Cookie: session.Cookie{Persistent: true}}), 2, notMet,
			list("NIST 800-63B-4 5.1", "OWASP Session Management Cookies: Expire")},
		"sealed": {sealed(t, session.Options{}), 2, notMet,
			list("ASVS 5.0 7.2.4", "ASVS 5.0 7.4.1", "ASVS 5.0 7.4.2", "ASVS 5.0 7.4.3", "ASVS 5.0 7.4.5", "ASVS 5.0 7.5.2",
				"OWASP Session Management Manual Expiration")},
		"changes": {stored(t, session.Options{Basis: session.LastChange}), 2, notMet, list("NIST 800-63B-4 5.2")},
		"a long day": {stored(t, session.Options{AbsoluteTimeout: 2 * day}), 2, notMet,
			list("NIST 800-63B-4 2.2.3")},
		"idle for long": {stored(t, session.Options{IdleTimeout: time.Hour}), 2, notMet, // with the touch interval
			list("NIST 800-63B-4 2.2.3", "OWASP Session Management Idle Timeout")},
		"level 3": {stored(t, session.Options{MaxLifetime: 12 * time.Hour}), 3, notMet, list("NIST 800-63B-4 2.3.3")},
		"level 3 kept": {stored(t, session.Options{IdleTimeout: 10 * time.Minute, MaxLifetime: 12 * time.Hour}), 3, met,
			list("NIST 800-63B-4 2.3.3")},
		"level 1":      {stored(t, session.Options{MaxLifetime: 30 * day}), 1, met, list("NIST 800-63B-4 2.1.3")},
		"level 2 kept": {stored(t, session.Options{MaxLifetime: day}), 2, met, list("NIST 800-63B-4 2.2.3")},
	} {
		all := verdicts(c.settings, c.aal)
		for _, number := range c.at {
			if all[number] != c.state {
				t.Errorf("%s: %s is %q, want %q", name, number, all[number], c.state)
			}
		}
	}
}

func TestAuditFails(t *testing.T) {
	bad := []session.Settings{stored(t, session.Options{}), stored(t, session.Options{Name: "b", InsecureHTTP: true})}
	status, stdout, stderr := auditOf(t, bad, "--json", "--open")
	var all []audited
	if err := json.Unmarshal([]byte(stdout), &all); err != nil || status != exitFailed ||
		!strings.HasSuffix(stderr, "requirements not met\n") {
		t.Errorf("status %d, stderr %q, %v", status, stderr, err)
	}
	for _, f := range all {
		if f.State == met || f.Manager == "id" && f.State == notMet {
			t.Errorf("%v", f)
		}
	}
}

func TestAuditReads(t *testing.T) {
	text, err := json.Marshal(stored(t, session.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	answer := http.StatusOK
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answer)
		_, _ = w.Write(text)
	}))
	defer app.Close()
	want := "manager id: "
	if _, stdout, stderr := call("audit", app.URL+"/settings"); !strings.HasPrefix(stdout, want) {
		t.Errorf("an address: %q, %q", stdout, stderr)
	}
	c := &console{stdin: strings.NewReader(string(text))}
	if _, stdout, stderr := callWith(c, "audit"); !strings.HasPrefix(stdout, want) {
		t.Errorf("standard input: %q, %q", stdout, stderr)
	}
	answer = http.StatusForbidden
	for _, args := range [][]string{
		{app.URL}, {"http://user:s3cr3t@127.0.0.1:1/"}, {"https://\x7fs3cr3t/"}, {t.TempDir() + "/none"},
		{"audit_test.go"}, {"-"}, {"--aal", "4"},
	} {
		status, stdout, stderr := call(append([]string{"audit"}, args...)...)
		if status == exitOK || stdout != "" || strings.Contains(stderr, "s3cr3t") ||
			!strings.HasPrefix(stderr, "coatcheck: ") {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

// TestHostileSettings: an application's answer is no better than a visitor's text.
func TestHostileSettings(t *testing.T) {
	s := stored(t, session.Options{})
	s.Manager, s.Cookie.Name, s.Cookie.Domain, s.Cookie.SameSite = hostile, hostile, hostile, hostile
	for _, more := range [][]string{nil, {"--json"}} {
		if _, stdout, stderr := auditOf(t, s, more...); stdout == "" || obeyed(stdout) || obeyed(stderr) {
			t.Errorf("a terminal obeys %q", stdout)
		}
	}
}

const auditPage = "../../docs/audit.md"

// TestAuditPage: what the documentation says is what the command says of the defaults.
func TestAuditPage(t *testing.T) {
	got, err := os.ReadFile(auditPage)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(got), "## ")
	want := before + auditTables(stored(t, session.Options{}), sealed(t, session.Options{}))
	if string(got) == want {
		return
	}
	if !*update {
		t.Fatal("docs/audit.md is not what the command says: go test ./cmd/coatcheck -run TestAuditPage -update")
	}
	if err := os.WriteFile(auditPage, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}

// auditTables are the tables of the page.
func auditTables(stored, sealed session.Settings) (text string) {
	cell := strings.NewReplacer("|", `\|`)
	standard, other := "", judge(settings{sealed, 2}, "all")
	for i, f := range judge(settings{stored, 2}, "all") {
		if f.Standard != standard {
			standard = f.Standard
			text += "## " + standard + "\n\n| | requirement | in a store | sealed | how, or what to do |\n" +
				"| --- | --- | --- | --- | --- |\n"
		}
		hint := f.Hint
		if other[i].State != f.State {
			hint += "; sealed: " + other[i].Hint
		}
		text += fmt.Sprintf("| %s | %s | %s | %s | %s |\n", f.Number, cell.Replace(f.Text), stateWords[f.State],
			stateWords[other[i].State], cell.Replace(hint))
		if i+1 == len(other) || other[i+1].Standard != standard {
			text += "\n"
		}
	}
	return strings.TrimSuffix(text, "\n")
}

var stateWords = map[state]string{met: "met", notMet: "**not met**", undecided: "yours"}
