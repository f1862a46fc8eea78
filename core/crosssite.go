package session

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// originPolicy is what a manager's options say of requests that pages of other origins make a browser send.
type originPolicy struct {
	allowAll bool     // Options.AllowCrossSite
	trusted  []string // Options.TrustedOrigins
}

// isCrossSite reports whether a browser marks the request as one that another origin's page has caused, and that may
// change something by its method. The rule is net/http's CrossOriginProtection, but for a header that comes twice.
func (p *originPolicy) isCrossSite(x Exchange) bool {
	switch x.Method() {
	case "GET", "HEAD", "OPTIONS":
		return false
	}
	return !p.allowAll && !p.sameOrigin(x) && !p.trusts(x)
}

// sameOrigin reports whether the request comes from a page of this site, or from no page at all. A browser that does
// not send Sec-Fetch-Site, or not to a site over plain http, sends Origin. Host does not tell the scheme, so a page of
// the same host over plain http passes then.
func (p *originPolicy) sameOrigin(x Exchange) bool {
	switch x.RequestHeader("Sec-Fetch-Site") {
	case "same-origin", "none": // none: the visitor's own doing, as with a bookmark
		return true
	case "":
	default:
		return false
	}
	origin := x.RequestHeader("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == x.RequestHeader("Host") && !severalLines(origin)
}

// trusts reports whether the request's origin is one of Options.TrustedOrigins.
func (p *originPolicy) trusts(x Exchange) bool {
	return len(p.trusted) > 0 && !severalLines(x.RequestHeader("Sec-Fetch-Site")) &&
		slices.Contains(p.trusted, x.RequestHeader("Origin"))
}

// severalLines reports whether a header may have come more than once. Browsers send neither of the two with a comma.
func severalLines(value string) bool { return strings.Contains(value, ",") }

// ignoreCookies makes a request that another origin's page has caused an anonymous visitor's.
func (st *state) ignoreCookies(s *Session) {
	st.rarely().reason, st.upkeepAt = ReasonCrossSite, wire.Never
	st.addEvent(s.m, Event{Reason: ReasonCrossSite, Route: route(s.x)})
}

// readOnly returns why the request may not write: it is another origin's, or the session could not be loaded. The lock
// is held.
func (s *Session) readOnly(st *state) error {
	if s.crossSite {
		return ErrCrossSite
	}
	return st.blocked()
}

// checkOrigins refuses what no browser would send as an origin, and so would never be trusted.
func (o *Options) checkOrigins() error {
	if o.AllowCrossSite && len(o.TrustedOrigins) > 0 {
		return errors.New("TrustedOrigins mean nothing beside AllowCrossSite, which trusts all: leave one of them out")
	}
	for _, origin := range o.TrustedOrigins {
		if err := checkOrigin(origin); err != nil {
			return fmt.Errorf("TrustedOrigins: %q %w; write it as browsers do, like https://app.example.com", origin, err)
		}
	}
	return nil
}

func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil:
		return errors.New("is no URL")
	case u.Scheme == "" || u.Host == "":
		return errors.New("needs a scheme and a host")
	case origin != u.Scheme+"://"+u.Host:
		return errors.New("has more than scheme, host and port, which is all there is to an origin")
	case origin != strings.ToLower(origin) || strings.ContainsAny(origin, "*,"):
		return errors.New("has capitals, a pattern or several origins in it")
	case strings.HasSuffix(origin, ":"), u.Scheme+u.Port() == "https443", u.Scheme+u.Port() == "http80":
		return errors.New("has the port that its scheme has anyway, which browsers leave out")
	}
	return nil
}
