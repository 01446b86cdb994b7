package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// eachTicking is storetest.Each with a clock that moves on by a millisecond
// whenever it is read, so that the order of times is the order of calls.
func eachTicking(t *testing.T, test func(t *testing.T, s *store.Store, database string)) {
	t.Helper()
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			s, database := storetest.Open(t, e, store.Options{Now: ticking()})
			test(t, s, database)
		})
	}
}

func ticking() func() time.Time {
	var mu sync.Mutex
	now := time.UnixMilli(1_800_000_000_000)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}

func TestCreateProjectGivesTheLiveOneOfThatName(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p := must(s.CreateProject(ctx, record.Project{Name: "p", Description: ptr("first")}, storetest.By))(t)
		same(t, p, record.Project{Key: p.Key, Name: "p", Description: ptr("first"), Created: p.Created})
		if age := time.Since(time.UnixMilli(p.Created)); age < 0 || age > time.Minute {
			t.Errorf("it was created %v ago", age)
		}
		same(t, must(s.CreateProject(ctx, record.Project{Name: "p", Description: ptr("second")}, storetest.By))(t), p)
		same(t, must(s.Project(ctx, p.Key))(t), p)
		same(t, must(s.ProjectByName(ctx, "p"))(t), p)
	})
}

func TestNamesAreComparedByteByByte(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		keys := map[int64]string{}
		for _, name := range []string{"a", "A", "a ", " a", "ä", "a\u0308", "ａ", "%", "_", "a'b", `a"b`, "a\nb", "😀", "$1"} {
			p := storetest.Project(t, s, name)
			if other, taken := keys[p.Key]; taken {
				t.Errorf("%q is the same project as %q", name, other)
			}
			keys[p.Key] = name
			same(t, must(s.ProjectByName(t.Context(), name))(t), p)
		}
	})
}

func TestProjectThatIsNotThereIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		_, err := s.Project(ctx, 42)
		refused(t, record.NotFound, err)
		if !strings.Contains(err.Error(), record.ProjectID(42)) {
			t.Errorf("%v does not name the id", err)
		}
		_, err = s.ProjectByName(ctx, "nobody")
		refused(t, record.NotFound, err)
		_, err = s.DescribeProject(ctx, 42, ptr("text"), storetest.By)
		refused(t, record.NotFound, err)
		_, err = s.DeleteProject(ctx, 42, storetest.By)
		refused(t, record.NotFound, err)
		_, err = s.RestoreProject(ctx, 42, storetest.By)
		refused(t, record.NotFound, err)
		_, err = s.ModelsOfProject(ctx, 42, -1, 10)
		refused(t, record.NotFound, err)
		_, err = s.CreateModel(ctx, record.Model{Project: 42, Name: "m"}, storetest.By)
		refused(t, record.NotFound, err)
		_, _, err = s.Runs(ctx, ofProject(42), store.FirstRun, 10, nil)
		refused(t, record.NotFound, err)
	})
}

// together calls do from 32 goroutines at once.
func together(t testing.TB, do func(i int) error) {
	t.Helper()
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			<-start
			if err := do(i); err != nil {
				t.Errorf("number %d: %v", i, err)
			}
		})
	}
	close(start)
	all.Wait()
}

func TestManyCreatorsGetTheOneProjectAndTheOneModel(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var projects [32]record.Project
		together(t, func(i int) (err error) {
			projects[i], err = s.CreateProject(ctx, record.Project{Name: "p"}, storetest.By)
			return err
		})
		var models [32]record.Model
		together(t, func(i int) (err error) {
			models[i], err = s.CreateModel(ctx, record.Model{Project: projects[i].Key, Name: "m"}, storetest.By)
			return err
		})
		for i := range 32 {
			same(t, projects[i], projects[0])
			same(t, models[i], models[0])
		}
		same(t, must(s.Projects(ctx, -1, 10))(t), projects[:1])
		same(t, must(s.Models(ctx, -1, 10))(t), models[:1])
	})
}

func TestManyCreatorsOfUnlikeProjectsGetTheirOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		together(t, func(i int) error {
			name := fmt.Sprint(i / 2)
			p, err := s.CreateProject(t.Context(), record.Project{Name: name}, storetest.By)
			if err == nil && p.Name != name {
				err = fmt.Errorf("asked for %s, got %s", name, p.Name)
			}
			return err
		})
		if n := len(must(s.Projects(t.Context(), -1, 100))(t)); n != 16 {
			t.Errorf("there are %d projects, want 16", n)
		}
	})
}

func TestDescribeSetsAndRemoves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		p := storetest.Project(t, s, "p")
		m := model(t, s, p.Key, "m")
		for _, text := range []*string{ptr("one"), ptr(""), nil, ptr("it's \"two\"\n😀")} {
			p.Description, m.Description = text, text
			same(t, must(s.DescribeProject(ctx, p.Key, text, storetest.By))(t), p)
			same(t, must(s.Project(ctx, p.Key))(t), p)
			same(t, must(s.DescribeModel(ctx, m.Key, text, storetest.By))(t), m)
			same(t, must(s.Model(ctx, m.Key))(t), m)
		}
	})
}

func TestProjectsArePagedInTheOrderInWhichTheyWereMade(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, _ string) {
		ctx := t.Context()
		var all []record.Project
		for i := range 9 {
			all = append(all, storetest.Project(t, s, fmt.Sprint("p", i)))
		}
		read := func(limit int) (got []record.Project) {
			for after := int64(-1); ; after = got[len(got)-1].Key {
				page := must(s.Projects(ctx, after, limit))(t)
				if len(page) > limit {
					t.Fatalf("a page of at most %d has %d", limit, len(page))
				}
				if got = append(got, page...); len(page) == 0 {
					return got
				}
			}
		}
		for _, limit := range []int{1, 2, 7, 100} {
			same(t, read(limit), all)
		}
		must(s.DeleteProject(ctx, all[4].Key, storetest.By))(t)
		same(t, must(s.Projects(ctx, all[4].Key, 2))(t), all[5:7]) // from the place of a deleted one
		all = slices.Delete(all, 4, 5)
		same(t, read(2), all)
	})
}

func TestDefaultsAreThereAndListedOnceTheyHoldARun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		project, model := must(s.Project(t.Context(), 0))(t), must(s.Model(t.Context(), 0))(t)
		same(t, must(s.Project(ctx, record.DefaultProject))(t), project)
		same(t, must(s.ProjectByName(ctx, "Default"))(t), project)
		same(t, must(s.CreateProject(ctx, must(s.Project(t.Context(), 0))(t), storetest.By))(t), project)
		same(t, must(s.Model(ctx, record.DefaultModel))(t), model)
		same(t, must(s.CreateModel(ctx, must(s.Model(t.Context(), 0))(t), storetest.By))(t), model)

		listed := func(want bool) {
			t.Helper()
			var projects []record.Project
			var models []record.Model
			if want {
				projects, models = append(projects, project), append(models, model)
			}
			same(t, must(s.Projects(ctx, -1, 10))(t), projects)
			same(t, must(s.Models(ctx, -1, 10))(t), models)
			same(t, must(s.ModelsOfProject(ctx, 0, -1, 10))(t), models)
			named, err := s.ModelsNamed(ctx, "Default", -1, 10)
			if !want {
				refused(t, record.NotFound, err)
			}
			same(t, named, models)
		}
		listed(false)
		r := newRun(t, s, record.DefaultModel, "r")
		listed(true)
		must(s.DeleteRun(ctx, r.ID, storetest.By))(t)
		listed(false)
		must(s.RestoreRun(ctx, r.ID, storetest.By))(t)
		listed(true)
	})
}

func TestDefaultsCannotBeDeletedAndCanBeDescribed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		_, err := s.DeleteProject(ctx, record.DefaultProject, storetest.By)
		refused(t, record.Conflict, err)
		_, err = s.DeleteModel(ctx, record.DefaultModel, storetest.By)
		refused(t, record.Conflict, err)
		must(s.RestoreProject(ctx, record.DefaultProject, storetest.By))(t)
		must(s.RestoreModel(ctx, record.DefaultModel, storetest.By))(t)
		p, m := must(s.Project(ctx, 0))(t), must(s.Model(ctx, 0))(t)
		if now := time.Now().UnixMilli(); now-p.Created > 60_000 || p.Created > now || m.Created != p.Created {
			t.Errorf("they are from %d and %d, want the first start", p.Created, m.Created)
		}
		p.Description, m.Description = ptr("d"), ptr("d")
		same(t, must(s.DescribeProject(ctx, 0, ptr("d"), storetest.By))(t), p)
		same(t, must(s.DescribeModel(ctx, 0, ptr("d"), storetest.By))(t), m)
	})
}
