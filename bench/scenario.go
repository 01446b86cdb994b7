package main

import (
	"context"
	"fmt"
)

// scenario is one thing that is measured: a loop, or a probe.
type scenario struct {
	name    string
	clients int
	unit    string
	figure  figure
	times   int // how many units one operation is, for a rate; 0: 1
	goal    goal
	null    bool // the null server can answer it
	settle  bool // it leaves the server with work, which is waited for
	// loop prepares a target, and returns what its clients do.
	loop func(ctx context.Context, t *target) (*load, error)
	// probe measures a target once; note says more about the value.
	probe func(ctx context.Context, t *target) (value float64, note string, err error)
	once  bool // one round of a probe is enough
}

// load is what the clients of a loop do on one target. They go on from round
// to round where they were.
type load struct {
	ops    []op
	beside []op
	// check looks, after the last round, whether what was acknowledged is there.
	check func(c *conn) error
}

// each makes the operations of n clients.
func each(n int, client func(i int) op) []op {
	ops := make([]op, n)
	for i := range ops {
		ops[i] = client(i)
	}
	return ops
}

// figure says what of a measurement is the figure of its scenario.
type figure int

const (
	rate  figure = iota // units a second, the median of the rounds: more is better
	p50                 // ms that an operation takes, of all rounds: less is better
	p99                 // the same
	value               // what a probe returns, the median of the rounds: less is better
)

// goal is what the project promises itself; fields that are 0 promise nothing.
type goal struct {
	ratio float64 // as many times better than MLflow
	share float64 // this much of the null server
	most  float64 // at most this
}

func (g goal) String() string {
	switch {
	case g.share > 0:
		return fmt.Sprintf("≥ %gx, ≥ %g of null", g.ratio, g.share)
	case g.ratio > 0:
		return fmt.Sprintf("≥ %gx", g.ratio)
	case g.most > 0:
		return fmt.Sprintf("≤ %s", number3(g.most))
	}
	return ""
}

// scenarios are all of them, in the order in which they run: each finds on
// its target what the earlier ones left there.
func scenarios() []scenario {
	const (
		ms  = "ms"
		mib = "MiB"
	)
	return []scenario{
		{name: "get-run", clients: 16, unit: "req/s", goal: goal{ratio: 100}, null: true, loop: getRun},
		{name: "search-2k", clients: 1, unit: ms, figure: p50, goal: goal{most: 1.5}, null: true, loop: searchFew},
		{name: "walk-2k", clients: 1, unit: "pages/s", goal: goal{ratio: 100}, loop: walk},
		{name: "history-100k", clients: 1, unit: ms, figure: p50, goal: goal{most: 60}, loop: history},
		{name: "memory-2k", unit: mib, figure: value, goal: goal{most: 150}, probe: memory, once: true},
		{name: "log-metric", clients: 16, unit: "req/s", goal: goal{ratio: 100, share: 0.5}, null: true, settle: true, loop: logMetrics},
		{name: "log-batch-1000", clients: 4, unit: "metrics/s", times: 1000, goal: goal{ratio: 40}, null: true, settle: true, loop: logBatches},
		{name: "log-batch-small", clients: 16, unit: "req/s", goal: goal{ratio: 100}, null: true, settle: true, loop: logSmallBatches},
		{name: "run-cycle", clients: 16, unit: "cycles/s", goal: goal{ratio: 100}, null: true, settle: true, loop: runCycles},
		{name: "bytes-a-point", unit: "bytes", figure: value, goal: goal{most: 6}, probe: bytesPerPoint, once: true},
		{name: "load-200k", unit: "runs/s", probe: loadMany, once: true},
		{name: "search-200k", clients: 1, unit: ms, figure: p50, goal: goal{most: 10}, loop: searchMany},
		{name: "first-search-200k", unit: ms, figure: value, goal: goal{most: 1000}, probe: firstSearch},
		{name: "log-metric beside 4 searching 200k", clients: 16, unit: ms, figure: p99, goal: goal{most: 20}, settle: true, loop: logWhileSearching},
		{name: "sample-1M", clients: 1, unit: ms, figure: p50, goal: goal{most: 60}, loop: sample},
		{name: "memory-200k", unit: mib, figure: value, goal: goal{most: 600}, probe: memory, once: true},
	}
}

// explained says what the scenarios are, for the report.
const explained = `
| scenario | what one operation is |
|---|---|
| get-run | one run with 10 metrics, 10 parameters and 3 tags, of 2,000 |
| search-2k | ` + "`metrics.acc > 0.5 and params.opt = 'adam'`, `order_by metrics.loss`" + `, first 100 of the quarter of 2,000 runs that matches |
| walk-2k | the next 100 of 2,000 runs, ordered by a metric, by page tokens |
| history-100k | all 100,000 points of a key, in pages of 25,000 |
| memory-2k | resident memory of all the server's processes after the reads above |
| log-metric | one point, on a run of the client's own |
| log-batch-1000 | 20 keys x 50 steps of 32-bit losses in one request |
| log-batch-small | 10 metrics, 2 new parameters and a tag; a new run every 50 requests |
| run-cycle | create a run, log 10 parameters, finish it |
| bytes-a-point | growth of the database file by 100 keys x 1,000 steps a run of 32-bit losses, after the server had nothing more to do and was stopped |
| load-200k | create a run, log 10 metrics, 10 parameters and 3 tags in a batch, finish it, from 16 clients |
| search-200k | as search-2k, among 200,000 runs of one model; MLflow's database was given ANALYZE before, without which its search does not come back within minutes |
| first-search-200k | the same, the first request after a start (the files are in the system's cache) |
| log-metric beside 4 searching 200k | log-metric to runs of that model, while 4 more clients search it without a pause |
| sample-1M | get-history-bulk-interval of a key with 1,000,000 points, 1,000 of them |
| memory-200k | as memory-2k, at the very end |
`
