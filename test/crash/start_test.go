package crash

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Servers that start at once on an empty database all serve, on one schema.
func TestServersStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	t.Run("sqlite, again and again", func(t *testing.T) {
		for round := range rounds(30) {
			t.Run(fmt.Sprint(round), func(t *testing.T) { startAtOnce(t, place{data: t.TempDir()}, 3) })
		}
	})
	each(t, func(t *testing.T, p place) {
		n := 8
		if p.database == "" {
			n = 3
		}
		servers := startAtOnce(t, p, n)
		clients := make([]*api, n)
		for i, s := range servers {
			clients[i] = newAPI(s.base)
			defer clients[i].close()
		}
		// Each server makes the same projects and models at the same moment.
		var last *made
		for round := range 10 {
			project := sameID(t, clients, "project_id", func(a *api) (reply, error) {
				return a.call(http.MethodPost, "projects", map[string]any{"project_name": fmt.Sprint("p", round)})
			})
			model := sameID(t, clients, "model_id", func(a *api) (reply, error) {
				return a.call(http.MethodPost, "models", map[string]any{"project_id": project, "model_name": fmt.Sprint("m", round)})
			})
			last = &made{"model", model}
		}
		for _, large := range []bool{false, true} {
			mergeAtOnce(t, clients, last.id, large)
		}
		for _, s := range servers {
			if code := s.stop(t); code != 0 {
				t.Errorf("exit code %d after SIGTERM\n%s", code, s.tail())
			}
		}
		sound(t, p)
	})
}

func startAtOnce(t *testing.T, p place, n int) []*program {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		ports[i] = freePort(t)
	}
	servers := make([]*program, n)
	for i, port := range ports {
		servers[i] = launch(t, p, port)
	}
	for _, s := range servers {
		s.ready(t, 20*time.Second)
	}
	return servers
}

// atOnce calls do with all clients at the same moment.
func atOnce(clients []*api, do func(i int, a *api)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i, a := range clients {
		wg.Go(func() {
			<-begin
			do(i, a)
		})
	}
	close(begin)
	wg.Wait()
}

// sameID makes one record through all servers at once, and returns the one id
// that all must answer with.
func sameID(t *testing.T, clients []*api, field string, create func(*api) (reply, error)) string {
	t.Helper()
	ids := make([]string, len(clients))
	atOnce(clients, func(i int, a *api) {
		r, err := create(a)
		if err != nil || r.status != http.StatusOK {
			t.Errorf("create: %v, status %d: %s", err, r.status, r.body)
		}
		ids[i] = r.field(field)
	})
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("the servers answered with the ids %q", ids)
		}
	}
	return ids[0]
}

// mergeAtOnce merges into one experiment through all servers: new keys, which
// all must be there afterwards, and one metric that all write to.
func mergeAtOnce(t *testing.T, clients []*api, model string, large bool) {
	t.Helper()
	const merges = 15
	evaluations := map[string]any{"start": "here"}
	if large {
		evaluations["text"] = string(make([]byte, 8<<10)) // six times as much in JSON
	}
	r, err := clients[0].call(http.MethodPost, "experiments", map[string]any{"model_id": model, "model_version_id": "shared", "evaluations": evaluations})
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("create: %v, status %d: %.300s", err, r.status, r.body)
	}
	id := r.field("experiment_id")
	want := map[string]string{}
	for i := range clients {
		for n := range merges {
			want[fmt.Sprintf("experiment/shared/evaluations/e%d-%d", i, n)] = fmt.Sprint(n)
			want[fmt.Sprintf("experiment/shared/artifact_file_paths/a%d-%d", i, n)] = canonical(fmt.Sprint("file ", n))
		}
	}
	atOnce(clients, func(i int, a *api) {
		for n := range merges {
			for _, q := range []struct {
				path string
				body map[string]any
			}{
				{"experiments/evaluations/", map[string]any{"evaluations": map[string]any{fmt.Sprintf("e%d-%d", i, n): n, "shared": n}}},
				{"experiments/artifact-file-paths/", map[string]any{"artifact_file_paths": map[string]any{fmt.Sprintf("a%d-%d", i, n): fmt.Sprint("file ", n)}}},
			} {
				r, err := a.call(http.MethodPost, q.path+id, q.body)
				if err != nil || r.status != http.StatusOK {
					t.Errorf("merge: %v, status %d: %.300s", err, r.status, r.body)
				}
			}
		}
	})
	for i, a := range clients {
		all, err := list(a, "experiments/model-id/"+model)
		if err != nil {
			t.Fatal(err)
		}
		got := parts{}
		for _, e := range all {
			if e["experiment_id"] == id {
				got = experimentParts("experiment/shared", "", e)
			}
		}
		for name, value := range want {
			if got[name] != value {
				t.Errorf("server %d: %s is %q instead of %q", i, name, got[name], value)
			}
		}
	}
}
