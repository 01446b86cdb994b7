package mlflow

import (
	"context"
	"fmt"
	"slices"

	"modeldb/internal/record"
	"modeldb/internal/store"
)

type logMetricRequest struct {
	runRef
	point
}

func (r *logMetricRequest) about() subject {
	return subject{run: r.text(), loggedModel: r.loggedModel}
}

var logMetricFields = withRun(
	field[logMetricRequest]{name: "key", required: true, read: readPoint},
	field[logMetricRequest]{name: "value", required: true, read: readPoint},
	field[logMetricRequest]{name: "timestamp", required: true, read: readPoint},
	field[logMetricRequest]{name: "step", read: readPoint},
	field[logMetricRequest]{name: "model_id", read: readPoint},
	field[logMetricRequest]{name: "dataset_name", read: readPoint},
	field[logMetricRequest]{name: "dataset_digest", read: readPoint},
)

func readPoint(d *decoder, in *logMetricRequest) { in.point.read(d) }

func noPrefix() string { return "" }

func (d *Door) logMetric(ctx context.Context, ws *workspace, in *logMetricRequest) (answer, error) {
	if err := checkMetric(noPrefix, &in.Metric); err != nil {
		return nil, err
	}
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	e := store.Entry{Points: []record.Metric{in.Metric}}
	if m, is := in.logged(); is {
		e.Logged = []record.LoggedMetric{m}
	}
	return d.add(ctx, ws, id, e)
}

// add keeps an entry. Logged models must be the workspace's.
func (d *Door) add(ctx context.Context, ws *workspace, id record.RunID, e store.Entry) (answer, error) {
	for i := range e.Logged {
		m := &e.Logged[i]
		if err := checkLogged(m); err != nil {
			return nil, err
		}
		if err := d.seesLoggedModel(ctx, ws, m.LoggedModel); err != nil {
			return nil, err
		}
	}
	return empty{}, d.store.Log(ctx, id, e)
}

type logParamRequest struct {
	runRef
	key, value string
}

var logParamFields = withRun(
	field[logParamRequest]{name: "key", required: true, read: func(d *decoder, in *logParamRequest) { in.key = d.str() }},
	field[logParamRequest]{name: "value", read: func(d *decoder, in *logParamRequest) { in.value = d.str() }},
)

func (d *Door) logParam(ctx context.Context, ws *workspace, in *logParamRequest) (answer, error) {
	if err := checkParam("", in.key, in.value); err != nil {
		return nil, err
	}
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	return d.add(ctx, ws, id, store.Entry{Params: []record.Param{{Key: in.key, Value: record.ParamOf(in.value)}}})
}

type runTagRequest struct {
	runRef
	value string
}

var runTagFields = withRun(
	field[runTagRequest]{name: "key", required: true, read: func(d *decoder, in *runTagRequest) { in.tag = d.str() }},
	field[runTagRequest]{name: "value", read: func(d *decoder, in *runTagRequest) { in.value = d.str() }},
)

func (d *Door) setRunTag(ctx context.Context, ws *workspace, in *runTagRequest) (answer, error) {
	t := record.Tag{Key: in.tag, Value: in.value}
	if err := checkTag("", t); err != nil {
		return nil, err
	}
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	return d.add(ctx, ws, id, store.Entry{Tags: named([]record.Tag{t})})
}

// named drops the tags that would take a run's name away: MLflow ignores an
// empty name.
func named(tags []record.Tag) []record.Tag {
	return slices.DeleteFunc(tags, func(t record.Tag) bool { return t.Key == record.RunNameTag && t.Value == "" })
}

func (d *Door) deleteRunTag(ctx context.Context, ws *workspace, in *runTagRequest) (answer, error) {
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	return empty{}, d.store.DeleteRunTag(ctx, id, in.tag)
}

type logBatchRequest struct {
	runRef
	metrics []record.Metric
	logged  []record.LoggedMetric
	params  []record.Member
	tags    []record.Tag
}

func (r *logBatchRequest) about() subject {
	s := subject{run: r.text(), batch: true}
	for i, m := range r.logged {
		if i > 0 && m.LoggedModel != s.loggedModel {
			s.loggedModel = "" // the error says which
			break
		}
		s.loggedModel = m.LoggedModel
	}
	return s
}

var logBatchFields = withRun(
	field[logBatchRequest]{name: "metrics", read: readMetrics},
	field[logBatchRequest]{name: "params", read: func(d *decoder, in *logBatchRequest) { in.params = d.params(true) }},
	field[logBatchRequest]{name: "tags", read: func(d *decoder, in *logBatchRequest) { in.tags = d.tags(true) }},
)

func readMetrics(d *decoder, in *logBatchRequest) {
	const shortest = 64 // bytes of most points, at least
	in.metrics, in.logged = make([]record.Metric, 0, min((len(d.text)-d.at)/shortest, maxBatchMetrics)), nil
	d.points(func(p *point) {
		in.metrics = append(in.metrics, p.Metric)
		if m, is := p.logged(); is {
			in.logged = append(in.logged, m)
		}
	})
}

// Limits of a batch.
const (
	maxBatchMetrics = 1000
	maxBatchPairs   = 100 // parameters, and tags
	maxBatch        = 1000
)

// check refuses a batch that MLflow's clients may not send, in MLflow's order:
// names, numbers, then keys that occur twice.
func (r *logBatchRequest) check() error {
	for i := range r.metrics {
		if err := checkMetric(func() string { return fmt.Sprintf("metrics[%d].", i) }, &r.metrics[i]); err != nil {
			return err
		}
	}
	for i, p := range r.params {
		if err := checkParam(fmt.Sprintf("params[%d].", i), p.Key, p.Value); err != nil {
			return err
		}
	}
	for i, t := range r.tags {
		if err := checkTag(fmt.Sprintf("tags[%d].", i), t); err != nil {
			return err
		}
	}
	for _, count := range []struct {
		what   string
		n, max int
	}{
		{"metrics", len(r.metrics), maxBatchMetrics},
		{"params", len(r.params), maxBatchPairs},
		{"tags", len(r.tags), maxBatchPairs},
		{"metrics, params, and tags", len(r.metrics) + len(r.params) + len(r.tags), maxBatch},
	} {
		if count.n > count.max {
			return record.Invalid.Errorf("", "A batch logging request can contain at most %d %s. Got %d %s. Please split up %s across multiple requests and try again.",
				count.max, count.what, count.n, count.what, count.what)
		}
	}
	return r.checkTwice()
}

// checkTwice refuses parameters that occur twice, even with one value.
func (r *logBatchRequest) checkTwice() error {
	var twice []string
	for i, p := range r.params {
		if slices.ContainsFunc(r.params[:i], func(q record.Member) bool { return q.Key == p.Key }) {
			twice = append(twice, p.Key)
		}
	}
	if twice == nil {
		return nil
	}
	return record.Invalid.Errorf("params", "Duplicate parameter keys have been submitted: %s. Please ensure the request contains only one param value per param key.", pythonList(twice))
}

func (d *Door) logBatch(ctx context.Context, ws *workspace, in *logBatchRequest) (answer, error) {
	if err := checkRunID(in.text()); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	return d.add(ctx, ws, id, store.Entry{Points: in.metrics, Params: paramsOf(in.params), Tags: named(in.tags), Logged: in.logged})
}

// checkRunID refuses what MLflow's log-batch and log-inputs take for no id at all.
func checkRunID(id string) error {
	for i, r := range id {
		if !(keyCharacter(r) && r != '/' && r != '.' && r != ' ' && r != ':') || i == 0 && (r == '_' || r == '-') || i >= 256 {
			return record.Invalid.Errorf("run_id", "Invalid value %s for parameter 'run_id' supplied.", asciiJSON(shorten(id)))
		}
	}
	return nil
}
