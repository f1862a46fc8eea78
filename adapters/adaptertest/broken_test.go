package adaptertest_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
)

// defect is a good adapter behind or around something that breaks it, and the cases that must notice.
type defect struct {
	name    string
	outside func(http.Handler) http.Handler // of the sessions' middleware
	fails   []string                        // promise/case
}

var defects = []defect{
	{"only the first line of a header is shown", changing(func(r *http.Request) {
		for name, lines := range r.Header {
			r.Header[name] = lines[:1]
		}
	}), []string{"transport/two headers are no token"}},
	{"several lines of a header are shown as the last one", changing(func(r *http.Request) {
		for name, lines := range r.Header {
			r.Header[name] = lines[len(lines)-1:]
		}
	}), []string{"transport/two headers are no token"}},
	{"a token in the query is as good", changing(func(r *http.Request) {
		if token := r.URL.Query().Get("access_token"); token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
	}), []string{"transport/no token in query, form or elsewhere"}},
	{"a cookie is as good as the header", changing(func(r *http.Request) {
		if c, err := r.Cookie("__Host-id"); err == nil {
			r.Header.Set("Authorization", "Bearer "+c.Value)
		}
	}), []string{"transport/no cookie for a bearer, and none from it", "transport/either way, and nothing mixed"}},
	{"blanks in a token do not count", changing(func(r *http.Request) {
		if scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok {
			r.Header.Set("Authorization", scheme+" "+strings.NewReplacer("\t", "", "x", "").Replace(rest))
		}
	}), []string{"transport/hostile Authorization headers"}},
	{"response headers of a name that it does not know are left out", leavingOut("Session-Token"), []string{
		"transport/a bearer's session lives as a browser's", "transport/a planted token is dead after a login",
		"transport/a renewal reaches the bearer by header", "transport/a token that is due hands out the new one to all",
		"transport/a bearer's session expires", "transport/a failed save gives no token",
		"transport/no cross-site rule for a bearer",
	}},
	{"Vary is the framework's own", leavingOut("Vary"), []string{"transport/caches are told of the header"}},
	{"a guard's headers are left out", leavingOut("Www-Authenticate"), []string{"transport/a guard answers a bearer"}},
	{"Sec-Fetch-Site is not shown", changing(func(r *http.Request) {
		r.Header.Del("Sec-Fetch-Site")
		r.Header.Del("Origin")
	}), []string{"transport/either way, the cross-site rule is the cookie's"}},
	{"the agent is not shown", changing(func(r *http.Request) { r.Header.Del("User-Agent") }), []string{
		"binding/another browser under each policy", "binding/a thief leaves the owner's session alone",
		"binding/a bearer is bound as a browser is",
	}},
	{"the address is what the client says first", changing(func(r *http.Request) {
		if first, _, ok := strings.Cut(r.Header.Get("X-Forwarded-For"), ","); ok {
			r.Header.Set("X-Forwarded-For", first)
		}
	}), []string{"binding/X-Forwarded-For from a thief"}},
	{"X-Forwarded-For is taken for the connection's other end", changing(func(r *http.Request) {
		if forwarded := r.Header.Get("X-Forwarded-For"); forwarded != "" {
			r.RemoteAddr = "198.51.100.7"
		}
	}), []string{"binding/the owner behind a trusted proxy"}},
}

// changing lets the adapter see another request than the client has sent.
func changing(damage func(*http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			damage(r)
			next.ServeHTTP(w, r)
		})
	}
}

// leavingOut keeps a response header from the client.
func leavingOut(name string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&without{w, name}, r)
		})
	}
}

// without has no Unwrap, so that nobody gets past it.
type without struct {
	http.ResponseWriter
	name string
}

func (w *without) WriteHeader(status int) {
	delete(w.Header(), w.name)
	w.ResponseWriter.WriteHeader(status)
}

// TestDefectsAreNoticed runs cases against adapters with one defect each. Only a process of its own can fail without
// failing this test.
func TestDefectsAreNoticed(t *testing.T) {
	for _, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			output, err := runCases(t, d.name, d.fails)
			if err == nil {
				t.Fatalf("the suite passes:\n%s", output)
			}
			for _, c := range d.fails {
				if !strings.Contains(output, "--- FAIL: TestSubject/"+strings.ReplaceAll(c, " ", "_")+" ") {
					t.Errorf("%s does not fail:\n%s", c, output)
				}
			}
			if !strings.Contains(output, "why "+strings.SplitN(d.fails[0], "/", 2)[0]+": ") {
				t.Errorf("nothing says why it matters:\n%s", output)
			}
		})
	}
}

// The same server without a defect passes, so that it is the defects that are noticed.
func TestTheUnbrokenAdapterPasses(t *testing.T) {
	var all []string
	for _, d := range defects {
		all = append(all, d.fails...)
	}
	if output, err := runCases(t, "none", all); err != nil || !strings.Contains(output, "--- PASS: TestSubject/") {
		t.Errorf("%v\n%s", err, output)
	}
}

const subjectVariable = "ADAPTERTEST_SUBJECT"

// runCases runs TestSubject in a process of its own.
func runCases(t *testing.T, adapter string, cases []string) (output string, err error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var promises, names []string
	for _, c := range cases {
		promise, name, _ := strings.Cut(c, "/")
		promises = append(promises, regexp.QuoteMeta(promise))
		names = append(names, regexp.QuoteMeta(name))
	}
	pattern := "^TestSubject$/^(" + strings.Join(promises, "|") + ")$/^(" + strings.Join(names, "|") + ")$"
	cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.run="+pattern)
	cmd.Env = append(os.Environ(), subjectVariable+"="+adapter, "GORACE=atexit_sleep_ms=0") // a second each, otherwise
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestSubject runs the suite on the adapter that the environment names.
func TestSubject(t *testing.T) {
	name := os.Getenv(subjectVariable)
	if name == "" {
		t.Skip("a part of TestDefectsAreNoticed")
	}
	outside := changing(func(*http.Request) {})
	if i := slices.IndexFunc(defects, func(d defect) bool { return d.name == name }); i >= 0 {
		outside = defects[i].outside
	}
	adaptertest.Run(t, func(t testing.TB, app adaptertest.App) string {
		answer := func(w http.ResponseWriter, r *http.Request) { app.Answer(w, r, httpsession.From(r)) }
		var h http.Handler = http.HandlerFunc(answer)
		if app.Guard != nil {
			h = httpsession.Require(*app.Guard)(h)
		}
		for _, m := range slices.Backward(app.Managers) {
			h = httpsession.Middleware(m)(h)
		}
		return app.Start(t, outside(h))
	})
}
