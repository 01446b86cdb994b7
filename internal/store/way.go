package store

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// way is where a search goes along rows in an order that SQL gives: from any place
// on, in batches, so that no search holds more than a page and a batch.
type way struct {
	from string   // the statement up to the last condition
	args []any    // of it
	keys []wayKey // the order, without what is the same in all rows of this way; together they are unique
}

// wayKey is one key of the order of a way.
type wayKey struct {
	column string
	desc   bool
	text   bool // else a number
}

// Batches of a search, in rows. They grow, as few rows match when one is not enough.
const (
	firstBatch = 100
	maxBatch   = 2000
)

// statement is the statement for the rows after a place, or from the first one
// where there is none. The last argument is how many.
func (w *way) statement(after bool) string {
	var b strings.Builder
	b.WriteString(w.from)
	if after {
		first := len(w.args) + 1
		// The bound on the first key alone is what an index can use.
		fmt.Fprintf(&b, "\n\t  and %s %s= $%d", w.keys[0].column, w.keys[0].beyond(), first)
		b.WriteString("\n\t  and ")
		for i, k := range w.keys {
			fmt.Fprintf(&b, "(%s %s $%d", k.column, k.beyond(), first+i)
			if i < len(w.keys)-1 {
				fmt.Fprintf(&b, " or %s = $%d and ", k.column, first+i)
			}
		}
		b.WriteString(strings.Repeat(")", len(w.keys)))
	}
	for i, k := range w.keys {
		b.WriteString([...]string{",", "\n\torder by"}[b2i(i == 0)])
		fmt.Fprintf(&b, " %s", k.column)
		if k.desc {
			b.WriteString(" desc")
		}
	}
	last := len(w.args) + 1
	if after {
		last += len(w.keys)
	}
	fmt.Fprintf(&b, "\n\tlimit $%d", last)
	return b.String()
}

func (k wayKey) beyond() string {
	if k.desc {
		return "<"
	}
	return ">"
}

// seen says what a search does with the rows of its ways.
type seen[T any] struct {
	scan  func(row) T
	place func(*T, []wayKey) []any // in an order
	fill  func([]T) error
	match func(*T) bool
}

// along reads rows in the order of a way, after a place unless that is nil, and
// returns the first ones that match, at most so many.
func (s *seen[T]) along(from reader, w way, after []any, limit int) (page []T, err error) {
	first, rest := w.statement(false), w.statement(true)
	for size := min(max(firstBatch, limit), maxBatch); ; size = min(2*size, maxBatch) {
		sql, args := first, slices.Clone(w.args)
		if after != nil {
			sql, args = rest, append(args, after...)
		}
		batch, err := list(from, s.scan, sql, append(args, int64(size))...)
		if err != nil {
			return nil, err
		}
		if err := s.fill(batch); err != nil {
			return nil, err
		}
		for i := range batch {
			if s.match(&batch[i]) {
				page = append(page, batch[i])
			}
			if len(page) == limit {
				return page, nil
			}
		}
		if len(batch) < size {
			return page, nil
		}
		after = s.place(&batch[len(batch)-1], w.keys)
	}
}

// page is the page of a search that goes several ways in an order, after a
// place in it, and the place of its last row if there is a next page, else nil.
func (s *seen[T]) page(from reader, ways []way, keys []wayKey, after []any, limit int) (page []T, last []any, err error) {
	for _, w := range ways {
		some, err := s.along(from, w, w.placeOf(keys, after), limit+1)
		if err != nil {
			return nil, nil, err
		}
		page = append(page, some...)
	}
	if len(ways) > 1 {
		slices.SortFunc(page, func(a, b T) int { return comparePlaces(keys, s.place(&a, keys), s.place(&b, keys)) })
	}
	if len(page) > limit {
		page = page[:limit]
		last = s.place(&page[limit-1], keys)
	}
	return page, last, nil
}

// placeOf is a place in an order as one in the way's own, which has fewer keys.
func (w *way) placeOf(keys []wayKey, place []any) (own []any) {
	for i := range place {
		if slices.Contains(w.keys, keys[i]) {
			own = append(own, place[i])
		}
	}
	return own
}

func comparePlaces(keys []wayKey, a, b []any) int {
	for i, k := range keys {
		var c int
		if k.text {
			c = strings.Compare(a[i].(string), b[i].(string))
		} else {
			c = cmp.Compare(a[i].(int64), b[i].(int64))
		}
		switch {
		case c != 0 && k.desc:
			return -c
		case c != 0:
			return c
		}
	}
	return 0
}

// placeToken makes the page token of a search and the place of the page's last
// row; it is empty where there is no such place, as no page follows.
func placeToken(query string, place []any) string {
	if place == nil {
		return ""
	}
	var packed []byte
	for _, v := range place {
		switch v := v.(type) {
		case int64:
			packed = binary.AppendVarint(packed, v)
		case string:
			packed = appendTextTo(packed, v)
		}
	}
	return makeToken(query, packed)
}

// readPlace reads the place in a page token of a search in an order, nil when
// there is no token.
func readPlace(query, token string, keys []wayKey) (place []any, err error) {
	if token == "" {
		return nil, nil
	}
	packed, err := readToken(query, token)
	if err != nil {
		return nil, err
	}
	s := unpacker{rest: string(packed)}
	for _, k := range keys {
		if k.text {
			place = append(place, s.text())
		} else {
			place = append(place, s.varint())
		}
	}
	if s.bad || s.rest != "" {
		return nil, badPlace(token)
	}
	for _, v := range place {
		if text, is := v.(string); is && !canBeRegistered(text) {
			return nil, badPlace(token)
		}
	}
	return place, nil
}
