package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// op is one operation that is timed: a request, or a short fixed sequence of
// them. It checks the answers.
type op func(c *conn) error

// loop is a closed loop: each client sends its next request when it has the
// answer to the last one.
type loop struct {
	base  string
	quick bool
	ops   []op // one a client
	// beside are operations of further clients that run until the others are
	// done, and are counted apart.
	beside []op
}

// result is what one round of a loop did.
type result struct {
	took   time.Duration
	times  []time.Duration // of the operations that succeeded
	errors int
	first  error // the first error
	did    traffic
	beside []time.Duration
	cpu    time.Duration // of the server
}

func (r *result) add(o result) {
	r.times = append(r.times, o.times...)
	r.errors += o.errors
	r.did.add(o.did)
	if r.first == nil {
		r.first = o.first
	}
}

// rate is operations a second.
func (r *result) rate() float64 {
	if r.took <= 0 {
		return 0
	}
	return float64(len(r.times)) / r.took.Seconds()
}

// run drives the loop for d. An operation that began in time is finished and
// counts, and the time runs to the end of the last one: slow operations are
// neither cut off nor counted too high.
func (l loop) run(ctx context.Context, d time.Duration) result {
	var (
		all, other result
		done       = make(chan struct{})
		clients    sync.WaitGroup
		besides    sync.WaitGroup
		mu         sync.Mutex // guards all and other
	)
	began := time.Now()
	deadline := began.Add(d)
	for _, do := range l.beside {
		besides.Go(func() {
			part := l.client(ctx, do, func(time.Time) bool { return isOpen(done) })
			mu.Lock()
			defer mu.Unlock()
			other.add(part)
		})
	}
	for _, do := range l.ops {
		clients.Go(func() {
			part := l.client(ctx, do, func(now time.Time) bool { return now.Before(deadline) && ctx.Err() == nil })
			mu.Lock()
			defer mu.Unlock()
			all.add(part)
		})
	}
	clients.Wait()
	all.took = time.Since(began)
	close(done)
	besides.Wait()
	all.beside = other.times
	other.times = nil
	all.add(other)
	return all
}

func isOpen(c chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

// giveUp is how many operations of one client may fail one after another.
const giveUp = 20

func (l loop) client(ctx context.Context, do op, goOn func(time.Time) bool) (r result) {
	c := dial(ctx, l.base, l.quick)
	defer c.close()
	failing := 0
	for now := time.Now(); failing < giveUp && goOn(now); {
		err := do(c)
		end := time.Now()
		if err == nil {
			failing = 0
			r.times = append(r.times, end.Sub(now))
		} else {
			failing++
			r.errors++
			if r.first == nil {
				r.first = err
			}
		}
		now = end
	}
	r.did = c.did
	return r
}

// quantile is the q-th quantile of sorted times, by nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted)) + 0.999999)
	return sorted[min(max(rank-1, 0), len(sorted)-1)]
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
