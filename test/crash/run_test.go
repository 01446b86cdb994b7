package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
)

// run is a run that a client logs to through MLflow's API. Its name tells it
// from the experiments of the Model DB API.
type run struct {
	*made
	model  string // part of its model
	step   int
	params map[string]any
	ended  bool
}

const mlflowRuns = "/api/2.0/mlflow/runs/"

func isRun(part string) bool { return strings.HasPrefix(part, "experiment/run-") }

// logToRun makes a run, or logs to it, or ends it: points also go to a run
// that has ended, while its tail is folded.
func (c *client) logToRun() {
	r := c.run
	if r == nil {
		c.run = c.newRun(c.model)
		return
	}
	var o outcome
	switch n := rand.IntN(10); {
	case n == 0:
		_, o = c.write(http.MethodPost, mlflowRuns+"update", map[string]any{"run_id": r.id, "status": "FINISHED", "end_time": 1}, parts{})
		r.ended = true
	case n < 4:
		o = c.logPoints(r, 1)
	case n < 5:
		o = c.logPoints(r, 900)
	case n < 7:
		o = c.logParam(r)
	default:
		o = c.logPoints(r, 1+rand.IntN(20))
	}
	c.end(o)
	if o != acked || r.step > 6000 {
		c.run = nil // two unknown writes to one part could not be told apart
	}
}

// runValue is the main part of a run; see experimentParts.
func runValue(model string, params map[string]any) string {
	var parameters any
	if len(params) > 0 {
		parameters = params
	}
	return canonical([]any{model, parameters, nil, nil, nil})
}

func (c *client) newRun(m *made) *run {
	if m == nil {
		return nil
	}
	name := c.next("run")
	part := "experiment/" + name
	r, o := c.write(http.MethodPost, mlflowRuns+"create", map[string]any{"experiment_id": m.id, "run_name": name, "start_time": 1},
		parts{part: runValue(m.name, nil)})
	var answer struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	_ = json.Unmarshal(r.body, &answer) // without an answer there is no id
	made := c.made(part, answer.Run.Info.ID, o)
	if made == nil {
		return nil
	}
	return &run{made: made, model: m.name, params: map[string]any{}}
}

// logPoints logs the next points of one metric, each twice, as a client does
// that tries again.
func (c *client) logPoints(r *run, n int) outcome {
	sets := parts{}
	var points []map[string]any
	for range n {
		r.step++
		sets[fmt.Sprintf("%s/points/%d", r.name, r.step)] = canonical(float64(r.step) / 4)
		p := map[string]any{"key": "loss", "value": float64(r.step) / 4, "timestamp": r.step, "step": r.step}
		points = append(points, p)
		if n < 500 {
			points = append(points, p)
		}
	}
	sets[r.name+"/evaluations/loss"] = evaluation(float64(r.step) / 4)
	_, o := c.write(http.MethodPost, mlflowRuns+"log-batch", map[string]any{"run_id": r.id, "metrics": points}, sets)
	return o
}

// evaluation is a number as the Model DB API shows it: always with a point.
func evaluation(v float64) string {
	if v == float64(int(v)) {
		return fmt.Sprintf("%.1f", v)
	}
	return canonical(v)
}

func (c *client) logParam(r *run) outcome {
	r.params[fmt.Sprint("p", len(r.params))] = "v"
	_, o := c.write(http.MethodPost, mlflowRuns+"log-parameter",
		map[string]any{"run_id": r.id, "key": fmt.Sprint("p", len(r.params)-1), "value": "v"},
		parts{r.name: runValue(r.model, r.params)})
	return o
}

// points reads all points of a run.
func (s *seen) points(a *api, name, id string) error {
	r, err := a.call(http.MethodGet, "/api/2.0/mlflow/metrics/get-history?"+url.Values{"run_id": {id}, "metric_key": {"loss"}}.Encode(), nil)
	if err != nil {
		return err
	}
	var answer struct {
		Metrics []struct {
			Step  int     `json:"step"`
			Value float64 `json:"value"`
		} `json:"metrics"`
	}
	if err := json.Unmarshal(r.body, &answer); err != nil || r.status != http.StatusOK {
		return fmt.Errorf("history of %s: status %d: %.200s", name, r.status, r.body)
	}
	for _, p := range answer.Metrics {
		s.add(fmt.Sprintf("%s/points/%d", name, p.Step), canonical(p.Value))
	}
	return nil
}
