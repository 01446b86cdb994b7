package api

import (
	"context"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"

	"modeldb/internal/record"
)

// compareLimit is how many experiments stand side by side.
const compareLimit = 500

// compareBytes is how large they may be in all.
const compareBytes = 64 << 20

// Comparison shows experiments side by side: every list has one value for each
// experiment, in the order of experiments, and null where it has none.
type Comparison struct {
	Experiments       []Compared     `json:"experiments"`
	Parameters        map[string]row `json:"parameters" doc:"For each key, the values."`
	TrainingDataset   []*string      `json:"training_dataset"`
	ValidationDataset []*string      `json:"validation_dataset"`
	TestDataset       []*string      `json:"test_dataset"`
	Evaluations       map[string]row `json:"evaluations" doc:"For each key, the values."`
}

// row is a value of each experiment, of any kind.
type row []jsontext.Value

// Schema documents the row; see huma.SchemaProvider.
func (row) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{}}
}

// Compared names one of the experiments.
type Compared struct {
	ExperimentID    string `json:"experiment_id" example:"019ab0de5f0070008b1e4d0f9a3c2b11"`
	ModelID         string `json:"model_id" example:"244871654494208"`
	ModelVersionID  string `json:"model_version_id" example:"forest-12"`
	CreatedDatetime string `json:"created_datetime" format:"date-time"`
}

func (d *Door) compare(ctx context.Context, in *struct {
	IDs string `query:"ids" required:"true" doc:"Ids of experiments, separated by commas, at most 500." example:"019ab0de5f0070008b1e4d0f9a3c2b11,019ab0de5f0170008f3b6c2d4e5f6a7b"`
}) (*answer[*Comparison], error) {
	ids := strings.Split(in.IDs, ",")
	if len(ids) > compareLimit {
		return nil, queryError("ids", fmt.Sprintf("ids names %d experiments; at most %d can be compared at once", len(ids), compareLimit))
	}
	all := make([]*record.Run, len(ids))
	size := 0
	for i, text := range ids {
		id, err := record.ParseRunID(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		if all[i], err = d.store.Run(ctx, id); err != nil {
			return nil, err
		}
		if size += all[i].Size(); size > compareBytes {
			return nil, record.TooLarge.Errorf("ids", "the experiments have more than %d MiB in all; compare fewer at once", compareBytes>>20)
		}
	}
	return reply(comparisonOf(all), nil)
}

func comparisonOf(all []*record.Run) *Comparison {
	c := &Comparison{Parameters: map[string]row{}, Evaluations: map[string]row{}}
	for i, r := range all {
		c.Experiments = append(c.Experiments, Compared{r.ID.String(), record.ModelID(r.Model), r.Name, dateTime(r.Created)})
		c.TrainingDataset = append(c.TrainingDataset, datasetText(r, record.RoleTraining))
		c.ValidationDataset = append(c.ValidationDataset, datasetText(r, record.RoleValidation))
		c.TestDataset = append(c.TestDataset, datasetText(r, record.RoleTest))
		for _, p := range r.Params {
			set(c.Parameters, p.Key, i, len(all), p.Value)
		}
		for key, value := range evaluations(r) {
			if value.text == "" {
				value.text = record.FormatNumber(value.number)
			}
			set(c.Evaluations, key, i, len(all), value.text)
		}
	}
	return c
}

func datasetText(r *record.Run, role record.Role) *string {
	if text, there := r.DatasetText(role); there {
		return &text
	}
	return nil
}

// set puts the value of the i-th of n experiments into the row of its key.
func set(table map[string]row, key string, i, n int, value string) {
	values, ok := table[key]
	if !ok {
		values = make(row, n)
		for j := range values {
			values[j] = jsontext.Value("null")
		}
		table[key] = values
	}
	values[i] = jsontext.Value(value)
}
