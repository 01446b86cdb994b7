package mlflow

import (
	"modeldb/internal/record"
)

// pairs reads a list of {key, value}. With needed, a key that is missing or
// empty is refused.
func (d *decoder) pairs(needed bool, add func(key, value string)) {
	for open := d.list(); open && d.more(); {
		var key, value string
		for open := d.open('{'); open && d.next(); {
			switch d.name {
			case "key":
				key = d.str()
			case "value":
				value = d.str()
			default:
				d.skip()
			}
		}
		if needed && key == "" {
			d.missing("key")
		}
		add(key, value)
	}
}

func (d *decoder) tags(needed bool) (all []record.Tag) {
	d.pairs(needed, func(key, value string) { all = append(all, record.Tag{Key: key, Value: value}) })
	return all
}

// params reads parameters as they came: their values are texts, and not yet
// the JSON that is kept.
func (d *decoder) params(needed bool) (all []record.Member) {
	d.pairs(needed, func(key, value string) { all = append(all, record.Member{Key: key, Value: value}) })
	return all
}

// paramsOf are parameters as they are kept.
func paramsOf(members []record.Member) []record.Param {
	if len(members) == 0 {
		return nil
	}
	all := make([]record.Param, len(members))
	for i, m := range members {
		all[i] = record.Param{Key: m.Key, Value: record.ParamOf(m.Value)}
	}
	return all
}

// point is a value of a metric as a request has it.
type point struct {
	record.Metric
	loggedModel, datasetName, datasetDigest string

	hasValue, hasTime bool
}

// points reads a list of points, and gives each to add, which does not keep it.
func (d *decoder) points(add func(*point)) {
	var p point
	for open := d.list(); open && d.more(); {
		p = point{}
		for open := d.open('{'); open && d.next(); {
			p.read(d)
		}
		switch {
		case p.Key == "":
			d.missing("key")
		case !p.hasValue:
			d.missing("value")
		case !p.hasTime:
			d.missing("timestamp")
		}
		add(&p)
	}
}

// read reads one field of a point. The cases are in the order of how often
// they come.
func (p *point) read(d *decoder) {
	switch d.name {
	case "key":
		p.Key = d.str()
	case "value":
		v := d.number()
		p.Value, p.hasValue = v.value, v.given
	case "timestamp":
		v := d.integer()
		p.Time, p.hasTime = v.value, v.given
	case "step":
		p.Step = d.integer().value
	case "model_id":
		p.loggedModel = d.str()
	case "dataset_name":
		p.datasetName = d.str()
	case "dataset_digest":
		p.datasetDigest = d.str()
	default:
		d.skip() // the run's id among them, which is the request's
	}
}

// logged is the point as one of a metric of a logged model, if it is one.
func (p *point) logged() (m record.LoggedMetric, is bool) {
	return record.LoggedMetric{
		LoggedModel: p.loggedModel, Key: p.Key, DatasetName: p.datasetName, DatasetDigest: p.datasetDigest, Point: p.Point,
	}, p.loggedModel != ""
}
