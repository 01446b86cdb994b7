// Package metric turns histories into bytes and back. It is pure: it knows
// points and bodies, and nothing of where bodies are kept.
package metric

import (
	"encoding/binary"
	"errors"
	"math"

	"modeldb/internal/record"
)

// Series is a metric's key, interned as a number by the store, and points of it.
type Series struct {
	Metric int64
	Points []record.Point
}

// ErrCorrupt says that a body is not one that this package wrote.
var ErrCorrupt = errors.New("metric body is corrupt")

const tailVersion = 1

// AppendTail appends the body of a tail row to dst: what one request logged to
// one run. The body is a version byte and then, for each series, the metric's
// number and the length of the rest in bytes, so that a reader of one metric
// skips the others; then each point as step, time (both zigzag varints) and
// the value's 8 bytes.
func AppendTail(dst []byte, series []Series) []byte {
	dst = append(dst, tailVersion)
	group := make([]byte, 0, 64)
	for _, s := range series {
		group = group[:0]
		for _, p := range s.Points {
			group = binary.AppendVarint(group, p.Step)
			group = binary.AppendVarint(group, p.Time)
			group = binary.LittleEndian.AppendUint64(group, math.Float64bits(p.Value))
		}
		dst = binary.AppendUvarint(dst, uint64(s.Metric))
		dst = binary.AppendUvarint(dst, uint64(len(group)))
		dst = append(dst, group...)
	}
	return dst
}

// ReadTail calls add for each point in a tail body of each metric that want
// accepts, in the order in which they were logged. The error is ErrCorrupt.
func ReadTail(body []byte, want func(metric int64) bool, add func(metric int64, p record.Point)) error {
	if len(body) == 0 || body[0] != tailVersion {
		return ErrCorrupt
	}
	for body = body[1:]; len(body) > 0; {
		metric, n := binary.Uvarint(body)
		if n <= 0 || metric > math.MaxInt64 {
			return ErrCorrupt
		}
		body = body[n:]
		size, n := binary.Uvarint(body)
		if n <= 0 || size > uint64(len(body)-n) {
			return ErrCorrupt
		}
		group := body[n : n+int(size)]
		body = body[n+int(size):]
		if !want(int64(metric)) {
			continue
		}
		for len(group) > 0 {
			p, rest, err := readPoint(group)
			if err != nil {
				return err
			}
			add(int64(metric), p)
			group = rest
		}
	}
	return nil
}

func readPoint(b []byte) (p record.Point, rest []byte, err error) {
	step, n := binary.Varint(b)
	if n <= 0 {
		return p, nil, ErrCorrupt
	}
	b = b[n:]
	time, n := binary.Varint(b)
	if n <= 0 || len(b)-n < 8 {
		return p, nil, ErrCorrupt
	}
	value := math.Float64frombits(binary.LittleEndian.Uint64(b[n:]))
	return record.Point{Step: step, Time: time, Value: value}, b[n+8:], nil
}
