package metric

import (
	"slices"

	"modeldb/internal/record"
)

// Steps returns the points whose steps are from first to last, in their order.
// It does not change points, and may return a part of them.
func Steps(points []record.Point, first, last int64) []record.Point {
	out := func(p record.Point) bool { return p.Step < first || p.Step > last }
	for len(points) > 0 && out(points[0]) {
		points = points[1:]
	}
	for len(points) > 0 && out(points[len(points)-1]) {
		points = points[:len(points)-1]
	}
	if !slices.ContainsFunc(points, out) {
		return slices.Clip(points)
	}
	return slices.DeleteFunc(slices.Clone(points), out)
}

// Sample returns n of the points of a compacted history, or all if there are
// no more, by step, time and value. It gives what MLflow's
// get-history-bulk-interval does: the points are cut into n parts that differ
// by at most one point in length, longer parts first, and the first of each is
// taken; the last point of all takes the place of the last that was taken.
// A number below 1 is taken for 1, which gives the last point. Sample does not
// change points, and may return them themselves.
func Sample(points []record.Point, n int) []record.Point {
	points = bySteps(points)
	places := Places(len(points), n)
	if places == nil {
		return slices.Clip(points)
	}
	sample := make([]record.Point, len(places))
	for i, at := range places {
		sample[i] = points[at]
	}
	return sample
}

// Places are where in count points, ordered by step, those are that Sample
// returns of them, in ascending order; nil for all of them.
func Places(count, n int) []int {
	n = max(n, 1)
	if count <= n {
		return nil
	}
	places := make([]int, n)
	size, longer := count/n, count%n
	for i := range places {
		places[i] = i*size + min(i, longer)
	}
	places[n-1] = count - 1
	return places
}

// bySteps returns points ordered by step: themselves, if they are already.
func bySteps(points []record.Point) []record.Point {
	if slices.IsSortedFunc(points, compareBySteps) {
		return points
	}
	points = slices.Clone(points)
	sortPoints(points, compareBySteps)
	return points
}

// MinMax returns few of the points that draw the same chart: the range of
// steps is cut into at most buckets equal parts, and of each part the points
// of the least and of the greatest value stay, the first of equal ones, and its
// first NaN, which is a gap in the chart. The first and the last point always
// stay, and so do all when there are at most two a bucket. When all points
// have one step, as those logged without steps, the range of times is cut.
// The order is that of points, which MinMax does not change and may return.
func MinMax(points []record.Point, buckets int) []record.Point {
	buckets = max(buckets, 1)
	if len(points) <= 2*buckets {
		return slices.Clip(points)
	}
	place := placesOf(points)
	parts := make([]part, buckets)
	var low, width uint64 // of the part that the last point fell into
	var in *part
	for i := range points {
		at := place.of(&points[i])
		if in == nil || at < low || at-low >= width {
			width = place.span/uint64(buckets) + 1
			if width == 0 { // one bucket for all there is
				width = place.span
			}
			number := min(at/width, uint64(buckets-1))
			low, in = number*width, &parts[number]
		}
		in.take(points, i)
	}
	return chosen(points, parts)
}

// places says where a point stands from left to right in a chart.
type places struct {
	byTime bool
	first  int64
	span   uint64
}

func placesOf(points []record.Point) places {
	low, high := points[0], points[0]
	for i := range points {
		p := &points[i]
		low.Step, high.Step = min(low.Step, p.Step), max(high.Step, p.Step)
		low.Time, high.Time = min(low.Time, p.Time), max(high.Time, p.Time)
	}
	if low.Step == high.Step {
		return places{true, low.Time, uint64(high.Time - low.Time)}
	}
	return places{false, low.Step, uint64(high.Step - low.Step)}
}

// of returns how far p stands from the first place: at most the span.
func (s *places) of(p *record.Point) uint64 {
	if s.byTime {
		return uint64(p.Time - s.first)
	}
	return uint64(p.Step - s.first)
}

// part says which points of a bucket stay: their indexes and one, 0 is none.
type part struct{ least, greatest, gap int }

func (b *part) take(points []record.Point, i int) {
	v := points[i].Value
	if v != v {
		if b.gap == 0 {
			b.gap = i + 1
		}
		return
	}
	if b.least == 0 {
		b.least, b.greatest = i+1, i+1
		return
	}
	if v < points[b.least-1].Value {
		b.least = i + 1
	}
	if v > points[b.greatest-1].Value {
		b.greatest = i + 1
	}
}

// chosen returns the points of the parts, and the first and the last one.
func chosen(points []record.Point, parts []part) []record.Point {
	stay := make([]int, 0, 2*len(parts)+2)
	stay = append(stay, 0, len(points)-1)
	for _, b := range parts {
		for _, i := range [...]int{b.least, b.greatest, b.gap} {
			if i > 0 {
				stay = append(stay, i-1)
			}
		}
	}
	slices.Sort(stay)
	stay = slices.Compact(stay)
	out := make([]record.Point, len(stay))
	for i, at := range stay {
		out[i] = points[at]
	}
	return out
}
