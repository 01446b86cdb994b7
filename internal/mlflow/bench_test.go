package mlflow_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"modeldb/internal/mlflow"
	"modeldb/internal/record"
	"modeldb/internal/server"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// handler is a server on SQLite without a network, and a run on it.
func handler(b *testing.B) (http.Handler, string) {
	s, _ := storetest.Open(b, storetest.Engines()[0], store.Options{})
	log := slog.New(slog.DiscardHandler)
	h, err := server.New(server.Options{
		Routes: mlflow.New(mlflow.Options{Store: s, Log: log}).Routes(), Log: log, Metrics: server.NewMetrics(), BodyLimit: 8 << 20, Ready: s.Ping,
	})
	if err != nil {
		b.Fatal(err)
	}
	run, _, err := s.StartRun(b.Context(), record.Run{Name: "r", Status: record.Running}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return h, run.ID.String()
}

func call(b *testing.B, h http.Handler, method, path, body string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusOK {
		b.Errorf("%d: %s", w.Code, w.Body)
	}
}

func BenchmarkLogMetric(b *testing.B) {
	h, run := handler(b)
	body := fmt.Sprintf(`{"run_uuid": "%s", "key": "loss", "value": 0.5, "timestamp": 1795437289591, "step": 1, "run_id": "%s"}`, run, run)
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			call(b, h, "POST", base+"/runs/log-metric", body)
		}
	})
}

func BenchmarkGetRun(b *testing.B) {
	h, run := handler(b)
	b.ReportAllocs()
	for b.Loop() {
		call(b, h, "GET", base+"/runs/get?run_uuid="+run+"&run_id="+run, "")
	}
}
