package store_test

import (
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func TestChangesOfDifferentFieldsAtOnceAreAllKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for range 20 {
			r := started(t, s, record.DefaultModel)
			changes := []func() error{
				func() error {
					_, _, err := s.UpdateRun(ctx, r.ID, store.RunChange{Status: ptr(record.Finished)})
					return err
				},
				func() error {
					return s.Log(ctx, r.ID, store.Entry{Tags: []record.Tag{{Key: record.RunNameTag, Value: "named"}}})
				},
				func() error {
					_, _, err := s.UpdateRun(ctx, r.ID, store.RunChange{End: ptr(int64(77))})
					return err
				},
			}
			together(t, func(i int) error {
				if i < len(changes) {
					return changes[i]()
				}
				return nil
			})
			got := must(s.Run(ctx, r.ID))(t)
			same(t, []any{got.Name, got.Status, got.End}, []any{"named", record.Finished, int64(77)})
		}
	})
}

func TestNewNameIsKeptThoughTheFirstTryFails(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			var fail atomic.Bool
			s, _ := storetest.Open(t, e, store.Options{Around: func(call string, do func() error) error {
				if call == "commit" && fail.CompareAndSwap(true, false) {
					return errors.New("a fault")
				}
				return do()
			}})
			r := started(t, s, record.DefaultModel)
			fail.Store(true)
			ok(t, s.Log(t.Context(), r.ID, store.Entry{Tags: []record.Tag{{Key: record.RunNameTag, Value: "named"}}}))
			same(t, must(s.Run(t.Context(), r.ID))(t).Name, "named")
		})
	}
}

func TestTagsOfANewRunMayComeInAnyOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		tags := []record.Tag{{Key: "z", Value: "1"}, {Key: "b", Value: "1"}, {Key: "a", Value: "1"}}
		r := begun(s.StartRun(ctx, record.Run{Name: "r", Status: record.Running, Tags: tags}, nil))(t)
		ok(t, s.Log(ctx, r.ID, store.Entry{Tags: []record.Tag{{Key: "z", Value: "2"}, {Key: "a", Value: "2"}}}))
		ok(t, s.Fold(ctx, r.ID))
		same(t, must(s.Run(ctx, r.ID))(t).Tags, []record.Tag{{Key: "a", Value: "2"}, {Key: "b", Value: "1"}, {Key: "z", Value: "2"}})
		_, _, err := s.StartRun(ctx, record.Run{Name: "r", Tags: []record.Tag{{Key: "a"}, {Key: "a"}}}, nil)
		refused(t, record.Invalid, err)
	})
}

func TestPageTokenOutlivesTheLoggedModelThatItNames(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for range 3 {
			_, _, err := s.AddLoggedModel(ctx, record.LoggedModel{Name: "m", Tags: []record.Tag{{Key: "k", Value: "v"}}})
			ok(t, err)
		}
		q := store.LoggedModelSearch{Models: []int64{record.DefaultModel}, Limit: 1}
		seen := 0
		for {
			page, err := s.SearchLoggedModels(ctx, q)
			ok(t, err)
			for _, m := range page.LoggedModels {
				seen++
				ok(t, s.DeleteLoggedModel(ctx, m.ID, storetest.By))
			}
			if q.Token = page.Next; q.Token == "" {
				break
			}
		}
		same(t, seen, 3)
	})
}

func TestClockThatIsSetBackHidesNoRun(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			database := e.Database(t)
			for hour := range 3 {
				now := time.Now().Add(-time.Duration(hour) * time.Hour)
				s, err := store.Open(t.Context(), database, store.Options{Partitions: e.Partitions, Now: func() time.Time { return now }})
				ok(t, err)
				q := store.RunSearch{Models: []int64{record.DefaultModel}, Limit: 10}
				for n := range 3 {
					r := started(t, s, record.DefaultModel)
					ok(t, s.Log(t.Context(), r.ID, store.Entry{Points: []record.Metric{point("m", 1, 1, 1)}}))
					ids, _ := walk(t, s, q)
					same(t, len(ids), 3*hour+n+1)
				}
				ok(t, s.Close())
			}
		})
	}
}

func TestNULIsNoKeyOfATag(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		m, _, err := s.AddLoggedModel(ctx, record.LoggedModel{Name: "m"})
		ok(t, err)
		refused(t, record.NotFound, s.DeleteModelTag(ctx, record.DefaultModel, "a\x00"))
		refused(t, record.NotFound, s.DeleteLoggedModelTag(ctx, m.ID, "a\x00"))
		r := started(t, s, record.DefaultModel)
		refused(t, record.Invalid, s.Log(ctx, r.ID, store.Entry{Logged: []record.LoggedMetric{{LoggedModel: m.ID, Key: "k", DatasetName: "\x00"}}}))
	})
}

func TestIndexThatGrowsTooLargeIsDropped(t *testing.T) {
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "a.db"), store.Options{IndexMemory: 20_000})
	ok(t, err)
	defer s.Close()
	q := store.RunSearch{Models: []int64{record.DefaultModel}, Limit: 1000}
	for n := range 200 {
		newRun(t, s, record.DefaultModel, "r")
		if ids, _ := walk(t, s, q); len(ids) != n+1 {
			t.Fatalf("found %d runs of %d", len(ids), n+1)
		}
	}
}
