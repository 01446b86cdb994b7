package metric

import (
	"encoding/binary"
	"math"
	"slices"

	"modeldb/internal/record"
)

// seriesVersion is 2 because version 1 is that of tails keyed by number.
const seriesVersion = 2

// AppendSeries appends the row form of what one request logged to one run: it
// costs little to write, and a reader of one key skips the others. Keys
// without points are left out, and the points of a key keep their order.
//
// The body is a version byte and the step and the time of the first point, as
// zigzag varints, on which the others are based: the points of one request
// mostly share both. Then, for each key, the length and bytes of its text, the
// length of its points in bytes, and each point as step and time less the
// base, and the value's 8 bytes.
func AppendSeries(dst []byte, series []History) []byte {
	dst = append(dst, seriesVersion)
	base := firstPoint(series)
	dst = binary.AppendVarint(dst, base.Step)
	dst = binary.AppendVarint(dst, base.Time)
	for i := range series {
		s := &series[i]
		if len(s.Points) == 0 {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(len(s.Key)))
		dst = append(dst, s.Key...)
		// The length nearly always fits the one byte left for it.
		at := len(dst)
		dst = append(dst, 0)
		for _, p := range s.Points {
			dst = binary.AppendVarint(dst, p.Step-base.Step)
			dst = binary.AppendVarint(dst, p.Time-base.Time)
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(p.Value))
		}
		size := len(dst) - at - 1
		if size < 0x80 {
			dst[at] = byte(size)
			continue
		}
		var long [binary.MaxVarintLen64]byte
		n := binary.PutUvarint(long[:], uint64(size))
		dst = slices.Replace(dst, at, at+1, long[:n]...)
	}
	return dst
}

func firstPoint(series []History) record.Point {
	for i := range series {
		if len(series[i].Points) > 0 {
			return series[i].Points[0]
		}
	}
	return record.Point{}
}

// ReadSeries calls add for each point of each key that want accepts, in the
// order in which they were logged; a nil want accepts all. It is Series of a
// fresh Reader.
func ReadSeries(body []byte, want func(key string) bool, add func(key string, p record.Point)) error {
	var r Reader
	return r.Series(body, want, add)
}

// Series calls add for each point of each key of a body of AppendSeries that
// want accepts, in the order in which they were logged; a nil want accepts
// all. The error is ErrCorrupt, and add may have been called before it.
func (r *Reader) Series(body []byte, want func(key string) bool, add func(key string, p record.Point)) error {
	return readSeries(body, r.pick(want), add)
}

// ReadSeriesOf calls add for each point of one key of a body of AppendSeries.
// It is the fastest way to one key.
func ReadSeriesOf(key string, body []byte, add func(p record.Point)) error {
	return readSeries(body, only(key), func(_ string, p record.Point) { add(p) })
}

func readSeries(body []byte, pick picker, add func(key string, p record.Point)) error {
	if len(body) == 0 || body[0] != seriesVersion {
		return ErrCorrupt
	}
	var base record.Point
	in := input{rest: body[1:]}
	base.Step, base.Time = in.varint(), in.varint()
	for len(in.rest) > 0 {
		text := in.bytes(in.uvarint())
		group := input{rest: in.bytes(in.uvarint())}
		if in.bad {
			return ErrCorrupt
		}
		key, wanted := pick(text)
		if !wanted {
			continue
		}
		for len(group.rest) > 0 {
			p := record.Point{Step: base.Step + group.varint(), Time: base.Time + group.varint(), Value: math.Float64frombits(group.uint64())}
			if group.bad {
				return ErrCorrupt
			}
			add(key, p)
		}
	}
	if in.bad {
		return ErrCorrupt
	}
	return nil
}
