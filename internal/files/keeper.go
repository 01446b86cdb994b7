package files

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"modeldb/internal/record"
)

// Records are what a database knows of files.
type Records interface {
	Garbage
	CanPutFile(ctx context.Context, path string) error
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

// NewKeeper makes a keeper, which begins to remove what is garbage for so long.
// The caller closes it, and then the store and the records.
func NewKeeper(store Store, records Records, garbageAge time.Duration, log *slog.Logger) *Keeper {
	return &Keeper{store, records, startSweeper(store, records, garbageAge, log)}
}

// Close ends what goes on in the background.
func (k *Keeper) Close() { k.sweeper.stop() }

// Keep keeps all of body as the file at a path, in the place of the one that
// was there, and returns when both its bytes and its record are durable. When it
// fails, nothing has changed. Unreadable: the body was cut off. Conflict (field
// path): the path is a folder, or a part of it is a file. Invalid: it is the root. Full.
func (k *Keeper) Keep(ctx context.Context, path string, body io.Reader, by record.Actor) (record.File, error) {
	f := record.File{Path: path, Object: record.Object{Key: newKey(path)}}
	if path == "" {
		return f, record.Invalid.Errorf("path", "Invalid path: the root is a folder; a file needs a name")
	}
	if err := k.records.CanPutFile(ctx, path); err != nil { // before the body comes
		return f, err
	}
	info, err := k.store.Put(ctx, f.Object.Key, body)
	if err != nil {
		return f, err
	}
	f.Size, f.SHA256 = info.Size, info.SHA256
	// The bytes are all there: whether the client still waits does not matter.
	kept, replaced, err := k.records.PutFile(context.WithoutCancel(ctx), f, by)
	if kind := record.KindOf(err); err != nil && kind != record.Internal && kind != record.Unavailable {
		// Nothing was committed. After any other error, such as a lost connection, that
		// is not certain: the bytes stay, and modeldb check finds them.
		err = errors.Join(err, k.store.Remove(context.WithoutCancel(ctx), f.Object.Key))
	}
	if replaced && err == nil {
		k.sweeper.wakeUp()
	}
	return kept, err
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
