package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// maxSettings is how many bytes of settings are read.
const maxSettings = 1 << 20

// read reads the settings from standard input, a file, or an application.
func (a audit) read(c *console) ([]byte, error) {
	source := string(a.Source)
	ctx, cancel := context.WithTimeout(c.ctx, a.Timeout)
	defer cancel()
	switch {
	case source == "" || source == "-":
		return within(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(c.stdin, maxSettings)) })
	case strings.HasPrefix(source, "http://"), strings.HasPrefix(source, "https://"):
		return fetch(ctx, source)
	}
	text, err := os.ReadFile(string(a.Source))
	if p, ok := errors.AsType[*fs.PathError](err); ok { // the path may be something else, in the wrong place
		err = fmt.Errorf("the file cannot be read: %w", p.Err)
	}
	return text, err
}

// within is for a read that cannot be interrupted.
func within(ctx context.Context, read func() ([]byte, error)) (text []byte, err error) {
	done := make(chan struct{})
	var got []byte
	var failed error
	go func() {
		defer close(done)
		got, failed = read()
	}()
	select {
	case <-done:
		return got, failed
	case <-ctx.Done():
		return nil, fmt.Errorf("no settings came on standard input: %w", ctx.Err())
	}
}

// fetch asks the application. Its URL may have a password, which errors leave out.
func fetch(ctx context.Context, address string) (text []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, usageError("the address cannot be read: write http://host:port/path")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, fmt.Errorf("the application does not answer: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the application answers with status %d", response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxSettings))
}
