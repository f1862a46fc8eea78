package fromdjango

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// Users is the table of AUTH_USER_MODEL. The database compares the id with what _auth_user_id has for it, which is fine
// for numbers; a key that the database keeps in another form, like a UUID on MySQL and SQLite, needs a PasswordHash of
// the program's own.
type Users struct {
	DB      *sql.DB
	Dialect sqlstore.Dialect
	// Table, ID, Password and Active are names. Empty means Django's own: auth_user, id, password and is_active.
	Table, ID, Password, Active string
	// Inactive lets in users who are not active: for AllowAllUsersModelBackend, and tables without such a column.
	Inactive bool
}

// passwordHash is what Config.PasswordHash wants.
func (u Users) passwordHash() (func(ctx context.Context, userID string) (string, error), error) {
	if u.DB == nil {
		return nil, errors.New("fromdjango: Users.DB is missing")
	}
	query, err := u.query()
	return func(ctx context.Context, userID string) (string, error) {
		var password string
		var active bool
		err := u.DB.QueryRowContext(ctx, query, userID).Scan(&password, &active)
		switch {
		case errors.Is(err, sql.ErrNoRows), err == nil && !active:
			return "", session.ErrNotFound
		case err != nil:
			return "", fmt.Errorf("fromdjango: reading a user: %w", err)
		}
		return password, nil
	}, err
}

func (u Users) query() (string, error) {
	fallback(&u.Table, "auth_user")
	fallback(&u.ID, "id")
	fallback(&u.Password, "password")
	fallback(&u.Active, "is_active")
	if u.Inactive {
		return spell(u.Dialect, "SELECT {2}, 1 FROM {0} WHERE {1} = ?", u.Table, u.ID, u.Password)
	}
	return spell(u.Dialect, "SELECT {2}, {3} FROM {0} WHERE {1} = ?", u.Table, u.ID, u.Password, u.Active)
}
