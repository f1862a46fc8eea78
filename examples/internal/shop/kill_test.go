package shop

import (
	"bytes"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/internal/soak"
)

// child runs the shop as a program of its own, until the test ends or kill is called.
func child(t *testing.T, binary string, args ...string) (url string, kill func()) {
	t.Helper()
	var stderr bytes.Buffer
	cmd, stdout := exec.Command(binary, append(args, "-addr", "127.0.0.1:0")...), &waiter{lines: make(chan string, 2)}
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	kill = func() {
		_ = cmd.Process.Kill() // an error says that it has ended already
		<-ended
	}
	t.Cleanup(func() {
		kill()
		for _, bad := range []string{"DATA RACE", "panic", "level=ERROR"} {
			if strings.Contains(stderr.String(), bad) {
				t.Errorf("the shop's standard error mentions %q: %s", bad, stderr.String())
			}
		}
	})
	select {
	case line := <-stdout.lines:
		return strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), kill
	case <-ended:
		t.Fatalf("the shop ended at once: %s", stderr.String())
		return "", nil
	}
}

// An answer says that the change is saved, so it has to survive whatever happens to the process after it.
func TestKilledInTheMiddleOfWrites(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run kills nobody: what the shop does before is in the other tests")
	}
	binary := built(t)
	writes := soak.Size(800, 20_000)
	for _, b := range durable() {
		t.Run(b.name, func(t *testing.T) {
			store := b.new(t)
			url, kill := child(t, binary, "-store", store)
			c := gather(t, url, writes)
			c.await(http.StatusOK, writes/2, nil)
			kill()
			if sent := c.stop(); sent == writes {
				t.Fatalf("the shop was killed after all of the %d writes", writes)
			}
			url, _ = child(t, binary, "-store", store)
			if lost := c.check(url); lost > 0 {
				t.Errorf("%d writes that were answered 200 are lost", lost)
			}
			if m := c.member(); m != nil && len(m.get("/devices").state(t).Devices) < c.members {
				t.Errorf("user1 has fewer devices than the %d whose logins were answered", c.members)
			}
			t.Logf("answers by status: %v", c.count())
		})
	}
}
