package store

import (
	"modeldb/internal/record"

	"github.com/go-json-experiment/json"
)

var (
	eventTable    = newTable("event", "key, time, actor, kind, object, id, before, after", "")
	runEventTable = newTable("run_event", "run, key, time, actor, kind, before, after", "")
)

// change is one side of an event: the fields that changed, by their names in
// the Model DB API. Nil: nothing was there, or is there now.
type change map[string]any

func (c change) text() string {
	if c == nil {
		return ""
	}
	text, err := json.Marshal(map[string]any(c), json.Deterministic(true))
	if err != nil {
		panic(err) // a change holds texts only
	}
	return string(text)
}

// event appends an event about a project or a model.
func (t *tx) event(kind record.EventKind, by record.Actor, object string, key int64, before, after change) {
	t.add(eventTable, t.s.keys.Sequence(), t.now, string(by), string(kind), object, key, before.text(), after.text())
}

// runEvent appends an event about a run; it lives with the run.
func (t *tx) runEvent(kind record.EventKind, by record.Actor, run int64, before, after change) {
	t.add(runEventTable, run, t.s.keys.Sequence(), t.now, string(by), string(kind), before.text(), after.text())
}
