package mlflow

import (
	"context"
	"strconv"
	"strings"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/store"
)

// loggedModelRequest names a logged model, and says what to change.
type loggedModelRequest struct {
	id     string
	tag    string // to delete
	status optional[int64]
	tags   []record.Tag
	params []record.Member
}

func (r *loggedModelRequest) about() subject { return subject{loggedModel: r.id, tag: r.tag} }

func (r *loggedModelRequest) readPath(value func(string) string) {
	r.id, r.tag = value("model_id"), value("tag_key")
}

var (
	// loggedModelFields has none: the id is in the path.
	loggedModelFields []field[loggedModelRequest]

	finalizeFields = []field[loggedModelRequest]{
		{name: "model_id", required: true, read: readLoggedModelID},
		{name: "status", required: true, read: func(d *decoder, in *loggedModelRequest) { in.status = d.enum(loggedStatuses) }},
	}
	loggedModelTagsFields = []field[loggedModelRequest]{
		{name: "tags", read: func(d *decoder, in *loggedModelRequest) { in.tags = d.tags(true) }},
	}
	loggedModelParamsFields = []field[loggedModelRequest]{
		{name: "model_id", required: true, read: readLoggedModelID},
		{name: "params", read: func(d *decoder, in *loggedModelRequest) { in.params = d.params(true) }},
	}
)

func readLoggedModelID(d *decoder, in *loggedModelRequest) { in.id = d.str() }

// appendLoggedModel appends a logged model.
func appendLoggedModel(dst []byte, l *record.LoggedModel, m record.Model) []byte {
	dst = append(dst, `{"info":{"model_id":`...)
	dst = record.AppendJSON(dst, l.ID)
	dst = append(dst, `,"experiment_id":"`...)
	dst = strconv.AppendInt(dst, l.Model, 10)
	dst = append(dst, `","name":`...)
	dst = record.AppendJSON(dst, l.Name)
	dst = append(dst, `,"creation_timestamp_ms":`...)
	dst = strconv.AppendInt(dst, l.Created, 10)
	dst = append(dst, `,"last_updated_timestamp_ms":`...)
	dst = strconv.AppendInt(dst, l.Updated, 10)
	dst = append(dst, `,"artifact_uri":`...)
	dst = record.AppendJSON(dst, record.LoggedModelArtifacts(m, l.ID))
	if l.Status >= 1 && int(l.Status) <= len(loggedStatuses) {
		dst = append(dst, `,"status":"`...)
		dst = append(dst, loggedStatuses[l.Status-1]...)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"model_type":`...)
	dst = record.AppendJSON(dst, l.Type)
	dst = append(dst, `,"source_run_id":`...)
	dst = record.AppendJSON(dst, l.Run)
	dst = appendTags(dst, `,"tags":[`, l.Tags)
	dst = append(dst, `},"data":{`...)
	dst = appendParams(dst, `"params":[`, l.Params)
	opening := `,"metrics":[`
	if len(l.Params) == 0 {
		opening = opening[1:]
	}
	return append(appendLoggedMetrics(dst, opening, l.Metrics), "}}"...)
}

func appendLoggedMetrics(dst []byte, opening string, metrics []record.LoggedMetric) []byte {
	var l list
	for i := range metrics {
		m := &metrics[i]
		dst = l.begin(dst, opening)
		dst = appendMetric(dst, m.Key, m.Point)
		if m.DatasetName != "" {
			dst = append(dst, `,"dataset_name":`...)
			dst = record.AppendJSON(dst, m.DatasetName)
		}
		if m.DatasetDigest != "" {
			dst = append(dst, `,"dataset_digest":`...)
			dst = record.AppendJSON(dst, m.DatasetDigest)
		}
		dst = append(dst, `,"model_id":`...)
		dst = record.AppendJSON(dst, m.LoggedModel)
		dst = append(dst, `,"run_id":"`...)
		dst = append(dst, m.Run.String()...)
		dst = append(dst, `"}`...)
	}
	return l.end(dst)
}

type loggedModelAnswer struct {
	logged *record.LoggedModel
	model  record.Model
}

func (a *loggedModelAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"model":`...)
	dst = appendLoggedModel(dst, a.logged, a.model)
	return append(dst, '}')
}

type loggedModelsAnswer store.LoggedModelPage

func (a *loggedModelsAnswer) elements() int { return len(a.LoggedModels) }

func (a *loggedModelsAnswer) appendElement(dst []byte, i int) []byte {
	m := &a.LoggedModels[i]
	return appendLoggedModel(between(dst, i, `{"models":[`), m, a.Models[m.Model])
}

func (a *loggedModelsAnswer) appendEnd(dst []byte) []byte {
	return append(appendNext(afterAll(dst, len(a.LoggedModels)), a.Next), '}')
}

func (a *loggedModelsAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

type createLoggedModelRequest struct {
	experiment, name, kind, run string
	params                      []record.Member
	tags                        []record.Tag
}

func (r *createLoggedModelRequest) about() subject { return subject{experiment: r.experiment} }

var createLoggedModelFields = []field[createLoggedModelRequest]{
	{name: "experiment_id", required: true, read: func(d *decoder, in *createLoggedModelRequest) { in.experiment = d.str() }},
	{name: "name", read: func(d *decoder, in *createLoggedModelRequest) { in.name = d.str() }},
	{name: "model_type", read: func(d *decoder, in *createLoggedModelRequest) { in.kind = d.str() }},
	{name: "source_run_id", read: func(d *decoder, in *createLoggedModelRequest) { in.run = d.str() }},
	{name: "params", read: func(d *decoder, in *createLoggedModelRequest) { in.params = d.params(true) }},
	{name: "tags", read: func(d *decoder, in *createLoggedModelRequest) { in.tags = d.tags(true) }},
}

func (d *Door) createLoggedModel(ctx context.Context, ws *workspace, in *createLoggedModelRequest) (answer, error) {
	if strings.ContainsAny(in.name, `/:.%"'`) {
		return nil, record.Invalid.Errorf("name", "Invalid model name (%s) provided. Model name must be a non-empty string and cannot contain the following characters: "+
			`('/', ':', '.', '%%', '"', "'")`, pythonText(shorten(in.name)))
	}
	if err := checkLoggedParams(in.params); err != nil {
		return nil, err
	}
	key, err := experimentKey(in.experiment)
	if err != nil {
		return nil, err
	}
	if err := d.sees(ctx, ws, key); err != nil {
		return nil, err
	}
	if in.name == "" {
		in.name = randomName()
	}
	made, m, err := d.store.AddLoggedModel(ctx, record.LoggedModel{
		Model: key, Name: in.name, Type: in.kind, Run: in.run, Params: paramsOf(in.params), Tags: in.tags,
	})
	if err != nil {
		return nil, err
	}
	return &loggedModelAnswer{made, m}, nil
}

func checkLoggedParams(params []record.Member) error {
	for _, p := range params {
		if err := checkLength("Param value", p.Value, maxParamValue); err != nil {
			return err
		}
	}
	return nil
}

func (d *Door) getLoggedModel(ctx context.Context, ws *workspace, in *loggedModelRequest) (answer, error) {
	l, m, err := d.loggedModel(ctx, ws, in.id)
	if err != nil {
		return nil, err
	}
	return &loggedModelAnswer{l, m}, nil
}

func (d *Door) finalizeLoggedModel(ctx context.Context, ws *workspace, in *loggedModelRequest) (answer, error) {
	if err := d.seesLoggedModel(ctx, ws, in.id); err != nil {
		return nil, err
	}
	l, m, err := d.store.SetLoggedModelStatus(ctx, in.id, record.LoggedModelStatus(in.status.value))
	if err != nil {
		return nil, err
	}
	return &loggedModelAnswer{l, m}, nil
}

// changeLoggedModel changes a logged model, which the workspace must have.
func (d *Door) changeLoggedModel(ctx context.Context, ws *workspace, in *loggedModelRequest, change func() error) (answer, error) {
	if err := d.seesLoggedModel(ctx, ws, in.id); err != nil {
		return nil, err
	}
	return empty{}, change()
}

func (d *Door) deleteLoggedModel(ctx context.Context, ws *workspace, in *loggedModelRequest) (answer, error) {
	return d.changeLoggedModel(ctx, ws, in, func() error { return d.store.DeleteLoggedModel(ctx, in.id, actor) })
}

func (d *Door) setLoggedModelTags(ctx context.Context, ws *workspace, in *loggedModelRequest) (answer, error) {
	return d.changeLoggedModel(ctx, ws, in, func() error { return d.store.SetLoggedModelTags(ctx, in.id, in.tags) })
}

func (d *Door) deleteLoggedModelTag(ctx context.Context, ws *workspace, in *loggedModelRequest) (answer, error) {
	return d.changeLoggedModel(ctx, ws, in, func() error { return d.store.DeleteLoggedModelTag(ctx, in.id, in.tag) })
}

func (d *Door) addLoggedModelParams(ctx context.Context, ws *workspace, in *loggedModelRequest) (answer, error) {
	if err := checkLoggedParams(in.params); err != nil {
		return nil, err
	}
	return d.changeLoggedModel(ctx, ws, in, func() error { return d.store.AddLoggedModelParams(ctx, in.id, paramsOf(in.params)) })
}

// loggedOrder is one key of the order of a search for logged models.
type loggedOrder struct {
	field, dataset, digest string
	ascending              optional[bool]
}

type searchLoggedModelsRequest struct {
	experiments []string
	filter      string
	datasets    []record.Dataset
	max         optional[int64]
	order       []loggedOrder
	token       string
}

var searchLoggedModelsFields = []field[searchLoggedModelsRequest]{
	{name: "experiment_ids", required: true, read: func(d *decoder, in *searchLoggedModelsRequest) { in.experiments = d.strs() }},
	{name: "filter", read: func(d *decoder, in *searchLoggedModelsRequest) { in.filter = d.str() }},
	{name: "datasets", read: readDatasetFilters},
	{name: "max_results", read: func(d *decoder, in *searchLoggedModelsRequest) { in.max = d.integer() }},
	{name: "order_by", read: readLoggedOrder},
	{name: "page_token", read: func(d *decoder, in *searchLoggedModelsRequest) { in.token = d.str() }},
}

func readDatasetFilters(d *decoder, in *searchLoggedModelsRequest) {
	in.datasets = nil
	for open := d.list(); open && d.more(); {
		var set record.Dataset
		for open := d.open('{'); open && d.next(); {
			switch d.name {
			case "dataset_name":
				set.Name = d.str()
			case "dataset_digest":
				set.Digest = d.str()
			default:
				d.skip()
			}
		}
		in.datasets = append(in.datasets, set)
	}
}

func readLoggedOrder(d *decoder, in *searchLoggedModelsRequest) {
	in.order = nil
	for open := d.list(); open && d.more(); {
		var o loggedOrder
		for open := d.open('{'); open && d.next(); {
			switch d.name {
			case "field_name":
				o.field = d.str()
			case "ascending":
				o.ascending = d.boolean()
			case "dataset_name":
				o.dataset = d.str()
			case "dataset_digest":
				o.digest = d.str()
			default:
				d.skip()
			}
		}
		if o.field == "" {
			d.missing("field_name")
		}
		in.order = append(in.order, o)
	}
}

// How many logged models a page has when the client does not say, and when it
// says 0.
const (
	loggedPage     = 50
	loggedPageZero = 100
)

// orders are the keys of the order as they are searched by.
func (r *searchLoggedModelsRequest) orders() (all []filter.Order, err error) {
	for _, o := range r.order {
		order, err := filter.OrderOf(filter.LoggedModels, o.field, !o.ascending.or(true))
		if err != nil {
			return nil, err
		}
		order.DatasetName, order.DatasetDigest = o.dataset, o.digest
		all = append(all, order)
	}
	return all, nil
}

func (d *Door) searchLoggedModels(ctx context.Context, ws *workspace, in *searchLoggedModelsRequest) (answer, error) {
	max := in.max.or(loggedPage)
	if max == 0 {
		max = loggedPageZero
	}
	if err := checkPage(max); err != nil {
		return nil, err
	}
	for _, set := range in.datasets {
		if set.Name == "" {
			return nil, record.Invalid.Errorf("datasets", "`dataset_name` in the `datasets` clause must be specified.")
		}
	}
	keys, err := experimentKeys(in.experiments)
	if err != nil {
		return nil, err
	}
	expr, err := filter.Parse(filter.LoggedModels, in.filter)
	if err != nil {
		return nil, err
	}
	order, err := in.orders()
	if err != nil {
		return nil, err
	}
	page, err := d.store.SearchLoggedModels(ctx, store.LoggedModelSearch{
		Models: keys, Project: ws.key(), Filter: expr, Datasets: in.datasets, Order: order, Limit: int(min(max, maxPage)), Token: in.token,
	})
	if err != nil {
		return nil, err
	}
	return (*loggedModelsAnswer)(&page), nil
}
