package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// target is a server under measurement, and what was put into it.
type target struct {
	*process
	c     *conn // for what is not measured
	sizes sizes
	// crowds are the runs that were put in, by how many; lines the runs with
	// one long history, by its length.
	crowds map[int]*crowd
	lines  map[int]string
	names  int // experiments made
}

// sizes are how big the prepared data is.
type sizes struct {
	runs   int // of the model that is searched and walked
	many   int // runs of the big model
	points int // of the history that is read
	line   int // points of the key that is down-sampled
	stored int // points logged to see what they take on disk
}

func newTarget(ctx context.Context, r recipe, folder string, s sizes) (*target, error) {
	p, err := start(ctx, r, folder)
	if err != nil {
		return nil, err
	}
	return &target{process: p, c: dial(ctx, p.base, false), sizes: s, crowds: map[int]*crowd{}, lines: map[int]string{}}, nil
}

// restart stops the server and starts it again on its records.
func (t *target) restart(ctx context.Context) error {
	t.stop()
	t.c.close()
	p, err := start(ctx, t.recipe, t.folder)
	if err != nil {
		return err
	}
	t.process, t.c = p, dial(ctx, p.base, false)
	return nil
}

// size is what the server's database takes on disk in bytes, and how many of
// these its free pages hold.
func (t *target) size() (bytes, free int64, err error) {
	name := filepath.Join(t.folder, t.recipe.file)
	for _, part := range []string{name, name + "-wal"} {
		info, err := os.Stat(part)
		if errors.Is(err, os.ErrNotExist) && part != name {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		bytes += info.Size()
	}
	f, err := os.Open(name)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	free, err = freePages(f)
	return bytes, free, err
}

// ---- MLflow's API, as far as the data's makers need it ----

const api = "/api/2.0/mlflow/"

// newExperiment makes an experiment with a name that nobody has.
func (t *target) newExperiment(what string) (id string, err error) {
	t.names++
	var answer struct {
		ID string `json:"experiment_id"`
	}
	name := fmt.Sprintf("bench-%s-%d-%d", what, time.Now().UnixNano(), t.names)
	err = t.c.json("POST", api+"experiments/create", map[string]string{"name": name}, &answer)
	return answer.ID, err
}

// newRuns starts n runs of an experiment.
func (t *target) newRuns(experiment string, n int) (ids []string, err error) {
	for range n {
		id, err := newRun(t.c, appendRun(nil, experiment, "bench", time.Now().UnixMilli()))
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// newRun starts the run that a body asks for.
func newRun(c *conn, body []byte) (string, error) {
	answer, err := c.call("POST", api+"runs/create", body)
	if err != nil {
		return "", err
	}
	id, _ := text(answer, runID)
	if id == "" {
		return "", fmt.Errorf("runs/create answers without a run_id: %.200s", answer)
	}
	return id, nil
}

// logBatch sends a body to runs/log-batch.
func logBatch(c *conn, body []byte) error {
	_, err := c.call("POST", api+"runs/log-batch", body)
	return err
}

// endRun finishes a run.
func endRun(c *conn, run string, at int64) error {
	_, err := c.call("POST", api+"runs/update",
		fmt.Appendf(nil, `{"run_id":%q,"status":"FINISHED","end_time":%d}`, run, at))
	return err
}
