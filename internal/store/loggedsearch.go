package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// LoggedModelSearch asks for logged models.
type LoggedModelSearch struct {
	Models   []int64
	Project  *int64 // only models of this project; nil: any
	Filter   filter.Expr
	Datasets []record.Dataset // clauses on metrics see only values on these (name and, unless empty, digest); empty: all
	Order    []filter.Order
	Limit    int
	Token    string // of the page before; empty: the first page
}

// LoggedModelPage is a page of logged models.
type LoggedModelPage struct {
	LoggedModels []record.LoggedModel
	Models       map[int64]record.Model // those that they belong to, by key
	Next         string                 // token of the next page; empty on the last one
}

const loggedModelsSQL = `
	select ` + loggedModelColumns + `
	from logged_model l
	where l.model = $1
	order by l.key`

// SearchLoggedModels returns a page of live logged models. Those of the models
// that are asked for are all looked at.
func (s *Store) SearchLoggedModels(ctx context.Context, q LoggedModelSearch) (page LoggedModelPage, err error) {
	query := queryText("logged models", q.Project, q.Models, Live, q.Filter, q.Order, q.Datasets)
	after, err := afterKey(query, q.Token)
	if err != nil {
		return page, err
	}
	page.Models = map[int64]record.Model{}
	var rows []loggedRow
	for _, key := range uniq(q.Models) {
		m, err := s.modelOf(ctx, key)
		if record.KindOf(err) == record.NotFound || err == nil && q.Project != nil && m.Project != *q.Project {
			continue
		}
		if err != nil {
			return page, err
		}
		page.Models[key] = m
		of, err := s.loggedModelsOf(ctx, key)
		if err != nil {
			return page, err
		}
		for i := range of {
			rows = append(rows, loggedRow{LoggedModel: &of[i], of: m})
		}
	}
	matches := conditionOf(q.Filter, q.Datasets)
	found, err := pageOf(rows, q.Token, after, q.Limit,
		func(r *loggedRow) int64 { return loggedModelKey(r.ID) },
		func(r *loggedRow) bool { return r.Deleted == 0 && matches(r) },
		func(a, b *loggedRow) int {
			return cmp.Or(a.compare(b, q.Order), cmp.Compare(b.Created, a.Created), cmp.Compare(a.ID, b.ID))
		})
	if err != nil {
		return page, err
	}
	if found.more {
		page.Next = makeToken(query, binary.BigEndian.AppendUint64(nil, uint64(found.last)))
	}
	for _, r := range found.page {
		page.LoggedModels = append(page.LoggedModels, *r.LoggedModel)
	}
	return page, nil
}

// loggedModelsOf reads all logged models of a model whole, also the deleted ones:
// a page token may name one.
func (s *Store) loggedModelsOf(ctx context.Context, model int64) (all []record.LoggedModel, err error) {
	const of = ` where c.logged_model in (select l.key from logged_model l where l.model = $1)`
	err = s.snapshot(ctx, func(from reader) (err error) {
		if all, err = list(from, scanLoggedModel, loggedModelsSQL, model); err != nil {
			return err
		}
		at := make(map[int64]*record.LoggedModel, len(all))
		for i := range all {
			at[loggedModelKey(all[i].ID)] = &all[i]
		}
		err = from.query(`select c.key, c.value, c.logged_model from logged_model_param c`+of+` order by c.logged_model, c.key`, []any{model}, func(r row) error {
			if m := at[r.Int(2)]; m != nil {
				m.Params = append(m.Params, scanParam(r))
			}
			return nil
		})
		if err != nil {
			return err
		}
		err = from.query(`select c.key, c.value, c.logged_model from logged_model_tag c`+of+` order by c.logged_model, c.key`, []any{model}, func(r row) error {
			if m := at[r.Int(2)]; m != nil {
				m.Tags = append(m.Tags, scanTag(r))
			}
			return nil
		})
		if err != nil {
			return err
		}
		return from.query(`select c.key, c.run, c.dataset_name, c.dataset_digest, c.step, c.time, c.bits, c.logged_model from logged_model_metric c`+of+
			` order by c.logged_model, c.key, c.time, c.step, c.bits`, []any{model}, func(r row) error {
			if m := at[r.Int(7)]; m != nil {
				metric := scanLoggedMetric(r)
				metric.LoggedModel = m.ID
				m.Metrics = append(m.Metrics, metric)
			}
			return nil
		})
	})
	return all, err
}

// loggedRow is a logged model as filters and orders see it.
type loggedRow struct {
	*record.LoggedModel
	of     record.Model
	metric *record.LoggedMetric // the value that an order is about; nil: none
}

// condition is a filter on logged models, ready to be asked of many.
type condition func(r *loggedRow) bool

// conditionOf makes a condition. A clause on a metric is true when it is of any
// value.
func conditionOf(e filter.Expr, on []record.Dataset) condition {
	switch e := e.(type) {
	case *filter.And:
		terms := conditionsOf(e.Terms, on)
		return func(r *loggedRow) bool { return !slices.ContainsFunc(terms, func(c condition) bool { return !c(r) }) }
	case *filter.Or:
		terms := conditionsOf(e.Terms, on)
		return func(r *loggedRow) bool { return slices.ContainsFunc(terms, func(c condition) bool { return c(r) }) }
	case *filter.Not:
		term := conditionOf(e.Term, on)
		return func(r *loggedRow) bool { return !term(r) }
	case *filter.Clause:
		if e.Entity == filter.Metric {
			test := e.NumberTest()
			return func(r *loggedRow) bool {
				return slices.ContainsFunc(r.Metrics, func(m record.LoggedMetric) bool { return m.Key == e.Key && isOn(&m, on) && test(m.Value) })
			}
		}
	}
	matcher := filter.NewMatcher(e)
	return func(r *loggedRow) bool { return matcher.Match(*r) }
}

func conditionsOf(terms []filter.Expr, on []record.Dataset) (all []condition) {
	for _, t := range terms {
		all = append(all, conditionOf(t, on))
	}
	return all
}

func isOn(m *record.LoggedMetric, on []record.Dataset) bool {
	return len(on) == 0 || slices.ContainsFunc(on, func(d record.Dataset) bool {
		return m.DatasetName == d.Name && (d.Digest == "" || m.DatasetDigest == d.Digest)
	})
}

// compare orders two logged models; a metric's value is its latest one, on the
// order's dataset if it names one.
func (r *loggedRow) compare(b *loggedRow, order []filter.Order) int {
	for _, o := range order {
		x, y := *r, *b
		if o.Entity == filter.Metric {
			x.metric, y.metric = r.latest(o), b.latest(o)
		}
		if c := compareRows([]filter.Order{o}, x, y); c != 0 {
			return c
		}
	}
	return 0
}

func (r *loggedRow) latest(o filter.Order) (latest *record.LoggedMetric) {
	for i := range r.Metrics {
		m := &r.Metrics[i]
		if m.Key != o.Key || o.DatasetName != "" && !isOn(m, []record.Dataset{{Name: o.DatasetName, Digest: o.DatasetDigest}}) {
			continue
		}
		if latest == nil || cmp.Or(cmp.Compare(m.Time, latest.Time), cmp.Compare(m.Step, latest.Step)) >= 0 {
			latest = m
		}
	}
	return latest
}

// Number returns a numeric attribute, or the value of the metric that an order
// is about.
func (r loggedRow) Number(e filter.Entity, key string) (float64, bool) {
	switch {
	case e == filter.Metric && r.metric != nil && r.metric.Key == key:
		return r.metric.Value, true
	case e != filter.Attribute:
	case key == "creation_timestamp":
		return float64(r.Created), true
	case key == "last_updated_timestamp":
		return float64(r.Updated), true
	case key == "status":
		return float64(r.Status), true
	case key == "experiment_id":
		return float64(r.LoggedModel.Model), true
	}
	return 0, false
}

// Text returns a text attribute, a parameter or a tag.
func (r loggedRow) Text(e filter.Entity, key string) (string, bool) {
	switch e {
	case filter.Param:
		for _, p := range r.Params {
			if p.Key == key {
				return record.ParamText(p.Value), true
			}
		}
		return "", false
	case filter.Tag:
		return tagValue(r.Tags, key)
	case filter.Attribute:
		switch key {
		case "name":
			return r.Name, true
		case "model_id":
			return r.ID, true
		case "model_type":
			return r.Type, true
		case "source_run_id":
			return r.Run, true
		case "experiment_id":
			return record.ModelID(r.LoggedModel.Model), true
		case "artifact_location":
			return record.LoggedModelArtifacts(r.of, r.ID), true
		case "lifecycle_stage":
			return "active", true
		}
	}
	return "", false
}

// Datasets gives nothing: a logged model uses none itself.
func (r loggedRow) Datasets(string, func(string) bool) {}

// DatasetSummary is a dataset that runs of a model use, in one context.
type DatasetSummary struct {
	Model                 int64
	Name, Digest, Context string
}

const datasetsOfSQL = `
	select distinct d.name, d.digest, u.context
	from run r
	join dataset_use u on u.run = r.key
	join dataset d on d.key = u.dataset
	where r.model = $1
	  and r.deleted is null
	order by d.name, d.digest, u.context
	limit $2`

// DatasetsOf returns at most limit datasets that live runs of models use.
func (s *Store) DatasetsOf(ctx context.Context, models []int64, limit int) (all []DatasetSummary, err error) {
	for _, key := range uniq(models) {
		of, err := list(s.reading(ctx), func(r row) DatasetSummary {
			return DatasetSummary{Model: key, Name: r.Text(0), Digest: r.Text(1), Context: r.Text(2)}
		}, datasetsOfSQL, key, int64(limit-len(all)))
		if err != nil {
			return nil, err
		}
		if all = append(all, of...); len(all) >= limit {
			break
		}
	}
	return all, nil
}
