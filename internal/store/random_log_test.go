package store_test

import (
	"cmp"
	"math"
	"slices"

	"pgregory.net/rapid"

	"modeldb/internal/metric"
	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// StartRun makes a run that goes on.
func (x *machine) StartRun(t *rapid.T) {
	r := record.Run{Model: x.aModel(t), Name: someName.Draw(t, "name"), Status: record.Running, Start: 7, User: "u", Tags: someTags(t)}
	got, _, err := x.s.StartRun(x.t.Context(), clone(&r), nil)
	want := unless(x.w.modelLive(r.Model))
	if _, there := x.w.models[r.Model]; there && want != 0 {
		want = record.Inactive
	}
	if !refusedOr(t, want, err) {
		return
	}
	r.ID, r.Created = got.ID, got.Created
	same(t, *got, r)
	x.w.runs[r.ID] = r
	x.w.points[r.ID] = map[string][]record.Point{}
}

func someTags(t *rapid.T) (tags []record.Tag) {
	for _, key := range rapid.SliceOfNDistinct(someKey, 0, 2, rapid.ID[string]).Draw(t, "tags") {
		tags = append(tags, record.Tag{Key: key, Value: someText.Draw(t, "tag")})
	}
	slices.SortFunc(tags, func(a, b record.Tag) int { return cmp.Compare(a.Key, b.Key) })
	return tags
}

// changing is the kind of error that a change of a run must have, 0 for none.
func (x *machine) changing(id record.RunID) record.Kind {
	if _, there := x.w.runs[id]; !there {
		return record.NotFound
	}
	if !x.w.runLive(id) {
		return record.Inactive
	}
	return 0
}

// Log adds points, parameters and tags.
func (x *machine) Log(t *rapid.T) {
	id := x.aRun(t)
	e := store.Entry{Tags: someTags(t)}
	for range rapid.IntRange(0, 4).Draw(t, "points") {
		e.Points = append(e.Points, record.Metric{Key: someKey.Draw(t, "key"), Point: record.Point{
			Step: rapid.Int64Range(-2, 2).Draw(t, "step"), Time: rapid.Int64Range(0, 2).Draw(t, "time"),
			Value: rapid.SampledFrom([]float64{-1, 0, 1.5, math.Inf(1)}).Draw(t, "value"),
		}})
	}
	for _, key := range rapid.SliceOfNDistinct(someKey, 0, 2, rapid.ID[string]).Draw(t, "params") {
		e.Params = append(e.Params, record.Param{Key: key, Value: rapid.SampledFrom([]string{`"1"`, "1", `"2"`}).Draw(t, "param")})
	}
	r := x.w.runs[id]
	want := x.changing(id)
	params := r.Params
	for _, p := range e.Params {
		at := slices.IndexFunc(r.Params, func(q record.Param) bool { return q.Key == p.Key })
		switch {
		case at < 0:
			params = put(params, p, func(p record.Param) string { return p.Key })
		case want == 0 && record.ParamText(r.Params[at].Value) != record.ParamText(p.Value):
			want = record.Conflict
		}
	}
	if !refusedOr(t, want, x.s.Log(x.t.Context(), id, e)) {
		return
	}
	r.Params = params
	for _, tag := range e.Tags {
		r.Tags = put(r.Tags, tag, func(t record.Tag) string { return t.Key })
	}
	for _, m := range e.Points {
		x.w.points[id][m.Key] = append(x.w.points[id][m.Key], m.Point)
		at := slices.IndexFunc(r.Metrics, func(n record.Metric) bool { return n.Key == m.Key })
		if at < 0 || m.After(r.Metrics[at].Point) {
			r.Metrics = put(r.Metrics, m, func(m record.Metric) string { return m.Key })
		}
	}
	x.w.runs[id] = r
}

// UpdateRun changes a run's name and status.
func (x *machine) UpdateRun(t *rapid.T) {
	id := x.aRun(t)
	c := store.RunChange{
		Name:   rapid.Ptr(someName, true).Draw(t, "name"),
		Status: rapid.Ptr(rapid.SampledFrom([]record.Status{record.Running, record.Finished, record.Failed}), true).Draw(t, "status"),
		End:    rapid.Ptr(rapid.Int64Range(0, 9), true).Draw(t, "end"),
	}
	_, _, err := x.s.UpdateRun(x.t.Context(), id, c)
	if !refusedOr(t, x.changing(id), err) {
		return
	}
	r := x.w.runs[id]
	if c.Name != nil {
		r.Name = *c.Name
	}
	if c.Status != nil {
		r.Status = *c.Status
	}
	if c.End != nil {
		r.End = *c.End
	}
	x.w.runs[id] = r
}

// Fold changes nothing that can be seen.
func (x *machine) Fold(t *rapid.T) {
	id := x.aRun(t)
	_, there := x.w.runs[id]
	refusedOr(t, unless(there), x.s.Fold(x.t.Context(), id))
}

// SetRunDeleted deletes or restores a run whatever its model is.
func (x *machine) SetRunDeleted(t *rapid.T) {
	id, deleted := x.aRun(t), rapid.Bool().Draw(t, "deleted")
	r, there := x.w.runs[id]
	if !refusedOr(t, unless(there), x.s.SetRunDeleted(x.t.Context(), id, deleted, storetest.By)) {
		return
	}
	got, _, err := x.s.AnyRun(x.t.Context(), id)
	refusedOr(t, 0, err)
	if (r.Deleted != 0) == deleted {
		same(t, got.Deleted, r.Deleted)
	}
	r.Deleted = got.Deleted
	x.w.runs[id] = r
}

// checkHistories compares the points of all runs, once each.
func (x *machine) checkHistories(t *rapid.T) {
	for id, of := range x.w.points {
		for _, key := range []string{"k", "l", "m"} {
			got, _, err := x.s.History(x.t.Context(), id, key, nil, 0)
			refusedOr(t, 0, err)
			same(t, got, metric.Compact(slices.Clone(of[key])))
		}
	}
}
