package mlflow

import (
	"context"
	"slices"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/store"
)

// runRef is how requests name a run. Clients send the id under its old name too.
type runRef struct {
	id, old string
	tag     string // that the request is about
}

func (r *runRef) text() string {
	if r.id != "" {
		return r.id
	}
	return r.old
}

func (r *runRef) about() subject { return subject{run: r.text(), tag: r.tag} }

// ref lets the tables of requests find the reference.
func (r *runRef) ref() *runRef { return r }

// withRun are the fields that name a run, and then the others.
func withRun[T any, P interface {
	*T
	ref() *runRef
}](others ...field[T]) []field[T] {
	return append([]field[T]{
		{name: "run_id", required: true, other: "run_uuid", read: func(d *decoder, in *T) { P(in).ref().id = d.str() }},
		{name: "run_uuid", read: func(d *decoder, in *T) { P(in).ref().old = d.str() }},
	}, others...)
}

// run is the id of the run that a request names, which the workspace must have.
func (d *Door) run(ctx context.Context, ws *workspace, r *runRef) (record.RunID, error) {
	id, err := record.ParseRunID(r.text())
	if err != nil {
		return id, err
	}
	return id, d.seesRun(ctx, ws, id)
}

type runAnswer struct {
	run     *record.Run
	model   record.Model
	outputs bool
}

func (a *runAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"run":`...)
	dst = appendRun(dst, a.run, a.model, a.outputs)
	return append(dst, '}')
}

type runInfoAnswer struct {
	run   *record.Run
	model record.Model
}

func (a *runInfoAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"run_info":`...)
	dst = appendRunInfo(dst, a.run, a.model)
	return append(dst, '}')
}

type runsAnswer store.RunPage

func (a *runsAnswer) elements() int { return len(a.Runs) }

func (a *runsAnswer) appendElement(dst []byte, i int) []byte {
	r := a.Runs[i]
	return appendRun(between(dst, i, `{"runs":[`), r, a.Models[r.Model], true)
}

func (a *runsAnswer) appendEnd(dst []byte) []byte {
	return append(appendNext(afterAll(dst, len(a.Runs)), a.Next), '}')
}

func (a *runsAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

type createRunRequest struct {
	experiment string
	user, name string
	start      optional[int64]
	tags       []record.Tag
}

func (r *createRunRequest) about() subject { return subject{experiment: r.experiment} }

var createRunFields = []field[createRunRequest]{
	{name: "experiment_id", read: func(d *decoder, in *createRunRequest) { in.experiment = d.str() }},
	{name: "user_id", read: func(d *decoder, in *createRunRequest) { in.user = d.str() }},
	{name: "start_time", read: func(d *decoder, in *createRunRequest) { in.start = d.integer() }},
	{name: "run_name", read: func(d *decoder, in *createRunRequest) { in.name = d.str() }},
	{name: "tags", read: func(d *decoder, in *createRunRequest) { in.tags = d.tags(false) }},
}

// nameRun takes the tag that is the run's name out of the tags, and returns the
// run's name: the one that was given, or one that is made up.
func (r *createRunRequest) nameRun() (string, error) {
	var tagged string
	r.tags = slices.DeleteFunc(r.tags, func(t record.Tag) bool {
		if t.Key == record.RunNameTag {
			tagged = t.Value
		}
		return t.Key == record.RunNameTag
	})
	switch {
	case r.name != "" && tagged != "" && r.name != tagged:
		return "", record.Invalid.Errorf("run_name", "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='%s', mlflow.runName='%s').",
			shorten(r.name), shorten(tagged))
	case r.name != "":
		return r.name, nil
	case tagged != "":
		return tagged, nil
	}
	return randomName(), nil
}

func (d *Door) createRun(ctx context.Context, ws *workspace, in *createRunRequest) (answer, error) {
	key, err := experimentKey(in.experiment)
	if err != nil {
		return nil, err
	}
	if err := checkNewTags(in.tags); err != nil {
		return nil, err
	}
	name, err := in.nameRun()
	if err != nil {
		return nil, err
	}
	if err := record.CheckName("run_name", name); err != nil {
		return nil, err
	}
	run, m, err := d.store.StartRun(ctx, record.Run{
		Model: key, Name: name, Status: record.Running, User: in.user, Start: in.start.value, Tags: in.tags,
	}, ws.sees)
	if err != nil {
		return nil, err
	}
	return &runAnswer{run, m, false}, nil
}

type runRequest struct{ runRef }

var runFields = withRun[runRequest]()

func (d *Door) getRun(ctx context.Context, ws *workspace, in *runRequest) (answer, error) {
	id, err := record.ParseRunID(in.text())
	if err != nil {
		return nil, err
	}
	run, m, err := d.store.AnyRun(ctx, id)
	if err == nil && !ws.has(m) {
		err = record.NotFound.Errorf("experiment_id", "the workspace %s has no such run", record.Quote(ws.Name))
	}
	if err != nil {
		return nil, err
	}
	return &runAnswer{run, m, true}, nil
}

func (d *Door) deleteRun(ctx context.Context, ws *workspace, in *runRequest) (answer, error) {
	return d.setDeleted(ctx, ws, in, true)
}

func (d *Door) restoreRun(ctx context.Context, ws *workspace, in *runRequest) (answer, error) {
	return d.setDeleted(ctx, ws, in, false)
}

func (d *Door) setDeleted(ctx context.Context, ws *workspace, in *runRequest, deleted bool) (answer, error) {
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	return empty{}, d.store.SetRunDeleted(ctx, id, deleted, actor)
}

type updateRunRequest struct {
	runRef
	status, end optional[int64]
	name        string
}

var updateRunFields = withRun(
	field[updateRunRequest]{name: "status", read: func(d *decoder, in *updateRunRequest) { in.status = d.enum(statuses) }},
	field[updateRunRequest]{name: "end_time", read: func(d *decoder, in *updateRunRequest) { in.end = d.integer() }},
	field[updateRunRequest]{name: "run_name", read: func(d *decoder, in *updateRunRequest) { in.name = d.str() }},
)

// updateRun ignores an empty name, as MLflow does.
func (d *Door) updateRun(ctx context.Context, ws *workspace, in *updateRunRequest) (answer, error) {
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	var c store.RunChange
	if in.name != "" {
		c.Name = &in.name
	}
	if in.end.given {
		c.End = &in.end.value
	}
	if in.status.given {
		status := record.Status(in.status.value)
		c.Status = &status
	}
	run, m, err := d.store.UpdateRun(ctx, id, c)
	if err != nil {
		return nil, err
	}
	return &runInfoAnswer{run, m}, nil
}

type searchRunsRequest struct {
	experiments []string
	filter      string
	view, max   optional[int64]
	order       []string
	token       string
}

var searchRunsFields = []field[searchRunsRequest]{
	{name: "experiment_ids", read: func(d *decoder, in *searchRunsRequest) { in.experiments = d.strs() }},
	{name: "filter", read: func(d *decoder, in *searchRunsRequest) { in.filter = d.str() }},
	{name: "run_view_type", read: func(d *decoder, in *searchRunsRequest) { in.view = d.enum(views) }},
	{name: "max_results", read: func(d *decoder, in *searchRunsRequest) {
		if in.max = d.integer(); in.max.value > maxPage {
			d.mistakenNumber(in.max.value)
		}
	}},
	{name: "order_by", read: func(d *decoder, in *searchRunsRequest) { in.order = d.strs() }},
	{name: "page_token", read: func(d *decoder, in *searchRunsRequest) { in.token = d.str() }},
}

// runsPage is how many runs a page has when the client does not say.
const runsPage = 1000

func (d *Door) searchRuns(ctx context.Context, ws *workspace, in *searchRunsRequest) (answer, error) {
	max := in.max.or(runsPage)
	if err := checkPage(max); err != nil {
		return nil, err
	}
	keys, err := experimentKeys(in.experiments)
	if err != nil {
		return nil, err
	}
	expr, err := filter.Parse(filter.Runs, in.filter)
	if err != nil {
		return nil, err
	}
	order, err := filter.ParseOrder(filter.Runs, in.order)
	if err != nil {
		return nil, err
	}
	page, err := d.store.SearchRuns(ctx, store.RunSearch{
		Models: keys, Project: ws.key(), View: viewOf(in.view), Filter: expr, Order: order, Limit: int(max), Token: in.token,
	})
	if err != nil {
		return nil, err
	}
	return (*runsAnswer)(&page), nil
}
