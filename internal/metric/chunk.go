package metric

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"modeldb/internal/record"
)

// MaxChunk is how many points a chunk holds at most.
const MaxChunk = 8192

const chunkVersion = 1

// packFrom is from how many points on S2 is tried: it finds nothing in less.
const packFrom = 100

// Bounds are the least and the greatest step, time and value of some points,
// each for itself: neither Low nor High need be one of the points. The values
// leave out NaN, and are NaN when there is no other.
type Bounds struct {
	Count     int
	Low, High record.Point
}

// BoundsOf returns the bounds of points; no points have zero bounds.
func BoundsOf(points []record.Point) Bounds {
	if len(points) == 0 {
		return Bounds{}
	}
	low, high := points[0], points[0]
	low.Value, high.Value = math.Inf(1), math.Inf(-1)
	numbers := 0
	for _, p := range points {
		low.Step, high.Step = min(low.Step, p.Step), max(high.Step, p.Step)
		low.Time, high.Time = min(low.Time, p.Time), max(high.Time, p.Time)
		if p.Value == p.Value {
			numbers++
		}
		if p.Value < low.Value {
			low.Value = p.Value
		}
		if p.Value > high.Value {
			high.Value = p.Value
		}
	}
	if numbers == 0 {
		low.Value, high.Value = math.NaN(), math.NaN()
	}
	return Bounds{len(points), low, high}
}

// AppendChunk appends the chunk of points to dst: their order and every bit
// are kept, but for the payload of NaN. It panics when there are more than
// MaxChunk points; the caller cuts a history into chunks.
//
// A chunk is a frame of the number of points, their bounds, and their columns,
// which are compressed if that pays. The columns are the lengths of those of
// the steps and of the times, these two, and the values: a byte that says
// their kind, their dictionary if the kind has one, and a column.
func AppendChunk(dst []byte, points []record.Point) []byte {
	if len(points) > MaxChunk {
		panic(fmt.Sprintf("metric: a chunk of %d points; at most %d fit", len(points), MaxChunk))
	}
	at := len(dst)
	dst = appendFrame(dst, chunkVersion)
	dst = appendBounds(dst, BoundsOf(points))
	if len(points) > 0 {
		how := len(dst)
		dst = append(dst, storedPlain)
		dst = appendColumns(dst, points)
		if len(points) >= packFrom {
			dst = pack(dst, how)
		}
	}
	return seal(dst, at)
}

// ReadChunk appends the points of a chunk to dst. The error is ErrCorrupt, and
// then dst comes back as it was.
func ReadChunk(dst []record.Point, body []byte) ([]record.Point, error) {
	content, err := unframe(body, chunkVersion)
	if err != nil {
		return dst, err
	}
	b, in := readBounds(content)
	if in.bad {
		return dst, ErrCorrupt
	}
	if b.Count == 0 {
		if len(in.rest) > 0 {
			return dst, ErrCorrupt
		}
		return dst, nil
	}
	raw, err := unpack(in)
	if err != nil {
		return dst, err
	}
	return readColumns(dst, raw, b.Count)
}

// ChunkBounds returns the bounds of a chunk without reading its points, so
// that a reader may leave it out. The error is ErrCorrupt.
func ChunkBounds(body []byte) (Bounds, error) {
	content, err := unframe(body, chunkVersion)
	if err != nil {
		return Bounds{}, err
	}
	b, in := readBounds(content)
	if in.bad {
		return Bounds{}, ErrCorrupt
	}
	return b, nil
}

func appendBounds(dst []byte, b Bounds) []byte {
	dst = binary.AppendUvarint(dst, uint64(b.Count))
	if b.Count == 0 {
		return dst
	}
	dst = binary.AppendVarint(dst, b.Low.Step)
	dst = binary.AppendUvarint(dst, uint64(b.High.Step-b.Low.Step))
	dst = binary.AppendVarint(dst, b.Low.Time)
	dst = binary.AppendUvarint(dst, uint64(b.High.Time-b.Low.Time))
	dst = binary.LittleEndian.AppendUint64(dst, floatBits(b.Low.Value))
	return binary.LittleEndian.AppendUint64(dst, floatBits(b.High.Value))
}

func readBounds(content []byte) (b Bounds, in input) {
	in.rest = content
	count := in.uvarint()
	if count > MaxChunk {
		in.fail()
	}
	if in.bad || count == 0 {
		return b, in
	}
	b.Count = int(count)
	b.Low.Step = in.varint()
	b.High.Step = b.Low.Step + int64(in.uvarint())
	b.Low.Time = in.varint()
	b.High.Time = b.Low.Time + int64(in.uvarint())
	b.Low.Value = math.Float64frombits(in.uint64())
	b.High.Value = math.Float64frombits(in.uint64())
	return b, in
}

// appendColumns appends the columns of points, of which there is at least one.
func appendColumns(dst []byte, points []record.Point) []byte {
	var c columns
	numbers := make([]int64, len(points))
	for i, p := range points {
		numbers[i] = p.Step
	}
	steps := c.append(nil, numbers)
	for i, p := range points {
		numbers[i] = p.Time
	}
	times := c.append(nil, numbers)
	dst = binary.AppendUvarint(dst, uint64(len(steps)))
	dst = binary.AppendUvarint(dst, uint64(len(times)))
	dst = append(dst, steps...)
	dst = append(dst, times...)
	return appendValues(dst, points)
}

// readColumns appends n points to dst, or returns it as it was with an error.
func readColumns(dst []record.Point, body []byte, n int) ([]record.Point, error) {
	in := input{rest: body}
	stepsLen, timesLen := in.uvarint(), in.uvarint()
	steps, times := readColumn(in.bytes(stepsLen)), readColumn(in.bytes(timesLen))
	values := readValues(in)
	if in.bad {
		return dst, ErrCorrupt
	}
	old := len(dst)
	dst = slices.Grow(dst, n)[:old+n]
	var group [groupLen]int64
	for at := old; at < len(dst); at += groupLen {
		out := dst[at:min(at+groupLen, len(dst))]
		numbers := group[:len(out)]
		steps.next(numbers)
		for i := range out {
			out[i].Step = numbers[i]
		}
		times.next(numbers)
		for i := range out {
			out[i].Time = numbers[i]
		}
		values.next(out, numbers)
	}
	if !steps.ended() || !times.ended() || !values.ended() {
		return dst[:old], ErrCorrupt
	}
	return dst, nil
}
