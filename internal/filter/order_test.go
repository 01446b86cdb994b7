package filter

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"modeldb/internal/record"
)

func TestAnOrderMeansWhatMLflowSays(t *testing.T) {
	for _, c := range []struct {
		g    Grammar
		text string
		want Order
	}{
		{Runs, "metrics.m", Order{Entity: Metric, Key: "m", Numeric: true}},
		{Runs, "metrics.`a b` DESC", Order{Entity: Metric, Key: "a b", Desc: true, Numeric: true}},
		{Runs, "metric.\"a b\"  asc", Order{Entity: Metric, Key: "a b", Numeric: true}},
		{Runs, "params.order desc", Order{Entity: Param, Key: "order", Desc: true}},
		{Runs, "tags.mlflow.x Desc", Order{Entity: Tag, Key: "mlflow.x", Desc: true}},
		{Runs, "created", Order{Key: "start_time", Numeric: true}},
		{Runs, "attributes.end_time DESC", Order{Key: "end_time", Desc: true, Numeric: true}},
		{Runs, "run_name", Order{Key: "run_name"}},
		{Runs, " metrics.val/loss\t", Order{Entity: Metric, Key: "val/loss", Numeric: true}},
		{Experiments, "attribute.name DESC", Order{Key: "name", Desc: true}},
		{Experiments, "`creation_time`", Order{Key: "creation_time", Numeric: true}},
		{Experiments, "experiment_id", Order{Key: "experiment_id", Numeric: true}},
		{RegisteredModels, "timestamp DESC", Order{Key: "last_updated_timestamp", Desc: true, Numeric: true}},
		{ModelVersions, "version_number", Order{Key: "version_number", Numeric: true}},
	} {
		got, err := ParseOrder(c.g, []string{c.text})
		if err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s is %+v, %v; want %+v", c.text, got, err, c.want)
			continue
		}
		if again, err := ParseOrder(c.g, []string{got[0].String()}); err != nil || again[0] != c.want {
			t.Errorf("%s as text is %s, which is %+v, %v", c.text, got[0], again, err)
		}
	}
}

func TestAWrongOrderIsRefusedInMLflowsWords(t *testing.T) {
	for _, c := range []struct {
		g    Grammar
		text string
		want string
	}{
		{Runs, "", "Invalid order_by clause ''. Could not be parsed."},
		{Runs, "asc", "Invalid order_by clause 'asc'. Could not be parsed."},
		{Runs, "1", "Invalid order_by clause '1'. Could not be parsed."},
		{Runs, "'metrics.m'", "Invalid order_by clause ''metrics.m''. Could not be parsed."},
		{Runs, "metrics.m DESC NULLS LAST", "Invalid order_by clause 'metrics.m DESC NULLS LAST'. Could not be parsed."},
		{Runs, "metrics.m, metrics.n", "Invalid order_by clause 'metrics.m, metrics.n'. Could not be parsed."},
		{Runs, "metrics.m desc desc", "Invalid order_by clause 'metrics.m desc desc'. Could not be parsed."},
		{Runs, "metrics.m; x", "Invalid order_by clause 'metrics.m; x'. Could not be parsed."},
		{Runs, "metrics.m foo", "Invalid ordering key in order_by clause 'metrics.m foo'."},
		{Runs, "run name", "Invalid ordering key in order_by clause 'run name'."},
		{Runs, "`run name`", "Invalid attribute key 'run name' specified. Valid keys are '{'Created', 'artifact_uri', "},
		{Runs, "experiment_id", "Invalid attribute key 'experiment_id' specified. Valid keys are '{"},
		{Runs, "foo.bar", "Invalid entity type 'foo'. Valid values are ['metric', "},
		{Runs, "datasets.name", "Invalid identifier type 'dataset'"},
		{Runs, "datasets.foo", "Invalid dataset key 'foo' specified. Valid keys are '{"},
		{Experiments, "tags.x", "Invalid order_by entity: tag"},
		{Experiments, "params.x", "Invalid entity type 'params'. Valid entity types are ('attribute', 'tag', 'tags')"},
		{RegisteredModels, "foo", "Invalid order by key 'foo' specified. Valid keys are '{'name', 'timestamp'}'"},
		{RegisteredModels, "attribute.name", "Invalid order by key 'attribute.name' specified."},
		{ModelVersions, "run_id", "Invalid attribute key 'run_id' specified. Valid keys are '{"},
		{Runs, "metrics.`" + strings.Repeat("x", MaxText), "Invalid order_by clause 'metrics.`xxx"},
	} {
		got, err := ParseOrder(c.g, []string{c.text})
		if record.KindOf(err) != record.Invalid || !strings.HasPrefix(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%.50s is %+v, %.500v; want %s", c.text, got, err, c.want)
		}
	}
}

func TestAKeyIsOrderedByOnce(t *testing.T) {
	_, err := ParseOrder(Runs, []string{"created DESC", "metrics.m", "start_time"})
	want := "`order_by` contains duplicate fields: ['created DESC', 'metrics.m', 'start_time']"
	if record.KindOf(err) != record.Invalid || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v; want %s", err, want)
	}
	got, err := ParseOrder(Experiments, []string{"name DESC", "name", "experiment_id"})
	if err != nil || fmt.Sprint(got) != "[name DESC experiment_id]" {
		t.Errorf("of experiments: %v, %v", got, err)
	}
	if _, err := ParseOrder(Runs, make([]string, MaxOrders+1)); record.KindOf(err) != record.Invalid {
		t.Errorf("too many keys: %v", err)
	}
}

func TestLoggedModelsAreOrderedByOneField(t *testing.T) {
	for field, want := range map[string]Order{
		"name":            {Key: "name", Desc: true},
		"creation_time":   {Key: "creation_timestamp", Numeric: true, Desc: true},
		"attributes.name": {Key: "name", Desc: true},
		"metrics.val f1":  {Entity: Metric, Key: "val f1", Numeric: true, Desc: true},
		"metrics.`a.b`":   {Entity: Metric, Key: "a.b", Numeric: true, Desc: true},
	} {
		if got, err := OrderOf(LoggedModels, field, true); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", field, got, err, want)
		}
	}
	for field, want := range map[string]string{
		"":         "Invalid order by field name: ",
		"foo":      "Invalid order by field name: foo",
		"params.p": "Invalid order by field name: params.p. Only metrics are supported.",
	} {
		if got, err := OrderOf(LoggedModels, field, true); record.KindOf(err) != record.Invalid || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q is %+v, %v; want %s", field, got, err, want)
		}
	}
}

func TestAnOrderIsMadeTotal(t *testing.T) {
	byName := []Order{{Key: "name"}}
	for _, c := range []struct {
		g    Grammar
		some []Order
		want string
	}{
		{Runs, nil, "[start_time DESC run_id]"},
		{Runs, []Order{{Key: "start_time", Numeric: true}}, "[start_time run_id]"},
		{Runs, []Order{{Entity: Tag, Key: "run_id"}}, "[tags.run_id start_time DESC run_id]"},
		{Experiments, nil, "[creation_time DESC experiment_id]"},
		{Experiments, byName, "[name experiment_id DESC]"},
		{LoggedModels, nil, "[creation_timestamp DESC model_id]"},
		{RegisteredModels, nil, "[name]"},
		{ModelVersions, nil, "[last_updated_timestamp DESC name version_number DESC]"},
		{ModelVersions, byName, "[name version_number DESC]"},
	} {
		before := slices.Clone(c.some)
		if got := fmt.Sprint(Complete(c.g, c.some)); got != c.want {
			t.Errorf("%d, %v: %s; want %s", c.g, c.some, got, c.want)
		}
		if !slices.Equal(before, c.some) {
			t.Errorf("%v was changed", before)
		}
	}
}
