package main

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// site is a finished web app.
type site interface {
	client() client             // for requests in this process
	serve(l net.Listener) error // for requests over a network, until l is closed
}

// client serves requests of one site in this process, without a network and one at a time. What a server could keep
// from request to request it reuses, so that what is left is the cost of the framework, the handler and the session.
type client interface {
	get(path, cookie string)
	status() int       // of the last response
	body() string      // of the last response
	setCookie() string // the last response's Set-Cookie line, or ""
}

// httpSite is a site of a framework whose apps are http.Handlers.
type httpSite struct{ http.Handler }

func (s httpSite) serve(l net.Listener) error {
	return http.Serve(l, s) //nolint:gosec // the tests' own requests need no timeouts
}

func (s httpSite) client() client {
	header := http.Header{"Cookie": {""}}
	c := &httpClient{handler: s.Handler, cookies: header["Cookie"], header: http.Header{}}
	c.blank = http.Request{
		Method: http.MethodGet, URL: &url.URL{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header,
		Body: http.NoBody,
		Host: "localhost", RemoteAddr: "127.0.0.1:40000",
	}
	return c
}

// httpClient is also the http.ResponseWriter, with the optional interfaces of an HTTP/1 server's.
type httpClient struct {
	handler http.Handler
	blank   http.Request
	request http.Request
	cookies []string

	header  http.Header
	code    int
	content []byte
}

func (c *httpClient) get(path, cookie string) {
	clear(c.header)
	c.code, c.content = http.StatusOK, c.content[:0]
	c.request = c.blank // afresh: gorilla/sessions replaces the request's context in place
	c.request.URL.Path, c.cookies[0] = path, cookie
	c.handler.ServeHTTP(c, &c.request)
}

func (c *httpClient) status() int  { return c.code }
func (c *httpClient) body() string { return string(c.content) }

func (c *httpClient) setCookie() string {
	if lines := c.header["Set-Cookie"]; len(lines) > 0 {
		return lines[len(lines)-1]
	}
	return ""
}

func (c *httpClient) Header() http.Header    { return c.header }
func (c *httpClient) WriteHeader(status int) { c.code = status }

func (c *httpClient) Write(b []byte) (int, error) {
	c.content = append(c.content, b...)
	return len(b), nil
}

func (c *httpClient) WriteString(s string) (int, error) { //nolint:unparam // io.StringWriter
	c.content = append(c.content, s...)
	return len(s), nil
}

func (*httpClient) Flush() {}

func (*httpClient) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, errors.New("there is no connection")
}

// fiberSite is a site of Fiber, which stands on fasthttp.
type fiberSite struct{ app *fiber.App }

func (s fiberSite) serve(l net.Listener) error { return s.app.Listener(l) }

func (s fiberSite) client() client {
	return &fiberClient{handler: s.app.Handler(), in: bufio.NewReaderSize(nil, 1<<14)}
}

type fiberClient struct {
	handler fasthttp.RequestHandler
	ctx     fasthttp.RequestCtx
	in      *bufio.Reader
	text    strings.Reader

	path, cookie, request string
}

// get parses the request from its bytes as a server does: fasthttp keeps headers that are set by hand in another form.
func (c *fiberClient) get(path, cookie string) {
	if path != c.path || cookie != c.cookie {
		c.path, c.cookie = path, cookie
		c.request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nCookie: " + cookie + "\r\n\r\n"
	}
	c.ctx.Request.Reset()
	c.ctx.Response.Reset()
	c.ctx.ResetUserValues()
	c.text.Reset(c.request)
	c.in.Reset(&c.text)
	if err := c.ctx.Request.Read(c.in); err != nil {
		c.ctx.SetStatusCode(fasthttp.StatusBadRequest)
		return
	}
	c.handler(&c.ctx)
}

func (c *fiberClient) status() int  { return c.ctx.Response.StatusCode() }
func (c *fiberClient) body() string { return string(c.ctx.Response.Body()) }

func (c *fiberClient) setCookie() (line string) {
	c.ctx.Response.Header.VisitAllCookie(func(_, value []byte) { line = string(value) })
	return line
}
