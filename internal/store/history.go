package store

import (
	"context"
	"slices"

	"modeldb/internal/metric"
	"modeldb/internal/record"
)

// historyLimit is the most points that one call of History returns, so that
// no history takes all memory: 24 bytes each.
const historyLimit = 1 << 20

// History returns at most limit points (0: as many as one call gives, 2^20) of
// a metric after a place, in the order of metric.Compact, and whether there are
// more. A run or a metric that is not there has none.
func (s *Store) History(ctx context.Context, id record.RunID, key string, after *record.Point, limit int) (points []record.Point, more bool, err error) {
	if limit <= 0 || limit > historyLimit {
		limit = historyLimit
	}
	h, err := s.history(ctx, id, key)
	if err != nil {
		return nil, false, err
	}
	if points, err = h.first(after, limit+1); err != nil {
		return nil, false, err
	}
	if len(points) > limit {
		return points[:limit], true, nil
	}
	return points, false, nil
}

// history is a metric of a run as it is stored.
type history struct {
	points []record.Point // of the block and of the tail, in no order
	chunks []boundedChunk // by their first points
}

// boundedChunk is a chunk that is not decoded yet.
type boundedChunk struct {
	metric.Bounds
	body []byte
}

const chunksOfSQL = `
	select key, seq, n, body
	from metric_chunk
	where run = $1
	  and key in ('', $2)
	order by key, seq`

// history reads a metric in one state of the database.
func (s *Store) history(ctx context.Context, id record.RunID, key string) (h history, err error) {
	if record.CheckKey("metric_key", key) != nil {
		return h, nil // there cannot be such a metric
	}
	err = s.snapshot(ctx, func(from reader) error {
		head, err := one(from, scanHead, runHeadSQL, id.Key())
		if err != nil || head == nil || head.id != id {
			return err
		}
		return h.read(from, id, key, head.tail != 0)
	})
	slices.SortFunc(h.chunks, func(a, b boundedChunk) int { return metric.Compare(a.Low, b.Low) })
	return h, err
}

func (h *history) read(from reader, id record.RunID, key string, tailed bool) error {
	add := func(p record.Point) { h.points = append(h.points, p) }
	err := from.query(chunksOfSQL, []any{id.Key(), key}, func(r row) error {
		body := r.Bytes(3)
		if r.Text(0) == "" {
			return metric.ReadBlockOf(key, body, add)
		}
		bounds, err := metric.ChunkBounds(body)
		h.chunks = append(h.chunks, boundedChunk{bounds, slices.Clone(body)})
		return err
	})
	if err != nil || !tailed {
		return err
	}
	return from.query(tailSQL, []any{id.Key()}, func(r row) error {
		body, err := openEntry(r.Bytes(2))
		if err != nil {
			return err
		}
		return metric.ReadSeriesOf(key, body.series, add)
	})
}

// first returns the first n points after a place, in order. It decodes only
// the chunks that may have one of them.
func (h *history) first(after *record.Point, n int) (points []record.Point, err error) {
	points = h.points
	beyond := func() bool { // whether points has all it needs from before the next chunk
		points = metric.Compact(points)
		if after != nil {
			points = points[metric.After(points, *after):]
		}
		return len(points) >= n
	}
	for _, c := range h.chunks {
		if after != nil && metric.Compare(c.High, *after) <= 0 {
			continue
		}
		if len(points) >= n && beyond() && metric.Compare(points[n-1], c.Low) < 0 {
			break
		}
		if points, err = metric.ReadChunk(points, c.body); err != nil {
			return nil, err
		}
	}
	beyond()
	return points[:min(n, len(points))], nil
}
