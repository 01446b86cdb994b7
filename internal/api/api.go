// Package api is the first door: Model DB's own REST API, with its OpenAPI
// document. It turns requests into records and calls of the store, and records
// into answers; it knows no SQL, and nothing of the other doors.
package api

import (
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"modeldb/internal/files"
	"modeldb/internal/record"
	"modeldb/internal/server"
	"modeldb/internal/store"
)

// Options are what New is given.
type Options struct {
	Store       *store.Store
	Files       *files.Keeper
	Log         *slog.Logger
	Title       string
	Description string
	Version     string // also names the base path: "0.1" is /v0.1/api
}

// Door is the Model DB API.
type Door struct {
	store  *store.Store
	files  *files.Keeper
	log    *slog.Logger
	routes []server.Route
}

// New makes the door and its OpenAPI document.
func New(o Options) *Door {
	setUpHuma()
	d := &Door{store: o.Store, files: o.Files, log: o.Log}
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: o.Title, Description: o.Description, Version: o.Version},
			Tags: []*huma.Tag{
				{Name: "projects", Description: "Named efforts, the units of isolation."},
				{Name: "models", Description: "Lines of models inside a project."},
				{Name: "experiments", Description: "Trainings of a model: parameters, data, evaluations and files."},
				{Name: "files", Description: "Files of an experiment, kept by this server."},
				{Name: "registry", Description: "Registered models: what was live when. They are made through MLflow's API."},
				{Name: "events", Description: "Who changed what, and when."},
				{Name: "health", Description: "Whether the service answers."},
			},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)},
		},
		OpenAPIPath: "/openapi",
		Formats:     map[string]huma.Format{"application/json": format, "json": format},
	}
	c := &collector{right: server.Open}
	h := humago.New(c, config)
	base := "/v" + o.Version
	for _, op := range d.operations() {
		c.right = op.right
		op.Path = base + op.Path
		op.register(h, op.Operation)
	}
	d.routes = c.routes
	return d
}

// Routes is the door's table for the server.
func (d *Door) Routes() []server.Route { return d.routes }

// collector takes the place of a mux, so that the door's routes come to the
// one mux of the server with their rights.
type collector struct {
	right  server.Right
	routes []server.Route
}

// HandleFunc notes a route; see humago.Mux.
func (c *collector) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	h := http.Handler(http.HandlerFunc(handler))
	stream := strings.HasPrefix(pattern, http.MethodPut) // what is put is a file
	if c.right == server.Write && !stream {
		h = jsonOnly(h)
	}
	c.routes = append(c.routes, server.Route{Pattern: wholeNames.Replace(pattern), Right: c.right, Handler: h, Stream: stream})
}

// wholeNames lets a name be all that is left of a path: a mux takes "%2F", the
// name that is one slash, for no segment at all.
var wholeNames = strings.NewReplacer("_name}", "_name...}", "{model_version_id}", "{model_version_id...}", "{path}", "{path...}")

// jsonOnly refuses a body that does not say it is JSON. A form of another
// site's page cannot say so.
func jsonOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if kind != "application/json" {
				server.WriteError(w, http.StatusUnsupportedMediaType, notJSON(r.Header.Get("Content-Type")))
				return
			}
			r.Header.Set("Content-Type", kind)
		}
		next.ServeHTTP(w, r)
	})
}

func notJSON(contentType string) string {
	return "the Content-Type is " + record.Quote(contentType) + "; the body must be JSON, with the header Content-Type: application/json"
}

// ServeHTTP is never called: humago.Mux asks for it.
func (c *collector) ServeHTTP(http.ResponseWriter, *http.Request) { panic("api: not a mux") }

// operation is one entry of the door's table.
type operation struct {
	huma.Operation
	right    server.Right
	register func(huma.API, huma.Operation)
}

// bodyTime is how long a body may take to come.
const bodyTime = time.Minute

// route describes an operation. The path is that after the version; the
// errors are the statuses that it answers besides 422 and 500, which all do.
func route[I, O any](d *Door, right server.Right, method, path, id, tag, summary, description string,
	handler func(context.Context, *I) (*O, error), errors ...int) operation {
	if right == server.Write {
		errors = append(errors, http.StatusServiceUnavailable, http.StatusInsufficientStorage)
	} else if right == server.Read {
		errors = append(errors, http.StatusServiceUnavailable)
	}
	if right != server.Probe {
		errors = append(errors, http.StatusForbidden)
	}
	return operation{
		Operation: huma.Operation{
			Method: method, Path: path, OperationID: id, Tags: []string{tag},
			Summary: summary, Description: description, Errors: errors,
			DefaultStatus:   http.StatusOK,
			MaxBodyBytes:    -1, // the server's limit holds
			BodyReadTimeout: bodyTime,
		},
		right: right,
		register: func(h huma.API, op huma.Operation) {
			huma.Register(h, op, func(ctx context.Context, in *I) (*O, error) {
				out, err := handler(ctx, in)
				if err != nil {
					return nil, d.fail(ctx, err)
				}
				return out, nil
			})
		},
	}
}

// actor is who makes changes through this door, which names no users yet.
const actor record.Actor = "api"

// answer is a body of one type.
type answer[T any] struct {
	Body T
}

func reply[T any](body T, err error) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &answer[T]{body}, nil
}

// Health is the answer of the health check.
type Health struct {
	Health string `json:"health" example:"ok"`
}

func (d *Door) health(context.Context, *struct{}) (*answer[Health], error) {
	return reply(Health{"ok"}, nil)
}

// listSchema documents an answer that is streamed as a list of T.
func listSchema[T any](h huma.API, op *huma.Operation) {
	registry := h.OpenAPI().Components.Schemas
	items := registry.Schema(typeOf[T](), true, "")
	op.Responses = map[string]*huma.Response{fmt.Sprint(http.StatusOK): {
		Description: http.StatusText(http.StatusOK),
		Content: map[string]*huma.MediaType{"application/json": {
			Schema: &huma.Schema{Type: huma.TypeArray, Items: items},
		}},
	}}
}
