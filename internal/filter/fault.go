package filter

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"modeldb/internal/record"
)

// maxShown bounds what an error repeats of a filter, in bytes.
const maxShown = 200

// shown is text, cut where it is long, and valid UTF-8 in any case.
func shown(text string) string {
	const replacement = "\uFFFD"
	if len(text) <= maxShown {
		return strings.ToValidUTF8(text, replacement)
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.ToValidUTF8(text[:end], replacement) + "..."
}

// pythonText is text as Python's repr shows it, cut where it is long.
func pythonText(text string) string {
	text = shown(text)
	q := strconv.Quote(text)
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		return q
	}
	inside := strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
	return "'" + strings.ReplaceAll(inside, "'", `\'`) + "'"
}

// pythonList is a list of texts as Python shows it.
func pythonList(texts []string) string {
	var b strings.Builder
	for i, t := range texts {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len() > maxShown {
			b.WriteString("...")
			break
		}
		b.WriteString(pythonText(t))
	}
	return "[" + b.String() + "]"
}

// names returns the names of attributes as the elements of a Python
// collection, in the table's order, which is that of the bytes.
func (t *table) names(which func(*attribute) bool) string {
	var names []string
	for i := range t.attributes {
		if which(&t.attributes[i]) {
			names = append(names, "'"+t.attributes[i].name+"'")
		}
	}
	return strings.Join(names, ", ")
}

// The kinds of entities as MLflow's errors name them.
var entityWords = [...]string{Attribute: "attribute", Metric: "metric", Param: "parameter", Tag: "tag", Dataset: "dataset"}

func (t *table) unknownEntity(name string) string {
	name = shown(name)
	switch t.style {
	case ofRuns:
		return fmt.Sprintf("Invalid entity type '%s'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']", name)
	case ofLoggedModels:
		return fmt.Sprintf("Invalid entity type: '%s'. Expected one of ['attributes', 'metrics', 'params', 'tags'].", name)
	}
	return fmt.Sprintf("Invalid entity type '%s'. Valid entity types are ('attribute', 'tag', 'tags')", name)
}

func (t *table) unknownAttribute(name string, which func(*attribute) bool) string {
	return fmt.Sprintf("Invalid attribute key '%s' specified. Valid keys are '{%s}'", shown(name), t.names(which))
}

func unknownDatasetKey(name string) string {
	return fmt.Sprintf("Invalid dataset key '%s' specified. Valid keys are '{'%s'}'", shown(name), strings.Join(datasetKeys, "', '"))
}

// leftover is the text about a piece of a filter that is no comparison.
func (p *parser) leftover(piece string) string {
	piece = shown(piece)
	switch p.style {
	case ofRuns:
		return fmt.Sprintf("Invalid clause(s) in filter string: '%s'", piece)
	case ofLoggedModels:
		return fmt.Sprintf("Invalid filter string: %s. Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').",
			pythonText(p.text))
	}
	return "Invalid clause(s) in filter string: " + piece
}

// several is the text about what follows a semicolon.
func (p *parser) several() string {
	if p.style == ofLoggedModels {
		return fmt.Sprintf("Invalid filter string: %s. Expected a single SQL expression.", pythonText(p.text))
	}
	return fmt.Sprintf("Search filter contained multiple expression %s. Provide AND-ed expression list.", pythonText(p.text))
}

// noNull is the text about a test for null of a field that has none.
func (p *parser) noNull(f *field, op string) string {
	switch p.style {
	case ofRuns:
		return fmt.Sprintf("IS NULL / IS NOT NULL is only supported for tags and params, not for '%s' '%s'", entityWords[f.entity], shown(f.name))
	case ofLoggedModels:
		return fmt.Sprintf("Invalid comparison: %s %s. Expected a comparison with 3 tokens.", f.shown(), op)
	}
	return fmt.Sprintf("IS NULL / IS NOT NULL is only supported for tags, not for attribute '%s'", shown(f.name))
}

// wrongOperator is the text about an operator that the field does not have.
func (p *parser) wrongOperator(f *field, op string) string {
	op = shown(op)
	switch {
	case p.style == ofLoggedModels:
		return fmt.Sprintf("Invalid comparison operator for %s: '%s'. Expected one of (%s).", f.shown(), op, f.ops.list())
	case p.style == ofExperiments && f.entity == Attribute && f.key == "experiment_id":
		return "Invalid comparator for experiment_id: " + op
	case p.style == ofRegistry && f.entity == Attribute && f.numeric:
		return fmt.Sprintf("Invalid comparator for attribute %s: %s", f.key, op)
	case p.style == ofRegistry && f.entity == Attribute:
		return "Invalid comparator for attribute: " + op
	case p.style != ofRuns && f.entity == Tag:
		return "Invalid comparator for tag: " + op
	}
	return fmt.Sprintf("Invalid comparator '%s' not one of '{%s}'", op, f.ops.list())
}

// wantedNumber is the text about a value that should be a number.
func (p *parser) wantedNumber(f *field, found string) string {
	found = shown(found)
	switch {
	case f.entity == Metric:
		return "Expected numeric value type for metric. Found " + found
	case p.style == ofRegistry:
		return fmt.Sprintf("Invalid value for numeric attribute '%s': %s", f.key, found)
	}
	return fmt.Sprintf("Expected numeric value type for numeric attribute: %s. Found %s", f.name, found)
}

// wantedText is the text about a value that should be a text in quotes.
func (p *parser) wantedText(f *field, t token) string {
	found := shown(p.text[t.pos:t.end])
	switch {
	case f.entity == Param || f.entity == Tag:
		return fmt.Sprintf("Expected a quoted string value for %s (e.g. 'my-value'). Got value %s", entityWords[f.entity], found)
	case f.entity == Dataset:
		return "Expected a quoted string value for dataset attributes. Got value " + found
	case p.style == ofRegistry && t.kind == number && p.numbers() != "":
		return fmt.Sprintf("Only the '{%s}' attributes support comparison with numeric values.", p.numbers())
	case p.style == ofRegistry:
		return "Expected a quoted string value or a list of quoted string values for attributes. Got value " + found
	}
	return "Expected a quoted string value for attributes. Got value " + found
}

// numbers names the numeric attributes of filters.
func (t *table) numbers() string {
	return t.names(func(a *attribute) bool { return a.numeric && a.ops != 0 })
}

// bareWord is the text about a word where a text in quotes should be.
func bareWord(found string) string {
	return fmt.Sprintf("Parameter value is either not quoted or unidentified quote types used for string value %s. Use either single or double quotes.", shown(found))
}

// noList is the text about a list for a field that takes none.
func (p *parser) noList(f *field, t token) string {
	if f.entity != Attribute {
		return p.wantedText(f, t)
	}
	lists := p.names(func(a *attribute) bool { return a.ops.has(In) && !a.numeric })
	return fmt.Sprintf("Only [%s] attributes support comparison with a list of quoted string values.", lists)
}

// fault refuses the filter: MLflow's text, then where it is and what would
// have been right. Characters are counted from 1.
func (p *parser) fault(pos int, text, expected string) error {
	return record.Invalid.Errorf("filter", "%s (at character %d: expected %s)", text, utf8.RuneCountInString(p.text[:pos])+1, expected)
}
