package metric

import (
	"math"
	"math/bits"

	"modeldb/internal/record"
)

// valuesReader reads the values of points group by group.
type valuesReader struct {
	kind    byte
	entries []int64 // of the dictionary
	column  columnReader
}

// readValues returns a reader of what appendValues appended. Its column is bad
// when that cannot be.
func readValues(in input) (v valuesReader) {
	v.kind = in.byte()
	if v.kind == asDictionary {
		v.entries = readEntries(&in)
	}
	if v.kind > asDecimal+maxDecimals {
		in.fail()
	}
	v.column = readColumn(in.rest)
	return v
}

func readEntries(in *input) []int64 {
	count, size := in.uvarint(), in.uvarint()
	column := readColumn(in.bytes(size))
	if count > maxEntries {
		in.fail()
		return nil
	}
	entries := make([]int64, count)
	for at := 0; at < len(entries); at += groupLen {
		column.next(entries[at:min(at+groupLen, len(entries))])
	}
	if !column.ended() {
		in.fail()
	}
	return entries
}

// next sets the values of the next points, with room for as many numbers.
func (v *valuesReader) next(points []record.Point, numbers []int64) {
	v.column.next(numbers)
	if v.column.in.bad {
		return
	}
	numbers = numbers[:len(points)]
	switch v.kind {
	case asFloat64:
		for i := range points {
			points[i].Value = math.Float64frombits(uint64(numbers[i]))
		}
	case asFloat32:
		for i := range points {
			points[i].Value = float64(math.Float32frombits(uint32(numbers[i])))
		}
	case asFloat64Turned:
		for i := range points {
			points[i].Value = math.Float64frombits(bits.RotateLeft64(uint64(numbers[i]), -1))
		}
	case asFloat32Turned:
		for i := range points {
			points[i].Value = float64(math.Float32frombits(bits.RotateLeft32(uint32(numbers[i]), -1)))
		}
	case asDictionary:
		for i := range points {
			if uint64(numbers[i]) >= uint64(len(v.entries)) {
				v.column.in.fail()
				return
			}
			points[i].Value = math.Float64frombits(uint64(v.entries[numbers[i]]))
		}
	default:
		power := powers[v.kind-asDecimal]
		for i := range points {
			points[i].Value = float64(numbers[i]) / power
			if numbers[i] == notANumber {
				points[i].Value = math.NaN()
			}
		}
	}
}

func (v *valuesReader) ended() bool { return v.column.ended() }
