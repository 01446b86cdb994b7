package metric

import (
	"math"
	"math/bits"

	"modeldb/internal/record"
)

// The kinds of a column of values. All keep every bit, but for the payload
// and the sign of NaN. Most values that are logged are either 32-bit floats
// of a training loop or were rounded to a few decimals.
const (
	asFloat64 = iota
	asFloat32
	asFloat64Turned // the sign comes last: values of both signs that are near 0
	asFloat32Turned
	asDictionary // places in a list of all values that there are
	asDecimal    // asDecimal+d: whole numbers, divided by 10 to the power of d
)

// maxDecimals is how many decimals a value may have to be stored as a whole
// number: no double has more than 15 digits that are sure to come back.
const maxDecimals = 15

// maxWhole is the bound of whole numbers that a double holds exactly.
const maxWhole = 1 << 53

// notANumber stands for NaN among whole numbers: a history that diverged goes
// on with it to the end.
const notANumber = maxWhole

// powers[d] is 10 to the power of d, exactly.
var powers = [maxDecimals + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// valueColumn is values as one kind of column.
type valueColumn struct {
	kind    byte
	entries []byte // the dictionary, if the kind has one
	layout
}

func valueColumnOf(kind byte, numbers []int64) valueColumn {
	var c columns
	return valueColumn{kind: kind, layout: c.best(numbers)}
}

// appendValues appends the values of points in the kind that is the smallest.
func appendValues(dst []byte, points []record.Point) []byte {
	v := plainValues(points)
	if len(points) >= packFrom && v.size > len(points) {
		if d, ok := dictionaryOf(points); ok {
			byPlace := valueColumnOf(asDictionary, d.places)
			byPlace.entries = d.append(nil)
			if byPlace.size+len(byPlace.entries) < v.size {
				v = byPlace
			}
		}
	}
	dst = append(dst, v.kind)
	dst = append(dst, v.entries...)
	return v.append(dst)
}

// plainValues returns the smallest column that needs no dictionary.
func plainValues(points []record.Point) valueColumn {
	kind := floatKind(points)
	short := kind == asFloat32 || kind == asFloat32Turned
	wholes, d := decimals(points)
	if wholes == nil {
		return valueColumnOf(kind, floats(points, kind))
	}
	v := valueColumnOf(byte(asDecimal+d), wholes)
	if short && v.size > len(points) {
		if f := valueColumnOf(kind, floats(points, kind)); f.size < v.size {
			return f
		}
	}
	return v
}

// decimals returns the whole numbers that are the values times 10 to the
// power of the least d that does for all, or nil if none does.
func decimals(points []record.Point) (wholes []int64, d int) {
	for i := 0; i < len(points); i++ {
		for {
			whole, ok := wholeOf(points[i].Value, powers[d])
			if ok {
				if wholes == nil {
					wholes = make([]int64, len(points))
				}
				wholes[i] = whole
				break
			}
			if d++; d > maxDecimals {
				return nil, 0
			}
			i = 0 // what was found so far was for fewer decimals
		}
	}
	return wholes, d
}

// wholeOf returns the whole number that divided by power gives value, bit for
// bit, and notANumber for NaN. There is none for -0 and infinities.
func wholeOf(value, power float64) (int64, bool) {
	if value != value {
		return notANumber, true
	}
	scaled := value * power
	if !(scaled > -maxWhole && scaled < maxWhole) {
		return 0, false
	}
	whole := int64(math.RoundToEven(scaled))
	return whole, math.Float64bits(float64(whole)/power) == math.Float64bits(value)
}

// floatKind returns the kind of floats for the values: of 32 bits if that loses
// nothing for any.
func floatKind(points []record.Point) byte {
	short, signs := true, uint64(0)
	first := floatBits(points[0].Value)
	for _, p := range points {
		signs |= floatBits(p.Value) ^ first
		short = short && (float64(float32(p.Value)) == p.Value || p.Value != p.Value)
	}
	turned := signs>>63 != 0
	switch {
	case short && turned:
		return asFloat32Turned
	case short:
		return asFloat32
	case turned:
		return asFloat64Turned
	}
	return asFloat64
}

// floats returns the bits of the values in a kind of floats.
func floats(points []record.Point, kind byte) []int64 {
	numbers := make([]int64, len(points))
	for i, p := range points {
		switch kind {
		case asFloat32:
			numbers[i] = int64(floatBits32(p.Value))
		case asFloat32Turned:
			numbers[i] = int64(bits.RotateLeft32(floatBits32(p.Value), 1))
		case asFloat64:
			numbers[i] = int64(floatBits(p.Value))
		case asFloat64Turned:
			numbers[i] = int64(bits.RotateLeft64(floatBits(p.Value), 1))
		}
	}
	return numbers
}

// floatBits returns the bits of value; all NaN are one.
func floatBits(value float64) uint64 {
	if value != value {
		return math.Float64bits(math.NaN())
	}
	return math.Float64bits(value)
}

func floatBits32(value float64) uint32 {
	if value != value {
		return math.Float32bits(float32(math.NaN()))
	}
	return math.Float32bits(float32(value))
}
