package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

//go:embed schema
var schemaFiles embed.FS

// migration is one step of the schema: statements, and then what statements
// cannot do. Steps are only ever added.
type migration struct {
	version int64
	name    string
	convert func(ctx context.Context, s *Store, c conn) error // nil: nothing
}

var migrations = []migration{
	{1, "0001", nil},
	{2, "0002", foldRowsOfSchema1},
	{3, "0003", nil},
	{4, "0004", nil},
	{5, "0005", nil},
}

// schemaVersion is the schema that this program works on.
var schemaVersion = migrations[len(migrations)-1].version

// migrate brings the schema up to schemaVersion, each step in a transaction of
// its own. Any number of servers may call it at once.
func (s *Store) migrate(ctx context.Context, partitions int) error {
	for {
		version, err := s.version(ctx, s.db)
		if err != nil {
			return err
		}
		if version == schemaVersion {
			return nil
		}
		err = s.db.migrate(ctx, func(c conn) error {
			// Another server may have been here since the look above.
			version, err := s.version(ctx, c)
			if err != nil || version == schemaVersion {
				return err
			}
			return s.apply(ctx, c, migrations[version], partitions)
		})
		if err != nil {
			return err
		}
	}
}

// version reads the schema's version, 0 when there is no schema. A schema
// newer than this program is an error.
func (s *Store) version(ctx context.Context, c conn) (version int64, err error) {
	found, err := s.db.hasTable(ctx, c, "modeldb_schema")
	if err != nil || !found {
		return 0, err
	}
	err = c.query(ctx, `select max(version) from modeldb_schema`, nil, func(r row) error {
		version = r.Int(0)
		return nil
	})
	if err == nil && version > schemaVersion {
		err = fmt.Errorf("the database's schema has version %d, and this program knows versions up to %d: use the newer Model DB that last opened it", version, schemaVersion)
	}
	return version, err
}

func (s *Store) apply(ctx context.Context, c conn, m migration, partitions int) error {
	text, err := schemaFiles.ReadFile("schema/" + m.name + "_" + s.db.name() + ".sql")
	if err != nil {
		return err
	}
	sql := string(text)
	if m.version == 1 {
		sql = "create table modeldb_schema (version bigint primary key, applied bigint not null);\n" + sql
	}
	for _, statement := range statements(partitioned(sql, partitions)) {
		if _, err := c.exec(ctx, statement); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	if m.convert != nil {
		if err := m.convert(ctx, s, c); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	_, err = c.exec(ctx, `insert into modeldb_schema (version, applied) values ($1, $2)`, m.version, s.now())
	return err
}

var lineComment = regexp.MustCompile(`--[^\n]*`)

// statements cuts a schema's text at its semicolons. The schema's own texts
// have none inside a quoted value or a comment in a line of code.
func statements(sql string) (list []string) {
	for s := range strings.SplitSeq(lineComment.ReplaceAllString(sql, ""), ";") {
		if s = strings.TrimSpace(s); s != "" {
			list = append(list, s)
		}
	}
	return list
}

var byRun = regexp.MustCompile(`(?s)create table (\w+) \(([^;]*)\) /\* by (\w+) \*/[^;]*;`)

// partitioned makes each table of runs one of n partitions by hash of the
// run's key. It shows on one PostgreSQL that the schema and all statements
// would also do on a distributed one.
func partitioned(sql string, n int) string {
	if n == 0 {
		return sql
	}
	return byRun.ReplaceAllStringFunc(sql, func(create string) string {
		m := byRun.FindStringSubmatch(create)
		var b strings.Builder
		fmt.Fprintf(&b, "create table %s (%s) partition by hash (%s);\n", m[1], m[2], m[3])
		for i := range n {
			fmt.Fprintf(&b, "create table %s_p%d partition of %s for values with (modulus %d, remainder %d);\n", m[1], i, m[1], n, i)
		}
		return b.String()
	})
}

// errNoSchema says that a database has no schema of ours.
var errNoSchema = errors.New("the database holds no Model DB schema: serve makes it on the first start")
