package fromdjango

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// The values that Django keeps in a session for itself. Programs get the others.
const (
	keyUser     = "_auth_user_id"
	keyBackend  = "_auth_user_backend"
	keyHash     = "_auth_user_hash"
	keyExpiry   = "_session_expiry"
	keyMessages = "_messages"
	keyCSRF     = "_csrftoken"
	keyTest     = "testcookie"
)

var reserved = []string{keyUser, keyBackend, keyHash, keyExpiry, keyMessages, keyCSRF, keyTest}

// foreign judges what a place has read.
func (c Config) foreign(ctx context.Context, s stored) (session.Foreign, error) {
	f := session.Foreign{ID: s.id, Written: s.written}
	var err error
	if f.Values, err = strict.Object(s.json); err != nil {
		return session.Foreign{}, strict.Refused(session.ReasonCorrupt, "the session: %v", err)
	}
	if f.Deadline, err = c.deadline(f.Values[keyExpiry], s.written); err != nil {
		return session.Foreign{}, err
	}
	if f.Subject, err = c.user(ctx, f.Values); err != nil {
		return session.Foreign{}, err
	}
	for _, name := range reserved {
		delete(f.Values, name)
	}
	return f, nil
}

// deadline judges _session_expiry: a number of seconds since the last write, of which 0 and null mean
// SESSION_COOKIE_AGE, or a date, which is the session's end.
func (c Config) deadline(expiry any, written time.Time) (time.Time, error) {
	switch v := decoded(expiry).(type) {
	case nil:
		return time.Time{}, nil
	case float64:
		if !written.IsZero() && v != 0 && c.Now().Sub(written).Seconds() >= v {
			return time.Time{}, strict.Refused(session.ReasonExpiredIdle, "not written for %v seconds", v)
		}
		return time.Time{}, nil
	case string:
		return c.date(v)
	}
	return time.Time{}, strict.Refused(session.ReasonCorrupt, keyExpiry+" is neither a number nor a date")
}

// hasEnd reports whether a session has an end by _session_expiry, so that SESSION_COOKIE_AGE does not count.
func hasEnd(text []byte) bool {
	values, err := strict.Object(text)
	if err != nil {
		return true // which is judged later
	}
	expiry := decoded(values[keyExpiry])
	return expiry != nil && expiry != 0.0
}

// decoded is a JSON value that strict.Object has checked, and nil if there is none.
func decoded(member any) (value any) {
	if raw, ok := member.(json.RawMessage); ok {
		_ = json.Unmarshal(raw, &value)
	}
	return value
}

// date reads what Python's datetime.isoformat writes, and refuses what is over.
func (c Config) date(text string) (time.Time, error) {
	t, err := time.Parse("2006-01-02T15:04:05Z07:00", text)
	if err != nil {
		t, err = time.ParseInLocation("2006-01-02T15:04:05", text, c.Location)
	}
	switch {
	case err != nil:
		return time.Time{}, strict.Refused(session.ReasonCorrupt, keyExpiry+" is not a date in ISO 8601")
	case !c.Now().Before(t):
		return time.Time{}, strict.Refused(session.ReasonExpiredAbsolute, keyExpiry+" is over")
	}
	return t, nil
}

// user says who is logged in: nobody is where _auth_user_id is missing.
func (c Config) user(ctx context.Context, values map[string]any) (string, error) {
	if _, ok := values[keyUser]; !ok {
		return "", nil
	}
	id, backend := text(values[keyUser]), text(values[keyBackend])
	if id == "" || backend == "" {
		return "", strict.Refused(session.ReasonCorrupt, keyUser+" or "+keyBackend+" is not a text")
	}
	if c.AuthBackends != nil && !slices.Contains(c.AuthBackends, backend) {
		return "", strict.Refused(session.ReasonAlreadyEnded, keyBackend+" is not among Config.AuthBackends")
	}
	return id, c.checkPassword(ctx, id, text(values[keyHash]))
}

// text is a JSON string's value, and empty for what is none.
func text(value any) string {
	raw, _ := value.(json.RawMessage)
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// checkPassword refuses a login that was made with another password than the user has now.
func (c Config) checkPassword(ctx context.Context, id, hash string) error {
	if c.AnyPassword {
		return nil
	}
	password, err := c.PasswordHash(ctx, id)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return strict.Refused(session.ReasonAlreadyEnded, "the user is not there or may not log in")
	case err != nil:
		return fmt.Errorf("fromdjango: asking for the user's password hash: %w", err)
	}
	ok := false
	for _, secret := range c.Secrets {
		ok = hmac.Equal([]byte(hash), []byte(authHash(secret, password))) || ok
	}
	if !ok {
		return strict.Refused(session.ReasonAlreadyEnded, keyHash+" is for another password: it was changed after the login")
	}
	return nil
}

// authHash is what Django's get_session_auth_hash returns.
func authHash(secret, password string) string {
	return hex.EncodeToString(saltedHMAC(hashSalt, secret, password))
}
