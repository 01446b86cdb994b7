package mlflow_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

const docs = " See the API docs for more information about request parameters."

// What MLflow's rules refuse, call by call, in MLflow's words.
func TestWrongRequestsAreRefusedInMLflowsWords(t *testing.T) {
	c := serveSQLite(t)
	run := c.newRun()
	hangul := strings.Repeat("손", 251)
	characters := ` supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`
	path := ` supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to `
	many := func(n int, item string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = strings.ReplaceAll(item, "#", fmt.Sprint(i))
		}
		return strings.Join(items, ",")
	}
	const metric = `{"key":"k#","value":1,"timestamp":1}`
	const pair = `{"key":"k#","value":"v"}`
	for _, x := range []struct{ call, body, want string }{
		{"runs/log-metric", `{"run_id":"RUN","key":"a#","value":1,"timestamp":1}`, `Invalid value "a#" for parameter 'name'` + characters},
		{"runs/log-metric", `{"run_id":"RUN","key":"손실!","value":1,"timestamp":1}`, `Invalid value "\uc190\uc2e4!" for parameter 'name'` + characters},
		{"runs/log-metric", `{"run_id":"RUN","key":"a//b","value":1,"timestamp":1}`, `Invalid value "a//b" for parameter 'name'` + path + `'a/b'`},
		{"runs/log-metric", `{"run_id":"RUN","key":"../a","value":1,"timestamp":1}`, `Invalid value "../a" for parameter 'name'` + path + `'../a'`},
		{"runs/log-metric", `{"run_id":"RUN","key":"/a","value":1,"timestamp":1}`, `Invalid value "/a" for parameter 'name'` + path + `'/a'`},
		{"runs/log-metric", `{"run_id":"RUN","key":"//a","value":1,"timestamp":1}`, `Invalid value "//a" for parameter 'name'` + path + `'//a'`},
		{"runs/log-metric", `{"run_id":"RUN","key":".","value":1,"timestamp":1}`, `Invalid value "." for parameter 'name'` + path + `'.'`},
		{"runs/log-metric", `{"run_id":"RUN","key":"a/","value":1,"timestamp":1}`, `Invalid value "a/" for parameter 'name'` + path + `'a'`},
		{"runs/log-metric", `{"run_id":"RUN","key":"` + hangul + `","value":1,"timestamp":1}`, `'Metric name' exceeds the maximum length of 250 characters`},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","value":1,"timestamp":-1}`, `Invalid value -1 for parameter 'timestamp' supplied: metric 'a' (value=1.0). Timestamp must be a nonnegative long (64-bit integer) `},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","value":1,"timestamp":1.5}`, `Invalid value 1.5 for parameter 'timestamp' supplied:  Hint: Value was of type 'float'.` + docs},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","value":1,"timestamp":1,"step":9223372036854775808}`, `Invalid value 9223372036854775808 for parameter 'step' supplied:  Hint: Value was of type 'int'.` + docs},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","value":"high","timestamp":1}`, `Invalid value "high" for parameter 'value' supplied:  Hint: Value was of type 'str'.` + docs},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","value":{"b": 1},"timestamp":1}`, `Invalid value {"b":1} for parameter 'value' supplied:  Hint: Value was of type 'dict'.` + docs},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","value":1e999,"timestamp":1}`, `Invalid value 1e999 for parameter 'value' supplied: It is beyond the numbers that a 64-bit floating point number can hold.`},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","timestamp":1}`, `Missing value for required parameter 'value'.` + docs},
		{"runs/log-metric", `{"run_id":"RUN","key":"a","value":1}`, `Missing value for required parameter 'timestamp'.` + docs},
		{"runs/log-metric", `{"run_id":"RUN","key":"","value":1,"timestamp":1}`, `Missing value for required parameter 'key'.` + docs},
		{"runs/log-metric", `{}`, `Missing value for required parameter 'run_id'.` + docs},

		{"runs/log-parameter", `{"run_id":"RUN","key":"a?","value":"b"}`, `Invalid value "a?" for parameter 'key'` + characters},
		{"runs/log-parameter", `{"run_id":"RUN","key":"` + hangul + `","value":"b"}`, `'Param key' exceeds the maximum length of 250 characters`},
		{"runs/log-parameter", `{"run_id":"RUN","key":"a","value":"` + strings.Repeat("손", 65537) + `"}`, `'Param value' exceeds the maximum length of 65536 characters`},
		{"runs/log-parameter", `{"run_id":"RUN","key":"a","value":5}`, `Invalid value 5 for parameter 'value' supplied:  Hint: Value was of type 'int'.` + docs},
		{"runs/set-tag", `{"run_id":"RUN","key":"a?","value":"b"}`, `Invalid value "a?" for parameter 'key'` + characters},
		{"runs/set-tag", `{"run_id":"RUN","key":"` + hangul + `","value":"b"}`, `'key' exceeds the maximum length of 250 characters`},
		{"runs/set-tag", `{"run_id":"RUN","key":"a","value":"` + strings.Repeat("x", 65537) + `"}`, `'value' exceeds the maximum length of 65536 characters`},
		{"runs/set-tag", `{"run_id":"RUN","key":"mlflow.runName","value":"` + strings.Repeat("x", 256) + `"}`, `run_name "` + strings.Repeat("x", 80) + `"... has 256 characters; at most 255 are allowed`},

		{"runs/log-batch", `{"run_id":"RUN","metrics":[` + many(1, metric) + `,{"key":"a#","value":1,"timestamp":1}]}`, `Invalid value "a#" for parameter 'metrics[1].name'` + characters},
		{"runs/log-batch", `{"run_id":"RUN","metrics":[{"key":"a","value":"NaN","timestamp":-5}]}`, `Invalid value -5 for parameter 'metrics[0].timestamp' supplied: metric 'a' (value=nan). Timestamp must be a nonnegative long (64-bit integer) `},
		{"runs/log-batch", `{"run_id":"RUN","params":[{"key":"a?","value":"b"}]}`, `Invalid value "a?" for parameter 'params[0].key'` + characters},
		{"runs/log-batch", `{"run_id":"RUN","tags":[` + strings.ReplaceAll(pair, "#", "") + `,{"key":"a?"}]}`, `Invalid value "a?" for parameter 'tags[1].key'` + characters},
		{"runs/log-batch", `{"run_id":"RUN","tags":[{"key":"` + hangul + `"}]}`, `'tags[0].key' exceeds the maximum length of 250 characters`},
		{"runs/log-batch", `{"run_id":"RUN","metrics":[` + many(1001, metric) + `]}`, `A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again.`},
		{"runs/log-batch", `{"run_id":"RUN","params":[` + many(101, pair) + `]}`, `A batch logging request can contain at most 100 params. Got 101 params. Please split up params across multiple requests and try again.`},
		{"runs/log-batch", `{"run_id":"RUN","tags":[` + many(101, pair) + `]}`, `A batch logging request can contain at most 100 tags. Got 101 tags. Please split up tags across multiple requests and try again.`},
		{"runs/log-batch", `{"run_id":"RUN","metrics":[` + many(950, metric) + `],"tags":[` + many(51, pair) + `]}`, `A batch logging request can contain at most 1000 metrics, params, and tags. Got 1001 metrics, params, and tags. Please split up metrics, params, and tags across multiple requests and try again.`},
		{"runs/log-batch", `{"run_id":"RUN","metrics":[` + many(12_345, metric) + `]}`, `The list 'metrics' has 12345 elements; at most 10000 are allowed.`},
		{"runs/log-batch", `{"run_id":"RUN","params":[{"key":"a","value":"1"},{"key":"b","value":"1"},{"key":"a","value":"1"}]}`, `Duplicate parameter keys have been submitted: ['a']. Please ensure the request contains only one param value per param key.`},
		{"runs/log-batch", `{"run_id":"!","params":[]}`, `Invalid value "!" for parameter 'run_id' supplied.`},

		{"runs/create", `{"experiment_id":"0","tags":[{"key":"a","value":"1"},{"key":"a","value":"2"}]}`, `The tags have the key "a" twice; give it once.`},
		{"runs/create", `{"experiment_id":"0","start_time":"soon"}`, `Invalid value "soon" for parameter 'start_time' supplied:  Hint: Value was of type 'str'.` + docs},
		{"runs/create", `{"experiment_id":"0","run_name":"` + hangul + `12345"}`, `run_name "` + strings.Repeat("손", 80) + `"... has 256 characters; at most 255 are allowed`},

		{"experiments/create", `{"name":""}`, `Missing value for required parameter 'name'.` + docs},
		{"experiments/create", `{"name":"` + strings.Repeat("x", 501) + `"}`, `'name' exceeds the maximum length of 500 characters`},
		{"experiments/create", `{"name":"` + strings.Repeat("x", 256) + `"}`, `'name' exceeds the maximum length of 255 characters`},
		{"experiments/update", `{"experiment_id":"0","new_name":"` + strings.Repeat("x", 501) + `"}`, `'name' exceeds the maximum length of 500 characters`},
		{"runs/search", `{"experiment_ids":[` + strings.TrimSuffix(strings.Repeat(`"0",`, 10_001), ",") + `]}`, `The list 'experiment_ids' has 10001 elements; at most 10000 are allowed.`},
		{"experiments/create", `{"name":"n","tags":[{"key":"a?"}]}`, `Invalid value "a?" for parameter 'key'` + characters},
		{"experiments/create", `{"name":"n","tags":[{"key":"a"},{"key":"a"}]}`, `The tags have the key "a" twice; give it once.`},
		{"experiments/create", `{"name":"n","artifact_location":"s3://b/a#x"}`, `'artifact_location' URL can't include fragments or params.`},
		{"experiments/create", `{"name":"n","artifact_location":"s3://b/a;x"}`, `'artifact_location' URL can't include fragments or params.`},
		{"experiments/create", `{"name":"n","artifact_location":"s3://b/a?x=../y"}`, `Invalid query string`},
		{"experiments/create", `{"name":"n","artifact_location":"s3://b/a?x=%2e%2e"}`, `Invalid query string`},
		{"experiments/create", `{"name":"n","artifact_location":"runs:/x"}`, `Artifact location cannot be a runs:/ URI. Given: 'runs:/x'`},
		{"experiments/create", `{"name":"n","artifact_location":"HTTP://evil/x"}`, `'artifact_location' cannot use the 'http' scheme: the 'http' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI.`},
		{"experiments/create", `{"name":"n","artifact_location":"mlflow-artifacts://evil/x"}`, `'artifact_location' cannot use the 'mlflow-artifacts' scheme: the 'mlflow-artifacts' scheme addresses a host other than the tracking server's configured artifact storage, so the server would connect to the host named in the URI.`},
		{"experiments/create", `{"name":"n","artifact_location":"s3://b/../x"}`, `'artifact_location' may not have '..' in its path: s3://b/../x`},
		{"experiments/create", `{"name":"n","artifact_location":"/` + strings.Repeat("x", 2048) + `"}`, `Invalid artifact path length. The length of the artifact path cannot be greater than 2048 characters.`},
		{"experiments/set-experiment-tag", `{"experiment_id":"0","key":"a?","value":"b"}`, `Invalid value "a?" for parameter 'key'` + characters},
		{"experiments/set-experiment-tag", `{"experiment_id":"0","key":"` + hangul + `"}`, `'key' exceeds the maximum length of 250 characters`},
		{"experiments/set-experiment-tag", `{"experiment_id":"0","key":"a","value":"` + strings.Repeat("x", 20001) + `"}`, `'value' exceeds the maximum length of 20000 characters`},

		{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"` + strings.Repeat("x", 501) + `"}}]}`, `'name' exceeds the maximum length of 500 characters`},
		{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"source":"` + strings.Repeat("x", 65536) + `"}}]}`, `'source' exceeds the maximum length of 65535 characters`},
		{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"d"},"tags":[{"key":"` + strings.Repeat("x", 256) + `"}]}]}`, `'key' exceeds the maximum length of 255 characters`},
		{"runs/log-inputs", `{"run_id":"RUN","datasets":[{"dataset":{"name":"d"},"tags":[{"key":"mlflow.data.context","value":"` + strings.Repeat("x", 501) + `"}]}]}`, `'value' exceeds the maximum length of 500 characters`},
		{"logged-models", `{"experiment_id":"0","name":"it's"}`, `Invalid model name ("it's") provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`},
		{"logged-models", `{"name":"m"}`, `Missing value for required parameter 'experiment_id'.` + docs},
	} {
		code, message := c.refused(x.call, strings.ReplaceAll(x.body, "RUN", run), http.StatusBadRequest)
		same(t, x.call+" "+short(x.body), code, "INVALID_PARAMETER_VALUE")
		same(t, x.call+" "+short(x.body), message, x.want)
	}
}

func TestOddKeysThatMLflowTakesAreTaken(t *testing.T) {
	c := serveSQLite(t)
	run := c.newRun()
	for _, key := range []string{"a b", "a/b", "a.b", "a:b", "a-b_c", "a/.b", "a/..b", "손실", "é", "²", " ", "a\n", ".a", "a..", strings.Repeat("손", 250)} {
		c.post("runs/log-metric", `{"run_id":"`+run+`","value":1,"timestamp":1,"key":`+encode(t, key)+`}`)
	}
	c.post("runs/create", `{"experiment_id":"0","tags":[{"key":"a#","value":"any key will do"}]}`)
}

// What the server itself refuses is in MLflow's form on MLflow's paths.
func TestRefusalsOfTheServerHaveACode(t *testing.T) {
	c := serveSQLite(t)
	for _, x := range []struct {
		code   string
		status int
		r      reply
	}{
		{"PERMISSION_DENIED", http.StatusForbidden, c.send("POST", base+"/experiments/create", `{"name":"x"}`, "Origin", "https://evil.com")},
		{"INVALID_PARAMETER_VALUE", http.StatusRequestEntityTooLarge, c.send("POST", base+"/experiments/create", strings.Repeat("x", bodyLimit+1))},
	} {
		same(t, x.code, x.r.status, x.status)
		same(t, x.code, decode[struct {
			Code string `json:"error_code"`
		}](t, x.r.body).Code, x.code)
	}
}

func TestBatchWithOneBadPointKeepsNothing(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		run := c.newRun()
		items := make([]string, 1000)
		for i := range items {
			items[i] = fmt.Sprintf(`{"key":"m%d","value":1,"timestamp":%d}`, i%7, i)
		}
		items[999] = `{"key":"m","value":1,"timestamp":-1}`
		c.refused("runs/log-batch", `{"run_id":"`+run+`","metrics":[`+strings.Join(items, ",")+`]}`, http.StatusBadRequest)
		c.post("runs/log-parameter", `{"run_id":"`+run+`","key":"p","value":"1"}`)
		items[999] = items[0]
		c.refused("runs/log-batch", `{"run_id":"`+run+`","metrics":[`+strings.Join(items[:900], ",")+`],"params":[{"key":"p","value":"2"}],"tags":[{"key":"t","value":"1"}]}`, http.StatusBadRequest)
		if body := c.get("runs/get?run_id=" + run); strings.Contains(body, `"metrics"`) || strings.Contains(body, `"key":"t"`) {
			t.Errorf("something was kept: %s", body)
		}
		same(t, "history", strings.TrimSpace(c.get("metrics/get-history?metric_key=m1&run_id="+run)), "{}")
	})
}

// Of many that log one parameter with different values at once, one wins, and
// the others are told.
func TestParameterIsWrittenOnce(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		run := c.newRun()
		var wins sync.Map
		var group sync.WaitGroup
		for i := range 32 {
			group.Go(func() {
				r := c.send("POST", base+"/runs/log-parameter", fmt.Sprintf(`{"run_id":"%s","key":"p","value":"%d"}`, run, i))
				switch {
				case r.status == http.StatusOK:
					wins.Store(i, true)
				case r.status != http.StatusBadRequest || !strings.Contains(r.body, "Changing param values is not allowed. Param with key='p' was already logged with value="):
					t.Errorf("%d: %s", r.status, r.body)
				}
			})
		}
		group.Wait()
		n := 0
		wins.Range(func(i, _ any) bool {
			n++
			if body := c.get("runs/get?run_id=" + run); !strings.Contains(body, fmt.Sprintf(`"params":[{"key":"p","value":"%d"}]`, i)) {
				t.Errorf("%d won, and the run is %s", i, body)
			}
			return true
		})
		same(t, "how many won", n, 1)
	})
}

// A long history is sent in pieces, whole.
func TestLongHistoryArrivesWhole(t *testing.T) {
	c := serveSQLite(t)
	run := c.newRun()
	const batches = 12
	for b := range batches {
		items := make([]string, 1000)
		for i := range items {
			items[i] = fmt.Sprintf(`{"key":"m","value":%d,"timestamp":%d,"step":%d}`, i, b*1000+i, b*1000+i)
		}
		c.post("runs/log-batch", `{"run_id":"`+run+`","metrics":[`+strings.Join(items, ",")+`]}`)
	}
	type page struct {
		Metrics []struct{ Step int }
		Next    string `json:"next_page_token"`
	}
	whole := decode[page](t, c.get("metrics/get-history?metric_key=m&run_id="+run))
	same(t, "points", len(whole.Metrics), batches*1000)
	step := 0
	for token := ""; ; {
		p := decode[page](t, c.get("metrics/get-history?metric_key=m&max_results=1700&run_id="+run+"&page_token="+token))
		for _, m := range p.Metrics {
			same(t, "step", m.Step, step)
			step++
		}
		if token = p.Next; token == "" {
			break
		}
	}
	same(t, "points in pages", step, batches*1000)
}
