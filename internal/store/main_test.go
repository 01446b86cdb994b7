package store_test

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// ok fails the test when there is an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// must returns the value of a call that may not fail.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return value
	}
}

// begun is must for StartRun.
func begun(run *record.Run, _ record.Model, err error) func(testing.TB) *record.Run {
	return must(run, err)
}

// refused fails the test when err is not an error of this kind.
func refused(t testing.TB, kind record.Kind, err error) {
	t.Helper()
	if err == nil || record.KindOf(err) != kind {
		t.Fatalf("got the error %v, want one of kind %d", err, kind)
	}
}

// tester is what testing.TB and rapid.T have in common.
type tester interface {
	Helper()
	Fatalf(format string, args ...any)
}

// same fails the test when two values differ. No list is an empty list.
func same[T any](t tester, got, want T) {
	t.Helper()
	if g, w := plain(got), plain(want); !reflect.DeepEqual(g, w) {
		t.Fatalf("\n got %s\nwant %s", short(g), short(w))
	}
}

// plain puts no list in the place of each empty list of a run.
func plain(v any) any {
	switch v := v.(type) {
	case *record.Run:
		if v == nil {
			return v
		}
		return plain(*v)
	case record.Run:
		v.Params, v.Datasets, v.Metrics = none(v.Params), none(v.Datasets), none(v.Metrics)
		v.Evaluations, v.Artifacts = none(v.Evaluations), none(v.Artifacts)
		v.Tags, v.ModelInputs, v.ModelOutputs = none(v.Tags), none(v.ModelInputs), none(v.ModelOutputs)
		v.Active, v.Gone = 0, false // see TestActivity and TestGone
		return v
	case record.Model:
		v.FullName, v.Updated, v.Gone, v.Tags = "", 0, false, none(v.Tags)
		return v
	case []record.Model:
		all := make([]record.Model, len(v))
		for i := range v {
			all[i] = plain(v[i]).(record.Model)
		}
		return all
	case []record.Run:
		all := make([]record.Run, len(v))
		for i := range v {
			all[i] = plain(v[i]).(record.Run)
		}
		return all
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice && r.Len() == 0 {
		return reflect.Zero(r.Type()).Interface()
	}
	return v
}

func none[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

var long = regexp.MustCompile(`x{40,}`)

// short is a value in a message, without the padding of large runs.
func short(v any) string { return long.ReplaceAllString(fmt.Sprintf("%+v", show(v)), "xx...xx") }

// show makes descriptions readable in a message.
func show(v any) any {
	text := func(s *string) string {
		if s == nil {
			return "no description"
		}
		return *s
	}
	switch v := v.(type) {
	case record.Project:
		return []any{v, text(v.Description)}
	case record.Model:
		return []any{v, text(v.Description)}
	}
	return v
}

// clone copies a run that is the caller's only for a while.
func clone(r *record.Run) record.Run {
	c := *r
	c.Params, c.Datasets, c.Metrics = slices.Clone(r.Params), slices.Clone(r.Datasets), slices.Clone(r.Metrics)
	c.Evaluations, c.Artifacts = slices.Clone(r.Evaluations), slices.Clone(r.Artifacts)
	c.Tags, c.ModelInputs, c.ModelOutputs = slices.Clone(r.Tags), slices.Clone(r.ModelInputs), slices.Clone(r.ModelOutputs)
	return c
}

// model makes a model of a project.
func model(t testing.TB, s *store.Store, project int64, name string) record.Model {
	t.Helper()
	return must(s.CreateModel(t.Context(), record.Model{Project: project, Name: name}, storetest.By))(t)
}

// newRun makes a run that has a name and nothing else.
func newRun(t testing.TB, s *store.Store, model int64, name string) record.Run {
	t.Helper()
	return *must(s.CreateRun(t.Context(), record.Run{Model: model, Name: name}))(t)
}

// pages reads a whole set of runs in pages of so many.
func pages(t testing.TB, s *store.Store, of store.RunSet, limit int) (all []record.Run) {
	t.Helper()
	for after, done := store.FirstRun, false; !done; {
		n := len(all)
		var err error
		after, done, err = s.Runs(t.Context(), of, after, limit, func(r *record.Run) bool {
			all = append(all, clone(r))
			return true
		})
		ok(t, err)
		if len(all) > n+limit {
			t.Fatalf("a page has %d runs, want at most %d", len(all)-n, limit)
		}
		if len(all) == n && !done {
			t.Fatal("a page is empty, and is not the last")
		}
	}
	return all
}

// names are the names of runs.
func names(runs []record.Run) (all []string) {
	for _, r := range runs {
		all = append(all, r.Name)
	}
	return all
}

func ptr[T any](v T) *T { return &v }

func ofModel(key int64) store.RunSet   { return store.RunSet{Model: &key} }
func ofProject(key int64) store.RunSet { return store.RunSet{Project: &key} }
