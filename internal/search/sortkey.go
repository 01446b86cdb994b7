package search

import (
	"encoding/binary"
	"math/bits"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// sortKey is a key of an order made ready for one search.
type sortKey struct {
	filter.Order
	numbers *numbers
	texts   *texts
}

func (s *scan) sortKeys(order []filter.Order) []sortKey {
	keys := make([]sortKey, len(order))
	for i, o := range order {
		keys[i].Order = o
		if o.Entity == filter.Metric {
			keys[i].numbers = s.ix.metrics.find(o.Key)
		} else {
			keys[i].texts = s.ix.texts(o.Entity, o.Key)
		}
	}
	return keys
}

func (k *sortKey) is(attribute string) bool {
	return k.Entity == filter.Attribute && k.Key == attribute
}

// value is that of a row. Its text is memory of the index.
func (k *sortKey) value(h *here) value {
	switch {
	case k.numbers != nil:
		if p := k.numbers.of(h.n); p != nil && p.has.has(h.i) {
			return numberValue(p.values[p.has.below(h.i)])
		}
		return value{kind: missing}
	case k.texts != nil:
		if text, there := k.texts.at(h.n, h.i); there {
			return textValue(text)
		}
		return value{kind: missing}
	}
	return valueOf(&k.Order, h)
}

// rank sets s.ranks for rows of a block, by the first key of the order.
func (s *scan) rank(h *here, rows *set) {
	if len(s.order) == 0 {
		rows.each(func(i int) { s.ranks[i] = startRank(h.block.start[i]) })
		return
	}
	first := &s.order[0]
	switch {
	case first.numbers != nil:
		s.rankNumbers(first.numbers.of(h.n), rows, first.Desc)
	case first.texts != nil:
		s.rankTexts(first.texts, h.n, rows, first.Desc)
	case first.is(attrID):
		rows.each(func(i int) { s.ranks[i] = idRank(&h.block.ids[i], first.Desc) })
	case first.is(attrStart):
		rows.each(func(i int) { s.ranks[i] = numberRank(float64(h.block.start[i]), first.Desc) })
	default:
		rows.each(func(i int) {
			h.i = i
			v := first.value(h)
			s.ranks[i] = v.rank(first.Desc)
		})
	}
}

func (s *scan) rankNumbers(p *numberPart, rows *set, desc bool) {
	s.rankPresent(p.rows(), rows, func(k int) uint64 { return numberRank(p.values[k], desc) })
}

func (s *scan) rankTexts(c *texts, n int, rows *set, desc bool) {
	p := c.of(n)
	s.rankPresent(p.rows(), rows, func(k int) uint64 {
		v := textValue(c.text(p.codes[k]))
		return v.rank(desc)
	})
}

// rankPresent sets the ranks of rows that have a value to that of the k-th
// value, where the row is the k-th one that has.
func (s *scan) rankPresent(has set, rows *set, rank func(k int) uint64) {
	before := 0 // values of the words before
	for w, word := range rows {
		for ; word != 0; word &= word - 1 {
			i, low := w*64+bits.TrailingZeros64(word), word&-word
			if has[w]&low == 0 {
				s.ranks[i] = missingRank
			} else {
				s.ranks[i] = rank(before + count(has[w]&(low-1)))
			}
		}
		before += count(has[w])
	}
}

// idRank is the rank of an id's text.
func idRank(id *record.RunID, desc bool) uint64 {
	const hex = "0123456789abcdef"
	var begin [8]byte
	for i := range begin {
		begin[i] = hex[id[i/2]>>(4*(1-i%2))&0xf]
	}
	r := binary.BigEndian.Uint64(begin[:])
	if desc {
		return ^r
	}
	return r
}
