package search

import (
	"fmt"
	"testing"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// twoBlocks returns an index of 2048 runs whose tags kind are their numbers.
func twoBlocks() *Index {
	ix := New()
	for n := range 2 * blockRows {
		ix.Put(&record.Run{ID: numberedID(n), Tags: []record.Tag{{Key: "kind", Value: fmt.Sprint(n)}}})
	}
	return ix
}

func tagged(ix *Index, n int, value string) {
	ix.Log(numberedID(n), nil, nil, []record.Tag{{Key: "kind", Value: value}})
}

// A search gives the lock back between blocks, and codes may get other texts
// then: what a clause has learnt of a code must not outlive its text.
func TestAClauseDoesNotTakeANewTextForTheOldOneOfItsCode(t *testing.T) {
	for _, op := range []filter.Op{filter.Equal, filter.Like, filter.NotEqual} {
		ix := twoBlocks()
		c := &filter.Clause{Entity: filter.Tag, Key: "kind", Op: op, Texts: []string{"1500"}}
		s := newScan(ix, &Query{Filter: c, Limit: 10})
		s.block(1)
		tagged(ix, 1500, "1501") // nobody has 1500 now
		tagged(ix, 3, "other")   // gets the code that 1500 had
		tagged(ix, 4, "1500")    // gets a code that it had not
		s.block(0)
		want := 2 // the runs 1500, before, and 4
		if op == filter.NotEqual {
			want = 2*blockRows - 2
		}
		if s.matches != want {
			t.Errorf("operator %v: %d matches, want %d", op, s.matches, want)
		}
	}
}

func TestAPlaceKeepsItsTextWhenItsCodeGetsAnother(t *testing.T) {
	ix := twoBlocks()
	s := newScan(ix, &Query{Order: []filter.Order{{Entity: filter.Tag, Key: "kind", Desc: true}}, Limit: 1})
	s.block(1)
	s.block(0)
	tagged(ix, 999, "a")
	tagged(ix, 5, "b")
	if rows := s.best.sorted(); rows[0].keys[0].text != "999" {
		t.Errorf("the place says %q", rows[0].keys[0].text)
	}
}

func TestWhatIsLoggedDuringASearchIsSeenByTheNext(t *testing.T) {
	ix := twoBlocks()
	ix.mu.RLock() // as a search does
	tagged(ix, 7, "first")
	tagged(ix, 7, "second")
	if ix.Log(record.RunID{1}, nil, nil, nil) {
		t.Error("a run that is not there takes what is logged")
	}
	ix.mu.RUnlock()
	for value, want := range map[string]int{"first": 0, "second": 1, "7": 0} {
		c := &filter.Clause{Entity: filter.Tag, Key: "kind", Op: filter.Equal, Texts: []string{value}}
		if got := ix.Page(Query{Filter: c}).Matches; got != want {
			t.Errorf("%d runs have the tag %s, want %d", got, value, want)
		}
	}
}

func TestWhatIsDeferredComesBeforeWhatIsPutLater(t *testing.T) {
	ix := twoBlocks()
	ix.mu.RLock()
	tagged(ix, 7, "logged")
	tagged(ix, 8, "logged")
	ix.mu.RUnlock()
	ix.Put(&record.Run{ID: numberedID(7)})
	ix.Remove(numberedID(8))
	c := &filter.Clause{Entity: filter.Tag, Key: "kind", Op: filter.Equal, Texts: []string{"logged"}}
	if got := ix.Page(Query{Filter: c}).Matches; got != 0 {
		t.Errorf("%d runs have what was logged before they were replaced", got)
	}
}

func TestASearchDuringWhichRowsWereTakenAgainStartsAnew(t *testing.T) {
	ix := twoBlocks()
	asked := 0
	// The address of a run is asked for with the lock held for reading, so the
	// writer must wait for the next block.
	moved := make(chan struct{})
	q := Query{Limit: 3000, Order: []filter.Order{{Entity: filter.Attribute, Key: attrArtifacts}}, Artifacts: func(id record.RunID) string {
		if asked++; asked == 1 {
			go func() {
				defer close(moved)
				ix.Remove(numberedID(5))
				ix.Remove(numberedID(2000))
				ix.Put(&record.Run{ID: numberedID(2000)}) // takes the row that was just left
				ix.Put(&record.Run{ID: numberedID(2001)}) // is there already
			}()
		}
		return id.String()
	}}
	page := ix.Page(q)
	<-moved
	seen := map[record.RunID]bool{}
	for _, row := range page.Rows {
		if seen[row.ID] {
			t.Errorf("run %v is twice on the page", row.ID)
		}
		seen[row.ID] = true
	}
}

func TestAKeyThatOldRunsGetLateIsFound(t *testing.T) {
	ix := twoBlocks()
	ix.Log(numberedID(2000), []record.Metric{{Key: "late", Point: record.Point{Value: 1}}}, nil, nil)
	ix.Log(numberedID(3), []record.Metric{{Key: "late", Point: record.Point{Value: 2}}}, nil, nil)
	page := ix.Page(Query{
		Filter: &filter.Clause{Entity: filter.Metric, Key: "late", Op: filter.IsNotNull},
		Order:  []filter.Order{{Entity: filter.Metric, Key: "late", Numeric: true}}, Limit: 3,
	})
	if len(page.Rows) != 2 || page.Rows[0].ID != numberedID(2000) || page.Rows[1].ID != numberedID(3) {
		t.Errorf("got %+v", page.Rows)
	}
}
