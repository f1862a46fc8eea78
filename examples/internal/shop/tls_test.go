package shop

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Whoever opens the shop to a network must not let passwords be overheard without knowing it.
func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	for _, addr := range []string{
		":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:80", "[::ffff:192.0.2.1]:80", "[2001:db8::1]:80",
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), time.Now, []string{"-addr", addr}, nil, &stdout, &stderr)
		want := "shop: -addr " + addr +
			" is open to other machines, and plain http would show passwords and cookies to whoever listens in: " +
			"add -tls, or -insecure-http if nobody can\n"
		if status != exitUsage || stderr.String() != want || stdout.Len() > 0 {
			t.Errorf("%s: status %d, stderr %q, want 2 and %q", addr, status, stderr.String(), want)
		}
		for _, flag := range []string{"-tls", "-insecure-http"} {
			if o, err := parseOptions([]string{"-addr", addr, flag}, nil); err != nil || o.https() != (flag == "-tls") {
				t.Errorf("%s %s: https %t, error %v", addr, flag, o.https(), err)
			}
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "127.1.2.3:80", "[::1]:0", "localhost:0", "[::ffff:127.0.0.1]:0"} {
		if o, err := parseOptions([]string{"-addr", addr}, nil); err != nil || o.https() {
			t.Errorf("%s: https %t, error %v", addr, o.https(), err)
		}
	}
}

// start runs the shop until the test ends, which has to end it well, and returns its URL.
func start(t *testing.T, args ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stdout, stderr := &waiter{lines: make(chan string, 1)}, &bytes.Buffer{}
	done := make(chan int, 1)
	go func() { done <- run(ctx, time.Now, args, func(string) string { return "" }, stdout, stderr) }()
	t.Cleanup(func() {
		stop()
		if status := <-done; status != 0 {
			t.Errorf("status %d: %s", status, stderr)
		}
	})
	select {
	case line := <-stdout.lines:
		return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	case status := <-done:
		done <- status
		t.Fatalf("the shop has ended: %s", stderr)
		return ""
	}
}

// trusting lets a visitor take the certificate that the shop has made, as a person who clicks the warning away, and
// returns where the connection's state will be.
func (v *visitor) trusting(t *testing.T) *tls.ConnectionState {
	seen := &tls.ConnectionState{}
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		VerifyConnection:   func(s tls.ConnectionState) error { *seen = s; return nil },
	}}
	t.Cleanup(transport.CloseIdleConnections)
	v.client = &http.Client{Timeout: patience, Transport: transport, CheckRedirect: client.CheckRedirect}
	return seen
}

func TestTLS(t *testing.T) {
	for _, store := range stores {
		for _, framework := range frameworks {
			t.Run(framework+"/"+store, func(t *testing.T) {
				t.Parallel()
				url := start(t, "-tls", "-framework", framework, "-store", store, "-addr", "localhost:0")
				if !strings.HasPrefix(url, "https://localhost:") {
					t.Fatalf("URL %s", url)
				}
				v := browser(t, url)
				connection := v.trusting(t)
				a := v.post("/login", rightOne, "Origin", url).leadsTo(t, "/")
				isStrict(t, a.header.Get("Set-Cookie"))
				v.get("/profile").has(t, http.StatusOK, "user1")
				isForThisMachine(t, connection.PeerCertificates[0])
				if http2 := connection.NegotiatedProtocol == "h2"; http2 != (framework != "fiber") {
					t.Errorf("protocol %q", connection.NegotiatedProtocol)
				}
				if a, err := program(t, strings.Replace(url, "https", "http", 1)).try(http.MethodGet, "/", ""); err == nil &&
					a.status == http.StatusOK {
					t.Error("the shop speaks plain http too")
				}
			})
		}
	}
}

func isStrict(t *testing.T, line string) {
	t.Helper()
	if !strings.HasPrefix(line, "__Host-") || !strings.HasSuffix(line, "; Path=/; HttpOnly; Secure; SameSite=Lax") {
		t.Errorf("cookie %q", line)
	}
}

func isForThisMachine(t *testing.T, c *x509.Certificate) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(c)
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		if _, err := c.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			t.Errorf("certificate: %v", err)
		}
	}
	if left := time.Until(c.NotAfter); left > certificateLifetime || c.IsCA {
		t.Errorf("the certificate is good for %v, for others too: %t", left, c.IsCA)
	}
}

func TestCertificateIsForTheAddress(t *testing.T) {
	for addr, name := range map[string]string{
		"192.0.2.7:443": "192.0.2.7", "[2001:db8::1]:443": "2001:db8::1", "shop.test:443": "shop.test",
	} {
		if err := (options{addr: addr}).template(time.Now()).VerifyHostname(name); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestGivenCertificate(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	made, err := options{addr: "localhost:0"}.makeCertificate(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: made.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := browser(t, start(t, "-tls-cert", cert, "-tls-key", key, "-addr", "127.0.0.1:0"))
	connection := v.trusting(t)
	v.get("/").has(t, http.StatusOK)
	if !bytes.Equal(connection.PeerCertificates[0].Raw, made.Certificate[0]) {
		t.Error("this is not the certificate that was given")
	}

	for want, args := range map[string][]string{
		"shop: -tls-cert and -tls-key: open nonesuch: no such file": {"-tls-cert", "nonesuch",
			"-tls-key", key},
		"shop: -tls-cert and -tls-key: tls: failed to find any PEM data in key input": {"-tls-cert", cert,
			"-tls-key", os.DevNull},
		"shop: -tls-cert and -tls-key belong together":                                 {"-tls", "-tls-cert", cert},
		"shop: -tls and -insecure-http contradict each other: choose one":              {"-tls", "-insecure-http"},
		"shop: -addr has to be host:port, such as 127.0.0.1:8080: address 127.0.0.1: ": {"-addr", "127.0.0.1"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), time.Now, args, nil, &stdout, &stderr); status == 0 ||
			!strings.HasPrefix(stderr.String(), want) || stdout.Len() > 0 {
			t.Errorf("%q: status %d, stderr %q, want %q", args, status, stderr.String(), want)
		}
	}
}
