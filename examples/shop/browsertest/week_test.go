package browsertest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

const (
	day      = 24 * time.Hour
	absolute = 2 * time.Hour // of a visitor who is not remembered
)

// week is a browser with one jar, which its user closes and opens, and a shop whose clock the test moves.
type week struct {
	*testing.T
	shop    string // its URL
	stdin   io.Writer
	stdout  *bufio.Reader
	profile string        // the folder that the browser keeps its jar in
	ahead   time.Duration // of this machine's clock

	kept, passing tab // the visitor who wants to be remembered, and one who does not: hosts that share no cookies
	closeBrowser  func()
}

// A week, and a season after it, of a visitor who is remembered and one who is not: what the pages say, and what is in
// the jar, which is to lose the cookie when the session ends.
func TestAWeek(t *testing.T) {
	needChromium(t)
	for _, args := range [][]string{
		{"-framework", "gin"}, {"-framework", "fiber", "-store", "cookie"},
	} {
		t.Run(args[1], func(t *testing.T) {
			t.Parallel()
			w := &week{T: t, profile: filepath.Join(t.TempDir(), "profile")}
			w.shop, w.stdin, w.stdout = start(t, clocked, append(args, "-absolute", absolute.String())...)
			w.openBrowser()
			defer func() { w.closeBrowser() }()
			for _, part := range []func(*week){firstDay, hours, changedMinds, season} {
				if part(w); t.Failed() {
					return
				}
			}
		})
	}
}

// firstDay: both log in, and the browser is closed over night.
func firstDay(w *week) {
	w.kept.comesIn(true)
	w.passing.comesIn(false)
	w.isIn(w.kept, true)
	w.isIn(w.passing, false)
	w.kept.visit("/")
	w.kept.add("bread")
	w.overNight(14 * time.Hour)
	w.isIn(w.kept, true)
	w.kept.want("cart", w.kept.text(".badge"), "1")
	w.isOut(w.passing, false) // the jar has forgotten him, so the shop knows of nothing that has expired
}

// hours: the browser stays open. Idle and absolute ends come for one of them.
func hours(w *week) {
	w.passing.comesIn(false)
	w.later(29 * time.Minute)
	w.isIn(w.passing, false)
	w.later(34 * time.Minute)
	w.isOut(w.passing, true)
	w.passing.comesIn(false)
	for range absolute / (25 * time.Minute) {
		w.later(25 * time.Minute)
		w.isIn(w.passing, false)
	}
	w.later(25 * time.Minute)
	w.isOut(w.passing, true)
	w.isIn(w.kept, true)
}

// changedMinds: each wants what the other has, and then what there was before. To be asked for the password again
// leaves it as it is.
func changedMinds(w *week) {
	w.kept.comesIn(false)
	w.passing.comesIn(true)
	w.isIn(w.kept, false)
	w.isIn(w.passing, true)
	w.overNight(2 * day)
	w.isOut(w.kept, false)
	w.isIn(w.passing, true)
	w.kept.comesIn(true)
	w.later(time.Hour)
	w.kept.visit("/password")
	w.kept.want("page", w.kept.path(), "/login?next=%2Fpassword")
	w.kept.want("name", w.kept.js("document.querySelector('#username').value"), "user1")
	w.kept.fill("#password", "password1")
	w.kept.press("form.stack button")
	w.kept.want("page", w.kept.path(), "/password")
	w.isIn(w.kept, true)
	w.passing.comesIn(false)
	w.isIn(w.passing, false)
	w.overNight(3 * day)
	w.isIn(w.kept, true)
	w.isOut(w.passing, false)
}

// season: what is remembered ends too.
func season(w *week) {
	for range 3 {
		w.later(28 * day)
		w.isIn(w.kept, true)
	}
	w.later(5 * day)
	w.isOut(w.kept, false) // his jar has lost the cookie by now
	if c := w.cookie(w.kept); c != nil {
		w.Errorf("the jar keeps %s until %v", c.Name, c.Expires)
	}
	w.kept.comesIn(true)
	w.later(34 * day)
	w.isOut(w.kept, true) // unused for too long, and the jar does not know
}

// comesIn logs in, as whoever it was before.
func (b tab) comesIn(remember bool) {
	b.t.Helper()
	b.visit("/login")
	b.js(fmt.Sprintf(`(form => {
		[form.username.value, form.password.value, form.remember.checked] = ["user1", "password1", %t]
		return ""
	})(document.querySelector("form.stack"))`, remember))
	b.press("form.stack button")
	b.want("page", b.path(), "/")
	b.want("message", b.text(".message"), "Welcome, user1!")
}

// isIn compares what the profile says with the jar.
func (w *week) isIn(b tab, remembered bool) {
	w.Helper()
	b.visit("/profile")
	b.want("page", b.path(), "/profile")
	end := map[bool]string{true: "Stays logged in", false: "Is logged out"}[remembered]
	if !strings.Contains(b.text("dl"), end) {
		b.t.Errorf("%s: the profile does not say %q: %q", b.shop, end, b.text("dl"))
	}
	until, err := time.Parse(time.RFC3339, b.js(`document.querySelector(".until")?.dateTime ?? ""`))
	if err != nil {
		w.Fatal(err)
	}
	c := w.cookie(b)
	if c == nil {
		w.Fatalf("%s: no cookie", b.shop)
	}
	expires := time.UnixMilli(int64(c.Expires * 1000)).Add(w.ahead)
	switch {
	case c.Session == remembered:
		w.Errorf("%s: a cookie of the browser's session: %t, want the opposite", b.shop, c.Session)
	case remembered && expires.Sub(until).Abs() > tolerance:
		w.Errorf("%s: the jar keeps the cookie until %v, and the session ends %v", b.shop, expires, until)
	}
}

// tolerance is for seconds that are cut off, and for the way of an answer to a busy browser.
const tolerance = 5 * time.Second

// isOut is sent to the login page, which says whether there was a session.
func (w *week) isOut(b tab, expired bool) {
	w.Helper()
	b.visit("/profile")
	b.want("page", b.path(), "/login?next=%2Fprofile")
	want := "Please log in first. You will then come back to your page."
	if expired {
		want = "Your session has expired. Please log in again."
	}
	b.want("notice", b.text(".narrow p"), want)
}

// openBrowser starts it with the jar that there is.
func (w *week) openBrowser() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	ctx, stop := chromedp.NewExecAllocator(ctx, flags(findChromium(), w.profile)...)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		w.Fatalf("start the browser: %v", err)
	}
	at, err := url.Parse(w.shop)
	if err != nil {
		w.Fatal(err)
	}
	var closeKept, closePassing func()
	w.kept, closeKept = openTab(ctx, w.T, w.shop)
	at.Host = "localhost:" + at.Port()
	w.passing, closePassing = openTab(ctx, w.T, at.String())
	w.closeBrowser = func() {
		w.Helper()
		defer cancel()
		defer stop()
		closeKept()
		closePassing()
		if err := chromedp.Cancel(ctx); err != nil { // which lets it write down the jar
			w.Errorf("close the browser: %v", err)
		}
	}
}

// overNight closes the browser and opens it later.
func (w *week) overNight(d time.Duration) {
	w.Helper()
	w.closeBrowser()
	w.moveClock(d)
	w.openBrowser()
	w.ageJar(d)
}

// later leaves the browser open.
func (w *week) later(d time.Duration) {
	w.Helper()
	w.moveClock(d)
	w.ageJar(d)
}

func (w *week) moveClock(d time.Duration) {
	w.Helper()
	fmt.Fprintln(w.stdin, d)
	if line, err := w.stdout.ReadString('\n'); err != nil || !strings.HasPrefix(line, "it is") {
		w.Fatalf("the shop's clock: %q, error %v", line, err)
	}
	w.ahead += d
}

// ageJar does to the jar what time does: the browser's clock cannot be moved, so each cookie's end comes nearer.
func (w *week) ageJar(d time.Duration) {
	w.Helper()
	for _, b := range []tab{w.kept, w.passing} {
		c := w.cookie(b)
		if c == nil || c.Session {
			continue
		}
		expires := cdp.TimeSinceEpoch(c.Expires - d.Seconds())
		aged := network.CookieParam{
			Name: c.Name, Value: c.Value, URL: b.shop, Path: c.Path, Secure: c.Secure, HTTPOnly: c.HTTPOnly,
			SameSite: c.SameSite, Expires: expires, SourceScheme: c.SourceScheme, SourcePort: c.SourcePort,
		}
		_, err := chromedp.CallBrowser(b.ctx, storage.SetCookies, storage.SetCookiesParams{
			Cookies: []*network.CookieParam{&aged},
		})
		if err != nil {
			w.Fatalf("age %s: %v", c.Name, err)
		}
	}
}

// cookie is the one that the jar has for a visitor, or nil.
func (w *week) cookie(b tab) *network.Cookie {
	w.Helper()
	at, err := url.Parse(b.shop)
	if err != nil {
		w.Fatal(err)
	}
	var found *network.Cookie
	for _, c := range b.cookies() {
		if c.Domain != at.Hostname() {
			continue
		}
		if found != nil {
			w.Errorf("two cookies for %s: %s and %s", c.Domain, found.Name, c.Name)
		}
		found = c
	}
	return found
}
