package record

import (
	"encoding/json"
	"strings"
)

// Role is the part that a dataset plays in a run. The texts are stored.
type Role string

// The roles that are told apart. Any other text of a client is RoleOther, and
// is kept as the use's context.
const (
	RoleTraining   Role = "training"
	RoleValidation Role = "validation"
	RoleTest       Role = "test"
	RoleOther      Role = ""
)

// RoleOf recognises a role in a client's own words.
func RoleOf(context string) Role {
	switch strings.ToLower(strings.TrimSpace(context)) {
	case "training", "train", "fit":
		return RoleTraining
	case "validation", "valid", "val", "dev", "tune", "eval":
		return RoleValidation
	case "test", "testing", "holdout", "evaluation":
		return RoleTest
	}
	return RoleOther
}

// Address is the text by which a person finds the dataset: its source, or the
// plain address inside a source that is JSON, as MLflow's clients write it;
// where there is none, its name.
func (d Dataset) Address() string {
	if !strings.HasPrefix(d.Source, "{") {
		return d.Source
	}
	var fields map[string]any
	if json.Unmarshal([]byte(d.Source), &fields) == nil {
		for _, key := range []string{"uri", "url", "path"} {
			if text, ok := fields[key].(string); ok && text != "" {
				return text
			}
		}
	}
	return d.Name
}

// TextDataset is the use of a dataset of which only a text is known, as the
// Model DB API gives it.
func TextDataset(role Role, text string) DatasetUse {
	return DatasetUse{Dataset: Dataset{Name: text, Source: text}, Role: role, Context: string(role)}
}

// DatasetText is the text of all uses in one role; there is false when there
// is none.
func (r *Run) DatasetText(role Role) (text string, there bool) {
	for _, d := range r.Datasets {
		switch {
		case d.Role != role:
		case there:
			text += "; " + d.textOrAddress()
		default:
			text, there = d.textOrAddress(), true
		}
	}
	return text, there
}

// textOrAddress gives a text of the Model DB API back as it came, even one
// that looks like JSON.
func (d DatasetUse) textOrAddress() string {
	if d.SourceType == "" && d.Name == d.Source {
		return d.Source
	}
	return d.Address()
}
