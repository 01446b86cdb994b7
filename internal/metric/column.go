package metric

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// A column is a list of int64 numbers, packed in groups of groupLen: in each
// group, every number less the smallest takes as many bits as the greatest
// one needs. A jump costs only its own group. Numbers that grow are stored as
// differences, and those that lie on a curve as differences of these, so that
// an even row costs nothing. All sums wrap around: any numbers will do.
const groupLen = 128

// maxPacked is the greatest width that one load of 8 bytes holds wherever it
// begins in a byte; wider numbers take 64 bits.
const maxPacked = 57

// The head of a column is how often differences were taken, 0 to maxOrder, and
// whether what is stored is one number for all.
const (
	maxOrder   = 2
	orderBits  = 0b011
	isConstant = 0b100
	headBits   = orderBits | isConstant
)

// span is the smallest and the greatest of a group of numbers.
type span struct{ low, high int64 }

func (s span) width() uint {
	w := uint(bits.Len64(uint64(s.high - s.low)))
	if w > maxPacked {
		return 64
	}
	return w
}

func spanOf(numbers []int64) span {
	s := span{numbers[0], numbers[0]}
	for _, n := range numbers {
		s.low, s.high = min(s.low, n), max(s.high, n)
	}
	return s
}

// layout is how a column is going to be written.
type layout struct {
	stored   []int64 // the numbers, or their differences
	spans    []span
	order    int
	starts   [maxOrder]int64 // what stands before the first number, and before the first difference
	constant bool
	size     int // bytes, nearly
}

func layoutOf(numbers []int64) layout {
	l := layout{stored: numbers, spans: make([]span, 0, len(numbers)/groupLen+1), constant: true, size: 10}
	for i := 0; i < len(numbers); i += groupLen {
		n := min(groupLen, len(numbers)-i)
		s := spanOf(numbers[i : i+n])
		l.spans = append(l.spans, s)
		l.constant = l.constant && s.low == s.high && s == l.spans[0]
		l.size += 2 + (n*int(s.width())+7)/8
	}
	if l.constant {
		l.size = 10
	}
	return l
}

// differences writes to dst what each number is more than the one before it,
// and returns what then stands before the first: such that the first
// difference equals the second, and an even row is all one number.
func differences(dst, numbers []int64) (start int64) {
	for i := 1; i < len(numbers); i++ {
		dst[i] = numbers[i] - numbers[i-1]
	}
	dst[0] = 0
	if len(numbers) > 1 {
		dst[0] = dst[1]
	}
	return numbers[0] - dst[0]
}

// columns writes columns, and keeps the memory for their differences.
type columns struct{ scratch [maxOrder][]int64 }

// best returns the smallest layout of the numbers. It is good until the next
// call.
func (c *columns) best(numbers []int64) layout {
	best := layoutOf(numbers)
	for order := 1; order <= maxOrder && !best.constant; order++ {
		d := slices.Grow(c.scratch[order-1][:0], len(numbers))[:len(numbers)]
		c.scratch[order-1] = d
		start := differences(d, best.stored)
		l := layoutOf(d)
		if l.size >= best.size {
			break // noise only grows from here
		}
		l.order, l.starts = order, best.starts
		l.starts[order-1] = start
		best = l
	}
	return best
}

// append appends the column of the numbers, of which there is at least one.
func (c *columns) append(dst []byte, numbers []int64) []byte {
	l := c.best(numbers)
	return l.append(dst)
}

// append appends the column.
func (l *layout) append(dst []byte) []byte {
	head := byte(l.order)
	if l.constant {
		head |= isConstant
	}
	dst = append(dst, head)
	for _, start := range l.starts[:l.order] {
		dst = binary.AppendVarint(dst, start)
	}
	if l.constant {
		return binary.AppendVarint(dst, l.stored[0])
	}
	var low int64
	for i, s := range l.spans {
		dst = append(dst, byte(s.width()))
		dst = binary.AppendVarint(dst, s.low-low)
		low = s.low
		group := l.stored[i*groupLen:]
		dst = appendBits(dst, group[:min(groupLen, len(group))], low, s.width())
	}
	return dst
}

// appendBits appends each number less low in width bits.
func appendBits(dst []byte, numbers []int64, low int64, width uint) []byte {
	if width == 0 {
		return dst
	}
	var acc uint64
	var fill uint
	for _, n := range numbers {
		v := uint64(n - low)
		acc |= v << fill
		fill += width
		if fill >= 64 {
			dst = binary.LittleEndian.AppendUint64(dst, acc)
			fill -= 64
			acc = v >> (width - fill)
		}
	}
	for ; fill > 0; fill -= min(8, fill) {
		dst = append(dst, byte(acc))
		acc >>= 8
	}
	return dst
}
