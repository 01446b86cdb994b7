package store

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// When a run's tail is folded: at so many rows or points, when the run ends,
// or when nothing was logged for so long.
const (
	foldRows   = 256
	foldPoints = 1 << 15
	foldIdle   = time.Minute
	sweepTime  = 20 * time.Second // between two looks for idle tails
	sweepPage  = 1000

	// smallTail is how many points a tail may have to be folded in the
	// transaction that ends its run.
	smallTail = 4096

	// ownChunks is how many points a metric has in a block before it gets
	// chunks of its own.
	ownChunks = 256
)

// compactor folds tails in the background, one run at a time. What it
// remembers is derived: at the start it looks at all tails that there are.
type compactor struct {
	s     *Store
	wake  chan struct{}
	quit  context.CancelFunc
	ended chan struct{}

	mu    sync.Mutex // guards what follows
	tails map[record.RunID]tailCount
	queue map[record.RunID]bool
}

type tailCount struct {
	rows, points int
	last         int64 // when the last row was added, milliseconds, UTC
}

func startCompactor(s *Store) *compactor {
	ctx, quit := context.WithCancel(context.Background())
	c := &compactor{
		s: s, wake: make(chan struct{}, 1), quit: quit, ended: make(chan struct{}),
		tails: map[record.RunID]tailCount{}, queue: map[record.RunID]bool{},
	}
	go c.run(ctx)
	return c
}

func (c *compactor) stop() {
	c.quit()
	<-c.ended
}

// note counts a row that was added to a run's tail.
func (c *compactor) note(id record.RunID, points int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tails[id]
	t.rows++
	t.points += points
	t.last = c.s.now()
	c.tails[id] = t
	if t.rows >= foldRows || t.points >= foldPoints {
		c.add(id)
	}
}

// forget says that a run's tail was folded.
func (c *compactor) forget(id record.RunID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tails, id)
}

// forgetIdle drops the counts of tails that got no row for long: a sweep finds
// those that are still there.
func (c *compactor) forgetIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, t := range c.tails {
		if c.s.now()-t.last > 10*foldIdle.Milliseconds() {
			delete(c.tails, id)
		}
	}
}

// due says that a run's tail is to be folded.
func (c *compactor) due(id record.RunID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(id)
}

func (c *compactor) add(id record.RunID) {
	delete(c.tails, id)
	c.queue[id] = true
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// next takes a run from the queue.
func (c *compactor) next() (id record.RunID, there bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id = range c.queue {
		delete(c.queue, id)
		return id, true
	}
	return id, false
}

func (c *compactor) run(ctx context.Context) {
	defer close(c.ended)
	c.sweep(ctx, c.s.now())
	sweep := time.NewTicker(sweepTime)
	defer sweep.Stop()
	for {
		for id, there := c.next(); there && ctx.Err() == nil; id, there = c.next() {
			if err := c.s.Fold(ctx, id); err != nil && ctx.Err() == nil && record.KindOf(err) != record.NotFound {
				c.s.log.Warn("fold", "run", id.String(), "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		case <-sweep.C:
			c.forgetIdle()
			c.sweep(ctx, c.s.now()-foldIdle.Milliseconds())
		}
	}
}

const idleTailsSQL = `
	select r.id, r.key
	from run r
	where r.key in (select t.run from run_tail t where t.run > $1 group by t.run having max(t.seq) < $2 order by t.run limit $3)
	order by r.key`

// sweep queues the runs whose tails have got no row since a time: those of
// clients that went away, and of servers that ended.
func (c *compactor) sweep(ctx context.Context, since int64) {
	after := int64(-1)
	for {
		n := 0
		err := c.s.query(ctx, idleTailsSQL, []any{after, record.FirstSequence(since), int64(sweepPage)}, func(r row) error {
			var id record.RunID
			copy(id[:], r.Bytes(0))
			after = r.Int(1)
			n++
			c.due(id)
			return nil
		})
		if err != nil && ctx.Err() == nil {
			c.s.log.Warn("sweep", "error", err)
		}
		if err != nil || n < sweepPage {
			return
		}
	}
}

// small reports whether the tail may be folded together with another change.
func (r *runState) small() bool {
	points := int64(0)
	for _, t := range r.entries {
		points += t.n
	}
	return len(r.entries) > 0 && len(r.entries) <= foldRows && points <= smallTail
}

// fold is what is written when a run's tail is folded.
type fold struct {
	state  *runState
	packed []byte
	chunks []chunk
	noMore bool // the block's points have all got chunks of their own
}

// chunk is a row of metric_chunk.
type chunk struct {
	key  string
	seq  int64
	n    int
	body []byte
}

// Fold folds a run's tail: its lists into the run's own row, its points into
// chunks. Nothing that anybody can read changes.
func (s *Store) Fold(ctx context.Context, id record.RunID) error {
	for {
		state, err := s.runState(ctx, id, whole)
		if err != nil || len(state.entries) == 0 {
			return err
		}
		f, err := s.fold(ctx, state)
		if err != nil {
			return err
		}
		var done bool
		err = s.writeRun(ctx, id.Key(), func(t *tx) error {
			done, err = t.writeFold(f, RunChange{})
			return err
		})
		if err != nil || done {
			s.recent.drop(id)
			return err
		}
	}
}

// fold makes what is to be written. It reads the chunks that the tail's points
// go into: if they change meanwhile, so does the run's version.
func (s *Store) fold(ctx context.Context, state *runState) (*fold, error) {
	f := &fold{state: state, packed: pack(&state.Run)}
	points := map[string][]record.Point{}
	for _, t := range state.entries {
		body, err := openEntry(t.body)
		if err != nil {
			return nil, err
		}
		if err := metric.ReadSeries(body.series, nil, func(key string, p record.Point) { points[key] = append(points[key], p) }); err != nil {
			return nil, err
		}
	}
	if len(points) == 0 {
		return f, nil
	}
	return f, s.snapshot(ctx, func(from reader) error { return f.addChunks(from, points) })
}

// addChunks makes the chunks of new points: of metrics with many points, new
// ones and the last one again; of the others, the block again.
func (f *fold) addChunks(from reader, points map[string][]record.Point) error {
	run := f.state.Key()
	block, err := one(from, scanChunk, chunksSQL, run, "")
	if err != nil {
		return err
	}
	if block != nil {
		err := metric.ReadBlock(block.body, nil, func(key string, p record.Point) { points[key] = append(points[key], p) })
		if err != nil {
			return err
		}
	}
	own, err := list(from, func(r row) string { return r.Text(0) }, `select distinct key from metric_chunk where run = $1 and key > ''`, run)
	if err != nil {
		return err
	}
	var few []metric.History
	n := 0
	for _, key := range slices.Sorted(maps.Keys(points)) {
		_, has := slices.BinarySearch(own, key)
		if !has && len(points[key]) < ownChunks {
			p := metric.Compact(points[key])
			few = append(few, metric.History{Key: key, Points: p})
			n += len(p)
			continue
		}
		if err := f.addOwnChunks(from, key, points[key]); err != nil {
			return err
		}
	}
	if len(few) > 0 {
		f.chunks = append(f.chunks, chunk{"", 0, n, metric.AppendBlock(nil, few)})
	} else {
		f.noMore = block != nil
	}
	return nil
}

// addOwnChunks adds points to the chunks of one metric, the last of which is
// filled up.
func (f *fold) addOwnChunks(from reader, key string, points []record.Point) error {
	last, err := one(from, scanChunk, lastChunkSQL, f.state.Key(), key)
	if err != nil {
		return err
	}
	seq := int64(1)
	if last != nil {
		seq = last.seq + 1
		if last.n < metric.MaxChunk {
			seq = last.seq
			if points, err = metric.ReadChunk(points, last.body); err != nil {
				return err
			}
		}
	}
	for part := range slices.Chunk(metric.Compact(points), metric.MaxChunk) {
		f.chunks = append(f.chunks, chunk{key, seq, len(part), metric.AppendChunk(nil, part)})
		seq++
	}
	return nil
}

func scanChunk(r row) chunk {
	return chunk{key: r.Text(0), seq: r.Int(1), n: int(r.Int(2)), body: slices.Clone(r.Bytes(3))}
}

const chunksSQL = `
	select key, seq, n, body
	from metric_chunk
	where run = $1
	  and key = $2
	order by seq`

const lastChunkSQL = `
	select key, seq, n, body
	from metric_chunk
	where run = $1
	  and key = $2
	order by seq desc
	limit 1`

// dropSizes are how many rows of a tail one statement deletes: mostly there is
// one, and SQLite looks for each argument.
var dropSizes = []int{1, 8, 32}

var dropTailSQL = func() map[int]string {
	m := map[int]string{}
	for _, n := range dropSizes {
		m[n] = `delete from run_tail where run = $1 and seq in (` + placeholders(2, n) + `)`
	}
	return m
}()

// writeFold writes a fold, and what else is to change in the run's row, unless
// the run was folded meanwhile. It deletes just the rows that were folded:
// others may have come, even with smaller numbers.
func (t *tx) writeFold(f *fold, c RunChange) (done bool, err error) {
	run := f.state.Key()
	n, err := t.change(`
		update run
		set packed = $2, version = $3, given = $4, active = $5, changed = $6,
			name = coalesce($8, name), status = coalesce($9, status), ended = coalesce($10, ended)
		where key = $1
		  and version = $7`,
		slices.Concat([]any{run, f.packed, f.state.version + 1, int64(f.state.Given), f.state.Active, t.s.keys.Sequence(), f.state.version},
			c.args())...)
	if err != nil || n == 0 {
		return false, err
	}
	if err := t.dropTail(run, f.state.entries); err != nil {
		return false, err
	}
	for _, c := range f.chunks {
		t.add(chunkTable, run, c.key, c.seq, int64(c.n), c.body)
	}
	if f.noMore {
		return true, t.exec(`delete from metric_chunk where run = $1 and key = ''`, run)
	}
	return true, nil
}

// dropTail deletes rows of a tail.
func (t *tx) dropTail(run int64, entries []tailRow) error {
	for rows := range slices.Chunk(entries, slices.Max(dropSizes)) {
		at, _ := slices.BinarySearch(dropSizes, len(rows))
		seqs := padded(rows, dropSizes[at], func(row tailRow) any { return row.seq })
		if err := t.exec(dropTailSQL[dropSizes[at]], slices.Concat([]any{run}, seqs)...); err != nil {
			return err
		}
	}
	return nil
}
