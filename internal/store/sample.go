package store

import (
	"cmp"
	"context"
	"math"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// Steps is a range of steps, both ends included.
type Steps struct{ First, Last int64 }

// allSteps is the range of every step.
var allSteps = Steps{math.MinInt64, math.MaxInt64}

// Sample returns at most n points of a metric, and the last one besides: see
// metric.Sample. The whole history is in memory only if its chunks all have
// steps in common.
func (s *Store) Sample(ctx context.Context, id record.RunID, key string, in *Steps, n int) ([]record.Point, error) {
	h, err := s.history(ctx, id, key)
	if err != nil {
		return nil, err
	}
	if in == nil {
		in = &allSteps
	}
	pieces := h.pieces(*in)
	expected := 0 // so many, if no point is there twice or beyond the range
	for _, p := range pieces {
		expected += p.count()
	}
	for {
		sample, total, err := take(pieces, *in, expected, n)
		if err != nil || total == expected {
			return sample, err
		}
		expected = total
	}
}

// take returns the sample of pieces that have so many points, and how many
// they have.
func take(pieces []piece, in Steps, expected, n int) (sample []record.Point, total int, err error) {
	places := metric.Places(expected, n)
	all, begin := places == nil, 0
	err = walk(pieces, in, func(n int) bool {
		begin, total = total, total+n
		return all || len(places) > 0 && places[0] < total
	}, func(points []record.Point) {
		if all {
			sample = append(sample, points...)
		}
		for ; len(places) > 0 && places[0] < total; places = places[1:] {
			sample = append(sample, points[places[0]-begin])
		}
	})
	return sample, total, err
}

// piece is some points of a history, and the range of their steps.
type piece struct {
	Steps
	chunk *boundedChunk  // nil: loose
	loose []record.Point // in no order
}

func (p *piece) count() int {
	if p.chunk != nil {
		return p.chunk.Count
	}
	return len(p.loose)
}

func (p *piece) read(dst []record.Point) ([]record.Point, error) {
	if p.chunk != nil {
		return metric.ReadChunk(dst, p.chunk.body)
	}
	return append(dst, p.loose...), nil
}

// pieces are what may have points in a range, by their first steps.
func (h *history) pieces(in Steps) []piece {
	var all []piece
	for i := range h.chunks {
		c := &h.chunks[i]
		all = append(all, piece{Steps: Steps{c.Low.Step, c.High.Step}, chunk: c})
	}
	if len(h.points) > 0 {
		b := metric.BoundsOf(h.points)
		all = append(all, piece{Steps: Steps{b.Low.Step, b.High.Step}, loose: h.points})
	}
	all = slices.DeleteFunc(all, func(p piece) bool { return p.Last < in.First || p.First > in.Last })
	slices.SortStableFunc(all, func(a, b piece) int { return cmp.Compare(a.First, b.First) })
	return all
}

// walk goes over the points of a range by step, then time, then value: it says
// how many come next, and lets visit see them if they are wanted. A chunk that
// has its steps to itself is decoded only then.
func walk(pieces []piece, in Steps, wanted func(n int) bool, visit func([]record.Point)) error {
	var open, buffer []record.Point // open were read, but pieces to come may have points among them
	kept := 0                       // of open, that were looked at before
	for i := range pieces {
		p, next := &pieces[i], in.Last
		last := i+1 == len(pieces)
		if !last {
			next = pieces[i+1].First
		}
		var err error
		if alone := len(open) == 0 && p.chunk != nil && (last || p.Last < next); alone && in.First <= p.First && p.Last <= in.Last {
			if !wanted(p.chunk.Count) {
				continue
			}
			if buffer, err = p.read(buffer[:0]); err != nil {
				return err
			}
			buffer = metric.CompactBySteps(buffer)
			visit(buffer)
			continue
		}
		if open, err = p.read(open); err != nil {
			return err
		}
		if !last && len(open) < 2*kept {
			continue // each point is looked at few times, however much the pieces overlap
		}
		open = metric.CompactBySteps(open)
		done := len(open)
		if !last {
			done, _ = slices.BinarySearchFunc(open, next, func(p record.Point, step int64) int { return cmp.Compare(p.Step, step) })
		}
		if points := metric.Steps(open[:done], in.First, in.Last); len(points) > 0 && wanted(len(points)) {
			visit(points)
		}
		open = append(open[:0], open[done:]...)
		kept = len(open)
	}
	return nil
}
