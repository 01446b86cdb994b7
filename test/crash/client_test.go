package crash

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// client writes through the API, and notes everything in the journal. It
// touches what it made itself and the shared experiment.
type client struct {
	t      *testing.T
	a      *api
	j      *journal
	name   string // in all that it makes
	n      int
	rules  rules
	shared *made // experiment that all clients write to

	project, model, experiment *made
	score                      int
	victim                     *victim
	run                        *run
}

// rules say which answers are no fault.
type rules struct {
	cut  bool // the connection may break: the server is killed
	wait bool // 503: the database is away
	full bool // 507: the disk is full
}

// made is a record that was acknowledged.
type made struct {
	name string // of its part, "project/x"
	id   string
}

// outcome is what a client knows of a write.
type outcome int

const (
	acked   outcome = iota
	unknown         // there, or not
	refused         // not there
	cut             // there, or not, and the server is gone
)

// share makes an experiment for all clients to write to.
func share(t *testing.T, s *program, j *journal, name string) *made {
	t.Helper()
	c := &client{t: t, a: newAPI(s.base), j: j, name: name}
	defer c.a.close()
	shared := c.newExperiment(c.newModel(c.newProject()), false)
	if shared == nil {
		t.Fatalf("the first writes failed\n%s", s.tail())
	}
	return shared
}

// load runs clients until the context ends or the server is gone, and returns
// how many writes were acknowledged meanwhile.
func load(ctx context.Context, t *testing.T, s *program, j *journal, shared *made, name string, clients int, r rules) int {
	t.Helper()
	before := j.acked
	var wg sync.WaitGroup
	for i := range clients {
		c := &client{t: t, a: newAPI(s.base), j: j, name: fmt.Sprintf("%s-%d", name, i), rules: r, shared: shared}
		wg.Go(func() {
			defer c.a.close()
			for ctx.Err() == nil && c.step() {
			}
		})
	}
	wg.Wait()
	return j.acked - before
}

// write sends one write and notes it before and after.
func (c *client) write(method, path string, body any, sets parts) (reply, outcome) {
	noted := c.j.begin(sets)
	r, err := c.a.call(method, path, body)
	switch {
	case err != nil:
		if !c.rules.cut {
			c.t.Errorf("%s %s: no answer: %v", method, path, err)
		}
		return r, cut
	case r.status == http.StatusOK:
		noted.done()
		return r, acked
	case r.status == http.StatusServiceUnavailable && c.rules.wait:
		if wrong := r.patient(); wrong != "" {
			c.t.Errorf("%s %s: %s", method, path, wrong)
		}
		time.Sleep(5 * time.Millisecond)
		return r, unknown
	case r.status == http.StatusInsufficientStorage && c.rules.full:
		if !strings.Contains(r.sentence(), "disk is full") {
			c.t.Errorf("%s %s: 507 without a clear detail: %s", method, path, r.body)
		}
		noted.refused() // "nothing was written"
		return r, refused
	}
	c.t.Errorf("%s %s: status %d: %s", method, path, r.status, r.body)
	return r, cut
}

func (c *client) next(kind string) string {
	c.n++
	return fmt.Sprintf("%s-%s-%d", kind, c.name, c.n)
}

// step does one write, and reports whether to go on.
func (c *client) step() bool {
	if c.project == nil {
		c.project = c.newProject()
		return c.project != nil || c.going()
	}
	if c.model == nil {
		c.model = c.newModel(c.project)
		return c.model != nil || c.going()
	}
	if c.experiment == nil {
		c.experiment, c.score = c.newExperiment(c.model, false), 0
		return c.experiment != nil || c.going()
	}
	switch n := rand.IntN(100); {
	case n < 5:
		c.newProject()
	case n < 10:
		c.model = c.newModel(c.project)
	case n < 12:
		c.newExperiment(c.model, true)
	case n < 30:
		c.experiment, c.score = c.newExperiment(c.model, false), 0
	case n < 50:
		c.merge(c.shared, "evaluations", c.next("e"))
	case n < 60:
		c.merge(c.shared, "artifact_file_paths", c.next("a"))
	case n < 70:
		c.merge(c.experiment, "evaluations", c.next("e"))
	case n < 80:
		c.newScore()
	case n < 83:
		c.describe()
	case n < 93:
		c.logToRun()
	default:
		c.toggle()
	}
	return c.going()
}

func (c *client) going() bool { return c.n >= 0 }

// end notes that the server is gone.
func (c *client) end(o outcome) {
	if o == cut {
		c.n = -1 << 30
	}
}

func (c *client) newProject() *made {
	name := c.next("p")
	part := "project/" + name
	r, o := c.write(http.MethodPost, "projects", map[string]any{"project_name": name, "description": name},
		parts{part: "here", part + "/description": canonical(name)})
	return c.made(part, r.field("project_id"), o)
}

func (c *client) newModel(p *made) *made {
	if p == nil {
		return nil
	}
	name := c.next("m")
	part := "model/" + name
	r, o := c.write(http.MethodPost, "models", map[string]any{"project_id": p.id, "model_name": name}, parts{part: p.name})
	return c.made(part, r.field("model_id"), o)
}

func (c *client) made(part, id string, o outcome) *made {
	c.end(o)
	if o != acked {
		return nil
	}
	if id == "" {
		c.t.Errorf("%s: there is no id in the answer", part)
	}
	c.j.gave(part, id)
	return &made{part, id}
}

// newExperiment makes an experiment that has something of everything. A large
// one is kept in another way than a small one.
func (c *client) newExperiment(m *made, large bool) *made {
	if m == nil {
		return nil
	}
	label := c.next("x")
	parameters := map[string]any{"depth": 8, "name": label}
	if large {
		parameters["text"] = strings.Repeat("0123456789abcdef", 40<<10/16)
	}
	body := map[string]any{
		"parameters":          parameters,
		"training_dataset":    "s3://data/" + c.name,
		"validation_dataset":  "s3://data/validation",
		"test_dataset":        label,
		"evaluations":         map[string]any{"accuracy": 0.25, "confusion": []any{1, 2, label}},
		"artifact_file_paths": map[string]any{"model": "s3://models/" + label},
	}
	part := "experiment/" + label
	sets := experimentParts(part, m.name, body)
	body["model_id"], body["model_version_id"] = m.id, label
	r, o := c.write(http.MethodPost, "experiments", body, sets)
	return c.made(part, r.field("experiment_id"), o)
}

// merge adds a value under a new key to an experiment.
func (c *client) merge(e *made, field, key string) {
	path := "experiments/evaluations/"
	if field == "artifact_file_paths" {
		path = "experiments/artifact-file-paths/"
	}
	members := map[string]any{key: "text of " + key, key + "-too": []any{key, 1}}
	sets := parts{}
	for k, v := range members {
		sets[e.name+"/"+field+"/"+k] = canonical(v)
	}
	r, o := c.write(http.MethodPost, path+e.id, map[string]any{field: members}, sets)
	c.end(o)
	if o == acked && !strings.Contains(string(r.body), key) {
		c.t.Errorf("the answer of a merge does not show %s: %.200s", key, r.body)
	}
}

// newScore adds a point to a metric.
func (c *client) newScore() {
	e := c.experiment
	c.score++
	_, o := c.write(http.MethodPost, "experiments/evaluations/"+e.id,
		map[string]any{"evaluations": map[string]any{"score": c.score}},
		parts{e.name + "/evaluations/score": fmt.Sprint(c.score)})
	c.end(o)
	if o == unknown {
		c.experiment = nil // two unknown writes to one part could not be told apart
	}
}

func (c *client) describe() {
	text := c.next("d")
	_, o := c.write(http.MethodPatch, "projects/id/"+c.project.id, map[string]any{"description": text},
		parts{c.project.name + "/description": canonical(text)})
	c.end(o)
	if o == unknown {
		c.project, c.model, c.experiment = nil, nil, nil
	}
}

// victim is a project with a model with an experiment, of which one is
// deleted and restored.
type victim struct {
	project, model, experiment *made
	deleted                    string // "experiments", "models", "projects" or nothing
	saved                      parts  // what the delete took away
}

// toggle makes a victim, or deletes or restores a part of it.
func (c *client) toggle() {
	v := c.victim
	if v == nil {
		v = &victim{project: c.newProject()}
		v.model = c.newModel(v.project)
		if v.experiment = c.newExperiment(v.model, rand.IntN(10) == 0); v.experiment != nil {
			c.victim = v
		}
		return
	}
	if v.deleted == "" {
		v.deleted = [...]string{"experiments", "models", "projects"}[rand.IntN(3)]
		v.saved = c.j.under(v.below()...)
		gone := parts{}
		for name := range v.saved {
			gone[name] = ""
		}
		c.changeVictim(http.MethodDelete, v.deleted+"/id/"+v.target().id, gone)
		return
	}
	path := v.deleted + "/restore/" + v.target().id
	v.deleted = ""
	c.changeVictim(http.MethodPost, path, v.saved)
}

func (c *client) changeVictim(method, path string, sets parts) {
	_, o := c.write(method, path, nil, sets)
	c.end(o)
	if o != acked {
		c.victim = nil
	}
}

func (v *victim) target() *made {
	switch v.deleted {
	case "experiments":
		return v.experiment
	case "models":
		return v.model
	}
	return v.project
}

// below are the records that a delete takes out of sight.
func (v *victim) below() []*made {
	switch v.deleted {
	case "experiments":
		return []*made{v.experiment}
	case "models":
		return []*made{v.experiment, v.model}
	}
	return []*made{v.experiment, v.model, v.project}
}

// under returns the parts of records.
func (j *journal) under(records ...*made) parts {
	j.mu.Lock()
	defer j.mu.Unlock()
	found := parts{}
	for _, m := range records {
		found[m.name] = j.certain[m.name]
		for _, field := range []string{"/description", "/evaluations/accuracy", "/evaluations/confusion", "/artifact_file_paths/model"} {
			if value, ok := j.certain[m.name+field]; ok {
				found[m.name+field] = value
			}
		}
	}
	maps.DeleteFunc(found, func(_, value string) bool { return value == "" })
	return found
}
