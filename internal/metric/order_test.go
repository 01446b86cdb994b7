package metric

import (
	"math"
	"slices"
	"testing"

	"modeldb/internal/record"

	"pgregory.net/rapid"
)

// closePoint draws points among which many are equal in part or whole.
var closePoint = rapid.Custom(func(t *rapid.T) record.Point {
	return record.Point{
		Step:  rapid.Int64Range(0, 3).Draw(t, "step"),
		Time:  rapid.Int64Range(-1, 2).Draw(t, "time"),
		Value: rapid.SampledFrom([]float64{math.NaN(), 0, math.Copysign(0, -1), -1, 1, math.Inf(1), math.Inf(-1)}).Draw(t, "value"),
	}
})

// logged draws points as they lie in a store: ordered runs end to end, or none.
var logged = rapid.Custom(func(t *rapid.T) (points []record.Point) {
	for _, run := range rapid.SliceOfN(rapid.SliceOfN(rapid.OneOf(closePoint, aPoint), 0, 90), 0, 5).Draw(t, "runs") {
		if rapid.Bool().Draw(t, "ordered") {
			slices.SortFunc(run, Compare)
		}
		points = append(points, run...)
	}
	return points
})

func TestValuesStandInOneOrder(t *testing.T) {
	ordered := []float64{math.Inf(-1), -1, -math.SmallestNonzeroFloat64, math.Copysign(0, -1), 0, math.NaN(), math.SmallestNonzeroFloat64, 1, math.Inf(1)}
	for i, v := range ordered {
		for j, w := range ordered {
			got := Compare(record.Point{Value: v}, record.Point{Value: w})
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%v and %v compare as %d", v, w, got)
			}
		}
	}
}

func TestPointsStandByTimeThenStepThenValue(t *testing.T) {
	in := []record.Point{{Step: 0, Time: 2, Value: 0}, {Step: 2, Time: 1, Value: 5}, {Step: 1, Time: 1, Value: 9}, {Step: 1, Time: 1, Value: 8}}
	want := []record.Point{in[3], in[2], in[1], in[0]}
	if got := Compact(slices.Clone(in)); !same(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCompactOrdersAndKeepsEachPointOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := logged.Draw(t, "points")
		got := Compact(slices.Clone(in))
		for i := 1; i < len(got); i++ {
			if Compare(got[i-1], got[i]) >= 0 {
				t.Fatalf("%v stands before %v", got[i-1], got[i])
			}
		}
		has := func(points []record.Point, p record.Point) bool {
			return slices.ContainsFunc(points, func(q record.Point) bool { return Compare(p, q) == 0 })
		}
		for _, p := range in {
			if !has(got, p) {
				t.Fatalf("%v is lost", p)
			}
		}
		for _, p := range got {
			if !has(in, p) {
				t.Fatalf("%v came from nowhere", p)
			}
		}
	})
}

func TestCompactDropsTwinsOfAnOrderedHistory(t *testing.T) {
	nan := math.NaN()
	in := []record.Point{{Time: 1, Value: nan}, {Time: 1, Value: -nan}, {Time: 2, Value: 3}, {Time: 2, Value: 3}, {Time: 2, Value: 4}}
	want := []record.Point{in[0], in[2], in[4]}
	if got := Compact(in); !same(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestMergingRunsSorts(t *testing.T) {
	points := shapes["rounded to 2 decimals"](random(), 5000)
	for i := range points {
		points[i].Time += int64(i%7) * 5000
	}
	slices.SortStableFunc(points, func(p, q record.Point) int { return int(p.Step%7 - q.Step%7) })
	want := slices.Clone(points)
	slices.SortFunc(want, Compare)
	if got := Compact(points); !same(got, want) {
		t.Error("seven runs did not come out sorted")
	}
}

func TestAfterContinuesBehindAPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := Compact(logged.Draw(t, "points"))
		p := rapid.OneOf(closePoint, aPoint).Draw(t, "place")
		i := After(points, p)
		if i > 0 && Compare(points[i-1], p) > 0 || i < len(points) && Compare(points[i], p) <= 0 {
			t.Fatalf("the first of %v after %v is not at %d", points, p, i)
		}
	})
}
