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
	wrote   int // statements that were sent and that changed something

	// What the writes of a group have in common is read once: live models,
	// see liveModel, and live projects, see lockProject.
	models   map[int64]record.Model
	projects map[int64]record.Project
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
	t.wrote++
	if err := t.conn.insert(t.ctx, t.pending); err != nil {
		return err
	}
	t.pending = t.pending[:0]
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
	if err := t.flush(); err != nil {
		return err
	}
	t.wrote++
	_, err := t.conn.exec(t.ctx, sql, args...)
	return err
}

// commit makes all durable. A transaction that changed nothing costs no commit.
func (t *tx) commit() error {
	if t.wrote == 0 && !t.hasPending() {
		return nil
	}
	return t.conn.commit(t.ctx, t.pending)
}

// mark is a place in a transaction to which undo can go back.
type mark struct {
	wrote   int
	pending []int // values pending for each table
}

func (t *tx) mark() mark {
	m := mark{wrote: t.wrote, pending: make([]int, len(t.pending))}
	for i, r := range t.pending {
		m.pending[i] = len(r.values)
	}
	return m
}

// undo drops what was added since the mark, and reports whether that undoes
// everything. It does not if something was sent already.
func (t *tx) undo(m mark) bool {
	if t.wrote != m.wrote {
		return false
	}
	for i := range t.pending {
		keep := 0
		if i < len(m.pending) {
			keep = m.pending[i]
		}
		t.pending[i].values = t.pending[i].values[:keep]
	}
	return true
}
