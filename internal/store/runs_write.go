package store

import (
	"cmp"
	"context"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

var (
	runTable   = newTable("run", "key, id, model, name, status, user_name, started, ended, created, given, packed, active, changed", "")
	useTable   = newTable("dataset_use", "run, dataset, context, role", "on conflict (run, dataset, context) do nothing")
	tailTable  = newTable("run_tail", "run, seq, model, n, body", "")
	chunkTable = newTable("metric_chunk", "run, key, seq, n, body", "on conflict (run, key, seq) do update set n = excluded.n, body = excluded.body")
)

// CreateRun keeps a new run of a model and returns it as it was kept: with its
// id, its times, and each metric's value as a first point. The run is finished.
// The lists of r become the store's. A use that is there twice is kept once.
// NotFound: there is no such model.
func (s *Store) CreateRun(ctx context.Context, r record.Run) (*record.Run, error) {
	return s.keepRun(ctx, r, func(r *record.Run, now int64) {
		r.Status, r.Start, r.End = record.Finished, now, now
		for i := range r.Metrics {
			r.Metrics[i].Point = record.Point{Time: now, Value: r.Metrics[i].Value}
		}
	}, func(t *tx, model int64) error {
		_, err := t.liveModel(model)
		return err
	})
}

// StartRun keeps a new run with the name, status, user, times and lists that r
// has, and returns it as it was kept, with its id, and its model without tags.
// Its metrics are first points. NotFound (field model_id): there is no such
// model. Inactive: it is deleted. An error of see, which is asked about the
// model unless it is nil, is returned.
func (s *Store) StartRun(ctx context.Context, r record.Run, see func(record.Model) error) (*record.Run, record.Model, error) {
	var m record.Model
	made, err := s.keepRun(ctx, r, func(*record.Run, int64) {}, func(t *tx, model int64) (err error) {
		if m, err = t.activeModel(model); err == nil && see != nil {
			err = see(m)
		}
		return err
	})
	if err != nil {
		return nil, m, err
	}
	s.recent.put((&runState{runRow: runRow{Run: *made, modelLive: true}, latest: true}).clone())
	return made, m, nil
}

// keepRun keeps a new run: begin sets what depends on the time, and check asks
// for its model.
func (s *Store) keepRun(ctx context.Context, r record.Run, begin func(r *record.Run, now int64), check func(*tx, int64) error) (*record.Run, error) {
	sortRun(&r)
	if err := checkRun(&r); err != nil {
		return nil, err
	}
	datasets, err := s.datasetKeys(ctx, r.Datasets)
	if err != nil {
		return nil, err
	}
	made, added := s.newRun(r, datasets, begin)
	err = s.write(ctx, func(t *tx) error {
		if err := check(t, r.Model); err != nil {
			return err
		}
		if t.alone { // perhaps because the key was drawn elsewhere too
			made, added = s.newRun(r, datasets, begin)
		}
		added[0].values[runTable.width-1] = s.keys.Sequence() // in the order of commits
		t.addAll(added)
		return nil
	})
	return made, err
}

// newRun draws an id for r, and makes the rows of the whole run, its own row
// first. It runs before the transaction, on the caller's processor.
func (s *Store) newRun(r record.Run, datasets []int64, begin func(*record.Run, int64)) (*record.Run, rowSet) {
	now := s.now()
	r.ID = s.keys.Run()
	r.Created, r.Active, r.Deleted, r.Gone = now, now, 0, false
	r.Metrics = slices.Clone(r.Metrics)
	begin(&r, now)
	var all rowSet
	all.add(runTable, r.Key(), r.ID[:], r.Model, r.Name, int64(r.Status), r.User, r.Start, ended(r.End), r.Created, int64(r.Given), pack(&r), now, int64(0))
	for i, d := range r.Datasets {
		all.add(useTable, r.Key(), datasets[i], d.Context, string(d.Role))
	}
	if len(r.Metrics) > 0 {
		all.add(chunkTable, r.Key(), "", int64(0), int64(len(r.Metrics)), metric.AppendBlock(nil, series(r.Metrics)))
	}
	return &r, all
}

// ended is null for a run that has not.
func ended(ms int64) any {
	if ms == 0 {
		return nil
	}
	return ms
}

// rowSet is rows of several tables that wait for their transaction.
type rowSet []rows

func (s *rowSet) add(into *table, values ...any) {
	for i := range *s {
		if (*s)[i].table == into {
			(*s)[i].values = append((*s)[i].values, values...)
			return
		}
	}
	*s = append(*s, rows{into, values})
}

// sortRun puts the lists in the order in which they are read.
func sortRun(r *record.Run) {
	slices.SortFunc(r.Params, func(a, b record.Param) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Metrics, func(a, b record.Metric) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Evaluations, func(a, b record.Evaluation) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Artifacts, func(a, b record.ArtifactRef) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Tags, compareTags)
	slices.SortFunc(r.Datasets, compareUses)
	r.Datasets = slices.CompactFunc(r.Datasets, func(a, b record.DatasetUse) bool { return compareUses(a, b) == 0 })
}

func compareUses(a, b record.DatasetUse) int {
	return cmp.Or(
		cmp.Compare(a.Role, b.Role), cmp.Compare(a.Context, b.Context),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest),
		cmp.Compare(a.SourceType, b.SourceType), cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Profile, b.Profile),
	)
}

// checkRun refuses what no door may write. The lists are in order.
func checkRun(r *record.Run) error {
	if err := record.CheckName("model_version_id", r.Name); err != nil {
		return err
	}
	if err := record.CheckText("user", r.User, record.MaxName); err != nil {
		return err
	}
	if err := checkKeys("parameters", r.Params, func(p record.Param) string { return p.Key }); err != nil {
		return err
	}
	if err := checkTags(r.Tags); err != nil {
		return err
	}
	for _, d := range r.Datasets {
		if err := checkUse(d); err != nil {
			return err
		}
	}
	if err := checkEvaluations(r.Metrics, r.Evaluations); err != nil {
		return err
	}
	return checkArtifacts(r.Artifacts)
}

func checkUse(d record.DatasetUse) error {
	field := string(d.Role) + "_dataset"
	for _, text := range []struct {
		text  string
		limit int
	}{
		{d.Name, record.MaxDataset}, {d.Digest, record.MaxKey}, {d.SourceType, record.MaxKey}, {d.Context, record.MaxDataset},
		{d.Source, record.MaxDatasetSource}, {d.Schema, record.MaxDatasetSchema}, {d.Profile, record.MaxDatasetProfile},
	} {
		if err := record.CheckText(field, text.text, text.limit); err != nil {
			return err
		}
	}
	for _, t := range d.Tags {
		if err := checkTag(t); err != nil {
			return err
		}
	}
	return nil
}

func checkEvaluations(metrics []record.Metric, evaluations []record.Evaluation) error {
	if err := checkKeys("evaluations", metrics, func(m record.Metric) string { return m.Key }); err != nil {
		return err
	}
	return checkKeys("evaluations", evaluations, func(e record.Evaluation) string { return e.Key })
}

func checkArtifacts(refs []record.ArtifactRef) error {
	return checkKeys("artifact_file_paths", refs, func(a record.ArtifactRef) string { return a.Key })
}

// checkKeys refuses keys that cannot be, and a key that is there twice.
func checkKeys[T any](field string, list []T, key func(T) string) error {
	if len(list) == 0 {
		return nil
	}
	seen := make(map[string]bool, len(list))
	for _, element := range list {
		k := key(element)
		if err := record.CheckKey(field, k); err != nil {
			return err
		}
		if seen[k] {
			return record.Invalid.Errorf(record.KeyField(field, k), "%s has the key %s twice", field, record.Quote(k))
		}
		seen[k] = true
	}
	return nil
}

// runHead is what a write must know of a run.
type runHead struct {
	id        record.RunID
	model     int64
	deleted   int64
	version   int64
	modelLive bool
	tail      int64
	name      string
	status    record.Status
	end       int64
}

const activeHeadSQL = `
	select r.id, r.model, r.deleted, r.version,
		(select m.full_name from model m where m.key = r.model), 0, '', 0, 0
	from run r
	where r.key = $1`

const runHeadSQL = `
	select r.id, r.model, r.deleted, r.version,
		(select m.full_name from model m where m.key = r.model),
		(select max(t.seq) from run_tail t where t.run = r.key), r.name, r.status, r.ended
	from run r
	where r.key = $1`

func scanHead(from row) (h runHead) {
	copy(h.id[:], from.Bytes(0))
	h.model, h.deleted, h.version = from.Int(1), from.Int(2), from.Int(3)
	h.modelLive, h.tail = !from.Null(4), from.Int(5)
	h.name, h.status, h.end = from.Text(6), record.Status(from.Int(7)), from.Int(8)
	return h
}

// active checks that a run is there and takes changes.
func (h *runHead) active(err error, id record.RunID) error {
	switch {
	case err != nil:
		return err
	case h == nil || h.id != id:
		return (*runRow)(nil).there(nil, id)
	case h.deleted != 0 || !h.modelLive:
		return inactiveRun(id)
	}
	return nil
}

// active checks that a run takes changes.
func (r *runState) active() error {
	if r.Gone {
		return inactiveRun(r.ID)
	}
	return nil
}

func inactiveRun(id record.RunID) error {
	return record.Inactive.Errorf("experiment_id", "the experiment with the id %q, or its model or project, is deleted; restore it to change it", id)
}

// changeRun reads a run, locks it against other servers, and lets alter make an
// entry of what is to be added to its lists, after looking at it. It returns
// the run as it is then, if it was read whole. No entry adds nothing.
func (s *Store) changeRun(ctx context.Context, id record.RunID, d depth, alter func(t *tx, now *runState) (*Entry, error)) (*record.Run, error) {
	before, err := s.lastState(ctx, id, d)
	if err != nil {
		return nil, err
	}
	var (
		entry *Entry
		row   tailRow
		now   = before
	)
	err = s.writeRun(ctx, id.Key(), func(t *tx) error {
		if now, err = t.lockRun(before, d); err != nil {
			return err
		}
		if entry, err = alter(t, now); err != nil || entry == nil {
			return err
		}
		row, err = t.addEntry(now, entry)
		return err
	})
	if err != nil {
		return nil, err
	}
	if entry == nil {
		return &now.Run, nil
	}
	s.compactor.note(id, len(entry.Points))
	return s.logged(now, row, d)
}

// lastState is the state of a run as the last write left it, or as it is read.
// What is written beside the latest metrics must know all that are there.
func (s *Store) lastState(ctx context.Context, id record.RunID, d depth) (*runState, error) {
	if d == listsOnly {
		if last := s.recent.get(id); last != nil {
			return last, nil
		}
	}
	return s.runState(ctx, id, d)
}

// logged returns a run with a new entry, nil if it was not read whole. For the
// next write it is remembered.
func (s *Store) logged(now *runState, row tailRow, d depth) (*record.Run, error) {
	if d == listsOnly && !now.latest {
		return nil, nil // nobody asks
	}
	now = now.clone()
	if err := row.apply(&now.Run, whole, new(metric.Reader)); err != nil {
		return nil, err
	}
	now.entries, now.tail = append(now.entries, row), row.seq
	now.Active = max(now.Active, record.SequenceTime(row.seq))
	if d == whole {
		s.recent.drop(now.ID) // it is the caller's
		return &now.Run, nil
	}
	s.recent.put(now)
	return nil, nil
}

// lockRun locks a run, and returns its state: a copy of the one that was read
// before, if that is still so.
func (t *tx) lockRun(before *runState, d depth) (*runState, error) {
	head, err := t.lockHead(before.Key())
	if err != nil {
		return nil, err
	}
	if head != nil && head.version == before.version && head.tail == before.tail &&
		head.deleted == before.Deleted && head.modelLive == before.modelLive {
		now := *before
		now.Name, now.Status, now.End = head.name, head.status, head.end
		return &now, nil
	}
	return readState(t, before.ID, d)
}

// addEntry adds a row to a locked run's tail.
func (t *tx) addEntry(r *runState, e *Entry) (row tailRow, err error) {
	if size := r.Size() + e.size(); size > record.MaxRun {
		return row, record.TooLarge.Errorf("", "the experiment would have more than %d MiB; keep what is larger in files, and their addresses here", record.MaxRun>>20)
	}
	row = tailRow{seq: max(t.s.keys.Sequence(), r.tail+1), n: int64(len(e.Points)), body: e.body()}
	t.add(tailTable, r.Key(), row.seq, r.Model, row.n, row.body)
	return row, nil
}

// AddEvaluations merges evaluations into a run, key by key: each metric's
// value becomes its latest point, and any other evaluation replaces the one
// with its key. It returns the whole run. NotFound: there is no such run.
func (s *Store) AddEvaluations(ctx context.Context, id record.RunID, metrics []record.Metric, evaluations []record.Evaluation) (*record.Run, error) {
	if err := checkEvaluations(metrics, evaluations); err != nil {
		return nil, err
	}
	return s.changeRun(ctx, id, whole, func(t *tx, r *runState) (*Entry, error) {
		if err := r.live(nil, id); err != nil {
			return nil, err
		}
		points, err := nextPoints(&r.Run, metrics, t.now)
		return &Entry{Points: points, evaluations: evaluations, given: record.GivenEvaluations}, err
	})
}

// nextPoints gives each metric's value the place after its key's latest point.
func nextPoints(r *record.Run, metrics []record.Metric, now int64) ([]record.Metric, error) {
	points := slices.Clone(metrics)
	for i := range points {
		m := &points[i]
		m.Time = now
		m.Step = 0
		at, there := slices.BinarySearchFunc(r.Metrics, m.Key, byKey)
		if there {
			var err error
			if m.Point, err = r.Metrics[at].Next(now, m.Value); err != nil {
				return nil, err
			}
		}
	}
	return points, nil
}

// AddArtifacts merges named addresses of files into a run, key by key, and
// returns the whole run. NotFound: there is no such run.
func (s *Store) AddArtifacts(ctx context.Context, id record.RunID, refs []record.ArtifactRef) (*record.Run, error) {
	if err := checkArtifacts(refs); err != nil {
		return nil, err
	}
	return s.changeRun(ctx, id, whole, func(_ *tx, r *runState) (*Entry, error) {
		return &Entry{artifacts: refs, given: record.GivenArtifacts}, r.live(nil, id)
	})
}

// DeleteRun marks a run as deleted, and returns it.
func (s *Store) DeleteRun(ctx context.Context, id record.RunID, by record.Actor) (*record.Run, error) {
	return s.changeRun(ctx, id, whole, func(t *tx, r *runState) (*Entry, error) {
		if err := r.live(nil, id); err != nil {
			return nil, err
		}
		return nil, t.setDeleted(r, t.now, by)
	})
}

// RestoreRun brings a deleted run back, and returns it. NotFound: there is no
// such run, or its model or project is deleted. Restoring a live run changes
// nothing.
func (s *Store) RestoreRun(ctx context.Context, id record.RunID, by record.Actor) (*record.Run, error) {
	return s.changeRun(ctx, id, whole, func(t *tx, r *runState) (*Entry, error) {
		if r.Deleted == 0 {
			return nil, r.live(nil, id)
		}
		deleted := r.Deleted
		r.Deleted = 0
		if err := r.live(nil, id); err != nil {
			return nil, err
		}
		r.Deleted = deleted
		return nil, t.setDeleted(r, 0, by)
	})
}

// SetRunDeleted deletes or restores a run, whatever its model is; doing so
// again changes nothing. NotFound: there is no such run.
func (s *Store) SetRunDeleted(ctx context.Context, id record.RunID, deleted bool, by record.Actor) error {
	_, err := s.changeRun(ctx, id, listsOnly, func(t *tx, r *runState) (*Entry, error) {
		if (r.Deleted != 0) == deleted {
			return nil, nil
		}
		at := int64(0)
		if deleted {
			at = t.now
		}
		return nil, t.setDeleted(r, at, by)
	})
	return err
}

// setDeleted marks a locked run as deleted at a time, or as live with 0.
func (t *tx) setDeleted(r *runState, at int64, by record.Actor) error {
	r.Deleted, r.Gone = at, at != 0 || !r.modelLive
	name := change(field{"model_version_id", &r.Name})
	if at != 0 {
		t.runEvent(record.Deleted, by, r.Key(), name, "")
	} else {
		t.runEvent(record.Restored, by, r.Key(), "", name)
	}
	return t.exec(`update run set deleted = $2, changed = $3 where key = $1`, r.Key(), ended(at), t.s.keys.Sequence())
}
