package search

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"unsafe"

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
	held, _ := ix.tags.find("kind").at(0, 999)
	tagged(ix, 999, "a")
	tagged(ix, 5, "b")
	rows := s.best.sorted()
	text := rows[0].keys[0].text
	if text != "999" {
		t.Errorf("the place says %q", text)
	}
	if unsafe.StringData(text) == unsafe.StringData(held) {
		t.Error("the place keeps the memory of the index alive")
	}
}

func TestWhatIsLoggedDuringASearchIsSeenByTheNext(t *testing.T) {
	ix := twoBlocks()
	ix.mu.RLock() // as a search does
	tagged(ix, 7, "first")
	tagged(ix, 7, "second")
	reused := []record.Tag{{Key: "kind", Value: "third"}}
	ix.Log(numberedID(8), nil, nil, reused)
	reused[0].Value = "not logged"
	if ix.Log(record.RunID{1}, nil, nil, nil) {
		t.Error("a run that is not there takes what is logged")
	}
	ix.mu.RUnlock()
	for value, want := range map[string]int{"first": 0, "second": 1, "7": 0, "third": 1} {
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

// Between the blocks of a search, a run that the search has seen is removed,
// then one of the first block, whose row it gets when it is put again.
func TestARunThatMovesDuringASearchIsOnThePageOnce(t *testing.T) {
	const runs, moving, first = 5 * blockRows, 5*blockRows - 3, 5
	ix := New()
	for n := range runs {
		ix.Put(&record.Run{ID: numberedID(n)})
	}
	writes := make(chan func(), 3)
	writes <- func() { ix.Remove(numberedID(moving)) }
	writes <- func() { ix.Remove(numberedID(first)) }
	writes <- func() { ix.Put(&record.Run{ID: numberedID(moving)}) }
	var wg sync.WaitGroup
	letOneWait := func() {
		select {
		case write := <-writes:
			wg.Go(write)
			for ix.mu.TryRLock() { // until the writer waits for the lock
				ix.mu.RUnlock()
				runtime.Gosched()
			}
		default:
		}
	}
	block := -1
	page := ix.Page(Query{
		Limit: runs, Order: []filter.Order{{Entity: filter.Attribute, Key: attrArtifacts}},
		Artifacts: func(id record.RunID) string {
			if n := int(binary.BigEndian.Uint64(id[8:])) / blockRows; n != block {
				block = n
				letOneWait()
			}
			return id.String()
		},
	})
	wg.Wait()
	seen := map[record.RunID]bool{}
	for _, row := range page.Rows {
		if seen[row.ID] {
			t.Errorf("run %v is twice on the page", row.ID)
		}
		seen[row.ID] = true
	}
	if len(seen) != runs-1 || page.Matches != runs-1 {
		t.Errorf("%d runs on the page, %d matches, want %d", len(seen), page.Matches, runs-1)
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
