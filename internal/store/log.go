package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"modeldb/internal/record"
)

// Log adds an entry to a run, all of it or nothing. NotFound: there is no such
// run (field experiment_id) or logged model (field logged_model_id). Inactive:
// the run is deleted. *record.ChangedParams: a parameter has another value.
func (s *Store) Log(ctx context.Context, id record.RunID, e Entry) error {
	if err := checkEntry(&e); err != nil {
		return err
	}
	logged, err := s.loggedMetricRows(ctx, id, e.Logged)
	if err != nil {
		return err
	}
	if e.onlyPoints() {
		return s.logPoints(ctx, id, &e, logged)
	}
	datasets, err := s.datasetKeys(ctx, e.Uses)
	if err != nil {
		return err
	}
	name := takeName(&e)
	e.encoded = e.body() // here, where only this request waits for it
	_, err = s.changeRun(ctx, id, listsOnly, func(t *tx, r *runState) (*Entry, error) {
		if err := r.active(); err != nil {
			return nil, err
		}
		news, err := e.news(&r.Run)
		if err != nil {
			return nil, err
		}
		for i, u := range e.Uses {
			t.add(useTable, r.Key(), datasets[i], u.Context, string(u.Role))
		}
		t.addAll(logged)
		if name != nil && *name != r.Name {
			if err := t.updateRun(r, RunChange{Name: name}); err != nil {
				return nil, err
			}
		}
		return news, nil
	})
	return err
}

// logPoints adds points, which need no look at what the run holds. The run is
// looked up where that costs least: in the transaction, or before it.
func (s *Store) logPoints(ctx context.Context, id record.RunID, e *Entry, logged rowSet) error {
	body := e.body()
	var head *runHead
	if !s.db.near() {
		found, err := one(s.reading(ctx), scanHead, activeHeadSQL, id.Key())
		if err := found.active(err, id); err != nil {
			return err
		}
		head = found
	}
	err := s.write(ctx, func(t *tx) error {
		if s.db.near() {
			found, err := one(peeker{t}, scanHead, activeHeadSQL, id.Key())
			if err := found.active(err, id); err != nil {
				return err
			}
			head = found
		}
		t.add(tailTable, id.Key(), s.keys.Sequence(), head.model, int64(len(e.Points)), body)
		t.addAll(logged)
		return nil
	})
	if err == nil {
		s.recent.drop(id)
		s.compactor.note(id, len(e.Points))
	}
	return err
}

// news is what of the entry the run has not yet, nil when there is nothing.
// *record.ChangedParams: a parameter has another value.
func (e *Entry) news(r *record.Run) (*Entry, error) {
	news := *e
	news.Params = nil
	var changed []record.ChangedParam
	for _, p := range e.Params {
		at, there := slices.BinarySearchFunc(r.Params, p.Key, func(p record.Param, key string) int { return cmp.Compare(p.Key, key) })
		switch {
		case !there:
			news.Params = append(news.Params, p)
		case r.Params[at].Value != p.Value && record.ParamText(r.Params[at].Value) != record.ParamText(p.Value):
			changed = append(changed, record.ChangedParam{Key: p.Key, Old: r.Params[at].Value, New: p.Value})
		}
	}
	if changed != nil {
		return nil, &record.ChangedParams{Run: r.ID, Params: changed}
	}
	if len(news.Params) < len(e.Params) {
		news.encoded = nil
	}
	if len(news.Points) == 0 && news.onlyPoints() {
		return nil, nil
	}
	return &news, nil
}

// takeName takes the tag that is the run's name out of the entry: the name is
// a field of the run.
func takeName(e *Entry) (name *string) {
	e.Tags = slices.DeleteFunc(slices.Clone(e.Tags), func(t record.Tag) bool {
		if t.Key == record.RunNameTag {
			name = &t.Value
		}
		return t.Key == record.RunNameTag
	})
	return name
}

// checkEntry refuses what no door may write.
func checkEntry(e *Entry) error {
	for _, p := range e.Points {
		if err := record.CheckKey("metrics", p.Key); err != nil {
			return err
		}
	}
	if err := checkKeys("parameters", e.Params, func(p record.Param) string { return p.Key }); err != nil {
		return err
	}
	for _, t := range e.Tags {
		if err := checkTag(t); err != nil {
			return err
		}
	}
	for _, m := range e.Logged {
		if err := checkLoggedMetric(m); err != nil {
			return err
		}
	}
	for _, u := range e.Uses {
		if err := checkUse(u); err != nil {
			return err
		}
	}
	return nil
}

// checkTags refuses tags that cannot be kept, and one that is there twice.
func checkTags(tags []record.Tag) error {
	for _, t := range tags {
		if err := checkTag(t); err != nil {
			return err
		}
	}
	return checkKeys("tags", tags, func(t record.Tag) string { return t.Key })
}

// checkLoggedMetric refuses a value of a logged model's metric that cannot be
// kept.
func checkLoggedMetric(m record.LoggedMetric) error {
	if err := record.CheckKey("metrics", m.Key); err != nil {
		return err
	}
	if err := record.CheckText("dataset_name", m.DatasetName, record.MaxDataset); err != nil {
		return err
	}
	return record.CheckText("dataset_digest", m.DatasetDigest, record.MaxKey)
}

// checkTag refuses a tag that cannot be kept.
func checkTag(t record.Tag) error {
	if err := record.CheckKey("tags", t.Key); err != nil {
		return err
	}
	return record.CheckText(record.KeyField("tags", t.Key), t.Value, record.MaxTag)
}

// size is how many bytes the texts of the entry's lists have.
func (e *Entry) size() int {
	n := (&record.Run{Params: e.Params, Tags: e.Tags, Datasets: e.Uses, Evaluations: e.evaluations, Artifacts: e.artifacts}).Size()
	for _, p := range e.Points {
		n += len(p.Key)
	}
	return n
}

// DeleteRunTag removes a tag. NotFound: there is no such run, or no such tag
// (field "tag"). Inactive: the run is deleted. The run's name, which is a tag
// to MLflow's clients, stays.
func (s *Store) DeleteRunTag(ctx context.Context, id record.RunID, key string) error {
	_, err := s.changeRun(ctx, id, listsOnly, func(_ *tx, r *runState) (*Entry, error) {
		if err := r.active(); err != nil {
			return nil, err
		}
		if key == record.RunNameTag {
			return nil, nil
		}
		if !slices.ContainsFunc(r.Tags, func(t record.Tag) bool { return t.Key == key }) {
			return nil, record.NotFound.Errorf("tag", "the experiment %q has no tag %s", id, record.Quote(key))
		}
		return &Entry{removed: []string{key}}, nil
	})
	return err
}

// RunChange is what UpdateRun changes; nil leaves a field as it is.
type RunChange struct {
	Name   *string
	Status *record.Status
	End    *int64 // milliseconds, UTC
}

// UpdateRun changes a run, and returns it and its model without tags. A run
// that ends is folded. NotFound, Inactive.
func (s *Store) UpdateRun(ctx context.Context, id record.RunID, c RunChange) (*record.Run, record.Model, error) {
	var m record.Model
	if c.Name != nil {
		if err := record.CheckName("run_name", *c.Name); err != nil {
			return nil, m, err
		}
	}
	var folded *fold
	ends := c.Status != nil && c.Status.Ended()
	before, err := s.lastState(ctx, id, listsOnly)
	if err == nil && ends && !before.latest {
		before, err = s.runState(ctx, id, whole)
	}
	if err != nil {
		return nil, m, err
	}
	if ends && before.small() {
		if folded, err = s.fold(ctx, before); err != nil {
			return nil, m, err
		}
	}
	now, used := before, false
	err = s.writeRun(ctx, id.Key(), func(t *tx) error {
		if now, err = t.lockRun(before, listsOnly); err != nil {
			return err
		}
		if err := now.active(); err != nil {
			return err
		}
		if m, err = t.liveModel(now.Model); err != nil {
			return err
		}
		if used = folded != nil && now.version == before.version && now.tail == before.tail; used {
			now.apply(c)
			done, err := t.writeFold(folded, c)
			if err == nil && !done {
				err = fmt.Errorf("the run %s was folded although it is locked", id)
			}
			return err
		}
		return t.updateRun(now, c)
	})
	if err != nil {
		return nil, m, err
	}
	switch {
	case used:
		s.recent.drop(id)
		s.compactor.forget(id)
	case ends:
		s.compactor.due(id)
	}
	return &now.Run, m, nil
}

// updateRun changes the fields of a locked run.
func (t *tx) updateRun(r *runState, c RunChange) error {
	r.apply(c)
	return t.exec(`
		update run
		set name = coalesce($2, name), status = coalesce($3, status), ended = coalesce($4, ended), changed = $5
		where key = $1`, slices.Concat([]any{r.Key()}, c.args(), []any{t.s.keys.Sequence()})...)
}

// apply changes the fields in memory.
func (r *runState) apply(c RunChange) {
	r.Name, r.Status, r.End = deref(cmp.Or(c.Name, &r.Name)), deref(cmp.Or(c.Status, &r.Status)), deref(cmp.Or(c.End, &r.End))
}

// args are the values of name, status and ended; null: it stays.
func (c RunChange) args() []any {
	var name, status, end any
	if c.Name != nil {
		name = *c.Name
	}
	if c.Status != nil {
		status = int64(*c.Status)
	}
	if c.End != nil {
		end = *c.End
	}
	return []any{name, status, end}
}
