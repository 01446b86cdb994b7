package store

import (
	"context"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// History returns at most limit points (0: all) of a metric after a place, in
// the order of metric.Compact, and whether there are more. A run or a metric
// that is not there has none.
func (s *Store) History(ctx context.Context, id record.RunID, key string, after *record.Point, limit int) (points []record.Point, more bool, err error) {
	if points, err = s.points(ctx, id, key); err != nil {
		return nil, false, err
	}
	if after != nil {
		points = points[metric.After(points, *after):]
	}
	if limit > 0 && len(points) > limit {
		return points[:limit], true, nil
	}
	return points, false, nil
}

// Steps is a range of steps, both ends included.
type Steps struct{ First, Last int64 }

// Sample returns at most n points of a metric, and the last one besides:
// see metric.Sample.
func (s *Store) Sample(ctx context.Context, id record.RunID, key string, in *Steps, n int) ([]record.Point, error) {
	points, err := s.points(ctx, id, key)
	if err != nil {
		return nil, err
	}
	if in != nil {
		within := points[:0]
		for _, p := range points {
			if in.First <= p.Step && p.Step <= in.Last {
				within = append(within, p)
			}
		}
		points = within
	}
	return metric.Sample(points, n), nil
}

const chunksOfSQL = `
	select key, seq, n, body
	from metric_chunk
	where run = $1
	  and key in ('', $2)
	order by key, seq`

// points reads all points of a metric of a run.
func (s *Store) points(ctx context.Context, id record.RunID, key string) (points []record.Point, err error) {
	if record.CheckKey("metric_key", key) != nil {
		return nil, nil // there cannot be such a metric
	}
	err = s.snapshot(ctx, func(from reader) error {
		head, err := one(from, scanHead, runHeadSQL, id.Key())
		if err != nil || head == nil || head.id != id {
			return err
		}
		points, err = readPoints(from, id, key, head.tail != 0)
		return err
	})
	return metric.Compact(points), err
}

// readPoints reads the points of one metric as they are stored: in chunks, in
// the block and in the tail, in no order, and perhaps twice.
func readPoints(from reader, id record.RunID, key string, tailed bool) (points []record.Point, err error) {
	want := func(k string) bool { return k == key }
	add := func(_ string, p record.Point) { points = append(points, p) }
	err = from.query(chunksOfSQL, []any{id.Key(), key}, func(r row) (err error) {
		if r.Text(0) == "" {
			return metric.ReadBlock(r.Bytes(3), want, add)
		}
		points, err = metric.ReadChunk(points, r.Bytes(3))
		return err
	})
	if err != nil || !tailed {
		return points, err
	}
	return points, from.query(tailSQL, []any{id.Key()}, func(r row) error {
		body, err := openEntry(r.Bytes(2))
		if err != nil {
			return err
		}
		return metric.ReadSeries(body.series, want, add)
	})
}
