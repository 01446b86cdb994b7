package search

import (
	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// The keys of a run's attributes.
const (
	attrID        = "run_id"
	attrName      = "run_name"
	attrStatus    = "status"
	attrUser      = "user_id"
	attrArtifacts = "artifact_uri"
	attrStart     = "start_time"
	attrEnd       = "end_time"
)

// RunRow is a run as conditions see it.
type RunRow struct {
	*record.Run
	Artifacts string // address of the run's files
}

var _ filter.Row = RunRow{}

// Number returns a time or the latest value of a metric.
func (r RunRow) Number(e filter.Entity, key string) (float64, bool) {
	switch {
	case e == filter.Metric:
		for i := range r.Metrics {
			if r.Metrics[i].Key == key {
				return r.Metrics[i].Value, true
			}
		}
	case e == filter.Attribute && key == attrStart:
		return float64(r.Start), true
	case e == filter.Attribute && key == attrEnd:
		return float64(r.End), r.End != 0
	}
	return 0, false
}

// Text returns a text attribute, a parameter as record.ParamText shows it, or
// a tag. The tag record.RunNameTag is the run's name.
func (r RunRow) Text(e filter.Entity, key string) (string, bool) {
	switch e {
	case filter.Param:
		for _, p := range r.Params {
			if p.Key == key {
				return record.ParamText(p.Value), true
			}
		}
	case filter.Tag:
		if key == record.RunNameTag {
			return r.Name, true
		}
		for _, t := range r.Tags {
			if t.Key == key {
				return t.Value, true
			}
		}
	case filter.Attribute:
		return r.attribute(key)
	}
	return "", false
}

func (r RunRow) attribute(key string) (string, bool) {
	switch key {
	case attrID:
		return r.ID.String(), true
	case attrName:
		return r.Name, true
	case attrStatus:
		return statusText(r.Status)
	case attrUser:
		return r.User, true
	case attrArtifacts:
		return r.Artifacts, true
	}
	return "", false
}

// Datasets calls yield for the name, digest or context of each dataset that
// the run uses, until yield returns false.
func (r RunRow) Datasets(key string, yield func(string) bool) {
	for i := range r.Run.Datasets {
		u := &r.Run.Datasets[i]
		text := u.Context
		switch key {
		case "name":
			text = u.Name
		case "digest":
			text = u.Digest
		}
		if !yield(text) {
			return
		}
	}
}

// statusText is MLflow's name of a status.
func statusText(s record.Status) (string, bool) {
	switch s {
	case record.Running:
		return "RUNNING", true
	case record.Scheduled:
		return "SCHEDULED", true
	case record.Finished:
		return "FINISHED", true
	case record.Failed:
		return "FAILED", true
	case record.Killed:
		return "KILLED", true
	}
	return "", false
}

// here is a row of the index as conditions see it: for what no column answers
// faster.
type here struct {
	*scan
	block *block
	n, i  int // the block's number, and the row's in it
}

// Number returns a time or the latest value of a metric.
func (h *here) Number(e filter.Entity, key string) (float64, bool) {
	switch {
	case e == filter.Metric:
		if c := h.ix.metrics.find(key); c != nil {
			if p := c.of(h.n); p != nil && p.has.has(h.i) {
				return p.values[p.has.below(h.i)], true
			}
		}
	case e == filter.Attribute && key == attrStart:
		return float64(h.block.start[h.i]), true
	case e == filter.Attribute && key == attrEnd:
		return float64(h.block.end[h.i]), h.block.ended.has(h.i)
	}
	return 0, false
}

// Text returns a text attribute, a parameter or a tag.
func (h *here) Text(e filter.Entity, key string) (string, bool) {
	if c := h.ix.texts(e, key); c != nil {
		return c.at(h.n, h.i)
	}
	if e != filter.Attribute {
		return "", false
	}
	switch key {
	case attrID:
		return h.block.ids[h.i].String(), true
	case attrStatus:
		return statusText(record.Status(h.block.status[h.i]))
	case attrArtifacts:
		if h.query.Artifacts != nil {
			return h.query.Artifacts(h.block.ids[h.i]), true
		}
	}
	return "", false
}

// Datasets calls yield for a text of each dataset that the row uses.
func (h *here) Datasets(key string, yield func(string) bool) {
	if uses, there := h.ix.uses.at(h.n, h.i); there {
		eachUse(uses, key, yield)
	}
}

// texts returns the column of a text that is no id, status or address, or nil.
func (ix *Index) texts(e filter.Entity, key string) *texts {
	switch {
	case e == filter.Param:
		return ix.params.find(key)
	case e == filter.Tag && key == record.RunNameTag, e == filter.Attribute && key == attrName:
		return ix.names
	case e == filter.Tag:
		return ix.tags.find(key)
	case e == filter.Attribute && key == attrUser:
		return ix.users
	}
	return nil
}
