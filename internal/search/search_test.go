package search

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// copied returns a run that shares nothing with run, for the index may keep
// nothing of what it is given.
func copied(run *record.Run) *record.Run {
	other := *run
	other.Metrics, other.Params, other.Tags = slices.Clone(run.Metrics), slices.Clone(run.Params), slices.Clone(run.Tags)
	other.Datasets = slices.Clone(run.Datasets)
	return &other
}

func TestPagesAreWhatAPlainLoopFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ix, runs := New(), plain{}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				run := drawRun(t, drawID(t))
				ix.Put(copied(run))
				runs[run.ID] = run
			},
			"log": func(t *rapid.T) {
				id := drawID(t)
				metrics, params, tags := drawLists(t)
				metrics = append(metrics, record.Metric{Key: "a", Point: drawPoint(t)})
				tags = append(tags, record.Tag{Key: record.RunNameTag, Value: "renamed"})
				if there, want := ix.Log(id, metrics, params, tags), runs.log(id, metrics, params, tags); there != want {
					t.Fatalf("Log of %v says %v", id, there)
				}
			},
			"remove": func(t *rapid.T) {
				id := drawID(t)
				ix.Remove(id)
				delete(runs, id)
			},
			"search": func(t *rapid.T) { agree(t, ix, runs, drawQuery(t)) },
			"": func(t *rapid.T) {
				if ix.Len() != len(runs) {
					t.Fatalf("%d runs, want %d", ix.Len(), len(runs))
				}
			},
		})
	})
}

// manyRuns makes runs of several blocks, with some keys in few of them.
func manyRuns(t *rapid.T, n int) (*Index, plain) {
	ix, runs := New(), plain{}
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	some := make([]*record.Run, 30)
	for i := range some {
		some[i] = drawRun(t, record.RunID{})
	}
	for i := range n {
		run := copied(some[r.IntN(len(some))])
		binary.BigEndian.PutUint64(run.ID[:], r.Uint64()>>40)
		binary.BigEndian.PutUint64(run.ID[8:], uint64(i))
		if i%500 == 7 {
			run.Tags = append(run.Tags, record.Tag{Key: "nobody", Value: "but some"})
		}
		ix.Put(run)
		runs[run.ID] = copied(run)
	}
	for i, id := range runs.ids() {
		switch r.IntN(10) {
		case 0:
			ix.Remove(id)
			delete(runs, id)
		case 1, 2:
			points := []record.Metric{{Key: "a", Point: record.Point{Step: 9, Value: float64(i)}}}
			ix.Log(id, points, nil, nil)
			runs.log(id, points, nil, nil)
		}
	}
	return ix, runs
}

func TestPagesOfManyBlocksAreWhatAPlainLoopFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ix, runs := manyRuns(t, rapid.SampledFrom([]int{1023, 1024, 2600}).Draw(t, "runs"))
		for range 3 {
			q := drawQuery(t)
			q.Limit = rapid.SampledFrom([]int{100, 700, 10_000}).Draw(t, "long limit")
			agree(t, ix, runs, q)
		}
	})
}

func TestRunsAddedBetweenPagesDisturbNoOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ix, runs := New(), plain{}
		put := func(n byte) {
			run := drawRun(t, record.RunID{1: n})
			ix.Put(run)
			runs[run.ID] = run
		}
		for n := range byte(20) {
			put(n)
		}
		q := drawQuery(t)
		missing, seen := map[record.RunID]bool{}, map[record.RunID]bool{}
		for _, row := range runs.find(q) {
			missing[row.ID] = true
		}
		for n := byte(100); ; n++ {
			page := ix.Page(q)
			for _, row := range page.Rows {
				if seen[row.ID] {
					t.Fatalf("run %v is twice on the pages", row.ID)
				}
				seen[row.ID] = true
				delete(missing, row.ID)
			}
			if !page.More {
				break
			}
			q.After = &page.Rows[len(page.Rows)-1]
			if n < 110 {
				put(n)
			}
		}
		if len(missing) > 0 {
			t.Fatalf("not on any page: %v", missing)
		}
	})
}

func TestThePlaceOfARunIsThatOfItsRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ix := New()
		run := drawRun(t, drawID(t))
		run.Gone = false
		ix.Put(run)
		order := drawQuery(t).Order
		page := ix.Page(Query{Order: order, Limit: 1, Artifacts: artifacts})
		want := PlaceOf(order, RunRow{run, artifacts(run.ID)}, run.Start, run.ID)
		if Compare(order, &page.Rows[0], &want) != 0 {
			t.Fatalf("the index says %+v, the run %+v", page.Rows[0], want)
		}
	})
}

func TestTheIndexKeepsNothingOfARunsMemory(t *testing.T) {
	body := []byte("keyvaluename")
	text := func(from, to int) string { return bytesAsString(body[from:to]) }
	ix := New()
	ix.Put(&record.Run{Name: text(8, 12), Tags: []record.Tag{{Key: text(0, 3), Value: text(3, 8)}}})
	ix.Log(record.RunID{}, []record.Metric{{Key: text(3, 8)}}, nil, []record.Tag{{Key: text(8, 12), Value: text(0, 3)}})
	page := ix.Page(Query{Limit: 1, Order: []filter.Order{{Entity: filter.Tag, Key: "key"}}})
	copy(body, "************")
	for key, want := range map[string]string{"key": "value", "name": "key", record.RunNameTag: "name"} {
		c := &filter.Clause{Entity: filter.Tag, Key: key, Op: filter.Equal, Texts: []string{want}}
		if got := ix.Page(Query{Filter: c}); got.Matches != 1 {
			t.Errorf("tag %s is no longer %s", key, want)
		}
	}
	if len(page.Rows) != 1 || page.Rows[0].keys[0].text != "value" {
		t.Errorf("the place says %+v", page.Rows)
	}
}

func TestALimitOfZeroCounts(t *testing.T) {
	ix := New()
	for n := range byte(3) {
		ix.Put(&record.Run{ID: record.RunID{n}})
	}
	got := ix.Page(Query{})
	if len(got.Rows) != 0 || !got.More || got.Matches != 3 {
		t.Errorf("got %+v", got)
	}
	got = ix.Page(Query{After: &Place{ID: record.RunID{1}}})
	if len(got.Rows) != 0 || !got.More || got.Matches != 3 {
		t.Errorf("after the second: got %+v", got)
	}
}

func TestKeysOfFewRunsCostLittle(t *testing.T) {
	ix := New()
	for n := range 20_000 {
		run := &record.Run{}
		binary.BigEndian.PutUint64(run.ID[:], uint64(n))
		run.Tags = []record.Tag{{Key: "k" + strings.Repeat("x", n%5000/10), Value: "v"}}
		ix.Put(run)
	}
	before := ix.Bytes()
	ix.Log(record.RunID{}, []record.Metric{{Key: "alone"}}, nil, nil)
	if cost := ix.Bytes() - before; cost > 2000 {
		t.Errorf("one value of one run costs %d bytes", cost)
	}
}
