package metric

import (
	"math"
	"slices"
	"testing"

	"modeldb/internal/record"

	"pgregory.net/rapid"
)

// row is a history of n points whose steps are their places.
func row(n int) (points []record.Point) {
	for i := range n {
		points = append(points, record.Point{Step: int64(i), Time: int64(i)})
	}
	return points
}

func stepsOf(points []record.Point) []int64 {
	steps := []int64{}
	for _, p := range points {
		steps = append(steps, p.Step)
	}
	return steps
}

// The wanted steps are what MLflow 3.17.2's statement, NTILE over (step,
// timestamp, value, is_nan), gave on SQLite.
func TestSampleIsThatOfMLflow(t *testing.T) {
	for _, c := range []struct {
		points, n int
		want      []int64
	}{
		{0, 3, []int64{}},
		{1, 1, []int64{0}},
		{5, 0, []int64{4}},
		{5, 1, []int64{4}},
		{5, 5, []int64{0, 1, 2, 3, 4}},
		{4, 9, []int64{0, 1, 2, 3}},
		{6, 5, []int64{0, 2, 3, 4, 5}},
		{7, 3, []int64{0, 3, 6}},
		{10, 4, []int64{0, 3, 6, 9}},
		{11, 2, []int64{0, 10}},
		{20, 6, []int64{0, 4, 8, 11, 14, 19}},
		{23, 7, []int64{0, 4, 8, 11, 14, 17, 22}},
	} {
		if got := stepsOf(Sample(row(c.points), c.n)); !slices.Equal(got, c.want) {
			t.Errorf("%d of %d points: steps %v, want %v", c.n, c.points, got, c.want)
		}
	}
}

func TestSampleOfEqualStepsIsThatOfMLflow(t *testing.T) {
	points := []record.Point{{Step: 1, Time: 5, Value: math.NaN()}, {Step: 1, Time: 5}, {Step: 1, Time: 5, Value: -1}, {Step: 1, Time: 5, Value: 1}, {Step: 0, Time: 9, Value: 2}, {Step: 1, Time: 4, Value: 7}}
	for n, want := range map[int][]int{1: {3}, 2: {4, 3}, 3: {4, 2, 3}, 6: {4, 5, 2, 1, 0, 3}} {
		var wanted []record.Point
		for _, i := range want {
			wanted = append(wanted, points[i])
		}
		before := slices.Clone(points)
		if got := Sample(points, n); !same(got, wanted) {
			t.Errorf("%d points: got %v, want %v", n, got, wanted)
		}
		if !same(points, before) {
			t.Fatal("the history itself has changed")
		}
	}
}

func TestStepsKeepsThoseInTheRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := logged.Draw(t, "points")
		first, last := aNumber.Draw(t, "first"), aNumber.Draw(t, "last")
		var want []record.Point
		for _, p := range points {
			if first <= p.Step && p.Step <= last {
				want = append(want, p)
			}
		}
		before := slices.Clone(points)
		if got := Steps(points, first, last); !same(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if !same(points, before) {
			t.Fatal("the history itself has changed")
		}
	})
}

func TestMinMaxKeepsExtremesEndsAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := logged.Draw(t, "points")
		buckets := rapid.IntRange(0, 40).Draw(t, "buckets")
		got := MinMax(points, buckets)
		if most := 3*max(buckets, 1) + 2; len(got) > most {
			t.Fatalf("%d points, want at most %d", len(got), most)
		}
		rest := points
		for _, p := range got { // each is found behind the one before it
			i := slices.IndexFunc(rest, func(q record.Point) bool { return same([]record.Point{p}, []record.Point{q}) })
			if i < 0 {
				t.Fatalf("%v is out of order or from nowhere", p)
			}
			rest = rest[i+1:]
		}
		if len(points) == 0 {
			return
		}
		if n := len(points) - 1; !same(got[:1], points[:1]) || !same(got[len(got)-1:], points[n:]) {
			t.Fatalf("%v does not begin and end as %v", got, points)
		}
		a, b := BoundsOf(got), BoundsOf(points)
		if a.Low.Value != b.Low.Value && b.Low.Value == b.Low.Value || a.High.Value != b.High.Value && b.High.Value == b.High.Value {
			t.Fatalf("values from %v to %v, want %v to %v", a.Low.Value, a.High.Value, b.Low.Value, b.High.Value)
		}
		gap := func(p record.Point) bool { return p.Value != p.Value }
		if slices.ContainsFunc(points, gap) && !slices.ContainsFunc(got, gap) {
			t.Fatal("the gap is lost")
		}
	})
}

func TestMinMaxKeepsTheExtremesOfEachBucket(t *testing.T) {
	points := shapes["rounded to 2 decimals"](random(), 1000)
	points[500].Value = math.NaN()
	got := MinMax(points, 10)
	if len(got) < 20 || len(got) > 23 {
		t.Errorf("%d points, want two a bucket, the first, the last and the gap", len(got))
	}
	for at := 0; at < len(points); at += 100 { // the span is 999, a bucket 100 steps
		want := BoundsOf(points[at : at+100])
		b := BoundsOf(Steps(got, int64(at), int64(at+99)))
		if b.Low.Value != want.Low.Value || b.High.Value != want.High.Value {
			t.Errorf("steps from %d: values from %v to %v, want %v to %v", at, b.Low.Value, b.High.Value, want.Low.Value, want.High.Value)
		}
	}
}

func TestMinMaxCutsTimesWhenThereIsOneStep(t *testing.T) {
	points := shapes["rounded to 2 decimals"](random(), 1000)
	for i := range points {
		points[i].Step = 0
	}
	if got := MinMax(points, 10); len(got) < 18 {
		t.Errorf("%d points, want about 20", len(got))
	}
}

func TestMinMaxTakesTheWidestRange(t *testing.T) {
	points := []record.Point{
		{Step: math.MaxInt64}, {Step: math.MinInt64, Value: 3}, {Step: math.MinInt64 + 1, Value: 4},
		{Step: math.MaxInt64, Value: 9}, {Step: math.MaxInt64, Value: -9}, {Step: 0, Value: 5},
		{Step: 1, Value: 6}, {Step: -1, Value: 5.5}, {Step: math.MaxInt64},
	}
	for buckets, want := range map[int][]int{
		1: {0, 3, 4, 8},
		2: {0, 1, 3, 4, 7, 8}, // -1 is in the lower half
		3: {0, 1, 2, 3, 4, 5, 6, 8},
	} {
		var wanted []record.Point
		for _, i := range want {
			wanted = append(wanted, points[i])
		}
		if got := MinMax(points, buckets); !same(got, wanted) {
			t.Errorf("%d buckets: got %v, want %v", buckets, got, wanted)
		}
	}
}
