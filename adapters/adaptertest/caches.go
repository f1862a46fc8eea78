package adaptertest

import (
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

func cachesAreTold(s *suite) {
	st := s.stored(session.Options{})
	st.on("/page", func(c *Call) error {
		c.SetHeader("Vary", "Accept-Language, Origin")
		c.SetHeader("Cache-Control", "public, max-age=60")
		return c.Respond(200, itoa(count.Get(c.Session)))
	})
	a := st.get("/page", "")
	if vary := strings.Join(a.header.Values("Vary"), ", "); !strings.Contains(vary, "Cookie") ||
		!strings.Contains(vary, "Accept-Language") {
		s.Errorf("Vary %q, want both Accept-Language and Cookie", vary)
	}
	if control := a.header.Values("Cache-Control"); len(control) != 1 || control[0] != "public, max-age=60" {
		s.Errorf("Cache-Control %q, want what the handler set", control)
	}
	if control := st.get("/add", "").header.Values("Cache-Control"); len(control) != 1 || control[0] != "no-store" {
		s.Errorf("Cache-Control %q on a response that carries a session, want no-store", control)
	}
}

// targeted are headers that some cache obeys before Cache-Control.
var targeted = []string{
	"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control", "cdn-cache-control",
	"X-LiteSpeed-Cache-Control",
	"Surrogate-Control", "Edge-Control", "X-Accel-Expires",
}

func targetedCaches(s *suite) {
	for _, name := range targeted {
		st := s.stored(session.Options{})
		st.outer[name] = "public, max-age=60" // also the error response's, which outer middleware may want to be cached
		st.on("/inner", func(c *Call) error {
			c.SetHeader(name, "public, max-age=60")
			return c.Respond(200, itoa(count.Update(c.Session, addOne)))
		})
		cookie := st.begun()
		a := st.get("/inner", "").is(200, "1")
		a.issued()
		st.failing("Update")
		for what, a := range map[string]*answer{
			"carries a session": a, "is an error": st.get("/inner", cookie).refused(503),
		} {
			if v := a.header.Values(name); len(v) > 0 || a.header.Get("Cache-Control") != "no-store" {
				s.Errorf("%s: %q and Cache-Control %q on a response that %s", name, v, a.header.Get("Cache-Control"), what)
			}
		}
		st.store.Before(nil)
		if a := st.get("/unused", cookie); a.header.Get(name) == "" {
			s.Errorf("%s is gone from a response that has nothing to do with sessions", name)
		}
	}
}
