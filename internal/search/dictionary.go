package search

import (
	"hash/maphash"
	"strings"
)

// dictionary numbers the texts of a column. A text that no row has any more
// is forgotten, and its code may be given to another one. Texts are appended
// to large pieces of memory without pointers, so that millions of them cost
// the garbage collector nothing.
type dictionary struct {
	seed    maphash.Seed
	held    *int     // bytes, shared by all dictionaries of an index
	entries []entry  // by code
	free    []uint32 // codes without a text
	table   []uint32 // 1 + code by hash, open addressing; 0: empty
	chunks  []*strings.Builder
	live    int    // bytes of texts that rows have
	dead    int    // bytes of texts in chunks that none has
	last    uint32 // the code given last
	reused  int    // counts the codes that got another text
}

type entry struct {
	chunk, offset, size uint32
	hash                uint32
	uses                uint32 // by rows; 0: the code is free
}

const (
	entryBytes   = 20
	minChunk     = 64
	maxChunk     = 64 << 10
	fewDeadBytes = 256 << 10 // not worth a compaction
)

// text returns the text of a code. It is never overwritten.
func (d *dictionary) text(code uint32) string {
	e := &d.entries[code]
	return d.chunks[e.chunk].String()[e.offset : e.offset+e.size]
}

// codes is one more than the largest code.
func (d *dictionary) codes() int { return len(d.entries) }

// find returns the code of a text.
func (d *dictionary) find(text string) (uint32, bool) {
	if len(d.table) == 0 {
		return 0, false
	}
	slot := d.slot(d.hash(text), text)
	return d.table[slot] - 1, d.table[slot] != 0
}

func (d *dictionary) hash(text string) uint32 { return uint32(maphash.String(d.seed, text)) }

// slot returns where the table has a text, or else where it would have it.
func (d *dictionary) slot(hash uint32, text string) int {
	mask := len(d.table) - 1
	slot := int(hash) & mask
	for d.table[slot] != 0 {
		code := d.table[slot] - 1
		if d.entries[code].hash == hash && d.text(code) == text {
			break
		}
		slot = (slot + 1) & mask
	}
	return slot
}

// intern returns the code of a text, which one more row has now.
func (d *dictionary) intern(text string) uint32 {
	if int(d.last) < len(d.entries) && d.entries[d.last].uses > 0 && d.text(d.last) == text {
		d.entries[d.last].uses++
		return d.last
	}
	if used := len(d.entries) - len(d.free); 2*(used+1) > len(d.table) {
		d.grow()
	}
	hash := d.hash(text)
	slot := d.slot(hash, text)
	if d.table[slot] == 0 {
		d.table[slot] = d.add(hash, text) + 1
	}
	d.last = d.table[slot] - 1
	d.entries[d.last].uses++
	return d.last
}

// add gives a text a code.
func (d *dictionary) add(hash uint32, text string) (code uint32) {
	if n := len(d.free); n > 0 {
		code = d.free[n-1]
		d.free = d.free[:n-1]
		d.reused++
	} else {
		code = uint32(len(d.entries))
		d.entries = append(d.entries, entry{})
		*d.held += entryBytes
	}
	e := entry{size: uint32(len(text)), hash: hash}
	e.chunk, e.offset = d.store(text)
	d.entries[code] = e
	d.live += len(text)
	return code
}

// store appends a text to the last chunk, or to a new one if it has no room.
// Chunks grow with the column: many columns have few texts.
func (d *dictionary) store(text string) (chunk, offset uint32) {
	n := len(d.chunks)
	if n == 0 || d.chunks[n-1].Cap()-d.chunks[n-1].Len() < len(text) {
		c := &strings.Builder{}
		c.Grow(max(len(text), min(max(d.live, minChunk), maxChunk)))
		d.chunks = append(d.chunks, c)
		*d.held += c.Cap()
		n++
	}
	c := d.chunks[n-1]
	offset = uint32(c.Len())
	c.WriteString(text)
	return uint32(n - 1), offset
}

// release says that one row less has a code's text.
func (d *dictionary) release(code uint32) {
	e := &d.entries[code]
	if e.uses--; e.uses > 0 {
		return
	}
	d.unlink(code)
	d.free = append(d.free, code)
	d.live -= int(e.size)
	if d.dead += int(e.size); d.dead > fewDeadBytes && d.dead > d.live {
		d.compact()
	}
}

// unlink takes a code out of the table, and moves those behind it up, so that
// none stands behind a gap.
func (d *dictionary) unlink(code uint32) {
	mask := len(d.table) - 1
	gap := int(d.entries[code].hash) & mask
	for d.table[gap] != code+1 {
		gap = (gap + 1) & mask
	}
	for next := (gap + 1) & mask; d.table[next] != 0; next = (next + 1) & mask {
		home := int(d.entries[d.table[next]-1].hash) & mask
		if (next-home)&mask >= (next-gap)&mask {
			d.table[gap], gap = d.table[next], next
		}
	}
	d.table[gap] = 0
}

// grow doubles the table.
func (d *dictionary) grow() {
	*d.held += 4 * len(d.table)
	if d.table == nil {
		*d.held += 4 * 4
	}
	d.table = make([]uint32, max(4, 2*len(d.table)))
	mask := len(d.table) - 1
	for code := range d.entries {
		if d.entries[code].uses == 0 {
			continue
		}
		slot := int(d.entries[code].hash) & mask
		for d.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		d.table[slot] = uint32(code) + 1
	}
}

// compact writes the texts that rows have into new chunks. It is called once
// for as many bytes of texts as it copies.
func (d *dictionary) compact() {
	old := *d
	d.chunks, d.dead = nil, 0
	for _, c := range old.chunks {
		*d.held -= c.Cap()
	}
	for code := range d.entries {
		if e := &d.entries[code]; e.uses > 0 {
			e.chunk, e.offset = d.store(old.chunks[e.chunk].String()[e.offset : e.offset+e.size])
		}
	}
}
