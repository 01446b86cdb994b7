package search

import (
	"cmp"
	"slices"

	"modeldb/internal/filter"
)

// top keeps the best of the places that it is offered. It gathers twice as
// many as wanted before it throws the worse half away, so that a place costs
// a few comparisons, whatever order they come in.
type top struct {
	order []filter.Order
	limit int
	held  []candidate
	n     int       // how many of held are candidates
	full  bool      // whether bound is set
	bound candidate // the worst of the best so far: nothing behind it is wanted
}

type candidate struct {
	rank uint64
	Place
}

const fewHeld = 256

func (t *top) compare(a, b *candidate) int {
	if a.rank != b.rank {
		return cmp.Compare(a.rank, b.rank)
	}
	return Compare(t.order, &a.Place, &b.Place)
}

// next returns a candidate to fill and then, perhaps, to add.
func (t *top) next() *candidate {
	if t.n == len(t.held) {
		t.held = append(t.held, candidate{Place: Place{keys: make([]value, 0, len(t.order))}})
	}
	return &t.held[t.n]
}

// add takes the candidate that next returned, unless enough are better.
func (t *top) add() {
	if t.full && t.compare(&t.held[t.n], &t.bound) > 0 {
		return
	}
	if t.n++; t.n < 2*t.limit+fewHeld {
		return
	}
	t.cut()
}

// cut throws all but the best away.
func (t *top) cut() {
	if t.n <= t.limit {
		return
	}
	if t.limit == 0 {
		t.n = 0
		return
	}
	t.selectBest(t.limit - 1)
	t.n, t.full = t.limit, true
	last := &t.held[t.limit-1]
	t.bound.rank, t.bound.Start, t.bound.ID = last.rank, last.Start, last.ID
	t.bound.keys = append(t.bound.keys[:0], last.keys...)
}

// selectBest moves the k+1 best candidates to the front, the worst of them to
// the place k.
func (t *top) selectBest(k int) {
	held := t.held[:t.n]
	for lo, hi := 0, len(held)-1; lo < hi; {
		at := t.partition(held, lo, hi)
		switch {
		case at < k:
			lo = at + 1
		case at > k:
			hi = at - 1
		default:
			return
		}
	}
}

// partition moves what is better than a pivot before it, and returns where
// the pivot is then.
func (t *top) partition(held []candidate, lo, hi int) int {
	t.pivot(held, lo, hi)
	at := lo
	for i := lo; i < hi; i++ {
		if t.compare(&held[i], &held[hi]) < 0 {
			held[i], held[at] = held[at], held[i]
			at++
		}
	}
	held[at], held[hi] = held[hi], held[at]
	return at
}

// pivot moves the median of the first, the middle and the last to the end.
func (t *top) pivot(held []candidate, lo, hi int) {
	mid := lo + (hi-lo)/2
	if t.compare(&held[mid], &held[lo]) < 0 {
		held[mid], held[lo] = held[lo], held[mid]
	}
	if t.compare(&held[hi], &held[lo]) < 0 {
		held[hi], held[lo] = held[lo], held[hi]
	}
	if t.compare(&held[mid], &held[hi]) < 0 {
		held[mid], held[hi] = held[hi], held[mid]
	}
}

// sorted returns the best places, in order, with texts of their own.
func (t *top) sorted() []Place {
	t.cut()
	best := t.held[:t.n]
	slices.SortFunc(best, func(a, b candidate) int { return t.compare(&a, &b) })
	places := make([]Place, len(best))
	for i := range best {
		places[i] = best[i].Place
		places[i].copyTexts()
	}
	return places
}
