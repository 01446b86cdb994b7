package store

import (
	"context"
	"slices"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/search"
)

// View says which records a search gives.
type View = search.View

// The views.
const (
	Live    = search.Live
	Deleted = search.Deleted
	All     = search.All
)

// RunSearch asks for runs of models. Models that are not there have none.
type RunSearch struct {
	Models  []int64
	Project *int64 // only models of this project; nil: any
	View    View
	Filter  filter.Expr
	Order   []filter.Order
	Limit   int
	Token   string // of the page before; empty: the first page
}

// RunPage is a page of runs.
type RunPage struct {
	Runs   []*record.Run          // whole, in the order that was asked for
	Models map[int64]record.Model // those that the runs belong to, by key
	Next   string                 // token of the next page; empty on the last one
}

// SearchRuns returns a page of runs. Pages stay right while runs are added: no
// run comes twice, and none that was there from the first page on and was not
// changed is left out. Invalid (field page_token): the token is not of this
// search.
func (s *Store) SearchRuns(ctx context.Context, q RunSearch) (page RunPage, err error) {
	after, err := q.after()
	if err != nil {
		return page, err
	}
	// A search computes all the while: so many at once leave a processor to
	// those who write.
	select {
	case s.searching <- struct{}{}:
		defer func() { <-s.searching }()
	case <-ctx.Done():
		return page, ctx.Err()
	}
	models := map[int64]record.Model{}
	var rows []search.Place
	more := false
	for _, key := range uniq(q.Models) {
		m, err := s.modelOf(ctx, key)
		if record.KindOf(err) == record.NotFound || err == nil && q.Project != nil && m.Project != *q.Project {
			continue
		}
		if err != nil {
			return page, err
		}
		models[key] = m
		of, err := s.searchModel(ctx, m, q, after)
		if err != nil {
			return page, err
		}
		more = more || of.More
		rows = append(rows, of.Rows...)
	}
	slices.SortFunc(rows, func(a, b search.Place) int { return search.Compare(q.Order, &a, &b) })
	if len(rows) > q.Limit {
		rows, more = rows[:q.Limit], true
	}
	if more && len(rows) > 0 {
		if page.Next, err = q.token(&rows[len(rows)-1]); err != nil {
			return page, err
		}
	}
	page.Models = models
	page.Runs, err = s.runsAt(ctx, rows)
	return page, err
}

func uniq(keys []int64) []int64 {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// searchModel finds a page among one model's runs. Runs of a deleted model are
// deleted, whatever their own rows say.
func (s *Store) searchModel(ctx context.Context, m record.Model, q RunSearch, after *search.Place) (search.Page, error) {
	view := q.View
	if m.Gone {
		if view == Live {
			return search.Page{}, nil
		}
		view = All
	}
	query := search.Query{
		Filter: q.Filter, Order: q.Order, View: view, Limit: q.Limit, After: after,
		Artifacts: func(id record.RunID) string { return record.RunArtifacts(m, id) },
	}
	return s.indexes.page(ctx, s, m.Key, query)
}

// runsAt reads runs whole, in one state of the database. A run that was purged
// meanwhile is left out.
func (s *Store) runsAt(ctx context.Context, rows []search.Place) ([]*record.Run, error) {
	at := make(map[record.RunID]int, len(rows))
	for i, r := range rows {
		at[r.ID] = i
	}
	runs := make([]*record.Run, len(rows))
	err := s.snapshot(ctx, func(from reader) error {
		var tailed []record.RunID
		for part := range slices.Chunk(rows, runsByKey) {
			args := padded(part, runsByKey, func(row search.Place) any { return row.ID.Key() })
			err := from.query(runsByKeySQL, args, func(r row) error {
				found := scanRun(r)
				i, there := at[found.ID]
				if !there {
					return nil
				}
				if found.tail != 0 {
					tailed = append(tailed, found.ID)
					return nil
				}
				runs[i] = &found.Run
				return unpack(found.lists, &found.Run)
			})
			if err != nil {
				return err
			}
		}
		for _, id := range tailed {
			state, err := readState(from, id, whole)
			if err != nil {
				return err
			}
			runs[at[id]] = &state.Run
		}
		return nil
	})
	return slices.DeleteFunc(runs, func(r *record.Run) bool { return r == nil }), err
}

// runsByKey is how many runs one statement reads.
const runsByKey = 50

var runsByKeySQL = `
	select ` + runColumns + `
	from run r
	where r.key in (` + placeholders(1, runsByKey) + `)`

// text is what must be the same from page to page.
func (q *RunSearch) text() string {
	return queryText("runs", q.Project, q.Models, q.View, q.Filter, q.Order, nil)
}

func (q *RunSearch) token(last *search.Place) (string, error) {
	place, err := last.MarshalBinary()
	return makeToken(q.text(), place), err
}

// after is the place after which the page begins, nil for the first page.
func (q *RunSearch) after() (*search.Place, error) {
	if q.Token == "" {
		return nil, nil
	}
	b, err := readToken(q.text(), q.Token)
	if err != nil {
		return nil, err
	}
	place := new(search.Place)
	if place.UnmarshalBinary(b) != nil {
		return nil, badPlace(q.Token)
	}
	return place, nil
}

// has reports whether a view gives what is, or is not, deleted.
func has(v View, deleted bool) bool { return v == All || (v == Deleted) == deleted }
