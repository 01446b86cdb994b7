package metric

import (
	"errors"
	"math"
	"slices"
	"testing"

	"modeldb/internal/record"

	"pgregory.net/rapid"
)

// aNumber draws steps and times: some anything, most near each other.
var aNumber = rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3, 300),
	rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 0, 1_790_000_000_000}))

// aValue draws the values that need care, and common ones.
var aValue = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64, 1 << 53, 0.1, 1e22}),
	rapid.Map(rapid.Float32(), func(v float32) float64 { return float64(v) }),
	rapid.Map(rapid.Int64Range(-99999, 99999), func(k int64) float64 { return float64(k) / 1e4 }))

var aPoint = rapid.Custom(func(t *rapid.T) record.Point {
	return record.Point{Step: aNumber.Draw(t, "step"), Time: aNumber.Draw(t, "time"), Value: aValue.Draw(t, "value")}
})

var someHistories = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) History {
	return History{rapid.StringN(0, 8, 250).Draw(t, "key"), rapid.SliceOfN(aPoint, 1, 40).Draw(t, "points")}
}), 0, 12)

// same reports whether two lists hold the same points bit for bit, where all
// NaN are one.
func same(a, b []record.Point) bool {
	return slices.EqualFunc(a, b, func(p, q record.Point) bool {
		return p.Step == q.Step && p.Time == q.Time && floatBits(p.Value) == floatBits(q.Value)
	})
}

func sameHistories(a, b []History) bool {
	return slices.EqualFunc(a, b, func(g, h History) bool { return g.Key == h.Key && same(g.Points, h.Points) })
}

type readFunc func([]byte, func(string) bool, func(string, record.Point)) error

// collect returns what a body holds, points one by one under their keys.
func collect(read readFunc, body []byte, want func(string) bool) (all []History, err error) {
	err = read(body, want, func(key string, p record.Point) {
		all = append(all, History{key, []record.Point{p}})
	})
	return all, err
}

// flat returns histories as collect does.
func flat(histories []History, want func(string) bool) (all []History) {
	for _, h := range histories {
		for _, p := range h.Points {
			if want == nil || want(h.Key) {
				all = append(all, History{h.Key, []record.Point{p}})
			}
		}
	}
	return all
}

func givesBack(t *testing.T, write func([]byte, []History) []byte, read readFunc, readOf func(string, []byte, func(record.Point)) error) {
	rapid.Check(t, func(t *rapid.T) {
		in := someHistories.Draw(t, "histories")
		before := rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "before")
		body := write(slices.Clone(before), in)
		if !slices.Equal(body[:len(before)], before) {
			t.Fatal("what stood before the body has changed")
		}
		body = slices.Clip(body[len(before):])
		odd := func(key string) bool { return len(key)%2 == 1 }
		for _, want := range []func(string) bool{nil, odd} {
			got, err := collect(read, body, want)
			if wanted := flat(in, want); err != nil || !sameHistories(got, wanted) {
				t.Fatalf("got %v %v, want %v", got, err, wanted)
			}
		}
		for _, h := range in {
			var got, wanted []record.Point
			for _, one := range flat(in, func(key string) bool { return key == h.Key }) {
				wanted = append(wanted, one.Points...)
			}
			if err := readOf(h.Key, body, func(p record.Point) { got = append(got, p) }); err != nil || !same(got, wanted) {
				t.Fatalf("of %q: got %v %v, want %v", h.Key, got, err, wanted)
			}
		}
	})
}

func TestSeriesGivesBackWhatWasAppended(t *testing.T) {
	givesBack(t, AppendSeries, ReadSeries, ReadSeriesOf)
}

func TestSeriesLeavesOutKeysWithoutPoints(t *testing.T) {
	in := []History{{Key: "none"}, {"loss", []record.Point{{Step: 7, Time: 9, Value: 0.5}}}, {Key: "nor here"}}
	body := AppendSeries(nil, in)
	if got, err := collect(ReadSeries, body, nil); err != nil || !sameHistories(got, in[1:2]) {
		t.Errorf("got %v %v, want %v", got, err, in[1:2])
	}
	if one := AppendSeries(nil, in[1:2]); !slices.Equal(body, one) {
		t.Errorf("the body has %d bytes, and %d without the empty keys", len(body), len(one))
	}
}

func TestCutSeriesIsCorruptOrShorter(t *testing.T) {
	in := []History{{"a", []record.Point{{Step: 1, Time: 2, Value: 3}}}, {"bb", []record.Point{{Step: 300, Time: 1e12, Value: 4}}}}
	body := AppendSeries(nil, in)
	for n := range body {
		got, err := collect(ReadSeries, slices.Clip(body[:n]), nil)
		if err == nil && len(got) >= 2 || err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d bytes read as %v, %v", n, got, err)
		}
	}
}

func TestOneMoreSeriesCostsNoMemory(t *testing.T) {
	series := []History{{"val/loss", []record.Point{{Step: 7, Time: 1_790_000_000_000, Value: 0.5}}}}
	dst := AppendSeries(nil, series)
	var r Reader
	sum := 0.0
	add := func(_ string, p record.Point) { sum += p.Value }
	if n := testing.AllocsPerRun(100, func() {
		dst = AppendSeries(dst[:0], series)
		if err := r.Series(dst, nil, add); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("writing and reading a point again costs %v allocations, want none", n)
	}
}

func FuzzReadSeries(f *testing.F) {
	f.Add(AppendSeries(nil, []History{{"loss", []record.Point{{Step: 1, Time: 2, Value: 3}, {Step: 2, Time: 3, Value: 3}}}, {"k", []record.Point{{Value: 1}}}}))
	f.Add([]byte{})
	f.Add([]byte{seriesVersion, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := collect(ReadSeries, body, nil)
		if err != nil && !errors.Is(err, ErrCorrupt) || len(got) > len(body) {
			t.Errorf("%d points in %d bytes, %v", len(got), len(body), err)
		}
		if err != nil {
			return
		}
		again, err := collect(ReadSeries, AppendSeries(nil, got), nil)
		if err != nil || !sameHistories(again, got) {
			t.Errorf("written again: %v %v, want %v", again, err, got)
		}
	})
}
