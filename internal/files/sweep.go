package files

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"modeldb/internal/record"
)

// Garbage is the list of bytes that no record has any more, which a database
// keeps, so that none is forgotten when the program ends.
type Garbage interface {
	// Garbage returns what is on the list since a time (milliseconds, UTC) or
	// longer, in an order, after one.
	Garbage(ctx context.Context, since int64, after record.Object, limit int) ([]record.Object, error)
	// Removed takes objects off the list.
	Removed(ctx context.Context, gone []record.Object) error
}

// sweeper removes garbage in the background, some time after it became that. Any
// number of servers may sweep the same list: what one has removed is no error for
// the others.
type sweeper struct {
	store Store
	list  Garbage
	age   time.Duration
	log   *slog.Logger
	wake  chan struct{}
	quit  context.CancelFunc
	ended chan struct{}
}

const (
	sweepTime = time.Minute // between two looks at the list: others may have added to it
	sweepPage = 100
	tidyEach  = 60 // sweeps
)

// startSweeper begins with what is on the list. The caller stops it.
func startSweeper(store Store, list Garbage, age time.Duration, log *slog.Logger) *sweeper {
	ctx, quit := context.WithCancel(context.Background())
	s := &sweeper{store: store, list: list, age: age, log: log, wake: make(chan struct{}, 1), quit: quit, ended: make(chan struct{})}
	go s.run(ctx)
	return s
}

// wakeUp says that there is garbage now.
func (s *sweeper) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// stop ends the sweeper; what is left is on the list.
func (s *sweeper) stop() {
	s.quit()
	<-s.ended
}

func (s *sweeper) run(ctx context.Context) {
	defer close(s.ended)
	tick := time.NewTicker(sweepTime)
	defer tick.Stop()
	for n := 1; ; n++ {
		err := s.sweep(ctx)
		if n%tidyEach == 0 {
			err = errors.Join(err, s.store.Tidy(ctx))
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("sweep files", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// sweep removes all that is on the list for long enough. What cannot be removed
// stays on it, and holds up nothing else.
func (s *sweeper) sweep(ctx context.Context) error {
	since := time.Now().Add(-s.age).UnixMilli()
	var after record.Object
	var failed error
	for {
		found, err := s.list.Garbage(ctx, since, after, sweepPage)
		if err != nil || len(found) == 0 {
			return cmp.Or(err, failed)
		}
		after = found[len(found)-1]
		gone := found[:0]
		for _, o := range found {
			if err := s.store.Remove(ctx, o.Key); err != nil {
				failed = err
				continue
			}
			gone = append(gone, o)
		}
		if err := s.list.Removed(ctx, gone); err != nil {
			return err
		}
	}
}
