package store

import (
	"bytes"
	"context"
	"strings"
	"time"

	"modeldb/internal/record"
)

// Objects are the bytes that files have, as Check looks at them.
type Objects interface {
	// Size returns the size of an object. NotFound: there is none.
	Size(ctx context.Context, key string) (int64, error)
	// Sum returns the SHA-256 of an object, which it reads; nil if the bytes are
	// not to be read.
	Sum(ctx context.Context, key string) ([]byte, error)
	// Walk calls visit for every object.
	Walk(ctx context.Context, visit func(key string, size int64, modified time.Time) error) error
}

// fresh is how old an object is that no file has yet: its upload may be going on.
const fresh = time.Hour

// checkFiles compares files with their bytes, in both directions.
func (s *Store) checkFiles(ctx context.Context, objects Objects, report func(format string, args ...any)) (files int, err error) {
	from, before := below("")
	for {
		page, err := list(s.reading(ctx), scanFile, filesUnderSQL, from, before, int64(filesPage))
		if err != nil {
			return files, err
		}
		for _, f := range page {
			if err := s.checkFile(ctx, objects, &f, report); err != nil {
				return files, err
			}
			from = behind(f.Path)
		}
		files += len(page)
		if len(page) < filesPage {
			break
		}
	}
	return files, objects.Walk(ctx, func(key string, size int64, modified time.Time) error {
		if time.Since(modified) < fresh {
			return nil
		}
		known, err := s.knowsObject(ctx, key)
		if err != nil || known {
			return err
		}
		if _, err = objects.Size(ctx, key); record.KindOf(err) == record.NotFound {
			return nil // it was garbage, and was removed meanwhile
		}
		if err == nil {
			report("the %d bytes at %s are of no file", size, record.Quote(key))
		}
		return err
	})
}

// checkFile compares a file with its bytes.
func (s *Store) checkFile(ctx context.Context, objects Objects, f *record.File, report func(format string, args ...any)) error {
	size, err := objects.Size(ctx, f.Object.Key)
	var sum []byte
	if err == nil {
		sum, err = objects.Sum(ctx, f.Object.Key)
	}
	gone := record.KindOf(err) == record.NotFound
	if err != nil && !gone {
		return err
	}
	other := sum != nil && !bytes.Equal(sum, f.SHA256[:])
	if !gone && size == f.Size && !other {
		return nil
	}
	// Perhaps a server has written it anew meanwhile.
	now, err := one(s.reading(ctx), scanFile, fileSQL, f.Path)
	switch {
	case err != nil:
		return err
	case now == nil || now.Object != f.Object:
	case gone:
		report("file %s: its bytes, %s, are gone", record.Quote(f.Path), record.Quote(f.Object.Key))
	case size != f.Size:
		report("file %s: its bytes, %s, are %d, and were %d", record.Quote(f.Path), record.Quote(f.Object.Key), size, f.Size)
	default:
		report("file %s: its bytes, %s, are not those that were kept: their SHA-256 is %x, and was %x", record.Quote(f.Path), record.Quote(f.Object.Key), sum, f.SHA256)
	}
	return nil
}

// knowsObject reports whether a file has an object, or it is garbage that will
// be removed. An object's key begins with its file's path.
func (s *Store) knowsObject(ctx context.Context, key string) (bool, error) {
	path := key[:max(strings.LastIndexByte(key, '~'), 0)]
	f, err := one(s.reading(ctx), scanFile, fileSQL, path)
	if err != nil || f != nil && f.Object.Key == key {
		return true, err
	}
	garbage, err := one(s.reading(ctx), func(row) bool { return true }, `select 1 from file_garbage where store = '' and object = $1`, key)
	return garbage != nil, err
}
