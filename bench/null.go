package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
)

// serveNull answers always the same, reads no body and keeps nothing: what
// net/http, the kernel and the load itself take is the ceiling of every server
// in Go on this machine. With a log, it answers writes after a sync of some bytes in it,
// one for all that wait: the ceiling of every such server that syncs.
func serveNull(addr, log string) error {
	sync := func() {}
	if log != "" {
		var err error
		if sync, err = sharedSync(log); err != nil {
			return err
		}
	}
	run := cannedRun()
	pageOfRuns := `{"runs":[` + strings.Repeat(run+",", page-1) + run + `]}`
	var ids atomic.Int64
	mux := http.NewServeMux()
	canned := func(pattern, body string, before func()) {
		text := []byte(body)
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // as the others must, to keep the connection
			before()
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(text) // the client sees it
		})
	}
	nothing := func() {}
	canned("GET /health", "OK", nothing)
	for _, path := range []string{"runs/log-metric", "runs/log-batch", "runs/update"} {
		canned("POST "+api+path, "{}", sync)
	}
	canned("POST "+api+"experiments/create", `{"experiment_id":"1"}`, sync)
	canned("GET "+api+"runs/get", `{"run":`+run+`}`, nothing)
	canned("POST "+api+"runs/search", pageOfRuns, nothing)
	mux.HandleFunc("POST "+api+"runs/create", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		sync()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"run":{"info":{"run_id":"%032x","lifecycle_stage":"active"},"data":{}}}`, ids.Add(1))
	})
	return http.ListenAndServe(addr, mux)
}

// syncedBytes is how many bytes each write adds to the log, which is overwritten
// from its beginning when it has its size: so does a write-ahead log.
const (
	syncedBytes = 100
	logBytes    = 64 << 20
)

// sharedSync returns a function that returns when some bytes of the caller's are
// on disk.
func sharedSync(name string) (func(), error) {
	log, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	zeros := make([]byte, 1<<20)
	for range logBytes / len(zeros) {
		if _, err := log.Write(zeros); err != nil {
			return nil, err
		}
	}
	if err := log.Sync(); err != nil {
		return nil, err
	}
	waiting := make(chan chan struct{}, 1024)
	go func() {
		at := int64(0)
		for first := range waiting {
			group := []chan struct{}{first}
			for len(waiting) > 0 && len(group) < len(zeros)/syncedBytes {
				group = append(group, <-waiting)
			}
			bytes := syncedBytes * len(group)
			if at+int64(bytes) > logBytes {
				at = 0
			}
			if _, err := log.WriteAt(zeros[:bytes], at); err != nil {
				panic(err)
			}
			if err := syncData(log); err != nil {
				panic(err)
			}
			at += int64(bytes)
			for _, w := range group {
				close(w)
			}
		}
	}()
	return func() {
		done := make(chan struct{})
		waiting <- done
		<-done
	}, nil
}

// cannedRun is a run as long as those of a crowd.
func cannedRun() string {
	m := newMember(1)
	b := fmt.Appendf(nil, `{"info":{"run_uuid":"%032x","experiment_id":"1","run_name":%q,"user_id":"","status":"FINISHED","start_time":%d,`+
		`"end_time":%[3]d,"artifact_uri":"mlflow-artifacts:/1/%032[1]x/artifacts","lifecycle_stage":"active","run_id":"%032[1]x"},"data":{"metrics":[`,
		1, m.name, m.start)
	b = m.appendLists(b)
	b = appendPair(b, "mlflow.runName", m.name)
	return string(endList(b)) + `},"inputs":{},"outputs":{}}`
}
