package files

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"modeldb/internal/record"
)

// Local keeps files in a folder. What is kept is below kept, under its key;
// what is on its way is below incoming. Everything is reached through os.Root,
// so that no key and no link leads out of the folder.
type Local struct {
	root    *os.Root
	folders sync.Mutex // held to make some: a folder that is there is also on disk
}

const (
	kept     = "kept"
	incoming = "incoming"

	// abandoned is how old a file on its way is when nobody writes it any more.
	abandoned = 24 * time.Hour

	copyBuffer  = 128 << 10
	piecesAhead = 2        // that wait to be summed up
	syncStep    = 16 << 20 // bytes after which a sync begins while more comes
	putTries    = 10
)

// OpenLocal opens a folder, which it makes if there is none.
func OpenLocal(dir string) (*Local, error) {
	for _, d := range []string{kept, incoming} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	l := &Local{root: root}
	if err := l.Tidy(context.Background()); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return l, nil
}

// ViewLocal opens a folder that is there, to look at it: nothing changes.
func ViewLocal(dir string) (*Local, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Local{root: root}, nil
}

// Tidy drops old files on their way.
func (l *Local) Tidy(ctx context.Context) error {
	entries, err := fs.ReadDir(l.root.FS(), incoming)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > abandoned {
			err = l.root.Remove(path.Join(incoming, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another server was first
			return err
		}
	}
	return nil
}

// Close closes the folder.
func (l *Local) Close() error { return l.root.Close() }

// Put writes body to a file of its own, and gives it its name when it is on
// disk.
func (l *Local) Put(ctx context.Context, key string, body io.Reader) (Info, error) {
	temporary, info, err := l.receive(ctx, body)
	if err != nil {
		return info, err
	}
	name := path.Join(kept, key)
	for try := 1; ; try++ {
		if err = l.makeFolders(path.Dir(name)); err == nil {
			err = l.root.Rename(temporary, name)
		}
		if err == nil {
			break
		}
		// Remove may have taken a folder away that was empty.
		if !errors.Is(err, fs.ErrNotExist) || try == putTries {
			return info, errors.Join(unwritten(err, key), l.root.Remove(temporary))
		}
	}
	if err := l.syncFolder(path.Dir(name)); err != nil {
		return info, errors.Join(unwritten(err, key), l.root.Remove(name))
	}
	return info, nil
}

// receive writes body to a new file on its way, and syncs it.
func (l *Local) receive(ctx context.Context, body io.Reader) (name string, info Info, err error) {
	var random [16]byte
	rand.Read(random[:]) // never fails
	name = path.Join(incoming, hex.EncodeToString(random[:]))
	f, err := l.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return name, info, unwritten(err, name)
	}
	if info, err = write(ctx, f, body); err == nil {
		err = unwritten(f.Sync(), name)
	}
	if closed := unwritten(f.Close(), name); err == nil {
		err = closed
	}
	if err != nil {
		err = errors.Join(err, l.root.Remove(name))
	}
	return name, info, err
}

// write copies body to a file. Meanwhile, each of its pieces is summed up beside
// the next one, and what is written goes to the disk, so that little is left to do at
// the end.
func write(ctx context.Context, f *os.File, body io.Reader) (info Info, err error) {
	w := &writer{f: f, pieces: make(chan *piece, piecesAhead), summed: make(chan [sha256.Size]byte, 1)}
	go w.sum()
	err = w.copy(ctx, body)
	close(w.pieces)
	info = Info{Size: w.size, SHA256: <-w.summed}
	w.syncing.Wait()
	return info, cmp.Or(err, unwritten(w.unsynced, f.Name()))
}

// piece is a part of a body on its way to the sum.
type piece struct {
	buffer [copyBuffer]byte
	n      int
}

var pieces = sync.Pool{New: func() any { return new(piece) }}

// writer writes a file.
type writer struct {
	f      *os.File
	size   int64
	pieces chan *piece // to be summed up
	summed chan [sha256.Size]byte

	syncing  sync.WaitGroup
	busy     atomic.Bool // a sync goes on, and writes unsynced
	unsynced error       // of the first sync that failed: the system tells it once
	since    int64       // bytes written since the last one began
}

func (w *writer) copy(ctx context.Context, body io.Reader) error {
	for {
		p := pieces.Get().(*piece)
		var failed error
		p.n, failed = fill(p.buffer[:], body)
		if _, err := w.f.Write(p.buffer[:p.n]); err != nil {
			return unwritten(err, w.f.Name())
		}
		w.size += int64(p.n)
		w.since += int64(p.n)
		w.pieces <- p
		if failed == io.EOF {
			return nil
		}
		if failed != nil {
			return record.Unreadable.Wrap(failed, "The body could not be read to its end: nothing was kept.")
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		w.syncAhead()
	}
}

// syncAhead begins to sync what was written, unless that is little, or a sync goes on.
func (w *writer) syncAhead() {
	if w.since < syncStep || !w.busy.CompareAndSwap(false, true) {
		return
	}
	w.since = 0
	w.syncing.Go(func() {
		w.unsynced = cmp.Or(w.unsynced, w.f.Sync())
		w.busy.Store(false)
	})
}

// sum sums up the pieces.
func (w *writer) sum() {
	sum := sha256.New()
	for p := range w.pieces {
		sum.Write(p.buffer[:p.n]) // never fails
		pieces.Put(p)
	}
	w.summed <- [sha256.Size]byte(sum.Sum(nil))
}

// fill is io.ReadFull, but keeps apart the end of the body and a body that was
// cut off.
func fill(buffer []byte, body io.Reader) (n int, err error) {
	for n < len(buffer) && err == nil {
		var m int
		m, err = body.Read(buffer[n:])
		n += m
	}
	return n, err
}

// makeFolders makes a folder and those above it, durably: a folder that is
// new is synced in the one above it.
func (l *Local) makeFolders(dir string) error {
	l.folders.Lock()
	defer l.folders.Unlock()
	return l.makeFolder(dir)
}

func (l *Local) makeFolder(dir string) error {
	if info, err := l.root.Stat(dir); err == nil {
		if !info.IsDir() {
			return syscall.ENOTDIR
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := l.makeFolder(path.Dir(dir)); err != nil {
		return err
	}
	if err := l.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return l.syncFolder(path.Dir(dir))
}

func (l *Local) syncFolder(dir string) error {
	d, err := l.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open opens a file.
func (l *Local) Open(_ context.Context, key string) (File, error) {
	f, err := l.root.Open(path.Join(kept, key))
	if err != nil {
		return nil, classify(err, key)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, errors.Join(classify(err, key), f.Close())
	}
	return &localFile{f, info}, nil
}

// Size returns the size of a file. NotFound: there is none.
func (l *Local) Size(_ context.Context, key string) (int64, error) {
	info, err := l.root.Stat(path.Join(kept, key))
	if err != nil {
		return 0, classify(err, key)
	}
	return info.Size(), nil
}

// Sum returns the SHA-256 of a file, which it reads. NotFound: there is none.
func (l *Local) Sum(ctx context.Context, key string) ([]byte, error) {
	f, err := l.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, classify(err, key)
	}
	return sum.Sum(nil), nil
}

// localFile is a file of the system, so that it is sent without being copied
// through this program.
type localFile struct {
	*os.File
	info fs.FileInfo
}

// Size is the file's length in bytes.
func (f *localFile) Size() int64 { return f.info.Size() }

// Modified is when the file was written.
func (f *localFile) Modified() time.Time { return f.info.ModTime() }

// Remove removes a file, and the folders that are empty then.
func (l *Local) Remove(_ context.Context, key string) error {
	name := path.Join(kept, key)
	if err := l.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return classify(err, key)
	}
	for dir := path.Dir(name); dir != kept && dir != "."; dir = path.Dir(dir) {
		if l.root.Remove(dir) != nil {
			break // it holds something, or another was first
		}
	}
	return nil
}

// Walk goes through the folder.
func (l *Local) Walk(ctx context.Context, visit func(key string, size int64, modified time.Time) error) error {
	return fs.WalkDir(l.root.FS(), kept, func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return visit(name[len(kept)+1:], info.Size(), info.ModTime())
	})
}

// unwritten gives errors of writing their kinds: what is not there then is the
// store itself.
func unwritten(err error, key string) error {
	if err = classify(err, key); record.KindOf(err) == record.NotFound {
		return record.Unavailable.Wrap(err, "the folder of the files is not there")
	}
	return err
}

// classify gives errors of the system their kinds.
func classify(err error, key string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return record.NotFound.Errorf("path", "there is no file at %s", record.Quote(key))
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return record.Full.Wrap(err, "the disk is full; nothing was written")
	}
	return record.Unavailable.Wrap(err, "the file store did not read or write")
}
