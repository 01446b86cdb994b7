package crash

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"modeldb/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(binaryVariable) != "" {
		storetest.Main(m) // ends the process
	}
	code, err := buildAndRun()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// binaryVariable names the program to test.
const binaryVariable = "MODELDB_BIN"

// buildAndRun builds the program, runs the tests in a process of their own,
// and removes the program again.
func buildAndRun() (code int, err error) {
	dir, err := os.MkdirTemp("", "modeldb-crash-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "modeldb")
	build := exec.Command("go", "build", "-o", path, "./cmd/modeldb")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("go build: %w\n%s", err, out)
	}
	tests := exec.Command(os.Args[0], os.Args[1:]...)
	tests.Env = append(os.Environ(), binaryVariable+"="+path)
	tests.Stdout, tests.Stderr = os.Stdout, os.Stderr
	if err := tests.Run(); err != nil && tests.ProcessState == nil {
		return 1, err
	}
	return tests.ProcessState.ExitCode(), nil
}

// binary is the path of the program.
func binary() string { return os.Getenv(binaryVariable) }

// environment is that of the tests without the settings of the program.
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		switch {
		case strings.HasPrefix(name, "MODELDB_"), strings.HasPrefix(name, "POSTGRES_"), strings.HasPrefix(name, "API_"),
			strings.HasPrefix(name, "LOG_"), name == "HOST", name == "PORT", name == "ALLOWED_HOSTS", name == "BODY_LIMIT":
		default:
			env = append(env, e)
		}
	}
	return env
}

// place is where a program keeps its records.
type place struct {
	data     string // folder
	database string // address; empty: SQLite in the folder
}

func (p place) args(command string, more ...string) []string {
	args := append([]string{command, "--data", p.data}, more...)
	if p.database != "" {
		args = append(args, "--database", p.database)
	}
	return args
}

// file is the SQLite database.
func (p place) file() string { return filepath.Join(p.data, "modeldb.db") }

// each runs a test on an empty place of each kind.
func each(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("sqlite", func(t *testing.T) { test(t, place{data: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { test(t, place{t.TempDir(), storetest.Postgres(t)}) })
}

// connect opens a connection of the test's own to a PostgreSQL database.
func connect(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	address, _, _ := strings.Cut(database, "?")
	c, err := pgx.Connect(context.Background(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// program is a running server.
type program struct {
	cmd    *exec.Cmd
	base   string // http://127.0.0.1:port
	log    string // file
	ended  chan struct{}
	result error // of Wait, once ended is closed
}

// launch starts a server and does not wait for it.
func launch(t testing.TB, p place, port int) *program {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := &program{
		cmd:   exec.Command(binary(), p.args("serve", "--port", fmt.Sprint(port))...),
		base:  fmt.Sprintf("http://127.0.0.1:%d", port),
		log:   log.Name(),
		ended: make(chan struct{}),
	}
	s.cmd.Env = environment()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s.result = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(s.kill)
	return s
}

// start starts a server and waits until it is ready.
func start(t testing.TB, p place, port int) *program {
	t.Helper()
	s := launch(t, p, port)
	s.ready(t, 20*time.Second)
	return s
}

// ready waits until the server says that it is ready.
func (s *program) ready(t testing.TB, within time.Duration) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		resp, err := c.Get(s.base + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-s.ended:
			t.Fatalf("the server did not come up: %v\n%s", s.result, s.tail())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready after %v\n%s", within, s.tail())
		}
	}
}

// kill ends the process as kill -9 does.
func (s *program) kill() {
	_ = s.cmd.Process.Kill() // has ended already
	<-s.ended
}

// stop asks the server to end, and returns its exit code.
func (s *program) stop(t testing.TB) int {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("SIGTERM: %v\n%s", err, s.tail())
	}
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("the server does not end\n%s", s.tail())
	}
	return s.cmd.ProcessState.ExitCode()
}

// tail is the end of the server's log, for messages.
func (s *program) tail() string {
	text, _ := os.ReadFile(s.log)
	if len(text) > 3000 {
		text = text[len(text)-3000:]
	}
	return string(text)
}

// check runs "modeldb check", and returns what it said and its exit code.
func check(t testing.TB, p place, more ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(), p.args("check", more...)...)
	cmd.Env = environment()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("check: %v", err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// sound fails the test if "modeldb check" finds a fault.
func sound(t testing.TB, p place) {
	t.Helper()
	if out, code := check(t, p); code != 0 {
		t.Errorf("modeldb check: exit %d\n%s", code, out)
	}
}

// freePort finds a port outside of the range from which the system gives
// ports to connections: while the server is down, nobody else gets it.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(10000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return 0
}

// api is the Model DB API as one client sees it.
type api struct {
	base string
	http *http.Client
}

// own is where the Model DB API begins; MLflow's is told by a path from the root.
const own = "/v0.1/api/"

func newAPI(base string) *api {
	return &api{base + own, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: 45 * time.Second}}
}

func (a *api) close() { a.http.CloseIdleConnections() }

// reply is an answer of the server.
type reply struct {
	status int
	head   http.Header
	body   []byte
}

// call sends a request. An error says that there was no whole answer.
func (a *api) call(method, path string, body any) (reply, error) {
	var r reply
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return r, err
		}
		in = bytes.NewReader(text)
	}
	at := a.base + path
	if strings.HasPrefix(path, "/") {
		at = strings.TrimSuffix(a.base, own) + path
	}
	req, err := http.NewRequest(method, at, in)
	if err != nil {
		return r, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return r, err
	}
	defer resp.Body.Close()
	r.status, r.head = resp.StatusCode, resp.Header
	r.body, err = io.ReadAll(resp.Body)
	return r, err
}

// field returns a text of the answer.
func (r reply) field(name string) string {
	var m map[string]any
	_ = json.Unmarshal(r.body, &m) // then there is no such text
	text, _ := m[name].(string)
	return text
}

// sentence is what an error says, in the form of either door.
func (r reply) sentence() string { return cmp.Or(r.field("detail"), r.field("message")) }

// patient says what is wrong with an answer of a server that asks to wait,
// empty if nothing is.
func (r reply) patient() string {
	switch {
	case r.status != http.StatusServiceUnavailable:
		return fmt.Sprintf("status %d instead of 503: %s", r.status, r.body)
	case r.head.Get("Retry-After") == "":
		return fmt.Sprintf("503 without Retry-After: %s", r.body)
	case len(r.sentence()) < 15:
		return fmt.Sprintf("503 without a clear detail: %s", r.body)
	}
	return ""
}
