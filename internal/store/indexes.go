package store

import (
	"context"
	"sync"

	"modeldb/internal/metric"
	"modeldb/internal/record"
	"modeldb/internal/search"
)

// indexMemory is how many bytes the indexes of all models may take, unless
// Options say otherwise. A model whose index alone would take more is searched
// by reading its runs.
const indexMemory = 384 << 20

// overlap is how long before the last change that it saw an index looks for
// changes again: a transaction of another server may have been committed
// after others with greater numbers. Where this process is the only writer,
// numbers are in the order of commits, and nothing is read twice.
const overlap = 2 * groupTime

// indexes are the columns of the models that were searched lately. They are
// derived: before each search, what has changed since the last one is read,
// so that a search sees every write that was answered before it.
type indexes struct {
	limit int // bytes

	mu   sync.Mutex // guards what follows
	of   map[int64]*modelIndex
	used int64 // counts the searches
}

// modelIndex is the index of one model's runs.
type modelIndex struct {
	used  int64 // when it was used last, as indexes count
	bytes int   // as of its last use

	mu      sync.Mutex    // held to bring it up to date; guards what follows
	ix      *search.Index // nil: it is to be built
	tooBig  bool
	changed int64 // the last row of run that it saw
	seq     int64 // the last row of run_tail
	// The rows within the overlap that it saw, by run and number; nil where there
	// is no overlap.
	seenRuns, seenTails map[rowKey]bool
}

// rowKey is a row of run or of run_tail: the run, and its changed or seq.
type rowKey struct{ run, number int64 }

// page answers a query from a model's index.
func (all *indexes) page(ctx context.Context, s *Store, model int64, q search.Query) (search.Page, error) {
	mi := all.get(model)
	ix, err := mi.refresh(ctx, s, model)
	if err != nil {
		return search.Page{}, err
	}
	if ix == nil {
		return s.scanRuns(ctx, model, q)
	}
	all.trim(mi, ix.Bytes())
	return ix.Page(q), nil
}

func (all *indexes) get(model int64) *modelIndex {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.of == nil {
		all.of = map[int64]*modelIndex{}
	}
	mi := all.of[model]
	if mi == nil {
		mi = &modelIndex{}
		all.of[model] = mi
	}
	all.used++
	mi.used = all.used
	return mi
}

// trim notes how large an index is, and drops those that were not used for
// longest while all together take too much.
func (all *indexes) trim(now *modelIndex, bytes int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	now.bytes = bytes
	total := 0
	for _, mi := range all.of {
		total += mi.bytes
	}
	for total > all.limit {
		oldest, found := int64(0), false
		for model, mi := range all.of {
			if mi != now && mi.bytes > 0 && (!found || mi.used < all.of[oldest].used) {
				oldest, found = model, true
			}
		}
		if !found {
			return
		}
		total -= all.of[oldest].bytes
		delete(all.of, oldest)
	}
}

// refresh brings the index up to date and returns it, nil if it would be too
// large. All that it reads is of one state of the database. It goes on when
// the client that asked is gone: the next one needs it, too.
func (mi *modelIndex) refresh(ctx context.Context, s *Store, model int64) (*search.Index, error) {
	mi.mu.Lock()
	defer mi.mu.Unlock()
	if mi.tooBig {
		return nil, nil
	}
	err := s.snapshot(context.WithoutCancel(ctx), func(from reader) error {
		if mi.ix == nil {
			return mi.build(from, s, model)
		}
		return mi.update(from, s, model)
	})
	if err != nil {
		mi.ix = nil // some of what changed may be missing
	} else if mi.tooBig = mi.tooBig || mi.ix.Bytes() > s.indexes.limit; mi.tooBig {
		mi.ix = nil
	}
	return mi.ix, err
}

// allRunsOfModelSQL gives all runs, as if their model were live and they had no
// tail.
const allRunsOfModelSQL = `
	select r.id, r.model, r.name, r.status, r.user_name, r.started, r.ended, r.created, r.deleted, r.given, r.packed,
		r.version, r.active, 1, 0, r.changed
	from run r
	where r.model = $1`

const tailedRunsSQL = `
	select r.id, t.seq
	from (select run, max(seq) as seq from run_tail where model = $1 group by run) t
	join run r on r.key = t.run`

// build reads all runs of the model.
func (mi *modelIndex) build(from reader, s *Store, model int64) error {
	mi.ix, mi.changed, mi.seq = search.New(), 0, 0
	if !s.db.near() {
		mi.seenRuns, mi.seenTails = map[rowKey]bool{}, map[rowKey]bool{}
	}
	var r runRow
	rows := 0
	err := from.query(allRunsOfModelSQL, []any{model}, func(row row) error {
		r.scan(row)
		mi.changed = max(mi.changed, row.Int(15))
		if err := unpack(r.lists, &r.Run); err != nil {
			return err
		}
		mi.ix.Put(&r.Run)
		if rows++; rows%1000 == 1 && mi.ix.Bytes() > s.indexes.limit {
			mi.tooBig = true
			return errStop
		}
		return nil
	})
	if err != nil || mi.tooBig {
		return err
	}
	tailed, err := list(from, func(row row) record.RunID {
		mi.seq = max(mi.seq, row.Int(1))
		return scanID(row)
	}, tailedRunsSQL, model)
	if err != nil {
		return err
	}
	return mi.put(from, tailed)
}

// put reads runs whole.
func (mi *modelIndex) put(from reader, ids []record.RunID) error {
	for _, id := range ids {
		state, err := readState(from, id, whole)
		if record.KindOf(err) == record.NotFound {
			mi.ix.Remove(id)
			continue
		}
		if err != nil {
			return err
		}
		state.Gone = state.Deleted != 0 // the model is another matter
		mi.ix.Put(&state.Run)
	}
	return nil
}

const changedRunsSQL = `
	select r.id, r.changed, r.key
	from run r
	where r.model = $1
	  and r.changed > $2
	order by r.changed`

const newTailSQL = `
	select t.run, t.seq, (select r.id from run r where r.key = t.run), t.body
	from run_tail t
	where t.model = $1
	  and t.seq > $2
	order by t.seq`

// lateTailSQL gives rows that may have been committed after others with greater
// numbers.
const lateTailSQL = `
	select t.run, t.seq
	from run_tail t
	where t.model = $1
	  and t.seq > $2
	  and t.seq <= $3`

const runIDSQL = `select r.id from run r where r.key = $1`

// update reads what has changed.
func (mi *modelIndex) update(from reader, s *Store, model int64) error {
	reread := map[record.RunID]bool{}
	changed, seq := mi.changed, mi.seq
	back := mi.lookBack(s)
	err := from.query(changedRunsSQL, []any{model, max(changed-back, 0)}, func(r row) error {
		if see(mi.seenRuns, rowKey{r.Int(2), r.Int(1)}) {
			reread[scanID(r)] = true
			changed = max(changed, r.Int(1))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if back > 0 {
		if err := mi.late(from, model, back, reread); err != nil {
			return err
		}
	}
	err = from.query(newTailSQL, []any{model, mi.seq}, func(r row) error {
		seq = r.Int(1)
		see(mi.seenTails, rowKey{r.Int(0), seq})
		var id record.RunID
		copy(id[:], r.Bytes(2))
		if reread[id] {
			return nil
		}
		done, err := mi.log(id, r.Bytes(3), s.db.near())
		reread[id] = !done
		return err
	})
	if err != nil {
		return err
	}
	ids := make([]record.RunID, 0, len(reread))
	for id, yes := range reread {
		if yes {
			ids = append(ids, id)
		}
	}
	if err := mi.put(from, ids); err != nil {
		return err
	}
	mi.changed, mi.seq = changed, seq
	forget(mi.seenRuns, changed-back)
	forget(mi.seenTails, seq-back)
	return nil
}

// late finds the runs of rows that came late.
func (mi *modelIndex) late(from reader, model, back int64, reread map[record.RunID]bool) error {
	var runs []int64
	err := from.query(lateTailSQL, []any{model, max(mi.seq-back, 0), mi.seq}, func(r row) error {
		if see(mi.seenTails, rowKey{r.Int(0), r.Int(1)}) {
			runs = append(runs, r.Int(0))
		}
		return nil
	})
	for _, run := range uniq(runs) {
		id, failed := one(from, scanID, runIDSQL, run)
		if failed != nil {
			return failed
		}
		reread[deref(id)] = true
	}
	return err
}

func scanID(r row) (id record.RunID) {
	copy(id[:], r.Bytes(0))
	return id
}

// see notes a row, and reports whether it was not seen before.
func see(seen map[rowKey]bool, k rowKey) bool {
	if seen == nil {
		return true
	}
	was := seen[k]
	seen[k] = true
	return !was
}

// forget drops the rows with numbers so small that they are not read again.
func forget(seen map[rowKey]bool, before int64) {
	for k := range seen {
		if k.number < before {
			delete(seen, k)
		}
	}
}

// log adds an entry to a run of the index, and reports whether that was
// possible: else the run is to be read. Points may come in any order; anything
// else only where entries come as they were committed.
func (mi *modelIndex) log(id record.RunID, body []byte, ordered bool) (bool, error) {
	b, err := openEntry(body)
	if err != nil {
		return false, err
	}
	e, err := b.read()
	if err != nil {
		return false, err
	}
	if !e.onlyPoints() && (!ordered || len(e.removed)+len(e.Uses) > 0) {
		return false, nil
	}
	err = metric.ReadSeries(b.series, nil, func(key string, p record.Point) { e.Points = append(e.Points, record.Metric{Key: key, Point: p}) })
	if err != nil {
		return false, err
	}
	return mi.ix.Log(id, e.Points, e.Params, e.Tags), nil
}

// lookBack is how far before the last row that was seen rows are read again.
func (mi *modelIndex) lookBack(s *Store) int64 {
	if s.db.near() {
		return 0
	}
	return record.FirstSequence(overlap.Milliseconds())
}
