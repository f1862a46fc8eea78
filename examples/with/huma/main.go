// Huma is an API with sessions on Huma: visits, a login, and a stream of events.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/danielgtaylor/huma/v2/sse"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const visits session.Key[int] = "visits"

func main() {
	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true, ErrorResponse: failed})
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background()) // gives the room of expired sessions back
	mux := http.NewServeMux()
	register(humago.New(mux, huma.DefaultConfig("Visits", "1.0.0")))
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", httpsession.Middleware(sessions)(mux)))
}

func register(api huma.API) {
	protected := huma.Middlewares{loggedIn(api)}
	huma.Post(api, "/visits", visit)
	huma.Post(api, "/login", login)
	huma.Register(api, huma.Operation{Method: http.MethodGet, Path: "/me", Middlewares: protected}, me)
	huma.Post(api, "/logout", logout)
	events := huma.Operation{OperationID: "events", Method: http.MethodGet, Path: "/events"}
	sse.Register(api, events, map[string]any{"visits": Visits{}}, stream)
}

// Visits is how often somebody has been here.
type Visits struct {
	Count int `json:"count"`
}

// Account is who somebody is.
type Account struct {
	User string `json:"user" minLength:"1"`
}

type response[T any] struct{ Body T }

type request[T any] struct{ Body T }

func visit(ctx context.Context, _ *struct{}) (*response[Visits], error) {
	n := visits.Update(session.From(ctx), func(n int) int { return n + 1 })
	return &response[Visits]{Visits{n}}, nil
}

func login(ctx context.Context, r *request[Account]) (*response[Account], error) {
	session.From(ctx).Login(r.Body.User) // a real app checks a password here
	return &response[Account]{r.Body}, nil
}

// loggedIn lets only visitors through who are logged in.
func loggedIn(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(c huma.Context, next func(huma.Context)) {
		var guard session.Guard
		if err := guard.Check(session.From(c.Context())); err != nil {
			status, text := answerTo(err)
			_ = huma.WriteErr(api, c, status, text) // which it logs if it fails
			return
		}
		next(c)
	}
}

func me(ctx context.Context, _ *struct{}) (*response[Account], error) {
	return &response[Account]{Account{session.From(ctx).Subject()}}, nil
}

func logout(ctx context.Context, _ *struct{}) (*struct{}, error) {
	session.From(ctx).Destroy()
	return nil, nil
}

// stream counts the visit before it sends anything: the first event sends the headers, and the cookie with them.
func stream(ctx context.Context, _ *struct{}, send sse.Sender) {
	n := visits.Update(session.From(ctx), func(n int) int { return n + 1 })
	_ = send.Data(Visits{n}) // a client that is gone needs no event
}

// failed is the answer when a session could not be loaded or saved, in the form of Huma's errors.
func failed(err error, _ func(string) string) session.Response {
	status, text := answerTo(err)
	body, _ := json.Marshal(huma.NewError(status, text)) // strings and a number
	return session.Response{Status: status, ContentType: "application/problem+json", Body: body}
}

func answerTo(err error) (status int, text string) {
	switch {
	case errors.Is(err, session.ErrLoginRequired):
		return http.StatusUnauthorized, "log in first"
	case errors.Is(err, session.ErrConflict), errors.Is(err, session.ErrEnded):
		return http.StatusConflict, "the session has been changed or ended by another request"
	case errors.Is(err, session.ErrCrossSite):
		return http.StatusForbidden, "a page of another site has sent the request"
	case errors.Is(err, session.ErrUnavailable):
		return http.StatusServiceUnavailable, "the session is unavailable at the moment"
	}
	return http.StatusInternalServerError, "the session could not be saved"
}
