package record

import (
	"strings"
	"unicode/utf8"
)

// Limits of texts, in characters (runes) unless another unit is named. They
// keep every index row below what PostgreSQL can hold (2,704 bytes).
const (
	MaxName           = 255    // names of projects, models and runs
	MaxKey            = 250    // keys of parameters, metrics, evaluations and artifacts
	MaxDescription    = 10_000 // descriptions
	MaxDataset        = 16_384 // a dataset's text in the Model DB API
	MaxDatasetSource  = 65_535 // as MLflow's server has them
	MaxDatasetSchema  = 1_048_575
	MaxDatasetProfile = 16_777_215

	MaxLoggedModelText = 1000   // names and types of logged models
	MaxTag             = 65_536 // values of tags
)

// CheckText refuses a text that is longer than limit characters, or that
// holds what PostgreSQL cannot: a NUL character or invalid UTF-8.
func CheckText(field, text string, limit int) error {
	if !utf8.ValidString(text) {
		return Invalid.Errorf(field, "%s %s is not valid UTF-8", field, Quote(text))
	}
	if at := strings.IndexByte(text, 0); at >= 0 {
		return Invalid.Errorf(field, "%s %s has a NUL character at byte %d; any other character is allowed", field, Quote(text), at)
	}
	if n := utf8.RuneCountInString(text); n > limit {
		return Invalid.Errorf(field, "%s %s has %d characters; at most %d are allowed", field, Quote(text), n, limit)
	}
	return nil
}

// CheckName is CheckText for the name of a record, which may not be empty.
func CheckName(field, name string) error {
	if name == "" {
		return Invalid.Errorf(field, "%s is empty; it must have 1 to %d characters", field, MaxName)
	}
	return CheckText(field, name, MaxName)
}

// CanBeName reports whether there can be a record with this name at all. A
// name that there cannot be is not asked of a database, which may refuse it.
func CanBeName(name string) bool { return CheckName("", name) == nil }

// CheckKey is CheckText for a key inside the object called field.
func CheckKey(field, key string) error {
	if key == "" {
		return Invalid.Errorf(field, "%s has an empty key; a key must have 1 to %d characters", field, MaxKey)
	}
	if len(key) <= MaxKey && utf8.ValidString(key) && strings.IndexByte(key, 0) < 0 {
		return nil
	}
	return CheckText(KeyField(field, key), key, MaxKey)
}

// KeyField names the field that is the value of a key, which may be longer
// than a key can be.
func KeyField(field, key string) string { return field + "." + cut(key, MaxKey+1) }

// FullName is the name of a model where models of all projects stand side by
// side, as they do for MLflow's clients without a workspace: a model of the
// default project has its own name, another one its project's before a slash.
func FullName(project Project, model string) string {
	if project.Key == DefaultProject {
		return model
	}
	return project.Name + "/" + model
}
