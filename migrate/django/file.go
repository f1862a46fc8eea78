package fromdjango

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Files takes over the sessions of django.contrib.sessions.backends.file, in the folder SESSION_FILE_PATH, which is
// Python's tempfile.gettempdir() where Django has none. Django makes its files readable for its own user only, as a
// Mirror does, so that both have to run as the same one.
func Files(c Config, folder string) (session.Importer, error) {
	c, err := c.complete()
	if err != nil {
		return session.Importer{}, err
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return session.Importer{}, fmt.Errorf("fromdjango: Files: %q is not a folder", folder)
	}
	return c.importer(files{c, folder}), nil
}

type files struct {
	Config
	folder string
}

func (p files) open(_ context.Context, value string) (stored, error) {
	if !isKey(value) {
		return stored{}, errNoKey
	}
	text, modified, err := p.read(p.CookieName + value)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && text == "": // Django's place-holder of a new session
		return stored{}, session.ErrNotFound
	case err != nil:
		return stored{}, fmt.Errorf("fromdjango: reading a session: %w", withoutPath(err))
	}
	json, at, err := p.unsign(storeSalt, text)
	if err == nil && p.Now().Sub(modified) >= p.Age && !hasEnd(json) {
		return stored{}, strict.Refused(session.ReasonExpiredIdle, "not written for %v", p.Age)
	}
	return stored{id: value, json: json, written: at}, err
}

// read returns a file's text and the time of its last change. Links that lead out of the folder are not followed.
func (p files) read(name string) (string, time.Time, error) {
	f, err := os.OpenInRoot(p.folder, name)
	if err != nil {
		return "", time.Time{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", time.Time{}, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSigned+1))
	return string(text), info.ModTime(), err
}

// withoutPath keeps the session key, which is in the file's name, out of an error.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}

// save makes a session end when it has to by the time of its file's last change, which its age counts from.
func (p files) save(_ context.Context, json []byte, ends time.Time) (string, error) {
	key := newKey()
	if err := p.write(p.CookieName+key, p.sign(storeSalt, json), ends.Add(-p.Age)); err != nil {
		return "", fmt.Errorf("fromdjango: writing a session: %w", withoutPath(err))
	}
	return key, nil
}

// write writes another name first, so that Django never reads half a session.
func (p files) write(name, text string, modified time.Time) error {
	root, err := os.OpenRoot(p.folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	half := name + "_out_" + newKey()[:8] // as Django names them
	err = root.WriteFile(half, []byte(text), 0o600)
	if err == nil {
		err = root.Chtimes(half, modified, modified)
	}
	if err == nil {
		err = root.Rename(half, name)
	}
	if err != nil {
		_ = root.Remove(half)
	}
	return err
}

func (p files) remove(_ context.Context, value string) error {
	if !isKey(value) {
		return nil
	}
	root, err := os.OpenRoot(p.folder)
	if err != nil {
		return fmt.Errorf("fromdjango: deleting a session: %w", withoutPath(err))
	}
	defer func() { _ = root.Close() }()
	if err := root.Remove(p.CookieName + value); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("fromdjango: deleting a session: %w", withoutPath(err))
	}
	return nil
}
