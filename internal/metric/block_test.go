package metric

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"modeldb/internal/record"
)

func TestBlockGivesBackWhatWasAppended(t *testing.T) {
	givesBack(t, AppendBlock, ReadBlock, ReadBlockOf)
}

func TestLongHistoryInABlockComesBackWhole(t *testing.T) {
	in := []History{{"long", shapes["any bits"](random(), 2*MaxChunk+5)}, {"short", shapes["any bits"](random(), 3)}}
	got, err := collect(ReadBlock, AppendBlock(nil, in), nil)
	if err != nil || !sameHistories(got, flat(in, nil)) {
		t.Errorf("%d points came back, %v", len(got), err)
	}
}

func TestBlockThatShrinksToNearlyNothingComesBack(t *testing.T) {
	in := make([]History, 20_000)
	for i := range in {
		in[i] = History{"the same key", []record.Point{{Step: 1}}}
	}
	got, err := collect(ReadBlock, AppendBlock(nil, in), nil)
	if err != nil || !sameHistories(got, in) {
		t.Errorf("%d histories came back, %v", len(got), err)
	}
}

func TestBlockThatNoWriterWroteIsCorrupt(t *testing.T) {
	one := AppendBlock(nil, []History{{"k", []record.Point{{Step: 1}}}})
	const countAt = frameLen + 1 + 2 // after the way it is stored, and the key
	for _, count := range []uint64{0, MaxChunk + 1, 1 << 40} {
		body := binary.AppendUvarint(slices.Clone(one[:countAt]), count)
		body = append(body, one[countAt+1:]...)
		if got, err := collect(ReadBlock, seal(body, 0), nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d points: %v %v", count, got, err)
		}
	}
	// What S2 says that it will be is not believed.
	bomb := append(appendFrame(nil, blockVersion), storedS2)
	bomb = seal(append(binary.AppendUvarint(bomb, 1<<28), 1, 2, 3), 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := collect(ReadBlock, bomb, nil)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v %v", got, err)
	}
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 1<<20 {
		t.Errorf("a body of %d bytes took %d bytes of memory", len(bomb), bytes)
	}
}

// shortRun is what a run of few epochs logs: keys histories of n points each.
func shortRun(keys, n int) (histories []History) {
	r := random()
	for k := range keys {
		points := shapes["float32 loss, jittered times"](r, n)
		for i := range points { // logged together: only the values differ
			points[i].Step, points[i].Time = int64(i), 1_790_000_000_000+int64(i)*61_234
		}
		histories = append(histories, History{fmt.Sprintf("val/layer%d/loss", k), points})
	}
	return histories
}

func TestBlockIsAsSmallAsPromised(t *testing.T) {
	body := AppendBlock(nil, shortRun(20, 10))
	if got := float64(len(body)) / 200; got > 6 {
		t.Errorf("%.2f bytes a point, want at most 6", got)
	}
}

func TestAnyChangedBitOfABlockIsAnError(t *testing.T) {
	body := AppendBlock(nil, shortRun(8, 5))
	for i := range body {
		for bit := range 8 {
			body[i] ^= 1 << bit
			if got, err := collect(ReadBlock, body, nil); !errors.Is(err, ErrCorrupt) || len(got) > 0 {
				t.Fatalf("byte %d, bit %d: %d points, %v", i, bit, len(got), err)
			}
			body[i] ^= 1 << bit
		}
		if _, err := collect(ReadBlock, body[:i], nil); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
}

// FuzzReadBlock sets the checksum right, as FuzzReadChunk does.
func FuzzReadBlock(f *testing.F) {
	f.Add(AppendBlock(nil, nil)[frameLen:])
	f.Add(AppendBlock(nil, shortRun(1, 1))[frameLen:])
	f.Add(AppendBlock(nil, shortRun(8, 5))[frameLen:])
	f.Fuzz(func(t *testing.T, content []byte) {
		body := seal(append(appendFrame(nil, blockVersion), content...), 0)
		var got []History
		err := ReadBlock(body, nil, func(key string, p record.Point) {
			if n := len(got); n > 0 && got[n-1].Key == key {
				got[n-1].Points = append(got[n-1].Points, p)
				return
			}
			got = append(got, History{key, []record.Point{p}})
		})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Error(err)
			}
			return
		}
		again, err := collect(ReadBlock, AppendBlock(nil, got), nil)
		if err != nil || !sameHistories(again, flat(got, nil)) {
			t.Errorf("written again: %d points, %v", len(again), err)
		}
	})
}
