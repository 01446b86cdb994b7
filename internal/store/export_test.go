package store

import "context"

// Migrate makes a database with the schema of a version, and writes rows into
// it, statement by statement.
func Migrate(ctx context.Context, database string, version, partitions int, fill func(exec func(sql string, args ...any) error) error) error {
	s, err := open(ctx, database, true, Options{})
	if err != nil {
		return err
	}
	defer s.db.close()
	return s.db.migrate(ctx, func(c conn) error {
		for _, m := range migrations[:version] {
			if err := s.apply(ctx, c, m, partitions); err != nil {
				return err
			}
		}
		return fill(func(sql string, args ...any) error {
			_, err := c.exec(ctx, sql, args...)
			return err
		})
	})
}
