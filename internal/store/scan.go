package store

import (
	"context"
	"slices"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/search"
)

// scanned is how many rows a scan keeps, besides those of a page, before it
// drops all but the first.
const scanned = 1000

// scanRunsSQL has one place for the engine's condition on model and key.
const scanRunsSQL = `
	select ` + runColumns + `
	from run r
	where %s
	limit 500`

// scanRuns answers a query by reading all runs of a model, for models whose
// index would take too much memory. It holds only what the page may need.
func (s *Store) scanRuns(ctx context.Context, model int64, q search.Query) (search.Page, error) {
	var page search.Page
	matcher := filter.NewMatcher(q.Filter)
	after := int64(-1)
	add := func(r *record.Run) {
		after = r.Key()
		if !has(q.View, r.Deleted != 0) {
			return
		}
		row := search.RunRow{Run: r, Artifacts: q.Artifacts(r.ID)}
		if !matcher.Match(row) {
			return
		}
		page.Matches++
		place := search.PlaceOf(q.Order, row, r.Start, r.ID)
		if q.After != nil && search.Compare(q.Order, &place, q.After) <= 0 {
			return
		}
		page.Rows = append(page.Rows, place)
	}
	for {
		n := 0
		var tailed []record.RunID
		err := s.query(ctx, s.scanRunsSQL, []any{model, after}, func(from row) error {
			r := scanRun(from)
			n++
			if r.tail != 0 {
				tailed = append(tailed, r.ID)
				after = r.Key()
				return nil
			}
			if err := unpack(r.lists, &r.Run); err != nil {
				return err
			}
			add(&r.Run)
			return nil
		})
		if err != nil {
			return page, err
		}
		last := after
		for _, id := range tailed {
			state, err := s.runState(ctx, id, whole)
			if record.KindOf(err) == record.NotFound {
				continue
			}
			if err != nil {
				return page, err
			}
			add(&state.Run)
		}
		after = last
		if done := n < 500; done || len(page.Rows) > q.Limit+scanned {
			slices.SortFunc(page.Rows, func(a, b search.Place) int { return search.Compare(q.Order, &a, &b) })
			if len(page.Rows) > q.Limit {
				page.Rows, page.More = page.Rows[:q.Limit], true
			}
			if done {
				return page, nil
			}
		}
	}
}
