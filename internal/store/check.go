package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// Report says what Check looked at and found.
type Report struct {
	Schema                 int64
	Projects, Models, Runs int64
	Files                  int
	Faults                 int
}

// Check opens a database, makes nothing, and looks for faults: it verifies the
// schema's version, the database's own integrity, that whatever is referred to
// is there, and that each run's lists are whole and its latest metrics the last of
// its points. Unless objects is nil, it compares the files with their bytes. Each
// fault is given to fault as a sentence.
func Check(ctx context.Context, database string, objects Objects, fault func(string)) (Report, error) {
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
	if err := s.checkRuns(ctx, report); err != nil || objects == nil {
		return rep, err
	}
	rep.Files, err = s.checkFiles(ctx, objects, report)
	return rep, err
}

// references are queries for rows that refer to something that is not there.
// Each gives the key at fault.
var references = []struct{ what, sql string }{
	{"a model belongs to a project that is not there", `select m.key from model m left join project p on p.key = m.project where p.key is null`},
	{"a model is live although its project is deleted", `select m.key from model m join project p on p.key = m.project where m.full_name is not null and p.deleted is not null`},
	{"a model is neither deleted nor has it a full name, although its project is live", `select m.key from model m join project p on p.key = m.project where m.full_name is null and m.deleted is null and p.deleted is null`},
	{"a run belongs to a model that is not there", `select r.key from run r left join model m on m.key = r.model where m.key is null`},
	{"a use of a dataset belongs to a run that is not there", `select c.run from dataset_use c left join run r on r.key = c.run where r.key is null`},
	{"a run uses a dataset that is not there", `select c.run from dataset_use c left join dataset d on d.key = c.dataset where d.key is null`},
	{"a run's tail belongs to a run that is not there", `select c.run from run_tail c left join run r on r.key = c.run where r.key is null`},
	{"a run's tail names another model than the run", `select c.run from run_tail c join run r on r.key = c.run where r.model <> c.model`},
	{"points belong to a run that is not there", `select c.run from metric_chunk c left join run r on r.key = c.run where r.key is null`},
	{"a tag belongs to a model that is not there", `select c.model from model_tag c left join model m on m.key = c.model where m.key is null`},
	{"a logged model belongs to a model that is not there", `select l.key from logged_model l left join model m on m.key = l.model where m.key is null`},
	{"a parameter belongs to a logged model that is not there", `select c.logged_model from logged_model_param c left join logged_model l on l.key = c.logged_model where l.key is null`},
	{"a tag belongs to a logged model that is not there", `select c.logged_model from logged_model_tag c left join logged_model l on l.key = c.logged_model where l.key is null`},
	{"a metric belongs to a logged model that is not there", `select c.logged_model from logged_model_metric c left join logged_model l on l.key = c.logged_model where l.key is null`},
	{"a registered model belongs to a project that is not there", `select m.key from registered_model m left join project p on p.key = m.project where p.key is null`},
	{"a registered model is live although it or its project is deleted", `select m.key from registered_model m join project p on p.key = m.project where m.full_name is not null and (m.deleted is not null or p.deleted is not null)`},
	{"a registered model is neither deleted nor has it a full name, although its project is live", `select m.key from registered_model m join project p on p.key = m.project where m.full_name is null and m.deleted is null and p.deleted is null`},
	{"a registered model has a version over its count", `select v.model from model_version v left join registered_model m on m.key = v.model where m.key is null or v.version > m.versions or v.version < 1`},
	{"a tag belongs to a registered model that is not there", `select c.model from registered_model_tag c left join registered_model m on m.key = c.model where m.key is null`},
	{"a tag belongs to a version that is not there", `select c.version from model_version_tag c left join model_version v on v.key = c.version where v.key is null`},
	{"an alias belongs to a version that is not there", `select a.model from model_alias a left join model_version v on v.model = a.model and v.version = a.version where v.key is null`},
	{"an alias points to a version that is deleted", `select a.model from model_alias a join model_version v on v.model = a.model and v.version = a.version join registered_model m on m.key = a.model where a.until is null and (v.deleted is not null or m.deleted is not null)`},
	{"a version's stage is not the one that it was moved to", `select v.key from model_version v join model_stage t on t.model = v.model and t.version = v.version where t.until is null and t.stage <> v.stage`},
	{"a version that was never moved is in a stage", `select v.key from model_version v where v.stage <> 0 and not exists (select 1 from model_stage t where t.model = v.model and t.version = v.version)`},
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
	select r.id, r.key
	from run r
	where r.key > $1
	order by r.key
	limit 100`

// checkRuns compares, for every run, its key with its id, its datasets with
// their rows, and its latest metrics with its points.
func (s *Store) checkRuns(ctx context.Context, report func(string, ...any)) error {
	after := int64(-1)
	for {
		type keyed struct {
			id  record.RunID
			key int64
		}
		page, err := list(s.reading(ctx), func(r row) (k keyed) {
			copy(k.id[:], r.Bytes(0))
			k.key = r.Int(1)
			return k
		}, checkRunsSQL, after)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, r := range page {
			if r.key <= after {
				report("the table of runs is not in order: %d comes after %d", r.key, after)
				return nil
			}
			after = r.key
			if r.id.Key() != r.key {
				report("the run %s has the key %d, which is not its id's", r.id, r.key)
				continue
			}
			if err := s.snapshot(ctx, func(from reader) error { return checkState(from, r.id, report) }); err != nil {
				return err
			}
		}
	}
}

func checkState(from reader, id record.RunID, report func(string, ...any)) error {
	state, err := readState(from, id, whole)
	if err != nil {
		if errors.Is(err, errPacked) || errors.Is(err, metric.ErrCorrupt) {
			report("%v", err)
			return nil
		}
		return err
	}
	uses, err := list(from, scanUse, usesSQL, id.Key())
	if err != nil {
		return err
	}
	slices.SortFunc(uses, compareUses)
	if !slices.EqualFunc(uses, state.Datasets, func(a, b record.DatasetUse) bool { b.Tags = nil; return compareUses(a, b) == 0 }) {
		report("the run %s: its datasets are not those of its rows", id)
	}
	latest := map[string]record.Point{}
	add := func(key string, p record.Point) {
		if q, ok := latest[key]; !ok || p.After(q) {
			latest[key] = p
		}
	}
	if err := eachPoint(from, state, add); err != nil {
		report("the run %s: its points: %v", id, err)
		return nil
	}
	for _, m := range state.Metrics {
		if p, ok := latest[m.Key]; !ok || p.Compare(m.Point) != 0 {
			report("the run %s: the latest value of %s is not the last of its points", id, record.Quote(m.Key))
		}
		delete(latest, m.Key)
	}
	for key := range latest {
		report("the run %s: there are points of %s, and no latest value", id, record.Quote(key))
	}
	return nil
}

// eachPoint gives all points of a run.
func eachPoint(from reader, state *runState, add func(key string, p record.Point)) error {
	err := from.query(`select key, seq, n, body from metric_chunk where run = $1`, []any{state.Key()}, func(r row) error {
		key := r.Text(0)
		if key == "" {
			return metric.ReadBlock(r.Bytes(3), nil, add)
		}
		points, err := metric.ReadChunk(nil, r.Bytes(3))
		for _, p := range points {
			add(key, p)
		}
		return err
	})
	for _, t := range state.entries {
		body, bad := openEntry(t.body)
		if err == nil && bad == nil {
			bad = metric.ReadSeries(body.series, nil, add)
		}
		err = cmp.Or(err, bad)
	}
	return err
}
