package store_test

import (
	"fmt"
	"slices"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// mixed makes n runs of each model in turn, every third of them large, and
// returns those of each model.
func mixed(t testing.TB, s *store.Store, n int, models ...record.Model) map[int64][]record.Run {
	t.Helper()
	runs := map[int64][]record.Run{}
	for i := range n {
		for j, m := range models {
			r := storetest.FullRun(m.Key, fmt.Sprint(m.Name, " ", i))
			if (i+j)%3 == 0 {
				r = large(r)
			}
			runs[m.Key] = append(runs[m.Key], *must(s.CreateRun(t.Context(), r))(t))
		}
	}
	return runs
}

func TestEachSetOfRunsIsPagedWholeAndInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := storetest.Project(t, s, "p")
		m, empty, n, other := model(t, s, p.Key, "m"), model(t, s, p.Key, "empty"), model(t, s, p.Key, "n"), storetest.Model(t, s, "other")
		runs := mixed(t, s, 7, n, other, m)
		ofP := slices.Concat(runs[m.Key], runs[n.Key])
		all := slices.Concat(ofP, runs[other.Key])
		slices.SortFunc(all, func(a, b record.Run) int { return slices.Compare(a.ID[:], b.ID[:]) })
		for _, limit := range []int{1, 2, 7, 8, 100} {
			same(t, pages(t, s, ofModel(m.Key), limit), runs[m.Key])
			same(t, pages(t, s, ofModel(n.Key), limit), runs[n.Key])
			same(t, pages(t, s, ofModel(empty.Key), limit), nil)
			same(t, pages(t, s, ofProject(p.Key), limit), ofP)
			same(t, pages(t, s, ofProject(other.Project), limit), runs[other.Key])
			same(t, pages(t, s, store.RunSet{}, limit), all)
		}
	})
}

func TestVisitEndsAPageByReturningFalse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := storetest.Project(t, s, "p")
		m, n := model(t, s, p.Key, "m"), model(t, s, p.Key, "n")
		mixed(t, s, 5, m, n)
		for _, of := range []store.RunSet{{}, ofModel(m.Key), ofProject(p.Key)} {
			want := pages(t, s, of, 100)
			for stop := 1; stop <= 5; stop++ {
				var got []record.Run
				after, done := store.FirstRun, false
				for !done {
					seen := 0
					var err error
					after, done, err = s.Runs(t.Context(), of, after, 100, func(r *record.Run) bool {
						got = append(got, clone(r))
						seen++
						return seen < stop
					})
					ok(t, err)
					if seen > stop {
						t.Fatalf("visit was called %d times, and returned false the %dth time", seen, stop)
					}
				}
				same(t, got, want)
			}
		}
	})
}

func TestAnyRunIsAPlaceToGoOnFrom(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := storetest.Project(t, s, "p")
		m, n := model(t, s, p.Key, "m"), model(t, s, p.Key, "n")
		mixed(t, s, 4, m, n)
		for _, of := range []store.RunSet{{}, ofModel(m.Key), ofProject(p.Key)} {
			all := pages(t, s, of, 100)
			for i, r := range all {
				must(s.DeleteRun(t.Context(), r.ID, storetest.By))(t) // a deleted one, too
				var got []record.Run
				for after, done := must(s.RunPlace(t.Context(), r.ID))(t), false; !done; {
					var err error
					after, done, err = s.Runs(t.Context(), of, after, 3, func(r *record.Run) bool {
						got = append(got, clone(r))
						return true
					})
					ok(t, err)
				}
				must(s.RestoreRun(t.Context(), r.ID, storetest.By))(t)
				same(t, got, all[i+1:])
			}
		}
	})
}

// A project with more models than are read at once.
func TestRunsOfManyModelsArePaged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := storetest.Project(t, s, "p")
		var want []string
		for i := range 203 {
			m := model(t, s, p.Key, fmt.Sprint("m", i))
			if i%50 == 1 || i == 99 || i == 100 || i == 202 {
				want = append(want, newRun(t, s, m.Key, m.Name).Name)
			}
		}
		for _, limit := range []int{1, 3, 100} {
			same(t, names(pages(t, s, ofProject(p.Key), limit)), want)
		}
	})
}

// Runs come and go while a set is paged: those that stay are given once.
func TestRunsThatStayAreGivenOnceWhateverIsWrittenMeanwhile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p := storetest.Project(t, s, "p")
		m, n := model(t, s, p.Key, "m"), model(t, s, p.Key, "n")
		var stay []string
		var go_ []record.Run
		for i := range 20 {
			for _, m := range []record.Model{m, n} {
				r := storetest.FullRun(m.Key, fmt.Sprint(m.Name, " stays ", i))
				if i%4 == 0 {
					r = large(r)
				}
				stay = append(stay, must(s.CreateRun(ctx, r))(t).Name)
				go_ = append(go_, newRun(t, s, m.Key, "goes"))
			}
		}
		slices.Sort(stay)
		stop, stopped := make(chan struct{}), make(chan error, 1)
		go func() {
			stopped <- func() error {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return nil
					default:
					}
					g := go_[i%len(go_)].ID
					if _, err := s.DeleteRun(ctx, g, storetest.By); err != nil {
						return err
					}
					if _, err := s.CreateRun(ctx, record.Run{Model: []int64{m.Key, n.Key}[i%2], Name: "comes"}); err != nil {
						return err
					}
					if _, err := s.RestoreRun(ctx, g, storetest.By); err != nil {
						return err
					}
				}
			}()
		}()
		for _, limit := range []int{1, 2, 7} {
			for _, of := range []store.RunSet{{}, ofProject(p.Key)} {
				// The writer may add as fast as this reads: read up to what
				// was there at the beginning.
				var got []string
				seen := map[record.RunID]bool{}
				left := len(stay)
				after, done := store.FirstRun, false
				for left > 0 && !done {
					var err error
					after, done, err = s.Runs(ctx, of, after, limit, func(r *record.Run) bool {
						if seen[r.ID] {
							t.Errorf("%s is given twice", r.Name)
						}
						seen[r.ID] = true
						if r.Name != "goes" && r.Name != "comes" {
							got = append(got, r.Name)
							left--
						}
						return true
					})
					ok(t, err)
				}
				slices.Sort(got)
				same(t, got, stay)
			}
		}
		close(stop)
		ok(t, <-stopped)
	})
}
