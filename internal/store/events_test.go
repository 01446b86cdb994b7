package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// texts reads rows with one text column straight from a database.
func texts(t testing.TB, database, sql string) (all []string) {
	t.Helper()
	if strings.HasPrefix(database, "postgres://") {
		c, err := pgx.Connect(t.Context(), bare(database))
		ok(t, err)
		defer c.Close(context.Background())
		rows, err := c.Query(t.Context(), sql)
		ok(t, err)
		return must(pgx.CollectRows(rows, pgx.RowTo[string]))(t)
	}
	c, err := sqlite.OpenConn(database, sqlite.OpenReadOnly)
	ok(t, err)
	defer c.Close()
	ok(t, sqlitex.ExecuteTransient(c, sql, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		all = append(all, s.ColumnText(0))
		return nil
	}}))
	return all
}

// bare is an address without the settings of a pool, which one connection
// does not know.
func bare(database string) string {
	url, _, _ := strings.Cut(database, "?")
	return url
}

// events are those of projects and models, then those of runs, as texts.
func events(t testing.TB, database string) []string {
	t.Helper()
	return append(
		texts(t, database, `select actor || ' ' || kind || ' ' || object || ' ' || cast(id as text) || ' ' || before || ' ' || after from event order by key`),
		texts(t, database, `select actor || ' ' || kind || ' run ' || cast(run as text) || ' ' || before || ' ' || after from run_event order by key`)...)
}

func TestEachChangeAppendsOneEventAndARefusedOneNone(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, database string) {
		ctx := t.Context()
		var want, ofRuns []string
		appended := func(actor, kind, object string, key int64, before, after string) {
			t.Helper()
			event := fmt.Sprintf("%s %s %s %d %s %s", actor, kind, object, key, before, after)
			if object == "run" {
				ofRuns = append(ofRuns, event)
			} else {
				want = append(want, event)
			}
			same(t, events(t, database), append(append([]string{}, want...), ofRuns...))
		}
		nothing := func() {
			t.Helper()
			same(t, events(t, database), append(append([]string{}, want...), ofRuns...))
		}

		p := must(s.CreateProject(ctx, record.Project{Name: "p", Description: ptr(`d"d`)}, "ann"))(t)
		appended("ann", "created", "project", p.Key, "", `{"description":"d\"d","project_name":"p"}`)
		must(s.CreateProject(ctx, record.Project{Name: "p"}, "ann"))(t)
		nothing()
		m := must(s.CreateModel(ctx, record.Model{Project: p.Key, Name: "m"}, "bob"))(t)
		appended("bob", "created", "model", m.Key, "", fmt.Sprintf(`{"description":null,"model_name":"m","project_id":"%s"}`, record.ProjectID(p.Key)))
		must(s.CreateModel(ctx, record.Model{Project: p.Key, Name: "m"}, "bob"))(t)
		r := newRun(t, s, m.Key, "r")
		merge(t, s, r.ID, record.Member{Key: "a", Value: "1"})
		nothing() // creating a run and logging to it are their own record

		must(s.DescribeProject(ctx, p.Key, nil, "ann"))(t)
		appended("ann", "described", "project", p.Key, `{"description":"d\"d"}`, `{"description":null}`)
		must(s.DescribeModel(ctx, m.Key, ptr("e"), "ann"))(t)
		appended("ann", "described", "model", m.Key, `{"description":null}`, `{"description":"e"}`)

		must(s.RestoreRun(ctx, r.ID, "ann"))(t)
		must(s.RestoreModel(ctx, m.Key, "ann"))(t)
		must(s.RestoreProject(ctx, p.Key, "ann"))(t)
		nothing() // they are live

		must(s.DeleteRun(ctx, r.ID, "ann"))(t)
		appended("ann", "deleted", "run", r.Key(), `{"model_version_id":"r"}`, "")
		refused(t, record.NotFound, second(s.DeleteRun(ctx, r.ID, "ann")))
		nothing()
		must(s.RestoreRun(ctx, r.ID, "bob"))(t)
		appended("bob", "restored", "run", r.Key(), "", `{"model_version_id":"r"}`)

		must(s.DeleteModel(ctx, m.Key, "ann"))(t)
		appended("ann", "deleted", "model", m.Key, `{"model_name":"m"}`, "")
		refused(t, record.NotFound, second(s.DescribeModel(ctx, m.Key, nil, "ann")))
		refused(t, record.NotFound, second(s.RestoreRun(ctx, r.ID, "ann")))
		nothing()
		taken := must(s.CreateModel(ctx, record.Model{Project: p.Key, Name: "m"}, "bob"))(t)
		appended("bob", "created", "model", taken.Key, "", fmt.Sprintf(`{"description":null,"model_name":"m","project_id":"%s"}`, record.ProjectID(p.Key)))
		refused(t, record.Conflict, second(s.RestoreModel(ctx, m.Key, "ann")))
		nothing()

		must(s.DeleteProject(ctx, p.Key, "ann"))(t)
		appended("ann", "deleted", "project", p.Key, `{"project_name":"p"}`, "")
		q := must(s.CreateProject(ctx, record.Project{Name: "p"}, "bob"))(t)
		appended("bob", "created", "project", q.Key, "", `{"description":null,"project_name":"p"}`)
		refused(t, record.Conflict, second(s.RestoreProject(ctx, p.Key, "ann")))
		refused(t, record.Conflict, second(s.DeleteProject(ctx, record.DefaultProject, "ann")))
		refused(t, record.Conflict, second(s.DeleteModel(ctx, record.DefaultModel, "ann")))
		nothing()
		must(s.DeleteProject(ctx, q.Key, "ann"))(t)
		appended("ann", "deleted", "project", q.Key, `{"project_name":"p"}`, "")
		must(s.RestoreProject(ctx, p.Key, "bob"))(t)
		appended("bob", "restored", "project", p.Key, "", `{"project_name":"p"}`)
	})
}

func TestEventHasTheTimeOfItsChange(t *testing.T) {
	eachTicking(t, func(t *testing.T, s *store.Store, database string) {
		p := storetest.Project(t, s, "p")
		r := newRun(t, s, record.DefaultModel, "r")
		deleted := must(s.DeleteRun(t.Context(), r.ID, storetest.By))(t)
		same(t, texts(t, database, `select cast(time as text) from event`), []string{fmt.Sprint(p.Created)})
		same(t, texts(t, database, `select cast(time as text) from run_event`), []string{fmt.Sprint(deleted.Deleted)})
	})
}

func TestManyCreatorsAppendOneEvent(t *testing.T) {
	for _, e := range storetest.Engines() {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			s, database := storetest.Open(t, e, store.Options{})
			together(t, func(int) error {
				return second(s.CreateModel(t.Context(), record.Model{Name: "m"}, storetest.By))
			})
			if all := events(t, database); len(all) != 1 {
				t.Errorf("got the events %q, want one", all)
			}
		})
	}
}
