package main

import (
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

var brief = timing{batch: 5 * time.Millisecond, rounds: 2}

// Each cell's answers are looked at one by one, so none of them measures an error.
func TestEveryAppServesOverHTTP(t *testing.T) {
	o := outsiders(t)
	for _, a := range (overHTTP{}).apps() {
		list, closes, err := a.open(overHTTPOps, brief.batch)
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		if err := brief.sampleAll(o, list, func() { steps++ }); err != nil {
			t.Error(err)
		}
		if steps != 2*2 {
			t.Errorf("%d steps, want 4", steps)
		}
		if err := closes(); err != nil {
			t.Error(err)
		}
	}
}

// A library that fails answers fast, and would look good over a network too.
func TestATargetThatDoesNotWorkIsAnError(t *testing.T) {
	o := outsiders(t)
	for _, a := range (overHTTP{}).apps() {
		if a.library == "none" {
			continue
		}
		list, closes, err := a.open(overHTTPOps, brief.batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			if err := x.sample(o); err != nil {
				t.Error(err)
			}
			x.load.Cookies[connections-1] = strangers
			if x.sample(o) == nil {
				t.Errorf("%s: without the session's cookie it passes for done", x.cell)
			}
		}
		if err := closes(); err != nil {
			t.Error(err)
		}
	}
}

// An answer that comes without its due number is a failure, whatever else is right about it.
func TestVisitorsCheckEveryAnswer(t *testing.T) {
	answers := []string{"12346", "12347", "12347"}
	var asked int
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	//nolint:errcheck // it ends with the listener
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, answers[min(asked, len(answers)-1)])
		asked++
	}))
	_, err = load{Addr: l.Addr().String(), Path: "/", Cookies: []string{anyCookie}, Next: []int{first + 1}, Step: 1,
		Duration: 5 * time.Second}.run()
	if err == nil || !strings.Contains(err.Error(), `200 "12347", want 200 "12348"`) {
		t.Errorf("the third answer is wrong, and the error is %v", err)
	}
}

// The visitors are a process of their own, and end with their input.
func TestVisitorsEnd(t *testing.T) {
	o, err := visitorsOutside()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.visit(load{Addr: "127.0.0.1:1", Path: "/", Cookies: []string{""}, Next: []int{0}}); err == nil {
		t.Error("nobody listens, and that is no error")
	}
	if err := o.close(); err != nil {
		t.Error(err)
	}
}

func outsiders(t *testing.T) *outside {
	t.Helper()
	o, err := visitorsOutside()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func TestSummary(t *testing.T) {
	list := []*connection{{next: 7, setsCookie: true}, {next: 8}}
	for i := range 50 {
		list[0].latencies, list[1].latencies = append(list[0].latencies, time.Duration(2*i)), append(list[1].latencies,
			time.Duration(2*i+1))
	}
	o := summary(list, time.Second/2)
	if o.P50 != 50 || o.P99 != 99 || o.rate() != 200 || !slices.Equal(o.Next, []int{7, 8}) || !o.SetsACookie ||
		!o.SetsNone {
		t.Errorf("the summary is %+v", o)
	}
}
