package record_test

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"modeldb/internal/record"
)

// clocks are how time goes by while keys are drawn.
var clocks = map[string]func(n int64) time.Time{
	"real":        func(int64) time.Time { return time.Now() },
	"still":       func(int64) time.Time { return time.UnixMilli(1_800_000_000_000) },
	"backwards":   func(n int64) time.Time { return time.UnixMilli(1_800_000_000_000 - n) },
	"to and fro":  func(n int64) time.Time { return time.UnixMilli(1_800_000_000_000 + n*7919%1000) },
	"slow":        func(n int64) time.Time { return time.UnixMilli(1_800_000_000_000 + n/10_000) },
	"1970":        func(n int64) time.Time { return time.UnixMilli(n) }, // a machine that lost its time
	"before 1970": func(n int64) time.Time { return time.UnixMilli(n - 1_000_000) },
	"end of 2024": func(n int64) time.Time { return time.UnixMilli(1_735_689_600_000 - 100 + n) },
	"2090":        func(n int64) time.Time { return time.UnixMilli(3_786_912_000_000 + n) },
}

func keysOf(clock func(n int64) time.Time) *record.Keys {
	var mu sync.Mutex
	var n int64
	return record.NewKeys(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		n++
		return clock(n)
	})
}

func TestEachKeyIsGreaterThanThoseBefore(t *testing.T) {
	for name, clock := range clocks {
		for what, draw := range map[string]func(*record.Keys) int64{
			"run":      func(k *record.Keys) int64 { return k.Run().Key() },
			"model":    (*record.Keys).Model,
			"project":  (*record.Keys).Project,
			"sequence": (*record.Keys).Sequence,
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				keys, last := keysOf(clock), int64(0)
				for i := range 20_000 { // more than the counter holds
					key := draw(keys)
					if key <= last {
						t.Fatalf("key %d is %d, and the one before %d", i, key, last)
					}
					if what == "model" && key >= 1<<53 {
						t.Fatalf("the model's key %d is beyond 2^53", key)
					}
					last = key
				}
			})
		}
	}
}

func TestKeysDrawnAtOnceAreUnlikeAndInOrderForEachCaller(t *testing.T) {
	keys := keysOf(clocks["slow"])
	var drawn [8][]int64
	var all sync.WaitGroup
	for i := range drawn {
		all.Go(func() {
			for range 3000 {
				drawn[i] = append(drawn[i], keys.Run().Key())
			}
		})
	}
	all.Wait()
	for _, d := range drawn {
		if !slices.IsSorted(d) {
			t.Error("the keys of one caller are out of order")
		}
	}
	every := slices.Concat(drawn[:]...)
	slices.Sort(every)
	if n := len(slices.Compact(slices.Clone(every))); n != len(every) {
		t.Errorf("%d keys of %d are drawn twice", len(every)-n, len(every))
	}
}

func TestIDOfARunIsAVersion7UUIDOfItsTime(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_123)
	keys := record.NewKeys(func() time.Time { return now })
	var ones, zeros uint64
	for range 200 {
		id := keys.Run()
		hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
		if ms := int64(hi >> 16); ms != now.UnixMilli() {
			t.Fatalf("%s has the time %d, want %d", id, ms, now.UnixMilli())
		}
		if version, variant := hi>>12&0xf, lo>>62; version != 7 || variant != 0b10 {
			t.Fatalf("%s has version %d and variant %b", id, version, variant)
		}
		ones, zeros = ones|lo, zeros|^lo
	}
	if random := ones & zeros; random != 1<<62-1 {
		t.Errorf("these bits are not random: %#x", ^random&(1<<62-1))
	}
}

// Servers that start in the same millisecond draw unlike keys: the counter
// begins anywhere.
func TestServersDrawUnlikeKeysInTheSameMillisecond(t *testing.T) {
	runs, models, projects := map[int64]bool{}, map[int64]bool{}, map[int64]bool{}
	for range 100 {
		projects[keysOf(clocks["still"]).Project()] = true
		runs[keysOf(clocks["still"]).Run().Key()] = true
		models[keysOf(clocks["still"]).Model()] = true
	}
	if len(runs) < 90 || len(models) < 80 || len(projects) < 30 { // of 2^18, 2^11 and 2^6
		t.Errorf("100 servers drew %d keys of runs, %d of models and %d of projects", len(runs), len(models), len(projects))
	}
}

func TestKeyOfAProjectHas48BitsAndIsNeverTheDefaultOne(t *testing.T) {
	for name, clock := range clocks {
		keys := keysOf(clock)
		for range 1000 {
			if key := keys.Project(); key == record.DefaultProject || key < 0 || key >= 1<<48 {
				t.Fatalf("%s: drew the key %#x", name, key)
			}
		}
	}
}
