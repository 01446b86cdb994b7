package store

import "context"

// reader runs a query: a Store outside a transaction, or a tx inside.
type reader interface {
	query(sql string, args []any, scan func(row) error) error
}

type reading struct {
	s   *Store
	ctx context.Context
}

// reading reads by single statements outside a transaction.
func (s *Store) reading(ctx context.Context) reading { return reading{s, ctx} }

func (r reading) query(sql string, args []any, scan func(row) error) error {
	return r.s.query(r.ctx, sql, args, scan)
}

// one returns the only row of a query, nil when there is none.
func one[T any](r reader, scan func(row) T, sql string, args ...any) (found *T, err error) {
	err = r.query(sql, args, func(r row) error {
		v := scan(r)
		found = &v
		return nil
	})
	return found, err
}

// list returns all rows of a query.
func list[T any](r reader, scan func(row) T, sql string, args ...any) (all []T, err error) {
	err = r.query(sql, args, func(r row) error {
		all = append(all, scan(r))
		return nil
	})
	return all, err
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
