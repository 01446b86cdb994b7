package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"modeldb/internal/server"
	"modeldb/internal/store"
)

func TestPanicIsAnsweredAndTheServerLivesOn(t *testing.T) {
	o, log := options(plain("GET /read", server.Read), server.Route{Pattern: "GET /panic", Right: server.Read,
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("the cause") })})
	srv := httptest.NewServer(newServer(t, o))
	defer srv.Close()
	for range 3 {
		resp, body := get(t, srv.URL+"/panic")
		id := resp.Header.Get("X-Request-Id")
		same(t, "answer", fmt.Sprintln(resp.StatusCode, resp.Header.Get("Content-Type"), body),
			fmt.Sprintf("500 application/json {\"detail\":\"an internal error occurred; the log has the details under the request id %s\"}\n\n", id))
		if text := log.String(); !strings.Contains(text, `msg=panic id=`+id) || !strings.Contains(text, `panic="the cause"`) || !strings.Contains(text, "server_test.go") {
			t.Errorf("the log does not tell the id, the cause and the place: %s", text)
		}
		if resp, body := get(t, srv.URL+"/read"); resp.StatusCode != http.StatusOK || body != "fine" {
			t.Errorf("the next request is answered by %d %s", resp.StatusCode, body)
		}
	}
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPanicAfterTheAnswerBeganCutsIt(t *testing.T) {
	begin := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, "[1,2")
		_ = http.NewResponseController(w).Flush()
	}
	o, _ := options(plain("GET /read", server.Read),
		server.Route{Pattern: "GET /panic", Right: server.Read, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			begin(w)
			panic("the cause")
		})},
		server.Route{Pattern: "GET /abort", Right: server.Read, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			begin(w)
			panic(http.ErrAbortHandler)
		})})
	srv := httptest.NewServer(newServer(t, o))
	defer srv.Close()
	for _, path := range []string{"/panic", "/abort"} {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "[1,2" {
			t.Errorf("%s: the client reads %q and the error %v, want one that tells it is not whole", path, body, err)
		}
		if _, body := get(t, srv.URL+"/read"); body != "fine" {
			t.Errorf("the next request is answered by %s", body)
		}
	}
	for _, path := range []string{"/panic", "/abort"} {
		waitFor(t, path+" is counted", func() bool {
			_, metrics := get(t, srv.URL+"/metrics")
			return strings.Contains(metrics, `modeldb_http_requests_total{route="GET `+path+`",status="200"} 1`)
		})
	}
}

func TestProbes(t *testing.T) {
	o, log := options()
	var down error
	o.Ready = func(ctx context.Context) error {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("the database may take any time to answer")
		}
		return down
	}
	h := newServer(t, o)
	ready := func() string {
		w := ask(h, "GET", "/readyz", "")
		return fmt.Sprint(w.Code, " ", w.Header().Get("Retry-After"), " ", w.Header().Get("Content-Type"), " ", w.Body)
	}
	live := ask(h, "GET", "/livez", "")
	same(t, "/livez", fmt.Sprint(live.Code, live.Body), "200 {\"status\":\"alive\"}\n")
	same(t, "/readyz", ready(), "200  application/json {\"status\":\"ready\"}\n")
	down = errors.New("secret address")
	same(t, "/readyz", ready(), "503 1 application/json {\"detail\":\"the database does not answer\"}\n")
	same(t, "/livez", ask(h, "GET", "/livez", "").Code, http.StatusOK)
	if !strings.Contains(log.String(), "secret address") {
		t.Error("the reason is not in the log")
	}
	down = nil
	same(t, "/readyz", ready(), "200  application/json {\"status\":\"ready\"}\n")
}

func TestMetricsCountRequestsCommitsAndTheDatabase(t *testing.T) {
	metrics := server.NewMetrics()
	d := door(t, store.Options{Around: metrics.Around, Group: metrics.Group})
	o, _ := options(d.Routes()...)
	o.Metrics = metrics
	h := newServer(t, o)
	for range 3 {
		ask(h, "POST", "/v0.1/api/projects", `{"project_name": "digits"}`, "Content-Type", "application/json")
	}
	ask(h, "POST", "/v0.1/api/projects", `{}`, "Content-Type", "application/json")
	ask(h, "GET", "/v0.1/api/projects/id/ffffffffffff", "")
	ask(h, "GET", "/v0.1/api/projects/id/"+strings.Repeat("f", 40), "")
	for i := range 5 {
		ask(h, "GET", fmt.Sprintf("/none/%d", i), "")
	}
	ask(h, "GET", "/v0.1/api/projects/all", "", "Host", "evil.com")
	text := ask(h, "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		`modeldb_http_requests_total{route="POST /v0.1/api/projects",status="200"} 3`,
		`modeldb_http_requests_total{route="POST /v0.1/api/projects",status="422"} 1`,
		`modeldb_http_requests_total{route="GET /v0.1/api/projects/id/{project_id}",status="404"} 2`,
		`modeldb_http_requests_total{route="GET /v0.1/api/projects/all",status="403"} 1`,
		`modeldb_http_requests_total{route="none",status="404"} 5`,
		`modeldb_http_request_seconds_count{route="POST /v0.1/api/projects"} 4`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("/metrics does not have %s", want)
		}
	}
	for _, want := range []string{`modeldb_commit_writes_count [1-3]`, `modeldb_commit_writes_sum 3`, `modeldb_database_seconds_count\{call="[a-z]+"\} [1-9]`} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(text) {
			t.Errorf("/metrics does not have %s", want)
		}
	}
	if strings.Contains(text, "/none/") {
		t.Error("any path can make a time series of its own")
	}
}

func TestMetricsCountFaultsOfTheDatabase(t *testing.T) {
	m := server.NewMetrics()
	o, _ := options()
	o.Metrics = m
	fault := errors.New("down")
	if err := m.Around("query", func() error { return fault }); err != fault {
		t.Errorf("the fault became %v", err)
	}
	text := ask(newServer(t, o), "GET", "/metrics", "").Body.String()
	for _, want := range []string{`modeldb_database_errors_total{call="query"} 1`, `modeldb_database_seconds_count{call="query"} 1`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("/metrics does not have %s", want)
		}
	}
}

func TestStopAnswersWhatWasAccepted(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	o, log := options(server.Route{Pattern: "GET /slow", Right: server.Read, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		_, _ = fmt.Fprint(w, "answered ", r.Context().Err())
	})})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l, newServer(t, o), slog.New(slog.NewTextHandler(log, nil))) }()
	url := "http://" + l.Addr().String() + "/slow"
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		answer <- fmt.Sprintln(resp.StatusCode, string(body), err)
	}()
	<-begun
	stop()
	waitFor(t, "new connections are refused", func() bool {
		conn, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-served:
		t.Fatalf("the server ended before its request: %v", err)
	default:
	}
	close(finish)
	same(t, "answer", <-answer, "200 answered <nil> <nil>\n")
	if err := <-served; err != nil {
		t.Errorf("Serve returns %v", err)
	}
	if !strings.Contains(log.String(), "stopping") {
		t.Error("the log does not tell of the stop")
	}
}

// waitFor asks until it is so, for at most five seconds.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !is(); {
		if time.Now().After(end) {
			t.Fatal("not so after five seconds: " + what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestServeReturnsTheFaultOfItsListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	o, _ := options()
	if err := server.Serve(t.Context(), l, newServer(t, o), o.Log); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve returns %v", err)
	}
}

func TestLogOfARequestTellsWhatMatters(t *testing.T) {
	o, log := options(plain("GET /read", server.Read))
	ask(newServer(t, o), "GET", "/read?password=secret", "", "X-Request-Id", "mine", "Authorization", "Bearer secret")
	if text := log.String(); !regexp.MustCompile(`level=DEBUG msg=request id=mine method=GET path=/read status=200 ms=\d+ bytes=4\n$`).MatchString(text) || strings.Contains(text, "secret") {
		t.Errorf("the log has %s", text)
	}
}
