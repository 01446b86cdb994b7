// Package search keeps the columns of one model's runs in memory, and answers
// from them which runs satisfy a condition, in which order, page by page. It
// is pure: it knows records and conditions, and nothing of SQL, of where runs
// are kept, or of when they are loaded.
//
// Runs stand in blocks of 1024 rows. A column is what all runs have under one
// key; of each block it has a part, which holds only the rows that have the
// key, so that keys of few runs cost little. Texts are kept once a column, as
// codes of a dictionary.
package search

import (
	"hash/maphash"
	"sync"

	"modeldb/internal/record"
)

// Index has the columns of one model's runs. Any number of goroutines may use
// it. A search takes the lock for one block after another, so that a writer
// waits for microseconds. It sees everything that was written before it began,
// and each run as it was at one moment.
type Index struct {
	logs     sync.Mutex // guards deferred, and with mu rows; taken after mu
	deferred []logged

	mu      sync.RWMutex         // guards what follows
	rows    map[record.RunID]int // written with both locks, read with either
	free    []int                // rows of removed runs
	blocks  []*block
	metrics columns[numbers]
	params  columns[texts]
	tags    columns[texts] // without the name
	names   *texts
	users   *texts
	uses    *texts // of datasets, see appendUses
	seed    maphash.Seed
	change  int // counts calls of Put; see part.stale
	removed int // counts the runs removed
	retaken int // counts the rows of removed runs that were given to others
	bytes   int // held by columns
}

// New returns an index without runs.
func New() *Index {
	ix := &Index{rows: map[record.RunID]int{}, seed: maphash.MakeSeed()}
	ix.metrics.make = func(string) *numbers { return &numbers{ix: ix} }
	ix.params.make = ix.newTexts
	ix.tags.make = ix.newTexts
	ix.names, ix.users, ix.uses = ix.newTexts(""), ix.newTexts(""), ix.newTexts("")
	return ix
}

// Len is how many runs there are.
func (ix *Index) Len() int {
	ix.logs.Lock()
	defer ix.logs.Unlock()
	return len(ix.rows)
}

// Bytes estimates how much memory the index holds.
func (ix *Index) Bytes() int {
	const row, column = 48, 400 // an entry of the map of rows; a column with its key
	ix.mu.RLock()
	all := len(ix.metrics.byKey) + len(ix.params.byKey) + len(ix.tags.byKey)
	bytes := ix.bytes + row*len(ix.rows) + column*all
	ix.mu.RUnlock()
	ix.settleAfter()
	return bytes
}

// block is the rows from 1024 times its number on.
type block struct {
	used, gone, ended set
	ids               []record.RunID
	start, end        []int64 // milliseconds, UTC
	status            []uint8
	parts             []part // of columns that have a value in these rows
}

// place returns the block of a row and where in it the row stands.
func (ix *Index) place(row int) (*block, int) { return ix.blocks[row/blockRows], row % blockRows }

// takeRow returns a row that no run has.
func (ix *Index) takeRow() int {
	if n := len(ix.free); n > 0 {
		row := ix.free[n-1]
		ix.free = ix.free[:n-1]
		ix.retaken++
		return row
	}
	n := len(ix.blocks)
	if n == 0 || len(ix.blocks[n-1].ids) == blockRows {
		ix.blocks = append(ix.blocks, &block{})
		n++
	}
	b := ix.blocks[n-1]
	k := len(b.ids)
	b.ids = insert(b.ids, k, record.RunID{}, &ix.bytes)
	b.start = insert(b.start, k, 0, &ix.bytes)
	b.end = insert(b.end, k, 0, &ix.bytes)
	b.status = insert(b.status, k, 0, &ix.bytes)
	return (n-1)*blockRows + k
}
