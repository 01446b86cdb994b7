package metric

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

// A frame is a version byte, the CRC-32C of all that follows, and that.
const frameLen = 5

// castagnoli is the table of CRC-32C, for which processors have instructions.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrame appends the head of a frame whose content the caller appends
// next, before it calls seal with the place where the frame begins.
func appendFrame(dst []byte, version byte) []byte {
	return append(dst, version, 0, 0, 0, 0)
}

func seal(dst []byte, at int) []byte {
	sum := crc32.Checksum(dst[at+frameLen:], castagnoli)
	binary.LittleEndian.PutUint32(dst[at+1:], sum)
	return dst
}

// unframe returns what a frame of this version holds, once its checksum holds.
func unframe(body []byte, version byte) ([]byte, error) {
	if len(body) < frameLen || body[0] != version {
		return nil, ErrCorrupt
	}
	content := body[frameLen:]
	if crc32.Checksum(content, castagnoli) != binary.LittleEndian.Uint32(body[1:]) {
		return nil, ErrCorrupt
	}
	return content, nil
}

// How a content is stored.
const (
	storedPlain = iota
	storedS2
)

// maxRatio is how many times smaller S2 may make a content. What a reader
// allocates stays in proportion to the body; what would shrink further is
// stored plain.
const maxRatio = 256

// pack puts a byte that says how it is stored before the content that begins
// at at, and compresses the content if that saves at least a sixteenth: less
// is not worth the time that it costs each reader.
func pack(dst []byte, at int) []byte {
	dst[at] = storedPlain
	raw := dst[at+1:]
	small := s2.Encode(nil, raw)
	if len(small) > len(raw)-len(raw)/16 || len(raw) > maxRatio*len(small) {
		return dst
	}
	dst[at] = storedS2
	return append(dst[:at+1], small...)
}

// unpack returns the content that pack stored.
func unpack(in input) ([]byte, error) {
	how := in.byte()
	if in.bad || how > storedS2 {
		return nil, ErrCorrupt
	}
	if how == storedPlain {
		return in.rest, nil
	}
	n, err := s2.DecodedLen(in.rest)
	if err != nil || n > maxRatio*len(in.rest) {
		return nil, ErrCorrupt
	}
	raw, err := s2.Decode(nil, in.rest)
	if err != nil {
		return nil, ErrCorrupt
	}
	return raw, nil
}
