package search

import (
	"slices"
	"strings"
	"unsafe"

	"modeldb/internal/record"
)

// part is what a column has of one block.
type part interface {
	// stale reports whether the change has not set the column.
	stale(change int) bool
	// remove takes the value of the block's i-th row away, if it has one.
	remove(i int)
}

// columns are those of one entity, by key.
type columns[C any] struct {
	byKey map[string]*named[C]
	last  []*named[C] // those of the run that was put last, in its order
	make  func(key string) *C
}

type named[C any] struct {
	key    string
	column *C
}

// at returns the column of the i-th key of a run. Runs of a model mostly have
// the same keys, in the same order: then nothing is looked up.
func (cs *columns[C]) at(i int, key string) *C {
	if i < len(cs.last) && cs.last[i].key == key {
		return cs.last[i].column
	}
	c := cs.named(key)
	if i < len(cs.last) {
		cs.last[i] = c
	} else {
		cs.last = append(cs.last, c)
	}
	return c.column
}

// named returns the column of a key, and makes it if there is none.
func (cs *columns[C]) named(key string) *named[C] {
	c := cs.byKey[key]
	if c == nil {
		key = strings.Clone(key)
		c = &named[C]{key, cs.make(key)}
		if cs.byKey == nil {
			cs.byKey = map[string]*named[C]{}
		}
		cs.byKey[key] = c
	}
	return c
}

// find returns the column of a key, or nil.
func (cs *columns[C]) find(key string) *C {
	if c := cs.byKey[key]; c != nil {
		return c.column
	}
	return nil
}

// parts are those of one column, by block.
type parts[P any] struct {
	first int // the block of the first one
	all   []*P
}

// of returns the part of the block n, or nil.
func (ps *parts[P]) of(n int) *P {
	if n -= ps.first; uint(n) < uint(len(ps.all)) {
		return ps.all[n]
	}
	return nil
}

// put makes p the part of the block n.
func (ps *parts[P]) put(n int, p *P) {
	switch {
	case len(ps.all) == 0:
		ps.first = n
	case n < ps.first:
		ps.all = slices.Insert(ps.all, 0, make([]*P, ps.first-n)...)
		ps.first = n
	}
	for ps.first+len(ps.all) <= n {
		ps.all = append(ps.all, nil)
	}
	ps.all[n-ps.first] = p
}

// insert puts a value at the place k of what a block holds. The room doubles,
// and a full block has none to spare; held counts the bytes.
func insert[T any](values []T, k int, v T, held *int) []T {
	if len(values) == cap(values) {
		wider := make([]T, len(values), min(max(2*len(values), 4), blockRows))
		copy(wider, values)
		*held += (cap(wider) - len(values)) * int(unsafe.Sizeof(v))
		values = wider
	}
	values = values[:len(values)+1]
	copy(values[k+1:], values[k:])
	values[k] = v
	return values
}

// partBytes is what a part costs besides its values, about.
const partBytes = 250

// numbers is the column of a metric.
type numbers struct {
	ix     *Index
	change int // the last one that set it
	parts[numberPart]
}

// numberPart has its values in the order of rows, without gaps.
type numberPart struct {
	column *numbers
	has    set
	values []float64
	whens  []when
}

// when says of a value at which step and time it was logged.
type when struct{ step, time int64 }

func (p *numberPart) stale(change int) bool { return p.column.change != change }

// rows are those that have a value; a part that is nil has none.
func (p *numberPart) rows() set {
	if p == nil {
		return set{}
	}
	return p.has
}

// point is the k-th value.
func (p *numberPart) point(k int) record.Point {
	return record.Point{Step: p.whens[k].step, Time: p.whens[k].time, Value: p.values[k]}
}

// set gives a row a value. With later, an earlier one than it has is ignored.
func (c *numbers) set(row int, v record.Point, later bool) {
	n, i := row/blockRows, row%blockRows
	c.change = c.ix.change
	p := c.of(n)
	if p == nil {
		p = &numberPart{column: c}
		c.put(n, p)
		c.ix.blocks[n].parts = append(c.ix.blocks[n].parts, p)
		c.ix.bytes += partBytes
	}
	k := p.has.below(i)
	switch {
	case !p.has.has(i):
		p.has.add(i)
		p.values = insert(p.values, k, v.Value, &c.ix.bytes)
		p.whens = insert(p.whens, k, when{v.Step, v.Time}, &c.ix.bytes)
	case !later || v.After(p.point(k)):
		p.values[k], p.whens[k] = v.Value, when{v.Step, v.Time}
	}
}

func (p *numberPart) remove(i int) {
	if !p.has.has(i) {
		return
	}
	k := p.has.below(i)
	p.has.remove(i)
	p.values = slices.Delete(p.values, k, k+1)
	p.whens = slices.Delete(p.whens, k, k+1)
}

// texts is the column of a parameter, a tag or a text attribute.
type texts struct {
	ix     *Index
	change int // the last one that set it
	dictionary
	parts[textPart]
}

// textPart has its codes in the order of rows, without gaps.
type textPart struct {
	column *texts
	has    set
	codes  []uint32
}

func (ix *Index) newTexts(string) *texts {
	return &texts{ix: ix, dictionary: dictionary{seed: ix.seed, held: &ix.bytes}}
}

func (p *textPart) stale(change int) bool { return p.column.change != change }

// rows are those that have a text; a part that is nil has none.
func (p *textPart) rows() set {
	if p == nil {
		return set{}
	}
	return p.has
}

// set gives a row a text, which it keeps a copy of.
func (c *texts) set(row int, text string) {
	n, i := row/blockRows, row%blockRows
	c.change = c.ix.change
	p := c.of(n)
	if p == nil {
		p = &textPart{column: c}
		c.put(n, p)
		c.ix.blocks[n].parts = append(c.ix.blocks[n].parts, p)
		c.ix.bytes += partBytes
	}
	k := p.has.below(i)
	if !p.has.has(i) {
		p.has.add(i)
		p.codes = insert(p.codes, k, c.intern(text), &c.ix.bytes)
		return
	}
	// The new text is interned first: if it is the old one, it stays.
	old := p.codes[k]
	p.codes[k] = c.intern(text)
	c.release(old)
}

func (p *textPart) remove(i int) {
	if !p.has.has(i) {
		return
	}
	k := p.has.below(i)
	p.column.release(p.codes[k])
	p.has.remove(i)
	p.codes = slices.Delete(p.codes, k, k+1)
}

// at returns the text of a block's row. It stays readable when the lock is
// given back, but keeps more memory alive than its own.
func (c *texts) at(n, i int) (string, bool) {
	p := c.of(n)
	if p == nil || !p.has.has(i) {
		return "", false
	}
	return c.text(p.codes[p.has.below(i)]), true
}
