package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"modeldb/internal/record"
)

// oldestPostgres is the first version that the tests run on, as
// server_version_num counts.
const oldestPostgres = 130000

// migrationLock is the key of the advisory lock under which one server at a
// time looks after the schema: the bytes of "modeldb".
const migrationLock = 0x6d6f64656c6462

// postgresEngine keeps everything in a PostgreSQL database. Reads and writes
// have pools of their own, so that many readers never hold up the writer.
type postgresEngine struct {
	reads, writes *pgxpool.Pool
	readTime      time.Duration // after which a read is given up; 0: never
}

// serveReadTime is how long a request waits for PostgreSQL to read: a server
// that is cut off by the network says nothing at all.
const serveReadTime = 30 * time.Second

func openPostgres(ctx context.Context, url string, readTime time.Duration) (_ *postgresEngine, err error) {
	e := &postgresEngine{readTime: readTime}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	// A pool_max_conns in the address sets the readers; the writer needs one,
	// and another while the first is being replaced.
	if e.reads, err = openPool(ctx, url, 8); err != nil {
		return nil, err
	}
	if e.writes, err = openPool(ctx, url, -2); err != nil {
		return nil, err
	}
	var version int64
	err = e.query(ctx, `select current_setting('server_version_num')::bigint`, nil, func(r row) error {
		version = r.Int(0)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if version < oldestPostgres {
		return nil, fmt.Errorf("PostgreSQL %d is too old; %d or newer is needed", version/10000, oldestPostgres/10000)
	}
	return e, nil
}

// openPool makes a pool of at most n connections; a negative n stands against
// the address, a positive one is a default.
func openPool(ctx context.Context, url string, n int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The parser's own text can hold the password.
		return nil, errors.New("the address cannot be read: it must look like postgres://user:password@host:5432/name, with special characters percent-encoded")
	}
	if n < 0 || !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = max(n, -n)
	}
	set := config.ConnConfig.RuntimeParams
	if set["application_name"] == "" {
		set["application_name"] = "modeldb"
	}
	// An answer of success means that the write is on disk, whatever the
	// server's default is. A session that is left in a transaction ends.
	set["synchronous_commit"] = "on"
	set["idle_in_transaction_session_timeout"] = "60000"
	return pgxpool.NewWithConfig(ctx, config)
}

func (e *postgresEngine) name() string                   { return "postgres" }
func (e *postgresEngine) near() bool                     { return false }
func (e *postgresEngine) lock(alias string) string       { return " for no key update of " + alias }
func (e *postgresEngine) lockShared(alias string) string { return " for share of " + alias }
func (e *postgresEngine) lockName() string               { return `select pg_advisory_xact_lock($1)` }

// With an equality, PostgreSQL may rather walk along the primary key and hope
// that a match comes soon; where all of them are at the other end, that reads
// the whole table. A range leaves only the index in the order that is asked for.
func (e *postgresEngine) newestNamed() string {
	return `r.name >= $1
	  and r.name <= $1
	order by r.name desc, r.key desc`
}

func (e *postgresEngine) ofModelAfter() string {
	return `(r.model, r.key) > ($1, $2)
	  and r.model <= $1
	order by r.model, r.key`
}

func (e *postgresEngine) close() error {
	for _, p := range []*pgxpool.Pool{e.reads, e.writes} {
		if p != nil {
			p.Close()
		}
	}
	return nil
}

func (e *postgresEngine) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	tag, err := e.writes.Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (e *postgresEngine) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if e.readTime == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, e.readTime)
}

func (e *postgresEngine) query(ctx context.Context, sql string, args []any, scan func(row) error) error {
	ctx, cancel := e.bounded(ctx)
	defer cancel()
	rows, err := e.reads.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

func scanAll(rows pgx.Rows, scan func(row) error) error {
	defer rows.Close()
	r := &postgresRow{}
	for rows.Next() {
		r.values, r.fields = rows.RawValues(), rows.FieldDescriptions()
		if err := scan(r); err == errStop {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

func (e *postgresEngine) snapshot(ctx context.Context, read func(conn) error) error {
	ctx, cancel := e.bounded(ctx)
	defer cancel()
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return pgx.BeginTxFunc(ctx, e.reads, options, func(tx pgx.Tx) error {
		return read(postgresConn{tx.Conn()})
	})
}

func (e *postgresEngine) begin(ctx context.Context) (transaction, error) {
	c, err := e.writes.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &postgresTransaction{pooled: c}, nil
}

func (e *postgresEngine) migrate(ctx context.Context, step func(conn) error) error {
	return pgx.BeginFunc(ctx, e.writes, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		return step(postgresConn{tx.Conn()})
	})
}

func (e *postgresEngine) hasTable(ctx context.Context, c conn, name string) (found bool, err error) {
	const sql = `
		select 1
		from pg_catalog.pg_class
		where oid = to_regclass($1)`
	err = c.query(ctx, sql, []any{name}, func(row) error { found = true; return nil })
	return found, err
}

// integrity has nothing to ask: PostgreSQL checks a page when it reads it, and
// every row is read by the other checks.
func (e *postgresEngine) integrity(context.Context, func(string)) error { return nil }

// Codes of PostgreSQL's errors (its manual, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	diskFull             = "53100"
)

func (e *postgresEngine) unique(err error) bool { return postgresCode(err) == uniqueViolation }

func (e *postgresEngine) again(err error) bool {
	code := postgresCode(err)
	// Safe to retry: the connection turned out to be gone before anything was sent.
	return code == serializationFailure || code == deadlockDetected || pgconn.SafeToRetry(err)
}

func postgresCode(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func (e *postgresEngine) classify(err error) error {
	code := postgresCode(err)
	var network net.Error
	var connect *pgconn.ConnectError
	switch {
	case code == diskFull:
		return record.Full.Wrap(err, "the database's disk is full; nothing was written")
	case code == serializationFailure || code == deadlockDetected:
		return record.Unavailable.Wrap(err, "too many changed the same records at once; try again")
	case code == "25006": // read-only: a standby, or a server that was made one
		return record.Unavailable.Wrap(err, "the database takes no writes now")
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "53"), strings.HasPrefix(code, "57"), code == "58030":
		return record.Unavailable.Wrap(err, "the database is not available now")
	case code == "" && (errors.As(err, &network) || errors.As(err, &connect) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		strings.HasSuffix(err.Error(), "conn closed")):
		return record.Unavailable.Wrap(err, lostConnection)
	}
	return err
}

// rollbackTime is how long the writer waits for the end of a transaction that
// failed, before it takes another connection.
const rollbackTime = 5 * time.Second

const lostConnection = "the connection to the database was lost; a write that was on its way may or may not have been kept"

// postgresConn is a connection inside a transaction.
type postgresConn struct{ c *pgx.Conn }

func (c postgresConn) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if len(args) == 0 { // may hold several statements: a migration
		results, err := c.c.PgConn().Exec(ctx, sql).ReadAll()
		if err != nil || len(results) == 0 {
			return 0, err
		}
		return results[len(results)-1].CommandTag.RowsAffected(), nil
	}
	tag, err := c.c.Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

func (c postgresConn) query(ctx context.Context, sql string, args []any, scan func(row) error) error {
	rows, err := c.c.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	return scanAll(rows, scan)
}

// postgresTransaction sends "begin" together with its first statement, and
// "commit" together with its last rows: a group of writes that reads nothing
// goes to the server and back once.
type postgresTransaction struct {
	pooled *pgxpool.Conn
	begun  bool
	ended  bool
}

func (t *postgresTransaction) batch() *pgx.Batch {
	b := &pgx.Batch{}
	if !t.begun {
		b.Queue("begin")
	}
	return b
}

// send sends b and gives its last result to read.
func (t *postgresTransaction) send(ctx context.Context, b *pgx.Batch, read func(pgx.BatchResults) error) error {
	n := b.Len()
	results := t.pooled.SendBatch(ctx, b)
	t.begun = true
	for range n - 1 {
		if _, err := results.Exec(); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	err := read(results)
	if closing := results.Close(); err == nil {
		err = closing
	}
	return err
}

func (t *postgresTransaction) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	b := t.batch()
	b.Queue(sql, args...)
	var n int64
	err := t.send(ctx, b, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		n = tag.RowsAffected()
		return err
	})
	return n, err
}

func (t *postgresTransaction) query(ctx context.Context, sql string, args []any, scan func(row) error) error {
	b := t.batch()
	b.Queue(sql, args...)
	return t.send(ctx, b, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		return scanAll(rows, scan)
	})
}

func (t *postgresTransaction) queryEach(ctx context.Context, sql []string, args []int64, scan func(row) error) error {
	b := t.batch()
	before := b.Len()
	for _, q := range sql {
		for _, arg := range args {
			b.Queue(q, arg)
		}
	}
	before += (len(sql) - 1) * len(args)
	results := t.pooled.SendBatch(ctx, b)
	t.begun = true
	for i := range b.Len() {
		var err error
		if i < before {
			_, err = results.Exec()
		} else if rows, failed := results.Query(); failed != nil {
			err = failed
		} else {
			err = scanAll(rows, scan)
		}
		if err != nil {
			return errors.Join(err, results.Close())
		}
	}
	return results.Close()
}

func queueRows(b *pgx.Batch, all []rows) {
	for _, r := range all {
		values := r.values
		for len(values) > 0 {
			left := len(values) / r.table.width
			size := insertSizes[slices.IndexFunc(insertSizes[:], func(n int) bool { return n <= left })]
			n := size * r.table.width
			b.Queue(r.table.inserts[size], values[:n]...)
			values = values[n:]
		}
	}
}

func (t *postgresTransaction) insert(ctx context.Context, all []rows) error {
	b := t.batch()
	queueRows(b, all)
	if b.Len() == 0 {
		return nil
	}
	return t.send(ctx, b, execLast)
}

func execLast(results pgx.BatchResults) error {
	_, err := results.Exec()
	return err
}

func (t *postgresTransaction) commit(ctx context.Context, all []rows) error {
	b := t.batch()
	queueRows(b, all)
	b.Queue("commit")
	err := t.send(ctx, b, func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		if err == nil && tag.String() != "COMMIT" {
			err = fmt.Errorf("commit answered %q", tag)
		}
		return err
	})
	if err == nil {
		t.ended = true
		t.pooled.Release()
		return nil
	}
	if postgresCode(err) == "" && !pgconn.SafeToRetry(err) {
		// The server did not refuse it, so it may have been kept: it must
		// not be tried again.
		return record.Unavailable.Wrap(err, lostConnection)
	}
	return err
}

func (t *postgresTransaction) rollback() {
	if t.ended {
		return
	}
	t.ended = true
	if c := t.pooled.Conn(); !c.IsClosed() && c.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTime)
		defer cancel()
		if _, err := c.Exec(ctx, "rollback"); err != nil {
			_ = c.Close(ctx) // the server rolls back what a lost connection began
		}
	}
	t.pooled.Release()
}

// postgresRow reads PostgreSQL's binary forms: bigint and double precision in
// 8 bytes, text and bytea as they are.
type postgresRow struct {
	values [][]byte
	fields []pgconn.FieldDescription
}

func (r *postgresRow) Int(i int) int64 {
	switch b := r.values[i]; len(b) {
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	}
	return 0
}

func (r *postgresRow) Float(i int) float64 {
	if len(r.values[i]) != 8 {
		return 0
	}
	return math.Float64frombits(binary.BigEndian.Uint64(r.values[i]))
}

func (r *postgresRow) Text(i int) string  { return string(r.values[i]) }
func (r *postgresRow) Bytes(i int) []byte { return r.values[i] }
func (r *postgresRow) Null(i int) bool    { return r.values[i] == nil }
