package search

import "math/bits"

const (
	blockRows  = 1024
	blockWords = blockRows / 64
)

// set is a set of rows of one block.
type set [blockWords]uint64

func (s *set) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s *set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *set) remove(i int)   { s[i/64] &^= 1 << (i % 64) }

// put adds i, or removes it.
func (s *set) put(i int, in bool) {
	if in {
		s.add(i)
	} else {
		s.remove(i)
	}
}

// below counts the members less than i.
func (s *set) below(i int) int {
	n := bits.OnesCount64(s[i/64] & (1<<(i%64) - 1))
	for _, w := range s[:i/64] {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s *set) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s *set) empty() bool { return *s == set{} }

// each calls do for every member, in order.
func (s *set) each(do func(i int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			do(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// bit is 1 if b is true. The compiler makes no branch of it.
func bit(b bool) uint64 {
	var n uint64
	if b {
		n = 1
	}
	return n
}

func count(word uint64) int { return bits.OnesCount64(word) }

// spread moves the k-th bit of packed to the place of the k-th bit of has.
func spread(packed, has uint64) uint64 {
	if has&(has+1) == 0 { // no gaps
		return packed & has
	}
	var out uint64
	for ; has != 0; has &= has - 1 {
		out |= has & -has & -(packed & 1)
		packed >>= 1
	}
	return out
}

// keepPresent returns those of rows that are in has, or that are not.
func keepPresent(has, rows set, present bool) set {
	for w := range rows {
		if present {
			rows[w] &= has[w]
		} else {
			rows[w] &^= has[w]
		}
	}
	return rows
}
