package search

import (
	"slices"

	"modeldb/internal/record"
)

// A search gives the lock back every few microseconds, but with some of them
// under way all the time, a writer that waits at each call would be held to
// some thousand calls a second. So what is logged while anybody has the lock
// is deferred, and applied by whoever takes it next: a search before it
// begins, or when it ends, or a writer.

// logged is what one call of Log brings.
type logged struct {
	id     record.RunID
	points []record.Metric
	params []record.Param
	tags   []record.Tag
}

// maxDeferred is how many calls of Log are deferred at most. It bounds how
// long the lock is held to apply them.
const maxDeferred = 256

// logOrDefer applies an entry if the lock is free, else defers it. It reports
// whether the run is there, and whether no more entries should be deferred.
func (ix *Index) logOrDefer(e *logged) (there, full bool) {
	ix.logs.Lock()
	defer ix.logs.Unlock()
	if _, there = ix.rows[e.id]; !there {
		return false, false
	}
	if ix.mu.TryLock() {
		ix.applyDeferred()
		ix.log(e)
		ix.mu.Unlock()
		return true, false
	}
	ix.deferred = append(ix.deferred, logged{e.id, slices.Clone(e.points), slices.Clone(e.params), slices.Clone(e.tags)})
	return true, len(ix.deferred) >= maxDeferred
}

// settle applies what is deferred. The caller has locked mu for writing.
func (ix *Index) settle() {
	ix.logs.Lock()
	defer ix.logs.Unlock()
	ix.applyDeferred()
}

func (ix *Index) applyDeferred() {
	for i := range ix.deferred {
		ix.log(&ix.deferred[i])
	}
	clear(ix.deferred) // they keep the memory of requests alive
	ix.deferred = ix.deferred[:0]
}

// anyDeferred reports whether something is deferred.
func (ix *Index) anyDeferred() bool {
	ix.logs.Lock()
	defer ix.logs.Unlock()
	return len(ix.deferred) > 0
}

// settleBefore applies what was logged before a search begins.
func (ix *Index) settleBefore() {
	if ix.anyDeferred() {
		ix.mu.Lock()
		ix.settle()
		ix.mu.Unlock()
	}
}

// settleAfter applies what was logged during a search, unless another one is
// under way, which will do so.
func (ix *Index) settleAfter() {
	if ix.anyDeferred() && ix.mu.TryLock() {
		ix.settle()
		ix.mu.Unlock()
	}
}
