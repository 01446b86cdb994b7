package store

import (
	"context"
	"slices"

	"modeldb/internal/record"
)

// tx is one transaction as the operations see it. Rows that they add are
// collected, and sent together before the next read and at the commit.
type tx struct {
	ctx     context.Context
	conn    transaction
	s       *Store
	now     int64 // the one time of all that happens in it
	alone   bool  // the writes of a group failed together; this one is tried by itself
	pending rowSet
	sent    bool // something was sent that a commit must keep
	current mark // the write that is being done

	// What the writes of a group have in common is read once: live models,
	// see liveModel, and live projects, see lockProject.
	models   map[int64]record.Model
	projects map[int64]record.Project

	// heads are the runs that writes of the group have locked, as they were
	// before the group; nil for one that is not there. A run that was changed in
	// it is not among them.
	heads map[int64]*runHead
}

// look reports whether a create must look for a record of the same name before
// it makes one. Where a look in the transaction is dear, it is done before,
// and here only again when the write failed together with others, perhaps
// because another writer was first.
func (t *tx) look() bool { return t.alone || t.s.db.near() }

// forget must be called by whatever changes a project or a model.
func (t *tx) forget() {
	clear(t.models)
	clear(t.projects)
}

// lockRuns locks, all together, the runs that writes are about to change. Where
// a read is near, each write does better by itself.
func (t *tx) lockRuns(group []*write) error {
	if t.s.db.near() {
		return nil
	}
	var keys []int64
	for _, w := range group {
		if _, known := t.heads[w.run]; w.run != 0 && !known {
			keys = append(keys, w.run)
		}
	}
	if len(keys) < 2 {
		return nil
	}
	slices.Sort(keys) // two servers that lock in different orders would deadlock
	keys = slices.Compact(keys)
	for _, key := range keys {
		t.heads[key] = nil
	}
	return t.readHeads(keys, func(h *runHead) { t.heads[h.id.Key()] = h })
}

// readHeads locks runs and then reads what is known of them. It takes two
// statements: one that had to wait for a lock would not see the rows of the
// tail that were added meanwhile.
func (t *tx) readHeads(keys []int64, found func(*runHead)) error {
	if err := t.flush(); err != nil {
		return err
	}
	queries := []string{`select r.key from run r where r.key = $1` + t.s.db.lock("r"), runHeadSQL}
	if t.s.db.near() {
		queries = queries[1:]
	}
	return t.conn.queryEach(t.ctx, queries, keys, func(r row) error {
		head := scanHead(r)
		found(&head)
		return nil
	})
}

// lockHead locks one run, and returns what is known of it, nil if it is not
// there.
func (t *tx) lockHead(key int64) (head *runHead, err error) {
	head, known := t.heads[key]
	if known {
		delete(t.heads, key) // it may be changed now
		return head, nil
	}
	return head, t.readHeads([]int64{key}, func(h *runHead) { head = h })
}

// add adds a row at the latest before the next read of this transaction.
func (t *tx) add(into *table, values ...any) {
	t.pending.add(into, values...)
}

// addAll adds rows that were made before the transaction.
func (t *tx) addAll(all rowSet) {
	for _, r := range all {
		t.add(r.table, r.values...)
	}
}

// flush sends the rows that were added.
func (t *tx) flush() error {
	if !t.hasPending() {
		return nil
	}
	if t.current.grown(t.pending) {
		t.current.sent = true
	}
	t.sent = true
	if err := t.conn.insert(t.ctx, t.pending); err != nil {
		return err
	}
	t.pending = t.pending[:0]
	t.current.pending = nil
	return nil
}

func (t *tx) hasPending() bool {
	return slices.ContainsFunc(t.pending, func(r rows) bool { return len(r.values) > 0 })
}

// query reads, and sees all that was done before in this transaction.
func (t *tx) query(sql string, args []any, scan func(row) error) error {
	if err := t.flush(); err != nil {
		return err
	}
	return t.conn.query(t.ctx, sql, args, scan)
}

// exec changes rows.
func (t *tx) exec(sql string, args ...any) error {
	_, err := t.change(sql, args...)
	return err
}

// change changes rows, and returns how many.
func (t *tx) change(sql string, args ...any) (int64, error) {
	if err := t.flush(); err != nil {
		return 0, err
	}
	t.sent, t.current.sent = true, true
	return t.conn.exec(t.ctx, sql, args...)
}

// returning changes rows and reads what they are now, without sending the rows
// that were added before: for what they cannot concern.
func (t *tx) returning(sql string, args []any, scan func(row) error) error {
	return t.conn.query(t.ctx, sql, args, func(r row) error {
		t.sent, t.current.sent = true, true
		return scan(r)
	})
}

// peeker reads in a transaction without sending the rows that were added
// before: for what they cannot concern.
type peeker struct{ *tx }

func (p peeker) query(sql string, args []any, scan func(row) error) error {
	return p.conn.query(p.ctx, sql, args, scan)
}

// commit makes all durable. A transaction that changed nothing costs no commit.
func (t *tx) commit() error {
	if !t.sent && !t.hasPending() {
		return nil
	}
	return t.conn.commit(t.ctx, t.pending)
}

// mark is where one write of a group began.
type mark struct {
	pending []int // values of each table that earlier writes added
	sent    bool  // this write has sent something, which only a rollback undoes
}

// start marks the beginning of a write.
func (t *tx) start() {
	t.current = mark{pending: t.current.pending[:0]}
	for _, r := range t.pending {
		t.current.pending = append(t.current.pending, len(r.values))
	}
}

// before is how many values of the i-th table earlier writes added.
func (m *mark) before(i int) int {
	if i < len(m.pending) {
		return m.pending[i]
	}
	return 0
}

// grown reports whether the write has added rows since its start.
func (m *mark) grown(pending rowSet) bool {
	for i, r := range pending {
		if len(r.values) > m.before(i) {
			return true
		}
	}
	return false
}

// undo drops what the write has added, and reports whether that undoes
// everything. It does not if something was sent.
func (t *tx) undo() bool {
	for i := range t.pending {
		t.pending[i].values = t.pending[i].values[:t.current.before(i)]
	}
	return !t.current.sent
}
