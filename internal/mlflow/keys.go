package mlflow

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"modeldb/internal/record"
)

// Limits of MLflow that are this door's alone, in characters. The others are
// those of the records.
const (
	maxExperimentName     = 500
	maxExperimentTagValue = 20_000
	maxLocation           = 2048
	maxParamValue         = 65_536 // MLflow cuts what is longer than 6,000
	maxDatasetName        = 500
	maxDatasetDigest      = 36
	maxInputTagKey        = 255
	maxInputTagValue      = 500
)

// checkKey refuses a key that MLflow's clients may not use: they may make a
// file of that name. The path is what messages call the key.
func checkKey(path, key string) error {
	if !plainKey(key) {
		if err := checkOddKey(path, key); err != nil {
			return err
		}
	}
	return nil
}

// plainKey reports whether a key is one of the common ones, which need no
// closer look.
func plainKey(key string) bool {
	if key == "" || len(key) > record.MaxKey {
		return false
	}
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == ' ', c == ':':
		case c == '.':
			if i == 0 || key[i-1] == '/' || key[i-1] == '.' {
				return false
			}
		case c == '/':
			if i == 0 || i == len(key)-1 || key[i-1] == '/' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func checkOddKey(path, key string) error {
	for i, r := range key {
		last := i+1 == len(key)
		if !keyCharacter(r) && !(r == '\n' && last) {
			return record.Invalid.Errorf(path, "Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, underscores (_), "+
				"dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).", asciiJSON(shorten(key)), path)
		}
	}
	if norm := normal(key); norm != key || norm == "." || strings.HasPrefix(norm, "..") || strings.HasPrefix(norm, "/") {
		return record.Invalid.Errorf(path, "Invalid value %s for parameter '%s' supplied: Names may be treated as files in certain cases, "+
			"and must not resolve to other names when treated as such. This name would resolve to %s", asciiJSON(shorten(key)), path, pythonText(shorten(norm)))
	}
	return nil
}

// keyCharacter reports whether a key may have a character. A letter or a digit
// of any script is one.
func keyCharacter(r rune) bool {
	return strings.ContainsRune("/_.- :", r) || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// normal is posixpath.normpath, which keeps two leading slashes.
func normal(key string) string {
	clean := path.Clean(key)
	if strings.HasPrefix(key, "//") && !strings.HasPrefix(key, "///") {
		return "/" + clean
	}
	return clean
}

// checkLength refuses a text with more characters than a limit.
func checkLength(what, text string, limit int) error {
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		return record.Invalid.Errorf(what, "'%s' exceeds the maximum length of %d characters", what, limit)
	}
	return nil
}

// checkMetric refuses a point that MLflow's clients may not log. The prefix is
// that of the path: empty, or such as "metrics[0]." .
func checkMetric(prefix func() string, m *record.Metric) error {
	if !plainKey(m.Key) {
		if err := checkKey(prefix()+"name", m.Key); err != nil {
			return err
		}
	}
	if m.Time < 0 {
		path := prefix() + "timestamp"
		return record.Invalid.Errorf(path, "Invalid value %d for parameter '%s' supplied: metric '%s' (value=%s). Timestamp must be a nonnegative long (64-bit integer) ",
			m.Time, path, m.Key, pythonNumber(m.Value))
	}
	return checkLength("Metric name", m.Key, record.MaxKey)
}

// checkLogged refuses a value of a logged model's metric that is over MLflow's
// limits.
func checkLogged(m *record.LoggedMetric) error {
	if err := checkLength("dataset_name", m.DatasetName, maxDatasetName); err != nil {
		return err
	}
	return checkLength("dataset_digest", m.DatasetDigest, maxDatasetDigest)
}

// checkParam refuses a parameter that MLflow's clients may not log.
func checkParam(prefix, key, value string) error {
	if err := checkKey(prefix+"key", key); err != nil {
		return err
	}
	if err := checkLength("Param key", key, record.MaxKey); err != nil {
		return err
	}
	return checkLength("Param value", value, maxParamValue)
}

// checkTag refuses a tag of a run that MLflow's clients may not set.
func checkTag(prefix string, t record.Tag) error {
	if err := checkKey(prefix+"key", t.Key); err != nil {
		return err
	}
	if err := checkLength(prefix+"key", t.Key, record.MaxKey); err != nil {
		return err
	}
	if t.Key == record.RunNameTag && t.Value != "" {
		return record.CheckName("run_name", t.Value)
	}
	return checkLength(prefix+"value", t.Value, record.MaxTag)
}

// checkNewTags refuses tags that a new record cannot have. MLflow takes any
// keys there, and each once.
func checkNewTags(tags []record.Tag) error {
	seen := make(map[string]bool, len(tags))
	for i, t := range tags {
		if seen[t.Key] {
			return record.Invalid.Errorf("tags", "The tags have the key %s twice; give it once.", record.Quote(t.Key))
		}
		seen[t.Key] = true
		if t.Key == "" {
			return missing(fmt.Sprintf("tags[%d].key", i))
		}
		if err := checkLength(fmt.Sprintf("tags[%d].key", i), t.Key, record.MaxKey); err != nil {
			return err
		}
		if err := checkLength(fmt.Sprintf("tags[%d].value", i), t.Value, record.MaxTag); err != nil {
			return err
		}
	}
	return nil
}

// checkExperimentTag refuses a tag of an experiment that MLflow's clients may
// not set.
func checkExperimentTag(t record.Tag) error {
	if err := checkKey("key", t.Key); err != nil {
		return err
	}
	if err := checkLength("key", t.Key, record.MaxKey); err != nil {
		return err
	}
	return checkLength("value", t.Value, maxExperimentTagValue)
}
