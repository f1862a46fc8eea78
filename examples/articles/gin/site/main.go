// Site is the apps of two articles in one, on Gin: logins and roles, a cart, the pages visited, a language, preferences
// and messages as on Flask; and as on Django values that end on their own, and sessions that end by role.
package main

import (
	"cmp"
	"context"
	"log"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/articles/pages"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	cart          session.Key[[]string] = "cart"
	history       session.Key[[]string] = "history"
	language      session.Key[string]   = "language"
	theme         session.Key[string]   = "theme"
	notifications session.Key[string]   = "notifications"
	preferences   session.Key[string]   = "user_preferences"
	notices       session.Flash[string] = "notices"
)

var (
	greetings = map[string]string{"en": "Hello, World!", "es": "¡Hola, Mundo!", "fr": "Bonjour, le monde!"}
	users     = map[string]struct{ password, role string }{"user1": {"password1", "user"}, "admin": {"password3", "admin"}}
	lifetimes = map[string]session.Lifetime{"admin": {Idle: 10 * time.Minute}} // everybody else has the usual thirty
	// InsecureHTTP is for trying things out on plain http. Leave it out where there is https.
	options = session.Options{InsecureHTTP: true, LifetimeFor: lifetimeOf}
)

func main() {
	sessions, err := session.New(memstore.New(), options)
	if err != nil {
		log.Fatal(err)
	}
	sessions.StartSweeper(context.Background())
	log.Fatal(site(sessions).Run("127.0.0.1:8080"))
}

func lifetimeOf(user string) session.Lifetime { return lifetimes[users[user].role] }

func isAdmin(s *session.Session) bool { return users[s.Subject()].role == "admin" }

func site(sessions *session.Manager) *gin.Engine {
	r := gin.Default()
	r.SetHTMLTemplate(pages.All)
	r.Use(ginsession.Middleware(sessions))
	r.GET("/login", func(c *gin.Context) { c.HTML(http.StatusOK, "login.html", ginsession.From(c).Reason().Lapsed()) })
	r.POST("/login", login)
	r.POST("/logout", func(c *gin.Context) { ginsession.From(c).Destroy() }, home)
	track := func(c *gin.Context) { session.Append(ginsession.From(c), history, c.Request.URL.Path, 20) }
	account(r.Group("/", ginsession.Require(session.Guard{Login: "/login"}), track))
	shop(r.Group("/", track))
	return r
}

func home(c *gin.Context) { c.Redirect(http.StatusSeeOther, "/") }

// login compares passwords as the article does. A real app keeps hashes.
func login(c *gin.Context) {
	s, name := ginsession.From(c), c.PostForm("username")
	if user, ok := users[name]; !ok || user.password != c.PostForm("password") {
		c.String(http.StatusUnauthorized, "Invalid credentials\n")
		return
	}
	s.Login(name)
	if c.PostForm("remember") != "" {
		s.SetLifetime(session.Lifetime{Idle: 7 * 24 * time.Hour, Absolute: 7 * 24 * time.Hour, Persistent: session.Keep})
	}
	notices.Add(s, "You are logged in.")
	c.Redirect(http.StatusSeeOther, session.Next(c.Query("next"), "/dashboard"))
}

// account is for whoever is logged in.
func account(r *gin.RouterGroup) {
	r.GET("/dashboard", func(c *gin.Context) {
		s := ginsession.From(c)
		data := gin.H{"user": s.Subject(), "role": users[s.Subject()].role, "notices": notices.Take(s)}
		c.HTML(http.StatusOK, "dashboard.html", data)
	})
	r.GET("/admin", ginsession.Require(session.Guard{Allow: isAdmin}), func(c *gin.Context) {
		c.String(http.StatusOK, "For administrators only\n")
	})
	r.GET("/my_view", func(c *gin.Context) {
		s := ginsession.From(c)
		c.String(http.StatusOK, "preferences %q, logged in until %s\n", preferences.Get(s), s.Info().ExpiresAt.UTC())
	})
	r.POST("/my_view", func(c *gin.Context) {
		preferences.SetFor(ginsession.From(c), c.PostForm("preferences"), 30*time.Minute)
		c.Redirect(http.StatusSeeOther, "/my_view")
	})
}

// shop is for everybody.
func shop(r *gin.RouterGroup) {
	r.GET("/", func(c *gin.Context) {
		greeting := greetings[language.Get(ginsession.From(c))]
		c.String(http.StatusOK, "%s\n", cmp.Or(greeting, greetings["en"]))
	})
	r.POST("/set_language/:to", func(c *gin.Context) { language.Set(ginsession.From(c), c.Param("to")) }, home)
	r.GET("/set_preferences", func(c *gin.Context) { c.HTML(http.StatusOK, "preferences.html", nil) })
	r.POST("/set_preferences", func(c *gin.Context) {
		theme.Set(ginsession.From(c), c.PostForm("theme"))
		notifications.Set(ginsession.From(c), c.PostForm("notifications"))
		c.String(http.StatusOK, "Preferences saved\n")
	})
	r.GET("/profile", func(c *gin.Context) {
		s := ginsession.From(c)
		c.String(http.StatusOK, "Theme: %s, Notifications: %s\n", theme.GetOr(s, "light"), notifications.GetOr(s, "enabled"))
	})
	r.GET("/view_history", func(c *gin.Context) { c.String(http.StatusOK, "Seen %v\n", history.Get(ginsession.From(c))) })
	view := func(c *gin.Context) {
		c.String(http.StatusOK, "Your cart contains: %v\n", cart.Get(ginsession.From(c)))
	}
	r.GET("/view_cart", view)
	r.POST("/add_to_cart/:item", func(c *gin.Context) {
		item := c.Param("item")
		cart.Update(ginsession.From(c), func(in []string) []string { return append(in, item) })
	}, view)
	r.POST("/remove_from_cart/:item", func(c *gin.Context) {
		item := c.Param("item")
		cart.Update(ginsession.From(c), func(in []string) []string {
			at := slices.Index(in, item)
			return slices.Delete(in, max(at, 0), at+1)
		})
	}, view)
	r.POST("/clear_cart", func(c *gin.Context) { cart.Delete(ginsession.From(c)) }, view)
	r.POST("/checkout", checkout)
}

func checkout(c *gin.Context) {
	if s := ginsession.From(c); len(cart.Get(s)) > 0 {
		cart.Delete(s) // if another request has changed the cart that this one saw, the answer is a 409
		c.String(http.StatusOK, "Checkout completed\n")
		return
	}
	c.String(http.StatusOK, "Your cart is empty\n")
}
