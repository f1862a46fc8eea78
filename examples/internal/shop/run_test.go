package shop

import (
	"bytes"
	"context"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestBadFlags(t *testing.T) {
	for _, test := range []struct {
		args []string
		keys string
		want string
	}{
		{
			args: []string{"-framework", "rails"},
			want: `-framework is "rails" and must be nethttp, gin, echo, echov5, chi or fiber`,
		},
		{args: []string{"-store", "disk"}, want: `-store is "disk" and must be memory or cookie`},
		{args: []string{"-sealer", "wax"}, want: `-sealer is "wax" and must be securecookie or aead`},
		{args: []string{"-idle", "-1s"}, want: "-idle and -absolute must not be negative"},
		{args: []string{"-idle", "soon"}, want: "invalid value"},
		{args: []string{"-idle", "2h", "-absolute", "1h"}, want: "IdleTimeout is 2h0m0s"},
		{args: []string{"-nonesuch"}, want: "-nonesuch"},
		{args: []string{"serve"}, want: `"serve" is not a flag`},
		{args: []string{"-store", "cookie"}, keys: "secret", want: "COATCHECK_KEYS: session: keys"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), time.Now, append(test.args, "-addr", "127.0.0.1:0"),
			func(string) string { return test.keys }, &stdout, &stderr)
		if status != exitUsage || !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 ||
			strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("%q: status %d, stderr %q, want 2 and %q", test.args, status, stderr.String(), test.want)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), time.Now, []string{"-h"}, nil, &stdout, &stderr); status != 0 ||
		!strings.Contains(stderr.String(), "-allow-delay") {
		t.Errorf("status %d, stderr %q", status, stderr.String())
	}
}

func TestAddressInUse(t *testing.T) {
	at := strings.TrimPrefix(open(t, options{framework: "nethttp", store: "memory"}), "http://")
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), time.Now, []string{"-addr", at}, nil, &stdout, &stderr); status != exitFailure ||
		!strings.Contains(stderr.String(), "address already in use") {
		t.Errorf("status %d, stderr %q", status, stderr.String())
	}
}

// Sessions outlive a restart when they are sealed with a key of the operator's, and no secret is logged.
func TestRestartWithKeys(t *testing.T) {
	keys, err := session.GenerateKey("2026")
	if err != nil {
		t.Fatal(err)
	}
	_, secret, _ := strings.Cut(keys, ":")
	restart(t, "cookie", keys, secret)
}

// Sessions outlive a restart when they are kept on a disk, so the shop makes what it needs only where it is not there
// yet.
func TestRestartWithAStore(t *testing.T) {
	for _, b := range durable() {
		if b.name == "file" || b.name == "sqlite" {
			t.Run(b.name, func(t *testing.T) { restart(t, b.new(t), "", "password1") })
		}
	}
}

// restart runs the shop twice and looks for a visitor of the first time in the second.
func restart(t *testing.T, store, keys, secret string) {
	v := program(t, "")
	for round := range 2 {
		ctx, stop := context.WithCancel(t.Context())
		stdout, stderr := &waiter{lines: make(chan string, 1)}, &bytes.Buffer{}
		done := make(chan int)
		go func() {
			done <- run(ctx, time.Now, []string{"-store", store, "-framework", frameworks[round+1], "-addr", "127.0.0.1:0"},
				func(string) string { return keys }, stdout, stderr)
		}()
		v.url = strings.TrimSpace(strings.TrimPrefix(<-stdout.lines, "listening on "))
		if round == 0 {
			v.post("/login", "username=user1&password=password1").has(t, http.StatusOK)
		} else if st := v.get("/profile").state(t); *st.User != "user1" {
			t.Errorf("after the restart: %v", st)
		}
		stop()
		if status := <-done; status != 0 {
			t.Errorf("status %d", status)
		}
		if log := stderr.String(); strings.Contains(log, v.cookie) || strings.Contains(log, secret) ||
			round == 0 && !strings.Contains(log, "reason=created") || strings.Contains(log, "level=ERROR") {
			t.Errorf("log: %s", log)
		}
	}
}

// Whoever starts the shop has to learn that its store does not work, and a password is not for logs.
func TestStoreThatDoesNotWork(t *testing.T) {
	nowhere := "127.0.0.1:1" // where nobody listens
	unknown, missing := "-store: the store's URL has to begin with one of file://", ": no such file or directory"
	for store, want := range map[string]string{
		"postgres://shop:s3cret@" + nowhere + "/shop":                  "the postgres store does not work; see that",
		"postgres://shop:s3cret@" + nowhere + "/shop?sslmode=nonesuch": "postgres store: the URL cannot be read",
		"mysql://shop:s3cret@" + nowhere + "/shop":                     "the mysql store does not work",
		"redis://shop:s3cret@" + nowhere:                               "the redis store does not work",
		"redis://shop:s3cret@" + nowhere + "?addr=" + nowhere:          "the redis store does not work",
		"redis://shop:s3cret@" + nowhere + "x":                         "-store: the store's URL cannot be read",
		"memcached://" + nowhere:                                       "the memcached store does not work",
		"nonesuch://shop:s3cret@" + nowhere:                            unknown,
		"shop:s3cret@" + nowhere:                                       unknown,

		"sqlite:///nonesuch/shop.db":     "sqlite store: open /nonesuch/shop.db" + missing,
		"file:///nonesuch/shop/sessions": "-store: file store: filestore: open in /nonesuch/shop/sessions" + missing,
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), time.Now, []string{"-store", store, "-addr", "127.0.0.1:0"}, nil, &stdout, &stderr)
		if status != exitFailure || !strings.Contains(stderr.String(), want) || stdout.Len() > 0 ||
			strings.Contains(stderr.String(), "s3cret") {
			t.Errorf("%s: status %d, stderr %q, want 1 and %q without the password", store, status, stderr.String(), want)
		}
	}
}

// waiter hands over what is written to it.
type waiter struct{ lines chan string }

func (w *waiter) Write(b []byte) (int, error) {
	w.lines <- string(b)
	return len(b), nil
}

func TestStopsCleanly(t *testing.T) {
	binary := built(t)
	for i, framework := range frameworks {
		signal := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[i%2]
		t.Run(framework+"/"+signal.String(), func(t *testing.T) {
			t.Parallel()
			stopsOn(t, exec.Command(binary, "-framework", framework, "-addr", "127.0.0.1:0", "-allow-delay"), signal)
		})
	}
}

// stopsOn also leaves a connection open and a request in flight.
func stopsOn(t *testing.T, cmd *exec.Cmd, signal syscall.Signal) {
	var stderr bytes.Buffer
	stdout := &waiter{lines: make(chan string, 2)}
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	url := strings.TrimSpace(strings.TrimPrefix(<-stdout.lines, "listening on "))
	v := program(t, url)
	v.post("/cart/add", "item=apple").has(t, http.StatusOK)
	inFlight := make(chan answer, 1)
	go func() {
		a, err := v.try(http.MethodGet, "/cart", "", "X-Delay", "400ms")
		if err != nil {
			t.Errorf("the request in flight: %v", err)
		}
		inFlight <- a
	}()
	timer := time.AfterFunc(150*time.Millisecond, func() { _ = cmd.Process.Signal(signal) })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v; standard error: %s", err, stderr.String())
	}
	if a := <-inFlight; a.status != http.StatusOK {
		t.Errorf("the request in flight: %d %s", a.status, a.body)
	}
	if len(stdout.lines) > 0 {
		t.Errorf("a second line on standard output: %q", <-stdout.lines)
	}
}
