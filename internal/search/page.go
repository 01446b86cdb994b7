package search

import (
	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// View says which runs a search looks at.
type View uint8

// The views. A run is deleted if it, its model or its project is.
const (
	Live View = iota
	Deleted
	All
)

// Query asks for a page of runs.
type Query struct {
	Filter filter.Expr    // nil: every run
	Order  []filter.Order // before the newest start and the id, which decide ties
	View   View
	Limit  int    // of rows; 0: only count
	After  *Place // the last row of the page before, of the same order; nil: the first page

	// Artifacts returns the address of a run's files, for conditions and
	// orders by artifact_uri; nil: no run has one. It may not use the index.
	Artifacts func(record.RunID) string
}

// Page is a part of what a query finds.
type Page struct {
	Rows    []Place // in order
	More    bool    // whether rows come after these
	Matches int     // runs that satisfy the condition, on all pages
}

// Page answers a query.
func (ix *Index) Page(q Query) Page {
	ix.settleBefore()
	defer ix.settleAfter()
	if page, ok := ix.page(&q, false); ok {
		return page
	}
	page, _ := ix.page(&q, true)
	return page
}

// page answers a query, with the lock held for one block after another, or
// held throughout. It is not ok if rows of removed runs were taken meanwhile:
// a run that was removed and put again may then be on the page twice.
func (ix *Index) page(q *Query, hold bool) (Page, bool) {
	s, ok := ix.scan(q, hold)
	if !ok {
		return Page{}, false
	}
	rows := s.best.sorted()
	return Page{Rows: rows, More: s.after > len(rows), Matches: s.matches}, true
}

func (ix *Index) scan(q *Query, hold bool) (*scan, bool) {
	ix.mu.RLock()
	defer ix.mu.RUnlock()
	removed, retaken := ix.removed, ix.retaken
	s := newScan(ix, q)
	// New runs stand last, and come first where nothing else is asked for:
	// from the end, the best rows are found early, and the others passed over.
	for n := len(ix.blocks) - 1; n >= 0; n-- {
		s.block(n)
		if !hold && n > 0 {
			ix.mu.RUnlock()
			ix.mu.RLock()
			if ix.removed != removed && ix.retaken != retaken {
				return nil, false
			}
		}
	}
	return s, true
}

// scan is the state of one search.
type scan struct {
	ix      *Index
	query   *Query
	filter  predicate
	order   []sortKey
	best    top
	from    uint64 // rank of query.After
	matches int
	after   int // of them, those after query.After
	ranks   [blockRows]uint64
}

func newScan(ix *Index, q *Query) *scan {
	s := &scan{ix: ix, query: q, best: top{order: q.Order, limit: max(q.Limit, 0)}}
	s.filter = s.compile(q.Filter)
	s.order = s.sortKeys(q.Order)
	if q.After != nil {
		s.from = q.After.rank(q.Order)
	}
	return s
}

// block looks at the rows of the block n.
func (s *scan) block(n int) {
	h := here{scan: s, block: s.ix.blocks[n], n: n}
	rows := h.block.used
	for w := range rows {
		switch s.query.View {
		case Live:
			rows[w] &^= h.block.gone[w]
		case Deleted:
			rows[w] &= h.block.gone[w]
		}
	}
	if s.filter != nil && !rows.empty() {
		rows = s.filter.keep(&h, rows)
	}
	if rows.empty() {
		return
	}
	s.matches += rows.count()
	if s.query.Limit <= 0 && s.query.After == nil {
		s.after = s.matches
		return
	}
	s.rank(&h, &rows)
	rows.each(func(i int) {
		h.i = i
		s.row(&h)
	})
}

// row offers a row to the best ones, if it is after the place to begin at.
func (s *scan) row(h *here) {
	rank := s.ranks[h.i]
	if rank < s.from {
		return
	}
	if s.best.full && rank > s.best.bound.rank && rank > s.from {
		s.after++
		return
	}
	c := s.best.next()
	c.rank = rank
	s.fill(h, &c.Place)
	if s.query.After != nil && Compare(s.query.Order, &c.Place, s.query.After) <= 0 {
		return
	}
	s.after++
	s.best.add()
}

// fill makes p the place of a row.
func (s *scan) fill(h *here, p *Place) {
	p.Start, p.ID = h.block.start[h.i], h.block.ids[h.i]
	p.keys = p.keys[:0]
	for i := range s.order {
		p.keys = append(p.keys, s.order[i].value(h))
	}
}
