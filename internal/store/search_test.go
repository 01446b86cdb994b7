package store_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/search"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// ways are a store that searches in columns, and one that reads all runs.
var ways = map[string]int{"columns": 0, "reading": -1}

// eachWay does a test for each engine and each way to search.
func eachWay(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	for _, e := range storetest.Engines() {
		for way, memory := range ways {
			t.Run(e.Name+"/"+way, func(t *testing.T) {
				t.Parallel()
				s, _ := storetest.Open(t, e, store.Options{IndexMemory: memory})
				test(t, s)
			})
		}
	}
}

// walk searches page by page.
func walk(t testing.TB, s *store.Store, q store.RunSearch) (ids []record.RunID, runs []*record.Run) {
	t.Helper()
	for {
		page, err := s.SearchRuns(t.Context(), q)
		ok(t, err)
		if len(page.Runs) > q.Limit || len(page.Runs) == 0 && page.Next != "" {
			t.Fatalf("a page of at most %d has %d, and then comes %q", q.Limit, len(page.Runs), page.Next)
		}
		for _, r := range page.Runs {
			ids = append(ids, r.ID)
			runs = append(runs, r)
		}
		if q.Token = page.Next; q.Token == "" {
			return ids, runs
		}
	}
}

// plainly is what a search finds, by a plain loop over all runs.
func plainly(t testing.TB, s *store.Store, all []record.RunID, q store.RunSearch) (ids []record.RunID) {
	t.Helper()
	var places []search.Place
	for _, id := range all {
		r, m, err := s.AnyRun(t.Context(), id)
		ok(t, err)
		row := search.RunRow{Run: r, Artifacts: record.RunArtifacts(m, id)}
		if slices.Contains(q.Models, r.Model) && (q.View == store.All || (q.View == store.Deleted) == r.Gone) && filter.Match(q.Filter, row) {
			places = append(places, search.PlaceOf(q.Order, row, r.Start, id))
		}
	}
	slices.SortFunc(places, func(a, b search.Place) int { return search.Compare(q.Order, &a, &b) })
	for _, p := range places {
		ids = append(ids, p.ID)
	}
	return ids
}

func parsed(t testing.TB, text string) filter.Expr {
	t.Helper()
	return must(filter.Parse(filter.Runs, text))(t)
}

// searches are filters and orders that between them ask of everything.
var searches = []struct{ filter, order string }{
	{"", ""},
	{"metrics.acc > 0.5 and params.opt = 'adam'", "metrics.loss ASC"},
	{"metrics.acc != 0.5 or not params.opt like 'a%'", "params.opt DESC, metrics.acc"},
	{"tags.team is null", "tags.team, start_time ASC"},
	{"tags.team is not null and attributes.status = 'RUNNING'", "attributes.run_name DESC"},
	{"datasets.name = 'd1'", "attributes.end_time"},
	{"datasets.context = 'train' and (metrics.acc <= 0.3 or params.opt in ('sgd', 'rms'))", "metrics.nan DESC"},
	{"metrics.nan != 1", "metrics.nan"},
	{"run_name ilike 'RUN 1%'", "run_name"},
	{"start_time >= 20 and start_time < 60", "start_time DESC"},
	{"params.absent = 'x'", ""},
}

// grow does something random to a store.
func grow(t testing.TB, s *store.Store, rnd *rand.Rand, models []int64, all []record.RunID) []record.RunID {
	t.Helper()
	ctx := t.Context()
	entry := func() (e store.Entry) {
		for _, key := range []string{"acc", "loss", "nan"} {
			value := float64(rnd.IntN(8)) / 8
			if key == "nan" && rnd.IntN(2) == 0 {
				value = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[rnd.IntN(3)]
			}
			if rnd.IntN(3) > 0 {
				e.Points = append(e.Points, point(key, int64(rnd.IntN(3)), int64(rnd.IntN(3)), value))
			}
		}
		if rnd.IntN(2) == 0 {
			e.Tags = []record.Tag{{Key: "team", Value: fmt.Sprint(rnd.IntN(3))}}
		}
		if rnd.IntN(4) == 0 {
			e.Uses = []record.DatasetUse{{Dataset: record.Dataset{Name: fmt.Sprint("d", rnd.IntN(2))}, Context: "train", Role: record.RoleTraining}}
		}
		return e
	}
	if len(all) < 4 || rnd.IntN(3) == 0 {
		r := begun(s.StartRun(ctx, record.Run{Model: models[rnd.IntN(len(models))], Name: fmt.Sprint("run ", rnd.IntN(30)), Status: record.Running, Start: int64(rnd.IntN(90))}, nil))(t)
		e := entry()
		if rnd.IntN(4) > 0 {
			e.Params = []record.Param{param("opt", []string{"adam", "sgd", "rms"}[rnd.IntN(3)])}
		}
		ok(t, s.Log(ctx, r.ID, e))
		return append(all, r.ID)
	}
	id := all[rnd.IntN(len(all))]
	switch rnd.IntN(7) {
	case 0:
		ok(t, s.SetRunDeleted(ctx, id, rnd.IntN(2) == 0, storetest.By))
	case 1:
		ok(t, s.Fold(ctx, id))
	case 2:
		if _, _, err := s.UpdateRun(ctx, id, store.RunChange{Status: ptr(record.Finished), End: ptr(int64(rnd.IntN(50)))}); record.KindOf(err) != record.Inactive {
			ok(t, err)
		}
	case 3:
		if err := s.DeleteRunTag(ctx, id, "team"); record.KindOf(err) != record.Inactive && record.KindOf(err) != record.NotFound {
			ok(t, err)
		}
	default:
		if err := s.Log(ctx, id, entry()); record.KindOf(err) != record.Inactive {
			ok(t, err)
		}
	}
	return all
}

// Columns, reading, and a plain loop find the same runs in the same order,
// whatever is done to the runs between two searches.
func TestSearchFindsWhatAPlainLoopFinds(t *testing.T) {
	eachWay(t, func(t *testing.T, s *store.Store) {
		rnd := rand.New(rand.NewPCG(1, 2))
		models := []int64{storetest.Model(t, s, "m").Key, storetest.Model(t, s, "n").Key, record.DefaultModel}
		var all []record.RunID
		for round := range 40 {
			for range 12 {
				all = grow(t, s, rnd, models, all)
			}
			of := searches[round%len(searches)]
			q := store.RunSearch{Models: models[:1+round%3], View: store.View(round % 3), Filter: parsed(t, of.filter), Limit: 1 + rnd.IntN(9)}
			if of.order != "" {
				q.Order = must(filter.ParseOrder(filter.Runs, strings.Split(of.order, ", ")))(t)
			}
			got, runs := walk(t, s, q)
			want := plainly(t, s, all, q)
			if !slices.Equal(got, want) {
				t.Fatalf("round %d, %+v:\n got %v\nwant %v", round, of, got, want)
			}
			for i, r := range runs {
				again, _, err := s.AnyRun(t.Context(), got[i])
				ok(t, err)
				same(t, fmt.Sprint(plain(r)), fmt.Sprint(plain(again)))
			}
		}
	})
}

func TestRunsOfADeletedModelAreDeleted(t *testing.T) {
	eachWay(t, func(t *testing.T, s *store.Store) {
		m := storetest.Model(t, s, "m")
		r := started(t, s, m.Key)
		count := func(v store.View) int {
			ids, _ := walk(t, s, store.RunSearch{Models: []int64{m.Key}, View: v, Limit: 10})
			return len(ids)
		}
		same(t, []int{count(store.Live), count(store.Deleted), count(store.All)}, []int{1, 0, 1})
		must(s.DeleteModel(t.Context(), m.Key, storetest.By))(t)
		same(t, []int{count(store.Live), count(store.Deleted), count(store.All)}, []int{0, 1, 1})
		must(s.RestoreModel(t.Context(), m.Key, storetest.By))(t)
		ok(t, s.SetRunDeleted(t.Context(), r.ID, true, storetest.By))
		same(t, []int{count(store.Live), count(store.Deleted), count(store.All)}, []int{0, 1, 1})
	})
}

func TestNoRunComesTwiceOrIsLeftOutWhileRunsAreAdded(t *testing.T) {
	eachWay(t, func(t *testing.T, s *store.Store) {
		var want []record.RunID
		rnd := rand.New(rand.NewPCG(3, 4))
		add := func() record.RunID {
			r := started(t, s, record.DefaultModel)
			ok(t, s.Log(t.Context(), r.ID, store.Entry{Points: []record.Metric{point("m", 0, 0, float64(rnd.IntN(20)))}}))
			return r.ID
		}
		for range 60 {
			want = append(want, add())
		}
		q := store.RunSearch{Models: []int64{record.DefaultModel}, Limit: 7, Order: must(filter.ParseOrder(filter.Runs, []string{"metrics.m DESC"}))(t)}
		seen := map[record.RunID]int{}
		for {
			page, err := s.SearchRuns(t.Context(), q)
			ok(t, err)
			for _, r := range page.Runs {
				seen[r.ID]++
			}
			if q.Token = page.Next; q.Token == "" {
				break
			}
			for range 5 {
				add()
			}
		}
		for _, id := range want {
			if seen[id] != 1 {
				t.Errorf("the run %s came %d times", id, seen[id])
			}
		}
		for id, n := range seen {
			if n > 1 {
				t.Errorf("the run %s came %d times", id, n)
			}
		}
	})
}

func TestPageTokenIsOnlyGoodForItsSearch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for range 3 {
			started(t, s, record.DefaultModel)
		}
		q := store.RunSearch{Models: []int64{record.DefaultModel}, Limit: 1}
		page, err := s.SearchRuns(t.Context(), q)
		ok(t, err)
		for name, change := range map[string]func(q *store.RunSearch){
			"another filter": func(q *store.RunSearch) { q.Filter = parsed(t, "status = 'RUNNING'") },
			"another order": func(q *store.RunSearch) {
				q.Order = must(filter.ParseOrder(filter.Runs, []string{"start_time"}))(t)
			},
			"other models":  func(q *store.RunSearch) { q.Models = []int64{0, 1} },
			"another view":  func(q *store.RunSearch) { q.View = store.All },
			"no token":      func(q *store.RunSearch) { q.Token = "{" },
			"a short token": func(q *store.RunSearch) { q.Token = "AAAA" },
			"a cut token":   func(q *store.RunSearch) { q.Token = q.Token[:14] },
		} {
			q := q
			q.Token = page.Next
			change(&q)
			_, err := s.SearchRuns(t.Context(), q)
			if record.KindOf(err) != record.Invalid {
				t.Errorf("%s: got %v", name, err)
			}
		}
		q.Token = page.Next
		q.Limit = 2 // the size of pages may change
		page, err = s.SearchRuns(t.Context(), q)
		ok(t, err)
		same(t, len(page.Runs), 2)
	})
}

func TestServerSeesAtOnceWhatAnotherServerWrote(t *testing.T) {
	for _, e := range storetest.Engines()[1:] {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			a, database := storetest.Open(t, e, store.Options{})
			b, err := store.Open(t.Context(), database, store.Options{Partitions: e.Partitions})
			ok(t, err)
			defer b.Close()
			r := started(t, a, record.DefaultModel)
			q := store.RunSearch{Models: []int64{record.DefaultModel}, Limit: 10, Filter: parsed(t, "params.p = '1' and metrics.m > 0 and tags.t = 'x'")}
			steps := []func() error{
				func() error {
					return a.Log(t.Context(), r.ID, store.Entry{Params: []record.Param{param("p", "1")}, Tags: []record.Tag{{Key: "t", Value: "x"}}})
				},
				func() error {
					return a.Log(t.Context(), r.ID, store.Entry{Points: []record.Metric{point("m", 1, 1, 1)}})
				},
				func() error { return a.Fold(t.Context(), r.ID) },
				func() error { return a.Log(t.Context(), r.ID, store.Entry{Tags: []record.Tag{{Key: "t", Value: "y"}}}) },
				func() error { return a.Log(t.Context(), r.ID, store.Entry{Tags: []record.Tag{{Key: "t", Value: "x"}}}) },
				func() error { return a.SetRunDeleted(t.Context(), r.ID, true, storetest.By) },
			}
			for i, want := range []int{0, 1, 1, 0, 1, 0} {
				ok(t, steps[i]())
				ids, _ := walk(t, b, q)
				if len(ids) != want {
					t.Fatalf("after step %d the other server finds %d runs, want %d", i, len(ids), want)
				}
			}
		})
	}
}

func TestModelsAreSearchedByNameTimeAndTag(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p := storetest.Project(t, s, "p")
		add := func(n store.NewModel) record.Model { return must(s.AddModel(ctx, n, storetest.By))(t) }
		a := add(store.NewModel{Name: "a", Tags: []record.Tag{{Key: "k", Value: "1"}}})
		b := add(store.NewModel{Name: "p/b", Location: "s3://x"})
		c := add(store.NewModel{Project: &p.Key, Name: "c"})
		same(t, []int64{a.Project, b.Project, c.Project}, []int64{0, p.Key, p.Key})
		same(t, []string{a.Name, b.Name, c.FullName}, []string{"a", "b", "p/c"})
		_, err := s.AddModel(ctx, store.NewModel{Name: "p/c"}, storetest.By)
		refused(t, record.Conflict, err)
		for _, q := range []struct {
			filter  string
			project *int64
			view    store.View
			want    string
		}{
			{"", nil, store.Live, "Default a p/b p/c"},
			{"name like 'p/%'", nil, store.Live, "p/b p/c"},
			{"name = 'b'", &p.Key, store.Live, "p/b"},
			{"tags.k = '1'", nil, store.All, "a"},
			{"", nil, store.Deleted, ""},
		} {
			search := store.ModelSearch{Project: q.project, View: q.view, Filter: must(filter.Parse(filter.Experiments, q.filter))(t), Limit: 1}
			var names []string
			for {
				page, next, err := s.SearchModels(ctx, search)
				ok(t, err)
				for _, m := range page {
					names = append(names, m.FullName)
				}
				if search.Token = next; next == "" {
					break
				}
			}
			slices.SortFunc(names, cmp.Compare)
			same(t, strings.Join(names, " "), q.want)
		}
		ok(t, s.RenameModel(ctx, b.Key, "p/d", storetest.By))
		refused(t, record.Conflict, s.RenameModel(ctx, b.Key, "c", storetest.By))
		refused(t, record.Conflict, s.RenameModel(ctx, a.Key, "p/e", storetest.By)) // it would read as one of p
		ok(t, s.RenameModel(ctx, a.Key, "q/e", storetest.By))
		ok(t, s.RenameModel(ctx, a.Key, "a", storetest.By))
		same(t, must(s.ModelByFullName(ctx, "p/d"))(t).Name, "d")
		must(s.DeleteModel(ctx, b.Key, storetest.By))(t)
		same(t, must(s.ModelByFullName(ctx, "p/d"))(t).Gone, true)
		refused(t, record.Inactive, s.RenameModel(ctx, b.Key, "e", storetest.By))
		again := add(store.NewModel{Name: "p/d"}) // a deleted name is free
		same(t, must(s.ModelByFullName(ctx, "p/d"))(t).Key, again.Key)
		ok(t, s.SetModelTag(ctx, a.Key, record.Tag{Key: "k", Value: "2"}))
		same(t, must(s.AnyModel(ctx, a.Key))(t).Tags, []record.Tag{{Key: "k", Value: "2"}})
		ok(t, s.DeleteModelTag(ctx, a.Key, "k"))
		refused(t, record.NotFound, s.DeleteModelTag(ctx, a.Key, "k"))
	})
}
