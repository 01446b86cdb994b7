package crash

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"modeldb/internal/store/storetest"
)

// recovery is how long the server may take until it serves again after the
// database came back.
const recovery = 5 * time.Second

// PostgreSQL is killed under load and started again, while the server goes on.
func TestKilledPostgresLosesNothingAcknowledged(t *testing.T) {
	db := ownPostgres(t)
	p := place{t.TempDir(), db.URL("postgres")}
	s := start(t, p, freePort(t))
	j := newJournal()
	for round := range rounds(8) {
		name := fmt.Sprint(round)
		shared := share(t, s, j, name)
		ctx, cancel := context.WithCancel(t.Context())
		loaded := make(chan int)
		go func() { loaded <- load(ctx, t, s, j, shared, name, 8, rules{wait: true}) }()
		time.Sleep(200 * time.Millisecond)
		kill(t, db)
		time.Sleep(100 * time.Millisecond)
		if err := db.Start(); err != nil {
			t.Fatal(err)
		}
		writable(t, s, j, name+"-after")
		time.Sleep(100 * time.Millisecond)
		cancel()
		if n := <-loaded; n == 0 {
			t.Error("nothing was written")
		}
		j.verify(t, s)
	}
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d after SIGTERM\n%s", code, s.tail())
	}
	sound(t, p)
	t.Logf("%d writes acknowledged, %d unknown", j.acked, j.unknown)
}

// While the database is away, everything that needs it says so and asks to
// wait; afterwards the server serves again without a restart.
func TestServerOutlivesItsDatabase(t *testing.T) {
	db := ownPostgres(t)
	p := place{t.TempDir(), db.URL("postgres")}
	s := start(t, p, freePort(t))
	j := newJournal()
	e := share(t, s, j, "before")
	project := j.ids["project/p-before-1"]
	model := j.ids["model/m-before-2"]

	for _, away := range []struct {
		how string
		do  func(*testing.T, *storetest.Server)
	}{{"killed", kill}, {"stopped", shutdown}} {
		t.Run(away.how, func(t *testing.T) {
			away.do(t, db)
			a := newAPI(s.base)
			defer a.close()
			requests := []struct {
				method, path string
				body         any
			}{
				{"GET", "projects/all", nil},
				{"GET", "projects/id/" + project, nil},
				{"GET", "projects/name/p-before-1", nil},
				{"GET", "models/all", nil},
				{"GET", "models/id/" + model, nil},
				{"GET", "models/project-id/" + project, nil},
				{"GET", "models/name/m-before-2", nil},
				{"GET", "models/project-name/p-before-1", nil},
				{"GET", "experiments/all", nil},
				{"GET", "experiments/all?limit=1&cursor=" + e.id, nil},
				{"GET", "experiments/id/" + e.id, nil},
				{"GET", "experiments/model-version-id/x-before-3", nil},
				{"GET", "experiments/model-id/" + model, nil},
				{"GET", "experiments/project-id/" + project, nil},
				{"GET", "experiments/compare?ids=" + e.id, nil},
				{"POST", "projects", map[string]any{"project_name": "away"}},
				{"PATCH", "projects/id/" + project, map[string]any{"description": "away"}},
				{"POST", "models", map[string]any{"project_id": project, "model_name": "away"}},
				{"PATCH", "models/id/" + model, map[string]any{"description": "away"}},
				{"POST", "experiments", map[string]any{"model_id": model, "model_version_id": "away", "evaluations": map[string]any{"new": 1}}},
				{"POST", "experiments/evaluations/" + e.id, map[string]any{"evaluations": map[string]any{"away": 1}}},
				{"POST", "experiments/artifact-file-paths/" + e.id, map[string]any{"artifact_file_paths": map[string]any{"away": "x"}}},
				{"DELETE", "experiments/id/" + e.id, nil},
				{"POST", "experiments/restore/" + e.id, nil},
				{"DELETE", "models/id/" + model, nil},
				{"POST", "models/restore/" + model, nil},
				{"DELETE", "projects/id/" + project, nil},
				{"POST", "projects/restore/" + project, nil},
			}
			// Twice: the first ones find connections that have died.
			for range 2 {
				for _, q := range requests {
					began := time.Now()
					r, err := a.call(q.method, q.path, q.body)
					if err != nil {
						t.Fatalf("%s %s: %v", q.method, q.path, err)
					}
					if wrong := r.patient(); wrong != "" {
						t.Errorf("%s %s: %s", q.method, q.path, wrong)
					}
					if took := time.Since(began); took > 3*time.Second {
						t.Errorf("%s %s: answered after %v", q.method, q.path, took)
					}
				}
			}
			for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/v0.1/health": 200} {
				if got := status(t, s.base+path); got != want {
					t.Errorf("GET %s: status %d instead of %d", path, got, want)
				}
			}
			if err := db.Start(); err != nil {
				t.Fatal(err)
			}
			writable(t, s, j, "after-"+away.how)
			s.ready(t, recovery)
			j.verify(t, s)
		})
	}
	if strings.Contains(s.tail(), "panic") {
		t.Errorf("the server panicked\n%s", s.tail())
	}
	s.stop(t)
	sound(t, p)
}

// The server does not come up without its database, and says why.
func TestServerSaysThatItsDatabaseIsNotThere(t *testing.T) {
	p := place{t.TempDir(), fmt.Sprintf("postgres://someone:secret@127.0.0.1:%d/nothing", freePort(t))}
	s := launch(t, p, freePort(t))
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the server waits for ever")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d instead of 1", code)
	}
	if text := s.tail(); !strings.Contains(text, "refused") || strings.Contains(text, "secret") {
		t.Errorf("the server does not say why it ended, or says too much:\n%s", text)
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	c := &http.Client{Timeout: 10 * time.Second}
	defer c.CloseIdleConnections()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// writable waits until the server writes again, which must be soon, and then
// without further hiccups.
func writable(t *testing.T, s *program, j *journal, name string) {
	t.Helper()
	a := newAPI(s.base)
	defer a.close()
	for n, deadline := 0, time.Now().Add(recovery); ; n++ {
		project := fmt.Sprintf("again-%s-%d", name, n)
		part := "project/" + project
		noted := j.begin(parts{part: "here"})
		r, err := a.call(http.MethodPost, "projects", map[string]any{"project_name": project})
		if err != nil {
			t.Fatal(err)
		}
		if r.status == http.StatusOK {
			noted.done()
			return
		}
		if wrong := r.patient(); wrong != "" {
			t.Fatal(wrong)
		}
		if time.Now().After(deadline) {
			t.Fatalf("no write succeeds %v after the database came back: %s", recovery, r.body)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// ownPostgres starts a PostgreSQL server that keeps its promises to the disk.
func ownPostgres(t *testing.T) *storetest.Server {
	t.Helper()
	db, err := storetest.StartPostgres("fsync=on", "synchronous_commit=on", "full_page_writes=on")
	if err != nil {
		t.Fatalf("no PostgreSQL to test on: %v", err)
	}
	t.Cleanup(db.Stop)
	return db
}

// postmaster returns the process id of a PostgreSQL server, and those of all
// processes that it started.
func postmaster(t *testing.T, db *storetest.Server) (server int, all []int) {
	t.Helper()
	ctx := context.Background()
	c := connect(t, db.URL("postgres"))
	defer c.Close(ctx)
	var dir string
	if err := c.QueryRow(ctx, `show data_directory`).Scan(&dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if server, err = strconv.Atoi(line); err != nil {
		t.Fatal(err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", server, server))
	if err != nil {
		t.Fatal(err)
	}
	for _, child := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pid)
	}
	return server, append(all, server)
}

// kill ends PostgreSQL with all its processes at once.
func kill(t *testing.T, db *storetest.Server) {
	t.Helper()
	_, all := postmaster(t, db)
	if err := db.Kill(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL) // has ended with the server
		wg.Go(func() { ended(t, pid) })
	}
	wg.Wait()
}

// shutdown stops PostgreSQL in good order, without waiting for its clients.
func shutdown(t *testing.T, db *storetest.Server) {
	t.Helper()
	server, all := postmaster(t, db)
	if err := syscall.Kill(server, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for _, pid := range all {
		ended(t, pid)
	}
}

// ended waits for the end of a process.
func ended(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			return
		}
		if _, rest, _ := strings.Cut(string(text), ") "); strings.HasPrefix(rest, "Z") {
			return // nobody has asked for its result yet
		}
		if time.Now().After(deadline) {
			t.Errorf("the process %d does not end", pid)
			return
		}
	}
}
