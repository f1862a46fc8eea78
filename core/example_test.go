package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// browser keeps the cookies that it is given.
type browser map[string]*http.Cookie

// send sends a request to a site.
func (b browser) send(site http.Handler) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "https://shop.example/", nil)
	for _, c := range b {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	for _, c := range (&http.Response{Header: w.Header()}).Cookies() {
		b[c.Name] = c
		if c.MaxAge < 0 {
			delete(b, c.Name)
		}
	}
	return w
}

// visit sends a request that f handles.
func (b browser) visit(sessions *session.Manager, f func(s *session.Session)) *httptest.ResponseRecorder {
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { f(httpsession.From(r)) })
	return b.send(httpsession.Middleware(sessions)(handler))
}

func inMemory(o session.Options) *session.Manager {
	sessions, err := session.New(memstore.New(), o)
	if err != nil {
		log.Fatal(err)
	}
	return sessions
}

func Example() {
	const visits session.Key[int] = "visits" // a key is a constant that knows its type

	sessions, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := httpsession.From(r)
		n := visits.Update(s, func(n int) int { return n + 1 })
		_, _ = fmt.Fprintf(w, "visit %d", n)
	})
	site := httpsession.Middleware(sessions)(handler)

	anna, ben := browser{}, browser{}
	fmt.Println(anna.send(site).Body, anna.send(site).Body, ben.send(site).Body)
	// Output: visit 1 visit 2 visit 1
}

func ExampleSession_Login() {
	const theme session.Key[string] = "theme"
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { theme.Set(s, "dark") })
	before := b["__Host-id"].Value
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") }) // once the password has been checked
	fmt.Println("new token:", b["__Host-id"].Value != before)
	b.visit(sessions, func(s *session.Session) { fmt.Println(s.Subject(), theme.Get(s)) })
	// Output:
	// new token: true
	// user:42 dark
}

func ExampleSession_Destroy() {
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	thief := browser{"__Host-id": b["__Host-id"]}
	b.visit(sessions, func(s *session.Session) { s.Destroy() })
	fmt.Println("cookies left:", len(b))
	thief.visit(sessions, func(s *session.Session) { fmt.Println("the old token opens a session:", s.Exists()) })
	// Output:
	// cookies left: 0
	// the old token opens a session: false
}

func ExampleSession_Clear() {
	const theme session.Key[string] = "theme"
	browser{}.visit(inMemory(session.Options{}), func(s *session.Session) {
		s.Login("user:42")
		theme.Set(s, "dark")
		s.Clear() // drops the values and nothing else
		fmt.Printf("%q %q\n", theme.Get(s), s.Subject())
	})
	// Output: "" "user:42"
}

func ExampleSession_Save() {
	const essay session.Key[string] = "essay"
	sessions := inMemory(session.Options{MaxSize: 1000})
	browser{}.visit(sessions, func(s *session.Session) {
		essay.Set(s, strings.Repeat("very ", 1000)+"long")
		if err := s.Save(); errors.Is(err, session.ErrTooLarge) { // without Save the client would get an error response
			fmt.Println("Please be brief.", errors.Is(s.Err(), err))
		}
	})
	// Output: Please be brief. true
}

func ExampleSession_Renew() {
	sessions, b := inMemory(session.Options{}), browser{}
	var handles [2]string
	b.visit(sessions, func(s *session.Session) { s.Login("user:42"); _ = s.Save(); handles[0] = s.Handle() })
	before := b["__Host-id"].Value
	b.visit(sessions, func(s *session.Session) { s.Renew(); handles[1] = s.Handle() }) // the user became an admin
	fmt.Println("new token:", b["__Host-id"].Value != before, "- same session:", handles[0] == handles[1])
	// Output: new token: true - same session: true
}

func ExampleSession_Touch() {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	sessions, b := inMemory(session.Options{Now: func() time.Time { return now }}), browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	now = now.Add(time.Minute)
	b.visit(sessions, func(s *session.Session) { s.Touch() }) // a read alone would not be noted down so soon
	b.visit(sessions, func(s *session.Session) { fmt.Println(s.Info().ExpiresAt.UTC().Format(time.TimeOnly)) })
	// Output: 12:34:00
}

func ExampleFrom() {
	const user session.Key[string] = "user"
	greeting := func(ctx context.Context) string { // knows no framework
		s := session.From(ctx)
		return "Hello, " + user.Get(s)
	}
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		user.Set(httpsession.From(r), "Anna")
		fmt.Println(greeting(r.Context()))
	})
	browser{}.send(httpsession.Middleware(inMemory(session.Options{}))(handler))
	// Output: Hello, Anna
}

func ExampleManager_From() {
	const visits session.Key[int] = "visits"
	shop := inMemory(session.Options{Name: "shop"})
	admin := inMemory(session.Options{Name: "admin", IdleTimeout: 5 * time.Minute})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		visits.Set(shop.From(r.Context()), 7)
		fmt.Println(visits.Get(shop.From(r.Context())), visits.Get(admin.From(r.Context())))
	})
	browser{}.send(httpsession.Middleware(shop)(httpsession.Middleware(admin)(handler)))
	// Output: 7 0
}

func ExampleManager_List() {
	sessions, atHome, atWork := inMemory(session.Options{}), browser{}, browser{}
	atHome.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	atWork.visit(sessions, func(s *session.Session) { s.Login("user:42") })

	atHome.visit(sessions, func(s *session.Session) {
		devices, err := sessions.List(context.Background(), s.Subject())
		if err != nil {
			log.Fatal(err)
		}
		here := 0
		for _, d := range devices {
			if d.Handle == s.Handle() {
				here++
			}
		}
		fmt.Println(len(devices), "devices, of which this one:", here)
	})
	// Output: 2 devices, of which this one: 1
}

func ExampleManager_Revoke() {
	sessions, thief := inMemory(session.Options{}), browser{}
	thief.visit(sessions, func(s *session.Session) { s.Login("user:42") })

	ctx := context.Background()
	devices, err := sessions.List(ctx, "user:42")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sessions.Revoke(ctx, "user:42", devices[0].Handle))
	fmt.Println(errors.Is(sessions.Revoke(ctx, "user:43", devices[0].Handle), session.ErrNotFound))
	thief.visit(sessions, func(s *session.Session) { fmt.Printf("%q\n", s.Subject()) })
	// Output:
	// <nil>
	// true
	// ""
}

func ExampleManager_RevokeOthers() {
	sessions, atHome, atWork := inMemory(session.Options{}), browser{}, browser{}
	atHome.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	atWork.visit(sessions, func(s *session.Session) { s.Login("user:42") })

	atHome.visit(sessions, func(s *session.Session) { // the password has been changed
		s.Renew()
		fmt.Println(sessions.RevokeOthers(context.Background(), s))
	})
	atHome.visit(sessions, func(s *session.Session) { fmt.Printf("at home %q\n", s.Subject()) })
	atWork.visit(sessions, func(s *session.Session) { fmt.Printf("at work %q\n", s.Subject()) })
	// Output:
	// 1 <nil>
	// at home "user:42"
	// at work ""
}

func ExampleManager_RevokeAll() {
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })

	fmt.Println(sessions.RevokeAll(context.Background(), "user:42"))
	b.visit(sessions, func(s *session.Session) { fmt.Printf("%q\n", s.Subject()) })
	// Output:
	// 1 <nil>
	// ""
}

func ExampleManager_Sweep() {
	now := time.Now()
	sessions := inMemory(session.Options{Now: func() time.Time { return now }})
	for range 3 {
		browser{}.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	}
	now = now.Add(time.Hour)
	fmt.Println(sessions.Sweep(context.Background()))
	// Output: 3 <nil>
}

func ExampleManager_Inspect() {
	const visits session.Key[int] = "visits"
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) {
		visits.Set(s, 7)
		s.Login("user:42")
	})
	found, err := sessions.Inspect(context.Background(), b["__Host-id"].Value)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Subject, string(found.Values["visits"]))
	// Output: user:42 7
}
