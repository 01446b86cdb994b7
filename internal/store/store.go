// Package store keeps the records in SQLite or PostgreSQL. Every exported
// method is one operation in one transaction; a write has been committed when
// its method returns without an error. Errors that a caller may see are
// record.Errors; all others are faults to be logged.
package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"strings"
	"time"

	"modeldb/internal/record"
)

// Options are what Open is given besides the database. The zero value works.
type Options struct {
	Now func() time.Time // the clock; nil: time.Now
	Log *slog.Logger     // nil: nothing is logged

	// Around, when not nil, stands around each call to the database: it makes
	// the call by calling do. The server measures times with it, and tests
	// make faults.
	Around func(call string, do func() error) error

	// Group, when not nil, is told how many writes each commit carries.
	Group func(writes int)

	// IndexMemory is how many bytes the columns of searched models may take
	// together; 0: 384 MiB; negative: none are kept, and each search reads all
	// runs of its models.
	IndexMemory int

	// Partitions makes the tables of runs in so many partitions by hash of
	// the run's key, when the schema is made on PostgreSQL; 0: in one piece.
	Partitions int
}

// Store keeps the records of one database. Its methods may be called at once
// from any number of goroutines.
type Store struct {
	db        engine
	log       *slog.Logger
	clock     func() time.Time
	keys      *record.Keys
	committer *committer
	compactor *compactor
	indexes   indexes
	recent    recent
	searching chan struct{} // holds one for each search that runs
	datasets  interned[datasetHash]

	runNamedSQL, runsOfModelSQL, scanRunsSQL string // with the engine's conditions
}

// Open opens a database, makes or migrates its schema, and starts the
// committer. The database is the path of a SQLite file, or an address that
// begins with postgres://. The caller closes the store.
func Open(ctx context.Context, database string, o Options) (*Store, error) {
	s, err := open(ctx, database, true, o)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, o.Partitions); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", Redacted(database), err), s.db.close())
	}
	if err := s.raiseKeys(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", Redacted(database), err), s.db.close())
	}
	s.committer = startCommitter(s, o.Group)
	s.compactor = startCompactor(s)
	return s, nil
}

func open(ctx context.Context, database string, create bool, o Options) (*Store, error) {
	s := &Store{log: o.Log, clock: o.Now}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	s.keys = record.NewKeys(s.clock)
	s.searching = make(chan struct{}, max(1, runtime.NumCPU()/2))
	s.indexes.limit = cmp.Or(o.IndexMemory, indexMemory)
	readTime := serveReadTime
	if !create {
		readTime = 0 // a check reads everything
	}
	postgres, err := isPostgres(database)
	if err != nil {
		return nil, err
	}
	if postgres {
		s.db, err = openPostgres(ctx, database, readTime)
	} else {
		s.db, err = openSQLite(ctx, database, create)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Redacted(database), err)
	}
	s.runNamedSQL = fmt.Sprintf(runNamedSQL, s.db.newestNamed())
	s.scanRunsSQL = fmt.Sprintf(scanRunsSQL, s.db.ofModelAfter())
	s.runsOfModelSQL = fmt.Sprintf(runsOfModelSQL, s.db.ofModelAfter())
	if o.Around != nil {
		s.db = &around{s.db, o.Around}
	}
	return s, nil
}

const lastSequenceSQL = `
	select coalesce(max((select max(r.changed) from run r where r.model = m.key)), 0),
		coalesce(max((select max(t.seq) from run_tail t where t.model = m.key)), 0)
	from model m`

// raiseKeys lets keys begin after those that are in use: they would not be in
// the order of commits if the clock had been set back since.
func (s *Store) raiseKeys(ctx context.Context) error {
	return s.query(ctx, lastSequenceSQL, nil, func(r row) error {
		s.keys.Raise(max(r.Int(0), r.Int(1)))
		return nil
	})
}

// Close waits for the writes that were accepted, and closes the database. No
// other method may be called during or after it.
func (s *Store) Close() error {
	if s.committer != nil {
		s.compactor.stop()
		s.committer.stop()
	}
	return s.db.close()
}

// Ping asks the database for an answer.
func (s *Store) Ping(ctx context.Context) error {
	err := s.db.query(ctx, `select 1`, nil, func(row) error { return nil })
	if err == nil || ctx.Err() != nil {
		return err
	}
	return s.db.classify(err)
}

// Engine is the name of the kind of database: "sqlite" or "postgres".
func (s *Store) Engine() string { return s.db.name() }

// now is the time in the unit that is stored: milliseconds, UTC.
func (s *Store) now() int64 { return s.clock().UnixMilli() }

// query reads outside a transaction.
func (s *Store) query(ctx context.Context, sql string, args []any, scan func(row) error) error {
	return s.readError(ctx, s.db.query(ctx, sql, args, scan))
}

func (s *Store) readError(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return s.db.classify(err)
}

// isPostgres tells an address of PostgreSQL from the path of a file, and
// refuses what would be a file of an odd name.
func isPostgres(database string) (bool, error) {
	scheme, _, isURL := strings.Cut(database, "://")
	switch {
	case isURL && (scheme == "postgres" || scheme == "postgresql"):
		return true, nil
	case isURL:
		return false, fmt.Errorf("%s:// is no database that is known: give the path of a SQLite file, or postgres://user:password@host:5432/name", scheme)
	case strings.Contains(database, "host=") || strings.Contains(database, "dbname="):
		return false, errors.New("this form of a PostgreSQL address is not taken: give postgres://user:password@host:5432/name")
	}
	return false, nil
}

// Redacted returns a database's address without its passwords, for messages.
func Redacted(database string) string {
	scheme, _, isURL := strings.Cut(database, "://")
	if !isURL {
		if strings.Contains(database, "password=") {
			return "(address not shown)"
		}
		return database
	}
	u, err := url.Parse(database)
	if err != nil {
		return scheme + "://(address not shown)"
	}
	query := u.Query()
	for _, secret := range []string{"password", "sslpassword", "passfile"} {
		if query.Has(secret) {
			query.Set(secret, "xxxxx")
		}
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}
