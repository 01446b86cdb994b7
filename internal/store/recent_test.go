package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"modeldb/internal/metric"
	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// What a server remembers of a run must not hide what another has done since.
func TestAServerSeesWhatAnotherDidToTheRunItLoggedTo(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			database := e.Database(t)
			open := func() *store.Store {
				s := must(store.Open(ctx, database, store.Options{Partitions: e.Partitions}))(t)
				t.Cleanup(func() { ok(t, s.Close()) })
				return s
			}
			one, two := open(), open()
			log := func(s *store.Store, id record.RunID, e store.Entry) error { return s.Log(ctx, id, e) }
			params := func(all ...record.Param) store.Entry { return store.Entry{Params: all} }
			for name, fold := range map[string]bool{"in its tail": false, "folded": true} {
				r := started(t, one, record.DefaultModel)
				ok(t, log(one, r.ID, params(param("a", "1"))))
				ok(t, log(two, r.ID, params(param("b", "2"))))
				ok(t, log(two, r.ID, store.Entry{Points: []record.Metric{point("m", 1, 1, 1)}}))
				if fold {
					ok(t, two.Fold(ctx, r.ID))
				}
				var changed *record.ChangedParams
				if err := log(one, r.ID, params(param("c", "3"), param("b", "3"))); !errors.As(err, &changed) {
					t.Errorf("%s: a parameter of the other server was changed: %v", name, err)
				}
				ok(t, log(one, r.ID, params(param("b", "2"), param("d", "4"))))
				if _, _, err := two.UpdateRun(ctx, r.ID, store.RunChange{Name: ptr("other")}); err != nil {
					t.Error(err)
				}
				ok(t, log(two, r.ID, params(param("e", "5"))))
				got, _, err := one.UpdateRun(ctx, r.ID, store.RunChange{Status: ptr(record.Finished), End: ptr(int64(9))})
				ok(t, err)
				same(t, got.Name, "other")
				for _, s := range []*store.Store{one, two} {
					kept := must(s.Run(ctx, r.ID))(t)
					same(t, kept.Params, []record.Param{param("a", "1"), param("b", "2"), param("d", "4"), param("e", "5")})
					same(t, kept.Metrics, []record.Metric{point("m", 1, 1, 1)})
					same(t, []any{kept.Name, kept.Status, kept.End}, []any{"other", record.Finished, int64(9)})
				}
				ok(t, log(one, r.ID, params(param("f", "6"))))
				ok(t, two.SetRunDeleted(ctx, r.ID, true, "b"))
				refused(t, record.Inactive, log(one, r.ID, params(param("g", "7"))))
				ok(t, two.SetRunDeleted(ctx, r.ID, false, "b"))
				ok(t, log(one, r.ID, params(param("g", "7"))))
			}
			storetest.Check(t, database)
		})
	}
}

// Stretches of steps that follow each other, meet, lie in each other or have
// one step: a sample is that of the whole history.
func TestASampleIsThatOfTheWholeHistory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		rnd := rand.New(rand.NewPCG(1, 2))
		for name, step := range map[string]func(i int) int64{
			"in order":       func(i int) int64 { return int64(i) },
			"against time":   func(i int) int64 { return -int64(i) },
			"two and two":    func(i int) int64 { return int64(i / 2) },
			"one step":       func(int) int64 { return 0 },
			"begun again":    func(i int) int64 { return int64(i % 13000) },
			"no order":       func(int) int64 { return rnd.Int64N(1000) },
			"far apart":      func(i int) int64 { return int64(i-10000) * (1 << 49) },
			"some are late":  func(i int) int64 { return int64(i - 20*(i%2)) },
			"all twice over": func(i int) int64 { return int64(i % 10000) },
		} {
			t.Run(name, func(t *testing.T) {
				r := started(t, s, record.DefaultModel)
				for batch := range 4 {
					points := make([]record.Metric, 5000)
					for i := range points {
						n := batch*len(points) + i
						points[i] = point("m", step(n), int64(n%10000), float64(n%7))
					}
					ok(t, s.Log(ctx, r.ID, store.Entry{Points: points}))
					if batch < 3 {
						ok(t, s.Fold(ctx, r.ID))
					}
				}
				all, more, err := s.History(ctx, r.ID, "m", nil, 0)
				ok(t, err)
				if more {
					t.Fatal("the history is cut")
				}
				low, high := all[0].Step, all[0].Step
				for _, p := range all {
					low, high = min(low, p.Step), max(high, p.Step)
				}
				for _, in := range []*store.Steps{nil, {low, high}, {low + 1, high - 1}, {low/2 + high/2, high}, {low, low}, {high, low - 1}} {
					from := all
					if in != nil {
						from = metric.Steps(all, in.First, in.Last)
					}
					for _, n := range []int{-1, 1, 2, 320, 9999, 30000} {
						got, err := s.Sample(ctx, r.ID, "m", in, n)
						ok(t, err)
						want := metric.Sample(from, n)
						if len(got)+len(want) > 0 {
							same(t, got, want)
						}
					}
				}
			})
		}
	})
}

// Two servers that put files at once keep to one rule: a path is a file or a
// folder, and bytes that no file has any more are garbage.
func TestServersThatPutFilesAtOnceKeepThemApart(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			database := e.Database(t)
			var servers [2]*store.Store
			for i := range servers {
				servers[i] = must(store.Open(ctx, database, store.Options{Partitions: e.Partitions}))(t)
				t.Cleanup(func() { ok(t, servers[i].Close()) })
			}
			var kept [2]atomic.Int64 // objects that became a file's
			for round := range 40 {
				var all sync.WaitGroup
				for i, s := range servers {
					path := fmt.Sprintf("q/%d", round%7)
					if i == 1 && round%2 == 0 {
						path += "/below"
					}
					all.Go(func() {
						if round%5 == 4 {
							_, err := s.DeleteFiles(ctx, "q", "a")
							ok(t, err)
							return
						}
						_, _, err := s.PutFile(ctx, record.File{Path: path, Object: record.Object{Key: fmt.Sprint(i, round)}}, "a")
						if err == nil {
							kept[i].Add(1)
						} else if record.KindOf(err) != record.Conflict {
							t.Error(err)
						}
					})
				}
				all.Wait()
				files := must(servers[0].FilesBelow(ctx, "", "", 100))(t)
				for i := range files[:max(0, len(files)-1)] {
					if strings.HasPrefix(files[i+1].Path, files[i].Path+"/") {
						t.Fatalf("%s is a file, and %s is one below it", files[i].Path, files[i+1].Path)
					}
				}
				garbage := must(servers[0].Garbage(ctx, 1<<60, record.Object{}, 1000))(t)
				if objects := int64(len(files) + len(garbage)); objects != kept[0].Load()+kept[1].Load() {
					t.Fatalf("round %d: %d files and %d pieces of garbage, of %d objects", round, len(files), len(garbage), kept[0].Load()+kept[1].Load())
				}
			}
		})
	}
}
