package browsertest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// add puts something from the shelf into the cart. The tab has to show the shelf, and will again.
func (b tab) add(item string) {
	b.t.Helper()
	if err := b.tryAdd(item); err != nil {
		b.t.Fatal(err)
	}
}

func (b tab) tryAdd(item string) error {
	return b.tryPress(fmt.Sprintf("form:has([value=%s]) .primary", item))
}

func TestCartInTwoTabs(t *testing.T) {
	everywhere(t, func(t *testing.T, b tab) {
		b.visit("/login")
		b.logIn()
		other := b.another()
		other.visit("/")
		failed := make(chan error)
		fill := func(b tab, items ...string) {
			for _, item := range items {
				if err := b.tryAdd(item); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}
		go fill(b, "bread", "cheese", "tea")
		go fill(other, "honey", "tea", "jam")
		for range 2 {
			if err := <-failed; err != nil {
				t.Error(err)
			}
		}
		b.press(".basket")
		b.want("cart", b.js(`[...document.querySelectorAll(".lines li")].map(line =>
			line.querySelector(".what strong").innerText + " " + line.querySelector(".amount b").innerText).sort().join()`),
			"Bread 1,Cheese 1,Honey 1,Jam 1,Tea 2")
		b.want("badge", b.text(".badge"), "6")
	})
}

func TestLanguageAndTheme(t *testing.T) {
	everywhere(t, func(_ *testing.T, b tab) {
		looks := func(lang, theme, background string) {
			b.t.Helper()
			b.want("lang", b.js("document.documentElement.lang"), lang)
			b.want("data-theme", b.js("document.documentElement.dataset.theme"), theme)
			b.want("background", b.js("getComputedStyle(document.body).backgroundColor"), background)
		}
		const light, dark = "rgb(251, 246, 236)", "rgb(23, 26, 24)"
		b.visit("/cart")
		looks("en", "light", light)
		b.press(".languages [lang=fr]")
		looks("fr", "light", light)
		b.press(".theme")
		b.want("page", b.path(), "/cart")
		looks("fr", "dark", dark)
		b.press(`nav a[href="/preferences"]`)
		looks("fr", "dark", dark)
		b.do("choose", chromedp.SetValue(chromedp.CSS("#language"), "ja"))
		b.press("form:has(#language) button")
		looks("ja", "dark", dark)
		b.do("choose", chromedp.Click(chromedp.CSS("[type=radio][value=light]")))
		b.press("form:has([type=radio]) .primary")
		b.visit("/")
		looks("ja", "light", light)
	})
}

// TestPhone looks for pages that are wider than a phone, with everything on them that may be wide. One framework is
// enough: what is wide is in the templates and the style sheet, and TestLanguageAndTheme sees that all serve these.
func TestPhone(t *testing.T) {
	const width, height = 390, 844
	on(t, []string{"nethttp"}, func(t *testing.T, b tab) {
		b = visitor(t, b.shop) // whose tab stays a phone
		b.do("be a phone", chromedp.EmulateViewport(width, height, chromedp.EmulateMobile))
		b.visit("/")
		b.add("bread")
		b.visit("/cart")
		b.fill("#wish", strings.Repeat("W", 100))
		b.press("form.wish button")
		b.visit("/login")
		b.logIn()
		for _, path := range []string{"/", "/cart", "/login", "/preferences", "/profile", "/password", "/devices"} {
			b.visit(path)
			for _, lang := range []string{"en", "fr"} { // French has the longest words
				if b.js("document.documentElement.lang") != lang {
					b.press(".languages [lang=" + lang + "]")
				}
				size, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]int]("[document.documentElement.scrollWidth, innerWidth]"))
				if err != nil {
					t.Fatal(err)
				}
				if size[0] > width || size[1] != width {
					t.Errorf("%s in %s is %d wide in a window of %d, want %d", path, lang, size[0], size[1], width)
				}
			}
		}
	})
}

var picture = flag.String("picture", "", "write a picture of the shop to this PNG file")

// TestPicture makes docs/shop.png: go test -run Picture -picture ../../../docs/shop.png
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("no -picture")
	}
	needChromium(t)
	b := visitor(t, open(t, "nethttp"))
	b.do("be a desktop", chromedp.EmulateViewport(1200, 800))
	b.visit("/login")
	b.logIn()
	b.add("bread")
	b.add("honey")
	b.visit("/") // without messages
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*picture, png, 0o644); err != nil {
		t.Fatal(err)
	}
}
