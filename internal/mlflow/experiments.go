package mlflow

import (
	"context"
	"strconv"
	"strings"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/store"
)

// experimentKey reads the id of an experiment as Python reads an integer.
func experimentKey(id string) (int64, error) {
	key, err := strconv.ParseInt(strings.TrimSpace(id), 10, 64)
	switch {
	case err == nil && key >= 0:
		return key, nil
	case err == nil || strings.Contains(err.Error(), strconv.ErrRange.Error()):
		return 0, record.NotFound.Errorf("model_id", "there is no experiment with the id %s", record.Quote(id))
	}
	return 0, record.Invalid.Errorf("experiment_id", "Invalid experiment ID '%s'. Experiment ID must be a valid integer.", shorten(id))
}

// experimentKeys reads ids. Those that no experiment can have are left out.
func experimentKeys(ids []string) (keys []int64, err error) {
	for _, id := range ids {
		key, err := experimentKey(id)
		switch {
		case err == nil:
			keys = append(keys, key)
		case record.KindOf(err) != record.NotFound:
			return nil, err
		}
	}
	return keys, nil
}

type idAnswer int64

func (a idAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"experiment_id":"`...)
	dst = strconv.AppendInt(dst, int64(a), 10)
	return append(dst, `"}`...)
}

type experimentAnswer struct {
	ws    *workspace
	model record.Model
}

func (a *experimentAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"experiment":`...)
	dst = appendExperiment(dst, a.ws, &a.model)
	return append(dst, '}')
}

type experimentsAnswer struct {
	ws     *workspace
	models []record.Model
	next   string
}

func (a *experimentsAnswer) elements() int { return len(a.models) }

func (a *experimentsAnswer) appendElement(dst []byte, i int) []byte {
	return appendExperiment(between(dst, i, `{"experiments":[`), a.ws, &a.models[i])
}

func (a *experimentsAnswer) appendEnd(dst []byte) []byte {
	return append(appendNext(afterAll(dst, len(a.models)), a.next), '}')
}

func (a *experimentsAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

// experimentRequest names an experiment.
type experimentRequest struct {
	id       string
	name     string // of it, or a new one
	location string
	tags     []record.Tag
	key      string // of a tag
	value    string
	rename   bool
}

func (r *experimentRequest) about() subject {
	return subject{experiment: strings.TrimSpace(r.id), name: r.name, tag: r.key, rename: r.rename}
}

func readExperimentID(d *decoder, in *experimentRequest) { in.id = d.str() }
func readName(d *decoder, in *experimentRequest)         { in.name = d.str() }

var (
	experimentFields = []field[experimentRequest]{
		{name: "experiment_id", required: true, read: readExperimentID},
	}
	experimentByNameFields = []field[experimentRequest]{
		{name: "experiment_name", required: true, read: readName},
	}
	createExperimentFields = []field[experimentRequest]{
		{name: "name", required: true, read: readName},
		{name: "artifact_location", read: func(d *decoder, in *experimentRequest) { in.location = d.str() }},
		{name: "tags", read: func(d *decoder, in *experimentRequest) { in.tags = d.tags(false) }},
	}
	updateExperimentFields = []field[experimentRequest]{
		{name: "experiment_id", required: true, read: readExperimentID},
		{name: "new_name", required: true, read: func(d *decoder, in *experimentRequest) { in.name, in.rename = d.str(), true }},
	}
	experimentTagFields = []field[experimentRequest]{
		{name: "experiment_id", required: true, read: readExperimentID},
		{name: "key", required: true, read: func(d *decoder, in *experimentRequest) { in.key = d.str() }},
		{name: "value", read: func(d *decoder, in *experimentRequest) { in.value = d.str() }},
	}
)

// checkExperimentName refuses a name that is too long. One with a slash may be
// a project's and a model's, each of which has its limit.
func checkExperimentName(name string) error {
	if err := checkLength("name", name, maxExperimentName); err != nil || strings.Contains(name, "/") {
		return err
	}
	return checkLength("name", name, record.MaxName)
}

func (d *Door) createExperiment(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	if err := checkExperimentName(in.name); err != nil {
		return nil, err
	}
	if err := checkLocation(in.location); err != nil {
		return nil, err
	}
	for _, t := range in.tags {
		if err := checkExperimentTag(t); err != nil {
			return nil, err
		}
	}
	if err := checkNewTags(in.tags); err != nil {
		return nil, err
	}
	m, err := d.store.AddModel(ctx, store.NewModel{Project: ws.key(), Name: in.name, Location: in.location, Tags: in.tags}, actor)
	if err != nil {
		return nil, err
	}
	return idAnswer(m.Key), nil
}

func (d *Door) getExperiment(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	key, err := experimentKey(in.id)
	if err != nil {
		return nil, err
	}
	m, err := d.model(ctx, ws, key)
	if err != nil {
		return nil, err
	}
	return &experimentAnswer{ws, m}, nil
}

func (d *Door) getExperimentByName(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	full := in.name
	if ws != nil {
		full = record.FullName(ws.Project, in.name)
	}
	m, err := d.store.ModelByFullName(ctx, full)
	if err == nil && !ws.has(m) {
		err = record.NotFound.Errorf("model_name", "the workspace %s has no such experiment", record.Quote(ws.Name))
	}
	if err != nil {
		return nil, err
	}
	return &experimentAnswer{ws, m}, nil
}

// changeExperiment finds the experiment, which the workspace must have, and
// changes it.
func (d *Door) changeExperiment(ctx context.Context, ws *workspace, in *experimentRequest, change func(key int64) error) (answer, error) {
	key, err := experimentKey(in.id)
	if err != nil {
		return nil, err
	}
	if err := d.sees(ctx, ws, key); err != nil {
		return nil, err
	}
	return empty{}, change(key)
}

func (d *Door) updateExperiment(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	if err := checkExperimentName(in.name); err != nil {
		return nil, err
	}
	return d.changeExperiment(ctx, ws, in, func(key int64) error {
		return d.store.RenameModel(ctx, key, in.name, actor)
	})
}

func (d *Door) deleteExperiment(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	return d.changeExperiment(ctx, ws, in, func(key int64) error {
		_, err := d.store.DeleteModel(ctx, key, actor)
		return err
	})
}

// restoreExperiment refuses a live experiment, as MLflow does.
func (d *Door) restoreExperiment(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	return d.changeExperiment(ctx, ws, in, func(key int64) error {
		m, err := d.store.AnyModel(ctx, key)
		if err == nil && !m.Gone {
			err = record.NotFound.Errorf("model_id", "no deleted experiment has the id %s", record.Quote(in.id))
		}
		if err != nil {
			return err
		}
		_, err = d.store.RestoreModel(ctx, key, actor)
		return err
	})
}

func (d *Door) setExperimentTag(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	t := record.Tag{Key: in.key, Value: in.value}
	if err := checkExperimentTag(t); err != nil {
		return nil, err
	}
	return d.changeExperiment(ctx, ws, in, func(key int64) error { return d.store.SetModelTag(ctx, key, t) })
}

func (d *Door) deleteExperimentTag(ctx context.Context, ws *workspace, in *experimentRequest) (answer, error) {
	return d.changeExperiment(ctx, ws, in, func(key int64) error { return d.store.DeleteModelTag(ctx, key, in.key) })
}

// views are the names of store.View, from 1.
var views = []string{"ACTIVE_ONLY", "DELETED_ONLY", "ALL"}

// viewOf is the view with a number of views; live records when none is given.
func viewOf(number optional[int64]) store.View {
	switch number.value {
	case 2:
		return store.Deleted
	case 3:
		return store.All
	}
	return store.Live
}

type searchExperimentsRequest struct {
	max    optional[int64]
	token  string
	filter string
	order  []string
	view   optional[int64]
}

var searchExperimentsFields = []field[searchExperimentsRequest]{
	{name: "view_type", read: func(d *decoder, in *searchExperimentsRequest) { in.view = d.enum(views) }},
	{name: "max_results", read: func(d *decoder, in *searchExperimentsRequest) { in.max = d.integer() }},
	{name: "order_by", read: func(d *decoder, in *searchExperimentsRequest) { in.order = d.strs() }},
	{name: "filter", read: func(d *decoder, in *searchExperimentsRequest) { in.filter = d.str() }},
	{name: "page_token", read: func(d *decoder, in *searchExperimentsRequest) { in.token = d.str() }},
}

// maxPage is how many records a page may have.
const maxPage = 50_000

// checkPage refuses a page without records.
func checkPage(max int64) error {
	if max < 1 {
		return record.Invalid.Errorf("max_results", "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", max)
	}
	return nil
}

func (d *Door) searchExperiments(ctx context.Context, ws *workspace, in *searchExperimentsRequest) (answer, error) {
	if err := checkPage(in.max.value); err != nil {
		return nil, err
	}
	if in.max.value > maxPage {
		return nil, record.Invalid.Errorf("max_results", "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", in.max.value, maxPage)
	}
	expr, err := filter.Parse(filter.Experiments, in.filter)
	if err != nil {
		return nil, err
	}
	order, err := filter.ParseOrder(filter.Experiments, in.order)
	if err != nil {
		return nil, err
	}
	models, next, err := d.store.SearchModels(ctx, store.ModelSearch{
		Project: ws.key(), View: viewOf(in.view), Filter: expr, Order: order, Limit: int(in.max.value), Token: in.token,
	})
	if err != nil {
		return nil, err
	}
	return &experimentsAnswer{ws, models, next}, nil
}
