package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// serveNull answers always the same, reads no body and keeps nothing: what
// net/http, the kernel and the load itself take is the ceiling of every server
// in Go on this machine.
func serveNull(addr string) error {
	run := cannedRun()
	pageOfRuns := `{"runs":[` + strings.Repeat(run+",", page-1) + run + `]}`
	var ids atomic.Int64
	mux := http.NewServeMux()
	canned := func(pattern, body string) {
		text := []byte(body)
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // as the others must, to keep the connection
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(text) // the client sees it
		})
	}
	canned("GET /health", "OK")
	for _, path := range []string{"runs/log-metric", "runs/log-batch", "runs/update"} {
		canned("POST "+api+path, "{}")
	}
	canned("POST "+api+"experiments/create", `{"experiment_id":"1"}`)
	canned("GET "+api+"runs/get", `{"run":`+run+`}`)
	canned("POST "+api+"runs/search", pageOfRuns)
	mux.HandleFunc("POST "+api+"runs/create", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"run":{"info":{"run_id":"%032x","lifecycle_stage":"active"},"data":{}}}`, ids.Add(1))
	})
	return http.ListenAndServe(addr, mux)
}

// cannedRun is a run as long as those of a crowd.
func cannedRun() string {
	m := newMember(1)
	b := fmt.Appendf(nil, `{"info":{"run_uuid":"%032x","experiment_id":"1","run_name":%q,"user_id":"","status":"FINISHED","start_time":%d,`+
		`"end_time":%[3]d,"artifact_uri":"mlflow-artifacts:/1/%032[1]x/artifacts","lifecycle_stage":"active","run_id":"%032[1]x"},"data":{"metrics":[`,
		1, m.name, m.start)
	for _, kv := range m.metrics {
		b = appendPoint(b, kv[0], kv[1], m.start, 0)
	}
	b = append(endList(b), `,"params":[`...)
	for _, kv := range m.params {
		b = appendPair(b, kv[0], kv[1])
	}
	b = append(endList(b), `,"tags":[`...)
	for _, kv := range m.tags {
		b = appendPair(b, kv[0], kv[1])
	}
	b = appendPair(b, "mlflow.runName", m.name)
	return string(endList(b)) + `},"inputs":{},"outputs":{}}`
}
