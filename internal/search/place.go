package search

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"strings"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// Place is where a run stands in an order: what a page token holds to say
// after which run the next page begins. It is of use for the same order only.
type Place struct {
	keys  []value // one for each key of the order
	Start int64   // when the run started, milliseconds, UTC
	ID    record.RunID
}

// value is what a row has under one key of an order.
type value struct {
	kind   kind
	number float64
	text   string
}

// kind says what a value is. Kinds come in this order, also where values
// descend. The numbers are written into page tokens.
type kind uint8

const (
	aNumber kind = iota
	aText
	notANumber
	missing
)

func numberValue(v float64) value {
	if math.IsNaN(v) {
		return value{kind: notANumber}
	}
	return value{kind: aNumber, number: v}
}

func textValue(text string) value { return value{kind: aText, text: text} }

// compare orders values of one key.
func (v *value) compare(w *value, desc bool) int {
	if v.kind != w.kind {
		return cmp.Compare(v.kind, w.kind)
	}
	var c int
	switch v.kind {
	case aNumber:
		c = cmp.Compare(v.number, w.number)
	case aText:
		c = strings.Compare(v.text, w.text)
	}
	if desc {
		return -c
	}
	return c
}

// PlaceOf returns the place of a row: a run that started at start and has the
// id. The place keeps the row's texts.
func PlaceOf(order []filter.Order, row filter.Row, start int64, id record.RunID) Place {
	p := Place{keys: make([]value, len(order)), Start: start, ID: id}
	for i := range order {
		p.keys[i] = valueOf(&order[i], row)
	}
	return p
}

func valueOf(o *filter.Order, row filter.Row) value {
	if o.Numeric {
		if v, there := row.Number(o.Entity, o.Key); there {
			return numberValue(v)
		}
	} else if text, there := row.Text(o.Entity, o.Key); there {
		return textValue(text)
	}
	return value{kind: missing}
}

// Compare orders places: by the keys of the order, of each the numbers or
// texts (by bytes), then NaN, then what is missing; then the newest start
// first, then by id. Only places of one run are equal.
func Compare(order []filter.Order, a, b *Place) int {
	for i := range order {
		if c := a.key(i).compare(b.key(i), order[i].Desc); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(b.Start, a.Start); c != 0 {
		return c
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

// key is the i-th key, also of a place of another order.
func (p *Place) key(i int) *value {
	if i < len(p.keys) {
		return &p.keys[i]
	}
	return &value{kind: missing}
}

// copyTexts makes the place independent of the memory that its texts are in.
func (p *Place) copyTexts() {
	for i := range p.keys {
		p.keys[i].text = strings.Clone(p.keys[i].text)
	}
}

// AppendBinary appends the place's bytes to dst: id, start, and the keys. It
// never fails.
func (p *Place) AppendBinary(dst []byte) ([]byte, error) {
	dst = append(dst, p.ID[:]...)
	dst = binary.AppendVarint(dst, p.Start)
	for i := range p.keys {
		v := &p.keys[i]
		dst = append(dst, byte(v.kind))
		switch v.kind {
		case aNumber:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.number))
		case aText:
			dst = binary.AppendUvarint(dst, uint64(len(v.text)))
			dst = append(dst, v.text...)
		}
	}
	return dst, nil
}

// MarshalBinary returns the place's bytes. It never fails.
func (p *Place) MarshalBinary() ([]byte, error) { return p.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote. The error is of kind Invalid,
// with the field page_token.
func (p *Place) UnmarshalBinary(data []byte) error {
	*p = Place{}
	if len(data) < len(p.ID) {
		return errPlace()
	}
	data = data[copy(p.ID[:], data):]
	start, n := binary.Varint(data)
	if n <= 0 {
		return errPlace()
	}
	p.Start, data = start, data[n:]
	for len(data) > 0 {
		v, rest, ok := readValue(data)
		if !ok {
			return errPlace()
		}
		p.keys, data = append(p.keys, v), rest
	}
	return nil
}

func errPlace() error {
	return record.Invalid.Errorf("page_token", "the page token is not one that a search gave; send next_page_token as it was received")
}

func readValue(data []byte) (v value, rest []byte, ok bool) {
	v.kind, data = kind(data[0]), data[1:]
	switch v.kind {
	case aNumber:
		if len(data) < 8 {
			return v, nil, false
		}
		v.number = math.Float64frombits(binary.LittleEndian.Uint64(data))
		return v, data[8:], v.number == v.number
	case aText:
		size, n := binary.Uvarint(data)
		if n <= 0 || size > uint64(len(data)-n) {
			return v, nil, false
		}
		v.text = string(data[n:][:size])
		return v, data[n:][size:], true
	}
	return v, data, v.kind <= missing
}

// rank maps a value to a number that is smaller if the value comes before.
// The reverse holds for numbers only: texts with one beginning have one rank.
func (v *value) rank(desc bool) uint64 {
	var r uint64
	switch v.kind {
	case notANumber:
		return notANumberRank
	case missing:
		return missingRank
	case aText:
		var begin [8]byte
		copy(begin[:], v.text)
		r = binary.BigEndian.Uint64(begin[:])
	default:
		return numberRank(v.number, desc)
	}
	if desc {
		return ^r
	}
	return r
}

const (
	missingRank    = ^uint64(0)
	notANumberRank = missingRank - 1 // behind those of the infinities
)

func numberRank(v float64, desc bool) uint64 {
	if v != v {
		return notANumberRank
	}
	r := math.Float64bits(v + 0) // one zero
	r ^= uint64(int64(r)>>63) | 1<<63
	if desc {
		return ^r
	}
	return r
}

// startRank is the rank where the newest start comes first.
func startRank(start int64) uint64 { return ^(uint64(start) ^ 1<<63) }

// rank is that of a place's first key.
func (p *Place) rank(order []filter.Order) uint64 {
	if len(order) == 0 {
		return startRank(p.Start)
	}
	return p.key(0).rank(order[0].Desc)
}
