package metric

import (
	"encoding/binary"
	"slices"

	"modeldb/internal/record"
)

const blockVersion = 1

// AppendBlock appends one body of several histories to dst: for runs whose
// histories are too short for chunks of their own. Keys without points are left
// out, and the points of a key keep their order.
//
// A block is a frame of histories, which are compressed if that pays: keys
// that were logged together have equal columns of steps and times. Each is the
// length and bytes of its key, the number of its points, at most MaxChunk (a
// longer one is written in parts), and the length and bytes of their columns.
func AppendBlock(dst []byte, histories []History) []byte {
	at := len(dst)
	dst = appendFrame(dst, blockVersion)
	how := len(dst)
	dst = append(dst, storedPlain)
	var part []byte
	for _, h := range histories {
		for points := range slices.Chunk(h.Points, MaxChunk) {
			dst = binary.AppendUvarint(dst, uint64(len(h.Key)))
			dst = append(dst, h.Key...)
			dst = binary.AppendUvarint(dst, uint64(len(points)))
			part = appendColumns(part[:0], points)
			dst = binary.AppendUvarint(dst, uint64(len(part)))
			dst = append(dst, part...)
		}
	}
	dst = pack(dst, how)
	return seal(dst, at)
}

// ReadBlock calls add for each point of each key that want accepts, in their
// order; a nil want accepts all. It is Block of a fresh Reader.
func ReadBlock(body []byte, want func(key string) bool, add func(key string, p record.Point)) error {
	var r Reader
	return r.Block(body, want, add)
}

// Block calls add for each point of each key of a body of AppendBlock that
// want accepts, in their order; a nil want accepts all. The error is
// ErrCorrupt, and add may have been called before it.
func (r *Reader) Block(body []byte, want func(key string) bool, add func(key string, p record.Point)) error {
	return r.block(body, r.pick(want), add)
}

// ReadBlockOf calls add for each point of one key of a body of AppendBlock. It
// is the fastest way to one key.
func ReadBlockOf(key string, body []byte, add func(p record.Point)) error {
	var r Reader
	return r.block(body, only(key), func(_ string, p record.Point) { add(p) })
}

func (r *Reader) block(body []byte, pick picker, add func(key string, p record.Point)) error {
	content, err := unframe(body, blockVersion)
	if err != nil {
		return err
	}
	raw, err := unpack(input{rest: content})
	if err != nil {
		return err
	}
	in := input{rest: raw}
	for len(in.rest) > 0 {
		text := in.bytes(in.uvarint())
		count := in.uvarint()
		part := in.bytes(in.uvarint())
		if in.bad || count == 0 || count > MaxChunk {
			return ErrCorrupt
		}
		key, wanted := pick(text)
		if !wanted {
			continue
		}
		if r.points, err = readColumns(r.points[:0], part, int(count)); err != nil {
			return err
		}
		for _, p := range r.points {
			add(key, p)
		}
	}
	if in.bad {
		return ErrCorrupt
	}
	return nil
}
