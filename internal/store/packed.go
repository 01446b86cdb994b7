package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"modeldb/internal/record"
)

// A run that has ended is packed: its lists are one value in its own row, and
// it has no rows in the tables of parameters, latest metrics, evaluations and
// artifacts. So it takes a third of the work to write and one row to read.
// Only the uses of datasets are kept as rows too, because they are asked for
// the other way round: who used this dataset.

// packedLimit is the most bytes of a packed run. A larger one stays in rows,
// so that no row of the table of runs is slow to pass by.
const packedLimit = 32 << 10

const packedVersion = 1

var errPacked = errors.New("a packed run is corrupt")

// pack returns the lists of r in one value, nil when that is over the limit.
func pack(r *record.Run) []byte {
	size := 0
	for _, p := range r.Params {
		size += len(p.Value)
	}
	for _, e := range r.Evaluations {
		size += len(e.Value)
	}
	if size > packedLimit {
		return nil // do not copy what is large
	}
	body := appendLists(make([]byte, 0, 512), r)
	if len(body)+checksumSize > packedLimit {
		return nil
	}
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}

// A packed run ends with the CRC-32C of what is before: what a disk has
// changed is an error, and not a wrong answer.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const checksumSize = 4

// appendLists appends the lists of r to dst.
func appendLists(dst []byte, r *record.Run) []byte {
	text := func(s string) {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	count := func(n int) { dst = binary.AppendUvarint(dst, uint64(n)) }

	dst = append(dst, packedVersion)
	count(len(r.Params))
	for _, p := range r.Params {
		text(p.Key)
		text(p.Value)
	}
	count(len(r.Datasets))
	for _, d := range r.Datasets {
		for _, s := range [...]string{string(d.Role), d.Context, d.Name, d.Digest, d.SourceType, d.Source, d.Schema, d.Profile} {
			text(s)
		}
	}
	count(len(r.Metrics))
	for _, m := range r.Metrics {
		text(m.Key)
		dst = binary.AppendVarint(dst, m.Step)
		dst = binary.AppendVarint(dst, m.Time)
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(m.Value))
	}
	count(len(r.Evaluations))
	for _, e := range r.Evaluations {
		text(e.Key)
		text(e.Value)
	}
	count(len(r.Artifacts))
	for _, a := range r.Artifacts {
		text(a.Key)
		text(a.Value)
	}
	return dst
}

// unseal returns a packed run without its checksum, empty when it is not whole.
func unseal(packed []byte) string {
	if len(packed) < checksumSize {
		return ""
	}
	body, sum := packed[:len(packed)-checksumSize], packed[len(packed)-checksumSize:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(sum) {
		return ""
	}
	return string(body)
}

// unpack fills the lists of r from an unsealed run. Their texts are parts of it.
func unpack(body string, r *record.Run) error {
	s := unpacker{rest: body}
	if s.take(1) != string(rune(packedVersion)) {
		return errPacked
	}
	r.Params = r.Params[:0]
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.Params = append(r.Params, record.Param{Key: s.text(), Value: s.text()})
	}
	r.Datasets = r.Datasets[:0]
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.Datasets = append(r.Datasets, record.DatasetUse{
			Role: record.Role(s.text()), Context: s.text(),
			Dataset: record.Dataset{
				Name: s.text(), Digest: s.text(), SourceType: s.text(),
				Source: s.text(), Schema: s.text(), Profile: s.text(),
			},
		})
	}
	r.Metrics = r.Metrics[:0]
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.Metrics = append(r.Metrics, record.Metric{Key: s.text(), Point: record.Point{
			Step: s.varint(), Time: s.varint(), Value: math.Float64frombits(s.bits()),
		}})
	}
	r.Evaluations = r.Evaluations[:0]
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.Evaluations = append(r.Evaluations, record.Evaluation{Key: s.text(), Value: s.text()})
	}
	r.Artifacts = r.Artifacts[:0]
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.Artifacts = append(r.Artifacts, record.ArtifactRef{Key: s.text(), Value: s.text()})
	}
	if s.bad || s.rest != "" {
		return errPacked
	}
	return nil
}

// unpacker reads the parts of a packed run in turn. After a fault it reads zero
// values, and bad is set.
type unpacker struct {
	rest string
	bad  bool
}

func (s *unpacker) take(n uint64) string {
	if n > uint64(len(s.rest)) {
		s.bad, s.rest = true, ""
		return ""
	}
	part := s.rest[:n]
	s.rest = s.rest[n:]
	return part
}

func (s *unpacker) uvarint() (v uint64) {
	for shift := 0; shift < 64; shift += 7 {
		if s.rest == "" {
			break
		}
		b := s.rest[0]
		s.rest = s.rest[1:]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	s.bad = true
	return 0
}

func (s *unpacker) varint() int64 {
	u := s.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (s *unpacker) text() string { return s.take(s.uvarint()) }

// count is the length of a list, whose every element has at least one byte.
func (s *unpacker) count() uint64 {
	n := s.uvarint()
	if n > uint64(len(s.rest)) {
		s.bad = true
		return 0
	}
	return n
}

func (s *unpacker) bits() (v uint64) {
	part := s.take(8)
	for i := range len(part) {
		v |= uint64(part[i]) << (8 * i)
	}
	return v
}
