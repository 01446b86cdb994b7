package filter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"modeldb/internal/record"
)

// accepted are filters and what they mean, as String shows it. Those without
// a remark were asked of MLflow 3.17.2, which means the same.
var accepted = []struct {
	g          Grammar
	text, want string
}{
	{Runs, "", ""},
	{Runs, "metrics.m > 1", "metrics.m > 1"},
	{Runs, "metric.m >= -1.5e3", "metrics.m >= -1500"},
	{Runs, "metrics.m=1", "metrics.m = 1"},
	{Runs, "metrics.`a b` < .5", "metrics.`a b` < 0.5"},
	{Runs, `metrics."a b" < 5.`, "metrics.`a b` < 5"},
	{Runs, "metrics.'a' > 1", "metrics.a > 1"},
	{Runs, "metrics.m > 1e400", "metrics.m > 1e999"},
	{Runs, "metrics.m != -1e400", "metrics.m != -1e999"},
	{Runs, "metrics.1a > 2", "metrics.1a > 2"},
	{Runs, "metrics.損失 > 2 AND params.`größe` = 'ö'", "metrics.損失 > 2 AND params.größe = 'ö'"},
	{Runs, "metrics.`` > 1", "metrics.`` > 1"},
	{Runs, "metrics.`a``b` > 1", "metrics.'a``b' > 1"},
	{Runs, "params.p = 'x' and params.q = \"y\"", "params.p = 'x' AND params.q = 'y'"},
	{Runs, "params.p='x'AND metrics.m>1", "params.p = 'x' AND metrics.m > 1"},
	{Runs, "param.p = 'x' parameter.q = 'y' parameters.r = 'z'", "params.p = 'x' AND params.q = 'y' AND params.r = 'z'"},
	{Runs, "AND metrics.m > 1 AND AND params.p = 'x' AND", "metrics.m > 1 AND params.p = 'x'"},
	{Runs, "AND", ""},
	{Runs, "params.p = ''", "params.p = ''"},
	{Runs, `params.p = 'it\'s'`, `params.p = E'it\\\'s'`},
	{Runs, `params.p = 'it''s'`, `params.p = E'it\'\'s'`},
	{Runs, `params.p = "it""s"`, `params.p = 'it""s'`},
	{Runs, `params.p = "it's"`, `params.p = E'it\'s'`},
	{Runs, `params.p = 'a\\'`, `params.p = E'a\\\\'`},
	{Runs, `params.p = 'C:\'`, `params.p = E'C:\\'`},
	{Runs, "params.p like 'x%' AND params.p ILIKE '%x_'", "params.p LIKE 'x%' AND params.p ILIKE '%x_'"},
	{Runs, "params.p IS NULL AND tags.t is not null", "params.p IS NULL AND tags.t IS NOT NULL"},
	{Runs, "tags.mlflow.x.y = 'z' AND tag.`mlflow.x` = 'z' AND `tags`.\"a\" = 'b'", "tags.mlflow.x.y = 'z' AND tags.mlflow.x = 'z' AND tags.a = 'b'"},
	{Runs, "run_id IN ('a',\"b\")", "run_id IN ('a', 'b')"},
	{Runs, "run_id not in ('a','b',)", "run_id NOT IN ('a', 'b')"},
	{Runs, "`run name` = 'x' AND \"Run name\" = 'y' AND attributes.`Run Name` = 'z'", "run_name = 'x' AND run_name = 'y' AND run_name = 'z'"},
	{Runs, "run.status = 'FINISHED' AND attr.status != 'x' AND attribute.user_id = 'u'", "status = 'FINISHED' AND status != 'x' AND user_id = 'u'"},
	{Runs, "created > 1 AND Created < 5 AND start_time > 1.5 AND end_time = 3", "start_time > 1 AND start_time < 5 AND start_time > 1.5 AND end_time = 3"},
	{Runs, "datasets.name = 'x' AND dataset.digest IN ('a') AND datasets.context LIKE 't%'", "datasets.name = 'x' AND datasets.digest IN ('a') AND datasets.context LIKE 't%'"},
	{Runs, "params.select = 'x' AND tags.user = 'y' AND params.not = 'z' AND params.or = 'w'", "params.select = 'x' AND tags.user = 'y' AND params.not = 'z' AND params.or = 'w'"},

	{Experiments, "name = 'x' AND attribute.name LIKE 'y%'", "name = 'x' AND name LIKE 'y%'"},
	{Experiments, "experiment_id = '007' AND experiment_id NOT IN ('1', ' 2 ')", "experiment_id = '7' AND experiment_id NOT IN ('1', '2')"},
	{Experiments, "creation_time > 5 AND last_update_time <= 6", "creation_time > 5 AND last_update_time <= 6"},
	{Experiments, "tag.x = 'y' AND tags.`a b` != 'y' AND tags.x IS NULL", "tags.x = 'y' AND tags.`a b` != 'y' AND tags.x IS NULL"},

	{LoggedModels, "name = 'x' AND attributes.model_id = x", "name = 'x' AND model_id = 'x'"},
	{LoggedModels, "status = 2 AND status != '1'", "status = 2 AND status != 1"},
	{LoggedModels, "params.lr = 0.01 AND params.a = abc", "params.lr = '0.01' AND params.a = 'abc'"},
	{LoggedModels, "metrics.m > 1 AND tags.`a b` = 'y'", "metrics.m > 1 AND tags.`a b` = 'y'"},
	{LoggedModels, "creation_time > 5 AND creation_timestamp_ms < 7 AND last_updated_timestamp > 1.5", "creation_timestamp > 5 AND creation_timestamp < 7 AND last_updated_timestamp > 1.5"},
	{LoggedModels, "name in ('a', 'b') AND params.p NOT IN ('a')", "name IN ('a', 'b') AND params.p NOT IN ('a')"},

	{RegisteredModels, "name like 'x%' AND name IN ('a')", "name LIKE 'x%' AND name IN ('a')"},
	{RegisteredModels, "tag.`mlflow.prompt.is_prompt` != 'true'", "NOT tags.mlflow.prompt.is_prompt = 'true'"},
	{RegisteredModels, "tags.mlflow.prompt.is_prompt = 'false'", "NOT tags.mlflow.prompt.is_prompt != 'false'"},
	{RegisteredModels, "tags.mlflow.prompt.is_prompt = 'true'", "tags.mlflow.prompt.is_prompt = 'true'"},
	{ModelVersions, "version_number = '5' AND version_number > 3", "version_number = 5 AND version_number > 3"},
	{ModelVersions, "run_id IN ('a') AND source_path = 'x'", "run_id IN ('a') AND source_path = 'x'"},

	// MLflow refuses these.
	{Runs, "  ", ""},
	{Runs, "metrics.a > 1 OR metrics.b > 1 AND metrics.c > 1", "metrics.a > 1 OR (metrics.b > 1 AND metrics.c > 1)"},
	{Runs, "(metrics.a > 1 or metrics.b > 1) AND metrics.c > 1", "(metrics.a > 1 OR metrics.b > 1) AND metrics.c > 1"},
	{Runs, "NOT metrics.a > 1 AND metrics.b > 1", "NOT metrics.a > 1 AND metrics.b > 1"},
	{Runs, "not (metrics.a > 1 OR NOT metrics.b > 1)", "NOT (metrics.a > 1 OR NOT metrics.b > 1)"},
	{Runs, "((metrics.a > 1) AND (metrics.b > 1 AND metrics.c > 1))", "metrics.a > 1 AND metrics.b > 1 AND metrics.c > 1"},
	{Runs, "metrics.m IN (1, -2.5) AND start_time not in (3)", "metrics.m IN (1, -2.5) AND start_time NOT IN (3)"},
	{Runs, "run_name IN ('a') AND params.p NOT IN ('b') AND tags.t In ('c')", "run_name IN ('a') AND params.p NOT IN ('b') AND tags.t IN ('c')"},
	{Runs, "metrics.m > +1 AND metrics.m < 1E+5", "metrics.m > 1 AND metrics.m < 100000"},
	{Runs, "metrics.val/loss > 1 AND metrics.f1-score > 2 AND tags.a:b@c = 'x'", "metrics.val/loss > 1 AND metrics.f1-score > 2 AND tags.a:b@c = 'x'"},
	{Runs, `params.p = E'both \' and "' AND params.E'a\'b' = e'\\'`, "params.p = E'both \\' and \"' AND params.`a'b` = E'\\\\'"},
	{Runs, "params.p IS  NOT\n NULL", "params.p IS NOT NULL"},
	{Experiments, "name like 'x' AND creation_time IN (1)", "name LIKE 'x' AND creation_time IN (1)"},
	{LoggedModels, "status = 'READY' AND status IN (LOGGED_MODEL_PENDING, UPLOAD_FAILED)", "status = 2 AND status IN (1, 3)"},
	{LoggedModels, `name = "x" AND metrics.m IN (1)`, "name = 'x' AND metrics.m IN (1)"},
	{RegisteredModels, "tags.x IS NULL", "tags.x IS NULL"},
}

func TestAFilterMeansWhatMLflowSays(t *testing.T) {
	for _, c := range accepted {
		e, err := Parse(c.g, c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if got := String(e); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

const notLogged = `. Expected a list of comparisons separated by 'AND' (e.g. 'metrics.loss > 0.1 AND params.lr = 0.01').`

// refused are filters and how the errors begin: with MLflow's words, where it
// has any, and then the place and what was expected.
var refused = []struct {
	g          Grammar
	text, want string
}{
	{Runs, "metrics.m > nan", "Expected numeric value type for metric. Found nan (at character 13: expected a number)"},
	{Runs, "metrics.m > '1'", "Expected numeric value type for metric. Found '1' (at character 13: expected a number)"},
	{Runs, "metrics.m > 1_000", "Expected numeric value type for metric. Found 1_000 ("},
	{Runs, "metrics.m > 0x1F", "Expected numeric value type for metric. Found 0x1F ("},
	{Runs, "metrics.m LIKE 'x'", "Expected numeric value type for metric. Found 'x' ("},
	{Runs, "metrics.m = (1, 2)", "Expected numeric value type for metric. Found (1, 2) ("},
	{Runs, "metrics.m <> 1", "Invalid comparator '<>' not one of '{'<', '<=', '>', '>=', '=', '!=', 'IN', 'NOT IN'}' (at character 11: expected one of "},
	{Runs, "metrics.m LIKE 1", "Invalid comparator 'LIKE' not one of '{"},
	{Runs, "params.p == 'x'", "Invalid comparator '==' not one of '{"},
	{Runs, "params.p > 'x'", "Invalid comparator '>' not one of '{"},
	{Runs, "params.p not like 'x'", "Invalid comparator 'NOT LIKE' not one of '{"},
	{Runs, "params.p rlike 'x'", "Invalid comparator 'RLIKE' not one of '{"},
	{Runs, "status > 'x'", "Invalid comparator '>' not one of '{"},
	{Runs, "datasets.name > 'x'", "Invalid comparator '>' not one of '{"},
	{Runs, "start_time > '1'", "Expected numeric value type for numeric attribute: start_time. Found '1' ("},
	{Runs, "created > 'x'", "Expected numeric value type for numeric attribute: created. Found 'x' ("},
	{Runs, "Created IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' 'Created' ("},
	{Runs, "params.p = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1 (at character 12: expected a quoted text)"},
	{Runs, "tags.t = NULL", "Expected a quoted string value for tag (e.g. 'my-value'). Got value NULL ("},
	{Runs, "tags.t = ('a')", "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('a') ("},
	{Runs, "status = 1", "Expected a quoted string value for attributes. Got value 1 ("},
	{Runs, "datasets.name = 1", "Expected a quoted string value for dataset attributes. Got value 1 ("},
	{Runs, "params.p = x", "Parameter value is either not quoted or unidentified quote types used for string value x. Use either single or double quotes. ("},
	{Runs, "params.p = `x`", "Parameter value is either not quoted or unidentified quote types used for string value `x`. Use either single or double quotes. ("},
	{Runs, "TAGS.t = 'x'", "Invalid entity type 'TAGS'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset'] (at character 1: "},
	{Runs, "metrics.m > 1 AND foo.x = 'x'", "Invalid entity type 'foo'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset'] (at character 19: "},
	{Runs, "experiment_id = '1'", "Invalid attribute key 'experiment_id' specified. Valid keys are '{'Created', 'Run Name', 'Run name', 'artifact_uri', 'created', 'end_time', 'run name', 'run_id', 'run_name', 'start_time', 'status', 'user_id'}' ("},
	{Runs, "datasets.profile = 'x'", "Invalid dataset key 'profile' specified. Valid keys are '{'context', 'digest', 'name'}' ("},
	{Runs, "metrics.m IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params, not for 'metric' 'm' ("},
	{Runs, "status IS NOT NULL", "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' 'status' ("},
	{Runs, "datasets.name IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params, not for 'dataset' 'name' ("},
	{Runs, "'x' = params.p", "Invalid comparison clause. Expected 'Identifier' found ''x'' (at character 1: "},
	{Runs, "1 < metrics.m", "Invalid comparison clause. Expected 'Identifier' found '1' ("},
	{Runs, "run_id IN ()", "While parsing a list in the query, expected a non-empty list of string values, but got empty list ("},
	{Runs, "run_id IN ('a', 2)", "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: ('a', 2) ("},
	{Runs, "run_id IN ('a' 'b')", "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list. (at character 16: "},
	{Runs, "run_id IN (,)", "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list. ("},
	{Runs, "run_id IN ('a'", "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list. ("},
	{Runs, "run_id IN 'a'", "Invalid clause(s) in filter string: 'run_id IN 'a'' (at character 11: expected a list in parentheses)"},
	{Runs, "run_id = ('a')", "Expected a quoted string value for attributes. Got value ('a') ("},
	{Runs, "metrics.m > 1; metrics.m > 2", "Search filter contained multiple expression 'metrics.m > 1; metrics.m > 2'. Provide AND-ed expression list. (at character 14: "},
	{Runs, "params.p = 'x'; x", `Search filter contained multiple expression "params.p = 'x'; x". Provide AND-ed expression list. (`},
	{Runs, "metrics.m > 1;", "Invalid clause(s) in filter string: ';' ("},
	{Runs, "metrics.m > 1 -- x", "Invalid clause(s) in filter string: '-- x' ("},
	{Runs, "metrics.m > 1 OR", "Invalid clause(s) in filter string: 'OR' (at character 17: expected a comparison)"},
	{Runs, "OR metrics.m > 1", "Invalid clause(s) in filter string: 'OR' (at character 1: expected a comparison)"},
	{Runs, "NOT", "Invalid clause(s) in filter string: 'NOT' ("},
	{Runs, "()", "Invalid clause(s) in filter string: ')' (at character 2: expected a comparison)"},
	{Runs, "(metrics.m > 1", "Invalid clause(s) in filter string: '1' (at character 15: expected AND, OR or ))"},
	{Runs, "metrics.m > 1)", "Invalid clause(s) in filter string: ')' (at character 14: expected AND, OR or the end)"},
	{Runs, "params.größe = 'x", "Invalid clause(s) in filter string: 'params.größe = 'x' (at character 16: expected the quote that ends the text)"},
	{Runs, "params.`a = 'x'", "Invalid clause(s) in filter string: "},
	{Runs, "params. = 'x'", "Invalid clause(s) in filter string: 'params.' (at character 1: expected a key after the dot)"},
	{Runs, "metrics.m", "Invalid clause(s) in filter string: 'metrics.m' (at character 10: expected an operator)"},
	{Runs, "metrics.m >", "Invalid clause(s) in filter string: 'metrics.m >' (at character 12: expected a number)"},
	{Runs, "metrics.a b > 2", "Invalid clause(s) in filter string: 'metrics.a b' ("},
	{Runs, "metrics.m BETWEEN 1 AND 2", "Invalid clause(s) in filter string: 'metrics.m BETWEEN' ("},
	{Runs, "select * from runs", "Invalid clause(s) in filter string: 'select *' ("},
	{Runs, "params.p = 'a' || 'b'", "Invalid clause(s) in filter string: '|' ("},
	{Runs, "a\x00b", "Invalid filter string: "},
	{Runs, "params.a = '\xff'", "Invalid filter string: "},

	{Experiments, "name = 'x' OR", "Invalid clause(s) in filter string: OR ("},
	{Experiments, "name IN ('a')", "Only ['experiment_id'] attributes support comparison with a list of quoted string values. ("},
	{Experiments, "name > 'x'", "Invalid comparator '>' not one of '{"},
	{Experiments, "experiment_id = 'abc'", "Invalid experiment ID 'abc'. Experiment ID must be a valid integer. ("},
	{Experiments, "experiment_id NOT IN ('1', 'x')", "Invalid experiment ID 'x'. Experiment ID must be a valid integer. ("},
	{Experiments, "experiment_id LIKE '1%'", "Invalid comparator for experiment_id: LIKE ("},
	{Experiments, "experiment_id = 5", "Expected a quoted string value for attributes. Got value 5 ("},
	{Experiments, "attributes.name = 'x'", "Invalid entity type 'attributes'. Valid entity types are ('attribute', 'tag', 'tags') ("},
	{Experiments, "name IS NULL", "IS NULL / IS NOT NULL is only supported for tags, not for attribute 'name' ("},
	{Experiments, "tags.x > 'y'", "Invalid comparator for tag: > ("},
	{Experiments, "tags.x IN ('y')", "Expected a quoted string value for tag (e.g. 'my-value'). Got value ('y') ("},
	{Experiments, "foo = 'x'", "Invalid attribute key 'foo' specified. Valid keys are '{'creation_time', 'experiment_id', 'last_update_time', 'name'}' ("},

	{LoggedModels, "name = 'x' OR", `Invalid filter string: "name = 'x' OR"` + notLogged},
	{LoggedModels, "name", "Invalid filter string: 'name'" + notLogged},
	{LoggedModels, "name = 'x'; name = 'y'", `Invalid filter string: "name = 'x'; name = 'y'". Expected a single SQL expression.`},
	{LoggedModels, "params.lr > 0.01", "Invalid comparison operator for params.lr: '>'. Expected one of ('=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'). ("},
	{LoggedModels, "metrics.m LIKE '1'", "Invalid comparison operator for metrics.m: 'LIKE'. Expected one of ('<', '<=', '>', '>=', '=', '!='"},
	{LoggedModels, "params.p IS NULL", "Invalid comparison: params.p IS NULL. Expected a comparison with 3 tokens. ("},
	{LoggedModels, "tag.x = 'y'", "Invalid entity type: 'tag'. Expected one of ['attributes', 'metrics', 'params', 'tags']. ("},
	{LoggedModels, "metrics.m > abc", "Expected numeric value type for metric. Found abc ("},
	{LoggedModels, "status > 1", "Invalid comparison operator for attributes.status: '>'. Expected one of ('=', '!=', 'IN', 'NOT IN'"},
	{LoggedModels, "status = 'ready'", "Expected numeric value type for numeric attribute: status. Found 'ready' (at character 10: expected a number or the name of a status, such as READY)"},
	{LoggedModels, "foo = 'x'", "Invalid attribute key 'foo' specified. Valid keys are '{'artifact_location', "},

	{RegisteredModels, "name > 'x'", "Invalid comparator for attribute: > ("},
	{RegisteredModels, "name = 1", "Expected a quoted string value or a list of quoted string values for attributes. Got value 1 ("},
	{RegisteredModels, "tags.x > 'y'", "Invalid comparator for tag: > ("},
	{RegisteredModels, "creation_timestamp > 5", "Invalid attribute key 'creation_timestamp' specified. Valid keys are '{'name'}' ("},
	{ModelVersions, "name = 5", "Only the '{'version_number'}' attributes support comparison with numeric values. ("},
	{ModelVersions, "source_path IN ('a')", "Only ['name', 'run_id'] attributes support comparison with a list of quoted string values. ("},
	{ModelVersions, "version_number LIKE '5'", "Invalid comparator for attribute version_number: LIKE ("},
	{ModelVersions, "version_number = 'x'", "Invalid value for numeric attribute 'version_number': 'x' ("},
}

func TestARefusalBeginsWithMLflowsWords(t *testing.T) {
	for _, c := range refused {
		e, err := Parse(c.g, c.text)
		if err == nil {
			t.Errorf("%q means %s", c.text, String(e))
			continue
		}
		if record.KindOf(err) != record.Invalid || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestAHostileFilterIsRefusedOrReadQuickly(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("(", n) + "metrics.m > 1" + strings.Repeat(")", n) }
	clauses := func(n int) string { return strings.Repeat("metrics.m > 1 OR ", n-1) + "metrics.m > 1" }
	values := func(n int) string { return "run_id IN (" + strings.Repeat("'0123456789abcdef', ", n) + ")" }
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"a long text", "params.p = '" + strings.Repeat("x", 200_000) + "'", true},
		{"a text over the limit", "params.p = '" + strings.Repeat("x", MaxText) + "'", false},
		{"all clauses", clauses(MaxClauses), true},
		{"a clause too many", clauses(MaxClauses + 1), false},
		{"ten thousand clauses", clauses(10_000), false},
		{"all depth", nested(MaxDepth), true},
		{"too deep", nested(MaxDepth + 1), false},
		{"far too deep", nested(100_000), false},
		{"NOTs", strings.Repeat("NOT ", 10_000) + "metrics.m > 1", false},
		{"all values", values(MaxValues), true},
		{"a value too many", values(MaxValues + 1), false},
		{"all of a pattern", "params.p LIKE '" + strings.Repeat("%", MaxPattern) + "'", true},
		{"a pattern too long", "params.p ILIKE '" + strings.Repeat("%", MaxPattern+1) + "'", false},
		{"quotes", "params.p = " + strings.Repeat("'", 200_001), false},
		{"backslashes before quotes", "params.p = '" + strings.Repeat(`\'`, 100_000), true},
		{"ANDs", strings.Repeat("AND ", 50_000), true},
		{"operators", "params.p " + strings.Repeat("=", 200_000) + " 'x'", false},
		{"a digit after a digit", "metrics.m > " + strings.Repeat("9", 200_000), true},
		{"an unknown key", strings.Repeat("ö", 100_000) + " = 'x'", false},
		{"SQL in a name", "params.`x'; DROP TABLE run; --` = 'x'", true},
		{"only an opening", strings.Repeat("(", 200_000), false},
		{"openings in a list", "run_id IN " + strings.Repeat("(", 200_000), false},
	} {
		start := time.Now()
		e, err := Parse(Runs, c.text)
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("%s took %v", c.name, took)
		}
		if (err == nil) != c.ok {
			t.Errorf("%s: %.200v", c.name, err)
		}
		if err != nil && (record.KindOf(err) != record.Invalid || len(err.Error()) > 1500) {
			t.Errorf("%s: an error of %d bytes: %.200v", c.name, len(err.Error()), err)
		}
		if err == nil && e != nil {
			_ = String(e)
		}
	}
}

func TestAClauseKnowsItsPlace(t *testing.T) {
	e, err := Parse(Runs, "  params.ö = 'x' AND\tmetrics.m > 1")
	if err != nil {
		t.Fatal(err)
	}
	var at []int
	for _, term := range e.(*And).Terms {
		at = append(at, term.(*Clause).Pos)
	}
	if got := fmt.Sprint(at); got != "[2 22]" {
		t.Errorf("clauses at bytes %s", got)
	}
}

func BenchmarkParse(b *testing.B) {
	const text = "metrics.val_loss < 0.35 AND params.optimizer = 'adam' AND attributes.status = 'FINISHED' AND tags.`mlflow.source.name` LIKE '%train.py'"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(Runs, text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkString(b *testing.B) {
	e, err := Parse(Runs, "metrics.val_loss < 0.35 AND params.optimizer = 'adam' AND attributes.status = 'FINISHED'")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = String(e)
	}
}
