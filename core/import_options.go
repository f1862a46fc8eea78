package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// importer is an Importer that has been checked.
type importer struct {
	Importer
	cookie cookie // of the other system
	until  wire.Millis
	notice noticeDay
}

// newImporters checks what the options say of other systems' sessions. own is this manager's cookie.
func newImporters(o *Options, own *cookie) (made []*importer, err error) {
	for i := range o.Import {
		im := &importer{Importer: o.Import[i], until: wire.FromTime(o.Import[i].Until)}
		if err = im.check(made); err == nil {
			im.cookie, err = im.Cookie.checked()
		}
		if err == nil && im.cookie.name == own.name {
			err = fmt.Errorf("Cookie: %q is the name of this manager's own cookie: give Options.Cookie another Name", own.name)
		}
		if err == nil && im.Mirror != nil {
			err = im.Cookie.checkSentWith(&o.Cookie)
		}
		if err == nil && o.Transport == Bearer {
			err = errors.New("the other system's cookies are not looked at where Transport is Bearer: use CookieOnly or Either")
		}
		if err != nil {
			return nil, fmt.Errorf("Import[%d] %q: %w", i, im.Name, err)
		}
		made = append(made, im)
	}
	return made, nil
}

func (im *importer) check(others []*importer) error {
	if im.Name == "" {
		return errors.New("Name is empty: it tells importers apart in events")
	}
	for _, other := range others {
		if other.Name == im.Name {
			return errors.New("another importer has the same Name")
		}
	}
	switch {
	case im.Open == nil:
		return errors.New("Open is nil: take an importer from one of the packages under migrate, or write one")
	case im.Until.IsZero():
		return errors.New("Until is not set: it is the day on which the other system's sessions stop counting")
	}
	for there, key := range im.Values {
		if there == "" || key == nil || key.keyName() == "" {
			return fmt.Errorf("Values: %q: a name over there and a key here are needed", there)
		}
	}
	return nil
}

// checkSentWith returns an error if browsers send a mirror's cookie less often than own, this manager's: a request
// without it counts as one after a logout over there.
func (c ForeignCookie) checkSentWith(own *Cookie) error {
	theirs, ours := Scope{c.Domain, c.Path}.complete(), Scope{own.Domain, own.Path}.complete()
	var field string
	switch {
	case strictness(c.SameSite) > strictness(own.SameSite):
		field = "SameSite"
	case !theirs.coversPath(ours.Path):
		field = "Path"
	case ours.Domain != "" && !theirs.coversDomain(ours.Domain):
		field = "Domain"
	default:
		return nil
	}
	return fmt.Errorf("Cookie: its %s keeps it from requests that have this manager's own cookie, which a mirror would "+
		"take for a logout over there: give Options.Cookie the same %[1]s, or widen the other system's", field)
}

// strictness orders what SameSite keeps a cookie from. Browsers differ in what none at all means: some take it for Lax.
func strictness(s http.SameSite) int {
	switch s {
	case http.SameSiteNoneMode:
		return 0
	case http.SameSiteStrictMode:
		return 2
	}
	return 1
}

// checked makes the lines that set and delete the other system's cookie.
func (c ForeignCookie) checked() (cookie, error) {
	scope := Scope{c.Domain, c.Path}.complete()
	err := checkName(c.Name, maxName+longestPrefix)
	if err != nil {
		err = fmt.Errorf("name %w", err)
	}
	if err := errors.Join(err, checkPrefix(c.Name, scope, c.Insecure), scope.check()); err != nil {
		return cookie{}, fmt.Errorf("Cookie: %w", err)
	}
	made := cookie{name: c.Name, assignment: c.Name + "=", attributes: scope.attributes()}
	if !c.Readable {
		made.attributes += "; HttpOnly"
	}
	if !c.Insecure {
		made.attributes += "; Secure"
	}
	if c.SameSite != 0 {
		sameSite, err := sameSiteAttribute(c.SameSite, c.Insecure)
		if err != nil {
			return cookie{}, fmt.Errorf("Cookie: %w", err)
		}
		made.attributes += sameSite
	}
	return made, nil
}

// lineFor returns the Set-Cookie line by which a mirror logs the visitor in over there.
func (im *importer) lineFor(value string) (string, error) {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`",;\`, r)
	}) {
		return "", fmt.Errorf("the mirror of %s has returned a value that no cookie can have", im.Name)
	}
	lasting := untilBrowserCloses
	if im.Cookie.MaxAge > 0 {
		lasting = wire.FromDuration(im.Cookie.MaxAge)
	}
	line := im.cookie.set(value, lasting)
	if len(line) > maxCookie {
		return "", fmt.Errorf("the cookie for %s: %w", im.Name, tooLarge(len(line), maxCookie))
	}
	return line, nil
}

// checkValue says why a cookie value cannot be one that a browser keeps.
func (im *importer) checkValue(value string) Reason {
	switch {
	case value == "":
		return ReasonMalformed
	case len(value)+len(im.cookie.name) >= maxCookie:
		return ReasonOversized
	}
	return ""
}

// isOver reports whether an importer's time is over.
func (im *importer) isOver(now wire.Millis) bool { return now > im.until }

// noticeTime is for how long before its end the log tells of it.
const noticeTime = 7 * 24 * time.Hour
