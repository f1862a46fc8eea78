// Package browsertest visits the shop with a real browser, headless Chromium, on every framework, and the operator's
// page of sessions.
package browsertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// What all tests share. TestMain sets it before the first one.
var (
	program  string          // the shop
	clocked  string          // the same by a clock that its standard input moves
	chromium context.Context // the one browser; nil if there is none on this machine
)

func TestMain(m *testing.M) {
	status, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "browsertest:", err)
		status = 1
	}
	touch()
	os.Exit(status)
}

// run is TestMain with its cleanups. Without a browser the tests say so themselves.
func run(m *testing.M) (status int, err error) {
	path := findChromium()
	if path == "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "browsertest")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program, clocked = filepath.Join(dir, "shop.exe"), filepath.Join(dir, "timetravel.exe")
	if err := errors.Join(build(program, "./shop"), build(clocked, "./internal/shop/timetravel")); err != nil {
		return 0, err
	}
	var stop context.CancelFunc
	chromium, stop = chromedp.NewExecAllocator(context.Background(), flags(path, filepath.Join(dir, "profile"))...)
	defer stop()
	chromium, stop = chromedp.NewContext(chromium)
	defer stop()
	if err := chromedp.Do(chromium); err != nil { // starts it
		return 0, fmt.Errorf("start %s: %w", path, err)
	}
	return m.Run(), nil
}

func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func flags(path, profile string) []chromedp.ExecAllocatorOption {
	return append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.DisableGPU,
		chromedp.NoSandbox, // root and most containers cannot have one, and only the shop's own pages are visited
		chromedp.Flag("accept-lang", "en-US"),
		chromedp.Flag("disable-component-update", true),
		// The last one is a process in reserve for the next page, which few tests would ever use.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,SpareRendererForSitePerProcess"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("ignore-certificate-errors", true), // a visitor of -tls clicks the warning away
		chromedp.Flag("no-proxy-server", true),
	)
}

// build compiles a program as the shop's own module has it, without what only a debugger reads. When the tests run
// under the race detector, so does the program.
func build(binary, source string) error {
	args := []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", binary}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings,
		debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, source)...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// touch keeps "go test" from repeating this run's result when the shop has changed, or a browser is there now: it does
// not look at either of them, but it repeats nothing if a test opened a file that is brand-new in the end.
func touch() {
	_ = os.WriteFile("last-run.test", []byte(time.Now().String()), 0o600) // in a read-only folder it cannot be helped
}
