package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"modeldb/internal/record"
)

const (
	groupLimit  = 1024             // writes that one commit carries
	groupTime   = 30 * time.Second // after which a group is given up
	aloneTries  = 5                // times that one write is tried by itself
	retryWait   = 20 * time.Millisecond
	queueLength = 4 * groupLimit
)

// write is one operation that waits for its commit.
type write struct {
	ctx    context.Context
	run    int64 // key of the run that do locks; 0: none
	do     func(*tx) error
	err    error         // the answer, once done is closed
	done   chan struct{} // closed after the commit
	failed error         // the refusal of do, kept until the commit
}

// committer is the only writer of this process. It takes all the writes that
// queued up while it was busy with the last commit, does them in one
// transaction, commits, and then answers all. There is no timer: a lone client
// waits for nothing but its own commit.
type committer struct {
	s      *Store
	queue  chan *write
	ended  chan struct{}
	report func(writes int)

	mu      sync.RWMutex // held to queue, and by stop
	stopped bool
}

func startCommitter(s *Store, report func(int)) *committer {
	if report == nil {
		report = func(int) {}
	}
	c := &committer{s: s, queue: make(chan *write, queueLength), ended: make(chan struct{}), report: report}
	go c.run()
	return c
}

// stop waits until all queued writes are answered.
func (c *committer) stop() {
	c.mu.Lock()
	c.stopped = true
	close(c.queue)
	c.mu.Unlock()
	<-c.ended
}

// enqueue queues a write, unless the committer was stopped.
func (c *committer) enqueue(w *write) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.stopped {
		return record.Unavailable.Errorf("", "the server is stopping")
	}
	select {
	case c.queue <- w:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

func (c *committer) run() {
	defer close(c.ended)
	group := make([]*write, 0, groupLimit)
	for first := range c.queue {
		group = c.drain(append(group[:0], first))
		c.commit(group)
		clear(group[:cap(group)]) // also those that try added
	}
}

// drain adds the writes that wait already.
func (c *committer) drain(group []*write) []*write {
	for len(group) < groupLimit {
		select {
		case w, ok := <-c.queue:
			if !ok {
				return group
			}
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

// write runs do in a transaction, which other writes may share, and returns
// after the commit. When do returns an error, nothing that it did is kept. It
// may be called more than once, so it must draw its keys and set its results
// anew each time, and it runs on the committer's goroutine, so it must not
// wait for anything but the database.
func (s *Store) write(ctx context.Context, do func(*tx) error) error {
	return s.writeRun(ctx, 0, do)
}

// writeRun is write for what locks a run first.
func (s *Store) writeRun(ctx context.Context, run int64, do func(*tx) error) error {
	w := &write{ctx: ctx, run: run, do: do, done: make(chan struct{})}
	if err := s.committer.enqueue(w); err != nil {
		return err
	}
	// From here on the write happens, or not, without regard to the caller,
	// who must know which: so there is no giving up before the answer, which
	// comes within groupTime.
	<-w.done
	return w.err
}

// commit does a group, and the writes that come while it is being done. If it
// fails as a whole, each write is tried by itself, so that a bad one fails alone.
func (c *committer) commit(group []*write) {
	group, err := c.try(group, false)
	if err == nil {
		c.report(len(group))
		return
	}
	for i, w := range group {
		if hopeless(err) {
			answer(group[i:], err)
			return
		}
		err = c.alone(w)
	}
}

// hopeless reports whether an error says that no other write would fare
// better just now.
func hopeless(err error) bool {
	kind := record.KindOf(err)
	return kind == record.Unavailable || kind == record.Full
}

// alone does one write in a transaction of its own, and returns the error
// that it was answered with.
func (c *committer) alone(w *write) error {
	var err error
	for i := range aloneTries {
		if _, err = c.try([]*write{w}, true); err == nil {
			c.report(1)
			return w.err
		}
		switch {
		case c.s.db.unique(err): // another writer was first: w.do looks again, and draws other keys
		case c.s.db.again(err):
			time.Sleep(time.Duration(rand.Int64N(int64(retryWait) << i)))
		default:
			answer([]*write{w}, err)
			return err
		}
	}
	err = c.s.db.classify(err)
	answer([]*write{w}, err)
	return err
}

func answer(group []*write, err error) {
	for _, w := range group {
		w.err = err
		close(w.done)
	}
}

// try does the writes of a group in one transaction, and, unless one is tried
// alone, those that queue up meanwhile: they need not wait for this commit to
// have one of their own. It returns all of them. Without an error, all are
// answered: committed or refused. With one, none is, and nothing was kept.
func (c *committer) try(group []*write, alone bool) (_ []*write, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), groupTime)
	defer cancel()
	defer func() {
		if err != nil && !c.s.db.unique(err) && !c.s.db.again(err) {
			err = c.s.db.classify(err)
		}
	}()
	conn, err := c.s.db.begin(ctx)
	if err != nil {
		return group, err
	}
	defer conn.rollback()
	t := &tx{
		ctx: ctx, conn: conn, s: c.s, now: c.s.now(), alone: alone,
		models: map[int64]record.Model{}, projects: map[int64]record.Project{}, heads: map[int64]*runHead{},
	}
	for done := 0; done < len(group); {
		if err := t.lockRuns(group[done:]); err != nil {
			return group, err
		}
		for ; done < len(group); done++ {
			if err := t.do(group[done]); err != nil {
				return group, err
			}
		}
		if alone || !c.s.db.near() {
			break // where runs are locked, all of a group are locked at once, in order
		}
		if err := t.flush(); err != nil {
			return group, err
		}
		group = c.drain(group)
	}
	if err := t.commit(); err != nil {
		return group, err
	}
	for _, w := range group {
		w.err = w.failed
		close(w.done)
	}
	return group, nil
}

// do does one write. A refusal is the write's answer, unless undoing the write
// takes a rollback; then it is returned, as any other error.
func (t *tx) do(w *write) error {
	if w.failed = w.ctx.Err(); w.failed != nil {
		return nil
	}
	t.start()
	err := guarded(t, w.do)
	var refusal *record.Error
	if err == nil || errors.As(err, &refusal) && t.undo() {
		w.failed = err
		return nil
	}
	return err
}

// guarded turns a panic of one write into an error, so that the others live.
func guarded(t *tx, do func(*tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
		}
	}()
	return do(t)
}
