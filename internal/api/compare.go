package api

import (
	"context"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"modeldb/internal/record"
)

// compareLimit is how many experiments stand side by side.
const compareLimit = 500

// Comparison shows experiments side by side: every list has one value for each
// experiment, in the order of experiments, and null where it has none.
type Comparison struct {
	Experiments       []Compared                  `json:"experiments"`
	Parameters        map[string][]jsontext.Value `json:"parameters" doc:"For each key, the values."`
	TrainingDataset   []*string                   `json:"training_dataset"`
	ValidationDataset []*string                   `json:"validation_dataset"`
	TestDataset       []*string                   `json:"test_dataset"`
	Evaluations       map[string][]jsontext.Value `json:"evaluations" doc:"For each key, the values."`
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
		return nil, record.Invalid.Errorf("ids", "ids names %d experiments; at most %d can be compared at once", len(ids), compareLimit)
	}
	all := make([]*Experiment, len(ids))
	for i, text := range ids {
		id, err := record.ParseRunID(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		r, err := d.store.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		all[i] = experimentOf(r)
	}
	return reply(comparisonOf(all), nil)
}

func comparisonOf(all []*Experiment) *Comparison {
	c := &Comparison{}
	for _, e := range all {
		c.Experiments = append(c.Experiments, Compared{e.ExperimentID, e.ModelID, e.ModelVersionID, e.CreatedDatetime})
		c.TrainingDataset = append(c.TrainingDataset, e.TrainingDataset)
		c.ValidationDataset = append(c.ValidationDataset, e.ValidationDataset)
		c.TestDataset = append(c.TestDataset, e.TestDataset)
	}
	c.Parameters = sideBySide(all, func(e *Experiment) Object { return e.Parameters.Members })
	c.Evaluations = sideBySide(all, func(e *Experiment) Object { return e.Evaluations.Members })
	return c
}

// sideBySide turns the objects of experiments into a list of values for each key.
func sideBySide(all []*Experiment, of func(*Experiment) Object) map[string][]jsontext.Value {
	table := map[string][]jsontext.Value{}
	for i, e := range all {
		for _, m := range of(e) {
			row, ok := table[m.Key]
			if !ok {
				row = make([]jsontext.Value, len(all))
				for j := range row {
					row[j] = jsontext.Value("null")
				}
				table[m.Key] = row
			}
			row[i] = jsontext.Value(m.Value)
		}
	}
	return table
}
