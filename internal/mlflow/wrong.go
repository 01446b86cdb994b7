package mlflow

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"modeldb/internal/record"
)

// mistaken passes over a value that is not what the field takes, and notes it.
// The hint says what would be right; empty: MLflow's, which names the type
// that it was.
func (d *decoder) mistaken(hint string) {
	if d.query {
		d.refuse(d.field, asciiJSON(d.values[0]), hint)
		return
	}
	d.peek()
	path, start := d.path(), d.at
	d.skip()
	if d.fault == "" {
		d.refuse(path, compact(d.text[start:d.at]), hint)
	}
}

// mistakenNumber refuses a whole number that was read already.
func (d *decoder) mistakenNumber(v int64) {
	if d.query {
		d.mistaken("")
		return
	}
	d.refuse(d.path(), strconv.FormatInt(v, 10), "")
}

// path is what messages call the value that is being read: timestamp, tags[0]
// or metrics[0].timestamp.
func (d *decoder) path() string {
	switch d.depth {
	case 0, 1:
		return d.field
	case 2:
		return fmt.Sprintf("%s[%d]", d.field, d.index)
	}
	return d.within(d.name)
}

// within is the path of a field of the list's element.
func (d *decoder) within(name string) string {
	return fmt.Sprintf("%s[%d].%s", d.field, d.index, name)
}

// refuse notes that the value at a path, a JSON text, is not what is taken there.
func (d *decoder) refuse(path, value, hint string) {
	if d.wrong != nil {
		return
	}
	if hint == "" {
		hint = " Hint: Value was of type '" + pythonType(value) + "'." + seeDocs
	}
	d.wrong = record.Invalid.Errorf(path, "Invalid value %s for parameter '%s' supplied: %s", shorten(value), path, hint)
}

// missing notes that a field of the list's element is missing.
func (d *decoder) missing(name string) {
	if d.wrong == nil {
		d.wrong = missing(d.within(name))
	}
}

// pythonType is what Python calls the type of a JSON text.
func pythonType(value string) string {
	if value == "" {
		return "NoneType"
	}
	switch value[0] {
	case '"':
		return "str"
	case '{':
		return "dict"
	case '[':
		return "list"
	case 't', 'f':
		return "bool"
	case 'n':
		return "NoneType"
	}
	if strings.ContainsAny(value, ".eENI") {
		return "float"
	}
	return "int"
}

// shorten keeps messages readable.
func shorten(text string) string {
	const longest = 300 // bytes
	if len(text) <= longest {
		return text
	}
	end := longest
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}
