package search

import (
	"errors"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// drawnOrder is an order of so many keys that no run has.
func drawnOrder(n int) []filter.Order {
	order := make([]filter.Order, n)
	for i := range order {
		order[i] = filter.Order{Entity: filter.Tag, Key: "nobody", Desc: i%2 == 1}
	}
	return order
}

// bytesAsString returns a text that changes with b.
func bytesAsString(b []byte) string { return unsafe.String(&b[0], len(b)) }

func TestATokenThatNoSearchGaveIsRefused(t *testing.T) {
	whole, _ := (&Place{keys: []value{numberValue(1), textValue("text"), {kind: missing}}, Start: 7}).MarshalBinary()
	for n := range len(whole) {
		var p Place
		err := p.UnmarshalBinary(whole[:n])
		var e *record.Error
		if err != nil && (!errors.As(err, &e) || e.Kind != record.Invalid || e.Field != "page_token") {
			t.Errorf("%d bytes: %v", n, err)
		}
		if err == nil && n < 17 {
			t.Errorf("%d bytes are read as %+v", n, p)
		}
	}
}

func FuzzPlace(f *testing.F) {
	whole, _ := (&Place{keys: []value{numberValue(1), textValue("text"), {kind: notANumber}}, Start: -7}).MarshalBinary()
	f.Add(whole)
	f.Fuzz(func(t *testing.T, token []byte) {
		var p, again Place
		if p.UnmarshalBinary(token) != nil {
			return
		}
		order := drawnOrder(len(p.keys))
		written, _ := p.MarshalBinary()
		if err := again.UnmarshalBinary(written); err != nil || Compare(order, &p, &again) != 0 {
			t.Fatalf("%+v reads back as %+v: %v", p, again, err)
		}
		New().Page(Query{Order: order, After: &p, Limit: 1})
	})
}

func TestCompareIsATotalOrderThatRanksFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := drawQuery(t).Order
		var places []Place
		for n := range byte(3) {
			run := drawRun(t, record.RunID{n})
			places = append(places, PlaceOf(order, RunRow{run, artifacts(run.ID)}, run.Start, run.ID))
		}
		a, b, c := &places[0], &places[1], &places[2]
		if Compare(order, a, b) != -Compare(order, b, a) {
			t.Fatalf("%+v and %+v", a, b)
		}
		if Compare(order, a, b) < 0 && Compare(order, b, c) < 0 && Compare(order, a, c) >= 0 {
			t.Fatalf("%+v, %+v and %+v", a, b, c)
		}
		if a.rank(order) < b.rank(order) && Compare(order, a, b) >= 0 {
			t.Fatalf("ranks of %+v and %+v", a, b)
		}
	})
}
