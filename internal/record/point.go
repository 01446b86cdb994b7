package record

import (
	"cmp"
	"math"
)

// Point is one value of a metric. A history is a list of points.
type Point struct {
	Step  int64
	Time  int64 // milliseconds, UTC
	Value float64
}

// Compare orders points by step, then time, then value, NaN before all.
func (p Point) Compare(q Point) int {
	return cmp.Or(cmp.Compare(p.Step, q.Step), cmp.Compare(p.Time, q.Time), cmp.Compare(p.Value, q.Value))
}

// After reports whether p replaces q as the latest value of a key.
func (p Point) After(q Point) bool { return p.Compare(q) > 0 }

// Next returns the point that makes value the latest of a key whose latest
// point is p, as an evaluation posted at now does: at p's step, or after it
// when that step's time is used up.
func (p Point) Next(now int64, value float64) (Point, error) {
	next := Point{Step: p.Step, Time: now, Value: value}
	if p.Time < now {
		return next, nil
	}
	if p.Time < math.MaxInt64 {
		next.Time = p.Time + 1
		return next, nil
	}
	if p.Step == math.MaxInt64 {
		return Point{}, Conflict.Errorf("", "the last point has the greatest step and the greatest time that there are; nothing can come after it")
	}
	next.Step++
	return next, nil
}
