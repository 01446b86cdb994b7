package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"
)

// errNotMeasured says why a scenario has no figure on a target.
type errNotMeasured string

func (e errNotMeasured) Error() string { return string(e) }

// memory is what all of a server's processes hold, in MiB.
func memory(_ context.Context, t *target) (float64, string, error) {
	mib, processes := resident(t.cmd.Process.Pid)
	if processes == 0 {
		return 0, "", errNotMeasured("the system does not say")
	}
	note := ""
	if processes > 1 {
		note = fmt.Sprintf("%d processes", processes)
	}
	return mib, note, nil
}

// loadMany puts the big crowd in through the API.
func loadMany(ctx context.Context, t *target) (float64, string, error) {
	if t.recipe.fill != nil {
		return 0, "", errNotMeasured("put in past its API")
	}
	began := time.Now()
	cr, err := t.crowd(ctx, t.sizes.many)
	if err != nil {
		return 0, "", err
	}
	took := time.Since(began)
	return float64(len(cr.ids)) / took.Seconds(), fmt.Sprintf("%.0f s", took.Seconds()), nil
}

// firstSearch is how long the first search of the big crowd takes after a
// start, in ms.
func firstSearch(ctx context.Context, t *target) (float64, string, error) {
	cr, err := t.crowd(ctx, t.sizes.many)
	if err != nil {
		return 0, "", err
	}
	do := searcher(cr, len(cr.firstPage()))
	if err := t.restart(ctx); err != nil {
		return 0, "", err
	}
	began := time.Now()
	err = do(t.c)
	return float64(time.Since(began)) / 1e6, "", err
}

const (
	storedKeys  = 100
	storedSteps = 1000 // a run
)

// bytesPerPoint is by how much the database of a fresh server grows with each
// point, in bytes.
func bytesPerPoint(ctx context.Context, t *target) (float64, string, error) {
	if t.recipe.file == "" {
		return 0, "", errNotMeasured("it has no file of its own")
	}
	runs := t.sizes.stored / (storedKeys * storedSteps)
	if t.recipe.fill != nil {
		runs = 1 // it is slow, and each point takes as much as the others
	}
	folder := filepath.Join(t.folder, fmt.Sprintf("stored-%x", rand.Uint32()))
	fresh, err := newTarget(ctx, t.recipe, folder, t.sizes)
	if err != nil {
		return 0, "", err
	}
	defer func() { fresh.stop() }() // the one after the restart
	experiment, err := fresh.newExperiment("stored")
	if err != nil {
		return 0, "", err
	}
	ids, err := fresh.newRuns(experiment, runs)
	if err != nil {
		return 0, "", err
	}
	if err := fresh.restart(ctx); err != nil {
		return 0, "", err
	}
	before, _, err := fresh.size()
	if err != nil {
		return 0, "", err
	}
	if err := fresh.logTrainings(ctx, ids); err != nil {
		return 0, "", err
	}
	fresh.quiet(time.Second)
	for _, id := range ids[:min(3, len(ids))] {
		if err := expectHistory(fresh.c, id, "key42", storedSteps, storedSteps); err != nil {
			return 0, "", err
		}
	}
	fresh.stop()
	after, free, err := fresh.size()
	points := float64(runs * storedKeys * storedSteps)
	note := fmt.Sprintf("%s points; %.1f of it in free pages", number3(points), float64(free)/points)
	return float64(after-before) / points, note, err
}

// logTrainings logs whole trainings, ten steps of all keys a request, and
// ends their runs.
func (t *target) logTrainings(ctx context.Context, runs []string) error {
	const steps = 1000 / storedKeys
	names, values := keys("key", storedKeys), losses(4096)
	return t.parallel(ctx, len(runs), func(c *conn, i int) error {
		var b []byte
		for step := 0; step < storedSteps; step += steps {
			b = appendSteps(b[:0], runs[i], names, values[i*7:], step, steps)
			if err := errors.Join(ctx.Err(), logBatch(c, b)); err != nil {
				return err
			}
		}
		return endRun(c, runs[i], lineTime(storedSteps))
	})
}
