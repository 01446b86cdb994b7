package search

import (
	"cmp"
	"math"
	"slices"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// predicate is a condition made ready for one search.
type predicate interface {
	// keep returns those of rows, which are in the block, that satisfy it.
	keep(h *here, rows set) set
	// cost is how much a row takes: terms of an And that cost little go first,
	// and leave fewer rows to the others.
	cost() int
}

const (
	cheap  = iota // compares numbers
	middle        // asks a table
	dear          // looks at texts
)

// compile makes a condition ready; nil is true of every row.
func (s *scan) compile(e filter.Expr) predicate {
	switch e := e.(type) {
	case *filter.And:
		terms := s.compileAll(e.Terms)
		slices.SortStableFunc(terms, func(a, b predicate) int { return cmp.Compare(a.cost(), b.cost()) })
		return and(terms)
	case *filter.Or:
		return or(s.compileAll(e.Terms))
	case *filter.Not:
		return not{s.compile(e.Term)}
	case *filter.Clause:
		return s.compileClause(e)
	}
	return and(nil)
}

func (s *scan) compileAll(terms []filter.Expr) []predicate {
	all := make([]predicate, len(terms))
	for i, e := range terms {
		all[i] = s.compile(e)
	}
	return all
}

func (s *scan) compileClause(c *filter.Clause) predicate {
	switch {
	case c.Entity == filter.Metric && (c.Numeric || nullTest(c)):
		if metric := s.ix.metrics.find(c.Key); metric != nil {
			return &numberClause{column: metric, numberTest: newNumberTest(c)}
		}
		return absent(c)
	case c.Entity == filter.Attribute && c.Numeric && c.Key == attrStart:
		return &timeClause{numberTest: newNumberTest(c)}
	case c.Entity == filter.Attribute && c.Numeric && c.Key == attrEnd:
		return &timeClause{end: true, numberTest: newNumberTest(c)}
	case c.Numeric:
	case c.Entity == filter.Dataset:
		return newTextClause(s.ix.uses, c)
	case c.Entity == filter.Attribute && c.Key == attrStatus:
		return newStatusClause(c)
	case c.Entity == filter.Attribute && c.Key == attrID && exact(c):
		return newIDClause(c)
	default:
		if column := s.ix.texts(c.Entity, c.Key); column != nil {
			return newTextClause(column, c)
		}
		if c.Entity != filter.Attribute {
			return absent(c)
		}
	}
	return rowClause{filter.NewMatcher(c)}
}

// absent is what a clause says when no run has its key.
func absent(c *filter.Clause) predicate {
	if c.Op == filter.IsNull {
		return and(nil) // true
	}
	return or(nil) // false
}

func nullTest(c *filter.Clause) bool { return c.Op == filter.IsNull || c.Op == filter.IsNotNull }

// exact reports whether the clause asks for given texts only, or for others.
func exact(c *filter.Clause) bool {
	switch c.Op {
	case filter.Equal, filter.NotEqual, filter.In, filter.NotIn:
		return true
	}
	return false
}

func negative(op filter.Op) bool { return op == filter.NotEqual || op == filter.NotIn }

// and is true when all terms are, so also without terms.
type and []predicate

func (terms and) keep(h *here, rows set) set {
	for _, t := range terms {
		if rows.empty() {
			break
		}
		rows = t.keep(h, rows)
	}
	return rows
}

func (terms and) cost() int { return dearest(terms) }

func dearest(terms []predicate) (most int) {
	for _, t := range terms {
		most = max(most, t.cost())
	}
	return most
}

// or is true when any term is, so never without terms.
type or []predicate

func (terms or) keep(h *here, rows set) (kept set) {
	for _, t := range terms {
		if rows.empty() {
			break
		}
		more := t.keep(h, rows)
		for w := range more {
			kept[w] |= more[w]
			rows[w] &^= more[w]
		}
	}
	return kept
}

func (terms or) cost() int { return dearest(terms) }

// not is true when its term is not.
type not struct{ term predicate }

func (p not) keep(h *here, rows set) set {
	kept := p.term.keep(h, rows)
	for w := range rows {
		rows[w] &^= kept[w]
	}
	return rows
}

func (p not) cost() int { return p.term.cost() }

// rowClause asks one row after another.
type rowClause struct{ *filter.Matcher }

func (p rowClause) keep(h *here, rows set) set {
	kept := rows
	rows.each(func(i int) {
		h.i = i
		if !p.Match(h) {
			kept.remove(i)
		}
	})
	return kept
}

func (rowClause) cost() int { return dear }

// idClause asks for runs by their ids.
type idClause struct {
	ids    map[record.RunID]struct{}
	others bool
}

func newIDClause(c *filter.Clause) *idClause {
	p := &idClause{ids: map[record.RunID]struct{}{}, others: negative(c.Op)}
	for _, text := range c.Texts {
		if id, err := record.ParseRunID(text); err == nil { // else no run has it
			p.ids[id] = struct{}{}
		}
	}
	return p
}

func (p *idClause) keep(h *here, rows set) set {
	kept := rows
	rows.each(func(i int) {
		if _, in := p.ids[h.block.ids[i]]; in == p.others {
			kept.remove(i)
		}
	})
	return kept
}

func (*idClause) cost() int { return middle }

// statusClause knows the answer for each status.
type statusClause [record.Killed + 1]bool

func newStatusClause(c *filter.Clause) *statusClause {
	p := &statusClause{}
	m := filter.NewMatcher(c)
	for status := range p {
		p[status] = m.Match(RunRow{Run: &record.Run{Status: record.Status(status)}})
	}
	return p
}

func (p *statusClause) keep(h *here, rows set) set {
	kept := rows
	rows.each(func(i int) {
		if !p[h.block.status[i]] {
			kept.remove(i)
		}
	})
	return kept
}

func (*statusClause) cost() int { return middle }

// numberTest is what a clause asks of a number. Most of it is asking for a
// range, or for what is outside.
type numberTest struct {
	op      filter.Op
	lo, hi  float64 // both included
	outside bool
	other   func(float64) bool // if it is no range
}

func newNumberTest(c *filter.Clause) numberTest {
	t := numberTest{op: c.Op, lo: math.Inf(1), hi: math.Inf(-1)} // of no number
	if nullTest(c) {
		return t
	}
	up, down := math.Inf(1), math.Inf(-1)
	v := c.Numbers[0]
	switch {
	case c.Op == filter.In || c.Op == filter.NotIn:
		t.other = c.NumberTest()
	case c.Op == filter.Equal || c.Op == filter.NotEqual:
		t.lo, t.hi, t.outside = v, v, c.Op == filter.NotEqual
	case c.Op == filter.LessEqual && v == v:
		t.lo, t.hi = down, v
	case c.Op == filter.GreaterEqual && v == v:
		t.lo, t.hi = v, up
	case c.Op == filter.Less && v > down:
		t.lo, t.hi = down, math.Nextafter(v, down)
	case c.Op == filter.Greater && v < up:
		t.lo, t.hi = math.Nextafter(v, up), up
	}
	return t
}

// word tests up to 64 values; bit k of the answer is that of the k-th.
func word[T int64 | float64](t *numberTest, values []T) (kept uint64) {
	if t.other != nil {
		for k, v := range values {
			kept |= bit(t.other(float64(v))) << k
		}
		return kept
	}
	lo, hi := t.lo, t.hi
	for k, v := range values {
		kept |= (bit(float64(v) >= lo) & bit(float64(v) <= hi)) << k
	}
	if t.outside {
		kept = ^kept
	}
	return kept
}

// numberClause asks for the values of a metric.
type numberClause struct {
	column *numbers
	numberTest
}

func (*numberClause) cost() int { return cheap }

func (p *numberClause) keep(h *here, rows set) set {
	part := p.column.of(h.n)
	switch {
	case p.op == filter.IsNull || p.op == filter.IsNotNull:
		return keepPresent(part.rows(), rows, p.op == filter.IsNotNull)
	case part == nil:
		return set{}
	}
	values := part.values
	for w, has := range part.has {
		n := count(has)
		if rows[w] &= has; rows[w] != 0 {
			rows[w] &= spread(word(&p.numberTest, values[:n]), has)
		}
		values = values[n:]
	}
	return rows
}

// timeClause asks for the start or the end.
type timeClause struct {
	end bool
	numberTest
}

func (*timeClause) cost() int { return cheap }

func (p *timeClause) keep(h *here, rows set) set {
	times := h.block.start
	if p.end {
		times = h.block.end
		for w := range rows {
			rows[w] &= h.block.ended[w]
		}
	}
	for w := range rows {
		if rows[w] != 0 {
			rows[w] &= word(&p.numberTest, times[w*64:min(w*64+64, len(times))])
		}
	}
	return rows
}
