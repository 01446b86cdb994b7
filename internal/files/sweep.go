package files

import (
	"context"
	"log/slog"
	"time"

	"modeldb/internal/record"
)

// Garbage is the list of bytes that no record has any more, which a database
// keeps, so that none is forgotten when the program ends.
type Garbage interface {
	Garbage(ctx context.Context, limit int) ([]record.Object, error)
	Removed(ctx context.Context, gone []record.Object) error
}

// sweeper removes garbage in the background. Any number of servers may sweep
// the same list: what one has removed is no error for the others.
type sweeper struct {
	store Store
	list  Garbage
	log   *slog.Logger
	wake  chan struct{}
	quit  context.CancelFunc
	ended chan struct{}
}

const (
	sweepTime = time.Minute // between two looks at the list: others may have added to it
	sweepPage = 100
)

func startSweeper(store Store, list Garbage, log *slog.Logger) *sweeper {
	ctx, quit := context.WithCancel(context.Background())
	s := &sweeper{store: store, list: list, log: log, wake: make(chan struct{}, 1), quit: quit, ended: make(chan struct{})}
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
	for {
		if err := s.sweep(ctx); err != nil && ctx.Err() == nil {
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

// sweep removes all that is on the list.
func (s *sweeper) sweep(ctx context.Context) error {
	for {
		found, err := s.list.Garbage(ctx, sweepPage)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, o := range found {
			if err := s.store.Remove(ctx, o.Key); err != nil {
				return err
			}
		}
		if err := s.list.Removed(ctx, found); err != nil || len(found) < sweepPage {
			return err
		}
	}
}
