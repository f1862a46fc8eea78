package session

import (
	"cmp"
	"strings"
	"testing"
)

// Two programs on localhost share a jar: what tells them apart has to be in the cookie's name.
func TestProgramName(t *testing.T) {
	for _, c := range []struct{ module, pkg, folder, want string }{
		{"example.com/shop", "example.com/shop", "/src/shop", "shop"},
		{"example.com/shop/v2", "example.com/shop/v2", "/src/shop", "shop"},
		{"example.com/shop", "example.com/shop/cmd/server", "/", "shop-server"},
		{"example.com/blog/v12", "example.com/blog/v12/cmd/server", "/", "blog-server"},
		{"example.com/shop", "example.com/shop/cmd/server.test", "/", "shop-server"},
		{"shop", "shop", "/", "shop"},
		{"main", "main", "/src/shop", "shop"},
		{"", "command-line-arguments", "/src/my shop", "my-shop"},
		{"", "", "/src/läden", "l-den"},
		{"", "command-line-arguments", "/", ""},
		{"", "command-line-arguments", "", ""},
		{"", "example.com/shop/cmd/server", "/", "server"},
		{"example.com/a=b;c", "example.com/a=b;c", "/", "a-b-c"},
		{"example.com/" + strings.Repeat("x", 90), "example.com/" + strings.Repeat("x", 90) + "/server", "/",
			strings.Repeat("x", 33) + "-server"},
	} {
		if got := programName(c.module, c.pkg, c.folder); got != c.want {
			t.Errorf("programName(%q, %q, %q) = %q, want %q", c.module, c.pkg, c.folder, got, c.want)
		}
	}
}

func TestOnlyAnUnnamedCookieInDevelopmentIsNamedForTheProgram(t *testing.T) {
	own := programCookie()
	if !strings.HasPrefix(own, "id-") || checkName(own, maxName) != nil {
		t.Fatalf("the program's cookie is named %q", own)
	}
	for _, c := range []struct {
		why  string
		o    Options
		want string
	}{
		{"nothing is named", Options{InsecureHTTP: true}, own},
		{"the manager is named", Options{InsecureHTTP: true, Name: "admin"}, "admin"},
		{"the manager is named as it would be", Options{InsecureHTTP: true, Name: "id"}, "id"},
		{"the cookie is named", Options{InsecureHTTP: true, Cookie: Cookie{Name: "sid"}}, "sid"},
		{"over https", Options{}, "__Host-id"},
		{"over https with a Domain", Options{Cookie: Cookie{Domain: "example.com"}}, "__Secure-id"},
	} {
		m := must(New(struct{ Store }{}, c.o))
		if name := m.cookie.name; name != c.want {
			t.Errorf("%s: the cookie is %q, want %q", c.why, name, c.want)
		}
		if want := cmp.Or(c.o.Name, "id"); m.name != want {
			t.Errorf("%s: the manager is %q, want %q", c.why, m.name, want)
		}
	}
}
