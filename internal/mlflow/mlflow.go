// Package mlflow is the second door: MLflow's tracking and registry REST API, as MLflow
// 3.17.2 answers it. It turns requests into records and calls of the store, and
// records into answers; it knows no SQL, and nothing of the other doors.
//
// MLflow's words differ from the ones of the records: its experiment is a
// record.Model, and its workspace a record.Project.
package mlflow

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"modeldb/internal/files"
	"modeldb/internal/record"
	"modeldb/internal/server"
	"modeldb/internal/store"
)

// version is that of the MLflow server whose answers this door gives. Clients
// ask for it to know what a server can do.
const version = "3.17.2"

// Options are what New is given.
type Options struct {
	Store *store.Store
	Files *files.Keeper
	Log   *slog.Logger
}

// Door is MLflow's API.
type Door struct {
	store  *store.Store
	files  *files.Keeper
	log    *slog.Logger
	places places
	models sync.Mutex // held while the list in the tag modelHistory is changed
}

// New makes the door.
func New(o Options) *Door {
	return &Door{store: o.Store, files: o.Files, log: o.Log}
}

// handler answers requests of type T. Its workspace is nil when the client
// names none.
type handler[T any] func(ctx context.Context, ws *workspace, in *T) (answer, error)

// handle makes the handler of a route: it reads the request, asks do, and
// writes the answer.
func handle[T any](d *Door, fields []field[T], do handler[T]) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in T
		out, err := serve(d, w, r, fields, do, &in)
		if err != nil {
			about, _ := any(&in).(abouter)
			d.fail(w, r, err, about)
			return
		}
		status := http.StatusOK
		if c, ok := out.(created); ok {
			status, out = http.StatusCreated, c.answer
		}
		send(w, status, out)
	})
}

// bodyTime is how long a body may take to come.
const bodyTime = time.Minute

func serve[T any](d *Door, w http.ResponseWriter, r *http.Request, fields []field[T], do handler[T], in *T) (answer, error) {
	if err := checkVersion(r); err != nil {
		return nil, err
	}
	ws, err := d.workspaceOf(r)
	if err != nil {
		return nil, err
	}
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // not every connection has one
	}
	if err := read(r, fields, in); err != nil {
		return nil, err
	}
	if h, ok := any(in).(headerReader); ok {
		if err := h.readHeader(r.Header); err != nil {
			return nil, err
		}
	}
	if p, ok := any(in).(pathReader); ok {
		if err := checkReadable("path", r.URL.Path); err != nil {
			return nil, err
		}
		p.readPath(r.PathValue)
	}
	return do(r.Context(), ws, in)
}

// checkVersion refuses a version of the API that there is not.
func checkVersion(r *http.Request) error {
	if v := r.PathValue("version"); v != "" && v != "2.0" && v != "3.0" {
		return noEndpoint(r)
	}
	return nil
}

// pathReader is a request that has fields in its path, which stand above those
// of the body.
type pathReader interface {
	readPath(value func(name string) string)
}

// headerReader is a request that has fields in its header.
type headerReader interface {
	readHeader(h http.Header) error
}

// actor is who makes changes through this door when the client names nobody.
const actor record.Actor = "mlflow"

// plain answers with a text.
func plain(contentType, text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(text)) // the client may be gone
	})
}

// unknown answers every path under this door's prefixes that no route has: 405
// when another method has it.
func (d *Door) unknown(known *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := server.Methods(known, r)
		if allowed == nil {
			d.fail(w, r, noEndpoint(r), nil)
			return
		}
		list := strings.Join(allowed, ", ")
		w.Header().Set("Allow", list)
		d.fail(w, r, &problem{status: http.StatusMethodNotAllowed, code: badRequest,
			text: "The path " + record.Quote(r.URL.Path) + " does not take the method " + r.Method + "; it takes " + list + "."}, nil)
	})
}

// Routes is the door's table for the server.
func (d *Door) Routes() []server.Route {
	var routes []server.Route
	known := http.NewServeMux()
	add := func(pattern string, right server.Right, h http.Handler) {
		routes = append(routes, server.Route{
			Pattern: pattern, Right: right, Handler: h, Refuse: refuse,
			Stream: strings.HasPrefix(pattern, "PUT "), // what is put is a file
		})
	}
	for _, r := range d.table() {
		for _, pattern := range r.patterns() {
			add(pattern, r.right, r.handler)
			known.Handle(pattern, r.handler)
		}
	}
	for _, prefix := range prefixes {
		add(prefix, server.Open, d.unknown(known))
	}
	return routes
}
