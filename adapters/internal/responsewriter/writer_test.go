package responsewriter

import (
	"bufio"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// bare is a response writer without any optional interface.
type bare struct{ http.ResponseWriter }

type (
	flushes struct{}
	hijacks struct{}
	pushes  struct{}
)

func (flushes) Flush()                                       {}
func (hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, http.ErrNotSupported }
func (pushes) Push(string, *http.PushOptions) error          { return http.ErrNotSupported }

// behind hides a writer's interfaces behind Unwrap, as many a middleware does.
type behind struct{ http.ResponseWriter }

func (b behind) Unwrap() http.ResponseWriter { return b.ResponseWriter }

func interfaces(w http.ResponseWriter) string {
	var found []string
	if _, ok := w.(http.Flusher); ok {
		found = append(found, "Flusher")
	}
	if _, ok := w.(http.Hijacker); ok {
		found = append(found, "Hijacker")
	}
	if _, ok := w.(http.Pusher); ok {
		found = append(found, "Pusher")
	}
	return strings.Join(found, " ")
}

// A handler that finds an interface relies on it, and one that finds none does without: so claim what is there, no
// more and no less.
func TestTheWriterHasTheInterfacesOfTheOriginal(t *testing.T) {
	recorder := bare{httptest.NewRecorder()}
	for _, w := range []http.ResponseWriter{
		recorder,
		struct {
			bare
			flushes
		}{recorder, flushes{}},
		struct {
			bare
			hijacks
		}{recorder, hijacks{}},
		struct {
			bare
			pushes
		}{recorder, pushes{}},
		struct {
			bare
			flushes
			hijacks
		}{recorder, flushes{}, hijacks{}}, // HTTP/1
		struct {
			bare
			flushes
			pushes
		}{recorder, flushes{}, pushes{}}, // HTTP/2
		struct {
			bare
			hijacks
			pushes
		}{recorder, hijacks{}, pushes{}},
		struct {
			bare
			flushes
			hijacks
			pushes
		}{recorder, flushes{}, hijacks{}, pushes{}},
	} {
		for _, original := range []http.ResponseWriter{w, behind{w}} {
			x := &Exchange{w: original}
			wrapped := x.Writer()
			if got, want := interfaces(wrapped), interfaces(w); got != want {
				t.Errorf("%T: %q, want %q", original, got, want)
			}
			for _, always := range []bool{implements[io.ReaderFrom](wrapped), implements[io.StringWriter](wrapped)} {
				if !always {
					t.Errorf("%T: no ReaderFrom or StringWriter", original)
				}
			}
			if p, ok := wrapped.(http.Pusher); ok && !errors.Is(p.Push("/", nil), http.ErrNotSupported) {
				t.Errorf("%T: Push does not reach the original", original)
			}
			if n := testing.AllocsPerRun(10, func() { _ = x.Writer() }); n != 0 {
				t.Errorf("%T: choosing a writer allocates %v times", original, n)
			}
		}
	}
}

func implements[T any](w http.ResponseWriter) bool {
	_, ok := w.(T)
	return ok
}

// What http.ResponseController finds behind Unwrap must not send the headers past the commit. A hijacker writes headers
// of its own, so what needs a cookie does not happen unless WriteHeader(101) came first.
func TestAControllerCannotPassTheCommit(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	hijack := func(c *http.ResponseController) error { _, _, err := c.Hijack(); return err }
	upgrade := func(w http.ResponseWriter) error {
		w.WriteHeader(http.StatusSwitchingProtocols)
		return hijack(http.NewResponseController(w))
	}
	for name, c := range map[string]struct {
		send   func(http.ResponseWriter) error
		cookie bool
	}{
		"Flush":   {func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() }, true},
		"Hijack":  {func(w http.ResponseWriter) error { return hijack(http.NewResponseController(w)) }, false},
		"Upgrade": {upgrade, true},
	} {
		recorder := httptest.NewRecorder()
		w := behind{struct {
			*httptest.ResponseRecorder
			hijacks
		}{recorder, hijacks{}}}
		var x Exchange
		r, _ := x.Begin(m, w, httptest.NewRequest(http.MethodGet, "/", nil))
		session.From(r.Context()).Login("user:1")
		err := c.send(x.Writer())
		if got := w.Header().Get("Set-Cookie") != ""; got != c.cookie {
			t.Errorf("%s: the session's cookie is set: %t, want %t", name, got, c.cookie)
		}
		if !c.cookie && (!errors.Is(err, ErrSwallowed) || recorder.Code != http.StatusInternalServerError) {
			t.Errorf("%s: error %v and status %d, want the session's own 500", name, err, recorder.Code)
		}
		x.Finish(true, http.StatusOK)
	}
}

func TestAControllerStillReachesTheConnection(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(Middleware(m)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
	})))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// net/http removes the files that a form has left on disk, of the request that it knows; handlers parse a copy.
func TestTheServerSeesTheForm(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	form := &multipart.Form{}
	parse := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { r.MultipartForm = form })
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	Middleware(m)(parse).ServeHTTP(httptest.NewRecorder(), r)
	if r.MultipartForm != form {
		t.Error("the form stayed in the handler's copy of the request, so its files stay on disk")
	}
}
