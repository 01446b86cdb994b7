package metric

import (
	"encoding/binary"
	"slices"

	"modeldb/internal/record"
)

// dictionary is a list of all values that occur, for a metric that takes few:
// an accuracy over a fixed number of examples is a fraction that no decimal
// is, but there are no more of these than examples.
type dictionary struct {
	entries []int64 // the bits of the values, in order
	places  []int64 // for each point, where its value stands in entries
}

// maxEntries is how many values a dictionary has at most. Whether there are
// more is found out after few points.
const maxEntries = 512

// tableBits is for a hash table that is never fuller than a quarter.
const tableBits = 11

// entryTable finds values: slots hold numbers of entries and one, 0 is empty.
type entryTable struct {
	slots   [1 << tableBits]uint16
	entries []int64
}

// place returns the number of the entry, made if need be, or -1 if there are
// too many.
func (t *entryTable) place(entry int64) int {
	const golden = 0x9e3779b97f4a7c15 // spreads over the upper bits
	at := uint64(entry) * golden >> (64 - tableBits)
	for ; t.slots[at] != 0; at = (at + 1) % (1 << tableBits) {
		if n := int(t.slots[at]) - 1; t.entries[n] == entry {
			return n
		}
	}
	if len(t.entries) == maxEntries {
		return -1
	}
	t.entries = append(t.entries, entry)
	t.slots[at] = uint16(len(t.entries))
	return len(t.entries) - 1
}

// dictionaryOf returns the dictionary of the values, unless they are too many.
func dictionaryOf(points []record.Point) (d dictionary, ok bool) {
	var t entryTable
	d.places = make([]int64, len(points))
	for i, p := range points {
		place := t.place(int64(floatBits(p.Value)))
		if place < 0 {
			return d, false
		}
		d.places[i] = int64(place)
	}
	// In order, neighbouring values have neighbouring places.
	d.entries = slices.Sorted(slices.Values(t.entries))
	var moved [maxEntries]int64
	for place, entry := range d.entries {
		moved[t.place(entry)] = int64(place)
	}
	for i, place := range d.places {
		d.places[i] = moved[place]
	}
	return d, true
}

// append appends the number of entries, and the length and bytes of their
// column.
func (d *dictionary) append(dst []byte) []byte {
	var c columns
	column := c.append(nil, d.entries)
	dst = binary.AppendUvarint(dst, uint64(len(d.entries)))
	dst = binary.AppendUvarint(dst, uint64(len(column)))
	return append(dst, column...)
}
