package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"

	"modeldb/internal/record"
)

// internedLimit is how many keys of one kind are remembered. When there are
// more, all are forgotten, and looked up again as they come.
const internedLimit = 1 << 16

// interned remembers which number the database has given to a
// dataset's hash. It learns a number only after the commit that made
// it, and numbers never change, so it is never wrong.
type interned[K comparable] struct {
	mu   sync.RWMutex // guards keys
	keys map[K]int64
}

func (in *interned[K]) get(k K) (int64, bool) {
	in.mu.RLock()
	defer in.mu.RUnlock()
	key, ok := in.keys[k]
	return key, ok
}

func (in *interned[K]) put(k K, key int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.keys == nil || len(in.keys) >= internedLimit {
		in.keys = map[K]int64{}
	}
	in.keys[k] = key
}

// numbers returns the numbers of all wanted keys. Those that are not known
// are made with add, which leaves a row that is there as it is, and looked up
// with find, in a write of their own: numbers of a group that fails later do
// no harm.
func (in *interned[K]) numbers(ctx context.Context, s *Store, wanted []K, add func(*tx, int), find string, arg func(K) any) ([]int64, error) {
	keys := make([]int64, len(wanted))
	var missing []int
	for i, k := range wanted {
		key, ok := in.get(k)
		if keys[i] = key; !ok {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return keys, nil
	}
	err := s.write(ctx, func(t *tx) error {
		for _, i := range missing {
			add(t, i)
		}
		for _, i := range missing {
			err := t.query(find, []any{arg(wanted[i])}, func(r row) error { keys[i] = r.Int(0); return nil })
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, i := range missing {
		in.put(wanted[i], keys[i])
	}
	return keys, nil
}

var datasetTable = newTable("dataset", "hash, name, digest, source_type, source, schema, profile", "on conflict do nothing")

type datasetHash [sha256.Size]byte

// hashDataset is the identity of a dataset: equal when all fields are.
func hashDataset(d record.Dataset) (h datasetHash) {
	b := make([]byte, 0, 256)
	for _, field := range []string{d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile} {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	return sha256.Sum256(b)
}

// datasetKeys returns the numbers of the datasets of uses.
func (s *Store) datasetKeys(ctx context.Context, uses []record.DatasetUse) ([]int64, error) {
	hashes := make([]datasetHash, len(uses))
	for i, u := range uses {
		hashes[i] = hashDataset(u.Dataset)
	}
	return s.datasets.numbers(ctx, s, hashes,
		func(t *tx, i int) {
			d := uses[i].Dataset
			t.add(datasetTable, slices.Clone(hashes[i][:]), d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile)
		},
		`select key from dataset where hash = $1`,
		func(h datasetHash) any { return h[:] })
}
