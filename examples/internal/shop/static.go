package shop

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
)

//go:embed static
var staticFiles embed.FS

// file is something that is the same for everybody.
type file struct {
	header map[string]string
	body   []byte
}

var contentTypes = map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

func loadFiles() (map[string]file, error) {
	files := map[string]file{"/healthz": {
		header: map[string]string{"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"},
		body:   []byte("ok\n"),
	}}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := staticFiles.ReadFile(name)
		files["/"+name] = file{
			header: map[string]string{"Content-Type": contentTypes[path.Ext(name)], "Cache-Control": "public, max-age=300"},
			body:   body,
		}
		return err
	})
	return files, err
}

// serveFile answers without the session.
func (a *App) serveFile(r Request, name string) Response {
	f, ok := a.files[name]
	if !ok {
		return a.Refuse(r.Header, Error{Status: http.StatusNotFound})
	}
	if asGet(r.Method) != http.MethodGet {
		return a.Refuse(r.Header, Error{
			Status: http.StatusMethodNotAllowed, header: map[string]string{"Allow": "GET, HEAD"},
		})
	}
	return Response{Status: http.StatusOK, Header: f.header, Body: f.body}
}
