package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
)

// parts are all that the API shows, taken apart: a name such as
// "experiment/x/evaluations/loss", and a value as JSON. What is not there has
// no value.
type parts map[string]string

// journal notes outside of the server what must be there.
type journal struct {
	mu      sync.Mutex // guards what follows
	certain parts
	ids     map[string]string // by the part that stands for the whole record
	open    map[*change]bool  // sent, and not answered
	acked   int
	unknown int
}

// change is one write: the values that it gives to parts, an empty one to those
// that it takes away. It happens whole or not at all.
type change struct {
	j    *journal
	sets parts
}

func newJournal() *journal {
	return &journal{certain: parts{}, ids: map[string]string{}, open: map[*change]bool{}}
}

// begin notes that a write will be sent.
func (j *journal) begin(sets parts) *change {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := &change{j, sets}
	j.open[c] = true
	return c
}

// done notes that a write was acknowledged.
func (c *change) done() {
	c.j.mu.Lock()
	defer c.j.mu.Unlock()
	c.j.acked++
	c.apply()
}

func (c *change) apply() {
	delete(c.j.open, c)
	for name, value := range c.sets {
		if value == "" {
			delete(c.j.certain, name)
		} else {
			c.j.certain[name] = value
		}
	}
}

// refused notes that a write was answered with "nothing was written".
func (c *change) refused() {
	c.j.mu.Lock()
	defer c.j.mu.Unlock()
	delete(c.j.open, c)
}

// gave notes the id that the server gave to a record.
func (j *journal) gave(name, id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ids[name] = id
}

// verify compares what the server shows with what must be there. What was
// unknown is known afterwards, and may not change any more.
func (j *journal) verify(t *testing.T, s *program) {
	t.Helper()
	a := newAPI(s.base)
	defer a.close()
	seen, err := observe(a)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.tail())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	faults := seen.faults
	for c := range j.open {
		j.unknown++
		before, after := 0, 0
		for name, value := range c.sets {
			if seen.parts[name] == value {
				after++
			}
			if seen.parts[name] == j.certain[name] {
				before++
			}
		}
		switch len(c.sets) {
		case after:
			c.apply()
		case before:
			delete(j.open, c)
		default:
			delete(j.open, c)
			faults = append(faults, fmt.Sprintf("a write without an answer is there half: %v", slices.Sorted(maps.Keys(c.sets))))
		}
	}
	for name, value := range j.certain {
		if got, ok := seen.parts[name]; !ok {
			faults = append(faults, "lost: "+name)
		} else if got != value {
			faults = append(faults, fmt.Sprintf("%s is %.100s instead of %.100s", name, got, value))
		}
	}
	for name := range seen.parts {
		if _, ok := j.certain[name]; !ok {
			faults = append(faults, "nobody wrote, or it was taken away: "+name)
		}
	}
	for name, id := range seen.ids {
		if known, ok := j.ids[name]; ok && known != id {
			faults = append(faults, fmt.Sprintf("%s has the id %s instead of %s", name, id, known))
		}
		j.ids[name] = id
	}
	const most = 10
	for _, f := range faults[:min(len(faults), most)] {
		t.Error(f)
	}
	if len(faults) > 0 {
		t.Fatalf("%d faults after %d acknowledged writes\n%s", len(faults), j.acked, s.tail())
	}
}

// seen is what the server shows.
type seen struct {
	parts  parts
	ids    map[string]string
	faults []string // names that are there twice, and references to nothing
}

func (s *seen) add(name, value string) {
	if _, ok := s.parts[name]; ok {
		s.faults = append(s.faults, "there twice: "+name)
	}
	s.parts[name] = value
}

// observe reads all lists.
func observe(a *api) (*seen, error) {
	s := &seen{parts: parts{}, ids: map[string]string{}}
	projects, err := list(a, "projects/all")
	if err != nil {
		return nil, err
	}
	models, err := list(a, "models/all")
	if err != nil {
		return nil, err
	}
	experiments, err := list(a, "experiments/all")
	if err != nil {
		return nil, err
	}
	named := map[string]string{} // project or model, by its id
	for _, p := range projects {
		name := fmt.Sprintf("project/%v", p["project_name"])
		id, _ := p["project_id"].(string)
		s.add(name, "here")
		if p["description"] != nil {
			s.add(name+"/description", canonical(p["description"]))
		}
		s.ids[name], named[id] = id, name
	}
	for _, m := range models {
		name := fmt.Sprintf("model/%v", m["model_name"])
		id, _ := m["model_id"].(string)
		project, _ := m["project_id"].(string)
		if named[project] == "" {
			s.faults = append(s.faults, fmt.Sprintf("%s is of the project %q, which is not listed", name, project))
		}
		s.add(name, named[project])
		if m["description"] != nil {
			s.add(name+"/description", canonical(m["description"]))
		}
		s.ids[name], named[id] = id, name
	}
	for _, e := range experiments {
		name := fmt.Sprintf("experiment/%v", e["model_version_id"])
		id, _ := e["experiment_id"].(string)
		model, _ := e["model_id"].(string)
		if named[model] == "" {
			s.faults = append(s.faults, fmt.Sprintf("%s is of the model %q, which is not listed", name, model))
		}
		s.ids[name] = id
		maps.Copy(s.parts, s.experiment(name, named[model], e))
		if isRun(name) {
			if err := s.points(a, name, id); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func (s *seen) experiment(name, model string, e map[string]any) parts {
	if _, ok := s.parts[name]; ok {
		s.faults = append(s.faults, "there twice: "+name)
	}
	return experimentParts(name, model, e)
}

// experimentParts takes an experiment, as it is sent or shown, apart.
func experimentParts(name, model string, e map[string]any) parts {
	p := parts{name: canonical([]any{model, e["parameters"], e["training_dataset"], e["validation_dataset"], e["test_dataset"]})}
	for _, field := range []string{"evaluations", "artifact_file_paths"} {
		members, _ := e[field].(map[string]any)
		for key, value := range members {
			p[name+"/"+field+"/"+key] = canonical(value)
		}
	}
	return p
}

func list(a *api, path string) ([]map[string]any, error) {
	r, err := a.call(http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if r.status != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d: %s", path, r.status, r.body)
	}
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	var all []map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// canonical is a value as JSON with sorted names.
func canonical(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // a value that was JSON
	}
	return string(text)
}
