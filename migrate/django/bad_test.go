package fromdjango_test

import (
	"bytes"
	"compress/zlib"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// opener opens one signed text, wherever it is kept.
type opener struct {
	salt string
	open func(t *testing.T, c fromdjango.Config, text string) (session.Foreign, error)
}

func openers(t *testing.T) map[string]opener {
	folder := t.TempDir()
	return map[string]opener{
		"cookie": {cookieSalt, func(t *testing.T, c fromdjango.Config, text string) (session.Foreign, error) {
			return must(fromdjango.SignedCookies(c)).Open(t.Context(), text)
		}},
		"row": {storeSalt, func(t *testing.T, c fromdjango.Config, text string) (session.Foreign, error) {
			db := oneRow(key, text, "2099-01-01 00:00:00")
			return must(fromdjango.DB(c, fromdjango.Table{DB: db, Dialect: sqlstore.SQLite})).Open(t.Context(), key)
		}},
		"file": {storeSalt, func(t *testing.T, c fromdjango.Config, text string) (session.Foreign, error) {
			write(t, filepath.Join(folder, "sessionid"+key), text, signedAt)
			return must(fromdjango.Files(c, folder)).Open(t.Context(), key)
		}},
	}
}

// Each of these is refused, with this reason, wherever a signed text is kept.
func TestBadTexts(t *testing.T) {
	nested := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for name, c := range map[string]struct {
		body string
		want session.Reason
	}{
		"no base64":       {"e30!", session.ReasonCorrupt},
		"padding":         {"e30=", session.ReasonCorrupt},
		"other spelling":  {"e31", session.ReasonCorrupt},
		"line break":      {"e3\n0", session.ReasonCorrupt},
		"nothing":         {"", session.ReasonCorrupt},
		"no zlib":         {"." + b64("{}"), session.ReasonCorrupt},
		"after zlib":      {"." + b64(deflated("{}")+"x"), session.ReasonCorrupt},
		"half of zlib":    {"." + b64(deflated(`{"a":"bc"}`)[:9]), session.ReasonCorrupt},
		"bomb":            {"." + b64(deflated(strings.Repeat(" ", 2<<20)+"{}")), session.ReasonCorrupt},
		"member twice":    {b64(`{"a":1,"a":2}`), session.ReasonCorrupt},
		"two objects":     {b64(`{}{}`), session.ReasonCorrupt},
		"list":            {b64(`[]`), session.ReasonCorrupt},
		"text":            {b64(`"a"`), session.ReasonCorrupt},
		"null":            {b64(`null`), session.ReasonCorrupt},
		"NaN":             {b64(`{"a":NaN}`), session.ReasonCorrupt},
		"Latin-1":         {b64("{\"a\":\"\xe9\"}"), session.ReasonCorrupt},
		"UTF-8":           {b64(`{"a":"é"}`), session.ReasonCorrupt},
		"pickle":          {b64("\x80\x05}\x94."), session.ReasonCorrupt},
		"too deep":        {b64(nested), session.ReasonCorrupt},
		"user a number":   {b64(`{"_auth_user_id":1,"_auth_user_backend":"b"}`), session.ReasonCorrupt},
		"user null":       {b64(`{"_auth_user_id":null,"_auth_user_backend":"b"}`), session.ReasonCorrupt},
		"user empty":      {b64(`{"_auth_user_id":"","_auth_user_backend":"b"}`), session.ReasonCorrupt},
		"no back end":     {b64(`{"_auth_user_id":"1"}`), session.ReasonCorrupt},
		"expiry a list":   {b64(`{"_session_expiry":[]}`), session.ReasonCorrupt},
		"expiry no date":  {b64(`{"_session_expiry":"tomorrow"}`), session.ReasonCorrupt},
		"expiry over":     {b64(`{"_session_expiry":"2023-11-14T22:13:20+00:00"}`), session.ReasonExpiredAbsolute},
		"expiry naive":    {b64(`{"_session_expiry":"2023-11-14T22:13:19.999999"}`), session.ReasonExpiredAbsolute},
		"expiry negative": {b64(`{"_session_expiry":-1}`), session.ReasonExpiredIdle},
	} {
		for place, o := range openers(t) {
			_, err := o.open(t, config(), seal(o.salt, secret, c.body, signedAt))
			if reason(err) != c.want {
				t.Errorf("%s in %s: %v, want %s", name, place, err, c.want)
			}
		}
	}
}

func deflated(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

// What the signature covers is judged after it, and other salts' and keys' signatures are nobody's.
func TestForgedTexts(t *testing.T) {
	for place, o := range openers(t) {
		good := seal(o.salt, secret, b64(`{"a":1}`), signedAt)
		for name, c := range map[string]struct {
			text string
			want session.Reason
		}{
			"good":           {good, ""},
			"other key":      {seal(o.salt, "other", b64(`{"a":1}`), signedAt), session.ReasonUnopenable},
			"other salt":     {seal("my.salt", secret, b64(`{"a":1}`), signedAt), session.ReasonUnopenable},
			"bomb, no key":   {"." + b64(deflated(strings.Repeat(" ", 2<<20))) + ":1r31eq:x", session.ReasonUnopenable},
			"future":         {seal(o.salt, secret, b64(`{}`), signedAt.Add(61*time.Second)), session.ReasonUnopenable},
			"clock differs":  {seal(o.salt, secret, b64(`{}`), signedAt.Add(60*time.Second)), ""},
			"no time":        {sealText(o.salt, secret, b64(`{}`)), session.ReasonMalformed},
			"time empty":     {sealText(o.salt, secret, b64(`{}`)+":"), session.ReasonMalformed},
			"time negative":  {sealText(o.salt, secret, b64(`{}`)+":-1"), session.ReasonMalformed},
			"time too long":  {sealText(o.salt, secret, b64(`{}`)+":zzzzzzzzzzzz"), session.ReasonMalformed},
			"three parts":    {sealText(o.salt, secret, "a:"+b64(`{}`)+":1r31eq"), session.ReasonCorrupt},
			"no colon":       {"abc", session.ReasonMalformed},
			"colons":         {"::", session.ReasonUnopenable},
			"far too long":   {strings.Repeat("a", 3<<20), session.ReasonOversized},
			"trailing space": {good + " ", session.ReasonUnopenable},
		} {
			if _, err := o.open(t, config(), c.text); reason(err) != c.want || c.want == "" && err != nil {
				t.Errorf("%s in %s: %v, want %q", name, place, err, c.want)
			}
		}
	}
}

// A date that has no zone is in Django's TIME_ZONE.
func TestExpiryWithoutZone(t *testing.T) {
	c := config()
	c.Location = time.FixedZone("", 9*60*60)
	for text, want := range map[string]session.Reason{
		"2023-11-15T07:13:20": session.ReasonExpiredAbsolute, "2023-11-15T07:13:20.5": "",
	} {
		value := seal(cookieSalt, secret, b64(`{"_session_expiry":"`+text+`"}`), signedAt)
		f, err := must(fromdjango.SignedCookies(c)).Open(t.Context(), value)
		if reason(err) != want || want == "" && !f.Deadline.Equal(signedAt.Add(time.Second/2)) {
			t.Errorf("%s: %v, %v", text, f.Deadline, err)
		}
	}
}

// A browser would not have kept a cookie that long. A row may be longer.
func TestLongCookieIsNobodys(t *testing.T) {
	for place, o := range openers(t) {
		_, err := o.open(t, config(), seal(o.salt, secret, b64(`{"a":"`+strings.Repeat("b", 4096)+`"}`), signedAt))
		if place == "cookie" && reason(err) != session.ReasonOversized || place != "cookie" && err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}

func TestEveryBitAndLengthCounts(t *testing.T) {
	for place, o := range openers(t) {
		good := seal(o.salt, secret, "."+b64(deflated(`{"_auth_user_id":"1","_auth_user_backend":"b"}`)), signedAt)
		for i := range len(good) {
			if place == "file" && i%16 != 0 {
				continue // each one is written
			}
			flipped := []byte(good)
			flipped[i] ^= 1 << (i % 8)
			for _, text := range []string{string(flipped), good[:i]} {
				if f, err := o.open(t, config(), text); err == nil || f.Subject != "" {
					t.Errorf("%s: %q opened", place, text)
				} else if reason(err) == "" && text != "" {
					t.Errorf("%s: %q: no reason: %v", place, text, err)
				}
			}
		}
	}
}

func TestKeysRotate(t *testing.T) {
	for place, o := range openers(t) {
		c := config()
		c.Secrets = []string{"new", secret}
		if _, err := o.open(t, c, seal(o.salt, secret, b64(`{}`), signedAt)); err != nil {
			t.Errorf("%s: SECRET_KEY_FALLBACKS: %v", place, err)
		}
		c.Secrets = []string{"new"}
		if _, err := o.open(t, c, seal(o.salt, secret, b64(`{}`), signedAt)); reason(err) != session.ReasonUnopenable {
			t.Errorf("%s: a removed key: %v", place, err)
		}
	}
}

// A session key is part of a path, and of a query of databases that ignore case: it has one spelling, Django's.
func TestSessionKeysAsDjango(t *testing.T) {
	folder := t.TempDir()
	outside := filepath.Join(filepath.Dir(folder), "sessionidoutside")
	write(t, outside, seal(storeSalt, secret, b64(`{}`), signedAt), signedAt)
	defer func() { _ = os.Remove(outside) }()
	places := []session.Importer{
		must(fromdjango.Files(config(), folder)),
		must(fromdjango.Cache(config(), fromdjango.Cached{KeyValue: memory{}})),
		must(fromdjango.DB(config(), fromdjango.Table{DB: oneRow("", "", ""), Dialect: sqlstore.MySQL})),
	}
	for _, bad := range []string{
		"", "short77", strings.ToUpper(key), key + " ", "../sessionidoutside", "/../sessionidoutside", "a/../../outside",
		`..\sessionid`, key + "\x00", "é" + key[2:], strings.Repeat("a", 41), key[:20] + "/" + key[20:],
	} {
		for _, i := range places {
			if _, err := i.Open(t.Context(), bad); reason(err) != session.ReasonMalformed {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	for _, i := range places {
		if _, err := i.Open(t.Context(), key); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("a key of no session: %v", err)
		}
	}
}

func TestFileLinkOutOfTheFolderIsNotFollowed(t *testing.T) {
	folder, outside := t.TempDir(), filepath.Join(t.TempDir(), "file")
	write(t, outside, seal(storeSalt, secret, b64(`{}`), signedAt), signedAt)
	if err := os.Symlink(outside, filepath.Join(folder, "sessionid"+key)); err != nil {
		t.Skip(err) // Windows, without the right
	}
	_, err := must(fromdjango.Files(config(), folder)).Open(t.Context(), key)
	if err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("%v", err)
	}
}

func TestEmptyFileIsNoSession(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "sessionid"+key), "", signedAt)
	_, err := must(fromdjango.Files(config(), folder)).Open(t.Context(), key)
	if !errors.Is(err, session.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// Rows end at their expire_date, in each form that a driver returns it in. The clock says 22:13:20 UTC.
func TestExpireDates(t *testing.T) {
	tokyo := time.FixedZone("", 9*60*60)
	for _, c := range []struct {
		dialect sqlstore.Dialect
		date    driver.Value
		in      *time.Location
		want    session.Reason
	}{
		{sqlstore.SQLite, "2023-11-14 22:13:20", nil, session.ReasonExpiredIdle},
		{sqlstore.SQLite, "2023-11-14 22:13:20.000001", nil, ""},
		{sqlstore.SQLite, "2023-11-15 07:13:20", tokyo, session.ReasonExpiredIdle},
		{sqlstore.SQLite, "2023-11-15 07:13:21", tokyo, ""},
		{sqlstore.MySQL, []byte("2023-11-14 22:13:20.000000"), nil, session.ReasonExpiredIdle},
		{sqlstore.MySQL, []byte("2023-11-14 22:13:20.500000"), nil, ""},
		{sqlstore.MySQL, []byte("2023-11-15 07:13:20"), tokyo, session.ReasonExpiredIdle},
		{sqlstore.PostgreSQL, signedAt.In(tokyo), nil, session.ReasonExpiredIdle},
		{sqlstore.PostgreSQL, signedAt.Add(1).In(tokyo), tokyo, ""},
		{sqlstore.SQLite, "soon", nil, session.ReasonCorrupt},
		{sqlstore.SQLite, int64(7), nil, session.ReasonCorrupt},
		{sqlstore.SQLite, nil, nil, session.ReasonCorrupt},
	} {
		config := config()
		config.Location = c.in
		db := oneRow(key, seal(storeSalt, secret, b64(`{}`), signedAt), c.date)
		_, err := must(fromdjango.DB(config, fromdjango.Table{DB: db, Dialect: c.dialect})).Open(t.Context(), key)
		if reason(err) != c.want || c.want == "" && err != nil {
			t.Errorf("%v %v: %v, want %q", c.dialect, c.date, err, c.want)
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	good := func() fromdjango.Config { return config() }
	with := func(f func(*fromdjango.Config)) fromdjango.Config {
		c := good()
		f(&c)
		return c
	}
	_, noSecret := fromdjango.SignedCookies(with(func(c *fromdjango.Config) { c.Secrets = nil }))
	_, emptySecret := fromdjango.SignedCookies(with(func(c *fromdjango.Config) { c.Secrets = []string{secret, ""} }))
	_, noHash := fromdjango.SignedCookies(with(func(c *fromdjango.Config) { c.AnyPassword = false }))
	_, age := fromdjango.SignedCookies(with(func(c *fromdjango.Config) { c.Age = -1 }))
	_, noDB := fromdjango.DB(good(), fromdjango.Table{Dialect: sqlstore.SQLite})
	_, noDialect := fromdjango.DB(good(), fromdjango.Table{DB: oneRow("")})
	_, name := fromdjango.DB(good(), fromdjango.Table{DB: oneRow(""), Dialect: sqlstore.MySQL, Name: "a`b"})
	_, noServer := fromdjango.Cache(good(), fromdjango.Cached{})
	_, noFolder := fromdjango.Files(good(), filepath.Join(t.TempDir(), "none"))
	_, readOnly := fromdjango.Cache(with(func(c *fromdjango.Config) { c.UserID = users{}.id }),
		fromdjango.Cached{KeyValue: struct{ migrate.KeyValue }{memory{}}})
	of := func(u fromdjango.Users) fromdjango.Config {
		return with(func(c *fromdjango.Config) { c.AnyPassword, c.Users = false, &u })
	}
	_, usersNoDB := fromdjango.SignedCookies(of(fromdjango.Users{Dialect: sqlstore.SQLite}))
	_, usersNoDialect := fromdjango.SignedCookies(of(fromdjango.Users{DB: oneRow("")}))
	_, usersName := fromdjango.SignedCookies(of(fromdjango.Users{DB: oneRow(""), Dialect: sqlstore.MySQL, Table: `x"`}))
	_, usersColumn := fromdjango.SignedCookies(of(fromdjango.Users{DB: oneRow(""), Dialect: sqlstore.MySQL, ID: "a b"}))
	_, usersTwice := fromdjango.SignedCookies(with(func(c *fromdjango.Config) {
		c.Users = &fromdjango.Users{DB: oneRow(""), Dialect: sqlstore.MySQL} // and AnyPassword
	}))
	_, noBackend := fromdjango.SignedCookies(with(func(c *fromdjango.Config) { c.AuthBackends = []string{} }))
	_, otherBackend := fromdjango.SignedCookies(with(func(c *fromdjango.Config) {
		c.AuthBackends, c.UserID = []string{"shop.Backend"}, users{}.id
	}))
	for i, err := range []error{
		noSecret, emptySecret, noHash, age, noDB, noDialect, name, noServer, noFolder, readOnly, noBackend, otherBackend,
		usersNoDB, usersNoDialect, usersName, usersColumn, usersTwice,
	} {
		if err == nil || !strings.HasPrefix(fmt.Sprint(err), "fromdjango: ") || strings.Contains(err.Error(), secret) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
