package metric

import (
	"fmt"
	"slices"
	"testing"

	"modeldb/internal/record"
)

// perPoint reports what a benchmark did a point.
func perPoint(b *testing.B, points, bytes int) {
	b.ReportMetric(float64(points)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mpoints/s")
	if bytes > 0 {
		b.ReportMetric(float64(bytes)/float64(points), "B/point")
	}
}

func eachShape(b *testing.B, run func(b *testing.B, points []record.Point)) {
	var names []string
	for name := range shapes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.Run(name, func(b *testing.B) { run(b, shapes[name](random(), MaxChunk)) })
	}
}

func BenchmarkAppendChunk(b *testing.B) {
	eachShape(b, func(b *testing.B, points []record.Point) {
		var body []byte
		for b.Loop() {
			body = AppendChunk(body[:0], points)
		}
		perPoint(b, len(points), len(body))
	})
}

func BenchmarkReadChunk(b *testing.B) {
	eachShape(b, func(b *testing.B, points []record.Point) {
		body := AppendChunk(nil, points)
		var got []record.Point
		for b.Loop() {
			got, _ = ReadChunk(got[:0], body)
		}
		perPoint(b, len(got), len(body))
	})
}

func BenchmarkSmallChunk(b *testing.B) {
	points := shapes["float32 loss, jittered times"](random(), 50)
	body := AppendChunk(nil, points)
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			body = AppendChunk(body[:0], points)
		}
		perPoint(b, len(points), len(body))
	})
	b.Run("read", func(b *testing.B) {
		var got []record.Point
		for b.Loop() {
			got, _ = ReadChunk(got[:0], body)
		}
		perPoint(b, len(points), len(body))
	})
}

func BenchmarkSeries(b *testing.B) {
	for _, keys := range []int{1, 100} {
		var series []History
		for k := range keys {
			series = append(series, History{fmt.Sprintf("metric_%03d", k), []record.Point{{Step: 77, Time: 1_790_000_000_000, Value: 0.5}}})
		}
		body := AppendSeries(nil, series)
		b.Run(fmt.Sprintf("append %d keys", keys), func(b *testing.B) {
			for b.Loop() {
				body = AppendSeries(body[:0], series)
			}
			perPoint(b, keys, len(body))
		})
		b.Run(fmt.Sprintf("read all of %d keys", keys), func(b *testing.B) {
			var r Reader
			sum := 0.0
			for b.Loop() {
				_ = r.Series(body, nil, func(_ string, p record.Point) { sum += p.Value })
			}
			perPoint(b, keys, 0)
		})
		b.Run(fmt.Sprintf("read one of %d keys", keys), func(b *testing.B) {
			sum, last := 0.0, series[keys-1].Key
			for b.Loop() {
				_ = ReadSeriesOf(last, body, func(p record.Point) { sum += p.Value })
			}
			perPoint(b, keys, 0)
		})
	}
}

func BenchmarkBlock(b *testing.B) {
	histories := shortRun(20, 10)
	body := AppendBlock(nil, histories)
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			body = AppendBlock(body[:0], histories)
		}
		perPoint(b, 200, len(body))
	})
	b.Run("read", func(b *testing.B) {
		var r Reader
		sum := 0.0
		for b.Loop() {
			_ = r.Block(body, nil, func(_ string, p record.Point) { sum += p.Value })
		}
		perPoint(b, 200, len(body))
	})
}

const million = 1_000_000

func BenchmarkCompact(b *testing.B) {
	ordered := shapes["float32 loss, jittered times"](random(), million)
	// Eight writers, each in order, end to end.
	var writers []record.Point
	for w := range 8 {
		for i := w; i < million; i += 8 {
			writers = append(writers, ordered[i])
		}
	}
	for name, points := range map[string][]record.Point{"ordered": ordered, "of 8 writers": writers, "shuffled": shuffled(ordered)} {
		b.Run(name, func(b *testing.B) {
			again := make([]record.Point, len(points))
			for b.Loop() {
				copy(again, points) // about 1 ms
				Compact(again)
			}
			perPoint(b, million, 0)
		})
	}
}

func shuffled(points []record.Point) []record.Point {
	points = slices.Clone(points)
	random().Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	return points
}

func BenchmarkSample(b *testing.B) {
	points := shapes["float32 loss, jittered times"](random(), million)
	b.Run("ordered", func(b *testing.B) {
		for b.Loop() {
			Sample(points, 2500)
		}
	})
	// A run that was taken up again at an earlier step.
	again := slices.Clone(points)
	for i := million / 2; i < million; i++ {
		again[i].Step -= 10_000
	}
	b.Run("resumed", func(b *testing.B) {
		for b.Loop() {
			Sample(again, 2500)
		}
	})
}

func BenchmarkMinMax(b *testing.B) {
	points := shapes["float32 loss, jittered times"](random(), million)
	for b.Loop() {
		MinMax(points, 1000)
	}
}
