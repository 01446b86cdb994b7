package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
)

// crowd is an experiment with many finished runs. Run i has 10 metrics, 10
// parameters and 3 tags that only i decides, so that what a search must find
// is known.
type crowd struct {
	experiment string
	ids        []string // by i
	found      []string // what the first page of the search must be, see firstPage
}

// member is what run i of a crowd holds.
type member struct {
	name                  string
	start                 int64
	acc, loss             float64
	metrics, params, tags [][2]string
}

const epoch = 1_790_000_000_000 // the first run's start: ms since 1970

func newMember(i int) member {
	rnd := rand.New(rand.NewPCG(7, uint64(i)))
	m := member{name: "run-" + strconv.Itoa(i), start: epoch + int64(i)*1000, acc: rnd.Float64(), loss: rnd.ExpFloat64()}
	m.metrics = [][2]string{{"acc", number(m.acc)}, {"loss", number(m.loss)}}
	for _, key := range keys("m", 8) {
		m.metrics = append(m.metrics, [2]string{key, number(rnd.NormFloat64())})
	}
	m.params = [][2]string{{"opt", []string{"adam", "sgd"}[i%2]}}
	for _, key := range keys("p", 9) {
		m.params = append(m.params, [2]string{key, strconv.Itoa(rnd.IntN(10))})
	}
	m.tags = [][2]string{{"team", "t" + strconv.Itoa(i%5)}, {"host", "h" + strconv.Itoa(i%20)}, {"note", "n" + strconv.Itoa(i)}}
	return m
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// matches is the filter of the searches, which a quarter of a crowd passes.
func (m *member) matches() bool { return m.acc > 0.5 && m.params[0][1] == "adam" }

// filter and order are what the searches ask for.
const (
	filter = `"filter":"metrics.acc > 0.5 and params.opt = 'adam'",`
	order  = `"order_by":["metrics.loss ASC"],`
)

// ordered are the ids of all members, or of those that match, by loss.
func (cr *crowd) ordered(matching bool) (ids []string) {
	type row struct {
		id   string
		loss float64
	}
	var rows []row
	for i, id := range cr.ids {
		if m := newMember(i); !matching || m.matches() {
			rows = append(rows, row{id, m.loss})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.loss, b.loss) })
	for _, r := range rows {
		ids = append(ids, r.id)
	}
	return ids
}

// firstPage are the ids that the search must find, in order.
func (cr *crowd) firstPage() []string {
	if cr.found == nil {
		matching := cr.ordered(true)
		cr.found = matching[:min(page, len(matching))]
	}
	return cr.found
}

// analyzed is how many runs a crowd may have before SQLite is told to look at
// its tables (ANALYZE), which MLflow does not do: its search, without, compares
// each matching run with all others and does not come back.
const analyzed = 10_000

// crowd returns the crowd of n runs, put in when it is first asked for.
func (t *target) crowd(ctx context.Context, n int) (*crowd, error) {
	if cr := t.crowds[n]; cr != nil {
		return cr, nil
	}
	experiment, err := t.newExperiment("crowd")
	if err != nil {
		return nil, err
	}
	cr := &crowd{experiment: experiment, ids: make([]string, n)}
	if t.recipe.fill != nil {
		for i := range cr.ids {
			cr.ids[i] = randomID()
		}
		err = t.recipe.fill(ctx, t.folder, n > analyzed, cr.rows)
	} else {
		err = t.parallel(ctx, n, func(c *conn, i int) (err error) {
			cr.ids[i], err = putMember(c, experiment, i)
			return err
		})
	}
	if err == nil {
		t.crowds[n] = cr
	}
	return cr, err
}

// parallel calls do for 0 to n-1 from several clients.
func (t *target) parallel(ctx context.Context, n int, do func(c *conn, i int) error) error {
	clients := 16
	if t.recipe.fill != nil {
		clients = 4 // more would only wait for each other
	}
	errs := make([]error, clients)
	var all sync.WaitGroup
	for w := range clients {
		all.Go(func() {
			c := dial(ctx, t.base, false)
			defer c.close()
			for i := w; i < n && errs[w] == nil; i += clients {
				errs[w] = errors.Join(ctx.Err(), do(c, i))
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func putMember(c *conn, experiment string, i int) (string, error) {
	m := newMember(i)
	id, err := newRun(c, appendRun(nil, experiment, m.name, m.start))
	if err != nil {
		return "", err
	}
	b := fmt.Appendf(nil, `{"run_id":%q,"metrics":[`, id)
	b = m.appendLists(b)
	if err := logBatch(c, append(endList(b), '}')); err != nil {
		return "", err
	}
	return id, endRun(c, id, m.start+900)
}

func randomID() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// rows writes all runs as the rows that fill.py reads.
func (cr *crowd) rows(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<20)
	for i, id := range cr.ids {
		m := newMember(i)
		fmt.Fprintf(out, "R\t%s\t%s\t%s\t%d\t%d\n", cr.experiment, id, m.name, m.start, m.start+900)
		for _, kv := range m.metrics {
			fmt.Fprintf(out, "M\t%s\t%s\t%s\t%d\t0\nL\t%[1]s\t%[2]s\t%[3]s\t%[4]d\t0\n", id, kv[0], kv[1], m.start)
		}
		for _, kv := range m.params {
			fmt.Fprintf(out, "P\t%s\t%s\t%s\n", id, kv[0], kv[1])
		}
		fmt.Fprintf(out, "T\t%s\tmlflow.runName\t%s\n", id, m.name)
		for _, kv := range m.tags {
			fmt.Fprintf(out, "T\t%s\t%s\t%s\n", id, kv[0], kv[1])
		}
	}
	return out.Flush()
}

// appendLists appends what a member logs: its metrics, whose list is open, its
// parameters, and its tags, whose list stays open.
func (m *member) appendLists(b []byte) []byte {
	for _, kv := range m.metrics {
		b = appendPoint(b, kv[0], kv[1], m.start, 0)
	}
	b = append(endList(b), `,"params":[`...)
	for _, kv := range m.params {
		b = appendPair(b, kv[0], kv[1])
	}
	b = append(endList(b), `,"tags":[`...)
	for _, kv := range m.tags {
		b = appendPair(b, kv[0], kv[1])
	}
	return b
}
