package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"modeldb/internal/api"
	"modeldb/internal/server"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

const limit = 64 << 10 // of bodies

// options are those of a server with these routes, which logs to a text.
func options(routes ...server.Route) (server.Options, *logText) {
	log := &logText{}
	return server.Options{
		Routes: routes, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: server.NewMetrics(), BodyLimit: limit,
		Ready: func(context.Context) error { return nil },
	}, log
}

// logText is what was logged.
type logText struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (l *logText) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newServer(t testing.TB, o server.Options) http.Handler {
	t.Helper()
	h, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// door is Model DB's API on an empty store.
func door(t testing.TB, o store.Options) *api.Door {
	t.Helper()
	s, _ := storetest.Open(t, storetest.Engines()[0], o)
	return api.New(api.Options{Store: s, Log: slog.New(slog.DiscardHandler), Version: "0.1"})
}

// plain is a route that answers with a word.
func plain(pattern string, right server.Right) server.Route {
	return server.Route{Pattern: pattern, Right: right, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			server.WriteError(w, http.StatusRequestEntityTooLarge, err.Error())
			return
		}
		_, _ = io.WriteString(w, "fine")
	})}
}

// ask sends a request without a network; headers come in pairs, and the
// pseudo-header Host sets the host.
func ask(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// detail is the sentence of the server's own errors.
func detail(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct{ Detail string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Detail == "" {
		t.Errorf("status %d: %v: %s", w.Code, err, w.Body)
	}
	if kind := w.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q of %s", kind, w.Body)
	}
	return body.Detail
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}
