package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// ModelSearch asks for models.
type ModelSearch struct {
	Project *int64 // nil: of all projects
	View    View
	Filter  filter.Expr
	Order   []filter.Order // nil: the newest first
	Limit   int
	Token   string // of the page before; empty: the first page
}

const allModelsSQL = `
	select ` + modelColumns + `
	from model m
	order by m.key`

// SearchModels returns a page of models with their tags, and the token of the
// next page, empty on the last one. Models are few: all are looked at.
func (s *Store) SearchModels(ctx context.Context, q ModelSearch) (page []record.Model, next string, err error) {
	query := queryText("models", q.Project, nil, q.View, q.Filter, q.Order, nil)
	after, err := afterKey(query, q.Token)
	if err != nil {
		return nil, "", err
	}
	var all []record.Model
	err = s.snapshot(ctx, func(from reader) (err error) {
		if all, err = list(from, scanModel, allModelsSQL); err != nil {
			return err
		}
		tags := map[int64][]record.Tag{}
		err = from.query(`select model, key, value from model_tag order by model, key`, nil, func(r row) error {
			tags[r.Int(0)] = append(tags[r.Int(0)], record.Tag{Key: r.Text(1), Value: r.Text(2)})
			return nil
		})
		for i := range all {
			all[i].Tags = tags[all[i].Key]
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	matcher := filter.NewMatcher(q.Filter)
	found, err := pageOf(all, q.Token, after, q.Limit,
		func(m *record.Model) int64 { return m.Key },
		func(m *record.Model) bool {
			return (q.Project == nil || m.Project == *q.Project) && has(q.View, m.Gone) && matcher.Match(modelRow{m, q.Project != nil})
		},
		func(a, b *record.Model) int {
			return cmp.Or(compareRows(q.Order, modelRow{a, q.Project != nil}, modelRow{b, q.Project != nil}), cmp.Compare(b.Created, a.Created), cmp.Compare(a.Key, b.Key))
		})
	if err != nil {
		return nil, "", err
	}
	if found.more {
		next = makeToken(query, binary.BigEndian.AppendUint64(nil, uint64(found.last)))
	}
	return found.page, next, nil
}

// afterKey is the key in a page token, -1 when there is no token.
func afterKey(query, token string) (int64, error) {
	if token == "" {
		return -1, nil
	}
	place, err := readToken(query, token)
	if err == nil && len(place) != 8 {
		err = badPlace(token)
	}
	if err != nil {
		return -1, err
	}
	return int64(binary.BigEndian.Uint64(place)), nil
}

// found is a page of a list that is in memory.
type found[T any] struct {
	page []T
	more bool
	last int64 // key of the page's last element
}

// pageOf sorts all, and returns the first elements that match after the one
// with a key, which need not match.
func pageOf[T any](all []T, token string, after int64, limit int, key func(*T) int64, match func(*T) bool, compare func(a, b *T) int) (f found[T], err error) {
	slices.SortFunc(all, func(a, b T) int { return compare(&a, &b) })
	start := 0
	if after >= 0 {
		start = 1 + slices.IndexFunc(all, func(t T) bool { return key(&t) == after })
		if start == 0 {
			return f, badPlace(token)
		}
	}
	for i := start; i < len(all); i++ {
		if !match(&all[i]) {
			continue
		}
		if len(f.page) == limit {
			f.more = true
			break
		}
		f.page = append(f.page, all[i])
		f.last = key(&all[i])
	}
	return f, nil
}

// compareRows compares by orders: what is missing comes last, in both
// directions.
func compareRows(order []filter.Order, a, b filter.Row) int {
	for _, o := range order {
		var c int
		var inA, inB bool
		if o.Numeric {
			var x, y float64
			x, inA = a.Number(o.Entity, o.Key)
			y, inB = b.Number(o.Entity, o.Key)
			c = cmp.Compare(x, y)
			if (x != x) != (y != y) { // NaN is after all numbers, in both directions
				return cmp.Compare(b2i(x != x), b2i(y != y))
			}
		} else {
			var x, y string
			x, inA = a.Text(o.Entity, o.Key)
			y, inB = b.Text(o.Entity, o.Key)
			c = cmp.Compare(x, y)
		}
		switch {
		case inA != inB:
			return cmp.Compare(b2i(inB), b2i(inA))
		case c != 0 && o.Desc:
			return -c
		case c != 0:
			return c
		}
	}
	return 0
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// modelRow is a model as filters and orders see it.
type modelRow struct {
	*record.Model
	short bool // its name is without its project's
}

// Number returns a numeric attribute.
func (m modelRow) Number(e filter.Entity, key string) (float64, bool) {
	switch {
	case e != filter.Attribute:
	case key == "creation_time":
		return float64(m.Created), true
	case key == "last_update_time":
		return float64(m.Updated), true
	case key == "experiment_id":
		return float64(m.Key), true
	}
	return 0, false
}

// Text returns a text attribute or a tag.
func (m modelRow) Text(e filter.Entity, key string) (string, bool) {
	switch {
	case e == filter.Tag:
		return tagValue(m.Tags, key)
	case e != filter.Attribute:
	case key == "name" && m.short:
		return m.Name, true
	case key == "name":
		return m.FullName, true
	case key == "experiment_id":
		return record.ModelID(m.Key), true
	}
	return "", false
}

// Datasets gives nothing: a model uses none itself.
func (m modelRow) Datasets(string, func(string) bool) {}

func tagValue(tags []record.Tag, key string) (string, bool) {
	for _, t := range tags {
		if t.Key == key {
			return t.Value, true
		}
	}
	return "", false
}
