package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
)

// page is how many runs the searches ask for.
const page = 100

// getRun reads the runs of a crowd one by one.
func getRun(ctx context.Context, t *target) (*load, error) {
	cr, err := t.crowd(ctx, t.sizes.runs)
	if err != nil {
		return nil, err
	}
	return &load{ops: each(16, func(i int) op {
		return func(c *conn) error {
			i++
			answer, err := c.call("GET", api+"runs/get?run_id="+cr.ids[i*7%len(cr.ids)], nil)
			return errors.Join(err, expect(answer, lifecycle, 1))
		}
	})}, nil
}

func searchFew(ctx context.Context, t *target) (*load, error) { return search(ctx, t, t.sizes.runs) }

func searchMany(ctx context.Context, t *target) (*load, error) { return search(ctx, t, t.sizes.many) }

// search asks one client's question again and again, after its answer was
// seen to be the right runs in the right order.
func search(ctx context.Context, t *target, runs int) (*load, error) {
	cr, err := t.crowd(ctx, runs)
	if err != nil {
		return nil, err
	}
	if t.recipe.null {
		return &load{ops: []op{searcher(cr, page)}}, nil
	}
	do := searcher(cr, len(cr.firstPage()))
	if err := do(t.c); err != nil {
		return nil, err
	}
	if got := runIDs(t.c.answer); !slices.Equal(got, cr.firstPage()) {
		return nil, errors.New("the search finds other runs, or in another order")
	}
	return &load{ops: []op{do}}, nil
}

// searcher makes the search that looks for want runs.
func searcher(cr *crowd, want int) op {
	body := fmt.Appendf(nil, `{"experiment_ids":[%q],%s%s"max_results":%d}`, cr.experiment, filter, order, page)
	return func(c *conn) error {
		answer, err := c.call("POST", api+"runs/search", body)
		return errors.Join(err, expect(answer, lifecycle, want))
	}
}

// walk turns the pages of a crowd, again and again. One whole walk before the
// rounds looks at each run.
func walk(ctx context.Context, t *target) (*load, error) {
	cr, err := t.crowd(ctx, t.sizes.runs)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = eachPage(t.c, cr.experiment, order, page, func(answer []byte) { ids = append(ids, runIDs(answer)...) })
	if err != nil {
		return nil, err
	}
	if !slices.Equal(ids, cr.ordered(false)) {
		return nil, errors.New("the pages together are not all runs in order")
	}
	token, seen := "", 0
	return &load{ops: []op{func(c *conn) error {
		answer, err := searchPage(c, cr.experiment, order, page, token)
		if err != nil {
			return err
		}
		seen += countRuns(answer)
		if token, _ = text(answer, nextToken); token != "" {
			return nil
		}
		defer func() { seen = 0 }()
		if seen != len(ids) {
			return fmt.Errorf("%d runs on all pages instead of %d", seen, len(ids))
		}
		return nil
	}}}, nil
}

func searchPage(c *conn, experiment, query string, size int, token string) ([]byte, error) {
	return c.call("POST", api+"runs/search", fmt.Appendf(nil, `{"experiment_ids":[%q],%s"max_results":%d,"page_token":%q}`,
		experiment, query, size, token))
}

// eachPage turns all pages of a search once.
func eachPage(c *conn, experiment, query string, size int, see func(answer []byte)) error {
	for token := ""; ; {
		answer, err := searchPage(c, experiment, query, size, token)
		if err != nil {
			return err
		}
		see(answer)
		if token, _ = text(answer, nextToken); token == "" {
			return nil
		}
	}
}

// ---- histories ----

const lineKey = "loss"

// line returns a run whose key "loss" has n points, with the steps 0 to n-1.
func (t *target) line(ctx context.Context, n int) (run string, err error) {
	if run := t.lines[n]; run != "" {
		return run, nil
	}
	experiment, err := t.newExperiment("line")
	if err != nil {
		return "", err
	}
	runs, err := t.newRuns(experiment, 1)
	if err != nil {
		return "", err
	}
	run = runs[0]
	values := losses(n)
	if t.recipe.fill != nil {
		err = t.recipe.fill(ctx, t.folder, false, func(w io.Writer) error { return lineRows(w, run, values) })
	} else {
		err = t.parallel(ctx, (n+999)/1000, func(c *conn, i int) error {
			b := fmt.Appendf(nil, `{"run_id":%q,"metrics":[`, run)
			for step := i * 1000; step < min(n, i*1000+1000); step++ {
				b = appendPoint(b, lineKey, values[step], lineTime(step), int64(step))
			}
			return logBatch(c, append(endList(b), '}'))
		})
	}
	t.lines[n] = run
	return run, err
}

// lineTime is when a step was logged: about ten a second.
func lineTime(step int) int64 { return epoch + int64(step)*100 + int64(step*step%17) }

// lineRows writes a line as the rows that fill.py reads.
func lineRows(w io.Writer, run string, values []string) error {
	var err error
	for step, v := range values {
		if _, err = fmt.Fprintf(w, "M\t%s\t%s\t%s\t%d\t%d\n", run, lineKey, v, lineTime(step), step); err != nil {
			return err
		}
	}
	last := len(values) - 1
	_, err = fmt.Fprintf(w, "L\t%s\t%s\t%s\t%d\t%d\n", run, lineKey, values[last], lineTime(last), last)
	return err
}

// history reads a whole history. Once before the rounds it looks at each point.
func history(ctx context.Context, t *target) (*load, error) {
	n := t.sizes.points
	run, err := t.line(ctx, n)
	if err != nil {
		return nil, err
	}
	values, step := losses(n), 0
	err = eachHistoryPage(t.c, run, lineKey, func(answer []byte) error {
		points, err := readPoints(answer)
		for _, p := range points {
			if step >= n || p.Step != int64(step) || p.Timestamp != lineTime(step) || number(p.Value) != values[step] {
				return fmt.Errorf("point %d of the history is %+v", step, p)
			}
			step++
		}
		return err
	})
	if err == nil && step != n {
		err = fmt.Errorf("%d points instead of %d", step, n)
	}
	return &load{ops: []op{func(c *conn) error { return expectHistory(c, run, lineKey, n, n) }}}, err
}

// point is a metric of an answer.
type point struct {
	Step, Timestamp int64
	Value           float64
}

func readPoints(answer []byte) ([]point, error) {
	var a struct{ Metrics []point }
	err := json.Unmarshal(answer, &a)
	return a.Metrics, err
}

// eachHistoryPage reads a history in pages, as MLflow's client does.
func eachHistoryPage(c *conn, run, key string, see func(answer []byte) error) error {
	path := api + "metrics/get-history?run_id=" + run + "&metric_key=" + key + "&max_results=25000"
	for token := ""; ; {
		at := path
		if token != "" {
			at += "&page_token=" + url.QueryEscape(token)
		}
		answer, err := c.call("GET", at, nil)
		if err == nil {
			err = see(answer)
		}
		if err != nil {
			return err
		}
		if token, _ = text(answer, nextToken); token == "" {
			return nil
		}
	}
}

// expectHistory is an error unless a history has least to most points.
func expectHistory(c *conn, run, key string, least, most int) error {
	n := 0
	err := eachHistoryPage(c, run, key, func(answer []byte) error {
		n += countPoints(answer)
		return nil
	})
	if err == nil && (n < least || n > most) {
		err = fmt.Errorf("run %s has %d points of %s; %d were acknowledged, %d sent", run, n, key, least, most)
	}
	return err
}

// sampled is how many points the sample is asked to have.
const sampled = 1000

// sample reads a long history thinned out. Before the rounds it looks at the
// first and last point and at the distances between.
func sample(ctx context.Context, t *target) (*load, error) {
	n := t.sizes.line
	run, err := t.line(ctx, n)
	if err != nil {
		return nil, err
	}
	ask := min(sampled, n)
	path := api + "metrics/get-history-bulk-interval?run_ids=" + run + "&metric_key=" + lineKey + "&max_results=" + strconv.Itoa(ask)
	answer, err := t.c.call("GET", path, nil)
	if err != nil {
		return nil, err
	}
	points, err := readPoints(answer)
	if err != nil {
		return nil, err
	}
	if err := evenly(points, n, ask); err != nil {
		return nil, err
	}
	want := len(points)
	return &load{ops: []op{func(c *conn) error {
		answer, err := c.call("GET", path, nil)
		return errors.Join(err, expect(answer, timestamp, want))
	}}}, nil
}

// evenly is an error unless points stand for n steps, at equal distances,
// the first and the last among them. The distance to the last may be longer,
// since it is there whatever the others are.
func evenly(points []point, n, ask int) error {
	if len(points) < ask || len(points) > ask+1 || points[0].Step != 0 || points[len(points)-1].Step != int64(n-1) {
		return fmt.Errorf("%d points that do not go from the first to the last step", len(points))
	}
	for i := range points[1:] {
		if d := points[i+1].Step - points[i].Step; d < 1 || d > 2*int64(n/ask+1) {
			return fmt.Errorf("%d steps lie between point %d and the next", d, i)
		}
	}
	return nil
}
