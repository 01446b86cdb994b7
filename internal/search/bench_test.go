package search

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

const benchRuns = 200_000

// benchRun makes the n-th run: 10 metrics, 10 parameters, two of which are
// different in every run, and 3 tags, one of which is.
func benchRun(r *rand.Rand, n int, run *record.Run) {
	*run = record.Run{
		Name: fmt.Sprintf("careful-horse-%d", r.IntN(1_000_000)), User: "ada", Status: record.Finished,
		Start: 1_700_000_000_000 + int64(n)*1000, End: 1_700_000_000_000 + int64(n)*1000 + r.Int64N(1e6),
		Metrics: run.Metrics[:0], Params: run.Params[:0], Tags: run.Tags[:0],
	}
	binary.BigEndian.PutUint64(run.ID[:], uint64(run.Start)<<16|7<<12)
	binary.BigEndian.PutUint64(run.ID[8:], 1<<63|r.Uint64()>>2)
	for i := range 10 {
		run.Metrics = append(run.Metrics, record.Metric{Key: "metric_" + strconv.Itoa(i), Point: record.Point{Step: 100, Time: run.End, Value: r.Float64()}})
		value := strconv.Quote("choice " + strconv.Itoa(r.IntN(4<<(i%8))))
		if i >= 8 {
			value = strconv.FormatFloat(r.Float64(), 'g', -1, 64)
		}
		run.Params = append(run.Params, record.Param{Key: "param_" + strconv.Itoa(i), Value: value})
	}
	run.Tags = append(run.Tags,
		record.Tag{Key: "mlflow.source.git.commit", Value: fmt.Sprintf("%040x", r.IntN(2000))},
		record.Tag{Key: "mlflow.source.name", Value: "train.py"},
		record.Tag{Key: "note", Value: fmt.Sprintf("sweep member %d", r.IntN(1<<30))})
}

func benchIndex(runs int) *Index {
	ix := New()
	r := rand.New(rand.NewPCG(1, 2))
	var run record.Run
	for n := range runs {
		benchRun(r, n, &run)
		ix.Put(&run)
	}
	return ix
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkBuild takes the time of Put only: the runs are made a thousand at a
// time, as a store reads them.
func BenchmarkBuild(b *testing.B) {
	before := heap()
	runs := make([]record.Run, 1000)
	var ix *Index
	var took time.Duration
	for b.Loop() {
		r := rand.New(rand.NewPCG(1, 2))
		ix = New()
		for from := 0; from < benchRuns; from += len(runs) {
			for i := range runs {
				benchRun(r, from+i, &runs[i])
			}
			start := time.Now()
			for i := range runs {
				ix.Put(&runs[i])
			}
			took += time.Since(start)
		}
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N)/benchRuns, "ns/run")
	b.ReportMetric(float64(heap()-before)/benchRuns, "heap-B/run")
	b.ReportMetric(float64(ix.Bytes())/benchRuns, "Bytes/run")
}

func BenchmarkPage(b *testing.B) {
	ix := benchIndex(benchRuns)
	metric := &filter.Clause{Entity: filter.Metric, Key: "metric_3", Op: filter.Greater, Numeric: true, Numbers: []float64{0.5}}
	param := &filter.Clause{Entity: filter.Param, Key: "param_1", Op: filter.Equal, Texts: []string{"choice 3"}}
	byMetric := []filter.Order{{Entity: filter.Metric, Key: "metric_7", Desc: true, Numeric: true}}
	byNumber := func(key string) []filter.Order {
		return []filter.Order{{Entity: filter.Attribute, Key: key, Numeric: true}}
	}
	byText := func(key string) []filter.Order { return []filter.Order{{Entity: filter.Param, Key: key}} }
	both := &filter.And{Terms: []filter.Expr{metric, param}}
	for _, c := range []struct {
		name string
		q    Query
	}{
		{"metric and param by metric", Query{Filter: both, Order: byMetric, Limit: 100}},
		{"all newest", Query{Limit: 100}},
		{"all by metric", Query{Order: byMetric, Limit: 100}},
		{"all oldest", Query{Order: byNumber("start_time"), Limit: 100}},
		{"all by param of 8 texts", Query{Order: byText("param_1"), Limit: 100}},
		{"all by param of many texts", Query{Order: byText("param_9"), Limit: 100}},
		{"like of few", Query{Filter: &filter.Clause{Entity: filter.Param, Key: "param_7", Op: filter.ILike, Texts: []string{"%CE 1%"}}, Limit: 100}},
		{"like of many", Query{Filter: &filter.Clause{Entity: filter.Tag, Key: "note", Op: filter.Like, Texts: []string{"%77%"}}, Limit: 100}},
		{"metric by metric 10000", Query{Filter: metric, Order: byMetric, Limit: 10_000}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				ix.Page(c.q)
			}
		})
		if c.q.Limit == 100 && c.q.Order != nil {
			q := c.q
			all := ix.Page(Query{Filter: q.Filter, Order: q.Order, Limit: benchRuns}).Rows
			q.After = &all[len(all)/2]
			b.Run(c.name+", middle", func(b *testing.B) {
				for b.Loop() {
					ix.Page(q)
				}
			})
		}
	}
}

func BenchmarkLog(b *testing.B) {
	ix := benchIndex(benchRuns)
	ids := make([]record.RunID, 0, benchRuns)
	for id := range ix.rows {
		ids = append(ids, id)
	}
	step := int64(0)
	for b.Loop() {
		step++
		ix.Log(ids[step*7919%benchRuns], []record.Metric{{Key: "metric_4", Point: record.Point{Step: 1000 + step, Value: 1}}}, nil, nil)
	}
}
