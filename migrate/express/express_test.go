package fromexpress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	fromexpress "github.com/coatcheck/coatcheck/migrate/express"
)

const (
	secret = "keyboard cat"
	id     = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
	cookie = "s%3A" + id + ".N0Id4opwqhaAYcoIYSsRkO1j3rAafXluGboH3Nk7dVc"
	alive  = `"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"}`
)

var errDown = errors.New("connection refused")

// server has everything under the key of id, and notes the others that it is asked for.
type server struct {
	text  string
	asked []string
}

func (s *server) Get(_ context.Context, key string) ([]byte, error) {
	switch s.asked = append(s.asked, key); s.text {
	case "down":
		return nil, errDown
	case "gone":
		return nil, session.ErrNotFound
	}
	return []byte(s.text), nil
}

func importer(t testing.TB, s *server, secrets ...string) session.Importer {
	t.Helper()
	if len(secrets) == 0 {
		secrets = []string{secret}
	}
	i, err := fromexpress.ConnectRedis(fromexpress.Config{Secrets: secrets, Server: s})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// reason is the reason for which a cookie opens nothing.
func reason(t testing.TB, i session.Importer, value string) session.Reason {
	t.Helper()
	_, err := i.Open(t.Context(), value)
	refused, ok := errors.AsType[*session.NotImportedError](err)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return session.ReasonUnknown
	case !ok:
		t.Fatalf("%.100q: error %v, want a refusal", value, err)
	case refused.Detail == "" || strings.Contains(refused.Detail, "hunter2"):
		t.Errorf("detail %q", refused.Detail)
	}
	return refused.Reason
}

type vector struct {
	SID    string `json:"sid"`
	Secret string `json:"secret"`
	Cookie string `json:"cookie_header_value"`
}

// vectors were made by express-session; their source is in them.
func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/signed-ids.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	return file.Vectors
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		s := &server{text: "{" + alive + "}"}
		if v.SID == "" {
			if got := reason(t, importer(t, s, v.Secret), v.Cookie); got != session.ReasonMalformed {
				t.Errorf("no id: %s", got)
			}
			continue
		}
		for _, secrets := range [][]string{{v.Secret}, {"new", v.Secret}} {
			f, err := importer(t, s, secrets...).Open(t.Context(), v.Cookie)
			if err != nil || f.ID != v.SID || s.asked[0] != "sess:"+v.SID {
				t.Errorf("%q: %q, %v; asked for %q", v.SID, f.ID, err, s.asked)
			}
		}
		if got := reason(t, importer(t, s, "new", v.Secret+"x"), v.Cookie); got != session.ReasonUnopenable {
			t.Errorf("%q, another secret: %s", v.SID, got)
		}
	}
}

// Nothing that is not exactly what express-session has signed reaches the server.
func TestForgedCookies(t *testing.T) {
	for _, v := range vectors(t) {
		s := &server{text: "{" + alive + "}"}
		i := importer(t, s, v.Secret)
		for n := range len(v.Cookie) {
			reason(t, i, v.Cookie[:n])
			for bit := range 8 {
				flipped := []byte(v.Cookie)
				flipped[n] ^= 1 << bit
				reason(t, i, string(flipped))
			}
		}
		if len(s.asked) > 0 {
			t.Errorf("asked for %q", s.asked)
		}
	}
}

// Of the spellings of a cookie only express-session's own counts.
func TestSpellings(t *testing.T) {
	signature := cookie[strings.LastIndexByte(cookie, '.')+1:]
	for value, want := range map[string]session.Reason{
		"":                                session.ReasonMalformed,
		"s:" + cookie[4:]:                 session.ReasonMalformed,
		"s%3a" + cookie[4:]:               session.ReasonMalformed,
		"%73%3A" + cookie[4:]:             session.ReasonMalformed,
		"s%3G" + cookie[4:]:               session.ReasonMalformed,
		cookie[4:]:                        session.ReasonMalformed,
		"s%3A" + id:                       session.ReasonMalformed,
		"j%3A" + cookie[4:]:               session.ReasonMalformed,
		cookie + "%3D":                    session.ReasonUnopenable,
		cookie + "=":                      session.ReasonMalformed,
		cookie + "%0A":                    session.ReasonUnopenable,
		"s%3A" + id + ".":                 session.ReasonUnopenable,
		"s%3A" + id + "." + signature[1:]: session.ReasonUnopenable,
		"s%3A" + id + ".x." + signature:   session.ReasonUnopenable,
		strings.Repeat("x", 4097):         session.ReasonOversized,
	} {
		if got := reason(t, importer(t, &server{}), value); got != want {
			t.Errorf("%.100q: %s, want %s", value, got, want)
		}
	}
}

func TestOpen(t *testing.T) {
	for _, test := range []struct {
		why, text, subject string
		written            int64
	}{
		{"nobody", `{` + alive + `}`, "", 0},
		{"a number", `{` + alive + `,"passport":{"user":42}}`, "42", 0},
		{"a text", `{` + alive + `,"passport":{"user":"ann"}}`, "ann", 0},
		{"an object", `{` + alive + `,"passport":{"user":{"id":42}}}`, "", 0},
		{"null", `{` + alive + `,"passport":{"user":null}}`, "", 0},
		{"no passport", `{` + alive + `,"passport":7}`, "", 0},
		{"when saved", `{"cookie":{"originalMaxAge":3600000,"expires":"2023-11-14T23:13:20.000Z"}}`, "", 1700000000},
		{"no time", `{"cookie":{"originalMaxAge":3600000,"expires":"soon"}}`, "", 0},
		{"no age", `{"cookie":{"originalMaxAge":null,"expires":"2023-11-14T23:13:20.000Z"}}`, "", 0},
		{"too old", `{"cookie":{"originalMaxAge":1e300,"expires":"2023-11-14T23:13:20.000Z"}}`, "", 0},
		{"without expiry", `{"cookie":{"originalMaxAge":1,"expires":null}}`, "", 0},
	} {
		f, err := importer(t, &server{text: test.text}).Open(t.Context(), cookie)
		if err != nil {
			t.Errorf("%s: %v", test.why, err)
			continue
		}
		var written int64
		if !f.Written.IsZero() {
			written = f.Written.Unix()
		}
		if _, has := f.Values["cookie"]; has || f.Subject != test.subject || written != test.written {
			t.Errorf("%s: %+v", test.why, f)
		}
	}
	f, err := importer(t, &server{text: `{` + alive + `,"cart":["tea"]}`}).Open(t.Context(), cookie)
	if got := fmt.Sprintf("%s", f.Values["cart"]); err != nil || got != `["tea"]` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for text, want := range map[string]session.Reason{
		"gone":                                 session.ReasonUnknown,
		"":                                     session.ReasonUnknown,
		"null":                                 session.ReasonCorrupt,
		`"hunter2"`:                            session.ReasonCorrupt,
		`[]`:                                   session.ReasonCorrupt,
		`{}`:                                   session.ReasonCorrupt,
		`{"cookie":null}`:                      session.ReasonCorrupt,
		`{"cookie":"hunter2"}`:                 session.ReasonCorrupt,
		`{` + alive + `,` + alive + `}`:        session.ReasonCorrupt,
		`{` + alive + `,"a":1,"\u0061":2}`:     session.ReasonCorrupt,
		`{` + alive + `} hunter2`:              session.ReasonCorrupt,
		`{` + alive + `,"a":"` + "\xff" + `"}`: session.ReasonCorrupt,
		`{` + alive + `,"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`: session.ReasonCorrupt,
		`{` + alive + `,"a":"` + strings.Repeat("x", 1<<20) + `"}`:                        session.ReasonCorrupt,
	} {
		if got := reason(t, importer(t, &server{text: text}), cookie); got != want {
			t.Errorf("%.200q: %s, want %s", text, got, want)
		}
	}
	whole := `{` + alive + `,"cart":["tea"]}`
	for n := 1; n < len(whole); n++ {
		if got := reason(t, importer(t, &server{text: whole[:n]}), cookie); got != session.ReasonCorrupt {
			t.Errorf("cut off after %d bytes: %s", n, got)
		}
	}
}

func TestServerWithoutAnswer(t *testing.T) {
	_, err := importer(t, &server{text: "down"}).Open(t.Context(), cookie)
	if !errors.Is(err, errDown) || strings.Contains(err.Error(), id) {
		t.Errorf("error %v, want the server's", err)
	}
}

func TestConfigRefused(t *testing.T) {
	for why, c := range map[string]fromexpress.Config{
		"no secret": {Server: &server{}}, "an empty one": {Server: &server{}, Secrets: []string{"a", ""}},
		"no server": {Secrets: []string{"a"}},
	} {
		if _, err := fromexpress.ConnectRedis(c); err == nil {
			t.Errorf("%s: accepted", why)
		}
	}
}

func TestNoPrefix(t *testing.T) {
	s := &server{text: "{" + alive + "}"}
	i, err := fromexpress.ConnectRedis(fromexpress.Config{Secrets: []string{secret}, Server: s, NoPrefix: true})
	if err != nil {
		t.Fatal(err)
	}
	if f, err := i.Open(t.Context(), cookie); err != nil || f.ID != id || s.asked[0] != id {
		t.Errorf("%q, %v; asked for %q", f.ID, err, s.asked)
	}
}

func FuzzOpen(f *testing.F) {
	ids := map[string]string{} // of the cookies that there may be
	for _, v := range vectors(f) {
		if v.Secret == secret && v.SID != "" {
			ids[v.Cookie] = v.SID
		}
		f.Add(v.Cookie, `{`+alive+`,"passport":{"user":42}}`)
	}
	f.Add(cookie, `{"cookie":{"originalMaxAge":3600000,"expires":"2023-11-14T23:13:20.000Z"},"a":{"b":[1]}}`)
	f.Fuzz(func(t *testing.T, value, text string) {
		for _, v := range []string{value, cookie} {
			got, err := importer(t, &server{text: text}).Open(t.Context(), v)
			switch {
			case err == nil && (ids[v] == "" || got.ID != ids[v]):
				t.Errorf("opened %q: %+v", v, got)
			case err != nil && text != "down":
				reason(t, importer(t, &server{text: text}), v)
			}
		}
	})
}
