package record

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// Keys draws ids and keys. Those that are ordered by time never repeat within
// one process; between processes a repetition is possible and rare, the store
// refuses it, and the caller draws again.
type Keys struct {
	now func() time.Time

	mu      sync.Mutex // guards what follows
	ms      int64
	seq     uint64 // 12 bits, counts within ms
	model   int64  // the last key of a model
	project int64  // the last key of a project
}

// NewKeys returns a source of keys that reads the time from now.
func NewKeys(now func() time.Time) *Keys { return &Keys{now: now} }

const seqBits = 12

// tick returns a pair (milliseconds, 12-bit counter) greater than every pair
// before. A clock that stands still or runs backwards does not disturb it.
func (k *Keys) tick() (ms int64, seq uint64) {
	now := k.now().UnixMilli()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case now > k.ms:
		// A random start keeps several servers apart; its top bit is 0, to
		// leave room for counting.
		k.ms, k.seq = now, random64()>>(64-seqBits+1)
	case k.seq+1 < 1<<seqBits:
		k.seq++
	default:
		k.ms, k.seq = k.ms+1, 0
	}
	return k.ms, k.seq
}

// Raise makes every key and id that is drawn from now on, apart from those of
// models and projects, come after a key of Sequence.
func (k *Keys) Raise(sequence int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ms := SequenceTime(sequence); ms >= k.ms {
		k.ms, k.seq = ms, 1<<seqBits-1
	}
}

// Run draws the id of a new run, greater than every id drawn before.
func (k *Keys) Run() RunID {
	ms, seq := k.tick()
	var id RunID
	binary.BigEndian.PutUint64(id[:8], uint64(ms)<<16|7<<12|seq)
	binary.BigEndian.PutUint64(id[8:], 0b10<<62|random64()>>2)
	return id
}

// epoch is the beginning of 2025: keys of models and projects count from
// there. Those of models stay below 2^53, where JavaScript still reads them
// exactly, and those of projects within 48 bits, until 2094.
const epoch = 1735689600000

// Model draws the key of a new model, greater than every key drawn before.
func (k *Keys) Model() int64 { return k.next(&k.model, 12) }

// Project draws the key of a new project, greater than every key drawn before.
func (k *Keys) Project() int64 { return k.next(&k.project, 7) }

// next draws a key of the milliseconds and so many bits below, which begin at
// random, to keep several servers apart; the first of them is 0, to leave room
// for counting.
func (k *Keys) next(last *int64, bits int) int64 {
	key := max(k.now().UnixMilli()-epoch, 1)<<bits | int64(random64()>>(64-bits+1))
	k.mu.Lock()
	defer k.mu.Unlock()
	*last = max(key, *last+1)
	return *last
}

// Sequence draws a key that orders rows by time, such as events.
func (k *Keys) Sequence() int64 {
	ms, seq := k.tick()
	return (ms&(1<<44-1))<<19 | int64(seq)<<7 | int64(random64()>>57)
}

func random64() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: the program ends where there is no randomness
	return binary.BigEndian.Uint64(b[:])
}

// SequenceTime is when a key of Sequence was drawn: milliseconds, UTC.
func SequenceTime(key int64) int64 { return key >> 19 }

// FirstSequence is less than every key of Sequence drawn at a time or later.
func FirstSequence(ms int64) int64 { return ms << 19 }
