package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// conn runs SQL. Statements are written with $1, $2 for every engine; an
// argument is an int64, a float64, a string, a []byte or nil.
type conn interface {
	// exec runs a statement and returns how many rows it changed.
	exec(ctx context.Context, sql string, args ...any) (int64, error)
	// query calls scan for each row, and ends early, without an error, when
	// scan returns errStop.
	query(ctx context.Context, sql string, args []any, scan func(row) error) error
}

// row is the row that a query stands on. A null reads as the zero value.
type row interface {
	Int(column int) int64
	Float(column int) float64
	Text(column int) string
	Bytes(column int) []byte // valid until the next call or row
	Null(column int) bool
}

// transaction is the one writing transaction of this process. Its methods are
// called by one goroutine.
type transaction interface {
	conn
	// queryEach runs each of several queries once for each argument, in one way
	// to the database and back where that takes time, and scans the rows of the
	// last one.
	queryEach(ctx context.Context, sql []string, args []int64, scan func(row) error) error
	// insert adds rows.
	insert(ctx context.Context, rows []rows) error
	// commit adds rows and makes all that the transaction did durable. After
	// an error, nothing of it was kept; or, when the error is of kind
	// Unavailable, it may have been.
	commit(ctx context.Context, rows []rows) error
	// rollback drops the transaction. After commit it does nothing.
	rollback()
}

// engine is what SQLite and PostgreSQL do in different ways.
type engine interface {
	// conn's methods run each statement by itself.
	conn
	// name is "sqlite" or "postgres"; it also names the schema's files.
	name() string
	// near reports whether a read inside the writing transaction costs no way
	// to another program and back.
	near() bool
	// begin opens the writing transaction; the caller ends it.
	begin(ctx context.Context) (transaction, error)
	// snapshot runs reads that all see one state.
	snapshot(ctx context.Context, read func(conn) error) error
	// lock and lockShared are what a select says at its end so that no other
	// transaction changes the rows that it reads of a table, or that others may
	// only do the same.
	lock(alias string) string
	lockShared(alias string) string
	// lockName is a statement that waits until no other transaction holds the
	// lock with the number $1, and holds it until the end of this one; empty where there is
	// only one writer.
	lockName() string
	// newestNamed and ofModelAfter are conditions on runs r, with their order:
	// those named $1, the newest first; and those of the model $1 with keys
	// greater than $2. Each engine says it so that its planner surely takes
	// the index on both columns.
	newestNamed() string
	ofModelAfter() string
	// migrate calls step in a writing transaction that no other server's runs
	// beside.
	migrate(ctx context.Context, step func(conn) error) error
	// hasTable reports whether the database has a table of this name.
	hasTable(ctx context.Context, c conn, name string) (bool, error)
	// integrity asks the database to check itself, and reports each fault.
	integrity(ctx context.Context, fault func(string)) error
	// unique reports whether err says that a row with the same key is there.
	unique(err error) bool
	// again reports whether err asks to run the whole transaction once more.
	again(err error) bool
	// classify makes errors of the database that a caller may see, such as a
	// full disk, into errors of their kind, and leaves others as they are.
	classify(err error) error
	close() error
}

// errStop ends a query early.
var errStop = errors.New("stop")

// table says how rows are added to a table.
type table struct {
	name    string
	width   int            // number of columns
	inserts map[int]string // statements that add so many rows, see insertSizes
}

// insertSizes are how many rows one statement adds: few sizes, so that few
// statements are prepared.
var insertSizes = [...]int{256, 128, 64, 32, 16, 8, 4, 2, 1}

// newTable describes a table by its columns, and by what follows the values:
// with nothing there, a second row with the same key is an error.
func newTable(name, columns, conflict string) *table {
	t := &table{name: name, width: strings.Count(columns, ",") + 1, inserts: map[int]string{}}
	for _, n := range insertSizes {
		var b strings.Builder
		fmt.Fprintf(&b, "insert into %s (%s) values ", name, columns)
		for arg := range n * t.width {
			switch {
			case arg == 0:
				b.WriteString("(")
			case arg%t.width == 0:
				b.WriteString("), (")
			default:
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "$%d", arg+1)
		}
		b.WriteString(") " + conflict)
		t.inserts[n] = b.String()
	}
	return t
}

// rows are rows to add to a table: width values each, one after the other.
type rows struct {
	table  *table
	values []any
}

// placeholders are n of them, from $first.
func placeholders(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}

// padded are the arguments of n placeholders for at most as many elements: the
// last one stands in for those that are missing, so that there is one statement
// for any number of them.
func padded[T any](some []T, n int, arg func(T) any) []any {
	args := make([]any, n)
	for i := range args {
		args[i] = arg(some[min(i, len(some)-1)])
	}
	return args
}
