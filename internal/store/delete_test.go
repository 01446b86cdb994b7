package store_test

import (
	"strings"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// family is a project with two models and a run of each.
type family struct {
	s    *store.Store
	p    record.Project
	m, n record.Model
	r, q record.Run // of m and of n
}

func newFamily(t *testing.T, s *store.Store) *family {
	t.Helper()
	f := &family{s: s, p: storetest.Project(t, s, "p")}
	f.m, f.n = model(t, s, f.p.Key, "m"), model(t, s, f.p.Key, "n")
	f.r, f.q = newRun(t, s, f.m.Key, "r"), newRun(t, s, f.n.Key, "q")
	return f
}

// sees checks every way to read the family: these records are in sight, and
// no others.
func (f *family) sees(t *testing.T, projects []record.Project, models []record.Model, runs ...record.Run) {
	t.Helper()
	ctx := t.Context()
	is := func(there bool, what string, err error) {
		t.Helper()
		if there {
			ok(t, err)
			return
		}
		if record.KindOf(err) != record.NotFound {
			t.Errorf("%s: got the error %v, want NotFound", what, err)
		}
	}
	same(t, must(f.s.Projects(ctx, -1, 10))(t), projects)
	_, err := f.s.Project(ctx, f.p.Key)
	is(len(projects) == 1, "project", err)
	_, err = f.s.ProjectByName(ctx, "p")
	is(len(projects) == 1, "project by name", err)

	same(t, must(f.s.Models(ctx, -1, 10))(t), models)
	ofP, err := f.s.ModelsOfProject(ctx, f.p.Key, -1, 10)
	is(len(projects) == 1, "models of the project", err)
	same(t, ofP, models)
	for _, m := range []record.Model{f.m, f.n} {
		there := false
		for _, listed := range models {
			there = there || listed.Key == m.Key
		}
		_, err = f.s.Model(ctx, m.Key)
		is(there, "model", err)
		_, err = f.s.ModelsNamed(ctx, m.Name, -1, 10)
		is(there, "models by name", err)
		_, _, err = f.s.Runs(ctx, ofModel(m.Key), store.FirstRun, 10, func(*record.Run) bool { return true })
		is(there, "runs of the model", err)
	}

	same(t, pages(t, f.s, store.RunSet{}, 10), runs)
	if len(projects) == 1 {
		same(t, pages(t, f.s, ofProject(f.p.Key), 10), runs)
	} else {
		_, _, err = f.s.Runs(ctx, ofProject(f.p.Key), store.FirstRun, 10, nil)
		is(false, "runs of the project", err)
	}
	for _, r := range []record.Run{f.r, f.q} {
		there := false
		for _, listed := range runs {
			there = there || listed.ID == r.ID
		}
		_, err = f.s.Run(ctx, r.ID)
		is(there, "run", err)
		_, err = f.s.RunNamed(ctx, r.Name)
		is(there, "run by name", err)
		_, err = f.s.AddEvaluations(ctx, r.ID, nil, nil)
		is(there, "evaluations", err)
		_, err = f.s.AddArtifacts(ctx, r.ID, nil)
		is(there, "artifacts", err)
	}
}

// settle gives the runs what sees adds to them.
func (f *family) settle(t *testing.T) {
	t.Helper()
	for _, r := range []*record.Run{&f.r, &f.q} {
		r.Given |= record.GivenEvaluations | record.GivenArtifacts
		must(f.s.AddEvaluations(t.Context(), r.ID, nil, nil))(t)
		must(f.s.AddArtifacts(t.Context(), r.ID, nil))(t)
	}
}

func eachFamily(t *testing.T, test func(t *testing.T, f *family)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		f := newFamily(t, s)
		f.settle(t)
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
		test(t, f)
	})
}

func TestDeletedRunIsOutOfSightUntilRestored(t *testing.T) {
	eachFamily(t, func(t *testing.T, f *family) {
		ctx := t.Context()
		deleted := *must(f.s.DeleteRun(ctx, f.r.ID, storetest.By))(t)
		want := f.r
		if want.Deleted = deleted.Deleted; want.Deleted == 0 {
			t.Error("it has no time of deletion")
		}
		same(t, deleted, want)
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.q)
		_, err := f.s.DeleteRun(ctx, f.r.ID, storetest.By)
		refused(t, record.NotFound, err)
		same(t, *must(f.s.RestoreRun(ctx, f.r.ID, storetest.By))(t), f.r)
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
		same(t, *must(f.s.RestoreRun(ctx, f.r.ID, storetest.By))(t), f.r) // changes nothing
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
	})
}

func TestDeletedModelTakesItsRunsOutOfSight(t *testing.T) {
	eachFamily(t, func(t *testing.T, f *family) {
		ctx := t.Context()
		deleted := must(f.s.DeleteModel(ctx, f.m.Key, storetest.By))(t)
		want := f.m
		if want.Deleted = deleted.Deleted; want.Deleted == 0 {
			t.Error("it has no time of deletion")
		}
		same(t, deleted, want)
		f.sees(t, []record.Project{f.p}, []record.Model{f.n}, f.q)
		for _, err := range []error{
			second(f.s.DeleteModel(ctx, f.m.Key, storetest.By)),
			second(f.s.DescribeModel(ctx, f.m.Key, ptr("d"), storetest.By)),
			second(f.s.CreateRun(ctx, record.Run{Model: f.m.Key, Name: "new"})),
			second(f.s.DeleteRun(ctx, f.r.ID, storetest.By)),
			second(f.s.RestoreRun(ctx, f.r.ID, storetest.By)),
		} {
			refused(t, record.NotFound, err)
		}
		same(t, must(f.s.RestoreModel(ctx, f.m.Key, storetest.By))(t), f.m)
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
		same(t, must(f.s.RestoreModel(ctx, f.m.Key, storetest.By))(t), f.m) // changes nothing
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
	})
}

func second[T any](_ T, err error) error { return err }

func TestDeletedProjectTakesItsModelsAndRunsOutOfSight(t *testing.T) {
	eachFamily(t, func(t *testing.T, f *family) {
		ctx := t.Context()
		deleted := must(f.s.DeleteProject(ctx, f.p.Key, storetest.By))(t)
		want := f.p
		if want.Deleted = deleted.Deleted; want.Deleted == 0 {
			t.Error("it has no time of deletion")
		}
		same(t, deleted, want)
		f.sees(t, nil, nil)
		for _, err := range []error{
			second(f.s.DeleteProject(ctx, f.p.Key, storetest.By)),
			second(f.s.DescribeProject(ctx, f.p.Key, ptr("d"), storetest.By)),
			second(f.s.CreateModel(ctx, record.Model{Project: f.p.Key, Name: "new"}, storetest.By)),
			second(f.s.DescribeModel(ctx, f.m.Key, ptr("d"), storetest.By)),
			second(f.s.DeleteModel(ctx, f.m.Key, storetest.By)),
			second(f.s.RestoreModel(ctx, f.m.Key, storetest.By)),
			second(f.s.CreateRun(ctx, record.Run{Model: f.m.Key, Name: "new"})),
			second(f.s.DeleteRun(ctx, f.r.ID, storetest.By)),
			second(f.s.RestoreRun(ctx, f.r.ID, storetest.By)),
		} {
			refused(t, record.NotFound, err)
		}
		same(t, must(f.s.RestoreProject(ctx, f.p.Key, storetest.By))(t), f.p)
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
		same(t, must(f.s.RestoreProject(ctx, f.p.Key, storetest.By))(t), f.p) // changes nothing
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
	})
}

func TestWhatWasDeletedByItselfStaysDeletedWhenItsParentIsRestored(t *testing.T) {
	eachFamily(t, func(t *testing.T, f *family) {
		ctx := t.Context()
		must(f.s.DeleteModel(ctx, f.m.Key, storetest.By))(t)
		must(f.s.DeleteRun(ctx, f.q.ID, storetest.By))(t)
		must(f.s.DeleteProject(ctx, f.p.Key, storetest.By))(t)
		for _, err := range []error{
			second(f.s.RestoreModel(ctx, f.m.Key, storetest.By)),
			second(f.s.RestoreRun(ctx, f.q.ID, storetest.By)),
		} {
			refused(t, record.NotFound, err)
		}
		must(f.s.RestoreProject(ctx, f.p.Key, storetest.By))(t)
		f.sees(t, []record.Project{f.p}, []record.Model{f.n})
		must(f.s.RestoreModel(ctx, f.m.Key, storetest.By))(t)
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r)
		must(f.s.RestoreRun(ctx, f.q.ID, storetest.By))(t)
		f.sees(t, []record.Project{f.p}, []record.Model{f.m, f.n}, f.r, f.q)
	})
}

// namesBoth checks that a refusal names two ids.
func namesBoth(t *testing.T, err error, one, two string) {
	t.Helper()
	refused(t, record.Conflict, err)
	if !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two) {
		t.Errorf("%v does not name both %s and %s", err, one, two)
	}
}

func TestNameOfADeletedProjectIsFreeAndItsRestoreIsRefusedWhenTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		old := storetest.Project(t, s, "p")
		m := model(t, s, old.Key, "m")
		must(s.DeleteProject(ctx, old.Key, storetest.By))(t)
		taken := storetest.Project(t, s, "p")
		if taken.Key == old.Key {
			t.Fatal("a deleted project was given back")
		}
		n := model(t, s, taken.Key, "m")
		_, err := s.RestoreProject(ctx, old.Key, storetest.By)
		namesBoth(t, err, record.ProjectID(old.Key), record.ProjectID(taken.Key))
		same(t, must(s.Models(ctx, -1, 10))(t), []record.Model{n})

		must(s.DeleteProject(ctx, taken.Key, storetest.By))(t)
		same(t, must(s.RestoreProject(ctx, old.Key, storetest.By))(t), old)
		same(t, must(s.Models(ctx, -1, 10))(t), []record.Model{m})
	})
}

func TestNameOfADeletedModelIsFreeAndItsRestoreIsRefusedWhenTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		old := storetest.Model(t, s, "m")
		must(s.DeleteModel(ctx, old.Key, storetest.By))(t)
		taken := model(t, s, old.Project, "m")
		if taken.Key == old.Key {
			t.Fatal("a deleted model was given back")
		}
		_, err := s.RestoreModel(ctx, old.Key, storetest.By)
		namesBoth(t, err, record.ModelID(old.Key), record.ModelID(taken.Key))
		_, err = s.Model(ctx, old.Key)
		refused(t, record.NotFound, err) // nothing of the refused restore is kept
		must(s.DeleteModel(ctx, taken.Key, storetest.By))(t)
		same(t, must(s.RestoreModel(ctx, old.Key, storetest.By))(t), old)
	})
}

// The name of a model inside a deleted project may be taken by another
// project's model, through the full names.
func TestRestoreOfAProjectIsRefusedWhenAModelsFullNameIsTaken(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		old := storetest.Project(t, s, "a/b")
		free, m := model(t, s, old.Key, "free"), model(t, s, old.Key, "c")
		must(s.DeleteProject(ctx, old.Key, storetest.By))(t)
		taken := model(t, s, storetest.Project(t, s, "a").Key, "b/c")
		_, err := s.RestoreProject(ctx, old.Key, storetest.By)
		namesBoth(t, err, record.ModelID(m.Key), record.ModelID(taken.Key))
		_, err = s.Project(ctx, old.Key)
		refused(t, record.NotFound, err) // nothing of the refused restore is kept
		_, err = s.Model(ctx, free.Key)
		refused(t, record.NotFound, err)
		must(s.DeleteModel(ctx, taken.Key, storetest.By))(t)
		same(t, must(s.RestoreProject(ctx, old.Key, storetest.By))(t), old)
		same(t, must(s.ModelsOfProject(ctx, old.Key, -1, 10))(t), []record.Model{free, m})
	})
}
