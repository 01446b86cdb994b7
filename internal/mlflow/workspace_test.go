package mlflow_test

import (
	"net/http"
	"strings"
	"testing"
)

// What is in one workspace is not seen, and not changed, from another one.
func TestOtherWorkspacesAreOutOfReach(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		same(t, "created", c.send("POST", base+"/workspaces", `{"name":"ours"}`).status, http.StatusCreated)
		ours := func(call, body string) string {
			t.Helper()
			return c.must(c.send("POST", base+"/"+call, body, "X-MLFLOW-WORKSPACE", "ours"))
		}
		experiment := decode[struct {
			ID string `json:"experiment_id"`
		}](t, ours("experiments/create", `{"name":"e"}`)).ID
		run := decode[struct {
			Run struct{ Info struct{ Run_id string } }
		}](t, ours("runs/create", `{"experiment_id":"`+experiment+`"}`)).Run.Info.Run_id
		logged := decode[struct {
			Model struct{ Info struct{ Model_id string } }
		}](t, ours("logged-models", `{"experiment_id":"`+experiment+`","tags":[{"key":"t","value":"1"}]}`)).Model.Info.Model_id
		ours("runs/log-batch", `{"run_id":"`+run+`","metrics":[{"key":"m","value":1,"timestamp":1}],"tags":[{"key":"t","value":"1"}]}`)
		ours("registered-models/create", `{"name":"r"}`)
		ours("model-versions/create", `{"name":"r","source":"runs:/`+run+`/m","run_id":"`+run+`"}`)
		ours("registered-models/alias", `{"name":"r","alias":"a","version":"1"}`)
		c.post("registered-models/create", `{"name":"default's"}`)
		own := c.newRun()
		state := func() string {
			return c.get("registered-models/get?name=ours.r") + c.get("model-versions/get?name=ours.r&version=1") + c.get("experiments/get?experiment_id="+experiment) + c.get("runs/get?run_id="+run) + c.get("logged-models/"+logged)
		}
		before := state()
		ids := strings.NewReplacer("EXP", experiment, "RUN", run, "OWN", own, "MODEL", logged)
		for _, x := range []struct{ method, call, body, want string }{
			{"GET", "experiments/get?experiment_id=EXP", "", "404"},
			{"GET", "experiments/get-by-name?experiment_name=e", "", "404"},
			{"GET", "experiments/get-by-name?experiment_name=ours/e", "", "404"},
			{"POST", "experiments/update", `{"experiment_id":"EXP","new_name":"x"}`, "404"},
			{"POST", "experiments/delete", `{"experiment_id":"EXP"}`, "404"},
			{"POST", "experiments/restore", `{"experiment_id":"EXP"}`, "404"},
			{"POST", "experiments/set-experiment-tag", `{"experiment_id":"EXP","key":"a","value":"b"}`, "404"},
			{"POST", "experiments/delete-experiment-tag", `{"experiment_id":"EXP","key":"a"}`, "404"},
			{"POST", "runs/create", `{"experiment_id":"EXP"}`, "404"},
			{"GET", "runs/get?run_id=RUN", "", "404"},
			{"POST", "runs/update", `{"run_id":"RUN","status":"FAILED"}`, "404"},
			{"POST", "runs/delete", `{"run_id":"RUN"}`, "404"},
			{"POST", "runs/restore", `{"run_id":"RUN"}`, "404"},
			{"POST", "runs/log-metric", `{"run_id":"RUN","key":"m","value":2,"timestamp":2}`, "404"},
			{"POST", "runs/log-metric", `{"run_id":"OWN","key":"m","value":2,"timestamp":2,"model_id":"MODEL"}`, "404"},
			{"POST", "runs/log-parameter", `{"run_id":"RUN","key":"m","value":"2"}`, "404"},
			{"POST", "runs/set-tag", `{"run_id":"RUN","key":"t","value":"2"}`, "404"},
			{"POST", "runs/delete-tag", `{"run_id":"RUN","key":"t"}`, "404"},
			{"POST", "runs/log-batch", `{"run_id":"RUN","params":[{"key":"m","value":"2"}]}`, "404"},
			{"POST", "runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"d"}}]}`, "404"},
			{"POST", "runs/outputs", `{"run_id":"RUN","models":[{"model_id":"m-1"}]}`, "404"},
			{"POST", "runs/log-model", `{"run_id":"RUN","model_json":"{\"artifact_path\":1,\"flavors\":1,\"utc_time_created\":1,\"run_id\":1}"}`, "404"},
			{"POST", "runs/search", `{"experiment_ids":["EXP"]}`, "{}"},
			{"GET", "metrics/get-history?metric_key=m&run_id=RUN", "", "{}"},
			{"GET", "metrics/get-history-bulk-interval?metric_key=m&run_ids=RUN", "", "{}"},
			{"POST", "logged-models", `{"experiment_id":"EXP"}`, "404"},
			{"GET", "logged-models/MODEL", "", "404"},
			{"PATCH", "logged-models/MODEL", `{"model_id":"MODEL","status":2}`, "404"},
			{"DELETE", "logged-models/MODEL", "", "404"},
			{"PATCH", "logged-models/MODEL/tags", `{"tags":[{"key":"t","value":"2"}]}`, "404"},
			{"DELETE", "logged-models/MODEL/tags/t", "", "404"},
			{"POST", "logged-models/MODEL/params", `{"model_id":"MODEL","params":[{"key":"p","value":"2"}]}`, "404"},
			{"POST", "logged-models/search", `{"experiment_ids":["EXP"]}`, "{}"},
			{"GET", "registered-models/get?name=r", "", "404"},
			{"GET", "registered-models/get-latest-versions?name=r", "", "404"},
			{"GET", "registered-models/alias?name=r&alias=a", "", "404"},
			{"GET", "registered-models/search?filter=name%3D'r'", "", "{}"},
			{"PATCH", "registered-models/update", `{"name":"r","description":"d"}`, "404"},
			{"POST", "registered-models/rename", `{"name":"r","new_name":"s"}`, "404"},
			{"POST", "registered-models/set-tag", `{"name":"r","key":"k","value":"v"}`, "404"},
			{"POST", "registered-models/alias", `{"name":"r","alias":"b","version":"1"}`, "404"},
			{"DELETE", "registered-models/alias", `{"name":"r","alias":"a"}`, "404"},
			{"DELETE", "registered-models/delete", `{"name":"r"}`, "404"},
			{"POST", "model-versions/create", `{"name":"r","source":"s3://b/x"}`, "404"},
			{"GET", "model-versions/get?name=r&version=1", "", "404"},
			{"GET", "model-versions/get-download-uri?name=r&version=1", "", "404"},
			{"GET", "model-versions/search", "", "{}"},
			{"GET", "model-versions/search?filter=run_id%3D'RUN'", "", "{}"},
			{"PATCH", "model-versions/update", `{"name":"r","version":"1","description":"d"}`, "404"},
			{"POST", "model-versions/transition-stage", `{"name":"r","version":"1","stage":"Staging"}`, "404"},
			{"POST", "model-versions/set-tag", `{"name":"r","version":"1","key":"k","value":"v"}`, "404"},
			{"DELETE", "model-versions/delete", `{"name":"r","version":"1"}`, "404"},
			{"POST", "model-versions/create", `{"name":"default's","source":"models:/r/1"}`, "404"},
			{"POST", "model-versions/create", `{"name":"default's","source":"models:/MODEL","model_id":"MODEL"}`, "404"},
		} {
			r := c.send(x.method, base+"/"+ids.Replace(x.call), ids.Replace(x.body), "X-MLFLOW-WORKSPACE", "default")
			if got := strings.TrimSpace(r.body); x.want == "404" && r.status != http.StatusNotFound || x.want == "{}" && got != "{}" {
				t.Errorf("%s %s: %d %s", x.method, x.call, r.status, got)
			}
		}
		r := c.send("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", ids.Replace(`{"experiment_ids":["EXP"]}`), "X-MLFLOW-WORKSPACE", "default")
		same(t, "datasets", strings.TrimSpace(r.body), "{}")
		r = c.send("GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=m&run_id="+run, "", "X-MLFLOW-WORKSPACE", "default")
		same(t, "points", strings.TrimSpace(r.body), `{"metrics":[]}`)
		same(t, "what is in the workspace", state(), before)
	})
}
