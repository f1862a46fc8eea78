// Package grpcsession is what docs/grpc.md shows: sessions for the unary methods of a gRPC server.
package grpcsession

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// Sessions gives unary methods a session: session.From(ctx). The manager's Options.Transport is Bearer. The token comes
// in the metadata "authorization", and a new one leaves in "session-token".
func Sessions(m *session.Manager) grpc.UnaryServerInterceptor {
	wrap := httpsession.Middleware(m)
	return func(ctx context.Context, in any, i *grpc.UnaryServerInfo, next grpc.UnaryHandler) (out any, err error) {
		w, method := &response{header: http.Header{}}, func(w http.ResponseWriter, r *http.Request) {
			if out, err = next(r.Context(), in); err != nil {
				w.WriteHeader(http.StatusUnprocessableEntity) // for Options.SaveOn
			}
		}
		wrap(http.HandlerFunc(method)).ServeHTTP(w, requestFor(ctx, i.FullMethod))
		if token := w.header.Get("Session-Token"); token != "" {
			if grpc.SetHeader(ctx, metadata.Pairs("session-token", token)) != nil {
				return nil, status.Error(codes.Internal, "the method has sent the headers before its session was saved")
			}
		}
		if code, failed := codeOf[w.status]; failed { // the session's own answer, in place of the method's
			return nil, status.Error(code, strings.TrimSpace(w.body))
		}
		return out, err
	}
}

// codeOf are the codes of the answers that the session gives when it could not be loaded or saved.
var codeOf = map[int]codes.Code{
	http.StatusForbidden:           codes.PermissionDenied,
	http.StatusConflict:            codes.Aborted,
	http.StatusInternalServerError: codes.Internal,
	http.StatusServiceUnavailable:  codes.Unavailable,
}

// requestFor shows a call as the request that it is.
func requestFor(ctx context.Context, method string) *http.Request {
	r := (&http.Request{Method: http.MethodPost, RequestURI: method, Header: http.Header{}}).WithContext(ctx)
	received, _ := metadata.FromIncomingContext(ctx)
	for name, values := range received {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	if p, ok := peer.FromContext(ctx); ok {
		r.RemoteAddr = p.Addr.String()
	}
	return r
}

// response keeps what a session's middleware writes.
type response struct {
	header http.Header
	status int
	body   string
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) { w.status = status }

func (w *response) Write(b []byte) (int, error) {
	w.body += string(b)
	return len(b), nil
}
