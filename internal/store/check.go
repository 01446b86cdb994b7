package store

import (
	"context"
	"fmt"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// Report says what Check looked at and found.
type Report struct {
	Schema                 int64
	Projects, Models, Runs int64
	Faults                 int
}

// Check opens a database, makes nothing, and looks for faults: it verifies the
// schema's version, the database's own integrity, that whatever is referred to
// is there, and that each run's lists are whole and its latest metrics the last of
// its points. Each fault is
// given to fault as a sentence.
func Check(ctx context.Context, database string, fault func(string)) (Report, error) {
	var rep Report
	s, err := open(ctx, database, false, Options{})
	if err != nil {
		return rep, err
	}
	defer s.db.close()
	report := func(format string, args ...any) {
		rep.Faults++
		fault(fmt.Sprintf(format, args...))
	}
	if rep.Schema, err = s.version(ctx, s.db); err != nil {
		return rep, err
	}
	if rep.Schema == 0 {
		return rep, errNoSchema
	}
	if rep.Schema < schemaVersion {
		report("the schema has version %d; serve brings it to version %d", rep.Schema, schemaVersion)
		return rep, nil
	}
	if err := s.db.integrity(ctx, func(text string) { report("%s", text) }); err != nil {
		return rep, err
	}
	for _, count := range []struct {
		sql string
		n   *int64
	}{
		{`select count(*) from project`, &rep.Projects},
		{`select count(*) from model`, &rep.Models},
		{`select count(*) from run`, &rep.Runs},
	} {
		n, err := one(s.reading(ctx), func(r row) int64 { return r.Int(0) }, count.sql)
		if err != nil {
			return rep, err
		}
		*count.n = deref(n)
	}
	if err := s.checkReferences(ctx, report); err != nil {
		return rep, err
	}
	return rep, s.checkRuns(ctx, report)
}

// references are queries for rows that refer to something that is not there.
// Each gives the key at fault.
var references = []struct{ what, sql string }{
	{"a model belongs to a project that is not there", `select m.key from model m left join project p on p.key = m.project where p.key is null`},
	{"a model is live although its project is deleted", `select m.key from model m join project p on p.key = m.project where m.full_name is not null and p.deleted is not null`},
	{"a model is neither deleted nor has it a full name, although its project is live", `select m.key from model m join project p on p.key = m.project where m.full_name is null and m.deleted is null and p.deleted is null`},
	{"a run belongs to a model that is not there", `select r.key from run r left join model m on m.key = r.model where m.key is null`},
	{"a parameter belongs to a run that is not there", `select c.run from param c left join run r on r.key = c.run where r.key is null`},
	{"a use of a dataset belongs to a run that is not there", `select c.run from dataset_use c left join run r on r.key = c.run where r.key is null`},
	{"a run uses a dataset that is not there", `select c.run from dataset_use c left join dataset d on d.key = c.dataset where d.key is null`},
	{"a latest metric belongs to a run that is not there", `select c.run from latest_metric c left join run r on r.key = c.run where r.key is null`},
	{"a latest metric has a key that is not there", `select c.run from latest_metric c left join metric_key k on k.key = c.metric where k.key is null`},
	{"points belong to a run that is not there", `select c.run from metric_tail c left join run r on r.key = c.run where r.key is null`},
	{"an evaluation belongs to a run that is not there", `select c.run from evaluation c left join run r on r.key = c.run where r.key is null`},
	{"an artifact's address belongs to a run that is not there", `select c.run from artifact_ref c left join run r on r.key = c.run where r.key is null`},
	{"an event belongs to a run that is not there", `select c.run from run_event c left join run r on r.key = c.run where r.key is null`},
}

func (s *Store) checkReferences(ctx context.Context, report func(string, ...any)) error {
	for _, ref := range references {
		err := s.query(ctx, ref.sql, nil, func(r row) error {
			report("%s: key %d", ref.what, r.Int(0))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const checkRunsSQL = `
	select ` + runColumns + `, r.key
	from run r
	where r.key > $1
	order by r.key
	limit 100`

// checkRuns compares, for every run, its key with its id, its packed lists with
// its rows, and its latest metrics with its points.
func (s *Store) checkRuns(ctx context.Context, report func(string, ...any)) error {
	after := int64(-1)
	for {
		var last int64 = -1
		err := s.db.snapshot(ctx, func(c conn) error {
			from := snapshot{ctx, c}
			type keyed struct {
				runRow
				key int64
			}
			page, err := list(from, func(r row) keyed { return keyed{scanRun(r), r.Int(11)} }, checkRunsSQL, after)
			for i := range page {
				r := &page[i]
				last = r.key
				if r.Run.Key() != r.key {
					report("the run %s has the key %d, which is not its id's", r.ID, r.key)
				}
				if err := s.checkRun(from, &r.runRow, report); err != nil {
					return err
				}
			}
			return err
		})
		if err != nil || last < 0 {
			return err
		}
		after = last
	}
}

func (s *Store) checkRun(from reader, r *runRow, report func(string, ...any)) error {
	rows := record.Run{ID: r.ID}
	if err := readRows(from, &rows); err != nil {
		return err
	}
	if r.packed {
		lists := record.Run{ID: r.ID}
		if err := unpack(r.lists, &lists); err != nil {
			report("the run %s: %v", r.ID, err)
			return nil
		}
		if len(rows.Params)+len(rows.Metrics)+len(rows.Evaluations)+len(rows.Artifacts) > 0 {
			report("the run %s is packed, and has rows too", r.ID)
		}
		if !slices.Equal(lists.Datasets, rows.Datasets) {
			report("the run %s: its packed datasets are not those of its rows", r.ID)
		}
		rows = lists
	}
	latest := map[string]record.Point{}
	names, err := s.names(from, rows.Metrics)
	if err != nil {
		return err
	}
	err = from.query(`select body from metric_tail where run = $1`, []any{r.Key()}, func(row row) error {
		return metric.ReadTail(row.Bytes(0), func(int64) bool { return true }, func(key int64, p record.Point) {
			name, ok := names[key]
			if !ok {
				name = fmt.Sprintf("number %d", key)
			}
			if q, ok := latest[name]; !ok || p.After(q) {
				latest[name] = p
			}
		})
	})
	if err != nil {
		report("the run %s: its points: %v", r.ID, err)
		return nil
	}
	for _, m := range rows.Metrics {
		if p, ok := latest[m.Key]; !ok || p.Compare(m.Point) != 0 {
			report("the run %s: the latest value of %s is not the last of its points", r.ID, record.Quote(m.Key))
		}
		delete(latest, m.Key)
	}
	for key := range latest {
		report("the run %s: there are points of %s, and no latest value", r.ID, record.Quote(key))
	}
	return nil
}

// names returns the names of metrics by their numbers.
func (s *Store) names(from reader, metrics []record.Metric) (map[int64]string, error) {
	names := map[int64]string{}
	for _, m := range metrics {
		key, err := one(from, func(r row) int64 { return r.Int(0) }, `select key from metric_key where name = $1`, m.Key)
		if err != nil {
			return nil, err
		}
		if key != nil {
			names[*key] = m.Key
		}
	}
	return names, nil
}
