package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// tab is one of a visitor's tabs. Its methods end the test if the browser cannot do what they ask for.
type tab struct {
	t    *testing.T
	ctx  context.Context
	shop string // its URL

	found *troubles // so far
}

// visitor is somebody who has not been here before: a new browser context with one tab.
func visitor(t *testing.T, shop string) tab {
	t.Helper()
	ctx, cancel := context.WithTimeout(chromium, patience)
	t.Cleanup(cancel)
	return newTab(ctx, t, shop, chromedp.WithNewBrowserContext())
}

// regulars are tabs that outlive a test, by framework: to open a visitor's first tab takes longer than most tests do.
var regulars = struct {
	sync.Mutex
	tabs map[string]tab
}{tabs: map[string]tab{}}

// newcomer is somebody who has not been here before, in the tab of an earlier test's visitor: what the browser knew of
// that one is gone, and the shop is another.
func newcomer(t *testing.T, framework, shop string) tab {
	t.Helper()
	regular := regularTab(t, framework)
	ctx, cancel := context.WithTimeout(regular.ctx, patience)
	t.Cleanup(cancel)
	b := tab{t, ctx, shop, regular.found}
	b.forget()
	t.Cleanup(func() {
		b.report()
		if t.Failed() { // the next test had better not have this tab
			regulars.Lock()
			defer regulars.Unlock()
			delete(regulars.tabs, framework)
		}
	})
	return b
}

// regularTab returns a framework's tab. It closes with the browser.
func regularTab(t *testing.T, framework string) tab {
	t.Helper()
	regulars.Lock()
	defer regulars.Unlock()
	if _, ok := regulars.tabs[framework]; !ok {
		regulars.tabs[framework], _ = openTab(chromium, t, "", chromedp.WithNewBrowserContext())
	}
	return regulars.tabs[framework]
}

// forget leaves the page, whose shop has ended and failed what the browser still asked for, and empties the jar.
func (b tab) forget() {
	b.t.Helper()
	b.do("leave", chromedp.Navigate("about:blank"))
	b.found.take()
	id := chromedp.FromContext(b.ctx).BrowserContextID
	if _, err := chromedp.CallBrowser(b.ctx, storage.ClearCookies, storage.ClearCookiesParams{
		BrowserContextID: id,
	}); err != nil {
		b.t.Fatalf("forget the cookies: %v", err)
	}
}

// another opens one more tab of the same visitor.
func (b tab) another() tab { return newTab(b.ctx, b.t, b.shop) }

func newTab(ctx context.Context, t *testing.T, shop string, options ...chromedp.ContextOption) tab {
	t.Helper()
	b, closeTab := openTab(ctx, t, shop, options...)
	t.Cleanup(closeTab)
	return b
}

// openTab opens a tab that the test closes, while its browser still runs.
func openTab(
	ctx context.Context, t *testing.T, shop string, options ...chromedp.ContextOption,
) (b tab, closeTab func()) {
	t.Helper()
	var found troubles
	ctx, cancel := chromedp.NewContext(ctx, append(options, chromedp.WithListener(found.hear))...)
	b = tab{t, ctx, shop, &found}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatalf("open a tab: %v", err)
	}
	return b, func() {
		defer cancel()
		b.report()
	}
}

// report fails the test for the troubles of the tab so far.
func (b tab) report() {
	b.t.Helper()
	b.js(`""`) // its answer comes after all that has happened before
	for _, trouble := range b.found.take() {
		b.t.Error(trouble)
	}
}

// troubles are what a page must not have: errors on the console, exceptions and requests that fail.
type troubles struct {
	mu    sync.Mutex
	heard []string
}

// take returns them, and forgets them.
func (f *troubles) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	heard := f.heard
	f.heard = nil
	return heard
}

func (f *troubles) hear(event any) {
	if trouble := explain(event); trouble != "" {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.heard = append(f.heard, trouble)
	}
}

// explain says what is wrong about an event, or "".
func explain(event any) string {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		return "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		return fmt.Sprintf("the page wrote to the console: %s", e.Type)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			return fmt.Sprintf("on the console: %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventLoadingFailed:
		return fmt.Sprintf("a request for a %s failed: %s", e.Type, e.ErrorText)
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			return fmt.Sprintf("status %d from %s", e.Response.Status, e.Response.URL)
		}
	}
	return ""
}

// visit goes to one of the shop's pages.
func (b tab) visit(path string) {
	b.t.Helper()
	b.do("visit "+path, chromedp.Navigate(b.shop+path))
}

func (b tab) reload() {
	b.t.Helper()
	b.do("reload", chromedp.Reload())
}

// fill types into a field.
func (b tab) fill(selector, value string) {
	b.t.Helper()
	b.do("fill "+selector, chromedp.SendKeys(chromedp.CSS(selector), value))
}

func (b tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// press clicks what leads to another page, and waits for that page.
func (b tab) press(selector string) {
	b.t.Helper()
	if err := b.tryPress(selector); err != nil {
		b.t.Fatal(err)
	}
}

func (b tab) tryPress(selector string) error {
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		return fmt.Errorf("press %s: %w", selector, err)
	}
	return nil
}

// js is the value of a JavaScript expression, a string.
func (b tab) js(expression string) string {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// text is what is written in the first element that matches, or "".
func (b tab) text(selector string) string {
	b.t.Helper()
	return b.js(fmt.Sprintf("document.querySelector(%q)?.innerText.trim() ?? ''", selector))
}

// path is where the tab is, with the query.
func (b tab) path() string {
	b.t.Helper()
	u, err := url.Parse(b.js("location.href"))
	if err != nil {
		b.t.Fatal(err)
	}
	return u.RequestURI()
}

// cookies are all that the visitor has, for whichever path.
func (b tab) cookies() []*network.Cookie {
	b.t.Helper()
	id := chromedp.FromContext(b.ctx).BrowserContextID
	jar, err := chromedp.CallBrowser(b.ctx, storage.GetCookies, storage.GetCookiesParams{BrowserContextID: id})
	if err != nil {
		b.t.Fatalf("cookies: %v", err)
	}
	return jar.Cookies
}

// want compares what the visitor sees.
func (b tab) want(what, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %q, want %q", what, got, want)
	}
}
