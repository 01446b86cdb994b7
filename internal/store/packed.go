package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"

	"modeldb/internal/record"
)

// The lists of a run are one value in its own row: one row to write and one to
// read. What is written to the run later waits in rows of run_tail, see
// Entry, until it is folded into this value. Only the uses of datasets are kept
// as rows too, because they are asked for the other way round: who used this
// dataset.

// The versions of packed runs. The first had no tags, inputs and outputs.
const (
	packedVersion1 = 1
	packedVersion2 = 2
)

var errPacked = errors.New("a packed run is corrupt")

// pack returns the lists of r in one value.
func pack(r *record.Run) []byte { return seal(appendLists(make([]byte, 0, 512), r)) }

// A packed run ends with the CRC-32C of what is before: what a disk has
// changed is an error, and not a wrong answer.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const checksumSize = 4

// seal appends the checksum of body to it.
func seal(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}

// unseal returns a sealed body without its checksum, empty when it is not whole.
func unseal(sealed []byte) string {
	if len(sealed) < checksumSize {
		return ""
	}
	body, sum := sealed[:len(sealed)-checksumSize], sealed[len(sealed)-checksumSize:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(sum) {
		return ""
	}
	return string(body)
}

func appendTextTo(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendTags(dst []byte, tags []record.Tag) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(tags)))
	for _, t := range tags {
		dst = appendTextTo(dst, t.Key)
		dst = appendTextTo(dst, t.Value)
	}
	return dst
}

// appendLists appends the lists of r to dst.
func appendLists(dst []byte, r *record.Run) []byte {
	text := func(s string) { dst = appendTextTo(dst, s) }
	count := func(n int) { dst = binary.AppendUvarint(dst, uint64(n)) }

	dst = append(dst, packedVersion2)
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
		dst = appendTags(dst, d.Tags)
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
	dst = appendTags(dst, r.Tags)
	count(len(r.ModelInputs))
	for _, id := range r.ModelInputs {
		text(id)
	}
	count(len(r.ModelOutputs))
	for _, o := range r.ModelOutputs {
		text(o.Model)
		dst = binary.AppendVarint(dst, o.Step)
	}
	return dst
}

// unpack fills the lists of r from an unsealed run. Their texts are parts of it.
func unpack(body string, r *record.Run) error {
	s := unpacker{rest: body}
	s.lists(r)
	if s.bad || s.rest != "" {
		return errPacked
	}
	return nil
}

// lists reads what appendLists appended.
func (s *unpacker) lists(r *record.Run) {
	version := s.take(1)
	if s.bad || version[0] != packedVersion1 && version[0] != packedVersion2 {
		s.bad = true
		return
	}
	first := version[0] == packedVersion1
	r.Params = r.Params[:0]
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.Params = append(r.Params, record.Param{Key: s.text(), Value: s.text()})
	}
	r.Datasets = r.Datasets[:0]
	for n := s.count(); n > 0 && !s.bad; n-- {
		use := record.DatasetUse{
			Role: record.Role(s.text()), Context: s.text(),
			Dataset: record.Dataset{
				Name: s.text(), Digest: s.text(), SourceType: s.text(),
				Source: s.text(), Schema: s.text(), Profile: s.text(),
			},
		}
		if !first {
			use.Tags = s.tags(nil)
		}
		r.Datasets = append(r.Datasets, use)
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
	r.Tags, r.ModelInputs, r.ModelOutputs = r.Tags[:0], r.ModelInputs[:0], r.ModelOutputs[:0]
	if first {
		return
	}
	r.Tags = s.tags(r.Tags)
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.ModelInputs = append(r.ModelInputs, s.text())
	}
	for n := s.count(); n > 0 && !s.bad; n-- {
		r.ModelOutputs = append(r.ModelOutputs, record.ModelOutput{Model: s.text(), Step: s.varint()})
	}
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

func (s *unpacker) tags(tags []record.Tag) []record.Tag {
	for n := s.count(); n > 0 && !s.bad; n-- {
		tags = append(tags, record.Tag{Key: s.text(), Value: s.text()})
	}
	return tags
}

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
