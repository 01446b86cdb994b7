package metric

import (
	"math"
	"reflect"
	"testing"

	"modeldb/internal/record"
)

func all(int64) bool { return true }

func read(t testing.TB, body []byte, want func(int64) bool) (out []Series) {
	t.Helper()
	err := ReadTail(body, want, func(metric int64, p record.Point) {
		if n := len(out); n == 0 || out[n-1].Metric != metric {
			out = append(out, Series{Metric: metric})
		}
		s := &out[len(out)-1]
		s.Points = append(s.Points, p)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTailGivesBackWhatWasAppended(t *testing.T) {
	in := []Series{
		{1, []record.Point{{Step: 0, Time: 1, Value: 0.5}, {Step: -1, Time: math.MaxInt64, Value: math.Inf(-1)}}},
		{math.MaxInt64, []record.Point{{Step: math.MinInt64, Time: math.MinInt64, Value: math.SmallestNonzeroFloat64}}},
	}
	body := AppendTail(nil, in)
	if got := read(t, body, all); !reflect.DeepEqual(got, in) {
		t.Errorf("got %v, want %v", got, in)
	}
	if got := read(t, body, func(m int64) bool { return m == math.MaxInt64 }); !reflect.DeepEqual(got, in[1:]) {
		t.Errorf("one metric: got %v, want %v", got, in[1:])
	}
}

func TestTailKeepsNaN(t *testing.T) {
	got := read(t, AppendTail(nil, []Series{{7, []record.Point{{Value: math.NaN()}}}}), all)
	if len(got) != 1 || !math.IsNaN(got[0].Points[0].Value) {
		t.Errorf("got %v, want NaN", got)
	}
}

func TestCutTailIsCorruptOrShorter(t *testing.T) {
	body := AppendTail(nil, []Series{{1, []record.Point{{Step: 1, Time: 2, Value: 3}}}, {2, []record.Point{{Step: 300, Time: 1e12, Value: 4}}}})
	for n := range body {
		points := 0
		err := ReadTail(body[:n], all, func(int64, record.Point) { points++ })
		if err == nil && points == 2 {
			t.Errorf("the first %d bytes read as the whole body", n)
		}
	}
}

func FuzzReadTail(f *testing.F) {
	f.Add(AppendTail(nil, []Series{{1, []record.Point{{Step: 1, Time: 2, Value: 3}}}}))
	f.Add([]byte{})
	f.Add([]byte{tailVersion, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		var points []Series
		err := ReadTail(body, all, func(metric int64, p record.Point) {
			points = append(points, Series{metric, []record.Point{p}})
		})
		if err == nil && len(points) > len(body) {
			t.Errorf("%d points in %d bytes", len(points), len(body))
		}
	})
}
