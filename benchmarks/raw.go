package main

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// app is a site of net/http with sessions in the backend.
func (b *backend) app(name string) app {
	return app{"nethttp", ours, name, func() (site, error) {
		m, err := session.New(b.store, session.Options{})
		if err != nil {
			return nil, err
		}
		return nethttpSite(httpsession.Middleware(m),
			coatcheckHandlers(func(e exchange) *session.Session { return httpsession.From(e.r) })), nil
	}}
}

// raw is what a backend's own calls go by as a library.
const raw = "raw"

// raw is the same site, whose handlers make the minimal calls themselves.
func (b *backend) raw(name string) app {
	return app{"nethttp", raw, name, func() (site, error) {
		h := handlers[exchange]{"start": b.rawStart, "read": b.rawRead, "write": b.rawWrite}
		return nethttpSite(nil, h), nil
	}}
}

func (b *backend) rawStart(e exchange) (int, error) {
	name := base64.RawURLEncoding.EncodeToString(key(32))
	http.SetCookie(e.w, &http.Cookie{Name: cookieName, Value: name, Path: "/", Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode})
	return first, b.create(e.r.Context(), name, rawValue(first))
}

func (b *backend) rawRead(e exchange) (int, error) {
	c, err := e.r.Cookie(cookieName)
	if err != nil {
		return 0, err
	}
	return rawNumber(b.load(e.r.Context(), c.Value))
}

func (b *backend) rawWrite(e exchange) (int, error) {
	c, err := e.r.Cookie(cookieName)
	if err != nil {
		return 0, err
	}
	n, err := rawNumber(b.load(e.r.Context(), c.Value))
	if err != nil {
		return 0, err
	}
	return n + 1, b.update(e.r.Context(), c.Value, rawValue(n+1))
}

// rawSize is about what a store keeps for the measured session.
const rawSize = 128

// rawValue is a number that nothing has to parse.
func rawValue(n int) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, rawSize), uint64(n)), make([]byte, rawSize-8)...)
}

func rawNumber(value []byte, err error) (int, error) {
	if err == nil && len(value) != rawSize {
		err = errNoValue
	}
	if err != nil {
		return 0, err
	}
	return int(binary.BigEndian.Uint64(value)), nil
}
