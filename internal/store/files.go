package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"modeldb/internal/record"
)

var (
	fileTable    = newTable("file", "path, store, object, size, sha256, changed", "on conflict (path) do update set store = excluded.store, object = excluded.object, size = excluded.size, sha256 = excluded.sha256, changed = excluded.changed")
	garbageTable = newTable("file_garbage", "store, object, since", "on conflict (store, object) do nothing")
)

const fileColumns = `path, store, object, size, sha256, changed`

func scanFile(r row) (f record.File) {
	f.Path, f.Object, f.Size = r.Text(0), record.Object{Store: r.Text(1), Key: r.Text(2)}, r.Int(3)
	copy(f.SHA256[:], r.Bytes(4))
	f.Changed = r.Int(5)
	return f
}

const fileSQL = `select ` + fileColumns + ` from file where path = $1`

// foldersAtOnce is how many of a path's folders one statement looks for: mostly
// all of them.
const foldersAtOnce = 8

var someFilesSQL = `select ` + fileColumns + ` from file where path in (` + placeholders(1, foldersAtOnce) + `)`

// filesUnderSQL gives files from a path on, and before another.
const filesUnderSQL = `
	select ` + fileColumns + `
	from file
	where path >= $1
	  and path < $2
	order by path
	limit $3`

// below is the range of paths below a folder; an empty one is the root.
func below(dir string) (from, before string) {
	if dir == "" {
		return "", "\U0010ffff"
	}
	return dir + "/", dir + "0" // which comes after the slash
}

// behind is before every path that comes after one: paths have no control
// characters.
func behind(path string) string { return path + "\x01" }

// PutFile says where the bytes of a path are now, and forgets those that it had
// before, which are garbage then. It returns the file with its time, and whether it
// took the place of another. Conflict (field path): the path is a folder,
// or a part of it is a file.
// A file that is replaced by other bytes leaves an event with the digests.
func (s *Store) PutFile(ctx context.Context, f record.File, by record.Actor) (kept record.File, replaced bool, err error) {
	err = s.write(ctx, func(t *tx) error {
		replaced = false
		if err := t.lockFiles(f.Path); err != nil {
			return err
		}
		if err := checkFilePath(t, f.Path); err != nil {
			return err
		}
		old, err := one(t, scanFile, fileSQL, f.Path)
		if err != nil {
			return err
		}
		if old != nil && old.Object != f.Object {
			replaced = true
			t.discard(*old)
			if old.SHA256 != f.SHA256 {
				t.event(record.Replaced, by, "file", 0, digestOf(old), digestOf(&f))
			}
		}
		f.Changed = t.now
		t.add(fileTable, f.Path, f.Object.Store, f.Object.Key, f.Size, f.SHA256[:], f.Changed)
		return nil
	})
	return f, replaced, err
}

// lockFiles keeps other servers from changing files whose paths have the same
// first part until the end of the transaction: which files there are below a
// path is more than a row's lock can hold.
func (t *tx) lockFiles(path string) error {
	first, _, _ := strings.Cut(path, "/")
	sql := t.s.db.lockName()
	if sql == "" {
		return nil
	}
	sum := sha256.Sum256([]byte("files of " + first))
	return t.query(sql, []any{int64(binary.BigEndian.Uint64(sum[:8]))}, func(row) error { return nil })
}

// CanPutFile returns the Conflict that PutFile would, as things are.
func (s *Store) CanPutFile(ctx context.Context, path string) error {
	return checkFilePath(s.reading(ctx), path)
}

// checkFilePath refuses a path that is a folder or leads through a file.
func checkFilePath(from reader, path string) error {
	var folders []string
	for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path[:at], '/') {
		folders = append(folders, path[:at])
	}
	for some := range slices.Chunk(folders, foldersAtOnce) {
		found, err := list(from, scanFile, someFilesSQL, padded(some, foldersAtOnce, func(folder string) any { return folder })...)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return record.Conflict.Errorf("path", "%s is a file, and can hold no other; delete it first, or choose another path", record.Quote(found[0].Path))
		}
	}
	first, before := below(path)
	found, err := one(from, scanFile, filesUnderSQL, first, before, int64(1))
	if err == nil && found != nil {
		err = record.Conflict.Errorf("path", "%s is a folder; delete it first, or choose another path", record.Quote(path))
	}
	return err
}

// digestOf is one side of an event about a file.
func digestOf(f *record.File) string {
	digest := hex.EncodeToString(f.SHA256[:])
	return change(field{"path", &f.Path}, field{"sha256", &digest})
}

// discard notes bytes that no file has any more.
func (t *tx) discard(f record.File) { t.add(garbageTable, f.Object.Store, f.Object.Key, t.now) }

// File returns what is known of a file. NotFound (field path): there is none.
func (s *Store) File(ctx context.Context, path string) (record.File, error) {
	f, err := one(s.reading(ctx), scanFile, fileSQL, path)
	if err == nil && f == nil {
		err = record.NotFound.Errorf("path", "there is no file at %s", record.Quote(path))
	}
	return deref(f), err
}

// FilesBelow returns at most limit of all files below a folder, by their paths:
// those after one (empty: from the first).
func (s *Store) FilesBelow(ctx context.Context, dir, last string, limit int) ([]record.File, error) {
	from, before := below(dir)
	if last != "" {
		from = behind(last)
	}
	return list(s.reading(ctx), scanFile, filesUnderSQL, from, before, int64(limit))
}

// filesPage is how many rows of files one statement reads.
const filesPage = 256

// FilesIn returns at most limit of the files and folders that are directly in a
// folder, those after an entry (its zero value: from the first), and whether
// there may be more. A folder in it costs one look, however many files it
// has. They are in the order of the paths of all files, which puts "a.b" before
// the folder "a". A folder that is not there, or is a file, has none.
func (s *Store) FilesIn(ctx context.Context, dir string, last record.FileEntry, limit int) (entries []record.FileEntry, more bool, err error) {
	from, before := below(dir)
	prefix := len(from)
	switch {
	case last.Folder:
		_, from = below(last.Path)
	case last.Path != "":
		from = behind(last.Path)
	}
	for {
		rows, skipped := 0, false
		err := s.query(ctx, filesUnderSQL, []any{from, before, int64(filesPage)}, func(r row) error {
			f := scanFile(r)
			rows++
			name, _, folder := strings.Cut(f.Path[prefix:], "/")
			e := record.FileEntry{Path: f.Path[:prefix] + name, Folder: folder, Size: f.Size}
			from = behind(f.Path)
			if folder {
				_, from = below(e.Path)
				e.Size, skipped = 0, true
			}
			entries = append(entries, e)
			if folder || len(entries) == limit {
				return errStop
			}
			return nil
		})
		switch {
		case err != nil:
			return nil, false, err
		case len(entries) == limit:
			return entries, true, nil
		case !skipped && rows < filesPage:
			return entries, false, nil
		}
	}
}

const (
	dropFilesSQL = `
		delete from file
		where path >= $1
		  and path <= $2`
	dropFileSQL = `delete from file where path = $1`
)

// DeleteFiles deletes a file, or all files below a folder, some at a time, and
// returns how many. Their bytes are garbage then. Each leaves an event with its
// digest. Nothing there is no error.
func (s *Store) DeleteFiles(ctx context.Context, path string, by record.Actor) (deleted int, err error) {
	for {
		n := 0
		err := s.write(ctx, func(t *tx) error {
			n = 0
			if err := t.lockFiles(path); err != nil {
				return err
			}
			found, err := list(t, scanFile, fileSQL, path)
			if err != nil {
				return err
			}
			if len(found) > 0 {
				n = 1
				t.deleteFile(&found[0], by)
				return t.exec(dropFileSQL, path)
			}
			from, before := below(path)
			if found, err = list(t, scanFile, filesUnderSQL, from, before, int64(filesPage)); err != nil || len(found) == 0 {
				return err
			}
			for i := range found {
				t.deleteFile(&found[i], by)
			}
			n = len(found)
			return t.exec(dropFilesSQL, from, found[n-1].Path)
		})
		deleted += n
		if err != nil || n < filesPage {
			return deleted, err
		}
	}
}

func (t *tx) deleteFile(f *record.File, by record.Actor) {
	t.discard(*f)
	t.event(record.Deleted, by, "file", 0, digestOf(f), "")
}

const garbageSQL = `
	select store, object
	from file_garbage
	where since <= $1
	  and (store > $2 or store = $2 and object > $3)
	order by store, object
	limit $4`

// Garbage returns at most limit objects that no file has since a time (milliseconds,
// UTC) or longer, those after one.
func (s *Store) Garbage(ctx context.Context, since int64, after record.Object, limit int) ([]record.Object, error) {
	return list(s.reading(ctx), func(r row) record.Object { return record.Object{Store: r.Text(0), Key: r.Text(1)} },
		garbageSQL, since, after.Store, after.Key, int64(limit))
}

// Removed says that bytes are gone.
func (s *Store) Removed(ctx context.Context, gone []record.Object) error {
	return s.write(ctx, func(t *tx) error {
		for _, o := range gone {
			if err := t.exec(`delete from file_garbage where store = $1 and object = $2`, o.Store, o.Key); err != nil {
				return err
			}
		}
		return nil
	})
}
