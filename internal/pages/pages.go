// Package pages is the door for people: it serves the documentation of the API
// that a browser shows. It knows files and HTTP, and refuses to know records.
package pages

import (
	"io/fs"
	"net/http"

	"modeldb/internal/server"
)

// contentSecurityPolicy allows what Swagger UI and ReDoc need and no more: both
// set styles from their scripts and have small images inside their styles. A
// page can reach its own server and no other.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; " +
	"base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

// Door serves the documentation pages. All it serves is read once, by New, and
// never changes.
type Door struct {
	docs   file
	redoc  file
	assets map[string]file
}

// New reads the pages from dist, which has the shape of ui.Dist below its
// folder "dist". It refuses a dist with a page missing.
func New(dist fs.FS) (*Door, error) {
	docs, err := readPage(dist, "docs/index.html")
	if err != nil {
		return nil, err
	}
	redoc, err := readPage(dist, "redoc/index.html")
	if err != nil {
		return nil, err
	}
	assets, err := readAssets(dist)
	if err != nil {
		return nil, err
	}
	return &Door{docs: docs, redoc: redoc, assets: assets}, nil
}

// Routes are the pages, what they load, and the way from the root to the first
// page. They are open to everyone: they hold nothing but the program's own files.
func (d *Door) Routes() []server.Route {
	return []server.Route{
		{Pattern: "GET /{$}", Right: server.Open, Handler: http.RedirectHandler("/docs", http.StatusFound)},
		{Pattern: "GET /docs", Right: server.Open, Handler: d.docs},
		{Pattern: "GET /redoc", Right: server.Open, Handler: d.redoc},
		{Pattern: "GET /assets/{file}", Right: server.Open, Handler: http.HandlerFunc(d.asset)},
	}
}

// asset serves the asset that the path names. The name is looked up among those
// that New has read and is never part of a path.
func (d *Door) asset(w http.ResponseWriter, r *http.Request) {
	f, ok := d.assets[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	f.ServeHTTP(w, r)
}
