package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"modeldb/internal/api"
	"modeldb/internal/files"
	"modeldb/internal/mlflow"
	"modeldb/internal/server"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const (
	base      = "/v0.1/api"
	bodyLimit = 1 << 20 // of the test's server
)

func door(s *store.Store, kept *files.Keeper) *api.Door {
	return api.New(api.Options{
		Store: s, Files: kept, Log: slog.New(slog.DiscardHandler),
		Title: "Model_DB_Service", Description: "The record of projects, models and experiments.", Version: "0.1",
	})
}

// client asks a server that stands on a store of its own.
type client struct {
	t   testing.TB
	url string
	own *http.Client
}

// serve puts the door behind a server, as the program does.
func serve(t testing.TB, s *store.Store) *client {
	t.Helper()
	kept, err := files.OpenLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	keeper := files.NewKeeper(kept, s, 0, slog.New(slog.DiscardHandler))
	t.Cleanup(keeper.Close)
	// What is made through the other door alone.
	mlflowDoor := mlflow.New(mlflow.Options{Store: s, Files: keeper, Log: slog.New(slog.DiscardHandler)})
	h, err := server.New(server.Options{
		Routes: slices.Concat(door(s, keeper).Routes(), mlflowDoor.Routes()), Log: slog.New(slog.DiscardHandler), Metrics: server.NewMetrics(),
		BodyLimit: bodyLimit, Ready: s.Ping,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	own := srv.Client()
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	own.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	return &client{t, srv.URL, own}
}

// each runs a test on every engine, each time on a server with an empty store.
func each(t *testing.T, test func(t *testing.T, c *client)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, serve(t, s)) })
}

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends one request; headers come in pairs. A body is JSON unless a
// header says otherwise; an empty value sends no such header.
func (c *client) send(method, path, body string, headers ...string) reply {
	c.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return c.do(r)
}

func (c *client) do(r *http.Request) reply {
	c.t.Helper()
	resp, err := c.own.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	if resp.Header.Get("X-Request-Id") == "" {
		c.t.Errorf("%s %s: the answer has no X-Request-Id", r.Method, r.URL)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// get reads a record or a list that is there.
func (c *client) get(path string) string { c.t.Helper(); return c.must("GET", path, "") }

// post makes or changes a record.
func (c *client) post(path, body string) shown {
	c.t.Helper()
	return read(c.t, c.must("POST", path, body))
}

// must sends a request that is answered by 200, and returns the body.
func (c *client) must(method, path, body string) string {
	c.t.Helper()
	got := c.send(method, path, body)
	if got.status != http.StatusOK {
		c.t.Fatalf("%s %s: status %d: %s", method, path, got.status, got.body)
	}
	return got.body
}

// shown is a record as a client reads it, with the texts of its values.
type shown map[string]json.RawMessage

// text is a field that is a text, empty if it is null.
func (r shown) text(field string) string {
	var s string
	_ = json.Unmarshal(r[field], &s) // "" shows in the comparison
	return s
}

func read(t testing.TB, body string) shown { t.Helper(); return decode[shown](t, body) }

func decode[T any](t testing.TB, body string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

func encode(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

// newProject, newModel and newExperiment make records and return their ids.
func (c *client) newProject(name string) string {
	c.t.Helper()
	return c.post(base+"/projects", `{"project_name":`+encode(c.t, name)+`}`).text("project_id")
}

func (c *client) newModel(project, name string) string {
	c.t.Helper()
	return c.post(base+"/models", `{"project_id":`+encode(c.t, project)+`,"model_name":`+encode(c.t, name)+`}`).text("model_id")
}

func (c *client) newExperiment(model, version string) string {
	c.t.Helper()
	return c.post(base+"/experiments", `{"model_id":`+encode(c.t, model)+`,"model_version_id":`+encode(c.t, version)+`}`).text("experiment_id")
}

// serveSQLite is a server on one engine, for what has nothing to do with the
// database.
func serveSQLite(t testing.TB) *client {
	t.Helper()
	s, _ := storetest.Open(t, storetest.Engines()[0], store.Options{})
	return serve(t, s)
}
