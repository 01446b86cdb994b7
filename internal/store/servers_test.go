package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// gate is a server whose next commit waits until another call has come as far
// as it can: to its end, or to a lock that this server holds.
type gate struct {
	*store.Store
	hold     atomic.Bool
	database string
	other    atomic.Pointer[func() error]
	answer   chan error
}

// twoServers opens two stores on one PostgreSQL database.
func twoServers(t *testing.T) (*gate, *store.Store) {
	t.Helper()
	database := storetest.Postgres(t)
	g := &gate{database: database, answer: make(chan error, 1)}
	var err error
	g.Store, err = store.Open(t.Context(), database, store.Options{Around: func(call string, do func() error) error {
		if call == "commit" && g.hold.CompareAndSwap(true, false) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				g.answer <- (*g.other.Load())()
			}()
			g.untilWaitsOr(t, ended)
		}
		return do()
	}})
	ok(t, err)
	s, err := store.Open(t.Context(), database, store.Options{})
	ok(t, err)
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		storetest.Check(t, database)
	})
	return g, s
}

// untilWaitsOr returns when a session waits for a lock, or ended is closed.
func (g *gate) untilWaitsOr(t *testing.T, ended chan struct{}) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, bare(g.database))
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close(ctx)
	for {
		select {
		case <-ended:
			return
		case <-time.After(2 * time.Millisecond):
		}
		waits := 0
		err := c.QueryRow(ctx, `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&waits)
		if err != nil {
			t.Error(err)
			return
		}
		if waits > 0 {
			return
		}
	}
}

// meanwhile does first on the gate, and second, on the other server, before
// first's commit.
func (g *gate) meanwhile(first, second func() error) (error, error) {
	g.other.Store(&second)
	g.hold.Store(true)
	err := first()
	return err, <-g.answer
}

// agreed fails the test unless exactly so many of two calls went well and the
// rest was refused.
func agreed(t *testing.T, want int, errs ...error) {
	t.Helper()
	well := 0
	for _, err := range errs {
		if err == nil {
			well++
		} else if kind := record.KindOf(err); kind != record.NotFound && kind != record.Conflict {
			t.Errorf("got the error %v, want a refusal", err)
		}
	}
	if well != want {
		t.Errorf("%d calls went well, want %d: %v", well, want, errs)
	}
}

// Two servers change the same records at once: what one does between the look
// and the commit of the other must not leave a state, or events, that no order
// of the two gives. The check of the database looks for faults at the end.
func TestTwoServersOnOneDatabaseAgree(t *testing.T) {
	type servers struct {
		a       *gate
		b       *store.Store
		p       record.Project
		m       record.Model
		r       record.Run
		ctx     context.Context
		changes func() int // events of p, m and r after their creation
	}
	for name, test := range map[string]func(t *testing.T, x *servers){
		"create model, delete project": func(t *testing.T, x *servers) {
			x.a.meanwhile(
				func() error { return second(x.a.CreateModel(x.ctx, record.Model{Project: x.p.Key, Name: "new"}, "a")) },
				func() error { return second(x.b.DeleteProject(x.ctx, x.p.Key, "b")) })
		},
		"delete project, create model": func(t *testing.T, x *servers) {
			x.a.meanwhile(
				func() error { return second(x.a.DeleteProject(x.ctx, x.p.Key, "a")) },
				func() error { return second(x.b.CreateModel(x.ctx, record.Model{Project: x.p.Key, Name: "new"}, "b")) })
		},
		"delete project twice": func(t *testing.T, x *servers) {
			one, two := x.a.meanwhile(
				func() error { return second(x.a.DeleteProject(x.ctx, x.p.Key, "a")) },
				func() error { return second(x.b.DeleteProject(x.ctx, x.p.Key, "b")) })
			agreed(t, 1, one, two)
			same(t, x.changes(), 1)
		},
		"delete model twice": func(t *testing.T, x *servers) {
			one, two := x.a.meanwhile(
				func() error { return second(x.a.DeleteModel(x.ctx, x.m.Key, "a")) },
				func() error { return second(x.b.DeleteModel(x.ctx, x.m.Key, "b")) })
			agreed(t, 1, one, two)
			same(t, x.changes(), 1)
		},
		"delete run twice": func(t *testing.T, x *servers) {
			one, two := x.a.meanwhile(
				func() error { return second(x.a.DeleteRun(x.ctx, x.r.ID, "a")) },
				func() error { return second(x.b.DeleteRun(x.ctx, x.r.ID, "b")) })
			agreed(t, 1, one, two)
			same(t, x.changes(), 1)
		},
		"restore model, delete project": func(t *testing.T, x *servers) {
			must(x.a.DeleteModel(x.ctx, x.m.Key, "a"))(t)
			x.a.meanwhile(
				func() error { return second(x.a.RestoreModel(x.ctx, x.m.Key, "a")) },
				func() error { return second(x.b.DeleteProject(x.ctx, x.p.Key, "b")) })
		},
		"delete project, restore model": func(t *testing.T, x *servers) {
			must(x.a.DeleteModel(x.ctx, x.m.Key, "a"))(t)
			x.a.meanwhile(
				func() error { return second(x.a.DeleteProject(x.ctx, x.p.Key, "a")) },
				func() error { return second(x.b.RestoreModel(x.ctx, x.m.Key, "b")) })
		},
		"delete model, delete project": func(t *testing.T, x *servers) {
			x.a.meanwhile(
				func() error { return second(x.a.DeleteModel(x.ctx, x.m.Key, "a")) },
				func() error { return second(x.b.DeleteProject(x.ctx, x.p.Key, "b")) })
		},
		"delete project, describe model": func(t *testing.T, x *servers) {
			x.a.meanwhile(
				func() error { return second(x.a.DeleteProject(x.ctx, x.p.Key, "a")) },
				func() error { return second(x.b.DescribeModel(x.ctx, x.m.Key, ptr("d"), "b")) })
		},
		"restore project twice": func(t *testing.T, x *servers) {
			must(x.a.DeleteProject(x.ctx, x.p.Key, "a"))(t)
			one, two := x.a.meanwhile(
				func() error { return second(x.a.RestoreProject(x.ctx, x.p.Key, "a")) },
				func() error { return second(x.b.RestoreProject(x.ctx, x.p.Key, "b")) })
			agreed(t, 2, one, two)
			same(t, x.changes(), 2)
		},
		"restore model twice": func(t *testing.T, x *servers) {
			must(x.a.DeleteModel(x.ctx, x.m.Key, "a"))(t)
			one, two := x.a.meanwhile(
				func() error { return second(x.a.RestoreModel(x.ctx, x.m.Key, "a")) },
				func() error { return second(x.b.RestoreModel(x.ctx, x.m.Key, "b")) })
			agreed(t, 2, one, two)
			same(t, x.changes(), 2)
		},
		"restore project, create its namesake": func(t *testing.T, x *servers) {
			must(x.a.DeleteProject(x.ctx, x.p.Key, "a"))(t)
			x.a.meanwhile(
				func() error { return second(x.a.RestoreProject(x.ctx, x.p.Key, "a")) },
				func() error { return second(x.b.CreateProject(x.ctx, record.Project{Name: x.p.Name}, "b")) })
			same(t, must(x.b.Projects(x.ctx, -1, 10))(t), []record.Project{x.p})
		},
		"create project twice": func(t *testing.T, x *servers) {
			var one, two record.Project
			x.a.meanwhile(
				func() (err error) { one, err = x.a.CreateProject(x.ctx, record.Project{Name: "new"}, "a"); return err },
				func() (err error) { two, err = x.b.CreateProject(x.ctx, record.Project{Name: "new"}, "b"); return err })
			same(t, two, one)
		},
		"create model twice": func(t *testing.T, x *servers) {
			var one, two record.Model
			create := func(s *store.Store, m *record.Model) (err error) {
				*m, err = s.CreateModel(x.ctx, record.Model{Project: x.p.Key, Name: "new"}, "a")
				return err
			}
			x.a.meanwhile(func() error { return create(x.a.Store, &one) }, func() error { return create(x.b, &two) })
			same(t, two, one)
		},
		"create registered model twice": func(t *testing.T, x *servers) {
			create := func(s *store.Store) error {
				return second(s.CreateRegisteredModel(x.ctx, store.NewRegisteredModel{Project: &x.p.Key, Name: "new"}, byTest))
			}
			one, two := x.a.meanwhile(func() error { return create(x.a.Store) }, func() error { return create(x.b) })
			agreed(t, 1, one, two)
			same(t, x.changes(), 1)
		},
		"delete project, create registered model": func(t *testing.T, x *servers) {
			x.a.meanwhile(
				func() error { return second(x.a.DeleteProject(x.ctx, x.p.Key, "a")) },
				func() error {
					return second(x.b.CreateRegisteredModel(x.ctx, store.NewRegisteredModel{Project: &x.p.Key, Name: "new"}, byTest))
				})
		},
		"create version twice": func(t *testing.T, x *servers) {
			registered(t, x.a.Store, "r")
			var one, two record.ModelVersion
			create := func(s *store.Store, v *record.ModelVersion) (err error) {
				*v, err = s.CreateModelVersion(x.ctx, store.NewModelVersion{ModelVersion: record.ModelVersion{FullName: "r"}}, byTest)
				return err
			}
			x.a.meanwhile(func() error { return create(x.a.Store, &one) }, func() error { return create(x.b, &two) })
			same(t, []int64{one.Version, two.Version}, []int64{1, 2})
		},
		"delete registered model, create version": func(t *testing.T, x *servers) {
			registered(t, x.a.Store, "r")
			one, two := x.a.meanwhile(
				func() error { return x.a.DeleteRegisteredModel(x.ctx, "r", byTest) },
				func() error {
					return second(x.b.CreateModelVersion(x.ctx, store.NewModelVersion{ModelVersion: record.ModelVersion{FullName: "r"}}, byTest))
				})
			agreed(t, 1, one, two)
		},
		"delete version, set alias": func(t *testing.T, x *servers) {
			registered(t, x.a.Store, "r")
			version(t, x.b, "r")
			one, two := x.a.meanwhile(
				func() error { return x.a.DeleteModelVersion(x.ctx, "r", 1, byTest) },
				func() error { return x.b.SetAlias(x.ctx, "r", "a", 1, byTest) })
			agreed(t, 1, one, two)
		},
		"set alias twice": func(t *testing.T, x *servers) {
			registered(t, x.a.Store, "r")
			version(t, x.b, "r")
			version(t, x.b, "r")
			one, two := x.a.meanwhile(
				func() error { return x.a.SetAlias(x.ctx, "r", "a", 1, byTest) },
				func() error { return x.b.SetAlias(x.ctx, "r", "a", 2, byTest) })
			agreed(t, 2, one, two)
			same(t, must(x.a.AliasedVersion(x.ctx, "r", "a"))(t).Version, int64(2))
			aliases, _, err := x.b.Releases(x.ctx, "r")
			ok(t, err)
			same(t, len(aliases), 2)
		},
		"move stage twice": func(t *testing.T, x *servers) {
			registered(t, x.a.Store, "r")
			version(t, x.b, "r")
			version(t, x.b, "r")
			one, two := x.a.meanwhile(
				func() error { return second(x.a.MoveStage(x.ctx, "r", 1, record.StageProduction, true, byTest)) },
				func() error { return second(x.b.MoveStage(x.ctx, "r", 2, record.StageProduction, true, byTest)) })
			agreed(t, 2, one, two)
			same(t, must(x.a.ModelVersion(x.ctx, "r", 1))(t).Stage, record.StageArchived)
		},
		"merge into one run": func(t *testing.T, x *servers) {
			one, two := x.a.meanwhile(
				func() error {
					return second(x.a.AddArtifacts(x.ctx, x.r.ID, []record.ArtifactRef{{Key: "a", Value: "1"}}))
				},
				func() error {
					return second(x.b.AddArtifacts(x.ctx, x.r.ID, []record.ArtifactRef{{Key: "b", Value: "2"}}))
				})
			agreed(t, 2, one, two)
			same(t, must(x.b.Run(x.ctx, x.r.ID))(t).Artifacts, []record.ArtifactRef{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := twoServers(t)
			x := &servers{a: a, b: b, ctx: t.Context(), p: storetest.Project(t, a.Store, "p")}
			x.m = model(t, b, x.p.Key, "m")
			x.r = newRun(t, b, x.m.Key, "r")
			before := len(events(t, a.database))
			x.changes = func() int { return len(events(t, a.database)) - before }
			test(t, x)
		})
	}
}

// Any number of servers may start at once on an empty database.
func TestServersThatStartAtOnceMakeOneSchema(t *testing.T) {
	t.Parallel()
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			database := e.Database(t)
			var all [8]*store.Store
			start := make(chan struct{})
			answers := make(chan error, len(all))
			for i := range all {
				go func() {
					<-start
					var err error
					all[i], err = store.Open(t.Context(), database, store.Options{Partitions: e.Partitions})
					answers <- err
				}()
			}
			close(start)
			for range all {
				if err := <-answers; err != nil {
					t.Error(err)
				}
			}
			for i, s := range all {
				if s == nil {
					continue
				}
				newRun(t, s, record.DefaultModel, fmt.Sprint(i))
				ok(t, s.Close())
			}
			storetest.Check(t, database)
			same(t, texts(t, database, `select cast(version as text) from modeldb_schema`), []string{"1", "2", "3", "4", "5"})
		})
	}
}
