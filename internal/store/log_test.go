package store_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// started makes a run that goes on.
func started(t testing.TB, s *store.Store, model int64) *record.Run {
	t.Helper()
	return begun(s.StartRun(t.Context(), record.Run{Model: model, Name: "r", Status: record.Running, Start: 5}, nil))(t)
}

func point(key string, step, time int64, value float64) record.Metric {
	return record.Metric{Key: key, Point: record.Point{Step: step, Time: time, Value: value}}
}

func param(key, text string) record.Param {
	return record.Param{Key: key, Value: record.ParamOf(text)}
}

// eachFolded does a test three times: the run is never folded by the test,
// after each step, and once between the writes and the reads.
func eachFolded(t *testing.T, test func(t *testing.T, s *store.Store, step, end func(id record.RunID))) {
	t.Helper()
	for _, when := range []string{"in its tail", "folded at each step", "folded at the end"} {
		t.Run(when, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fold := func(which string) func(record.RunID) {
					return func(id record.RunID) {
						if when == which {
							ok(t, s.Fold(t.Context(), id))
						}
					}
				}
				test(t, s, fold("folded at each step"), fold("folded at the end"))
			})
		})
	}
}

func TestWhatIsLoggedIsReadBackWholeHoweverItIsFolded(t *testing.T) {
	eachFolded(t, func(t *testing.T, s *store.Store, step, end func(record.RunID)) {
		ctx := t.Context()
		r := started(t, s, record.DefaultModel)
		use := func(name, context string) record.DatasetUse {
			return record.DatasetUse{Dataset: record.Dataset{Name: name, Digest: "d"}, Context: context, Role: record.RoleOf(context), Tags: []record.Tag{{Key: "why", Value: "not"}}}
		}
		for i, e := range []store.Entry{
			{Params: []record.Param{param("b", "1"), param("a", `ä"`)}, Tags: []record.Tag{{Key: "t", Value: "1"}, {Key: "t", Value: "2"}}, Points: []record.Metric{point("m", 1, 1, 1)}},
			{Points: []record.Metric{point("m", 3, 3, math.NaN()), point("m", 2, 2, 2), point("n", 0, 0, math.Inf(1)), point("m", 3, 3, math.NaN())}},
			{Tags: []record.Tag{{Key: "t", Value: "3"}, {Key: "u", Value: ""}}},
			{Uses: []record.DatasetUse{use("x", "train"), use("x", "test"), use("x", "train")}, ModelInputs: []string{"m-1", "m-1"}},
			{ModelOutputs: []record.ModelOutput{{Model: "m-2", Step: 3}, {Model: "m-2", Step: 4}, {Model: "m-2", Step: 3}}},
			{Params: []record.Param{param("b", "1"), param("c", "")}},
			{Points: []record.Metric{point("m", -5, 9, 7)}},
		} {
			if err := s.Log(ctx, r.ID, e); err != nil {
				t.Fatalf("entry %d: %v", i, err)
			}
			step(r.ID)
		}
		ok(t, s.DeleteRunTag(ctx, r.ID, "u"))
		end(r.ID)
		got := must(s.Run(ctx, r.ID))(t)
		if m := got.Metrics[0]; !math.IsNaN(m.Value) || m.Step != 3 || m.Key != "m" {
			t.Errorf("the latest value is %+v", m)
		}
		same(t, got.Metrics[1:], []record.Metric{point("n", 0, 0, math.Inf(1))})
		got.Metrics = nil
		want := *r
		want.Params = []record.Param{param("a", `ä"`), param("b", "1"), param("c", "")}
		want.Tags = []record.Tag{{Key: "t", Value: "3"}}
		want.Datasets = []record.DatasetUse{use("x", "test"), use("x", "train")}
		want.ModelInputs = []string{"m-1"}
		want.ModelOutputs = []record.ModelOutput{{Model: "m-2", Step: 3}, {Model: "m-2", Step: 4}}
		same(t, *got, want)

		points, more, err := s.History(ctx, r.ID, "m", nil, 0)
		ok(t, err)
		same(t, more, false)
		same(t, fmt.Sprint(points), "[{1 1 1} {2 2 2} {3 3 NaN} {-5 9 7}]")
		for at := range points { // in pages of one
			var after *record.Point
			if at > 0 {
				after = &points[at-1]
			}
			page, more, err := s.History(ctx, r.ID, "m", after, 1)
			ok(t, err)
			same(t, fmt.Sprint(page, more), fmt.Sprint(points[at:at+1], at < len(points)-1))
		}
	})
}

func TestParamIsWrittenOnceAndNothingOfARefusedEntryIsKept(t *testing.T) {
	eachFolded(t, func(t *testing.T, s *store.Store, step, end func(record.RunID)) {
		ctx := t.Context()
		r := started(t, s, record.DefaultModel)
		ok(t, s.Log(ctx, r.ID, store.Entry{Params: []record.Param{param("a", "1"), param("b", "2")}}))
		step(r.ID)
		err := s.Log(ctx, r.ID, store.Entry{
			Params: []record.Param{param("c", "3"), param("a", "2"), param("b", "2")},
			Tags:   []record.Tag{{Key: "t", Value: "1"}}, Points: []record.Metric{point("m", 1, 1, 1)},
		})
		refused(t, record.Conflict, err)
		changed, is := err.(*record.ChangedParams)
		if !is {
			t.Fatalf("got %T", err)
		}
		same(t, *changed, record.ChangedParams{Run: r.ID, Params: []record.ChangedParam{{Key: "a", Old: `"1"`, New: `"2"`}}})
		ok(t, s.Log(ctx, r.ID, store.Entry{Params: []record.Param{param("a", "1")}}))
		end(r.ID)
		r.Params = []record.Param{param("a", "1"), param("b", "2")}
		same(t, must(s.Run(ctx, r.ID))(t), r)
	})
}

func TestOneOfManyWritersOfAParamWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := started(t, s, record.DefaultModel)
		var errs [32]error
		together(t, func(i int) error {
			errs[i] = s.Log(t.Context(), r.ID, store.Entry{Params: []record.Param{param("lr", fmt.Sprint(i))}})
			return nil
		})
		won := slices.IndexFunc(errs[:], func(err error) bool { return err == nil })
		for i, err := range errs {
			if i != won {
				refused(t, record.Conflict, err)
			}
		}
		same(t, must(s.Run(t.Context(), r.ID))(t).Params, []record.Param{param("lr", fmt.Sprint(won))})
	})
}

func TestOneOfManyWritersOfAParamWinsOnTwoServers(t *testing.T) {
	for _, e := range storetest.Engines()[1:] {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			a, database := storetest.Open(t, e, store.Options{})
			b, err := store.Open(t.Context(), database, store.Options{Partitions: e.Partitions})
			ok(t, err)
			defer b.Close()
			servers := []*store.Store{a, b}
			for range 5 {
				r, other := started(t, a, record.DefaultModel), started(t, a, record.DefaultModel)
				var errs [32]error
				together(t, func(i int) error {
					errs[i] = servers[i%2].Log(t.Context(), r.ID, store.Entry{Params: []record.Param{param("lr", fmt.Sprint(i))}})
					return servers[i%2].Log(t.Context(), other.ID, store.Entry{Tags: []record.Tag{{Key: "t", Value: fmt.Sprint(i)}}})
				})
				won := slices.IndexFunc(errs[:], func(err error) bool { return err == nil })
				for i, err := range errs {
					if i != won {
						refused(t, record.Conflict, err)
					}
				}
				same(t, must(b.Run(t.Context(), r.ID))(t).Params, []record.Param{param("lr", fmt.Sprint(won))})
			}
		})
	}
}

func TestManyWritersOfOneRunLoseNothingWhileItIsFolded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const each = 20
		ctx := t.Context()
		r := started(t, s, record.DefaultModel)
		together(t, func(i int) error {
			for n := range each {
				e := store.Entry{Points: []record.Metric{point("shared", int64(n), int64(i), float64(i)), point(fmt.Sprint("own ", i), int64(n), 0, 1)}}
				if n%4 == 0 {
					e.Params = []record.Param{param(fmt.Sprint(i, " ", n), "v")}
					e.Tags = []record.Tag{{Key: fmt.Sprint(i), Value: fmt.Sprint(n)}}
				}
				if err := s.Log(ctx, r.ID, e); err != nil {
					return err
				}
				if i == 0 {
					if err := s.Fold(ctx, r.ID); err != nil {
						return err
					}
				}
			}
			return nil
		})
		points, _, err := s.History(ctx, r.ID, "shared", nil, 0)
		ok(t, err)
		got := must(s.Run(ctx, r.ID))(t)
		if len(points) != 32*each || len(got.Params) != 32*each/4 || len(got.Tags) != 32 || len(got.Metrics) != 33 {
			t.Errorf("there are %d points, %d parameters, %d tags, %d metrics", len(points), len(got.Params), len(got.Tags), len(got.Metrics))
		}
		for _, tag := range got.Tags {
			same(t, tag.Value, "16")
		}
	})
}

func TestLongHistoryIsKeptInChunksWithoutDuplicates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		r := started(t, s, record.DefaultModel)
		var want []record.Point
		for part := range 30 {
			var e store.Entry
			for i := range 1000 {
				p := point("m", int64(part*1000+i), int64(part*1000+i), 1/float64(i+1))
				want = append(want, p.Point)
				e.Points = append(e.Points, p, point(fmt.Sprint("few ", i%10), int64(part), int64(i/100), float64(i)))
			}
			ok(t, s.Log(ctx, r.ID, e))
			ok(t, s.Log(ctx, r.ID, store.Entry{Points: e.Points[:500]})) // once more, as a retry does
			if part%7 == 6 {
				ok(t, s.Fold(ctx, r.ID))
			}
		}
		for range 2 {
			got, _, err := s.History(ctx, r.ID, "m", nil, 0)
			ok(t, err)
			same(t, got, want)
			var paged []record.Point
			for more := true; more; {
				var after *record.Point
				if len(paged) > 0 {
					after = &paged[len(paged)-1]
				}
				var page []record.Point
				page, more, err = s.History(ctx, r.ID, "m", after, 7_000)
				ok(t, err)
				paged = append(paged, page...)
			}
			same(t, paged, want)
			few, _, err := s.History(ctx, r.ID, "few 3", nil, 0)
			ok(t, err)
			same(t, len(few), 30*100)
			_, _, err = s.UpdateRun(ctx, r.ID, store.RunChange{Status: ptr(record.Finished)})
			ok(t, err)
			ok(t, s.Fold(ctx, r.ID))
		}
	})
}

func TestDeletedRunTakesNoChangesUntilItIsRestored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		m := storetest.Model(t, s, "m")
		r := started(t, s, m.Key)
		writes := func() []error {
			_, _, update := s.UpdateRun(ctx, r.ID, store.RunChange{Name: ptr("s")})
			return []error{
				s.Log(ctx, r.ID, store.Entry{Points: []record.Metric{point("m", 1, 1, 1)}}),
				s.Log(ctx, r.ID, store.Entry{Tags: []record.Tag{{Key: "t", Value: "1"}}}),
				update, s.DeleteRunTag(ctx, r.ID, "t"),
			}
		}
		for _, gone := range []struct{ del, restore func() error }{
			{func() error { return s.SetRunDeleted(ctx, r.ID, true, storetest.By) }, func() error { return s.SetRunDeleted(ctx, r.ID, false, storetest.By) }},
			{func() error { _, err := s.DeleteModel(ctx, m.Key, storetest.By); return err }, func() error { _, err := s.RestoreModel(ctx, m.Key, storetest.By); return err }},
		} {
			ok(t, gone.del())
			for _, err := range writes() {
				refused(t, record.Inactive, err)
			}
			got, _, err := s.AnyRun(ctx, r.ID)
			ok(t, err)
			same(t, got.Gone, true)
			ok(t, gone.restore())
			for _, err := range writes() {
				ok(t, err)
			}
		}
		_, _, err := s.AnyRun(ctx, record.RunID{1})
		refused(t, record.NotFound, err)
		refused(t, record.NotFound, s.Log(ctx, record.RunID{1}, store.Entry{Points: []record.Metric{point("m", 1, 1, 1)}}))
		refused(t, record.NotFound, s.DeleteRunTag(ctx, r.ID, "t"))
	})
}

func TestActivityIsTheTimeOfTheLastWrite(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, _ string) {
		ctx := t.Context()
		r := started(t, s, record.DefaultModel)
		same(t, r.Active, r.Created)
		last := r.Active
		for range 3 {
			ok(t, s.Log(ctx, r.ID, store.Entry{Points: []record.Metric{point("m", 1, 1, 1)}}))
			now := must(s.Run(ctx, r.ID))(t).Active
			if now <= last {
				t.Errorf("after a write at %d the last one is said to be at %d", last, now)
			}
			ok(t, s.Fold(ctx, r.ID))
			same(t, must(s.Run(ctx, r.ID))(t).Active, now)
			last = now
		}
	})
}
