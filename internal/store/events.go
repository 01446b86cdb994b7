package store

import "modeldb/internal/record"

var (
	eventTable    = newTable("event", "key, time, actor, kind, object, id, before, after", "")
	runEventTable = newTable("run_event", "run, key, time, actor, kind, before, after", "")
)

// field is a field that an event is about, by its name in the Model DB API.
type field struct {
	name  string
	value *string
}

// change is one side of an event: a JSON object of the fields that changed. It
// is empty where nothing was there, or is there now. An operation makes it
// before its transaction where it can: the committer has no time to spare.
func change(fields ...field) string {
	dst := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = record.AppendJSON(dst, f.name)
		dst = append(dst, ':')
		if f.value == nil {
			dst = append(dst, "null"...)
		} else {
			dst = record.AppendJSON(dst, *f.value)
		}
	}
	return string(append(dst, '}'))
}

// event appends an event about a project or a model.
func (t *tx) event(kind record.EventKind, by record.Actor, object string, key int64, before, after string) {
	t.add(eventTable, t.s.keys.Sequence(), t.now, string(by), string(kind), object, key, before, after)
}

// runEvent appends an event about a run; it lives with the run.
func (t *tx) runEvent(kind record.EventKind, by record.Actor, run int64, before, after string) {
	t.add(runEventTable, run, t.s.keys.Sequence(), t.now, string(by), string(kind), before, after)
}
