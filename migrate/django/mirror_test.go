package fromdjango_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// users has passwords by Django's ids.
type users map[string]string

func (u users) hash(_ context.Context, id string) (string, error) {
	if password, ok := u[id]; ok {
		return password, nil
	}
	return "", session.ErrNotFound
}

func (users) id(_ context.Context, subject string) (string, error) {
	return strings.TrimPrefix(subject, "user:"), nil
}

// What Django 3.2's get_session_auth_hash returns for a user with this password and key.
const (
	password = "pbkdf2_sha256$1000$salt$Wsl6KyVDT0GXRpqnSbSm83CXnBMgWkEbAsO3TCkM3vc="
	authHash = "586073c39d612b0adbf35e1a76b1a093114a5e5f462047ce7b9dc5d97619a512"
)

func login(hash string) string {
	return seal(cookieSalt, secret, b64(`{"_auth_user_id":"42","_auth_user_backend":"b","_auth_user_hash":"`+hash+`"}`),
		signedAt)
}

func checked(u users, secrets ...string) fromdjango.Config {
	c := config()
	c.AnyPassword, c.PasswordHash, c.UserID, c.Secrets = false, u.hash, u.id, secrets
	return c
}

func TestPasswordHash(t *testing.T) {
	for name, c := range map[string]struct {
		hash string
		with fromdjango.Config
		want session.Reason
	}{
		"same":             {authHash, checked(users{"42": password}, secret), ""},
		"by a fallback":    {authHash, checked(users{"42": password}, "new", secret), ""},
		"changed":          {authHash, checked(users{"42": password + "x"}, secret), session.ReasonAlreadyEnded},
		"another user's":   {authHash, checked(users{"43": password}, secret), session.ReasonAlreadyEnded},
		"none":             {"", checked(users{"42": password}, secret), session.ReasonAlreadyEnded},
		"upper case":       {strings.ToUpper(authHash), checked(users{"42": password}, secret), session.ReasonAlreadyEnded},
		"none is demanded": {"", config(), ""},
	} {
		f, err := must(fromdjango.SignedCookies(c.with)).Open(t.Context(), login(c.hash))
		if reason(err) != c.want || c.want == "" && (err != nil || f.Subject != "42") {
			t.Errorf("%s: %q, %v, want %q", name, f.Subject, err, c.want)
		}
	}
}

// A back end that is in AUTHENTICATION_BACKENDS no more logs nobody in at Django.
func TestAuthBackends(t *testing.T) {
	for backend, want := range map[string]session.Reason{"b": "", "c": "", "other": session.ReasonAlreadyEnded} {
		c := config()
		c.AuthBackends = []string{"c", "b"}
		value := seal(cookieSalt, secret, b64(`{"_auth_user_id":"42","_auth_user_backend":"`+backend+`"}`), signedAt)
		if _, err := must(fromdjango.SignedCookies(c)).Open(t.Context(), value); reason(err) != want {
			t.Errorf("%s: %v, want %q", backend, err, want)
		}
	}
}

// Without the users nobody can say whether the login is still good: it is neither taken over nor refused.
func TestUsersCannotBeAsked(t *testing.T) {
	down := errors.New("down")
	c := checked(nil, secret)
	c.PasswordHash = func(context.Context, string) (string, error) { return "", down }
	_, err := must(fromdjango.SignedCookies(c)).Open(t.Context(), login(authHash))
	if !errors.Is(err, down) || reason(err) != "" {
		t.Errorf("%v", err)
	}
}

func TestUsersTable(t *testing.T) {
	ask := func(u fromdjango.Users, columns ...any) (string, error) {
		r := &row{key: "42"}
		for _, c := range columns {
			r.columns = append(r.columns, c)
		}
		u.DB = sql.OpenDB(r)
		hash, err := fromdjango.PasswordOf(t.Context(), u, "42")
		return hash + " by " + r.query, err
	}
	got, err := ask(fromdjango.Users{Dialect: sqlstore.PostgreSQL}, password, true)
	if err != nil || got != password+` by SELECT "password", "is_active" FROM "auth_user" WHERE "id" = $1` {
		t.Errorf("%s, %v", got, err)
	}
	members := fromdjango.Users{Dialect: sqlstore.MySQL, Table: "shop_member", ID: "nr", Password: "pw", Inactive: true}
	got, err = ask(members, []byte(password), int64(1))
	if err != nil || got != password+" by SELECT `pw`, 1 FROM `shop_member` WHERE `nr` = ?" {
		t.Errorf("%s, %v", got, err)
	}
	if _, err = ask(fromdjango.Users{Dialect: sqlstore.MySQL}, password, int64(0)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("an inactive user: %v", err)
	}
}

// What the mirror writes is what Open reads, with the values, and its logout ends it where Django's would.
func TestMirror(t *testing.T) {
	c := checked(users{"42": password}, secret, "old")
	c.Age = time.Hour
	server := memory{}
	for name, i := range map[string]session.Importer{
		"cookies": must(fromdjango.SignedCookies(c)),
		"files":   must(fromdjango.Files(c, t.TempDir())),
		"cache":   must(fromdjango.Cache(c, fromdjango.Cached{KeyValue: server})),
	} {
		values := map[string]any{
			"cart": json.RawMessage(`["すし 🍣","<b>"]`), "n": 3, "_auth_user_id": "1", "_session_expiry": -1,
		}
		value, err := i.Mirror.Login(t.Context(), "", session.Foreign{Subject: "user:42", Values: values})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f, err := i.Open(t.Context(), value)
		cart, n := f.Values["cart"], f.Values["n"]
		var texts []string
		_ = json.Unmarshal(cart.(json.RawMessage), &texts)
		if err != nil || f.Subject != "42" || texts[0] != "すし 🍣" || string(n.(json.RawMessage)) != "3" || len(f.Values) != 2 {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		if i.Cookie.MaxAge != time.Hour || i.Cookie.Name != "sessionid" {
			t.Errorf("%s: the cookie is %+v", name, i.Cookie)
		}
		if name != "cookies" {
			ends(t, name, i, value)
		}
	}
}

// Who has put something into his cart over there before he logs in here finds it there afterwards. What somebody else
// has over there is not his.
func TestMirrorKeepsWhatNobodyHas(t *testing.T) {
	i := must(fromdjango.SignedCookies(checked(users{"42": password}, secret)))
	for begun, want := range map[string]string{
		`{"basket":["plum"],"language":"en","_csrftoken":"x"}`: `["plum"]`,
		`{"basket":["plum"],"_auth_user_id":"42"}`:             "",
		`[`: "",
	} {
		value, err := i.Mirror.Login(t.Context(), seal(cookieSalt, secret, b64(begun), signedAt),
			session.Foreign{Subject: "user:42", Values: map[string]any{"language": "fr"}})
		if err != nil {
			t.Fatal(err)
		}
		f, err := i.Open(t.Context(), value)
		basket, _ := f.Values["basket"].(json.RawMessage)
		language, _ := f.Values["language"].(json.RawMessage)
		if err != nil || string(basket) != want || string(language) != `"fr"` {
			t.Errorf("%s: the basket is %s, the language %s, error %v", begun, basket, language, err)
		}
	}
}

// ends checks that a login leaves the old session to be ended once it has succeeded, and that a logout ends one.
func ends(t *testing.T, name string, i session.Importer, old string) {
	t.Helper()
	value, err := i.Mirror.Login(t.Context(), old, session.Foreign{Subject: "user:42"})
	if _, ended := i.Open(t.Context(), old); err != nil || value == old || ended != nil {
		t.Errorf("%s: login: %v, and the old session: %v", name, err, ended)
	}
	if err := i.Mirror.Logout(t.Context(), value); err != nil {
		t.Errorf("%s: logout: %v", name, err)
	}
	if _, err := i.Open(t.Context(), value); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("%s: after the logout: %v", name, err)
	}
	for _, none := range []string{value, "", "../../x", "no such session"} {
		if err := i.Mirror.Logout(t.Context(), none); err != nil {
			t.Errorf("%s: logout of %q: %v", name, none, err)
		}
	}
}

func TestMirrorFilesAreDjangos(t *testing.T) {
	folder := t.TempDir()
	i := must(fromdjango.Files(checked(users{"42": password}, secret), folder))
	f := session.Foreign{Subject: "user:42", Deadline: signedAt.Add(time.Hour)}
	value, err := i.Mirror.Login(t.Context(), "", f)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 || entries[0].Name() != "sessionid"+value {
		t.Fatalf("%v, %v", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 || !info.ModTime().Equal(signedAt.Add(time.Hour-336*time.Hour)) {
		t.Errorf("%v, %v", info, err)
	}
}

// A session here that ends earlier than Django's age ends there at the same time.
func TestMirrorEndsWithTheSessionHere(t *testing.T) {
	server := &ttls{memory: memory{}}
	i := must(fromdjango.Cache(checked(users{"42": password}, secret), fromdjango.Cached{KeyValue: server}))
	for _, deadline := range []time.Time{{}, signedAt.Add(time.Minute), signedAt.Add(999 * time.Hour)} {
		_, err := i.Mirror.Login(t.Context(), "", session.Foreign{Subject: "user:42", Deadline: deadline})
		if err != nil {
			t.Fatal(err)
		}
	}
	if server.ttls[0] != 336*time.Hour || server.ttls[1] != time.Minute || server.ttls[2] != 336*time.Hour {
		t.Errorf("%v", server.ttls)
	}
}

type ttls struct {
	memory
	ttls []time.Duration
}

func (s *ttls) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.ttls = append(s.ttls, ttl)
	return s.memory.Set(ctx, key, value, ttl)
}

func TestMirrorErrorsKeepTheOldSession(t *testing.T) {
	server := memory{}
	c := checked(users{"42": password}, secret)
	i := must(fromdjango.Cache(c, fromdjango.Cached{KeyValue: migrate.WritableKeyValue(server)}))
	value, err := i.Mirror.Login(t.Context(), "", session.Foreign{Subject: "user:42"})
	if err != nil {
		t.Fatal(err)
	}
	bad := []session.Foreign{
		{Subject: "user:43"}, {Subject: "user:42", Values: map[string]any{"a": func() {}}},
	}
	for _, f := range bad {
		if _, err := i.Mirror.Login(t.Context(), value, f); err == nil {
			t.Errorf("%+v", f)
		}
	}
	if _, err := i.Open(t.Context(), value); err != nil {
		t.Errorf("the old session: %v", err)
	}
}

func TestOneWayByDefault(t *testing.T) {
	if i := must(fromdjango.SignedCookies(config())); i.Mirror != nil {
		t.Error("a mirror without UserID")
	}
}
