package search

import (
	"modeldb/internal/filter"
)

// textClause asks for the texts of a column. What it learns of a text it keeps
// by the text's code.
type textClause struct {
	column *texts
	op     filter.Op
	test   func(string) bool // of a text of the column

	equal  string // the only text that is asked for, or not asked for
	code   uint32 // of equal
	known  bool   // whether code is set
	learnt []answer
	reused int // the column's count when something was learnt
}

// answer is what a clause says of a text.
type answer uint8

const (
	unasked answer = iota
	no
	yes
)

func newTextClause(column *texts, c *filter.Clause) *textClause {
	p := &textClause{column: column, op: c.Op, reused: column.reused}
	switch {
	case nullTest(c):
	case c.Entity == filter.Dataset:
		test := c.TextTest()
		p.op = filter.In // for which each text of the column is tested
		p.test = func(uses string) (found bool) {
			eachUse(uses, c.Key, func(text string) bool {
				found = test(text)
				return !found
			})
			return found
		}
	case c.Op == filter.Equal || c.Op == filter.NotEqual:
		p.equal = c.Texts[0]
	default:
		p.test = c.TextTest()
	}
	return p
}

func (p *textClause) cost() int {
	if p.test == nil {
		return cheap
	}
	return dear
}

func (p *textClause) keep(h *here, rows set) set {
	part := p.column.of(h.n)
	switch {
	case p.op == filter.IsNull || p.op == filter.IsNotNull:
		return keepPresent(part.rows(), rows, p.op == filter.IsNotNull)
	case part == nil:
		return set{}
	}
	p.refresh()
	if p.test == nil {
		return p.keepEqual(part, rows)
	}
	return p.keepTested(part, rows)
}

// refresh forgets what was learnt of codes that may have other texts now.
func (p *textClause) refresh() {
	if p.reused != p.column.reused {
		p.reused, p.known = p.column.reused, false
		clear(p.learnt)
	}
	if p.test == nil && !p.known {
		p.code, p.known = p.column.find(p.equal)
	}
	if p.test != nil && len(p.learnt) < p.column.codes() {
		p.learnt = append(p.learnt, make([]answer, p.column.codes()-len(p.learnt))...)
	}
}

func (p *textClause) keepEqual(part *textPart, rows set) set {
	codes := part.codes
	code, known := p.code, bit(p.known)
	for w, has := range part.has {
		n := count(has)
		if rows[w] &= has; rows[w] != 0 {
			var kept uint64
			for k, c := range codes[:n] {
				kept |= (bit(c == code) & known) << k
			}
			if p.op == filter.NotEqual {
				kept = ^kept
			}
			rows[w] &= spread(kept, has)
		}
		codes = codes[n:]
	}
	return rows
}

// keepTested looks at the texts of those rows only that are asked for: a text
// costs more than a row.
func (p *textClause) keepTested(part *textPart, rows set) set {
	codes := part.codes
	for w, has := range part.has {
		rows[w] &= has
		for left := rows[w]; left != 0; left &= left - 1 {
			low := left & -left
			if !p.ask(codes[count(has&(low-1))]) {
				rows[w] &^= low
			}
		}
		codes = codes[count(has):]
	}
	return rows
}

func (p *textClause) ask(code uint32) bool {
	if p.learnt[code] == unasked {
		p.learnt[code] = no
		if p.test(p.column.text(code)) {
			p.learnt[code] = yes
		}
	}
	return p.learnt[code] == yes
}
