package store

import (
	"slices"
	"sync"

	"modeldb/internal/record"
)

const (
	recentRuns  = 512     // in each of the two halves of recent
	recentSize  = 8 << 10 // bytes of texts and entries that one of them may have
	recentTails = 64      // entries
)

// recent remembers the states in which writes left runs, so that the next one
// need not read them: whoever logs to a run mostly does it again and again.
// What is remembered may be out of date, which lockRun finds out. It is two
// halves, of which the older one goes when the other is full.
type recent struct {
	mu     sync.Mutex
	states [2]map[record.RunID]*runState // not changed any more, nor what they hold
}

// get returns a state that must not be changed, nil when there is none.
func (c *recent) get(id record.RunID) *runState {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, half := range c.states {
		if s := half[id]; s != nil {
			return s
		}
	}
	return nil
}

// put remembers a state, unless it is large. The caller gives it away.
func (c *recent) put(s *runState) {
	if !s.isSmall() {
		c.drop(s.ID)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.states[0]) >= recentRuns || c.states[0] == nil {
		c.states = [2]map[record.RunID]*runState{{}, c.states[0]}
	}
	c.states[0][s.ID] = s
}

// drop forgets a run.
func (c *recent) drop(id record.RunID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.states[0], id)
	delete(c.states[1], id)
}

func (r *runState) isSmall() bool {
	size := r.Size()
	for _, t := range r.entries {
		size += len(t.body)
	}
	return len(r.entries) <= recentTails && size <= recentSize
}

// clone is a state that may be changed.
func (r *runState) clone() *runState {
	c := *r
	c.Params, c.Tags, c.Metrics = slices.Clone(r.Params), slices.Clone(r.Tags), slices.Clone(r.Metrics)
	c.Datasets, c.Evaluations, c.Artifacts = slices.Clone(r.Datasets), slices.Clone(r.Evaluations), slices.Clone(r.Artifacts)
	c.ModelInputs, c.ModelOutputs = slices.Clone(r.ModelInputs), slices.Clone(r.ModelOutputs)
	c.entries = slices.Clone(r.entries)
	return &c
}
