package files

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"modeldb/internal/record"
)

// Records are what a database knows of files.
type Records interface {
	Garbage
	PutFile(ctx context.Context, f record.File, by record.Actor) (kept record.File, replaced bool, err error)
	File(ctx context.Context, path string) (record.File, error)
	DeleteFiles(ctx context.Context, path string, by record.Actor) (deleted int, err error)
}

// Keeper keeps files: their bytes in a store, and what is known of them in the
// records.
type Keeper struct {
	store   Store
	records Records
	sweeper *sweeper
}

// NewKeeper makes a keeper, which begins to remove what is garbage. The caller
// closes it, and then the store and the records.
func NewKeeper(store Store, records Records, log *slog.Logger) *Keeper {
	return &Keeper{store, records, startSweeper(store, records, log)}
}

// Close ends what goes on in the background.
func (k *Keeper) Close() { k.sweeper.stop() }

// Keep keeps all of body as the file at a path, in the place of the one that
// was there, and returns when both its bytes and its record are durable. When it
// fails, nothing has changed. Unreadable: the body was cut off. Invalid (field
// path): the path is a folder or the root, or a part of it is a file. Full.
func (k *Keeper) Keep(ctx context.Context, path string, body io.Reader, by record.Actor) (record.File, error) {
	f := record.File{Path: path, Object: record.Object{Key: newKey(path)}}
	if path == "" {
		return f, record.Invalid.Errorf("path", "Invalid path: the root is a folder; a file needs a name")
	}
	info, err := k.store.Put(ctx, f.Object.Key, body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = record.Unreadable.Errorf("", "The body ended early: nothing was kept.")
	}
	if err != nil {
		return f, err
	}
	f.Size, f.SHA256 = info.Size, info.SHA256
	kept, replaced, err := k.records.PutFile(ctx, f, by)
	if err != nil && uncommitted(err) {
		err = errors.Join(err, k.store.Remove(context.WithoutCancel(ctx), f.Object.Key))
	}
	if replaced && err == nil {
		k.sweeper.wakeUp()
	}
	return kept, err
}

// uncommitted reports whether an error says that nothing was written. After any
// other, such as a lost connection, that is not certain: the bytes stay, and
// modeldb check finds them if no record has them.
func uncommitted(err error) bool {
	kind := record.KindOf(err)
	return kind != record.Internal && kind != record.Unavailable || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Open opens the file at a path. NotFound (field path): there is none. Damaged:
// its bytes are gone, or not as many as were kept.
func (k *Keeper) Open(ctx context.Context, path string) (File, record.File, error) {
	known, err := k.records.File(ctx, path)
	if err != nil {
		return nil, known, err
	}
	f, err := k.store.Open(ctx, known.Object.Key)
	if record.KindOf(err) == record.NotFound {
		// Perhaps it was written anew meanwhile.
		if known, err = k.records.File(ctx, path); err != nil {
			return nil, known, err
		}
		f, err = k.store.Open(ctx, known.Object.Key)
	}
	switch {
	case record.KindOf(err) == record.NotFound:
		return nil, known, record.Damaged.Errorf("path", "the bytes of the file %s are gone from the file store", record.Quote(path))
	case err != nil:
		return nil, known, err
	case f.Size() != known.Size:
		err := record.Damaged.Errorf("path", "the bytes of the file %s are not those that were kept: they were %d, and are %d", record.Quote(path), known.Size, f.Size())
		return nil, known, errors.Join(err, f.Close())
	}
	return f, known, nil
}

// Delete deletes the file at a path, or all that are below it; nothing there is
// no error. Invalid (field path): it is the root.
func (k *Keeper) Delete(ctx context.Context, path string, by record.Actor) error {
	if path == "" {
		return record.Invalid.Errorf("path", "Invalid path: all files cannot be deleted at once; name a file or a folder")
	}
	deleted, err := k.records.DeleteFiles(ctx, path, by)
	if deleted > 0 {
		k.sweeper.wakeUp()
	}
	return err
}
