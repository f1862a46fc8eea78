// Site is the apps of two articles in one, on Fiber: logins and roles, a cart, the pages visited, a language,
// preferences and messages as on Flask; and as on Django values that end on their own, and sessions that end by role.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
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
	log.Fatal(site(sessions).Listen("127.0.0.1:8080"))
}

func lifetimeOf(user string) session.Lifetime { return lifetimes[users[user].role] }

func isAdmin(s *session.Session) bool { return users[s.Subject()].role == "admin" }

func site(sessions *session.Manager) *fiber.App {
	app := fiber.New(fiber.Config{Immutable: true}) // so that strings outlive the buffers that they were read into
	app.Use(fibersession.Middleware(sessions))
	app.Get("/login", func(c *fiber.Ctx) error {
		return page(c, "login.html", fibersession.From(c).Reason().Lapsed())
	})
	app.Post("/login", login)
	app.Post("/logout", func(c *fiber.Ctx) error {
		fibersession.From(c).Destroy()
		return c.Redirect("/", fiber.StatusSeeOther)
	})
	track := func(c *fiber.Ctx) error {
		session.Append(fibersession.From(c), history, c.Path(), 20)
		return c.Next()
	}
	guard := fibersession.Require(session.Guard{Login: "/login"})
	app.Get("/dashboard", guard, track, dashboard)
	app.Get("/admin", guard, fibersession.Require(session.Guard{Allow: isAdmin}), track, admin)
	app.Get("/my_view", guard, track, myView)
	app.Post("/my_view", guard, track, setMyView)
	shop(app.Group("/", track))
	return app
}

func page(c *fiber.Ctx, name string, data any) error {
	return pages.All.ExecuteTemplate(c.Type("html", "utf-8"), name, data)
}

// login compares passwords as the article does. A real app keeps hashes.
func login(c *fiber.Ctx) error {
	s, name := fibersession.From(c), c.FormValue("username")
	if user, ok := users[name]; !ok || user.password != c.FormValue("password") {
		return c.Status(fiber.StatusUnauthorized).SendString("Invalid credentials\n")
	}
	s.Login(name)
	if c.FormValue("remember") != "" {
		s.SetLifetime(session.Lifetime{Idle: 7 * 24 * time.Hour, Absolute: 7 * 24 * time.Hour, Persistent: session.Keep})
	}
	notices.Add(s, "You are logged in.")
	return c.Redirect(session.Next(c.Query("next"), "/dashboard"), fiber.StatusSeeOther)
}

func dashboard(c *fiber.Ctx) error {
	s := fibersession.From(c)
	user := s.Subject()
	return page(c, "dashboard.html", fiber.Map{"user": user, "role": users[user].role, "notices": notices.Take(s)})
}

func admin(c *fiber.Ctx) error { return c.SendString("For administrators only\n") }

func myView(c *fiber.Ctx) error {
	s := fibersession.From(c)
	return c.SendString(fmt.Sprintf("preferences %q, logged in until %s\n", preferences.Get(s), s.Info().ExpiresAt.UTC()))
}

func setMyView(c *fiber.Ctx) error {
	preferences.SetFor(fibersession.From(c), c.FormValue("preferences"), 30*time.Minute)
	return c.Redirect("/my_view", fiber.StatusSeeOther)
}

// shop is for everybody.
func shop(r fiber.Router) {
	r.Get("/", func(c *fiber.Ctx) error {
		greeting := greetings[language.Get(fibersession.From(c))]
		return c.SendString(cmp.Or(greeting, greetings["en"]) + "\n")
	})
	r.Post("/set_language/:to", func(c *fiber.Ctx) error {
		language.Set(fibersession.From(c), c.Params("to"))
		return c.Redirect("/", fiber.StatusSeeOther)
	})
	r.Get("/set_preferences", func(c *fiber.Ctx) error { return page(c, "preferences.html", nil) })
	r.Post("/set_preferences", func(c *fiber.Ctx) error {
		theme.Set(fibersession.From(c), c.FormValue("theme"))
		notifications.Set(fibersession.From(c), c.FormValue("notifications"))
		return c.SendString("Preferences saved\n")
	})
	r.Get("/profile", func(c *fiber.Ctx) error {
		s := fibersession.From(c)
		theme, notifications := theme.GetOr(s, "light"), notifications.GetOr(s, "enabled")
		return c.SendString(fmt.Sprintf("Theme: %s, Notifications: %s\n", theme, notifications))
	})
	r.Get("/view_history", func(c *fiber.Ctx) error {
		return c.SendString(fmt.Sprintf("Seen %v\n", history.Get(fibersession.From(c))))
	})
	r.Get("/view_cart", viewCart)
	r.Post("/add_to_cart/:item", addToCart, viewCart)
	r.Post("/remove_from_cart/:item", removeFromCart, viewCart)
	r.Post("/clear_cart", clearCart, viewCart)
	r.Post("/checkout", checkout)
}

func viewCart(c *fiber.Ctx) error {
	return c.SendString(fmt.Sprintf("Your cart contains: %v\n", cart.Get(fibersession.From(c))))
}

func addToCart(c *fiber.Ctx) error {
	item := c.Params("item")
	cart.Update(fibersession.From(c), func(in []string) []string { return append(in, item) })
	return c.Next()
}

func removeFromCart(c *fiber.Ctx) error {
	item := c.Params("item")
	cart.Update(fibersession.From(c), func(in []string) []string {
		at := slices.Index(in, item)
		return slices.Delete(in, max(at, 0), at+1)
	})
	return c.Next()
}

func clearCart(c *fiber.Ctx) error {
	cart.Delete(fibersession.From(c))
	return c.Next()
}

func checkout(c *fiber.Ctx) error {
	if s := fibersession.From(c); len(cart.Get(s)) > 0 {
		cart.Delete(s) // if another request has changed the cart that this one saw, the answer is a 409
		return c.SendString("Checkout completed\n")
	}
	return c.SendString("Your cart is empty\n")
}
