package mlflow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"modeldb/internal/record"
	"modeldb/internal/store"
)

// modelHistory is the tag in which old clients find the models that a run
// logged: a JSON list.
const modelHistory = "mlflow.log-model.history"

type logModelRequest struct {
	runRef
	json string
}

var logModelFields = withRun(
	field[logModelRequest]{name: "model_json", required: true, read: func(d *decoder, in *logModelRequest) { in.json = d.str() }},
)

// logModel adds a model to the list in the tag. The list is read and written
// under a lock: two clients that log at once through one server lose nothing.
func (d *Door) logModel(ctx context.Context, ws *workspace, in *logModelRequest) (answer, error) {
	item, err := historyItem(in.json)
	if err != nil {
		return nil, err
	}
	id, err := d.run(ctx, ws, &in.runRef)
	if err != nil {
		return nil, err
	}
	d.models.Lock()
	defer d.models.Unlock()
	run, _, err := d.store.AnyRun(ctx, id)
	if err != nil {
		return nil, err
	}
	value := "[" + item + "]"
	at := slices.IndexFunc(run.Tags, func(t record.Tag) bool { return t.Key == modelHistory })
	if at >= 0 {
		if before := strings.TrimSpace(run.Tags[at].Value); strings.HasPrefix(before, "[{") && strings.HasSuffix(before, "}]") {
			value = strings.TrimSuffix(before, "]") + ", " + item + "]"
		}
	}
	t := record.Tag{Key: modelHistory, Value: value}
	if err := checkTag("", t); err != nil {
		return nil, err
	}
	return d.add(ctx, ws, id, store.Entry{Tags: []record.Tag{t}})
}

// members reads a JSON object.
func members(text string) (all []record.Member, err error) {
	d := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(true))
	if d.PeekKind() != '{' {
		return nil, fmt.Errorf("not an object")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		all = append(all, record.Member{Key: key, Value: string(value)})
	}
	_, err = d.ReadToken()
	return all, err
}

// historyItem is what the tag keeps of a model: its place, its time, its run
// and its flavors without their settings.
func historyItem(text string) (string, error) {
	all, err := members(text)
	if err != nil {
		return "", record.Invalid.Errorf("model_json", "Malformed model info. \n %s \n is not a valid JSON.", shorten(text))
	}
	value := func(key string) string {
		at := slices.IndexFunc(all, func(m record.Member) bool { return m.Key == key })
		if at < 0 {
			return ""
		}
		return all[at].Value
	}
	var missing []string
	for _, key := range []string{"artifact_path", "flavors", "run_id", "utc_time_created"} {
		if value(key) == "" {
			missing = append(missing, pythonText(key))
		}
	}
	if missing != nil {
		return "", record.Invalid.Errorf("model_json", "Model json is missing mandatory fields: {%s}", strings.Join(missing, ", "))
	}
	var kept []string
	for _, key := range []string{"artifact_path", "model_uuid", "run_id", "utc_time_created"} {
		if v := value(key); v != "" {
			kept = append(kept, string(record.AppendJSON(nil, key))+": "+v)
		}
	}
	kept = append(kept, `"flavors": `+withoutSettings(value("flavors")))
	return "{" + strings.Join(kept, ", ") + "}", nil
}

// withoutSettings are flavors without the member "config" of each.
func withoutSettings(text string) string {
	flavors, err := members(text)
	if err != nil {
		return text // not an object: kept as it came
	}
	for i, f := range flavors {
		if settings, err := members(f.Value); err == nil {
			settings = slices.DeleteFunc(settings, func(m record.Member) bool { return m.Key == "config" })
			flavors[i].Value = object(settings)
		}
	}
	return object(flavors)
}

func object(all []record.Member) string {
	texts := make([]string, len(all))
	for i, m := range all {
		texts[i] = string(record.AppendJSON(nil, m.Key)) + ": " + m.Value
	}
	return "{" + strings.Join(texts, ", ") + "}"
}
