package metric

import "encoding/binary"

// input takes numbers off the front of a body. What cannot be read is 0 or
// empty, makes the input bad, and leaves nothing to read.
type input struct {
	rest []byte
	bad  bool
}

func (in *input) fail() { in.rest, in.bad = nil, true }

func (in *input) uvarint() uint64 {
	v, n := binary.Uvarint(in.rest)
	if n <= 0 {
		in.fail()
		return 0
	}
	in.rest = in.rest[n:]
	return v
}

func (in *input) varint() int64 {
	v, n := binary.Varint(in.rest)
	if n <= 0 {
		in.fail()
		return 0
	}
	in.rest = in.rest[n:]
	return v
}

func (in *input) uint64() uint64 {
	if len(in.rest) < 8 {
		in.fail()
		return 0
	}
	v := binary.LittleEndian.Uint64(in.rest)
	in.rest = in.rest[8:]
	return v
}

func (in *input) byte() byte {
	if len(in.rest) == 0 {
		in.fail()
		return 0
	}
	b := in.rest[0]
	in.rest = in.rest[1:]
	return b
}

func (in *input) bytes(n uint64) []byte {
	if n > uint64(len(in.rest)) {
		in.fail()
		return nil
	}
	b := in.rest[:n]
	in.rest = in.rest[n:]
	return b
}
