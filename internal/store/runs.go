package store

import (
	"context"
	"fmt"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// The last columns are what a reader needs besides the run's own row: whether
// the model is live, and the last row of its tail.
const runColumns = `r.id, r.model, r.name, r.status, r.user_name, r.started, r.ended, r.created, r.deleted, r.given, r.packed,
	r.version, r.active,
	(select m.full_name from model m where m.key = r.model),
	(select max(t.seq) from run_tail t where t.run = r.key)`

// A run is live when it, its model and its model's project are not deleted.
// This is asked with subqueries: SQLite plans a join with arguments anew each
// time that it runs.
const modelIsLive = `exists (select 1 from model m where m.key = r.model and m.full_name is not null)`

// runRow is a run as its own row says it, before the lists are there.
type runRow struct {
	record.Run
	lists     string // packed, and unsealed
	version   int64  // of lists
	modelLive bool   // its model and its model's project are not deleted
	tail      int64  // the last row of its tail; 0: it has none
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
	r.lists = unseal(from.Bytes(10))
	r.version = from.Int(11)
	r.modelLive = !from.Null(13)
	r.tail = from.Int(14)
	r.Active = max(from.Int(12), record.SequenceTime(r.tail))
	r.Gone = r.Deleted != 0 || !r.modelLive
}

func scanRun(from row) (r runRow) {
	r.scan(from)
	return r
}

const runByKeySQL = `
	select ` + runColumns + `
	from run r
	where r.key = $1`

// there checks that a look-up by id found the run.
func (r *runRow) there(err error, id record.RunID) error {
	if err == nil && (r == nil || r.ID != id) { // another id can have the same key, see record.RunID.Key
		err = record.NotFound.Errorf("experiment_id", "there is no experiment with the id %q", id)
	}
	return err
}

// live checks that a look-up by id found a live run.
func (r *runRow) live(err error, id record.RunID) error {
	switch err := r.there(err, id); {
	case err != nil:
		return err
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
	r, err := one(s.reading(ctx), scanRun, runByKeySQL, id.Key())
	if err := r.live(err, id); err != nil {
		return nil, err
	}
	return s.whole(ctx, r)
}

// AnyRun returns a run, live or deleted, and its model without tags. NotFound (field
// experiment_id): there is none.
func (s *Store) AnyRun(ctx context.Context, id record.RunID) (*record.Run, record.Model, error) {
	r, err := one(s.reading(ctx), scanRun, runByKeySQL, id.Key())
	if err := r.there(err, id); err != nil {
		return nil, record.Model{}, err
	}
	run, err := s.whole(ctx, r)
	if err != nil {
		return nil, record.Model{}, err
	}
	m, err := s.modelOf(ctx, run.Model)
	return run, m, err
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
	if r.tail == 0 {
		return &r.Run, unpack(r.lists, &r.Run)
	}
	state, err := s.runState(ctx, r.ID, whole)
	if err != nil {
		return nil, err
	}
	return &state.Run, nil
}

// runState is all of a run at one moment.
type runState struct {
	runRow
	entries []tailRow // what is not folded into the row's lists, but is in the run's
	latest  bool      // the metrics are the latest: the points of the entries are among them
}

// tailRow is one row of run_tail.
type tailRow struct {
	seq  int64
	n    int64 // points
	body []byte
}

func scanTail(from row) tailRow {
	return tailRow{seq: from.Int(0), n: from.Int(1), body: slices.Clone(from.Bytes(2))}
}

const tailSQL = `
	select seq, n, body
	from run_tail
	where run = $1
	order by seq`

// depth is how much of a run's state is read.
type depth bool

const (
	whole     depth = true
	listsOnly depth = false // without the points of the tail: the latest metrics may be older ones
)

// readState reads a run. Its reads must see one moment.
func readState(from reader, id record.RunID, d depth) (*runState, error) {
	r, err := one(from, scanRun, runByKeySQL, id.Key())
	if err := r.there(err, id); err != nil {
		return nil, err
	}
	state := &runState{runRow: *r, latest: true}
	if err := unpack(state.lists, &state.Run); err != nil {
		return nil, fmt.Errorf("the run %s: %w", id, err)
	}
	if state.tail == 0 {
		return state, nil
	}
	if state.entries, err = list(from, scanTail, tailSQL, id.Key()); err != nil {
		return nil, err
	}
	var keys metric.Reader
	for _, t := range state.entries {
		state.latest = state.latest && (d == whole || t.n == 0)
		if err := t.apply(&state.Run, d, &keys); err != nil {
			return nil, fmt.Errorf("the run %s, entry %d: %w", id, t.seq, err)
		}
	}
	return state, nil
}

func (t *tailRow) apply(r *record.Run, d depth, keys *metric.Reader) error {
	body, err := openEntry(t.body)
	if err != nil {
		return err
	}
	return body.apply(r, d, keys)
}

// runState reads a run.
func (s *Store) runState(ctx context.Context, id record.RunID, d depth) (state *runState, err error) {
	err = s.snapshot(ctx, func(from reader) error {
		state, err = readState(from, id, d)
		return err
	})
	return state, err
}

// snapshot runs reads that all see one state of the database.
func (s *Store) snapshot(ctx context.Context, read func(reader) error) error {
	return s.readError(ctx, s.db.snapshot(ctx, func(c conn) error { return read(connReader{ctx, c}) }))
}

type connReader struct {
	ctx context.Context
	c   conn
}

func (s connReader) query(sql string, args []any, scan func(row) error) error {
	return s.c.query(s.ctx, sql, args, scan)
}

// RunPlace returns the place of a run, live or deleted, in the order of Runs.
// NotFound: there is no such run.
func (s *Store) RunPlace(ctx context.Context, id record.RunID) (RunCursor, error) {
	r, err := one(s.reading(ctx), scanRun, runByKeySQL, id.Key())
	if err == nil && (r == nil || r.ID != id) {
		err = record.NotFound.Errorf("cursor", "there is no experiment with the id %q", id)
	}
	if err != nil {
		return RunCursor{}, err
	}
	return RunCursor{r.Model, id.Key()}, nil
}

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
		r      runRow
		seen   int
		tailed bool // r has a tail, which is to be read
		more   = true
	)
	err := s.query(ctx, sql, args, func(from row) error {
		r.scan(from)
		if tailed = r.tail != 0; tailed {
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
	if !tailed {
		return after, seen < limit, nil
	}
	state, err := s.runState(ctx, r.ID, whole)
	if err != nil && record.KindOf(err) != record.NotFound { // purged meanwhile
		return after, false, err
	}
	if err == nil && state.Deleted == 0 {
		visit(&state.Run)
	}
	return RunCursor{r.Model, r.Key()}, false, nil
}
