package crash

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"modeldb/internal/record"
)

// Every fault that is made on purpose is found and named, with exit code 1.
func TestCheckNamesEachFault(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := start(t, p, freePort(t))
		j := newJournal()
		c := &client{t: t, a: newAPI(s.base), j: j, name: "c"}
		defer c.a.close()
		// Three projects, each with a model, a small and a large experiment.
		var kept [3]struct{ project, model, small, large *made }
		for i := range kept {
			k := &kept[i]
			k.project = c.newProject()
			k.model = c.newModel(k.project)
			k.small, k.large = c.newExperiment(k.model, false), c.newExperiment(k.model, true)
			if k.small == nil || k.large == nil {
				t.Fatal("the first writes failed")
			}
		}
		s.stop(t)
		out, code := check(t, p)
		if code != 0 || !strings.Contains(out, "no faults") || !strings.Contains(out, "6 experiments") {
			t.Fatalf("modeldb check before any fault: exit %d\n%s", code, out)
		}

		key := func(table string, m *made) string {
			id := "x'" + m.id + "'"
			if p.database != "" {
				id = `'\x` + m.id + "'"
			}
			return fmt.Sprintf("(select key from %s where id = %s)", table, id)
		}
		corrupt := "x'07'"
		if p.database != "" {
			corrupt = `'\x07'`
		}
		// All faults at once: each must be named all the same.
		meddle(t, p,
			"delete from model where key = "+kept[0].model.id,
			fmt.Sprintf("delete from project where key = %d", number(t, kept[1].project.id)),
			fmt.Sprintf("update run set packed = %s where key = %s", corrupt, key("run", kept[2].small)),
			"delete from metric_chunk where run = "+key("run", kept[2].large),
			fmt.Sprintf("update metric_chunk set body = %s where run = %s", corrupt, key("run", kept[1].large)),
			"delete from metric_chunk where run = "+key("run", kept[0].small),
			"delete from dataset where name = "+"'"+strings.TrimPrefix(kept[1].small.name, "experiment/")+"'",
			fmt.Sprintf("insert into run_tail (run, seq, model, n, body) values (5, 1, 1, 0, %s)", corrupt),
			fmt.Sprintf("insert into run_tail (run, seq, model, n, body) values (%s, 1, %s, 0, %s)", key("run", kept[1].small), kept[1].model.id, corrupt),
		)
		out, code = check(t, p)
		if code != 1 {
			t.Errorf("modeldb check: exit %d instead of 1", code)
		}
		for _, want := range []struct{ what, who string }{
			{"a run belongs to a model that is not there", ""},
			{"a model belongs to a project that is not there", kept[1].model.id},
			{"a packed run is corrupt", kept[2].small.id},
			{"the latest value of \"accuracy\" is not the last of its points", kept[2].large.id},
			{"its points: metric body is corrupt", kept[1].large.id},
			{"entry 1: a packed run is corrupt", kept[1].small.id},
			{"the latest value of \"accuracy\" is not the last of its points", kept[0].small.id},
			{"a run uses a dataset that is not there", ""},
			{"a run's tail belongs to a run that is not there", "5"},
		} {
			named := slices.ContainsFunc(strings.Split(out, "\n"), func(line string) bool {
				return strings.HasPrefix(line, "fault:") && strings.Contains(line, want.what) && strings.Contains(line, want.who)
			})
			if !named {
				t.Errorf("not named: %s (%s)", want.what, want.who)
			}
		}
		if t.Failed() {
			t.Log(out)
		}
	})
}

// A file that was cut, or overwritten in part, is a fault or an error, never a
// pass and never a crash.
func TestCheckFindsADamagedFile(t *testing.T) {
	p := place{data: t.TempDir()}
	s := start(t, p, freePort(t))
	j := newJournal()
	c := &client{t: t, a: newAPI(s.base), j: j, name: "c"}
	defer c.a.close()
	m := c.newModel(c.newProject())
	for range 200 {
		c.newExperiment(m, false)
	}
	s.stop(t)
	sound(t, p)
	whole, err := os.ReadFile(p.file())
	if err != nil {
		t.Fatal(err)
	}
	page := 4096
	for name, damaged := range map[string][]byte{
		"cut to half":     whole[:len(whole)/2/page*page],
		"cut in a page":   whole[:len(whole)-page/2],
		"one page less":   whole[:len(whole)-page],
		"cut to a page":   whole[:page],
		"cut to its head": whole[:100],
		"a page of zeros": slices.Concat(whole[:len(whole)/2/page*page], make([]byte, page), whole[len(whole)/2/page*page+page:]),
		"no database":     []byte(strings.Repeat("this is not a database\n", 1000)),
		"empty":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			p := place{data: t.TempDir()}
			if err := os.WriteFile(p.file(), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			out, code := check(t, p)
			if code != 1 || strings.Contains(out, "no faults") || strings.Contains(out, "panic") || len(out) < 20 {
				t.Errorf("exit %d:\n%s", code, out)
			}
			if strings.Contains(out, "Model DB schema: serve makes it") && len(damaged) > 0 {
				t.Errorf("check says that there is no schema:\n%s", out)
			}
			if got, err := os.ReadFile(p.file()); err != nil || !bytes.Equal(got, damaged) {
				t.Errorf("check changed the file: %v", err)
			}
		})
	}
}

// A database of a newer program is refused and left alone.
func TestNewerSchemaIsLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := start(t, p, freePort(t))
		j := newJournal()
		share(t, s, j, "newer")
		s.stop(t)
		meddle(t, p, "insert into modeldb_schema (version, applied) values (99, 0)")
		before := dump(t, p)
		out, code := check(t, p)
		if code != 1 || !strings.Contains(out, "99") || !strings.Contains(out, "newer") {
			t.Errorf("check: exit %d\n%s", code, out)
		}
		s = launch(t, p, freePort(t))
		<-s.ended
		if code := s.cmd.ProcessState.ExitCode(); code != 1 {
			t.Errorf("serve: exit %d instead of 1", code)
		}
		if text := s.tail(); !strings.Contains(text, "99") || !strings.Contains(text, "newer") {
			t.Errorf("serve does not say clearly why it ends:\n%s", text)
		}
		same(t, before, dump(t, p))
		// And when the newer program has made its peace with this one:
		meddle(t, p, "delete from modeldb_schema where version = 99")
		s = start(t, p, freePort(t))
		j.verify(t, s)
	})
}

// The tables of the first service are in the same database, and nobody's
// business.
func TestTablesOfTheFirstServiceAreLeftAlone(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		meddle(t, p,
			"create table projects (project_id varchar(255) primary key, project_name varchar(255) not null unique, description text, created_datetime timestamp not null)",
			"create table models (model_id varchar(255) primary key, project_id varchar(255) not null references projects, model_name varchar(255) not null, description text, created_datetime timestamp not null)",
			"create table experiments (experiment_id varchar(255) primary key, model_id varchar(255) not null references models, model_version_id varchar(255) not null, parameters text, training_dataset text, validation_dataset text, test_dataset text, evaluations text, artifact_file_paths text, created_datetime timestamp not null)",
			"insert into projects values ('123abc', 'old', 'first service', '2021-01-01 00:00:00')",
			"insert into models values ('456def', '123abc', 'old model', null, '2021-01-02 00:00:00')",
			"insert into experiments values ('789fed', '456def', 'v1', '{\"a\": 1}', 'train', null, null, '{\"b\": 2}', null, '2021-01-03 00:00:00')",
		)
		before := dump(t, p)
		s := start(t, p, freePort(t))
		j := newJournal()
		share(t, s, j, "beside")
		j.verify(t, s)
		a := newAPI(s.base)
		defer a.close()
		if r, err := a.call(http.MethodGet, "projects/name/old", nil); err != nil || r.status != http.StatusNotFound {
			t.Errorf("a project of the first service: %v, status %d: %s", err, r.status, r.body)
		}
		if code := s.stop(t); code != 0 {
			t.Errorf("exit code %d\n%s", code, s.tail())
		}
		sound(t, p)
		after := dump(t, p)
		maps.DeleteFunc(after, func(table string, _ []string) bool { _, there := before[table]; return !there })
		same(t, before, after)
	})
}

func number(t *testing.T, project string) int64 {
	t.Helper()
	key, err := record.ParseProjectID(project)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// meddle runs statements on a database behind the program's back, without
// regard to references.
func meddle(t *testing.T, p place, statements ...string) {
	t.Helper()
	if p.database != "" {
		c := connect(t, p.database)
		for _, sql := range append([]string{"set session_replication_role = replica"}, statements...) {
			if _, err := c.Exec(context.Background(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		return
	}
	c, err := sqlite.OpenConn(p.file())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, sql := range append([]string{"pragma foreign_keys = off"}, statements...) {
		if err := sqlitex.ExecuteTransient(c, sql, nil); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// dump returns the rows of all tables as texts.
func dump(t *testing.T, p place) map[string][]string {
	t.Helper()
	tables := map[string][]string{}
	if p.database != "" {
		ctx := context.Background()
		c := connect(t, p.database)
		var names []string
		if err := c.QueryRow(ctx, `select array_agg(tablename::text) from pg_tables where schemaname = 'public'`).Scan(&names); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			var rows []string
			sql := fmt.Sprintf(`select coalesce(array_agg(x::text order by x::text), '{}') from %s x`, name)
			if err := c.QueryRow(ctx, sql).Scan(&rows); err != nil {
				t.Fatal(err)
			}
			tables[name] = rows
		}
		return tables
	}
	c, err := sqlite.OpenConn(p.file(), sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	read := func(sql string, each func(*sqlite.Stmt)) {
		err := sqlitex.ExecuteTransient(c, sql, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error { each(s); return nil }})
		if err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	read(`select name from sqlite_schema where type = 'table'`, func(s *sqlite.Stmt) { names = append(names, s.ColumnText(0)) })
	for _, name := range names {
		rows := []string{}
		read("select * from "+name, func(s *sqlite.Stmt) {
			var row []string
			for i := range s.ColumnCount() {
				row = append(row, s.ColumnText(i))
			}
			rows = append(rows, strings.Join(row, "|"))
		})
		slices.Sort(rows)
		tables[name] = rows
	}
	return tables
}

func same(t *testing.T, before, after map[string][]string) {
	t.Helper()
	if len(before) != len(after) {
		t.Errorf("there are %d tables instead of %d", len(after), len(before))
	}
	for name, rows := range before {
		if !slices.Equal(rows, after[name]) {
			t.Errorf("the table %s has changed", name)
		}
	}
}
