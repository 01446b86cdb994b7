// Package storetest is the suite that the store passes on every engine, and
// what tests of the doors need of a store.
package storetest

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
)

// Engine is a kind of database that tests run on.
type Engine struct {
	Name       string
	Partitions int
	Database   func(testing.TB) string // makes an empty database
}

// Engines are the kinds of databases that every test of the store runs on. The
// third shows that the schema and all statements keep to the discipline that a
// distributed PostgreSQL asks for.
func Engines() []Engine {
	return []Engine{
		{"sqlite", 0, func(t testing.TB) string { return filepath.Join(t.TempDir(), "modeldb.db") }},
		{"postgres", 0, Postgres},
		{"partitioned", 4, Postgres},
	}
}

// Each runs a test on every engine, each time on an empty store.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			s, _ := Open(t, e, store.Options{})
			test(t, s)
		})
	}
}

// Open opens a store on an empty database, which it returns too. After the
// test, the store is closed and the database checked: whatever a test did, no
// fault may be left.
func Open(t testing.TB, e Engine, o store.Options) (*store.Store, string) {
	t.Helper()
	database := e.Database(t)
	o.Partitions = e.Partitions
	s, err := store.Open(t.Context(), database, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		Check(t, database)
	})
	return s, database
}

// Check fails the test for each fault that the database has.
func Check(t testing.TB, database string) {
	t.Helper()
	report, err := store.Check(context.Background(), database, nil, func(fault string) { t.Errorf("fault: %s", fault) })
	if err != nil {
		t.Errorf("check: %v", err)
	}
	if report.Faults > 0 {
		t.Errorf("%d faults", report.Faults)
	}
}

// By is who makes the changes of tests.
const By record.Actor = "test"

// Project makes a project.
func Project(t testing.TB, s *store.Store, name string) record.Project {
	t.Helper()
	p, err := s.CreateProject(t.Context(), record.Project{Name: name}, By)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Model makes a model in a project of its own.
func Model(t testing.TB, s *store.Store, name string) record.Model {
	t.Helper()
	m, err := s.CreateModel(t.Context(), record.Model{Project: Project(t, s, "project of "+name).Key, Name: name}, By)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Run makes a run that has something of everything.
func Run(t testing.TB, s *store.Store, model int64, name string) *record.Run {
	t.Helper()
	r, err := s.CreateRun(t.Context(), FullRun(model, name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FullRun is a run that has something of everything, before it is kept.
func FullRun(model int64, name string) record.Run {
	return record.Run{
		Model: model, Name: name,
		Params:      []record.Param{{Key: "depth", Value: "8"}, {Key: "opt", Value: strconv.Quote("adam")}},
		Datasets:    []record.DatasetUse{record.TextDataset(record.RoleTest, "s3://data/test"), record.TextDataset(record.RoleTraining, "s3://data/train")},
		Metrics:     []record.Metric{{Key: "accuracy", Point: record.Point{Value: 0.93}}},
		Evaluations: []record.Evaluation{{Key: "confusion", Value: "[[1,2],[3,4]]"}},
		Artifacts:   []record.ArtifactRef{{Key: "model", Value: strconv.Quote("s3://models/m.onnx")}},
		Given:       record.GivenParams | record.GivenEvaluations | record.GivenArtifacts,
	}
}
