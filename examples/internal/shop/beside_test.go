package shop

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/coatcheck/coatcheck/stores/memstore"
)

// What cannot be shared is said when the shop starts, without the secrets in it.
func TestBesideSaysWhatIsMissing(t *testing.T) {
	const django = "DJANGO_DATABASE_URL"
	for _, c := range []struct {
		day, want string
		env       map[string]string
	}{
		{"", "", map[string]string{"FLASK_SECRET_KEY": "s3cret"}},
		{"2027-03-01", "", map[string]string{"FLASK_SECRET_KEY": "s3cret"}},
		{"2027-03-01", "FLASK_SECRET_KEY", nil},
		{"2027-03-01", "Secrets", map[string]string{django: "postgres://me:s3cret@localhost/x"}},
		{"2027-03-01", django, map[string]string{"DJANGO_SECRET_KEY": "s3cret", django: "s3cret:"}},
		{"2027-03-01", "FLASK_SESSION_REDIS", map[string]string{"FLASK_SESSION_REDIS": "http://me:s3cret@localhost"}},
		{"March", "a day like", nil},
	} {
		err := startBeside(t, c.day, c.env)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if c.want == "" && said != "" || !strings.Contains(said, c.want) || strings.Contains(said, "s3cret") {
			t.Errorf("%q with %v: error %q, want %q in it and no secret", c.day, c.env, said, c.want)
		}
	}
}

func startBeside(t *testing.T, day string, env map[string]string) error {
	t.Helper()
	var args []string
	if day != "" {
		args = []string{"-beside-until", day}
	}
	o, err := parseOptions(args, io.Discard)
	if err != nil {
		return err
	}
	a, err := newApp(slog.New(slog.DiscardHandler), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = newSessions(o, a, memstore.New(), func(name string) string { return env[name] })
	if got := a.beside; err == nil && got != (day != "") {
		t.Errorf("%q: logins are shared: %t", day, got)
	}
	return err
}
