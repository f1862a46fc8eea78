package browsertest

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/internal/soak"
)

// operators are the stores that the page of "coatcheck ui" is visited on.
var operators = map[string]func(*testing.T) string{
	"redis":    func(t *testing.T) string { return "redis://" + servers.Redis(t).Addr },
	"postgres": func(t *testing.T) string { return servers.PostgreSQLURL(servers.PostgreSQL(t)) },
}

// oneOfThem is a subject of the test's own, with a name that looks like something else.
const oneOfThem = `<b>Zoë</b> & "friends"`

// The operator's page in a browser: the address that is printed opens it, the sessions are counted, a subject is looked
// for and a session ended. SOAK=1 does so with 100 000 sessions.
func TestOperator(t *testing.T) {
	needChromium(t)
	sessions, full := 2000, soak.Wanted()
	if full {
		sessions, patience = 100_000, 10*time.Minute
	}
	command := filepath.Join(t.TempDir(), "coatcheck.exe")
	if err := buildCommand(command); err != nil {
		t.Fatal(err)
	}
	for name, address := range operators {
		t.Run(name, func(t *testing.T) {
			if !full { // which measures
				t.Parallel()
			}
			o := openOperator(t, command, address(t), sessions)
			began := time.Now()
			o.visit(o.ticket)
			t.Logf("the first page: %s", o.timing())
			o.want("page", o.path(), o.home)
			o.want("heading", o.text("h1"), "Live sessions")
			for o.text("main > .facts")[:7] != "Counted" { // each look waits a moment for the first count
				o.visit(o.home)
			}
			t.Logf("the last one: %s", o.timing())
			t.Logf("%d sessions were counted within %v, in %s", sessions, time.Since(began), o.memory())
			o.want("sessions", o.text("dd"), grouped(sessions+2))
			o.searchesAndEnds()
			o.looksGood()
		})
	}
}

// operator is somebody at the page of a store.
type operator struct {
	tab
	ticket string // the printed address, without its host
	home   string // the page's path
	pid    int
}

// openOperator runs the command on a store with sessions.
func openOperator(t *testing.T, command, address string, sessions int) *operator {
	t.Helper()
	store, err := storeurl.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if store.Migrate != nil {
		if err := store.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	crowd(t, store.Store, sessions)
	for _, age := range []time.Duration{time.Hour, 3 * day} {
		begin(t, aged(t, store.Store, age), oneOfThem, userAgents[5].of, networks[0])
	}
	page, pid := runCommand(t, command, address)
	host, path, _ := strings.Cut(strings.TrimPrefix(page, "http://"), "/")
	home, _, _ := strings.Cut("/"+path, "?")
	return &operator{visitor(t, "http://"+host), "/" + path, home, pid}
}

// buildCommand compiles the command within the workspace: by itself it has no other modules of this checkout.
func buildCommand(binary string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, ".")
	cmd.Dir = filepath.Join("..", "..", "..", "cmd", "coatcheck")
	cmd.Env = append(os.Environ(), "GOWORK=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// runCommand runs "coatcheck ui" until the test ends, and returns the address that it prints.
func runCommand(t *testing.T, command, store string) (address string, pid int) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(command, "ui")
	cmd.Env = append(os.Environ(), "COATCHECK_STORE="+store)
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, failed := bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended already
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("coatcheck ui: %v\n%s", err, stderr.String())
		}
	})
	if failed != nil {
		t.Fatalf("coatcheck ui printed %q", line)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

// timing is how long the page took, as the browser sees it.
func (o *operator) timing() string {
	o.t.Helper()
	return o.js(`(n => Math.round(n.responseEnd) + " ms until it was answered, " + Math.round(n.loadEventEnd) +
		" ms until it was shown")(performance.getEntriesByType("navigation")[0])`)
}

// memory is the most that the command has taken so far, where the system tells.
func (o *operator) memory() string {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.pid))
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	peak, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(peak)
}

// searchesAndEnds looks for a subject and ends one of its sessions.
func (o *operator) searchesAndEnds() {
	o.t.Helper()
	o.fill("#subject", oneOfThem)
	o.press("header button")
	o.want("heading", o.text("h1"), "Sessions of "+fmt.Sprintf("%q", oneOfThem))
	o.want("sessions", o.js(`String(document.querySelectorAll(".devices li").length)`), "2")
	o.want("client", o.text(".devices h2"), "Firefox on Linux")
	o.press(".devices .danger")
	o.want("question", o.text("h1"), "End this session?")
	o.press(".choice a")
	o.want("sessions after No", o.js(`String(document.querySelectorAll(".devices li").length)`), "2")
	o.press(".devices .danger")
	o.press(".choice button")
	o.want("answer", o.text("main p"), "The session has ended.")
	o.press("main .button")
	o.want("sessions after Yes", o.js(`String(document.querySelectorAll(".devices li").length)`), "1")
}

// looksGood looks at the pages in both schemes, and on a phone.
func (o *operator) looksGood() {
	o.t.Helper()
	const width = 390
	subject := o.path()
	o.do("be a phone", chromedp.EmulateViewport(width, 844, chromedp.EmulateMobile))
	for _, path := range []string{o.home, subject, subject + "&all=1"} {
		o.visit(path)
		o.want("width of "+path, o.js("String(document.documentElement.scrollWidth)"), fmt.Sprint(width))
	}
	o.visit(o.home)
	for scheme, background := range map[string]string{"light": "rgb(246, 245, 241)", "dark": "rgb(21, 24, 26)"} {
		o.prefer(scheme)
		o.want(scheme+" background", o.js("getComputedStyle(document.body).backgroundColor"), background)
	}
	o.want("bars", o.js(`String([...document.querySelectorAll("rect:not(.whole)")].some(
		bar => bar.getBoundingClientRect().width > 50))`), "true")
}

// prefer makes the browser one of a system that is light or dark.
func (o *operator) prefer(scheme string) {
	o.t.Helper()
	if _, err := chromedp.Call(o.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}); err != nil {
		o.t.Fatal(err)
	}
}

func grouped(n int) string {
	text := fmt.Sprint(n)
	if len(text) > 3 {
		return text[:len(text)-3] + "," + text[len(text)-3:]
	}
	return text
}

var operatorPictures = flag.String("operator-pictures", "", "write pictures of the operator's page to this folder")

// TestOperatorPictures makes docs/ui-*.png: go test -run OperatorPictures -operator-pictures ../../../docs
func TestOperatorPictures(t *testing.T) {
	if *operatorPictures == "" {
		t.Skip("no -operator-pictures")
	}
	needChromium(t)
	command := filepath.Join(t.TempDir(), "coatcheck.exe")
	if err := buildCommand(command); err != nil {
		t.Fatal(err)
	}
	address := operators["redis"](t)
	store, err := storeurl.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	for i, age := range []time.Duration{26 * time.Minute, 5 * time.Hour, 3 * day} {
		begin(t, aged(t, store.Store, age), "user:1042", userAgents[2*i+1].of, networks[i])
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	o := openOperator(t, command, address, 40_000)
	o.visit(o.ticket)
	for o.text("main > .facts")[:7] != "Counted" {
		o.visit(o.home)
	}
	for _, shot := range []struct {
		name, scheme  string
		width, height int64
		path          string
	}{
		{"ui-light.png", "light", 1200, 860, o.home}, {"ui-dark.png", "dark", 1200, 860, o.home},
		{"ui-phone.png", "light", 390, 844, o.home + "?subject=user:1042"},
	} {
		o.do("be of a size", chromedp.EmulateViewport(shot.width, shot.height))
		o.prefer(shot.scheme)
		o.visit(shot.path)
		png, err := chromedp.Run(o.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(*operatorPictures, shot.name), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
