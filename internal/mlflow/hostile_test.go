package mlflow_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Whatever text a client sends in whatever field, the answer is no fault of the
// server: it is taken or refused.
func TestNoTextIsAFault(t *testing.T) {
	texts := []string{"\x00", "a\x00b", strings.Repeat("x", 70_000), strings.Repeat("손", 300), "'; drop table run; --", `\`, "%", "\ufffd", "m-" + strings.Repeat("0", 32), strings.Repeat("f", 32)}
	each(t, func(t *testing.T, c *client) {
		run := c.newRun()
		c.post("registered-models/create", `{"name":"reg"}`)
		c.post("model-versions/create", `{"name":"reg","source":"s3://b/x"}`)
		logged := decode[struct {
			Model struct {
				Info struct {
					ID string `json:"model_id"`
				}
			}
		}](t, c.post("logged-models", `{"experiment_id":"0"}`)).Model.Info.ID
		ids := strings.NewReplacer("RUN", run, "MODEL", logged)
		for _, call := range []struct{ call, body string }{
			{"experiments/create", `{"name":TEXT}`},
			{"experiments/create", `{"name":"n","artifact_location":TEXT}`},
			{"experiments/create", `{"name":"m","tags":[{"key":TEXT,"value":TEXT}]}`},
			{"experiments/update", `{"experiment_id":TEXT,"new_name":TEXT}`},
			{"experiments/update", `{"experiment_id":"0","new_name":TEXT}`},
			{"experiments/delete", `{"experiment_id":TEXT}`},
			{"experiments/set-experiment-tag", `{"experiment_id":"0","key":"k","value":TEXT}`},
			{"experiments/delete-experiment-tag", `{"experiment_id":"0","key":TEXT}`},
			{"experiments/search", `{"max_results":10,"filter":TEXT}`},
			{"experiments/search", `{"max_results":10,"order_by":[TEXT]}`},
			{"experiments/search", `{"max_results":10,"page_token":TEXT}`},
			{"runs/create", `{"experiment_id":"0","user_id":TEXT}`},
			{"runs/create", `{"experiment_id":"0","run_name":TEXT}`},
			{"runs/create", `{"experiment_id":"0","tags":[{"key":TEXT,"value":"v"}]}`},
			{"runs/create", `{"experiment_id":"0","tags":[{"key":"mlflow.runName","value":TEXT}]}`},
			{"runs/create", `{"experiment_id":"0","tags":[{"key":"k","value":TEXT}]}`},
			{"runs/update", `{"run_id":"RUN","run_name":TEXT}`},
			{"runs/update", `{"run_id":TEXT}`},
			{"runs/set-tag", `{"run_id":"RUN","key":TEXT,"value":TEXT}`},
			{"runs/set-tag", `{"run_id":"RUN","key":"k","value":TEXT}`},
			{"runs/set-tag", `{"run_id":"RUN","key":"mlflow.runName","value":TEXT}`},
			{"runs/delete-tag", `{"run_id":"RUN","key":TEXT}`},
			{"runs/log-parameter", `{"run_id":"RUN","key":"k","value":TEXT}`},
			{"runs/log-parameter", `{"run_id":"RUN","key":TEXT,"value":"v"}`},
			{"runs/log-metric", `{"run_id":"RUN","key":TEXT,"value":1,"timestamp":1}`},
			{"runs/log-metric", `{"run_id":"RUN","key":"k","value":TEXT,"timestamp":1}`},
			{"runs/log-metric", `{"run_id":"RUN","key":"k","value":1,"timestamp":1,"model_id":TEXT}`},
			{"runs/log-metric", `{"run_id":"RUN","key":"k","value":1,"timestamp":1,"model_id":"MODEL","dataset_name":TEXT}`},
			{"runs/log-metric", `{"run_id":"RUN","key":"k","value":1,"timestamp":1,"model_id":"MODEL","dataset_digest":TEXT}`},
			{"runs/log-batch", `{"run_id":TEXT}`},
			{"runs/log-inputs", `{"run_id":"RUN","models":[{"model_id":TEXT}]}`},
			{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":TEXT}}]}`},
			{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"n","source_type":TEXT,"digest":TEXT}}]}`},
			{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"n","source_type":TEXT}}]}`},
			{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"n","schema":TEXT}}]}`},
			{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"n"},"tags":[{"key":TEXT,"value":"v"}]}]}`},
			{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"n"},"tags":[{"key":"mlflow.data.context","value":TEXT}]}]}`},
			{"runs/outputs", `{"run_id":"RUN","models":[{"model_id":TEXT}]}`},
			{"runs/log-model", `{"run_id":"RUN","model_json":TEXT}`},
			{"runs/search", `{"experiment_ids":[TEXT]}`},
			{"runs/search", `{"experiment_ids":["0"],"filter":TEXT}`},
			{"runs/search", `{"experiment_ids":["0"],"page_token":TEXT}`},
			{"logged-models", `{"experiment_id":"0","name":TEXT}`},
			{"logged-models", `{"experiment_id":"0","model_type":TEXT}`},
			{"logged-models", `{"experiment_id":"0","source_run_id":TEXT}`},
			{"logged-models", `{"experiment_id":"0","params":[{"key":TEXT,"value":"v"}]}`},
			{"logged-models", `{"experiment_id":"0","params":[{"key":"k","value":TEXT}]}`},
			{"logged-models", `{"experiment_id":"0","tags":[{"key":"k","value":TEXT}]}`},
			{"logged-models/MODEL/params", `{"model_id":"MODEL","params":[{"key":"k","value":TEXT}]}`},
			{"logged-models/search", `{"experiment_ids":["0"],"filter":TEXT,"page_token":TEXT}`},
			{"logged-models/search", `{"experiment_ids":["0"],"datasets":[{"dataset_name":TEXT}],"order_by":[{"field_name":"metrics.a","dataset_name":TEXT}]}`},
			{"registered-models/create", `{"name":TEXT}`},
			{"registered-models/create", `{"name":"n1","description":TEXT}`},
			{"registered-models/create", `{"name":"n2","tags":[{"key":TEXT,"value":"v"}]}`},
			{"registered-models/create", `{"name":"n3","tags":[{"key":"k","value":TEXT}]}`},
			{"registered-models/rename", `{"name":TEXT,"new_name":"x"}`},
			{"registered-models/rename", `{"name":"n1","new_name":TEXT}`},
			{"registered-models/set-tag", `{"name":TEXT,"key":TEXT,"value":TEXT}`},
			{"registered-models/set-tag", `{"name":"reg","key":"k","value":TEXT}`},
			{"registered-models/alias", `{"name":TEXT,"alias":"a","version":"1"}`},
			{"registered-models/alias", `{"name":"reg","alias":TEXT,"version":"1"}`},
			{"registered-models/alias", `{"name":"reg","alias":"a","version":TEXT}`},
			{"registered-models/get-latest-versions", `{"name":TEXT}`},
			{"registered-models/get-latest-versions", `{"name":"reg","stages":[TEXT]}`},
			{"model-versions/create", `{"name":TEXT,"source":"s3://b/x"}`},
			{"model-versions/create", `{"name":"reg","source":TEXT}`},
			{"model-versions/create", `{"name":"reg","source":"s3://b/x","run_id":TEXT}`},
			{"model-versions/create", `{"name":"reg","source":"s3://b/x","model_id":TEXT}`},
			{"model-versions/create", `{"name":"reg","source":"s3://b/x","run_link":TEXT}`},
			{"model-versions/create", `{"name":"reg","source":"s3://b/x","description":TEXT}`},
			{"model-versions/create", `{"name":"reg","source":"s3://b/x","tags":[{"key":"k","value":TEXT}]}`},
			{"model-versions/set-tag", `{"name":"reg","version":TEXT,"key":"k","value":"v"}`},
			{"model-versions/set-tag", `{"name":"reg","version":"1","key":TEXT,"value":TEXT}`},
			{"model-versions/transition-stage", `{"name":"reg","version":"1","stage":TEXT}`},
			{"workspaces", `{"name":TEXT}`},
			{"workspaces", `{"name":"w1","description":TEXT}`},
		} {
			for _, text := range texts {
				body := strings.ReplaceAll(ids.Replace(call.body), "TEXT", encode(t, text))
				if r := c.send("POST", base+"/"+ids.Replace(call.call), body); r.status >= 500 {
					t.Errorf("%s %s: %d %s", call.call, short(body), r.status, r.body)
				}
			}
		}
		for _, path := range []string{
			"experiments/get?experiment_id=TEXT", "experiments/get-by-name?experiment_name=TEXT", "runs/get?run_id=TEXT",
			"metrics/get-history?run_id=RUN&metric_key=TEXT", "metrics/get-history?run_id=RUN&metric_key=k&page_token=TEXT",
			"registered-models/get?name=TEXT", "registered-models/alias?name=TEXT&alias=a", "registered-models/alias?name=reg&alias=TEXT",
			"registered-models/search?filter=TEXT", "registered-models/search?filter=name%3D'TEXT'", "registered-models/search?page_token=TEXT",
			"registered-models/search?order_by=TEXT", "model-versions/get?name=TEXT&version=1", "model-versions/get?name=reg&version=TEXT",
			"model-versions/get-download-uri?name=TEXT&version=1", "model-versions/search?filter=TEXT", "model-versions/search?filter=run_id%3D'TEXT'",
			"model-versions/search?filter=name+IN+('TEXT','reg')", "model-versions/search?filter=tags.k%3D'TEXT'", "model-versions/search?page_token=TEXT",
			"metrics/get-history-bulk-interval?run_ids=RUN&metric_key=TEXT", "logged-models/TEXT", "workspaces/TEXT",
		} {
			for _, text := range append(texts, "\xff") {
				if len(text) > 10_000 {
					text = text[:10_000]
				}
				if r := c.send("GET", base+"/"+strings.ReplaceAll(ids.Replace(path), "TEXT", url.PathEscape(text)), ""); r.status >= 500 {
					t.Errorf("%s with %s: %d %s", path, short(text), r.status, r.body)
				}
			}
		}
		for _, text := range texts {
			for call, body := range map[string]string{
				"PATCH registered-models/update": `{"name":"reg","description":TEXT}`, "DELETE registered-models/delete-tag": `{"name":"reg","key":TEXT}`,
				"DELETE registered-models/alias": `{"name":"reg","alias":TEXT}`, "DELETE registered-models/delete": `{"name":TEXT}`,
				"PATCH model-versions/update": `{"name":"reg","version":"1","description":TEXT}`, "DELETE model-versions/delete": `{"name":"reg","version":TEXT}`,
				"DELETE model-versions/delete-tag": `{"name":"reg","version":"1","key":TEXT}`,
			} {
				method, path, _ := strings.Cut(call, " ")
				if r := c.send(method, base+"/"+path, strings.ReplaceAll(body, "TEXT", encode(t, text))); r.status >= 500 {
					t.Errorf("%s %s: %d %s", call, short(text), r.status, r.body)
				}
			}
			if r := c.send("DELETE", base+"/logged-models/"+logged+"/tags/"+url.PathEscape(text), ""); r.status >= 500 && len(text) < 10_000 {
				t.Errorf("tag %s: %d %s", short(text), r.status, r.body)
			}
			if r := c.send("PATCH", base+"/logged-models/"+logged+"/tags", `{"tags":[{"key":`+encode(t, text)+`,"value":`+encode(t, text)+`}]}`); r.status >= 500 {
				t.Errorf("tag %s: %d %s", short(text), r.status, r.body)
			}
		}
	})
}

// Bodies that are hostile to a reader are refused at once.
func TestHostileBodiesAreRefused(t *testing.T) {
	c := serveSQLite(t)
	run := c.newRun()
	for what, body := range map[string]string{
		"deep":       strings.Repeat(`{"a":`, 150_000),
		"deep lists": `{"run_id":"` + run + `","metrics":` + strings.Repeat(`[`, 900_000),
		"no metrics": `{"run_id":"` + run + `","metrics":[` + strings.Repeat(`{},`, 300_000) + `{}]}`,
		"many tags":  `{"run_id":"` + run + `","tags":[` + strings.Repeat(`{"key":"a"},`, 70_000) + `{}]}`,
		"params":     `{"run_id":"` + run + `","params":[` + strings.Repeat(`{"key":"a"},`, 70_000) + `{"key":"b"}]}`,
		"twins":      `{` + strings.Repeat(`"runId":1,"aB":2,`, 50_000) + `"run_id":"x"}`,
		"not UTF-8":  "{\"run_id\":\"\xff\"}",
	} {
		code, message := c.refused("runs/log-batch", body, http.StatusBadRequest)
		if code != "INVALID_PARAMETER_VALUE" || len(message) > 1000 {
			t.Errorf("%s: %s %s", what, code, short(message))
		}
	}
	var many strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&many, `{"key":"k%d","value":"v"},`, i)
	}
	if r := c.send("POST", base+"/runs/create", `{"experiment_id":"0","tags":[`+many.String()+`{"key":"k","value":"v"}]}`); r.status >= 500 {
		t.Errorf("many tags: %d %s", r.status, r.body)
	}
}
