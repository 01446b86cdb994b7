package store

import (
	"context"

	"modeldb/internal/record"
)

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

const eventColumns = `e.key, e.time, e.actor, e.kind, e.object, e.id, e.before, e.after`

func scanEvent(r row) record.Event {
	return record.Event{
		Key: r.Int(0), Time: r.Int(1), By: record.Actor(r.Text(2)), Kind: record.EventKind(r.Text(3)),
		Object: r.Text(4), ID: r.Int(5), Before: r.Text(6), After: r.Text(7),
	}
}

// Events returns at most limit events of projects, models and registered
// models in the order in which they happened: those after the one with a key,
// or after a time, by record.FirstSequence. Of several servers on one database,
// one may still add an event of the last moments before another's.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]record.Event, error) {
	return list(s.reading(ctx), scanEvent, `
		select `+eventColumns+`
		from event e
		where e.key > $1
		order by e.key
		limit $2`, after, int64(limit))
}

// EventsOf is Events of one record: its sort, such as RegisteredObject, and its
// key. Those of a registered model are also of its versions, stages and aliases.
func (s *Store) EventsOf(ctx context.Context, object string, id, after int64, limit int) ([]record.Event, error) {
	return list(s.reading(ctx), scanEvent, `
		select `+eventColumns+`
		from event e
		where e.object = $1
		  and e.id = $2
		  and e.key > $3
		order by e.key
		limit $4`, object, id, after, int64(limit))
}
