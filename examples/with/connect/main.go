// Connect is a service with sessions on Connect: visits, a login, and a stream.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const visits session.Key[int64] = "visits"

var guard session.Guard // lets everybody pass who is logged in

func main() {
	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true})
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background()) // gives the room of expired sessions back
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", site(sessions)))
}

// site mounts the service. A generated constructor, such as visitsv1connect.NewVisitsServiceHandler, takes the same
// options as these do, and the methods of your server the same context.
func site(sessions *session.Manager) http.Handler {
	options := connect.WithInterceptors(connect.UnaryInterceptorFunc(saving))
	mux := http.NewServeMux()
	mux.Handle("/visits.v1.Visits/Visit", connect.NewUnaryHandler("/visits.v1.Visits/Visit", visit, options))
	mux.Handle("/visits.v1.Visits/Login", connect.NewUnaryHandler("/visits.v1.Visits/Login", login, options))
	mux.Handle("/visits.v1.Visits/Me", connect.NewUnaryHandler("/visits.v1.Visits/Me", me, options))
	mux.Handle("/visits.v1.Visits/Logout", connect.NewUnaryHandler("/visits.v1.Visits/Logout", logout, options))
	mux.Handle("/visits.v1.Visits/Watch", connect.NewServerStreamHandler("/visits.v1.Visits/Watch", watch, options))
	return httpsession.Middleware(sessions)(mux)
}

// saving saves the session before the answer is sent, so that a client of any protocol learns of a failure in its own
// words.
func saving(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		answer, err := next(ctx, r)
		if failed := session.From(ctx).Save(); failed != nil {
			return nil, connect.NewError(codeOf(failed), errors.New("the session could not be saved"))
		}
		return answer, err
	}
}

func codeOf(err error) connect.Code {
	switch {
	case errors.Is(err, session.ErrConflict):
		return connect.CodeAborted // the client may try again
	case errors.Is(err, session.ErrEnded), errors.Is(err, session.ErrLoginRequired):
		return connect.CodeUnauthenticated
	case errors.Is(err, session.ErrCrossSite):
		return connect.CodePermissionDenied
	case errors.Is(err, session.ErrUnavailable):
		return connect.CodeUnavailable
	}
	return connect.CodeInternal
}

func visit(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.Int64Value], error) {
	n := visits.Update(session.From(ctx), func(n int64) int64 { return n + 1 })
	return connect.NewResponse(wrapperspb.Int64(n)), nil
}

func login(ctx context.Context, r *connect.Request[wrapperspb.StringValue]) (*connect.Response[emptypb.Empty], error) {
	if r.Msg.GetValue() == "" {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("the user is missing"))
	}
	session.From(ctx).Login(r.Msg.GetValue()) // a real app checks a password here
	return connect.NewResponse(&emptypb.Empty{}), nil
}

func me(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[wrapperspb.StringValue], error) {
	s := session.From(ctx)
	if err := guard.Check(s); err != nil {
		return nil, connect.NewError(codeOf(err), errors.New("not logged in"))
	}
	return connect.NewResponse(wrapperspb.String(s.Subject())), nil
}

func logout(ctx context.Context, _ *connect.Request[emptypb.Empty]) (*connect.Response[emptypb.Empty], error) {
	session.From(ctx).Destroy()
	return connect.NewResponse(&emptypb.Empty{}), nil
}

// watch counts the visit and saves it before it sends anything: the first message sends the headers, and the cookie
// with them.
func watch(
	ctx context.Context, _ *connect.Request[emptypb.Empty], stream *connect.ServerStream[wrapperspb.Int64Value],
) error {
	s := session.From(ctx)
	n := visits.Update(s, func(n int64) int64 { return n + 1 })
	if err := s.Save(); err != nil {
		return connect.NewError(codeOf(err), errors.New("the session could not be saved"))
	}
	return stream.Send(wrapperspb.Int64(n))
}
