package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"modeldb/internal/record"
)

// sqliteReaders is how many reads run at once. A read is a short burst of
// computing, so more would only wait for processors.
const sqliteReaders = 4

// sqliteEngine keeps everything in one file. It uses the low-level binding of
// modernc.org/sqlite by zombiezen rather than its database/sql driver, which
// takes three times as long to read a row.
type sqliteEngine struct {
	writing sync.Mutex // held by the writing transaction
	writer  sqliteConn
	readers chan sqliteConn
}

// openSQLite opens the database file. With write set, it makes the file if
// there is none, and can write; without, it changes nothing.
func openSQLite(ctx context.Context, path string, write bool) (_ *sqliteEngine, err error) {
	e := &sqliteEngine{readers: make(chan sqliteConn, sqliteReaders)}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if write {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		// SQLite gives the files beside it the same mode.
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := file.Close(); err != nil {
			return nil, err
		}
		if e.writer, err = openConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate, 12<<10); err != nil {
			return nil, err
		}
		if err := e.writer.useLog(ctx); err != nil {
			return nil, err
		}
	} else if _, err := os.Stat(path); err != nil {
		return nil, errors.New("there is no such file: start the server once, or name the database with --data or --database")
	}
	for range sqliteReaders {
		c, err := openConn(path, sqlite.OpenReadOnly, 2<<10)
		if err != nil {
			return nil, err
		}
		e.readers <- c
	}
	return e, ctx.Err()
}

// lockWait is how long a statement waits for a lock of another process.
const lockWait = 10 * time.Second

// openConn opens one connection with at most cache KiB of pages in memory.
func openConn(path string, flags sqlite.OpenFlags, cache int) (sqliteConn, error) {
	c, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return sqliteConn{}, err
	}
	c.SetBusyTimeout(lockWait)
	conn := sqliteConn{c, map[string]*sqlite.Stmt{}}
	err = conn.pragmas("foreign_keys = on", fmt.Sprintf("cache_size = -%d", cache))
	if err != nil {
		return sqliteConn{}, errors.Join(err, c.Close())
	}
	return conn, nil
}

func (c sqliteConn) pragmas(list ...string) error {
	for _, p := range list {
		if err := sqlitex.ExecuteTransient(c.c, "pragma "+p, nil); err != nil {
			return err
		}
	}
	return nil
}

// useLog makes the file one with a write-ahead log. SQLite does not wait for
// other processes that just do the same, so it is tried again.
func (c sqliteConn) useLog(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		err := c.pragmas("journal_mode = wal")
		if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-ctx.Done():
			}
		}
		if err != nil {
			return err
		}
		return c.pragmas(
			"synchronous = full", // commit returns after fsync
			// A checkpoint every 40 MB, not 4: each one syncs the file twice.
			"wal_autocheckpoint = 10000",
			"journal_size_limit = 67108864",
		)
	}
}

func (e *sqliteEngine) name() string { return "sqlite" }
func (e *sqliteEngine) near() bool   { return true }

// There is one writer: it needs no locks.
func (e *sqliteEngine) lock(string) string       { return "" }
func (e *sqliteEngine) lockShared(string) string { return "" }
func (e *sqliteEngine) lockName() string         { return "" }

func (e *sqliteEngine) newestNamed() string {
	return `r.name = $1
	order by r.key desc`
}

func (e *sqliteEngine) ofModelAfter() string {
	return `r.model = $1
	  and r.key > $2
	order by r.key`
}

func (e *sqliteEngine) close() error {
	var errs []error
	for range len(e.readers) {
		errs = append(errs, (<-e.readers).close())
	}
	if e.writer.c != nil {
		errs = append(errs, e.writer.close())
	}
	return errors.Join(errs...)
}

func (e *sqliteEngine) reader(ctx context.Context) (sqliteConn, error) {
	select {
	case c := <-e.readers:
		return c, nil
	case <-ctx.Done():
		return sqliteConn{}, ctx.Err()
	}
}

func (e *sqliteEngine) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	return e.writer.exec(ctx, sql, args...)
}

func (e *sqliteEngine) query(ctx context.Context, sql string, args []any, scan func(row) error) error {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { e.readers <- c }()
	return c.query(ctx, sql, args, scan)
}

func (e *sqliteEngine) snapshot(ctx context.Context, read func(conn) error) error {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { e.readers <- c }()
	if _, err := c.exec(ctx, "begin"); err != nil {
		return err
	}
	defer c.exec(context.Background(), "rollback")
	return read(c)
}

func (e *sqliteEngine) begin(ctx context.Context) (transaction, error) {
	e.writing.Lock()
	if _, err := e.writer.exec(ctx, "begin immediate"); err != nil {
		e.writing.Unlock()
		return nil, err
	}
	return &sqliteTransaction{sqliteConn: e.writer, e: e}, nil
}

func (e *sqliteEngine) migrate(ctx context.Context, step func(conn) error) error {
	t, err := e.begin(ctx)
	if err != nil {
		return err
	}
	defer t.rollback()
	if err := step(t); err != nil {
		return err
	}
	return t.commit(ctx, nil)
}

func (e *sqliteEngine) hasTable(ctx context.Context, c conn, name string) (found bool, err error) {
	err = c.query(ctx, `select 1 from sqlite_schema where type = 'table' and name = $1`, []any{name},
		func(row) error { found = true; return nil })
	return found, err
}

func (e *sqliteEngine) integrity(ctx context.Context, fault func(string)) error {
	return e.query(ctx, `pragma integrity_check`, nil, func(r row) error {
		if text := r.Text(0); text != "ok" {
			fault("integrity: " + text)
		}
		return nil
	})
}

func (e *sqliteEngine) unique(err error) bool {
	code := sqlite.ErrCode(err)
	return code == sqlite.ResultConstraintUnique || code == sqlite.ResultConstraintPrimaryKey || code == sqlite.ResultConstraintRowID
}

// again is never so: a statement has waited for a lock long enough.
func (e *sqliteEngine) again(error) bool { return false }

func (e *sqliteEngine) classify(err error) error {
	switch code := sqlite.ErrCode(err); code.ToPrimary() {
	case sqlite.ResultFull:
		return record.Full.Wrap(err, "the disk is full; nothing was written")
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return record.Unavailable.Wrap(err, "another program holds the database's lock; try again")
	case sqlite.ResultIOErr:
		if code == sqlite.ResultIOErrSHMSize || code == sqlite.ResultIOErrSHMMap {
			// The index of the write-ahead log could not grow.
			return record.Full.Wrap(err, "the disk is full; nothing was written")
		}
		return record.Unavailable.Wrap(err, "the disk did not read or write")
	case sqlite.ResultCantOpen:
		return record.Unavailable.Wrap(err, "the database file cannot be opened")
	}
	return err
}

// sqliteConn is one connection. It is used by one goroutine at a time.
type sqliteConn struct {
	c *sqlite.Conn
	// prepared are the statements, by their texts with $N: there are as many
	// as the program has. The binding has such a list too, but clears a
	// statement's arguments each time, and then SQLite may plan it anew.
	prepared map[string]*sqlite.Stmt
}

var dollar = regexp.MustCompile(`\$(\d+)`)

// prepare returns the statement with its arguments. It rewrites $N to ?N:
// SQLite numbers $1, $2 by their first appearance, and so would silently mix
// up "$2 - $1".
func (c sqliteConn) prepare(sql string, args []any) (*sqlite.Stmt, error) {
	stmt := c.prepared[sql]
	if stmt == nil {
		var err error
		var rest int
		if stmt, rest, err = c.c.PrepareTransient(dollar.ReplaceAllString(sql, "?$1")); err != nil {
			return nil, err
		}
		if rest != 0 {
			return nil, errors.Join(fmt.Errorf("there is more than one statement in %q", sql), stmt.Finalize())
		}
		c.prepared[sql] = stmt
	}
	for i, arg := range args {
		bind(stmt, i+1, arg)
	}
	return stmt, nil
}

// close finalizes the statements, which the connection does not know.
func (c sqliteConn) close() error {
	for _, stmt := range c.prepared {
		_ = stmt.Finalize() // repeats the error of the last step
	}
	return c.c.Close()
}

func bind(stmt *sqlite.Stmt, param int, arg any) {
	switch v := arg.(type) {
	case nil:
		stmt.BindNull(param)
	case int64:
		stmt.BindInt64(param, v)
	case float64:
		stmt.BindFloat(param, v)
	case string:
		stmt.BindText(param, v)
	case []byte:
		stmt.BindBytes(param, v)
	default:
		panic(fmt.Sprintf("store: argument %d has the type %T", param, arg))
	}
}

func (c sqliteConn) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	err := c.query(ctx, sql, args, func(row) error { return nil })
	return int64(c.c.Changes()), err
}

func (c sqliteConn) query(ctx context.Context, sql string, args []any, scan func(row) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	stmt, err := c.prepare(sql, args)
	if err != nil {
		return err
	}
	defer func() { err = reset(stmt, err) }()
	r := &sqliteRow{stmt: stmt}
	for {
		ok, err := stmt.Step()
		if err != nil || !ok {
			return err
		}
		if err := scan(r); err == errStop {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// reset makes a statement ready for its next use, and returns the error of its
// last step, which Reset only repeats.
func reset(stmt *sqlite.Stmt, err error) error {
	again := stmt.Reset()
	return cmp.Or(err, again)
}

type sqliteRow struct {
	stmt  *sqlite.Stmt
	bytes []byte // of the last call of Bytes
}

func (r *sqliteRow) Int(i int) int64     { return r.stmt.ColumnInt64(i) }
func (r *sqliteRow) Float(i int) float64 { return r.stmt.ColumnFloat(i) }
func (r *sqliteRow) Text(i int) string   { return r.stmt.ColumnText(i) }
func (r *sqliteRow) Null(i int) bool     { return r.stmt.ColumnIsNull(i) }

func (r *sqliteRow) Bytes(i int) []byte {
	r.bytes = slices.Grow(r.bytes[:0], r.stmt.ColumnLen(i))
	r.bytes = r.bytes[:cap(r.bytes)]
	return r.bytes[:r.stmt.ColumnBytes(i, r.bytes)]
}

type sqliteTransaction struct {
	sqliteConn
	e     *sqliteEngine
	ended bool
}

func (t *sqliteTransaction) queryEach(ctx context.Context, sql []string, args []int64, scan func(row) error) error {
	for i, q := range sql {
		each := scan
		if i < len(sql)-1 {
			each = func(row) error { return nil }
		}
		for _, arg := range args {
			if err := t.query(ctx, q, []any{arg}, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *sqliteTransaction) insert(ctx context.Context, all []rows) error {
	for _, r := range all {
		if err := t.insertInto(r.table, r.values); err != nil {
			return err
		}
	}
	return nil
}

// insertInto runs the statement for one row again and again, which costs
// SQLite less than one statement for many.
func (t *sqliteTransaction) insertInto(into *table, values []any) error {
	if len(values) == 0 {
		return nil
	}
	stmt, err := t.prepare(into.inserts[1], nil)
	if err != nil {
		return err
	}
	for len(values) > 0 {
		for i, v := range values[:into.width] {
			bind(stmt, i+1, v)
		}
		_, err := stmt.Step()
		if err := reset(stmt, err); err != nil {
			return fmt.Errorf("insert into %s: %w", into.name, err)
		}
		values = values[into.width:]
	}
	return stmt.ClearBindings()
}

func (t *sqliteTransaction) commit(ctx context.Context, all []rows) error {
	err := t.insert(ctx, all)
	if err == nil {
		_, err = t.exec(ctx, "commit")
	}
	if err == nil {
		t.end()
	}
	return err
}

func (t *sqliteTransaction) rollback() {
	if t.ended {
		return
	}
	if !t.c.AutocommitEnabled() { // a full disk may have rolled back already
		t.exec(context.Background(), "rollback")
	}
	t.end()
}

func (t *sqliteTransaction) end() {
	t.ended = true
	t.e.writing.Unlock()
}
