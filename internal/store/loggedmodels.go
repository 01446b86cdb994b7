package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"modeldb/internal/record"
)

var (
	loggedModelTable  = newTable("logged_model", "key, id, model, name, type, run, status, created, updated", "")
	loggedParamTable  = newTable("logged_model_param", "logged_model, key, value", "")
	loggedTagTable    = newTable("logged_model_tag", "logged_model, key, value", "on conflict (logged_model, key) do update set value = excluded.value")
	loggedMetricTable = newTable("logged_model_metric", "logged_model, hash, key, run, dataset_name, dataset_digest, step, time, bits", "on conflict (logged_model, hash) do nothing")
)

const loggedModelColumns = `l.key, l.id, l.model, l.name, l.type, l.run, l.status, l.created, l.updated, l.deleted`

func scanLoggedModel(r row) record.LoggedModel {
	return record.LoggedModel{
		ID: r.Text(1), Model: r.Int(2), Name: r.Text(3), Type: r.Text(4), Run: r.Text(5), Status: record.LoggedModelStatus(r.Int(6)),
		Created: r.Int(7), Updated: r.Int(8), Deleted: r.Int(9),
	}
}

const loggedModelSQL = `
	select ` + loggedModelColumns + `
	from logged_model l
	where l.key = $1`

// AddLoggedModel keeps a new logged model, pending, and returns it as it was
// kept, with its id, and the model that it belongs to. NotFound (field
// model_id), Inactive.
func (s *Store) AddLoggedModel(ctx context.Context, m record.LoggedModel) (*record.LoggedModel, record.Model, error) {
	if err := checkLoggedModel(&m); err != nil {
		return nil, record.Model{}, err
	}
	made := m
	err := s.write(ctx, func(t *tx) error {
		if _, err := t.activeModel(m.Model); err != nil {
			return err
		}
		made = m
		made.ID, made.Status, made.Created, made.Updated = record.LoggedModelPrefix+s.keys.Run().String(), record.ModelPending, t.now, t.now
		key := loggedModelKey(made.ID)
		t.add(loggedModelTable, key, made.ID, made.Model, made.Name, made.Type, made.Run, int64(made.Status), made.Created, made.Updated)
		t.addLoggedLists(key, &made)
		return nil
	})
	if err != nil {
		return nil, record.Model{}, err
	}
	sortLists(&made)
	model, err := s.modelOf(ctx, made.Model)
	return &made, model, err
}

func (t *tx) addLoggedLists(key int64, m *record.LoggedModel) {
	for _, p := range m.Params {
		t.add(loggedParamTable, key, p.Key, p.Value)
	}
	for _, g := range m.Tags {
		t.add(loggedTagTable, key, g.Key, g.Value)
	}
}

func sortLists(m *record.LoggedModel) {
	slices.SortFunc(m.Params, compareParams)
	slices.SortFunc(m.Tags, compareTags)
}

func compareParams(a, b record.Param) int { return strings.Compare(a.Key, b.Key) }
func compareTags(a, b record.Tag) int     { return strings.Compare(a.Key, b.Key) }

func checkLoggedModel(m *record.LoggedModel) error {
	for field, text := range map[string]string{"name": m.Name, "model_type": m.Type, "source_run_id": m.Run} {
		if err := record.CheckText(field, text, record.MaxLoggedModelText); err != nil {
			return err
		}
	}
	if err := checkKeys("params", m.Params, func(p record.Param) string { return p.Key }); err != nil {
		return err
	}
	return checkTags(m.Tags)
}

// loggedModelKey is the key of the logged model with this id, -1 if there can
// be none.
func loggedModelKey(id string) int64 {
	run, err := record.ParseRunID(strings.TrimPrefix(id, record.LoggedModelPrefix))
	if err != nil || !strings.HasPrefix(id, record.LoggedModelPrefix) {
		return -1
	}
	return run.Key()
}

func noLoggedModel(id string) error {
	return record.NotFound.Errorf("logged_model_id", "there is no logged model with the id %s", record.Quote(id))
}

// readLoggedModel reads a live logged model's own row.
func readLoggedModel(from reader, id string, lock string) (record.LoggedModel, error) {
	m, err := one(from, scanLoggedModel, loggedModelSQL+lock, loggedModelKey(id))
	if err == nil && (m == nil || m.ID != id || m.Deleted != 0) {
		err = noLoggedModel(id)
	}
	return deref(m), err
}

// LoggedModel returns a live logged model and the model that it belongs to.
// NotFound (field logged_model_id): there is none.
func (s *Store) LoggedModel(ctx context.Context, id string) (*record.LoggedModel, record.Model, error) {
	var m record.LoggedModel
	err := s.snapshot(ctx, func(from reader) (err error) {
		if m, err = readLoggedModel(from, id, ""); err != nil {
			return err
		}
		return readLoggedLists(from, &m)
	})
	if err != nil {
		return nil, record.Model{}, err
	}
	model, err := s.modelOf(ctx, m.Model)
	return &m, model, err
}

// AnyLoggedModel returns a logged model without its lists, live or deleted, and
// the model that it belongs to. NotFound (field logged_model_id).
func (s *Store) AnyLoggedModel(ctx context.Context, id string) (record.LoggedModel, record.Model, error) {
	m, err := one(s.reading(ctx), scanLoggedModel, loggedModelSQL, loggedModelKey(id))
	if err == nil && (m == nil || m.ID != id) {
		err = noLoggedModel(id)
	}
	if err != nil {
		return record.LoggedModel{}, record.Model{}, err
	}
	model, err := s.modelOf(ctx, m.Model)
	return *m, model, err
}

func readLoggedLists(from reader, m *record.LoggedModel) (err error) {
	key := loggedModelKey(m.ID)
	if m.Params, err = list(from, scanParam, `select key, value from logged_model_param where logged_model = $1 order by key`, key); err != nil {
		return err
	}
	if m.Tags, err = list(from, scanTag, `select key, value from logged_model_tag where logged_model = $1 order by key`, key); err != nil {
		return err
	}
	m.Metrics, err = list(from, scanLoggedMetric, loggedMetricsSQL, key)
	for i := range m.Metrics {
		m.Metrics[i].LoggedModel = m.ID
	}
	return err
}

func scanParam(r row) record.Param { return record.Param{Key: r.Text(0), Value: r.Text(1)} }

const loggedMetricsSQL = `
	select key, run, dataset_name, dataset_digest, step, time, bits
	from logged_model_metric
	where logged_model = $1
	order by key, time, step, bits
	limit 10000`

func scanLoggedMetric(r row) (m record.LoggedMetric) {
	copy(m.Run[:], r.Bytes(1))
	m.Key, m.DatasetName, m.DatasetDigest = r.Text(0), r.Text(2), r.Text(3)
	m.Point = record.Point{Step: r.Int(4), Time: r.Int(5), Value: math.Float64frombits(uint64(r.Int(6)))}
	return m
}

// loggedMetricRows makes the rows of values of logged models' metrics that a
// run logs. NotFound (field logged_model_id): one of the models is not there.
func (s *Store) loggedMetricRows(ctx context.Context, run record.RunID, metrics []record.LoggedMetric) (all rowSet, err error) {
	seen := map[string]bool{}
	for _, m := range metrics {
		if !seen[m.LoggedModel] {
			if _, err := readLoggedModel(s.reading(ctx), m.LoggedModel, ""); err != nil {
				return nil, err
			}
			seen[m.LoggedModel] = true
		}
		m.Run = run
		hash := hashLoggedMetric(m)
		all.add(loggedMetricTable, loggedModelKey(m.LoggedModel), hash[:16], m.Key, slices.Clone(m.Run[:]), m.DatasetName, m.DatasetDigest,
			m.Step, m.Time, int64(math.Float64bits(m.Value)))
	}
	return all, nil
}

func hashLoggedMetric(m record.LoggedMetric) [sha256.Size]byte {
	b := make([]byte, 0, 128)
	for _, text := range []string{m.Key, string(m.Run[:]), m.DatasetName, m.DatasetDigest} {
		b = appendTextTo(b, text)
	}
	for _, n := range []uint64{uint64(m.Step), uint64(m.Time), math.Float64bits(m.Value)} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return sha256.Sum256(b)
}

// changeLoggedModel locks a live logged model and changes it.
func (s *Store) changeLoggedModel(ctx context.Context, id string, alter func(t *tx, key int64, m *record.LoggedModel) error) error {
	return s.write(ctx, func(t *tx) error {
		m, err := readLoggedModel(t, id, s.db.lock("l"))
		if err != nil {
			return err
		}
		key := loggedModelKey(id)
		if err := alter(t, key, &m); err != nil {
			return err
		}
		return t.exec(`update logged_model set updated = $2 where key = $1`, key, t.now)
	})
}

// SetLoggedModelStatus says how a logged model stands, and returns it. NotFound.
func (s *Store) SetLoggedModelStatus(ctx context.Context, id string, status record.LoggedModelStatus) (*record.LoggedModel, record.Model, error) {
	err := s.changeLoggedModel(ctx, id, func(t *tx, key int64, _ *record.LoggedModel) error {
		return t.exec(`update logged_model set status = $2 where key = $1`, key, int64(status))
	})
	if err != nil {
		return nil, record.Model{}, err
	}
	return s.LoggedModel(ctx, id)
}

// DeleteLoggedModel marks a logged model as deleted; doing so again changes
// nothing. NotFound: there never was one.
func (s *Store) DeleteLoggedModel(ctx context.Context, id string, by record.Actor) error {
	return s.write(ctx, func(t *tx) error {
		m, err := one(t, scanLoggedModel, loggedModelSQL+s.db.lock("l"), loggedModelKey(id))
		if err != nil {
			return err
		}
		if m == nil || m.ID != id {
			return noLoggedModel(id)
		}
		if m.Deleted != 0 {
			return nil
		}
		t.event(record.Deleted, by, "logged model", loggedModelKey(id), change(field{"model_id", &id}, field{"name", &m.Name}), "")
		return t.exec(`update logged_model set deleted = $2, updated = $2 where key = $1`, loggedModelKey(id), t.now)
	})
}

// SetLoggedModelTags sets tags of a logged model. NotFound.
func (s *Store) SetLoggedModelTags(ctx context.Context, id string, tags []record.Tag) error {
	for _, t := range tags {
		if err := checkTag(t); err != nil {
			return err
		}
	}
	return s.changeLoggedModel(ctx, id, func(t *tx, key int64, _ *record.LoggedModel) error {
		t.addLoggedLists(key, &record.LoggedModel{Tags: lastOfEach(tags)})
		return nil
	})
}

// lastOfEach drops all but the last tag of each key: one statement must not
// change one row twice.
func lastOfEach(tags []record.Tag) []record.Tag {
	var kept []record.Tag
	for i, t := range tags {
		if !slices.ContainsFunc(tags[i+1:], func(u record.Tag) bool { return u.Key == t.Key }) {
			kept = append(kept, t)
		}
	}
	return kept
}

// DeleteLoggedModelTag removes a tag. NotFound: there is no such logged model,
// or (field "tag") no such tag.
func (s *Store) DeleteLoggedModelTag(ctx context.Context, id, key string) error {
	return s.changeLoggedModel(ctx, id, func(t *tx, model int64, _ *record.LoggedModel) error {
		var n int64
		var err error
		if record.CheckKey("", key) == nil {
			n, err = t.change(`delete from logged_model_tag where logged_model = $1 and key = $2`, model, key)
		}
		if err == nil && n == 0 {
			err = record.NotFound.Errorf("tag", "the logged model %s has no tag %s", record.Quote(id), record.Quote(key))
		}
		return err
	})
}

// AddLoggedModelParams adds parameters to a logged model. Conflict: it has one
// of the keys already. NotFound.
func (s *Store) AddLoggedModelParams(ctx context.Context, id string, params []record.Param) error {
	if err := checkKeys("params", params, func(p record.Param) string { return p.Key }); err != nil {
		return err
	}
	return s.changeLoggedModel(ctx, id, func(t *tx, key int64, m *record.LoggedModel) error {
		there, err := list(t, scanParam, `select key, value from logged_model_param where logged_model = $1`, key)
		if err != nil {
			return err
		}
		for _, p := range params {
			if slices.ContainsFunc(there, func(q record.Param) bool { return q.Key == p.Key }) {
				return record.Conflict.Errorf(record.KeyField("params", p.Key), "the logged model %s has the parameter %s already", record.Quote(id), record.Quote(p.Key))
			}
		}
		t.addLoggedLists(key, &record.LoggedModel{Params: params})
		return nil
	})
}
