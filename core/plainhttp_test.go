package session

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
)

// A warning that is false once is not read the next time.
func TestWhatTheConnectionTells(t *testing.T) {
	const host = "Host"
	for _, c := range []struct {
		header           map[string]string
		tls              bool
		strict, insecure bool // the manager with the strict cookie warns, the one with InsecureHTTP does
	}{
		{map[string]string{host: "shop.test"}, false, true, false},
		{map[string]string{host: "shop.test:8080"}, false, true, false},
		{map[string]string{host: "203.0.113.7:80"}, false, true, false},
		{map[string]string{host: "[2001:db8::7]"}, false, true, false},
		{map[string]string{host: "localhost.example"}, false, true, false},
		{map[string]string{host: "shop.test", "X-Forwarded-Proto": "http"}, false, true, false},
		{map[string]string{host: "shop.test"}, true, false, true},
		{map[string]string{host: "shop.test", "Sec-Fetch-Site": "none"}, false, false, true},
		{map[string]string{host: "shop.test", "X-Forwarded-Proto": "HTTPS"}, false, false, true},
		{map[string]string{host: "shop.test", "Forwarded": `for=203.0.113.7;proto="https";by=10.0.0.1`}, false, false, true},
		{map[string]string{host: "shop.test", "Forwarded": "for=203.0.113.7; proto=https"}, false, false, true},
		{map[string]string{host: "shop.test", "Cf-Visitor": `{"scheme":"https"}`}, false, false, true},
		{map[string]string{host: "10.0.0.7:8080", "X-Forwarded-Host": "localhost:3000"}, false, false, false},
		{map[string]string{host: "127.0.0.1:8080", "X-Forwarded-Host": "shop.test", "X-Forwarded-Proto": "https"}, false,
			false, true},
		{map[string]string{host: "example.com"}, false, false, false},
		{map[string]string{host: ""}, false, false, false},
		{map[string]string{host: "localhost"}, false, false, false},
		{map[string]string{host: "LOCALHOST.:8080"}, true, false, false},
		{map[string]string{host: "shop.localhost:8080", "Sec-Fetch-Site": "none"}, false, false, false},
		{map[string]string{host: "127.8.9.10:80"}, false, false, false},
		{map[string]string{host: "[::1]:80"}, false, false, false},
		{map[string]string{host: "[::1]"}, true, false, false},
	} {
		x := onlyAsked{facts: RequestFacts{TLS: c.tls}, header: c.header}
		for insecure, want := range map[bool]bool{false: c.strict, true: c.insecure} {
			var told []Reason
			m, err := NewSealed(TemporaryKeys(), Options{
				InsecureHTTP: insecure, OnEvent: func(_ context.Context, e Event) { told = append(told, e.Reason) },
			})
			if err != nil {
				t.Fatal(err)
			}
			s := &Session{m: m, ctx: t.Context(), x: x}
			for range 3 {
				s.warnOfPlainHTTP()
			}
			if n := len(told); n > 1 || (n == 1) != want || n == 1 && (told[0] == ReasonInsecureHTTP) != insecure {
				t.Errorf("InsecureHTTP %t, TLS %t, %v: told %v, want a warning: %t", insecure, c.tls, c.header, told, want)
			}
		}
	}
}

func TestAWarningOfPlainHTTPIsLoggedAsOne(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	m, err := NewSealed(TemporaryKeys(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &Session{m: m, ctx: t.Context(), x: onlyAsked{header: map[string]string{"Host": "shop.test"}}}
	for range 2 {
		s.warnOfPlainHTTP()
	}
	line := log.String()
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, "level=WARN") || !strings.Contains(line, "InsecureHTTP") {
		t.Errorf("logged %q, want one warning that names the option", line)
	}
}
