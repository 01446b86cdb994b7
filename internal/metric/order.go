package metric

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"modeldb/internal/record"
)

// Compare orders the points of a history: by time, then step, then value. The
// values are totally ordered, so that a place in a history is one place for
// everybody: NaN stands where 0 does, after it, and -0 before it. It is 0 only
// for the same point, where one NaN is as good as another.
func Compare(p, q record.Point) int {
	if p.Time != q.Time {
		return cmp.Compare(p.Time, q.Time)
	}
	if p.Step != q.Step {
		return cmp.Compare(p.Step, q.Step)
	}
	return compareValues(p.Value, q.Value)
}

// compareBySteps orders points by step, then time, then value, as they are
// sampled and drawn.
func compareBySteps(p, q record.Point) int {
	if p.Step != q.Step {
		return cmp.Compare(p.Step, q.Step)
	}
	if p.Time != q.Time {
		return cmp.Compare(p.Time, q.Time)
	}
	return compareValues(p.Value, q.Value)
}

func compareValues(v, w float64) int {
	if v < w {
		return -1
	}
	if v > w {
		return 1
	}
	if v == w && v != 0 {
		return 0
	}
	a, rankA := placeOf(v)
	b, rankB := placeOf(w)
	if a != b {
		return cmp.Compare(a, b)
	}
	return cmp.Compare(rankA, rankB)
}

// placeOf returns where a value stands, and its rank among those at 0.
func placeOf(v float64) (place float64, rank int) {
	switch {
	case v != v:
		return 0, 2
	case v == 0 && math.Signbit(v):
		return 0, 0
	}
	return v, 1
}

// Compact sorts points in the order of Compare, drops those that are there
// twice, and returns what is left. It works in place: the memory of points is
// its own.
func Compact(points []record.Point) []record.Point { return compact(points, Compare) }

// CompactBySteps is Compact, but sorts points by step, then time, then value.
func CompactBySteps(points []record.Point) []record.Point { return compact(points, compareBySteps) }

func compact(points []record.Point, compare func(p, q record.Point) int) []record.Point {
	ordered, twice := true, false
	for i := 1; i < len(points); i++ {
		c := compare(points[i-1], points[i])
		twice = twice || c == 0
		if c > 0 {
			ordered = false
			break
		}
	}
	if ordered && !twice {
		return points
	}
	if !ordered {
		sortPoints(points, compare)
	}
	return slices.CompactFunc(points, func(p, q record.Point) bool { return compare(p, q) == 0 })
}

// After returns the index of the first point that comes after p in points
// that are in the order of Compare; p need not be one of them.
func After(points []record.Point, p record.Point) int {
	return sort.Search(len(points), func(i int) bool { return Compare(points[i], p) > 0 })
}

// manyRuns is how long ordered runs must be, on average, for merging them to
// be faster than sorting afresh.
const manyRuns = 16

// sortPoints sorts by merging the runs that are ordered already: a history
// that several requests or restarts wrote is a few of them, end to end.
func sortPoints(points []record.Point, compare func(p, q record.Point) int) {
	var ends []int
	for i := 1; i < len(points); i++ {
		if compare(points[i-1], points[i]) > 0 {
			ends = append(ends, i)
		}
	}
	ends = append(ends, len(points))
	if len(ends)*manyRuns > len(points) {
		slices.SortFunc(points, compare)
		return
	}
	scratch := make([]record.Point, 0, len(points))
	for len(ends) > 1 {
		ends = mergePairs(points, ends, scratch, compare)
	}
}

// mergePairs merges each two neighbouring runs, and returns where the runs
// then end.
func mergePairs(points []record.Point, ends []int, scratch []record.Point, compare func(p, q record.Point) int) []int {
	start, left := 0, ends[:0]
	for i := 0; i < len(ends); i += 2 {
		if i+1 == len(ends) {
			return append(left, ends[i])
		}
		middle, end := ends[i], ends[i+1]
		merge(points[start:end], middle-start, scratch, compare)
		left = append(left, end)
		start = end
	}
	return left
}

// merge merges the runs before and from middle. Only what of the first comes
// after the beginning of the second moves.
func merge(points []record.Point, middle int, scratch []record.Point, compare func(p, q record.Point) int) {
	second := points[middle:]
	points = points[sort.Search(middle, func(i int) bool { return compare(points[i], second[0]) > 0 }):]
	first := append(scratch[:0], points[:len(points)-len(second)]...)
	for i := range points {
		switch {
		case len(first) == 0:
			return // the rest stands in its place
		case len(second) == 0 || compare(first[0], second[0]) <= 0:
			points[i], first = first[0], first[1:]
		default:
			points[i], second = second[0], second[1:]
		}
	}
}
