package filter

import (
	"math"
	"testing"
)

// row is a run for tests.
type row struct {
	numbers  map[string]float64 // by String of the field
	texts    map[string]string
	datasets []map[string]string
}

func (r row) Number(e Entity, key string) (float64, bool) {
	v, there := r.numbers[heads[e]+key]
	return v, there
}

func (r row) Text(e Entity, key string) (string, bool) {
	v, there := r.texts[heads[e]+key]
	return v, there
}

func (r row) Datasets(key string, yield func(string) bool) {
	for _, d := range r.datasets {
		if !yield(d[key]) {
			return
		}
	}
}

var sample = row{
	numbers: map[string]float64{"metrics.m": 1.5, "metrics.nan": math.NaN(), "metrics.inf": math.Inf(1), "start_time": 100},
	texts:   map[string]string{"params.p": "Adam", "params.empty": "", "tags.t": "größe", "status": "FINISHED", "run_name": "bold-owl-1"},
	datasets: []map[string]string{
		{"name": "mnist", "digest": "d1", "context": "train"},
		{"name": "cifar", "digest": "d2", "context": "eval"},
	},
}

func TestWhatARowSatisfies(t *testing.T) {
	for text, want := range map[string]bool{
		"":                          true,
		"metrics.m = 1.5":           true,
		"metrics.m != 1.5":          false,
		"metrics.m < 1.5":           false,
		"metrics.m <= 1.5":          true,
		"metrics.m > 1.5":           false,
		"metrics.m >= 1.5":          true,
		"metrics.m IN (1, 1.5)":     true,
		"metrics.m NOT IN (1, 1.5)": false,
		"start_time > 99":           true,
		"metrics.inf > 1e300":       true,
		"metrics.inf = 1e400":       true,

		"metrics.nan = 0":        false,
		"metrics.nan < 0":        false,
		"metrics.nan >= 0":       false,
		"metrics.nan != 0":       true,
		"metrics.nan IN (0)":     false,
		"metrics.nan NOT IN (0)": true,
		"NOT metrics.nan >= 0":   true,

		"metrics.gone != 1":             false,
		"metrics.gone NOT IN (1)":       false,
		"NOT metrics.gone = 1":          true,
		"params.gone != 'x'":            false,
		"params.gone NOT IN ('x')":      false,
		"params.gone LIKE '%'":          false,
		"params.gone IS NULL":           true,
		"params.gone IS NOT NULL":       false,
		"params.empty IS NULL":          false,
		"tags.t IS NOT NULL":            true,
		"NOT tags.t IS NOT NULL":        false,
		"metrics.p = 1 OR end_time > 0": false,

		"params.p = 'Adam'":              true,
		"params.p = 'adam'":              false,
		"params.p != 'adam'":             true,
		"params.p LIKE 'A%m'":            true,
		"params.p LIKE 'a%m'":            false,
		"params.p ILIKE 'a%M'":           true,
		"tags.t ILIKE 'GRÖ_E'":           true,
		"params.p IN ('SGD', 'Adam')":    true,
		"params.p NOT IN ('SGD', 'x')":   true,
		"params.empty = ''":              true,
		"status = 'finished'":            false,
		"attributes.run_name LIKE '%-1'": true,

		"datasets.name = 'cifar'":                                                    true,
		"datasets.name = 'x'":                                                        false,
		"datasets.name != 'cifar'":                                                   true,
		"NOT datasets.name = 'cifar'":                                                false,
		"datasets.context NOT IN ('train', 'eval')":                                  false,
		"datasets.digest LIKE 'd_'":                                                  true,
		"datasets.name = 'mnist' AND datasets.name = 'cifar'":                        true,
		"params.p = 'x' OR metrics.m > 1 AND tags.t = 'größe'":                       true,
		"(params.p = 'Adam' OR metrics.m > 1) AND status = 'x'":                      false,
		"params.p = 'Adam' OR metrics.m > 1 AND status = 'x'":                        true,
		"NOT params.p = 'Adam' AND metrics.m > 1":                                    false,
		"NOT (params.p = 'x' AND metrics.m > 1) AND start_time > 1":                  true,
		"run_name IN ('a','b','c','d','e','f','g','h','i','j','k','l','bold-owl-1')": true,
	} {
		e, err := Parse(Runs, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := Match(e, sample); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func TestNoDatasetSatisfiesNoDatasetClause(t *testing.T) {
	for _, text := range []string{"datasets.name != 'x'", "datasets.name NOT IN ('x')", "datasets.name LIKE '%'"} {
		e, err := Parse(Runs, text)
		if err != nil {
			t.Fatal(err)
		}
		if Match(e, row{}) {
			t.Errorf("%s is true of a run without datasets", text)
		}
	}
}

func TestAModelWithoutThePromptTagIsNoPrompt(t *testing.T) {
	prompt := row{texts: map[string]string{"tags.mlflow.prompt.is_prompt": "true"}}
	for text, want := range map[string][2]bool{
		"tags.mlflow.prompt.is_prompt != 'true'":  {true, false},
		"tags.mlflow.prompt.is_prompt = 'false'":  {true, false},
		"tags.mlflow.prompt.is_prompt = 'true'":   {false, true},
		"tags.mlflow.prompt.is_prompt != 'false'": {false, true},
	} {
		e, err := Parse(RegisteredModels, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{Match(e, row{}), Match(e, prompt)}; got != want {
			t.Errorf("%s is %v of a model without the tag and of a prompt; want %v", text, got, want)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	e, err := Parse(Runs, "metrics.m > 1 AND params.p LIKE 'A%' AND datasets.name = 'cifar'")
	if err != nil {
		b.Fatal(err)
	}
	m := NewMatcher(e)
	b.ReportAllocs()
	for b.Loop() {
		if !m.Match(sample) {
			b.Fatal("no match")
		}
	}
}

func TestSearchesInTheRegistryLeaveOutPromptsUnlessAsked(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "NOT tags.mlflow.prompt.is_prompt = 'true'",
		"name = 'a'":                            "name = 'a' AND NOT tags.mlflow.prompt.is_prompt = 'true'",
		"tags.mlflow.prompt.is_prompt = 'true'": "tags.mlflow.prompt.is_prompt = 'true'",
		"name = 'a' AND NOT (tags.mlflow.prompt.is_prompt = 'true')": "name = 'a' AND NOT tags.mlflow.prompt.is_prompt = 'true'",
		"name = 'a' OR tags.mlflow.prompt.is_prompt = 'true'":        "name = 'a' OR tags.mlflow.prompt.is_prompt = 'true'",
		"name = 'a' OR name = 'b'":                                   "(name = 'a' OR name = 'b') AND NOT tags.mlflow.prompt.is_prompt = 'true'",
	} {
		e, err := Parse(RegisteredModels, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := String(ExceptPrompts(e)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
