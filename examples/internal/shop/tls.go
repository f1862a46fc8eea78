package shop

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"
)

// certificateLifetime is how long a certificate that the shop makes for itself is good for.
const certificateLifetime = 24 * time.Hour

// resolve finds out what -addr means, once: what is listened to is what has been checked.
func (o *options) resolve() error {
	at, err := net.ResolveTCPAddr("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("-addr has to be host:port, such as 127.0.0.1:8080: %w", err)
	}
	o.at = *at
	return nil
}

// checkTransport refuses what contradicts itself, and plain http where others could listen in.
func (o options) checkTransport() error {
	switch {
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return errors.New("-tls-cert and -tls-key belong together: give both, or -tls alone for a certificate of this run's")
	case o.https() && o.insecureHTTP:
		return errors.New("-tls and -insecure-http contradict each other: choose one")
	}
	if o.at.IP.IsLoopback() || o.https() || o.insecureHTTP {
		return nil
	}
	return fmt.Errorf("-addr %s is open to other machines, and plain http would show passwords and cookies "+
		"to whoever listens in: add -tls, or -insecure-http if nobody can", o.addr)
}

func (o options) https() bool { return o.tls || o.tlsCert != "" }

// url is the address to visit: with the name that -addr gives, which a certificate may be for.
func (o options) url(listening net.Addr) string {
	at := listening.String()
	if name, _, err := net.SplitHostPort(o.addr); err == nil && name != "" {
		_, port, _ := net.SplitHostPort(at) // a listener's address has one
		at = net.JoinHostPort(name, port)
	}
	if o.https() {
		return "https://" + at
	}
	return "http://" + at
}

// tlsConfig is nil for plain http.
func (o options) tlsConfig(log *slog.Logger) (*tls.Config, error) {
	if !o.https() {
		return nil, nil
	}
	certificate, err := o.certificate(log)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}}
	if o.framework == "fiber" {
		config.NextProtos = config.NextProtos[1:] // Fiber's server knows no HTTP/2
	}
	return config, nil
}

func (o options) certificate(log *slog.Logger) (tls.Certificate, error) {
	if o.tlsCert == "" {
		return o.makeCertificate(log)
	}
	certificate, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return certificate, fmt.Errorf("-tls-cert and -tls-key: %w", err)
	}
	return certificate, nil
}

// makeCertificate makes a key and a certificate that are never written down. Browsers warn about it, because nobody
// vouches for it; its fingerprint lets a careful visitor compare.
func (o options) makeCertificate(log *slog.Logger) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := o.template(time.Now())
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	log.Info("made a certificate for this run, and browsers will warn about it",
		"sha256", fmt.Sprintf("%X", sha256.Sum256(der)), "until", template.NotAfter)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// template is a certificate for this machine's own names and the one in -addr.
func (o options) template(now time.Time) *x509.Certificate {
	t := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "shop"},
		NotBefore:             now.Add(-time.Minute), // for clocks that are late
		NotAfter:              now.Add(certificateLifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	host, _, _ := net.SplitHostPort(o.addr) // has been resolved
	host, _, _ = strings.Cut(host, "%")
	if ip := net.ParseIP(host); ip != nil {
		t.IPAddresses = append(t.IPAddresses, ip)
	} else if host != "" && host != "localhost" {
		t.DNSNames = append(t.DNSNames, host)
	}
	return t
}
