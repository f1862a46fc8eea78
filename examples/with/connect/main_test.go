package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// protocols are what a Connect server speaks. gRPC needs HTTP/2, which the test's server has.
var protocols = map[string][]connect.ClientOption{
	"Connect":  nil,
	"gRPC":     {connect.WithGRPC()},
	"gRPC-Web": {connect.WithGRPCWeb()},
}

// client is a browser or a program with a jar for its cookies.
type client struct {
	t        *testing.T
	store    *probe.Store
	sessions *session.Manager
	server   *httptest.Server
	http     *http.Client
	options  []connect.ClientOption
}

// eachProtocol runs f for a new server and a client of each protocol, over https with the strict cookie.
func eachProtocol(t *testing.T, f func(c *client)) {
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			c := &client{t: t, store: probe.New(memstore.New()), options: options}
			var err error
			c.sessions, err = session.New(c.store, session.Options{OnEvent: func(context.Context, session.Event) {}})
			if err != nil {
				t.Fatal(err)
			}
			c.server = httptest.NewUnstartedServer(site(c.sessions))
			c.server.EnableHTTP2 = true
			c.server.StartTLS()
			t.Cleanup(c.server.Close)
			c.http = c.server.Client()
			if c.http.Jar, err = cookiejar.New(nil); err != nil {
				t.Fatal(err)
			}
			f(c)
		})
	}
}

func call[Q, A any](c *client, method string, q *Q) (*A, error) {
	rpc := connect.NewClient[Q, A](c.http, c.server.URL+"/visits.v1.Visits/"+method, c.options...)
	answer, err := rpc.CallUnary(c.t.Context(), connect.NewRequest(q))
	if err != nil {
		return nil, err
	}
	return answer.Msg, nil
}

func (c *client) visit() (int64, error) {
	n, err := call[emptypb.Empty, wrapperspb.Int64Value](c, "Visit", &emptypb.Empty{})
	return n.GetValue(), err
}

func (c *client) login(user string) error {
	_, err := call[wrapperspb.StringValue, emptypb.Empty](c, "Login", wrapperspb.String(user))
	return err
}

func (c *client) me() (string, error) {
	user, err := call[emptypb.Empty, wrapperspb.StringValue](c, "Me", &emptypb.Empty{})
	return user.GetValue(), err
}

// watch returns the first message of the stream.
func (c *client) watch() (int64, error) {
	url := c.server.URL + "/visits.v1.Visits/Watch"
	rpc := connect.NewClient[emptypb.Empty, wrapperspb.Int64Value](c.http, url, c.options...)
	stream, err := rpc.CallServerStream(c.t.Context(), connect.NewRequest(&emptypb.Empty{}))
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	if !stream.Receive() {
		return 0, stream.Err()
	}
	return stream.Msg().GetValue(), nil
}

func (c *client) isCode(what string, err error, code connect.Code) {
	c.t.Helper()
	if connect.CodeOf(err) != code {
		c.t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func TestAClientWithAJarHasASession(t *testing.T) {
	eachProtocol(t, func(c *client) {
		for want := range int64(3) {
			if n, err := c.visit(); n != want+1 || err != nil {
				c.t.Errorf("a visit: %d %v, want %d", n, err, want+1)
			}
		}
		_, err := c.me()
		c.isCode("Me before the login", err, connect.CodeUnauthenticated)
		c.isCode("Login without a user", c.login(""), connect.CodeInvalidArgument)
		if err := c.login("alice"); err != nil {
			c.t.Error(err)
		}
		if user, err := c.me(); user != "alice" || err != nil {
			c.t.Errorf("Me: %q %v, want alice", user, err)
		}
		if _, err := call[emptypb.Empty, emptypb.Empty](c, "Logout", &emptypb.Empty{}); err != nil {
			c.t.Error(err)
		}
		_, err = c.me()
		c.isCode("Me after the logout", err, connect.CodeUnauthenticated)
	})
}

func TestAStreamSavesBeforeItsFirstMessage(t *testing.T) {
	eachProtocol(t, func(c *client) {
		for want := range int64(2) {
			if n, err := c.watch(); n != want+1 || err != nil {
				c.t.Errorf("%d %v, want %d", n, err, want+1)
			}
		}
	})
}

// A failure comes in the protocol's own form, whichever it is: gRPC has its codes in trailers.
func TestAFailedSaveHasACode(t *testing.T) {
	eachProtocol(t, func(c *client) {
		for name, test := range map[string]struct {
			fails error
			code  connect.Code
		}{
			"the store is down":           {errors.New("down"), connect.CodeUnavailable},
			"the session ended meanwhile": {nil, connect.CodeUnauthenticated},
		} {
			if err := c.login("alice"); err != nil {
				c.t.Fatal(err)
			}
			for _, ask := range []func() (int64, error){c.visit, c.watch} {
				c.once("Update", func() error {
					_, err := c.sessions.RevokeAll(c.t.Context(), "alice")
					return errors.Join(test.fails, err)
				})
				_, err := ask()
				c.isCode(name, err, test.code)
				if err := c.login("alice"); err != nil {
					c.t.Fatal(err)
				}
			}
		}
	})
}

// once runs f before the next call of a method of the store.
func (c *client) once(method string, f func() error) {
	c.store.Before(func(call probe.Call) error {
		if call.Method != method {
			return nil
		}
		c.store.Before(nil)
		return f()
	})
}

// A server has methods that need no session, and its interceptor runs for them too.
func TestTheInterceptorCostsNothingWhereTheSessionIsNotUsed(t *testing.T) {
	eachProtocol(t, func(c *client) {
		if err := c.login("alice"); err != nil {
			c.t.Fatal(err)
		}
		c.store.Reset()
		c.isCode("Login without a user", c.login(""), connect.CodeInvalidArgument)
		if n := c.store.Count(""); n != 0 {
			c.t.Errorf("%d store calls, want none", n)
		}
	})
}

// Without the interceptor a client has only the status of the error response to go by.
func TestWithoutTheInterceptor(t *testing.T) {
	eachProtocol(t, func(c *client) {
		bare := connect.NewUnaryHandler("/visits.v1.Visits/Visit", visit)
		c.server.Config.Handler = httpsession.Middleware(c.sessions)(bare)
		for err, code := range map[error]connect.Code{
			errors.New("down"):  connect.CodeUnavailable,
			session.ErrTooLarge: connect.CodeUnknown,
		} {
			c.once("Create", func() error { return err })
			_, failed := c.visit()
			c.isCode(err.Error(), failed, code)
		}
	})
}

// A session that could not be loaded must not pass as that of an anonymous visitor.
func TestAnOutageIsNoAnonymousVisitor(t *testing.T) {
	eachProtocol(t, func(c *client) {
		if err := c.login("alice"); err != nil {
			c.t.Fatal(err)
		}
		c.once("Load", func() error { return errors.New("down") })
		_, err := c.me()
		c.isCode("Me", err, connect.CodeUnavailable)
	})
}

func TestOtherSitesCannotCall(t *testing.T) {
	eachProtocol(t, func(c *client) {
		for site, status := range map[string]int{"cross-site": http.StatusForbidden, "same-origin": http.StatusOK} {
			url, body := c.server.URL+"/visits.v1.Visits/Visit", strings.NewReader("{}")
			r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, url, body)
			if err != nil {
				c.t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Sec-Fetch-Site", site)
			answer, err := c.http.Do(r)
			if err != nil {
				c.t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != status {
				c.t.Errorf("%s: %d, want %d", site, answer.StatusCode, status)
			}
		}
	})
}
