package metric

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"modeldb/internal/record"

	"pgregory.net/rapid"
)

// shapes are histories as programs log them, of n points.
var shapes = map[string]func(r *rand.Rand, n int) []record.Point{
	"float32 loss, jittered times":  lossOf(func(v float64) float64 { return float64(float32(v)) }),
	"rounded to 4 decimals":         rounded,
	"rounded to 2 decimals":         lossOf(func(v float64) float64 { return math.Round(v*1e2) / 1e2 }),
	"float64 loss, jittered times":  lossOf(func(v float64) float64 { return v }),
	"constant, regular times":       even(func(int) float64 { return 0.001 }),
	"whole numbers, regular times":  even(func(i int) float64 { return float64(i * 64) }),
	"learning rate, a cosine":       even(func(i int) float64 { return 1e-3 * (1 + math.Cos(float64(i)/9000)) / 2 }),
	"accuracy of batches of 96":     scatter(func(r *rand.Rand) float64 { return float64(60+r.IntN(36)) / 96 }),
	"normal float32 around 0":       scatter(func(r *rand.Rand) float64 { return float64(float32(r.NormFloat64())) }),
	"uniform float64":               scatter(func(r *rand.Rand) float64 { return r.Float64() }),
	"steps of epochs, pauses":       epochs,
	"any bits":                      anything,
	"decimals, then NaN to the end": diverging,
}

var rounded = lossOf(func(v float64) float64 { return math.Round(v*1e4) / 1e4 })

func lossOf(round func(float64) float64) func(r *rand.Rand, n int) []record.Point {
	return func(r *rand.Rand, n int) (points []record.Point) {
		time := int64(1_790_000_000_000)
		for i := range n {
			time += 118 + int64(math.Abs(r.NormFloat64()*6))
			v := 2.3*math.Exp(-float64(i)/4000) + 0.3 + 0.05*r.NormFloat64()
			points = append(points, record.Point{Step: int64(i), Time: time, Value: round(v)})
		}
		return points
	}
}

func even(value func(i int) float64) func(r *rand.Rand, n int) []record.Point {
	return func(_ *rand.Rand, n int) (points []record.Point) {
		for i := range n {
			points = append(points, record.Point{Step: int64(i) * 10, Time: 1_790_000_000_000 + int64(i)*1000, Value: value(i)})
		}
		return points
	}
}

func scatter(value func(r *rand.Rand) float64) func(r *rand.Rand, n int) []record.Point {
	return func(r *rand.Rand, n int) []record.Point {
		return even(func(int) float64 { return value(r) })(r, n)
	}
}

func epochs(r *rand.Rand, n int) (points []record.Point) {
	time := int64(1_790_000_000_000)
	for i := range n {
		time += int64(5 + r.IntN(3))
		if i%500 == 499 {
			time += 40_000
		}
		points = append(points, record.Point{Step: int64(i / 500), Time: time, Value: float64(float32(r.ExpFloat64()))})
	}
	return points
}

func anything(r *rand.Rand, n int) (points []record.Point) {
	for range n {
		points = append(points, record.Point{Step: int64(r.Uint64()), Time: int64(r.Uint64()), Value: math.Float64frombits(r.Uint64())})
	}
	return points
}

func diverging(r *rand.Rand, n int) []record.Point {
	points := rounded(r, n)
	for i := n * 3 / 4; i < n; i++ {
		points[i].Value = math.NaN()
	}
	return points
}

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func checkChunk(t interface{ Fatalf(string, ...any) }, points []record.Point) []byte {
	body := slices.Clip(AppendChunk(nil, points))
	before := []record.Point{{Step: 42}}
	got, err := ReadChunk(before, body)
	if err != nil || !same(got[:1], before) || !same(got[1:], points) {
		t.Fatalf("got %v %v, want %v", got, err, points)
	}
	b, err := ChunkBounds(body)
	if want := BoundsOf(points); err != nil || !sameBounds(b, want) {
		t.Fatalf("bounds %+v %v, want %+v", b, err, want)
	}
	return body
}

func sameBounds(a, b Bounds) bool {
	return a.Count == b.Count && same([]record.Point{a.Low, a.High}, []record.Point{b.Low, b.High})
}

func TestChunkGivesBackWhatWasAppended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkChunk(t, rapid.SliceOfN(aPoint, 0, 300).Draw(t, "points")) })
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 99, 100, 127, 128, 129, 257, MaxChunk - 1, MaxChunk} {
				body := checkChunk(t, shape(random(), n))
				if n == MaxChunk {
					t.Logf("%.2f bytes a point", float64(len(body))/float64(n))
				}
			}
		})
	}
}

func TestChunkIsAsSmallAsPromised(t *testing.T) {
	for name, most := range map[string]float64{
		"float32 loss, jittered times":  3.5,
		"rounded to 4 decimals":         2.2,
		"float64 loss, jittered times":  8,
		"constant, regular times":       0.008,
		"whole numbers, regular times":  0.008,
		"decimals, then NaN to the end": 2,
		"learning rate, a cosine":       2.5,
		"accuracy of batches of 96":     0.8,
		"normal float32 around 0":       3.6,
		"any bits":                      24.6,
	} {
		body := AppendChunk(nil, shapes[name](random(), MaxChunk))
		if got := float64(len(body)) / MaxChunk; got > most {
			t.Errorf("%s: %.2f bytes a point, want at most %v", name, got, most)
		}
	}
}

func TestBoundsLeaveOutNaN(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct{ values, want []float64 }{
		{[]float64{nan, 2, nan, -1}, []float64{-1, 2}},
		{[]float64{nan, nan}, []float64{nan, nan}},
		{[]float64{inf, nan}, []float64{inf, inf}},
		{[]float64{-inf, -inf}, []float64{-inf, -inf}},
		{[]float64{-inf, inf}, []float64{-inf, inf}},
	} {
		var points []record.Point
		for i, v := range c.values {
			points = append(points, record.Point{Step: int64(-i), Time: int64(i), Value: v})
		}
		last := int64(len(points) - 1)
		want := Bounds{len(points), record.Point{Step: -last, Value: c.want[0]}, record.Point{Time: last, Value: c.want[1]}}
		if got := BoundsOf(points); !sameBounds(got, want) {
			t.Errorf("%v: got %+v, want %+v", c.values, got, want)
		}
	}
}

func TestAnyChangedBitOfAChunkIsAnError(t *testing.T) {
	body := AppendChunk(nil, shapes["float32 loss, jittered times"](random(), 300))
	for i := range body {
		for bit := range 8 {
			body[i] ^= 1 << bit
			if got, err := ReadChunk(nil, body); !errors.Is(err, ErrCorrupt) || len(got) > 0 {
				t.Fatalf("byte %d, bit %d: %d points, %v", i, bit, len(got), err)
			}
			body[i] ^= 1 << bit
		}
		if _, err := ReadChunk(nil, body[:i]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("the first %d bytes: %v", i, err)
		}
	}
}

// forged returns a chunk with a right checksum of count points at step 0 and
// time 0 and these values.
func forged(count uint64, times, values []byte) []byte {
	body := appendFrame(nil, chunkVersion)
	body = binary.AppendUvarint(body, count)
	body = append(body, make([]byte, 4+16)...) // bounds
	body = append(body, storedPlain, 2, byte(len(times)), isConstant, 0)
	body = append(append(body, times...), values...)
	return seal(body, 0)
}

func TestWhatNoWriterWroteIsCorrupt(t *testing.T) {
	zeros := []byte{isConstant, 0}
	decimal := append([]byte{asDecimal}, zeros...)
	if points, err := ReadChunk(nil, forged(3, zeros, decimal)); err != nil || len(points) != 3 {
		t.Fatalf("the chunk that the others differ from: %v %v", points, err)
	}
	if _, err := ReadChunk(nil, forged(1, zeros, []byte{asDictionary, 1, 2, isConstant, 0, isConstant, 0})); err != nil {
		t.Fatalf("the dictionary that the others differ from: %v", err)
	}
	for name, body := range map[string][]byte{
		"too many points":              forged(MaxChunk+1, zeros, decimal),
		"more after the times":         forged(3, []byte{isConstant, 0, 0}, decimal),
		"more after the values":        forged(3, zeros, append(slices.Clone(decimal), 0)),
		"a column cut short":           forged(3, []byte{0, 9, 0, 1}, decimal),
		"an unknown head of a column":  forged(3, []byte{headBits + 1, 0}, decimal),
		"too many orders":              forged(3, []byte{3, 0, 0, 0, 0, 0}, decimal),
		"a width that no writer takes": forged(1, []byte{0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0}, decimal),
		"an unknown kind":              forged(3, zeros, append([]byte{asDecimal + maxDecimals + 1}, zeros...)),
		"no values":                    forged(3, zeros, nil),
		"a place beyond a dictionary":  forged(1, zeros, []byte{asDictionary, 1, 2, isConstant, 0, isConstant, 2}),
		"a place before a dictionary":  forged(1, zeros, []byte{asDictionary, 1, 2, isConstant, 0, isConstant, 1}),
		"an endless dictionary":        forged(1, zeros, []byte{asDictionary, 0xff, 0xff, 0xff, 0x7f, 2, isConstant, 0, isConstant, 0}),
	} {
		if points, err := ReadChunk(nil, body); !errors.Is(err, ErrCorrupt) || len(points) > 0 {
			t.Errorf("%s: %v %v", name, points, err)
		}
	}
}

func TestTooManyPointsForAChunkPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a chunk of too many points was made")
		}
	}()
	AppendChunk(nil, make([]record.Point, MaxChunk+1))
}

// FuzzReadChunk reads what follows the checksum, and sets that right: else no
// input would come further.
func FuzzReadChunk(f *testing.F) {
	for _, shape := range shapes {
		for _, n := range []int{0, 1, 3, 130} {
			f.Add(AppendChunk(nil, shape(random(), n))[frameLen:])
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		body := seal(append(appendFrame(nil, chunkVersion), content...), 0)
		points, err := ReadChunk(nil, body)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) || len(points) > 0 {
				t.Errorf("%d points, %v", len(points), err)
			}
			return
		}
		checkChunk(t, points)
	})
}
