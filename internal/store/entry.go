package store

import (
	"cmp"
	"encoding/binary"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// Entry is what one request logs to a run: all of it is kept, or nothing.
type Entry struct {
	Points       []record.Metric // any number for each key, in any order
	Params       []record.Param
	Tags         []record.Tag // for one key, the last one counts
	Uses         []record.DatasetUse
	ModelInputs  []string
	ModelOutputs []record.ModelOutput
	Logged       []record.LoggedMetric // values of metrics of logged models, besides Points

	// What only this package writes.
	evaluations []record.Evaluation
	artifacts   []record.ArtifactRef
	removed     []string     // keys of tags
	given       record.Given // with GivenEvaluations, a point takes the place of the evaluation with its key
	encoded     []byte       // body, if it was made already
}

// entryVersion is the first byte of an entry's body.
const entryVersion = 1

// onlyPoints reports whether the entry may be added whatever the run holds.
func (e *Entry) onlyPoints() bool {
	return len(e.Params)+len(e.Tags)+len(e.Uses)+len(e.ModelInputs)+len(e.ModelOutputs)+
		len(e.evaluations)+len(e.artifacts)+len(e.removed) == 0 && e.given == 0
}

// body is the entry as a row of run_tail has it: a version byte, the length of
// the lists, the lists as in a packed run with the removed tags and the given
// objects behind them, and the points as metric.AppendSeries has them.
func (e *Entry) body() []byte {
	if e.encoded != nil {
		return e.encoded
	}
	dst := make([]byte, 0, 64+24*len(e.Points))
	dst = append(dst, entryVersion)
	if e.onlyPoints() {
		dst = append(dst, 0)
	} else {
		lists := appendLists(nil, &record.Run{
			Params: e.Params, Tags: e.Tags, Datasets: e.Uses, ModelInputs: e.ModelInputs, ModelOutputs: e.ModelOutputs,
			Evaluations: e.evaluations, Artifacts: e.artifacts,
		})
		lists = binary.AppendUvarint(lists, uint64(len(e.removed)))
		for _, key := range e.removed {
			lists = appendTextTo(lists, key)
		}
		lists = binary.AppendUvarint(lists, uint64(e.given))
		dst = binary.AppendUvarint(dst, uint64(len(lists)))
		dst = append(dst, lists...)
	}
	return metric.AppendSeries(dst, series(e.Points))
}

// series gathers points by their keys.
func series(points []record.Metric) []metric.History {
	switch len(points) {
	case 0:
		return nil
	case 1:
		return []metric.History{{Key: points[0].Key, Points: []record.Point{points[0].Point}}}
	}
	place := make(map[string]int, 16)
	var all []metric.History
	for _, p := range points {
		at, there := place[p.Key]
		if !there {
			at = len(all)
			place[p.Key] = at
			all = append(all, metric.History{Key: p.Key})
		}
		all[at].Points = append(all[at].Points, p.Point)
	}
	return all
}

// entryBody is an entry's body, taken apart.
type entryBody struct {
	lists  string // empty: none
	series []byte
}

func openEntry(body []byte) (e entryBody, err error) {
	if len(body) == 0 || body[0] != entryVersion {
		return e, errPacked
	}
	size, n := binary.Uvarint(body[1:])
	if n <= 0 || size > uint64(len(body)-1-n) {
		return e, errPacked
	}
	rest := body[1+n:]
	return entryBody{lists: string(rest[:size]), series: rest[size:]}, nil
}

// read returns the lists of the entry, without its points.
func (b entryBody) read() (e Entry, err error) {
	if b.lists == "" {
		return e, nil
	}
	s := unpacker{rest: b.lists}
	var r record.Run
	s.lists(&r)
	for n := s.count(); n > 0 && !s.bad; n-- {
		e.removed = append(e.removed, s.text())
	}
	e.given = record.Given(s.uvarint())
	if s.bad || s.rest != "" {
		return e, errPacked
	}
	e.Params, e.Tags, e.Uses, e.ModelInputs, e.ModelOutputs = r.Params, r.Tags, r.Datasets, r.ModelInputs, r.ModelOutputs
	e.evaluations, e.artifacts = r.Evaluations, r.Artifacts
	return e, nil
}

// apply adds what the entry says to the lists of r.
func (b entryBody) apply(r *record.Run, d depth, keys *metric.Reader) error {
	e, err := b.read()
	if err != nil {
		return err
	}
	if d == whole {
		f := folder{run: r, replaces: e.given&record.GivenEvaluations != 0}
		if err := keys.Series(b.series, nil, f.point); err != nil {
			return err
		}
	}
	e.applyLists(r)
	return nil
}

// folder adds points to the latest values of a run.
type folder struct {
	run      *record.Run
	replaces bool // evaluations with the points' keys go
	key      string
	at       int // place of key
	begun    bool
}

func (f *folder) point(key string, p record.Point) {
	if !f.begun || f.key != key {
		var there bool
		f.at, there = slices.BinarySearchFunc(f.run.Metrics, key, byKey)
		if !there {
			f.run.Metrics = slices.Insert(f.run.Metrics, f.at, record.Metric{Key: key, Point: p})
		}
		f.key, f.begun = key, true
		if f.replaces {
			f.run.Evaluations = slices.DeleteFunc(f.run.Evaluations, func(e record.Evaluation) bool { return e.Key == key })
		}
	}
	if m := &f.run.Metrics[f.at]; p.After(m.Point) {
		m.Point = p
	}
}

func byKey(m record.Metric, key string) int { return cmp.Compare(m.Key, key) }

// applyLists adds the lists to those of r. A parameter that is there stays.
func (e *Entry) applyLists(r *record.Run) {
	r.Given |= e.given
	for _, p := range e.Params {
		if at, there := slices.BinarySearchFunc(r.Params, p.Key, func(p record.Param, key string) int { return cmp.Compare(p.Key, key) }); !there {
			r.Params = slices.Insert(r.Params, at, p)
		}
	}
	for _, key := range e.removed {
		r.Tags = slices.DeleteFunc(r.Tags, func(t record.Tag) bool { return t.Key == key })
	}
	for _, t := range e.Tags {
		r.Tags = replace(r.Tags, t, func(t record.Tag) string { return t.Key })
	}
	for _, u := range e.Uses {
		if at, there := slices.BinarySearchFunc(r.Datasets, u, compareUses); !there {
			r.Datasets = slices.Insert(r.Datasets, at, u)
		}
	}
	for _, id := range e.ModelInputs {
		if !slices.Contains(r.ModelInputs, id) {
			r.ModelInputs = append(r.ModelInputs, id)
		}
	}
	for _, o := range e.ModelOutputs {
		if !slices.Contains(r.ModelOutputs, o) {
			r.ModelOutputs = append(r.ModelOutputs, o)
		}
	}
	for _, v := range e.evaluations {
		r.Evaluations = replace(r.Evaluations, v, func(v record.Evaluation) string { return v.Key })
	}
	for _, a := range e.artifacts {
		r.Artifacts = replace(r.Artifacts, a, func(a record.ArtifactRef) string { return a.Key })
	}
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
