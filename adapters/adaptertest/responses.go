package adaptertest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coder/websocket"

	session "github.com/coatcheck/coatcheck/core"
)

var responses = []testCase{
	{"P21", "the writer commits whichever way it is used", "a byte sent before the commit is a lie if the commit fails",
		writerCommits, NetHTTP},
	{"P21", "early hints do not commit", "1xx responses go out while the handler still works on the session",
		earlyHints, Interim},
	{"P21", "server-sent events", "a stream must reach the browser while it is written, and may still change the session",
		serverSentEvents, NetHTTP},
	{"P21", "websocket", "an upgrade is a response too: it carries the cookie, or does not happen", webSocket, NetHTTP},
	{"P21", "files", "ranges, conditional requests and sendfile are net/http's, not ours to break", files, NetHTTP},
	{"P21", "deadlines", "http.ResponseController must reach the connection", deadlines, NetHTTP},
	{"P21", "HTTP/2", "browsers speak it wherever there is https", http2, HTTP2},
	{"P15", "HEAD, 304, 405", "responses without a body have headers all the same", bodiless, ""},
}

// writerCommits uses a net/http response writer in all its ways, with a store that works and with one that fails.
func writerCommits(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	for name, write := range map[string]func(http.ResponseWriter){
		"Write":       func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
		"WriteString": func(w http.ResponseWriter) { _, _ = io.WriteString(w, "x") },
		"ReadFrom":    func(w http.ResponseWriter) { _, _ = io.Copy(w, strings.NewReader("x")) },
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK); _, _ = io.WriteString(w, "x") },
		"Flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush(); _, _ = io.WriteString(w, "x") },
		"controller": func(w http.ResponseWriter) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "x")
		},
		"trailer": func(w http.ResponseWriter) {
			header := w.Header()
			header.Set("Trailer", "X-Handler")
			_, _ = io.WriteString(w, "x")
			header.Set("X-Handler", "yes")
			header.Set(http.TrailerPrefix+"X-Late", "1")
		},
		"EarlyHints": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusOK)
			_, _ = io.WriteString(w, "x")
		},
	} {
		st.on("/"+name, func(c *Call) error {
			if name != "trailer" {
				c.Writer.Header().Set("X-Handler", "yes")
			}
			count.Update(c.Session, addOne)
			write(c.Writer)
			return nil
		})
		path := "/" + name
		if a := st.get(path, "").is(200, "x"); a.issued() == "" || a.header.Get("X-Handler") != "yes" {
			s.Errorf("%s: headers %v", name, a.header)
		}
		st.failing("Update")
		if a := st.get(path, cookie).refused(503).untouched(); a.header.Get("X-Handler")+a.header.Get("X-Late") != "" {
			s.Errorf("%s: the handler's header is in the error response", name)
		}
		st.store.Before(nil)
	}
}

func earlyHints(s *suite) {
	st := s.stored(session.Options{})
	st.on("/hints", func(c *Call) error {
		c.Writer.Header().Set("Link", "</style.css>; rel=preload")
		c.Writer.WriteHeader(http.StatusEarlyHints)
		count.Set(c.Session, 1)
		return c.Respond(200, "page")
	})
	hints := 0
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
			hints++
			if status != http.StatusEarlyHints || header.Get("Link") == "" || header.Get("Set-Cookie") != "" {
				s.Errorf("interim response %d with %v", status, header)
			}
			return nil
		},
	})
	cookie := st.ask(ctx, "/hints").is(200, "page").issued()
	if hints != 1 {
		s.Errorf("%d interim responses, want 1", hints)
	}
	st.reads(cookie, "", 1)
}

func serverSentEvents(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	seen := make(chan struct{})
	st.on("/events", func(c *Call) error {
		c.SetHeader("Content-Type", "text/event-stream")
		flush := http.NewResponseController(c.Writer).Flush
		_, err := io.WriteString(c.Writer, "data: first\n\n")
		err = errors.Join(err, flush())
		<-seen
		count.Update(c.Session, addOne)
		_, err2 := io.WriteString(c.Writer, "data: second\n\n")
		return errors.Join(err, err2, flush())
	})
	r, err := http.NewRequest(http.MethodGet, st.url+"/events", nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Cookie", cookieName+"="+cookie)
	response, err := st.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	body := bufio.NewReader(response.Body)
	line, err := body.ReadString('\n') // arrives while the handler waits for us
	close(seen)
	rest, err2 := io.ReadAll(body)
	if line != "data: first\n" || !strings.Contains(string(rest), "data: second") || err != nil || err2 != nil {
		s.Errorf("events %q and %q (%v, %v)", line, rest, err, err2)
	}
	st.eventually(func() bool { return st.get("/read", cookie).body == "/2" })
}

func webSocket(s *suite) {
	st := s.stored(session.Options{})
	st.on("/socket", func(c *Call) error {
		count.Update(c.Session, addOne)
		socket, err := websocket.Accept(c.Writer, c.Request, nil)
		if err != nil {
			return nil // the client has been answered
		}
		kind, message, err := socket.Read(context.Background())
		if err == nil {
			count.Update(c.Session, addOne)
			err = socket.Write(context.Background(), kind, bytes.ToUpper(message))
		}
		if err != nil {
			s.Error(err)
		}
		_ = socket.Close(websocket.StatusNormalClosure, "")
		return nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	//nolint:bodyclose // Dial's is not to be closed
	socket, response, err := websocket.Dial(ctx, st.url+"/socket", &websocket.DialOptions{HTTPClient: st.client})
	if err != nil {
		s.Fatal(err)
	}
	cookie := (&answer{s: s, header: response.Header}).issued()
	if err := socket.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		s.Fatal(err)
	}
	if _, message, err := socket.Read(ctx); string(message) != "HELLO" {
		s.Errorf("echo %q (%v)", message, err)
	}
	_, _, _ = socket.Read(ctx) // the close
	st.eventually(func() bool { return st.get("/read", cookie).body == "/2" })
	st.failing("Update")
	header := http.Header{"Cookie": {cookieName + "=" + cookie}}
	again := &websocket.DialOptions{HTTPClient: st.client, HTTPHeader: header}
	_, response, err = websocket.Dial(ctx, st.url+"/socket", again) //nolint:bodyclose // Dial's is not to be closed
	if err == nil {
		s.Fatal("the upgrade succeeded though the session was not saved")
	}
	if response == nil || response.StatusCode != http.StatusServiceUnavailable {
		s.Errorf("answer %v (%v), want a 503", response, err)
	}
}

func files(s *suite) {
	st := s.stored(session.Options{})
	content := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
	path := filepath.Join(s.TempDir(), "big.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		s.Fatal(err)
	}
	st.on("/file", func(c *Call) error {
		count.Update(c.Session, addOne)
		http.ServeFile(c.Writer, c.Request, path)
		return nil
	})
	whole := st.get("/file", "").is(200, string(content))
	cookie := whole.issued()
	for name, want := range map[string]struct {
		value, body string
		status      int
	}{
		"Range":             {"bytes=16-31", "0123456789abcdef", 206},
		"If-Modified-Since": {whole.header.Get("Last-Modified"), "", 304},
	} {
		r, err := http.NewRequest(http.MethodGet, st.url+"/file", nil)
		if err != nil {
			s.Fatal(err)
		}
		r.Header.Set("Cookie", cookieName+"="+cookie)
		r.Header.Set(name, want.value)
		st.do(r).is(want.status, want.body)
	}
	st.reads(cookie, "", 3)
	st.failing("Update")
	st.get("/file", cookie).refused(503)
}

func deadlines(s *suite) {
	st := s.stored(session.Options{})
	st.on("/slow", func(c *Call) error {
		control := http.NewResponseController(c.Writer)
		err := errors.Join(control.SetReadDeadline(time.Now().Add(time.Minute)),
			control.SetWriteDeadline(time.Now().Add(time.Minute)))
		if err != nil {
			return c.Respond(500, err.Error())
		}
		return c.Respond(200, itoa(count.Update(c.Session, addOne)))
	})
	st.get("/slow", "").is(200, "1").issued()
}

func http2(s *suite) {
	st := s.newSite()
	// a test server's own certificate
	st.client.Transport = &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	s.Cleanup(st.client.CloseIdleConnections)
	m, err := session.New(st.store, st.observed(session.Options{}))
	if err != nil {
		s.Fatal(err)
	}
	st.http2 = true
	st.start(m)
	proto := ""
	st.on("/add", func(c *Call) error {
		if proto = c.Request.Proto; !st.exchangeOf(c).Facts().TLS {
			s.Error("the exchange does not know that the connection is encrypted")
		}
		return c.Respond(200, itoa(count.Update(c.Session, addOne)))
	})
	st.on("/trailer", func(c *Call) error {
		header := c.Writer.Header()
		count.Update(c.Session, addOne)
		_, err := io.WriteString(c.Writer, "x")
		err = errors.Join(err, http.NewResponseController(c.Writer).Flush())
		header.Set(http.TrailerPrefix+"X-Sum", "1")
		return err
	})
	cookie := st.begun()
	st.get("/add", cookie).is(200, "2").untouched()
	if proto != "HTTP/2.0" {
		s.Errorf("served over %s", proto)
	}
	st.ask(context.Background(), "/read", "theme=dark", cookieName+"="+cookie).is(200, "/2")
	if a := st.get("/trailer", cookie).is(200, "x"); a.header.Get("X-Sum") != "1" {
		s.Errorf("headers %v, want the trailer X-Sum", a.header)
	}
	st.failing("Update")
	for _, path := range []string{"/add", "/trailer"} {
		if a := st.get(path, cookie).refused(503); a.header.Get("X-Sum") != "" {
			s.Errorf("headers %v: a swallowed response's trailer", a.header)
		}
	}
}

func bodiless(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	for _, c := range []struct {
		method string
		status int
	}{{http.MethodHead, 200}, {http.MethodGet, 304}, {http.MethodPut, 405}, {http.MethodOptions,
		204}, {http.MethodDelete, 404}} {
		st.on("/bodiless", func(call *Call) error {
			count.Update(call.Session, addOne)
			return call.Respond(c.status, "")
		})
		before := st.get("/read", cookie).body
		a := st.send(context.Background(), c.method, "/bodiless", cookieName+"="+cookie).is(c.status, "").untouched()
		if a.header.Get("Vary") != "Origin, Cookie" || a.header.Get("Cache-Control") != "private" {
			s.Errorf("%s %d: headers %v", c.method, c.status, a.header)
		}
		if after := st.get("/read", cookie).body; after == before {
			s.Errorf("%s %d: the change was not saved", c.method, c.status)
		}
		st.failing("Update")
		if a := st.send(context.Background(), c.method, "/bodiless", cookieName+"="+cookie); a.status != 503 {
			s.Errorf("%s %d: answer %d after a failed commit, want 503", c.method, c.status, a.status)
		}
		st.store.Before(nil)
	}
}
