package metric

import "encoding/binary"

// columnReader reads a column group by group.
type columnReader struct {
	in       input
	order    int
	constant bool
	last     [maxOrder]int64 // the number before, and the difference before
	low      int64           // of the group before; the one number of a constant column
}

func readColumn(body []byte) columnReader {
	c := columnReader{in: input{rest: body}}
	head := c.in.byte()
	c.order, c.constant = int(head&orderBits), head&isConstant != 0
	if head > headBits || c.order > maxOrder {
		c.in.fail()
		return c
	}
	for i := range c.order {
		c.last[i] = c.in.varint()
	}
	if c.constant {
		c.low = c.in.varint()
	}
	return c
}

// next reads the next numbers into out, at most groupLen and fewer only at the
// end, or makes the input bad.
func (c *columnReader) next(out []int64) {
	var width uint
	if !c.constant {
		width = uint(c.in.byte())
		c.low += c.in.varint()
	}
	if width > maxPacked && width != 64 {
		c.in.fail()
	}
	packed := c.in.bytes(uint64(len(out)*int(width)+7) / 8)
	if c.in.bad {
		return
	}
	if width == 0 {
		for i := range out {
			out[i] = c.low
		}
	} else {
		unpackBits(out, c.padded(packed), width, c.low)
	}
	for order := c.order - 1; order >= 0; order-- {
		c.last[order] = sum(out, c.last[order])
	}
}

// slack is how far the last load of a group, which takes 8 bytes, may run
// over its end.
const slack = 8

// padded returns the packed bytes with the slack: with what follows in the
// body if there is enough of it.
func (c *columnReader) padded(packed []byte) []byte {
	if len(c.in.rest) >= slack {
		return packed[:len(packed)+slack]
	}
	var room [groupLen*8 + slack]byte
	return room[:copy(room[:], packed)+slack]
}

func unpackBits(out []int64, packed []byte, width uint, low int64) {
	mask := uint64(1)<<width - 1
	var at uint
	for i := range out {
		v := binary.LittleEndian.Uint64(packed[at>>3:]) >> (at & 7) & mask
		out[i] = low + int64(v)
		at += width
	}
}

// sum turns differences into the numbers that they lead to from last.
func sum(out []int64, last int64) int64 {
	for i, d := range out {
		last += d
		out[i] = last
	}
	return last
}

// ended reports whether the column was read whole and to its end.
func (c *columnReader) ended() bool { return !c.in.bad && len(c.in.rest) == 0 }
