package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// writer is one client that writes, and what it knows of it.
type writer struct {
	run         string
	sent, acked int // requests
	body        []byte
}

func (w *writer) done(err error) error {
	if err == nil {
		w.acked++
	}
	return err
}

// writersOn starts a run for each of n clients.
func (t *target) writersOn(experiment string, n int) ([]writer, error) {
	runs, err := t.newRuns(experiment, n)
	writers := make([]writer, n)
	for i, run := range runs {
		writers[i].run = run
	}
	return writers, err
}

// logMetrics logs one point a request.
func logMetrics(_ context.Context, t *target) (*load, error) {
	experiment, err := t.newExperiment("log-metric")
	if err != nil {
		return nil, err
	}
	return pointLoad(t, experiment)
}

func pointLoad(t *target, experiment string) (*load, error) {
	writers, err := t.writersOn(experiment, 16)
	values := losses(4096)
	return &load{
		ops: each(len(writers), func(i int) op { return writers[i].pointLogger(values) }),
		check: func(c *conn) error {
			for _, w := range writers {
				if err := expectHistory(c, w.run, "loss", w.acked, w.sent); err != nil {
					return err
				}
			}
			return nil
		},
	}, err
}

// pointLogger logs as the client's log_metric does.
func (w *writer) pointLogger(values []string) op {
	return func(c *conn) error {
		b := append(w.body[:0], `{"run_uuid":"`...)
		b = append(b, w.run...)
		b = append(b, `","key":"loss","value":`...)
		b = append(b, values[w.sent%len(values)]...)
		b = append(b, `,"timestamp":`...)
		b = strconv.AppendInt(b, time.Now().UnixMilli(), 10)
		b = append(b, `,"step":`...)
		b = strconv.AppendInt(b, int64(w.sent), 10)
		b = append(b, `,"run_id":"`...)
		b = append(b, w.run...)
		w.body = append(b, `"}`...)
		w.sent++
		_, err := c.call("POST", api+"runs/log-metric", w.body)
		return w.done(err)
	}
}

const (
	batchKeys  = 20
	batchSteps = 50 // 1000 points together
)

// logBatches logs the largest batches that MLflow takes.
func logBatches(_ context.Context, t *target) (*load, error) {
	experiment, err := t.newExperiment("log-batch")
	if err != nil {
		return nil, err
	}
	writers, err := t.writersOn(experiment, 4)
	names, values := keys("metric", batchKeys), losses(4096)
	return &load{
		ops: each(len(writers), func(i int) op {
			w := &writers[i]
			return func(c *conn) error {
				w.body = appendSteps(w.body[:0], w.run, names, values, w.sent*batchSteps, batchSteps)
				w.sent++
				return w.done(logBatch(c, w.body))
			}
		}),
		check: func(c *conn) error {
			for _, w := range writers {
				for _, key := range []string{names[0], names[batchKeys-1]} {
					if err := expectHistory(c, w.run, key, w.acked*batchSteps, w.sent*batchSteps); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}, err
}

// appendSteps appends the body of a batch: some steps of all keys, from one
// step on. The points of a step have one time, as log_metrics gives them.
func appendSteps(b []byte, run string, names, values []string, from, steps int) []byte {
	b = fmt.Appendf(b, `{"run_id":%q,"metrics":[`, run)
	for step := from; step < from+steps; step++ {
		at := lineTime(step)
		for k, name := range names {
			b = appendPoint(b, name, values[(step+k*37)%len(values)], at, int64(step))
		}
	}
	return append(endList(b), '}')
}

const smallBatches = 50 // requests before a client takes a new run

// logSmallBatches logs what a training loop logs once an epoch.
func logSmallBatches(_ context.Context, t *target) (*load, error) {
	experiment, err := t.newExperiment("log-batch-small")
	if err != nil {
		return nil, err
	}
	writers := make([]writer, 16)
	names, values := keys("metric", 10), losses(4096)
	return &load{
		ops: each(len(writers), func(i int) op {
			w := &writers[i]
			return func(c *conn) (err error) {
				if w.run == "" || w.sent == smallBatches {
					if w.run, err = newRun(c, appendRun(nil, experiment, "small", time.Now().UnixMilli())); err != nil {
						return err
					}
					w.sent, w.acked = 0, 0
				}
				w.body = appendEpoch(w.body[:0], w.run, names, values, w.sent)
				w.sent++
				return w.done(logBatch(c, w.body))
			}
		}),
		check: func(c *conn) error {
			for _, w := range writers {
				if err := w.checkSmall(c, len(names)); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

func appendEpoch(b []byte, run string, names, values []string, epoch int) []byte {
	n := strconv.Itoa(epoch)
	b = fmt.Appendf(b, `{"run_id":%q,"metrics":[`, run)
	now := time.Now().UnixMilli()
	for k, name := range names {
		b = appendPoint(b, name, values[(epoch+k*37)%len(values)], now, int64(epoch))
	}
	b = append(endList(b), `,"params":[`...)
	b = appendPair(b, "lr_"+n, "0.1")
	b = appendPair(b, "opt_"+n, "adam")
	b = append(endList(b), `,"tags":[`...)
	b = appendPair(b, "epoch", n)
	return append(endList(b), '}')
}

// checkSmall looks at the client's last run, unless it is not known which of
// its requests were kept.
func (w *writer) checkSmall(c *conn, metrics int) error {
	if w.run == "" || w.acked != w.sent {
		return nil
	}
	type pair struct {
		Key, Value string
	}
	var answer struct {
		Run struct {
			Data struct {
				Metrics []point
				Params  []pair
				Tags    []pair
			}
		}
	}
	if err := c.json("GET", api+"runs/get?run_id="+w.run, nil, &answer); err != nil {
		return err
	}
	got := answer.Run.Data
	late := slices.ContainsFunc(got.Metrics, func(p point) bool { return p.Step != int64(w.sent-1) })
	tagged := slices.Contains(got.Tags, pair{"epoch", strconv.Itoa(w.sent - 1)})
	if len(got.Metrics) != metrics || late || len(got.Params) != 2*w.sent || !tagged {
		return fmt.Errorf("after %d batches run %s has %+v", w.sent, w.run, got)
	}
	return nil
}

// runCycles does what a short script does: it creates a run, logs ten
// parameters and finishes it.
func runCycles(_ context.Context, t *target) (*load, error) {
	experiment, err := t.newExperiment("run-cycle")
	if err != nil {
		return nil, err
	}
	writers := make([]writer, 16)
	return &load{
		ops: each(len(writers), func(i int) op {
			w := &writers[i]
			return func(c *conn) error {
				w.sent++
				return w.done(w.cycle(c, experiment))
			}
		}),
		check: func(c *conn) error { return checkCycles(c, experiment, writers) },
	}, nil
}

func (w *writer) cycle(c *conn, experiment string) error {
	now := time.Now().UnixMilli()
	w.body = appendRun(w.body[:0], experiment, "cycle", now)
	run, err := newRun(c, w.body)
	if err != nil {
		return err
	}
	b := fmt.Appendf(w.body[:0], `{"run_id":%q,"params":[`, run)
	for _, key := range cycleParams {
		b = appendPair(b, key, "value of "+key)
	}
	w.body = append(endList(b), '}')
	if err := logBatch(c, w.body); err != nil {
		return err
	}
	return endRun(c, run, now+1)
}

var cycleParams = keys("param", 10)

func checkCycles(c *conn, experiment string, writers []writer) error {
	sent, acked, found := 0, 0, 0
	for _, w := range writers {
		sent, acked = sent+w.sent, acked+w.acked
	}
	const whole = `"filter":"attributes.status = 'FINISHED' and params.param9 = 'value of param9'",`
	err := eachPage(c, experiment, whole, 2000, func(answer []byte) { found += countRuns(answer) })
	if err == nil && (found < acked || found > sent) {
		err = fmt.Errorf("%d finished runs were found; %d were acknowledged, %d begun", found, acked, sent)
	}
	return err
}

// logWhileSearching logs points to runs of a big crowd, which others search.
func logWhileSearching(ctx context.Context, t *target) (*load, error) {
	cr, err := t.crowd(ctx, t.sizes.many)
	if err != nil {
		return nil, err
	}
	l, err := pointLoad(t, cr.experiment)
	do := searcher(cr, len(cr.firstPage()))
	for range 4 {
		l.beside = append(l.beside, do)
	}
	if err == nil && t.recipe.null {
		err = errors.New("the null server does not search")
	}
	return l, err
}
