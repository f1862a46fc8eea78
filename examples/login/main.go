// Login is a login page done right, on Gin: see docs/login.md.
package main

import (
	"context"
	"errors"
	"flag"
	"html/template"
	"log"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	day      = 24 * time.Hour
	sudoTime = 10 * time.Minute // how long a password counts for what is sensitive
)

const (
	notices session.Flash[string] = "notices"
	state   session.Key[string]   = "oauth-state"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "address to listen on")
	flag.Parse()

	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	sessions, err := session.New(memstore.New(), options(session.Options{InsecureHTTP: true}))
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background()) // gives the room of expired sessions back
	log.Fatal(newApp(sessions).routes().Run(*addr))
}

func options(o session.Options) session.Options {
	o.ClientHints = true // so that people know their devices again
	o.LifetimeFor = func(subject string) session.Lifetime {
		if subject == "admin" {
			return session.Lifetime{Idle: 10 * time.Minute, Absolute: 8 * time.Hour}
		}
		return session.Lifetime{} // the options' own
	}
	return o
}

// app is the site. Its accounts live in memory, and check compares plain passwords; a real app has neither.
type app struct {
	sessions *session.Manager
	accounts *accounts
	provider provider
}

func (a *app) routes() *gin.Engine {
	r := gin.Default()
	r.SetHTMLTemplate(pages)
	r.Use(ginsession.Middleware(a.sessions))

	r.GET("/login", a.loginPage)
	r.POST("/login", a.login)
	r.POST("/logout", a.logout)
	r.GET("/oauth", a.oauth)
	r.GET("/oauth/callback", a.oauthCallback)

	member := r.Group("/", ginsession.Require(session.Guard{Login: "/login"}))
	member.GET("/", a.home)

	sudo := r.Group("/", ginsession.Require(session.Guard{Login: "/login", Within: sudoTime}))
	sudo.GET("/password", a.passwordPage)
	sudo.POST("/password", a.changePassword)
	sudo.POST("/logout-everywhere", a.logoutEverywhere)

	admin := r.Group("/admin", ginsession.Require(session.Guard{Login: "/login", Allow: isAdmin}))
	admin.GET("", func(c *gin.Context) { c.String(http.StatusOK, "for administrators\n") })
	return r
}

func isAdmin(s *session.Session) bool { return s.Subject() == "admin" }

func (a *app) loginPage(c *gin.Context) { showLogin(c, http.StatusOK, "") }

func showLogin(c *gin.Context, status int, problem string) {
	s := ginsession.From(c)
	c.HTML(status, "login", gin.H{
		"Next":    session.Next(nextOf(c), "/"),
		"Expired": s.Reason().Lapsed(),
		"User":    s.Subject(), // not empty: the visitor is logged in, and is asked for the password once more
		"Problem": problem,
	})
}

func nextOf(c *gin.Context) string {
	if next, ok := c.GetPostForm("next"); ok {
		return next
	}
	return c.Query("next")
}

func (a *app) login(c *gin.Context) {
	user, password := c.PostForm("user"), c.PostForm("password")
	if !a.accounts.check(user, password) { // limit how often somebody may guess, too
		showLogin(c, http.StatusUnauthorized, "Wrong name or password.")
		return
	}
	s := ginsession.From(c)
	s.Login(user)
	if c.PostForm("remember") != "" {
		s.SetLifetime(session.Lifetime{Idle: 30 * day, Absolute: 90 * day, Persistent: session.Keep})
	}
	c.Redirect(http.StatusSeeOther, session.Next(nextOf(c), "/"))
}

func (a *app) logout(c *gin.Context) {
	ginsession.From(c).Destroy()
	c.Redirect(http.StatusSeeOther, "/login")
}

func (a *app) home(c *gin.Context) {
	s := ginsession.From(c)
	devices, err := a.sessions.List(c, s.Subject())
	if err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	c.HTML(http.StatusOK, "home", gin.H{"Info": s.Info(), "Notices": notices.Take(s), "Devices": devices})
}

func (a *app) passwordPage(c *gin.Context) {
	c.HTML(http.StatusOK, "password", gin.H{"Token": ginsession.From(c).FormToken()})
}

func (a *app) changePassword(c *gin.Context) {
	s := ginsession.From(c)
	if !s.CheckFormToken(c.PostForm("token")) {
		c.String(http.StatusForbidden, "This form is out of date: go back, reload the page and try again.\n")
		return
	}
	if err := a.accounts.set(s.Subject(), c.PostForm("password")); err != nil {
		c.String(http.StatusUnprocessableEntity, "%v\n", err)
		return
	}
	s.Renew() // whoever knew the old token has nothing
	if _, err := a.sessions.RevokeOthers(c, s); err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable) // the password is changed; the other devices are still in
		return
	}
	notices.Add(s, "The password has been changed, and every other device is logged out.")
	c.Redirect(http.StatusSeeOther, "/")
}

func (a *app) logoutEverywhere(c *gin.Context) {
	s := ginsession.From(c)
	if _, err := a.sessions.RevokeOthers(c, s); err != nil {
		c.AbortWithStatus(http.StatusServiceUnavailable)
		return
	}
	s.Destroy()
	c.Redirect(http.StatusSeeOther, "/login")
}

// provider is somebody else who checks who the visitor is: an OAuth or OpenID Connect client, or one for passkeys.
type provider interface {
	page(state string) string                            // where it asks the visitor
	user(c context.Context, code string) (string, error) // who that was
}

func (a *app) oauth(c *gin.Context) {
	random := newState()
	state.SetFor(ginsession.From(c), random, 10*time.Minute)
	c.Redirect(http.StatusSeeOther, a.provider.page(random))
}

func (a *app) oauthCallback(c *gin.Context) {
	s := ginsession.From(c)
	expected, ok := state.Pop(s)
	if !ok || c.Query("state") != expected {
		showLogin(c, http.StatusBadRequest, "That took too long, or began in another browser. Please try again.")
		return
	}
	user, err := a.provider.user(c, c.Query("code"))
	if err != nil {
		showLogin(c, http.StatusUnauthorized, "The login did not work.")
		return
	}
	s.Login(user)
	c.Redirect(http.StatusSeeOther, "/")
}

var errShort = errors.New("a password has at least 8 characters")

var pages = template.Must(template.New("").Parse(`
{{define "login"}}<!doctype html><title>Log in</title>
{{if .Expired}}<p role="status">Your session has expired. Please log in again.</p>{{end}}
{{if .Problem}}<p role="alert">{{.Problem}}</p>{{end}}
<form method="post" action="/login">
<input type="hidden" name="next" value="{{.Next}}">
<label>Name <input name="user" value="{{.User}}" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<label><input name="remember" type="checkbox" value="yes"> Remember me on this device</label>
<button>Log in</button>
</form>
<p><a href="/oauth">Log in with somebody else's account</a></p>
{{end}}
{{define "home"}}<!doctype html><title>Home</title>
{{range .Notices}}<p role="status">{{.}}</p>{{end}}
<p>Hello {{.Info.Subject}}. You are logged in on {{len .Devices}} device(s).</p>
<p><a href="/password">Change the password</a></p>
<form method="post" action="/logout"><button>Log out</button></form>
<form method="post" action="/logout-everywhere"><button>Log out everywhere</button></form>
{{end}}
{{define "password"}}<!doctype html><title>Change the password</title>
<form method="post" action="/password">
<input type="hidden" name="token" value="{{.Token}}">
<label>New password <input name="password" type="password" autocomplete="new-password" required></label>
<button>Change it</button>
</form>
{{end}}
`))
