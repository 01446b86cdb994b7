package mlflow_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"modeldb/internal/files"
	"modeldb/internal/mlflow"
	"modeldb/internal/server"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const (
	base      = "/api/2.0/mlflow"
	bodyLimit = 1 << 20 // of the test's server
)

// client asks a server that stands on a store of its own.
type client struct {
	t     testing.TB
	url   string
	own   *http.Client
	files *files.Local
	store *store.Store
}

// serve puts the door behind a server, as the program does.
func serve(t testing.TB, s *store.Store) *client {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	kept, err := files.OpenLocal(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	keeper := files.NewKeeper(kept, s, 0, log)
	t.Cleanup(keeper.Close)
	door := mlflow.New(mlflow.Options{Store: s, Files: keeper, Log: log})
	h, err := server.New(server.Options{
		Routes: door.Routes(), Log: log, Metrics: server.NewMetrics(),
		BodyLimit: bodyLimit, Ready: s.Ping,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	own := srv.Client()
	own.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	return &client{t, srv.URL, own, kept, s}
}

// serveSQLite is a server on one engine, for what has nothing to do with the
// database.
func serveSQLite(t testing.TB) *client {
	t.Helper()
	s, _ := storetest.Open(t, storetest.Engines()[0], store.Options{})
	return serve(t, s)
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
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
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
	resp, err := c.own.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// post calls one of the door's calls, which must answer 200.
func (c *client) post(call, body string) string {
	c.t.Helper()
	return c.must(c.send("POST", base+"/"+call, body))
}

func (c *client) get(call string) string {
	c.t.Helper()
	return c.must(c.send("GET", base+"/"+call, ""))
}

func (c *client) must(r reply) string {
	c.t.Helper()
	if r.status != http.StatusOK {
		c.t.Fatalf("status %d: %s", r.status, r.body)
	}
	return r.body
}

// refused calls one of the door's calls, which must answer with an error, and
// returns its code and sentence.
func (c *client) refused(call, body string, status int) (code, message string) {
	c.t.Helper()
	r := c.send("POST", base+"/"+call, body)
	if r.status != status {
		c.t.Errorf("%s %s: status %d, want %d: %s", call, short(body), r.status, status, r.body)
	}
	got := decode[struct {
		Code    string `json:"error_code"`
		Message string
	}](c.t, r.body)
	return got.Code, got.Message
}

func short(text string) string {
	if len(text) > 200 {
		return text[:200] + "..."
	}
	return text
}

// newRun makes a run of the default experiment, and returns its id.
func (c *client) newRun() string {
	c.t.Helper()
	body := c.post("runs/create", `{"experiment_id": "0", "start_time": 1}`)
	return decode[struct {
		Run struct{ Info struct{ Run_id string } }
	}](c.t, body).Run.Info.Run_id
}

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
