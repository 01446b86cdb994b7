package store

import "context"

// around is an engine whose every call to the database goes through a
// function of the caller, see Options.Around.
type around struct {
	engine
	call func(name string, do func() error) error
}

func (a *around) exec(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = a.call("exec", func() error {
		n, err = a.engine.exec(ctx, sql, args...)
		return err
	})
	return n, err
}

func (a *around) query(ctx context.Context, sql string, args []any, scan func(row) error) error {
	return a.call("query", func() error { return a.engine.query(ctx, sql, args, scan) })
}

func (a *around) snapshot(ctx context.Context, read func(conn) error) error {
	return a.call("snapshot", func() error { return a.engine.snapshot(ctx, read) })
}

func (a *around) begin(ctx context.Context) (t transaction, err error) {
	err = a.call("begin", func() error {
		t, err = a.engine.begin(ctx)
		return err
	})
	if err != nil {
		if t != nil { // the call went well, and was made to look as if it had not
			t.rollback()
		}
		return nil, err
	}
	return &aroundTransaction{t, a.call}, nil
}

type aroundTransaction struct {
	transaction
	call func(name string, do func() error) error
}

func (t *aroundTransaction) exec(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = t.call("exec", func() error {
		n, err = t.transaction.exec(ctx, sql, args...)
		return err
	})
	return n, err
}

func (t *aroundTransaction) query(ctx context.Context, sql string, args []any, scan func(row) error) error {
	return t.call("query", func() error { return t.transaction.query(ctx, sql, args, scan) })
}

func (t *aroundTransaction) queryEach(ctx context.Context, sql []string, args []int64, scan func(row) error) error {
	return t.call("query", func() error { return t.transaction.queryEach(ctx, sql, args, scan) })
}

func (t *aroundTransaction) insert(ctx context.Context, rows []rows) error {
	return t.call("insert", func() error { return t.transaction.insert(ctx, rows) })
}

func (t *aroundTransaction) commit(ctx context.Context, rows []rows) error {
	return t.call("commit", func() error { return t.transaction.commit(ctx, rows) })
}
