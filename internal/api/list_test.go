package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// What is there from the first page to the last is in the list once, in its
// order, whatever comes and goes meanwhile.
func TestLongListIsWholeWhileOthersWrite(t *testing.T) {
	const long = 5000
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c := serve(t, s)
		model := storetest.Model(t, s, "forest")
		other := storetest.Model(t, s, "tree")
		ids := make([][]string, many)
		together(many, func(i int) { // the store is quicker than HTTP, and not what is tested
			for range long / many {
				r, err := s.CreateRun(t.Context(), record.Run{Model: model.Key, Name: "stays",
					Params:  []record.Param{{Key: "filling", Value: `"` + strings.Repeat("n", 40*i) + `"`}}, // so that pieces end by rows and by bytes
					Metrics: []record.Metric{{Key: "accuracy", Point: record.Point{Value: float64(i)}}}})
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = append(ids[i], r.ID.String())
			}
		})
		stay := slices.Concat(ids...)
		slices.Sort(stay) // ids are ordered as they were made
		project, err := s.Project(t.Context(), model.Project)
		if err != nil {
			t.Fatal(err)
		}
		m, p := record.ModelID(model.Key), record.ProjectID(project.Key)

		stop := make(chan struct{})
		var writers sync.WaitGroup
		defer writers.Wait()
		defer close(stop)
		for _, to := range []string{m, m, record.ModelID(other.Key)} {
			writers.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					body := fmt.Sprintf(`{"model_id": %q, "model_version_id": "goes", "evaluations": {"accuracy": %d}}`, to, n)
					made := c.send("POST", base+"/experiments", body)
					id := decode[struct {
						ID string `json:"experiment_id"`
					}](t, made.body).ID
					if gone := c.send("DELETE", base+"/experiments/id/"+id, ""); made.status != http.StatusOK || gone.status != http.StatusOK {
						t.Errorf("%d %s, %d %s", made.status, made.body, gone.status, gone.body)
						return
					}
				}
			})
		}
		for _, path := range []string{"/experiments/model-id/" + m, "/experiments/project-id/" + p, "/experiments/all"} {
			checkList(t, path, decode[[]shown](t, c.get(base+path)), stay)
		}
		var paged []shown
		for cursor := ""; ; {
			page := decode[[]shown](t, c.get(base+"/experiments/model-id/"+m+"?limit=700&cursor="+cursor))
			paged = append(paged, page...)
			if len(page) < 700 {
				break
			}
			cursor = page[len(page)-1].text("experiment_id")
		}
		checkList(t, "pages of 700", paged, stay)
	})
}

// checkList finds those that stay among those of a list.
func checkList(t *testing.T, what string, list []shown, stay []string) {
	t.Helper()
	var got, all []string
	for _, r := range list {
		all = append(all, r.text("experiment_id"))
		if r.text("model_version_id") == "stays" {
			got = append(got, r.text("experiment_id"))
		}
	}
	if !slices.Equal(got, stay) {
		t.Errorf("%s: %d of those that stay are in the list, or in another order; want %d", what, len(got), len(stay))
	}
	if slices.Sort(all); len(slices.Compact(all)) != len(list) {
		t.Errorf("%s: something is in the list twice", what)
	}
}
