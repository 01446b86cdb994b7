package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the measurements of one server, for Prometheus.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	times    *prometheus.HistogramVec
	groups   prometheus.Histogram
	database *prometheus.HistogramVec
	faults   *prometheus.CounterVec
}

// NewMetrics makes all measurements, at zero.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "modeldb_http_requests_total", Help: "Requests, by route and status.",
		}, []string{"route", "status"}),
		times: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "modeldb_http_request_seconds", Help: "Time from a request's head to the end of its answer, by route.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 3, 12),
		}, []string{"route"}),
		groups: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "modeldb_commit_writes", Help: "Writes that one commit carried.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 11),
		}),
		database: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "modeldb_database_seconds", Help: "Time of one call to the database, by kind of call.",
			Buckets: prometheus.ExponentialBuckets(0.00001, 4, 12),
		}, []string{"call"}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "modeldb_database_errors_total", Help: "Calls to the database that failed, by kind of call.",
		}, []string{"call"}),
	}
	m.registry.MustRegister(m.requests, m.times, m.groups, m.database, m.faults,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// routeMetrics are the measurements of one route.
type routeMetrics struct {
	requests *prometheus.CounterVec // by status
	times    prometheus.Observer
	ok       prometheus.Counter // requests with status 200
}

func (m *Metrics) route(pattern string) *routeMetrics {
	requests := m.requests.MustCurryWith(prometheus.Labels{"route": pattern})
	return &routeMetrics{requests, m.times.WithLabelValues(pattern), requests.WithLabelValues("200")}
}

func (m *routeMetrics) request(status int, took time.Duration) {
	if status == http.StatusOK {
		m.ok.Inc()
	} else {
		m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	}
	m.times.Observe(took.Seconds())
}

// Group notes how many writes a commit carried.
func (m *Metrics) Group(writes int) { m.groups.Observe(float64(writes)) }

// Around measures one call to the database.
func (m *Metrics) Around(call string, do func() error) error {
	began := time.Now()
	err := do()
	m.database.WithLabelValues(call).Observe(time.Since(began).Seconds())
	if err != nil {
		m.faults.WithLabelValues(call).Inc()
	}
	return err
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
