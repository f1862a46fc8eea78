package grpcsession

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const visits session.Key[int64] = "visits"

type method = func(ctx context.Context, s *session.Session) (string, error)

// methods are a service without generated code.
var methods = map[string]method{
	"Visit": func(_ context.Context, s *session.Session) (string, error) {
		visits.Update(s, func(n int64) int64 { return n + 1 })
		return "welcome", nil
	},
	"Me": func(_ context.Context, s *session.Session) (string, error) {
		if err := (session.Guard{}).Check(s); err != nil {
			return "", status.Error(codes.Unauthenticated, "please log in first")
		}
		return s.Subject() + "/" + string(rune('0'+visits.Get(s))), nil
	},
	"Login":  func(_ context.Context, s *session.Session) (string, error) { s.Login("user:42"); return "in", nil },
	"Renew":  func(_ context.Context, s *session.Session) (string, error) { s.Renew(); return "renewed", nil },
	"Logout": func(_ context.Context, s *session.Session) (string, error) { s.Destroy(); return "out", nil },
	"Early": func(ctx context.Context, s *session.Session) (string, error) {
		s.Renew()
		return "too late", grpc.SendHeader(ctx, nil)
	},
	"Refuse": func(_ context.Context, s *session.Session) (string, error) {
		visits.Set(s, 7)
		return "", status.Error(codes.InvalidArgument, "no")
	},
}

// failing is a store whose updates fail as long as it is told so.
type failing struct {
	*memstore.Store
	mu sync.Mutex
	is bool
}

func (f *failing) Update(ctx context.Context, r session.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.is {
		return context.DeadlineExceeded
	}
	return f.Store.Update(ctx, r)
}

func (f *failing) set(is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.is = is
}

// client keeps the newest token, as a client of the service would.
type client struct {
	t     *testing.T
	conn  *grpc.ClientConn
	token string
}

// dial serves the methods on a loopback address and returns a client.
func dial(t *testing.T, m *session.Manager) *client {
	t.Helper()
	service := grpc.ServiceDesc{ServiceName: "visits.v1.Visits", HandlerType: (*any)(nil)}
	for name, f := range methods {
		service.Methods = append(service.Methods, described(name, f))
	}
	server := newServer(m)
	server.RegisterService(&service, struct{}{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t: t, conn: conn}
}

func newServer(sessions *session.Manager) *grpc.Server {
	return grpc.NewServer(grpc.UnaryInterceptor(Sessions(sessions)))
}

func described(name string, f method) grpc.MethodDesc {
	run := func(ctx context.Context, _ any) (any, error) {
		text, err := f(ctx, session.From(ctx))
		return wrapperspb.String(text), err
	}
	return grpc.MethodDesc{MethodName: name, Handler: func(
		_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor,
	) (any, error) {
		in := &emptypb.Empty{}
		if err := decode(in); err != nil {
			return nil, err
		}
		return intercept(ctx, in, &grpc.UnaryServerInfo{FullMethod: "/visits.v1.Visits/" + name}, run)
	}}
}

// calls calls a method with its token, fails the test unless this is the answer, and keeps a new token. It returns
// whether there is one.
func (c *client) calls(name, answer string, code codes.Code) (fresh bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	if c.token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
	}
	var out wrapperspb.StringValue
	var header metadata.MD
	err := c.conn.Invoke(ctx, "/visits.v1.Visits/"+name, &emptypb.Empty{}, &out, grpc.Header(&header))
	if out.GetValue() != answer || status.Code(err) != code {
		c.t.Errorf("%s: %q, %v, want %q and %v", name, out.GetValue(), err, answer, code)
	}
	if len(header.Get("set-cookie")) > 0 {
		c.t.Errorf("%s sets a cookie", name)
	}
	tokens := header.Get("session-token")
	if len(tokens) > 0 {
		c.token = tokens[0]
	}
	return len(tokens) == 1
}

// with is the same client with another token.
func (c *client) with(token string) *client { return &client{c.t, c.conn, token} }

func TestACallHasASession(t *testing.T) {
	store := &failing{Store: memstore.New()}
	m, err := session.New(store, session.Options{Transport: session.Bearer, ClientHints: true,
		OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, m)
	c.calls("Me", "", codes.Unauthenticated)
	if !c.calls("Visit", "welcome", codes.OK) || c.calls("Visit", "welcome", codes.OK) {
		t.Error("the first visit gives no token, or the second one gives another")
	}
	planted := c.token
	if !c.calls("Login", "in", codes.OK) {
		t.Error("the login gives no token")
	}
	c.calls("Me", "user:42/2", codes.OK)
	c.with(planted).calls("Me", "", codes.Unauthenticated)
	c.with(c.token+" "+c.token).calls("Me", "", codes.Unauthenticated)

	old := c.token
	if !c.calls("Renew", "renewed", codes.OK) || c.token == old {
		t.Error("the renewal gives no token")
	}
	c.with(old).calls("Me", "", codes.Unauthenticated)
	c.calls("Refuse", "", codes.InvalidArgument)
	c.calls("Me", "user:42/7", codes.OK)

	store.set(true)
	for _, name := range []string{"Visit", "Renew"} {
		if c.calls(name, "", codes.Unavailable) {
			t.Errorf("%s failed and gives a token", name)
		}
	}
	store.set(false)
	c.calls("Me", "user:42/7", codes.OK)

	list, err := m.List(t.Context(), "user:42")
	if err != nil || len(list) != 1 || list[0].Agent != "grpc-go" || list[0].Network != "127.0.0.0/24" {
		t.Errorf("listed %+v, %v", list, err)
	}
	if c.calls("Logout", "out", codes.OK) {
		t.Error("the logout gives a token")
	}
	c.calls("Me", "", codes.Unauthenticated)
}

// A token that the client never gets is a session that it has lost, so the call cannot pass for a success.
func TestHeadersThatHaveLeftAreAnError(t *testing.T) {
	m, err := session.New(memstore.New(), session.Options{Transport: session.Bearer})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, m)
	c.calls("Visit", "welcome", codes.OK)
	c.calls("Early", "", codes.Internal)
}

// Both tokens are good until the new one has arrived, as for browsers.
func TestAPeriodicRenewalReachesTheClient(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	m, err := session.New(memstore.New(), session.Options{
		Transport: session.Bearer, RenewAfter: 10 * time.Minute, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, m)
	c.calls("Login", "in", codes.OK)
	old := c.token
	mu.Lock()
	now = now.Add(10 * time.Minute)
	mu.Unlock()
	lost := c.with(old)
	if !lost.calls("Me", "user:42/0", codes.OK) || !c.calls("Me", "user:42/0", codes.OK) || c.token != lost.token {
		t.Error("two calls with the old token do not get the same new one")
	}
	if c.calls("Me", "user:42/0", codes.OK) || c.token == old {
		t.Error("the new token is not the session's")
	}
}
