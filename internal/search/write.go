package search

import (
	"encoding/binary"

	"modeldb/internal/record"
)

// Put adds a run, or replaces the one with its id. It keeps nothing of the run
// itself: neither its lists nor its texts.
func (ix *Index) Put(run *record.Run) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.settle()
	ix.change++
	row, there := ix.rows[run.ID]
	if !there {
		row = ix.takeRow()
		ix.logs.Lock()
		ix.rows[run.ID] = row
		ix.logs.Unlock()
	}
	b, i := ix.place(row)
	b.used.add(i)
	b.gone.put(i, run.Gone || run.Deleted != 0)
	b.ended.put(i, run.End != 0)
	b.ids[i], b.start[i], b.end[i], b.status[i] = run.ID, run.Start, run.End, statusOf(run)
	ix.putLists(row, run)
	if !there {
		return
	}
	for _, p := range b.parts {
		if p.stale(ix.change) {
			p.remove(i)
		}
	}
}

// statusOf is a run's status, 0 if it is none that there is.
func statusOf(run *record.Run) uint8 {
	if run.Status < 0 || run.Status > record.Killed {
		return 0
	}
	return uint8(run.Status)
}

func (ix *Index) putLists(row int, run *record.Run) {
	ix.names.set(row, run.Name)
	ix.users.set(row, run.User)
	for i := range run.Metrics {
		ix.metrics.at(i, run.Metrics[i].Key).set(row, run.Metrics[i].Point, false)
	}
	for i, p := range run.Params {
		ix.params.at(i, p.Key).set(row, record.ParamText(p.Value))
	}
	for i, t := range run.Tags {
		if t.Key != record.RunNameTag {
			ix.tags.at(i, t.Key).set(row, t.Value)
		}
	}
	if len(run.Datasets) > 0 {
		ix.uses.set(row, string(appendUses(nil, run.Datasets)))
	}
}

// Log applies what was logged to a run, and reports whether the run is there.
// Points may come in any order: one counts if it is after the latest of its
// metric. The tag record.RunNameTag changes the run's name.
func (ix *Index) Log(id record.RunID, points []record.Metric, params []record.Param, tags []record.Tag) bool {
	entry := logged{id, points, params, tags}
	there, full := ix.logOrDefer(&entry)
	if full {
		ix.mu.Lock()
		ix.settle()
		ix.mu.Unlock()
	}
	return there
}

// log applies an entry, unless its run is not there any more.
func (ix *Index) log(e *logged) {
	row, there := ix.rows[e.id]
	if !there {
		return
	}
	for i := range e.points {
		ix.metrics.named(e.points[i].Key).column.set(row, e.points[i].Point, true)
	}
	for _, p := range e.params {
		ix.params.named(p.Key).column.set(row, record.ParamText(p.Value))
	}
	for _, t := range e.tags {
		if t.Key == record.RunNameTag {
			ix.names.set(row, t.Value)
		} else {
			ix.tags.named(t.Key).column.set(row, t.Value)
		}
	}
}

// Remove forgets a run. It does nothing if there is none with the id.
func (ix *Index) Remove(id record.RunID) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.settle()
	row, there := ix.rows[id]
	if !there {
		return
	}
	ix.removed++
	b, i := ix.place(row)
	b.used.remove(i)
	for _, p := range b.parts {
		p.remove(i)
	}
	ix.logs.Lock()
	delete(ix.rows, id)
	ix.logs.Unlock()
	ix.free = append(ix.free, row)
}

// appendUses appends the name, digest and context of each dataset use, each
// text after its length.
func appendUses(dst []byte, uses []record.DatasetUse) []byte {
	for i := range uses {
		for _, text := range [...]string{uses[i].Name, uses[i].Digest, uses[i].Context} {
			dst = binary.AppendUvarint(dst, uint64(len(text)))
			dst = append(dst, text...)
		}
	}
	return dst
}

// eachUse calls yield for the text of a key of each use, until it returns false.
func eachUse(uses, key string, yield func(string) bool) {
	for i := 0; len(uses) > 0; i++ {
		var size uint64
		for shift := 0; ; shift += 7 {
			c := uses[0]
			uses = uses[1:]
			size |= uint64(c&0x7f) << shift
			if c < 0x80 {
				break
			}
		}
		text := uses[:size]
		uses = uses[size:]
		if useKeys[i%len(useKeys)] == key && !yield(text) {
			return
		}
	}
}

// useKeys are the keys of datasets, in the order of appendUses.
var useKeys = [...]string{"name", "digest", "context"}
