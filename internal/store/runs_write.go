package store

import (
	"cmp"
	"context"
	"math"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

var (
	runTable   = newTable("run", "key, id, model, name, status, user_name, started, ended, created, given, packed", "")
	paramTable = newTable("param", "run, key, value", "")
	useTable   = newTable("dataset_use", "run, dataset, context, role", "on conflict (run, dataset, context) do nothing")
	tailTable  = newTable("metric_tail", "run, seq, n, body", "")

	evaluationTable = newTable("evaluation", "run, key, value", "on conflict (run, key) do update set value = excluded.value")
	artifactTable   = newTable("artifact_ref", "run, key, value", "on conflict (run, key) do update set value = excluded.value")

	// The condition is record.Point.After.
	latestTable = newTable("latest_metric", "run, metric, step, time, value", `
		on conflict (run, metric) do update
		set step = excluded.step,
		    time = excluded.time,
		    value = excluded.value
		where excluded.step > latest_metric.step
		   or excluded.step = latest_metric.step
		      and (excluded.time > latest_metric.time
		           or excluded.time = latest_metric.time
		              and excluded.value is not null
		              and (latest_metric.value is null or excluded.value > latest_metric.value))`)
)

// CreateRun keeps a new run of a model and returns it as it was kept: with its
// id, its times, and each metric's value as a first point. The run is finished.
// The lists of r become the store's. A use that is there twice is kept once.
// NotFound: there is no such model.
func (s *Store) CreateRun(ctx context.Context, r record.Run) (*record.Run, error) {
	sortRun(&r)
	if err := checkRun(&r); err != nil {
		return nil, err
	}
	metrics, err := s.metricKeys(ctx, metricNames(r.Metrics))
	if err != nil {
		return nil, err
	}
	datasets, err := s.datasetKeys(ctx, r.Datasets)
	if err != nil {
		return nil, err
	}
	made, added := s.newRun(r, metrics, datasets)
	err = s.write(ctx, func(t *tx) error {
		if _, err := t.liveModel(r.Model); err != nil {
			return err
		}
		if t.alone { // perhaps because the key was drawn elsewhere too
			made, added = s.newRun(r, metrics, datasets)
		}
		t.addAll(added)
		return nil
	})
	return made, err
}

// newRun draws an id for r, and makes the rows of the whole run. It runs
// before the transaction, on the caller's processor.
func (s *Store) newRun(r record.Run, metrics, datasets []int64) (*record.Run, rowSet) {
	now := s.now()
	r.ID, r.Status = s.keys.Run(), record.Finished
	r.Created, r.Start, r.End, r.Deleted = now, now, now, 0
	r.Metrics = slices.Clone(r.Metrics)
	for i := range r.Metrics {
		r.Metrics[i].Point = record.Point{Time: now, Value: r.Metrics[i].Value + 0} // no negative zero: SQLite has none
	}
	packed := pack(&r)
	var all rowSet
	all.add(runTable, r.Key(), r.ID[:], r.Model, r.Name, int64(r.Status), r.User, r.Start, r.End, r.Created, int64(r.Given), nullableBytes(packed))
	for i, d := range r.Datasets {
		all.add(useTable, r.Key(), datasets[i], d.Context, string(d.Role))
	}
	all.addTail(r.Key(), s.keys.Sequence(), metrics, r.Metrics)
	if packed == nil {
		all.addLists(&r, metrics)
	}
	return &r, all
}

func nullableBytes(b []byte) any {
	if b == nil {
		return nil
	}
	return b
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

// addTail adds the points of one request as one row. This is the way into the
// metric store; the latest values go to the run's lists.
func (s *rowSet) addTail(run, seq int64, keys []int64, points []record.Metric) {
	if len(points) == 0 {
		return
	}
	series := make([]metric.Series, len(points))
	for i, m := range points {
		series[i] = metric.Series{Metric: keys[i], Points: []record.Point{m.Point}}
	}
	s.add(tailTable, run, seq, int64(len(points)), metric.AppendTail(nil, series))
}

// addLists adds the lists of a run that is not packed as rows. The keys are
// those of its metrics.
func (s *rowSet) addLists(r *record.Run, keys []int64) {
	for _, p := range r.Params {
		s.add(paramTable, r.Key(), p.Key, p.Value)
	}
	s.addLatest(r.Key(), keys, r.Metrics)
	s.addEvaluations(r.Key(), r.Evaluations)
	s.addArtifacts(r.Key(), r.Artifacts)
}

func (s *rowSet) addLatest(run int64, keys []int64, metrics []record.Metric) {
	for i, m := range metrics {
		s.add(latestTable, run, keys[i], m.Step, m.Time, storedNumber(m.Value))
	}
}

func (s *rowSet) addEvaluations(run int64, evaluations []record.Evaluation) {
	for _, e := range evaluations {
		s.add(evaluationTable, run, e.Key, e.Value)
	}
}

func (s *rowSet) addArtifacts(run int64, refs []record.ArtifactRef) {
	for _, a := range refs {
		s.add(artifactTable, run, a.Key, a.Value)
	}
}

// storedNumber is NaN as null: SQLite has no NaN, and PostgreSQL's is greater
// than all numbers, where ours is less.
func storedNumber(v float64) any {
	if math.IsNaN(v) {
		return nil
	}
	return v
}

// sortRun puts the lists in the order in which they are read.
func sortRun(r *record.Run) {
	slices.SortFunc(r.Params, func(a, b record.Param) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Metrics, func(a, b record.Metric) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Evaluations, func(a, b record.Evaluation) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Artifacts, func(a, b record.ArtifactRef) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(r.Datasets, compareUses)
	r.Datasets = slices.Compact(r.Datasets)
}

func compareUses(a, b record.DatasetUse) int {
	return cmp.Or(
		cmp.Compare(a.Role, b.Role), cmp.Compare(a.Context, b.Context),
		cmp.Compare(a.Name, b.Name), cmp.Compare(a.Digest, b.Digest),
		cmp.Compare(a.SourceType, b.SourceType), cmp.Compare(a.Source, b.Source),
		cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Profile, b.Profile),
	)
}

func metricNames(metrics []record.Metric) []string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = m.Key
	}
	return names
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
	for _, text := range []string{d.Source, d.Name, d.Digest, d.SourceType, d.Context, d.Schema, d.Profile} {
		if err := record.CheckText(field, text, record.MaxDataset); err != nil {
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

// changeRun reads a live run whole, locks it against other servers, and lets
// alter change its lists. If the run is in rows, alter also adds the rows that
// changed; a packed run is packed again, or put into rows if it grew too large.
func (s *Store) changeRun(ctx context.Context, id record.RunID, alter func(t *tx, r *record.Run, inRows bool) error) (*record.Run, error) {
	var changed *record.Run
	err := s.write(ctx, func(t *tx) error {
		r, err := one(t, scanFoundRun, runByKeySQL+s.db.lock("r"), id.Key())
		if err := r.live(err, id); err != nil {
			return err
		}
		if err := r.fill(t); err != nil {
			return err
		}
		if err := alter(t, &r.Run, !r.packed); err != nil {
			return err
		}
		changed = &r.Run
		if changed.Size() > record.MaxRun {
			return record.TooLarge.Errorf("", "the experiment would have more than %d MiB; keep what is larger in files, and their addresses here", record.MaxRun>>20)
		}
		var packed []byte
		if r.packed {
			if packed = pack(changed); packed == nil {
				if err := t.unpackIntoRows(changed); err != nil {
					return err
				}
			}
		}
		return t.exec(`update run set given = $2, packed = $3 where key = $1`, id.Key(), int64(changed.Given), nullableBytes(packed))
	})
	return changed, err
}

// unpackIntoRows adds the lists of a run that grew too large to be packed.
func (t *tx) unpackIntoRows(r *record.Run) error {
	keys := make([]int64, len(r.Metrics))
	for i, m := range r.Metrics {
		key, err := one(t, func(r row) int64 { return r.Int(0) }, `select key from metric_key where name = $1`, m.Key)
		if err != nil {
			return err
		}
		keys[i] = deref(key)
	}
	var all rowSet
	all.addLists(r, keys)
	t.addAll(all)
	return nil
}

// AddEvaluations merges evaluations into a run, key by key: each metric's
// value becomes its latest point, and any other evaluation replaces the one
// with its key. It returns the whole run. NotFound: there is no such run.
func (s *Store) AddEvaluations(ctx context.Context, id record.RunID, metrics []record.Metric, evaluations []record.Evaluation) (*record.Run, error) {
	if err := checkEvaluations(metrics, evaluations); err != nil {
		return nil, err
	}
	keys, err := s.metricKeys(ctx, metricNames(metrics))
	if err != nil {
		return nil, err
	}
	return s.changeRun(ctx, id, func(t *tx, r *record.Run, inRows bool) error {
		r.Given |= record.GivenEvaluations
		points, err := nextPoints(r, metrics, t.now)
		if err != nil {
			return err
		}
		var all rowSet
		all.addTail(r.Key(), s.keys.Sequence(), keys, points)
		for _, m := range points {
			r.Metrics = replace(r.Metrics, m, func(m record.Metric) string { return m.Key })
			if err := t.dropEvaluation(r, m.Key, inRows); err != nil {
				return err
			}
		}
		for _, e := range evaluations {
			r.Evaluations = replace(r.Evaluations, e, func(e record.Evaluation) string { return e.Key })
		}
		if inRows {
			all.addLatest(r.Key(), keys, points)
			all.addEvaluations(r.Key(), evaluations)
		}
		t.addAll(all)
		return nil
	})
}

// nextPoints gives each metric's value the place after its key's latest point.
func nextPoints(r *record.Run, metrics []record.Metric, now int64) ([]record.Metric, error) {
	points := slices.Clone(metrics)
	for i := range points {
		m := &points[i]
		m.Time, m.Value = now, m.Value+0
		at, there := slices.BinarySearchFunc(r.Metrics, m.Key, func(m record.Metric, key string) int { return cmp.Compare(m.Key, key) })
		if there {
			var err error
			if m.Point, err = r.Metrics[at].Next(now, m.Value); err != nil {
				return nil, err
			}
		}
	}
	return points, nil
}

// dropEvaluation removes what was kept under the key of a metric that has a
// new value.
func (t *tx) dropEvaluation(r *record.Run, key string, inRows bool) error {
	at := slices.IndexFunc(r.Evaluations, func(e record.Evaluation) bool { return e.Key == key })
	if at < 0 {
		return nil
	}
	r.Evaluations = slices.Delete(r.Evaluations, at, at+1)
	if !inRows {
		return nil
	}
	return t.exec(`delete from evaluation where run = $1 and key = $2`, r.Key(), key)
}

// replace puts an element in the place of the one with its key, or where it
// belongs in the order of keys.
func replace[T any](all []T, one T, key func(T) string) []T {
	at, there := slices.BinarySearchFunc(all, key(one), func(t T, k string) int { return cmp.Compare(key(t), k) })
	if there {
		all[at] = one
		return all
	}
	return slices.Insert(all, at, one)
}

// AddArtifacts merges named addresses of files into a run, key by key, and
// returns the whole run. NotFound: there is no such run.
func (s *Store) AddArtifacts(ctx context.Context, id record.RunID, refs []record.ArtifactRef) (*record.Run, error) {
	if err := checkArtifacts(refs); err != nil {
		return nil, err
	}
	return s.changeRun(ctx, id, func(t *tx, r *record.Run, inRows bool) error {
		r.Given |= record.GivenArtifacts
		for _, a := range refs {
			r.Artifacts = replace(r.Artifacts, a, func(a record.ArtifactRef) string { return a.Key })
		}
		if inRows {
			var all rowSet
			all.addArtifacts(r.Key(), refs)
			t.addAll(all)
		}
		return nil
	})
}

// DeleteRun marks a run as deleted, and returns it.
func (s *Store) DeleteRun(ctx context.Context, id record.RunID, by record.Actor) (*record.Run, error) {
	return s.changeRun(ctx, id, func(t *tx, r *record.Run, _ bool) error {
		r.Deleted = t.now
		t.runEvent(record.Deleted, by, r.Key(), change(field{"model_version_id", &r.Name}), "")
		return t.exec(`update run set deleted = $2 where key = $1`, r.Key(), r.Deleted)
	})
}

// RestoreRun brings a deleted run back, and returns it. NotFound: there is no
// such run, or its model or project is deleted. Restoring a live run changes
// nothing.
func (s *Store) RestoreRun(ctx context.Context, id record.RunID, by record.Actor) (*record.Run, error) {
	var restored *record.Run
	err := s.write(ctx, func(t *tx) error {
		r, err := one(t, scanFoundRun, runByKeySQL+s.db.lock("r"), id.Key())
		if err != nil {
			return err
		}
		deleted := r != nil && r.Deleted != 0
		if deleted {
			r.Deleted = 0
		}
		if err := r.live(nil, id); err != nil {
			return err
		}
		if err := r.fill(t); err != nil {
			return err
		}
		restored = &r.Run
		if !deleted {
			return nil
		}
		t.runEvent(record.Restored, by, id.Key(), "", change(field{"model_version_id", &r.Name}))
		return t.exec(`update run set deleted = null where key = $1`, id.Key())
	})
	return restored, err
}
