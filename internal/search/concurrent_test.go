package search

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

func numberedID(n int) (id record.RunID) {
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return id
}

// While one goroutine puts, logs and removes runs, each search sees all runs
// that stay, once, and sees what was logged before it began.
func TestSearchesBesideAWriterSeeWhatStays(t *testing.T) {
	const stay, passing = 2500, 3000
	ix := New()
	for n := range stay {
		ix.Put(&record.Run{ID: numberedID(n), Start: int64(n), Tags: []record.Tag{{Key: "stays", Value: "yes"}}})
	}
	var done atomic.Bool
	var logged atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		defer done.Store(true)
		r := rand.New(rand.NewPCG(3, 4))
		for step := range int64(20_000) {
			id := numberedID(stay + r.IntN(passing))
			switch r.IntN(3) {
			case 0:
				ix.Put(&record.Run{ID: id, Start: step, Tags: []record.Tag{{Key: "note", Value: fmt.Sprint(step)}}})
			case 1:
				ix.Remove(id)
			}
			ix.Log(numberedID(7), []record.Metric{{Key: "m", Point: record.Point{Step: step, Value: float64(step)}}},
				nil, []record.Tag{{Key: "note", Value: fmt.Sprint(step)}})
			logged.Store(step)
		}
	})
	for range 4 {
		wg.Go(func() {
			for !done.Load() {
				atLeast(t, ix, float64(logged.Load()))
				wholeAndOnce(t, ix, stay)
			}
		})
	}
	wg.Wait()
}

func atLeast(t *testing.T, ix *Index, value float64) {
	c := &filter.Clause{Entity: filter.Metric, Key: "m", Op: filter.GreaterEqual, Numeric: true, Numbers: []float64{value}}
	if page := ix.Page(Query{Filter: c, Limit: 1}); value > 0 && page.Matches != 1 {
		t.Errorf("a search does not see %v, which was logged before it", value)
	}
}

func wholeAndOnce(t *testing.T, ix *Index, stay int) {
	page := ix.Page(Query{Limit: 10_000, Order: []filter.Order{{Entity: filter.Tag, Key: "note"}}})
	seen, staying := map[record.RunID]bool{}, 0
	for _, row := range page.Rows {
		if seen[row.ID] {
			t.Errorf("run %v is twice on a page", row.ID)
		}
		seen[row.ID] = true
		if int(binary.BigEndian.Uint64(row.ID[8:])) < stay {
			staying++
		}
	}
	if staying != stay {
		t.Errorf("a page has %d of the %d runs that stay", staying, stay)
	}
}

// BenchmarkLogBesideSearches says how fast one writer is, and four readers
// beside it, on 200,000 runs.
func BenchmarkLogBesideSearches(b *testing.B) {
	ix := benchIndex(benchRuns)
	ids := make([]record.RunID, 0, benchRuns)
	for id := range ix.rows {
		ids = append(ids, id)
	}
	var searches, slowest, step atomic.Int64
	var done atomic.Bool
	var wg sync.WaitGroup
	q := Query{
		Filter: &filter.Clause{Entity: filter.Metric, Key: "metric_3", Op: filter.Greater, Numeric: true, Numbers: []float64{0.5}},
		Order:  []filter.Order{{Entity: filter.Metric, Key: "metric_7", Desc: true, Numeric: true}}, Limit: 100,
	}
	for range 4 {
		wg.Go(func() {
			for !done.Load() {
				start := time.Now()
				ix.Page(q)
				searches.Add(1)
				slowest.Store(max(slowest.Load(), int64(time.Since(start))))
			}
		})
	}
	for b.Loop() {
		n := step.Add(1)
		ix.Log(ids[n*7919%benchRuns], []record.Metric{{Key: "metric_4", Point: record.Point{Step: 1000 + n, Value: 1}}}, nil, nil)
	}
	done.Store(true)
	wg.Wait()
	b.ReportMetric(float64(searches.Load())/b.Elapsed().Seconds(), "searches/s")
	b.ReportMetric(float64(slowest.Load())/1e6, "slowest-ms")
}
