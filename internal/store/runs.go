package store

import (
	"context"
	"math"
	"slices"

	"modeldb/internal/record"
)

const runColumns = `r.id, r.model, r.name, r.status, r.user_name, r.started, r.ended, r.created, r.deleted, r.given, r.packed`

// A run is live when it, its model and its model's project are not deleted.
// This is asked with subqueries: SQLite plans a join with arguments anew each
// time that it runs.
const modelIsLive = `exists (select 1 from model m where m.key = r.model and m.full_name is not null)`

// runRow is a run as its own row says it, before the lists are there.
type runRow struct {
	record.Run
	lists  string // packed, and unsealed
	packed bool
}

// scan reads the columns into r, whose lists it leaves alone.
func (r *runRow) scan(from row) {
	copy(r.ID[:], from.Bytes(0))
	r.Model = from.Int(1)
	r.Name = from.Text(2)
	r.Status = record.Status(from.Int(3))
	r.User = from.Text(4)
	r.Start = from.Int(5)
	r.End = from.Int(6)
	r.Created = from.Int(7)
	r.Deleted = from.Int(8)
	r.Given = record.Given(from.Int(9))
	r.packed = !from.Null(10)
	r.lists = ""
	if r.packed {
		r.lists = unseal(from.Bytes(10))
	}
}

func scanRun(from row) (r runRow) {
	r.scan(from)
	return r
}

// foundRun is a run, and whether its model and its model's project are live.
type foundRun struct {
	runRow
	modelLive bool
}

func scanFoundRun(from row) foundRun { return foundRun{scanRun(from), !from.Null(11)} }

const runByKeySQL = `
	select ` + runColumns + `, (select m.full_name from model m where m.key = r.model)
	from run r
	where r.key = $1`

// live checks what a look-up by id found.
func (r *foundRun) live(err error, id record.RunID) error {
	switch {
	case err != nil:
		return err
	case r == nil || r.ID != id: // another id can have the same key, see record.RunID.Key
		return record.NotFound.Errorf("experiment_id", "there is no experiment with the id %q", id)
	case r.Deleted != 0:
		return record.NotFound.Errorf("experiment_id", "the experiment with the id %q was deleted at %s; restore it to see it again", id, atTime(r.Deleted))
	case !r.modelLive:
		return record.NotFound.Errorf("experiment_id", "the model %q of the experiment with the id %q, or its project, was deleted; restore it to see it again",
			record.ModelID(r.Model), id)
	}
	return nil
}

// Run returns the run with this id. NotFound: there is none, or it, its model
// or its project is deleted.
func (s *Store) Run(ctx context.Context, id record.RunID) (*record.Run, error) {
	r, err := one(s.reading(ctx), scanFoundRun, runByKeySQL, id.Key())
	if err := r.live(err, id); err != nil {
		return nil, err
	}
	return s.whole(ctx, &r.runRow)
}

// runNamedSQL has one place for the engine's condition on the name.
const runNamedSQL = `
	select ` + runColumns + `
	from run r
	where r.deleted is null
	  and ` + modelIsLive + `
	  and %s
	limit 1`

// RunNamed returns the newest live run with this name, whatever its model.
// NotFound: there is none.
func (s *Store) RunNamed(ctx context.Context, name string) (*record.Run, error) {
	var r *runRow
	var err error
	if record.CanBeName(name) {
		r, err = one(s.reading(ctx), scanRun, s.runNamedSQL, name)
	}
	if err == nil && r == nil {
		err = record.NotFound.Errorf("model_version_id", "there is no experiment with the model_version_id %s", record.Quote(name))
	}
	if err != nil {
		return nil, err
	}
	return s.whole(ctx, r)
}

// whole fills the lists of a run.
func (s *Store) whole(ctx context.Context, r *runRow) (*record.Run, error) {
	if r.packed {
		return &r.Run, unpack(r.lists, &r.Run)
	}
	// The run's own row is read again, so that all is of one state.
	var again *foundRun
	err := s.db.snapshot(ctx, func(c conn) (err error) {
		from := snapshot{ctx, c}
		if again, err = one(from, scanFoundRun, runByKeySQL, r.Key()); err != nil || again == nil {
			return err
		}
		return again.fill(from)
	})
	if err := s.readError(ctx, err); err != nil {
		return nil, err
	}
	if again == nil {
		return nil, record.NotFound.Errorf("experiment_id", "there is no experiment with the id %q", r.ID)
	}
	return &again.Run, nil
}

// fill reads the lists of r, wherever they are.
func (r *runRow) fill(from reader) error {
	if r.packed {
		return unpack(r.lists, &r.Run)
	}
	return readRows(from, &r.Run)
}

type snapshot struct {
	ctx context.Context
	c   conn
}

func (s snapshot) query(sql string, args []any, scan func(row) error) error {
	return s.c.query(s.ctx, sql, args, scan)
}

// readRows fills the lists of r from its rows, one statement for each table.
func readRows(from reader, r *record.Run) (err error) {
	key := r.Key()
	if r.Params, err = list(from, scanParam, `select key, value from param where run = $1 order by key`, key); err != nil {
		return err
	}
	if r.Datasets, err = list(from, scanUse, usesSQL, key); err != nil {
		return err
	}
	slices.SortFunc(r.Datasets, compareUses)
	if r.Metrics, err = list(from, scanMetric, latestSQL, key); err != nil {
		return err
	}
	if r.Evaluations, err = list(from, scanEvaluation, `select key, value from evaluation where run = $1 order by key`, key); err != nil {
		return err
	}
	r.Artifacts, err = list(from, scanArtifact, `select key, value from artifact_ref where run = $1 order by key`, key)
	return err
}

func scanParam(r row) record.Param { return record.Param{Key: r.Text(0), Value: r.Text(1)} }
func scanEvaluation(r row) record.Evaluation {
	return record.Evaluation{Key: r.Text(0), Value: r.Text(1)}
}
func scanArtifact(r row) record.ArtifactRef {
	return record.ArtifactRef{Key: r.Text(0), Value: r.Text(1)}
}

const usesSQL = `
	select u.role, u.context, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
	from dataset_use u
	join dataset d on d.key = u.dataset
	where u.run = $1`

func scanUse(r row) record.DatasetUse {
	return record.DatasetUse{
		Role: record.Role(r.Text(0)), Context: r.Text(1),
		Dataset: record.Dataset{
			Name: r.Text(2), Digest: r.Text(3), SourceType: r.Text(4),
			Source: r.Text(5), Schema: r.Text(6), Profile: r.Text(7),
		},
	}
}

const latestSQL = `
	select k.name, l.step, l.time, l.value
	from latest_metric l
	join metric_key k on k.key = l.metric
	where l.run = $1
	order by k.name`

func scanMetric(r row) record.Metric {
	m := record.Metric{Key: r.Text(0), Point: record.Point{Step: r.Int(1), Time: r.Int(2), Value: math.NaN()}}
	if !r.Null(3) {
		m.Value = r.Float(3)
	}
	return m
}

// RunPlace returns the place of a run, live or deleted, in the order of Runs.
// NotFound: there is no such run.
func (s *Store) RunPlace(ctx context.Context, id record.RunID) (RunCursor, error) {
	r, err := one(s.reading(ctx), scanRun, runPlaceSQL, id.Key())
	if err == nil && (r == nil || r.ID != id) {
		err = record.NotFound.Errorf("cursor", "there is no experiment with the id %q", id)
	}
	if err != nil {
		return RunCursor{}, err
	}
	return RunCursor{r.Model, id.Key()}, nil
}

const runPlaceSQL = `
	select ` + runColumns + `
	from run r
	where r.key = $1`

// RunSet is a set of live runs to page through: those of a model, those of a
// project, or all.
type RunSet struct {
	Model   *int64
	Project *int64
}

// RunCursor is a place in the order in which Runs gives a set: by model, then
// as the runs were made; or, for all runs, as they were made.
type RunCursor struct{ Model, Run int64 }

// FirstRun is the place before the first run of any set.
var FirstRun = RunCursor{-1, -1}

// runsOfModelSQL has one place for the engine's condition on model and key.
const runsOfModelSQL = `
	select ` + runColumns + `
	from run r
	where r.deleted is null
	  and %s
	limit $3`

const allRunsSQL = `
	select ` + runColumns + `
	from run r
	where r.key > $1
	  and r.deleted is null
	  and ` + modelIsLive + `
	order by r.key
	limit $2`

// Runs calls visit for at most limit runs of a set, those after the cursor,
// and returns the cursor of the last one; done reports that the set ends
// there. It ends early when visit returns false. The run is visit's only until
// it returns; visit must not call the store, whose statement is open meanwhile. Runs that are there from the first page to the last are given
// exactly once, whatever is written meanwhile.
func (s *Store) Runs(ctx context.Context, of RunSet, after RunCursor, limit int, visit func(*record.Run) bool) (last RunCursor, done bool, err error) {
	switch {
	case of.Model != nil:
		if _, err := s.Model(ctx, *of.Model); err != nil {
			return after, false, err
		}
		return s.visitRuns(ctx, after, limit, visit, s.runsOfModelSQL, *of.Model, after.Run, int64(limit))
	case of.Project != nil:
		return s.runsOfProject(ctx, *of.Project, after, limit, visit)
	}
	return s.visitRuns(ctx, after, limit, visit, allRunsSQL, after.Run, int64(limit))
}

// runsOfProject goes through the project's models one by one.
func (s *Store) runsOfProject(ctx context.Context, project int64, after RunCursor, limit int, visit func(*record.Run) bool) (RunCursor, bool, error) {
	if _, err := s.Project(ctx, project); err != nil {
		return after, false, err
	}
	for {
		models, err := list(s.reading(ctx), scanModel, modelsFromSQL, project, after.Model)
		if err != nil || len(models) == 0 {
			return after, true, err
		}
		for _, m := range models {
			if m.Key != after.Model {
				after = RunCursor{m.Key, -1}
			}
			seen := 0
			last, done, err := s.visitRuns(ctx, after, limit, func(r *record.Run) bool { seen++; return visit(r) },
				s.runsOfModelSQL, m.Key, after.Run, int64(limit))
			if err != nil || !done {
				return last, false, err
			}
			limit -= seen
			after = last
		}
		after = RunCursor{after.Model + 1, -1}
	}
}

const modelsFromSQL = `
	select ` + modelColumns + `
	from model m
	where m.project = $1
	  and m.key >= $2
	  and m.full_name is not null
	order by m.key
	limit 100`

// visitRuns is Runs for one statement, which gives at most limit rows.
func (s *Store) visitRuns(ctx context.Context, after RunCursor, limit int, visit func(*record.Run) bool, sql string, args ...any) (RunCursor, bool, error) {
	var (
		r    runRow
		seen int
		big  bool // r is not packed: its rows are to be read
		more = true
	)
	err := s.query(ctx, sql, args, func(from row) error {
		r.scan(from)
		if big = !r.packed; big {
			return errStop
		}
		if err := unpack(r.lists, &r.Run); err != nil {
			return err
		}
		seen++
		after = RunCursor{r.Model, r.Key()}
		if more = visit(&r.Run); !more {
			return errStop
		}
		return nil
	})
	if err != nil || !more {
		return after, false, err
	}
	if !big {
		return after, seen < limit, nil
	}
	run, err := s.whole(ctx, &r)
	if err != nil && record.KindOf(err) != record.NotFound { // purged meanwhile
		return after, false, err
	}
	if err == nil && run.Deleted == 0 {
		visit(run)
	}
	return RunCursor{r.Model, r.Key()}, false, nil
}
