package mlflow

import (
	"context"
	"strconv"

	"modeldb/internal/record"
	"modeldb/internal/store"
)

type logInputsRequest struct {
	runRef
	uses   []record.DatasetUse
	models []string
}

var logInputsFields = withRun(
	field[logInputsRequest]{name: "datasets", read: readUses},
	field[logInputsRequest]{name: "models", read: func(d *decoder, in *logInputsRequest) {
		in.models = nil
		d.outputs(func(o record.ModelOutput) { in.models = append(in.models, o.Model) })
	}},
)

func readUses(d *decoder, in *logInputsRequest) {
	in.uses = nil
	for open := d.list(); open && d.more(); {
		var u record.DatasetUse
		dataset := false
		for open := d.open('{'); open && d.next(); {
			switch d.name {
			case "tags":
				d.useTags(&u)
			case "dataset":
				dataset = true
				d.dataset(&u.Dataset)
			default:
				d.skip()
			}
		}
		if !dataset {
			d.missing("dataset")
		}
		in.uses = append(in.uses, u)
	}
}

// useTags reads the tags of a dataset's use. One of them is its context.
func (d *decoder) useTags(u *record.DatasetUse) {
	for open := d.open('['); open && d.more(); {
		var t record.Tag
		for open := d.open('{'); open && d.next(); {
			switch d.name {
			case "key":
				t.Key = d.str()
			case "value":
				t.Value = d.str()
			default:
				d.skip()
			}
		}
		if t.Key == contextTag {
			u.Context, u.Role = t.Value, record.RoleOf(t.Value)
		} else {
			u.Tags = append(u.Tags, t)
		}
	}
}

func (d *decoder) dataset(to *record.Dataset) {
	for open := d.open('{'); open && d.next(); {
		switch d.name {
		case "name":
			to.Name = d.str()
		case "digest":
			to.Digest = d.str()
		case "source_type":
			to.SourceType = d.str()
		case "source":
			to.Source = d.str()
		case "schema":
			to.Schema = d.str()
		case "profile":
			to.Profile = d.str()
		default:
			d.skip()
		}
	}
}

// outputs reads a list of logged models, with or without steps.
func (d *decoder) outputs(add func(record.ModelOutput)) {
	for open := d.list(); open && d.more(); {
		var o record.ModelOutput
		for open := d.open('{'); open && d.next(); {
			switch d.name {
			case "model_id":
				o.Model = d.str()
			case "step":
				o.Step = d.integer().value
			default:
				d.skip()
			}
		}
		if o.Model == "" {
			d.missing("model_id")
		}
		add(o)
	}
}

// checkUse refuses a use of a dataset that is over MLflow's limits.
func checkUse(u *record.DatasetUse) error {
	for _, text := range []struct {
		what, text string
		limit      int
	}{
		{"name", u.Name, maxDatasetName},
		{"digest", u.Digest, maxDatasetDigest},
		{"source", u.Source, record.MaxDatasetSource},
		{"schema", u.Schema, record.MaxDatasetSchema},
		{"profile", u.Profile, record.MaxDatasetProfile},
		{"value", u.Context, maxInputTagValue},
	} {
		if err := checkLength(text.what, text.text, text.limit); err != nil {
			return err
		}
	}
	for _, t := range u.Tags {
		if err := checkLength("key", t.Key, maxInputTagKey); err != nil {
			return err
		}
		if err := checkLength("value", t.Value, maxInputTagValue); err != nil {
			return err
		}
	}
	return nil
}

func (d *Door) logInputs(ctx context.Context, ws *workspace, in *logInputsRequest) (answer, error) {
	if err := checkRunID(in.text()); err != nil {
		return nil, err
	}
	for i := range in.uses {
		if err := checkUse(&in.uses[i]); err != nil {
			return nil, err
		}
	}
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	return d.add(ctx, ws, id, store.Entry{Uses: in.uses, ModelInputs: in.models})
}

type logOutputsRequest struct {
	runRef
	outputs []record.ModelOutput
}

var logOutputsFields = withRun(
	field[logOutputsRequest]{name: "models", required: true, read: func(d *decoder, in *logOutputsRequest) {
		in.outputs = nil
		d.outputs(func(o record.ModelOutput) { in.outputs = append(in.outputs, o) })
	}},
)

func (d *Door) logOutputs(ctx context.Context, ws *workspace, in *logOutputsRequest) (answer, error) {
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	return d.add(ctx, ws, id, store.Entry{ModelOutputs: in.outputs})
}

type searchDatasetsRequest struct{ experiments []string }

var searchDatasetsFields = []field[searchDatasetsRequest]{
	{name: "experiment_ids", read: func(d *decoder, in *searchDatasetsRequest) { in.experiments = d.strs() }},
}

// Limits of a search for datasets.
const (
	maxDatasetExperiments = 20
	maxDatasetSummaries   = 1000
)

type datasetsAnswer []store.DatasetSummary

func (a datasetsAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	var l list
	for _, s := range a {
		dst = l.begin(dst, `"dataset_summaries":[`)
		dst = append(dst, `{"experiment_id":"`...)
		dst = strconv.AppendInt(dst, s.Model, 10)
		dst = append(dst, `","name":`...)
		dst = record.AppendJSON(dst, s.Name)
		dst = append(dst, `,"digest":`...)
		dst = record.AppendJSON(dst, s.Digest)
		if s.Context != "" {
			dst = append(dst, `,"context":`...)
			dst = record.AppendJSON(dst, s.Context)
		}
		dst = append(dst, '}')
	}
	return append(l.end(dst), '}')
}

func (d *Door) searchDatasets(ctx context.Context, ws *workspace, in *searchDatasetsRequest) (answer, error) {
	switch n := len(in.experiments); {
	case n == 0:
		return nil, record.Invalid.Errorf("experiment_ids", "SearchDatasets request must specify at least one experiment_id.")
	case n > maxDatasetExperiments:
		return nil, record.Invalid.Errorf("experiment_ids", "SearchDatasets request cannot specify more than %d experiment_ids. Received %d experiment_ids.", maxDatasetExperiments, n)
	}
	keys, err := experimentKeys(in.experiments)
	if err != nil {
		return nil, err
	}
	if keys, err = d.seen(ctx, ws, keys); err != nil {
		return nil, err
	}
	found, err := d.store.DatasetsOf(ctx, keys, maxDatasetSummaries)
	return datasetsAnswer(found), err
}

// seen are the models that the workspace has.
func (d *Door) seen(ctx context.Context, ws *workspace, keys []int64) (kept []int64, err error) {
	if ws == nil {
		return keys, nil
	}
	for _, key := range keys {
		switch err := d.sees(ctx, ws, key); {
		case err == nil:
			kept = append(kept, key)
		case record.KindOf(err) != record.NotFound:
			return nil, err
		}
	}
	return kept, nil
}
