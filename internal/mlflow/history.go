package mlflow

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"modeldb/internal/record"
	"modeldb/internal/store"
)

// maxRuns is how many runs one request for histories may name.
const maxRuns = 100

type historyRequest struct {
	runRef
	key   string
	max   optional[int64]
	token string
}

var historyFields = withRun(
	field[historyRequest]{name: "metric_key", required: true, read: func(d *decoder, in *historyRequest) { in.key = d.str() }},
	field[historyRequest]{name: "max_results", read: func(d *decoder, in *historyRequest) { in.max = d.integer() }},
	field[historyRequest]{name: "page_token", read: func(d *decoder, in *historyRequest) { in.token = d.str() }},
)

// historyAnswer is a part of one metric's history.
type historyAnswer struct {
	key    string
	points []record.Point
	next   string
}

func (a *historyAnswer) elements() int { return len(a.points) }

func (a *historyAnswer) appendElement(dst []byte, i int) []byte {
	return append(appendMetric(between(dst, i, `{"metrics":[`), a.key, a.points[i]), '}')
}

func (a *historyAnswer) appendEnd(dst []byte) []byte {
	return append(appendNext(afterAll(dst, len(a.points)), a.next), '}')
}

func (a *historyAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

// getHistory answers what is not there by nothing, as MLflow does.
func (d *Door) getHistory(ctx context.Context, ws *workspace, in *historyRequest) (answer, error) {
	if in.max.given && in.max.value <= 0 {
		return nil, record.Invalid.Errorf("max_results", "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer.", in.max.value)
	}
	after, err := readPlace(in.token)
	if err != nil {
		return nil, err
	}
	points, more, err := d.history(ctx, ws, in.text(), in.key, after, in.max.value)
	if err != nil {
		return nil, err
	}
	out := &historyAnswer{key: in.key, points: points}
	if more {
		out.next = placeToken(points[len(points)-1])
	}
	return out, nil
}

// history is store.History for a run that need not be there.
func (d *Door) history(ctx context.Context, ws *workspace, run, key string, after *record.Point, limit int64) ([]record.Point, bool, error) {
	id, err := d.run(ctx, ws, &runRef{id: run})
	if err != nil {
		return nil, false, unlessMissing(err)
	}
	return d.store.History(ctx, id, key, after, int(min(limit, math.MaxInt32)))
}

// unlessMissing is the error, unless it says that something is not there.
func unlessMissing(err error) error {
	if record.KindOf(err) == record.NotFound {
		return nil
	}
	return err
}

// placeToken is the token of the page that begins after a point.
func placeToken(p record.Point) string {
	var b [24]byte
	binary.BigEndian.PutUint64(b[0:], uint64(p.Time))
	binary.BigEndian.PutUint64(b[8:], uint64(p.Step))
	binary.BigEndian.PutUint64(b[16:], math.Float64bits(p.Value))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// readPlace is the point in a token, nil when there is none.
func readPlace(token string) (*record.Point, error) {
	if token == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 24 {
		return nil, record.Invalid.Errorf("page_token", "Invalid page token, could not base64-decode: %s is not one that this server gave", record.Quote(token))
	}
	return &record.Point{
		Time:  int64(binary.BigEndian.Uint64(b[0:])),
		Step:  int64(binary.BigEndian.Uint64(b[8:])),
		Value: math.Float64frombits(binary.BigEndian.Uint64(b[16:])),
	}, nil
}

// runPoint is a point of a run.
type runPoint struct {
	run string
	record.Point
}

type bulkRequest struct {
	runs []string
	key  optional[string]
	max  optional[int64]
}

var bulkFields = []field[bulkRequest]{
	{name: "run_id", read: func(d *decoder, in *bulkRequest) { in.runs = d.strs() }},
	{name: "metric_key", read: func(d *decoder, in *bulkRequest) { in.key = optional[string]{d.str(), true} }},
	{name: "max_results", read: func(d *decoder, in *bulkRequest) { in.max = d.integer() }},
}

// maxBulk is how many points an answer to getHistoryBulk has.
const maxBulk = 25_000

// bulkAnswer are points of one metric of several runs, written as Python's json
// does: the names in their order, and NaN as a word.
type bulkAnswer struct {
	key    string
	points []runPoint
}

func (a *bulkAnswer) elements() int { return len(a.points) }

func (a *bulkAnswer) appendElement(dst []byte, i int) []byte {
	p := &a.points[i]
	dst = between(dst, i, `{"metrics":[`)
	dst = append(dst, `{"key":`...)
	dst = record.AppendJSON(dst, a.key)
	dst = append(dst, `,"run_id":`...)
	dst = record.AppendJSON(dst, p.run)
	dst = append(dst, `,"step":`...)
	dst = strconv.AppendInt(dst, p.Step, 10)
	dst = append(dst, `,"timestamp":`...)
	dst = strconv.AppendInt(dst, p.Time, 10)
	dst = append(dst, `,"value":`...)
	dst = appendBareNumber(dst, p.Value)
	return append(dst, '}')
}

// appendEnd shows an empty list, too.
func (a *bulkAnswer) appendEnd(dst []byte) []byte {
	if len(a.points) == 0 {
		return append(dst, `{"metrics":[]}`...)
	}
	return append(dst, "]}"...)
}

func (a *bulkAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

func (d *Door) getHistoryBulk(ctx context.Context, ws *workspace, in *bulkRequest) (answer, error) {
	switch n := len(in.runs); {
	case n == 0:
		return nil, record.Invalid.Errorf("run_id", "GetMetricHistoryBulk request must specify at least one run_id.")
	case n > maxRuns:
		return nil, record.Invalid.Errorf("run_id", "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %d run_ids.", maxRuns, n)
	case !in.key.given:
		return nil, record.Invalid.Errorf("metric_key", "GetMetricHistoryBulk request must specify a metric_key.")
	}
	left := min(in.max.or(maxBulk), maxBulk)
	if err := checkPage(left); err != nil {
		return nil, err
	}
	out := &bulkAnswer{key: in.key.value}
	runs := slices.Clone(in.runs)
	slices.Sort(runs)
	for _, run := range slices.Compact(runs) {
		points, _, err := d.history(ctx, ws, run, in.key.value, nil, left)
		if err != nil {
			return nil, err
		}
		for _, p := range points {
			out.points = append(out.points, runPoint{run, p})
		}
		if left -= int64(len(points)); left == 0 {
			break
		}
	}
	return out, nil
}

type intervalRequest struct {
	runs       []string
	key        string
	start, end optional[int64]
	max        optional[int64]
}

// maxSample is how many points of a run an answer to getHistoryInterval has,
// besides the last one.
const maxSample = 2500

var intervalFields = []field[intervalRequest]{
	{name: "run_ids", required: true, read: readRunIDs},
	{name: "metric_key", required: true, read: func(d *decoder, in *intervalRequest) { in.key = d.str() }},
	{name: "start_step", read: func(d *decoder, in *intervalRequest) { in.start = d.integer() }},
	{name: "end_step", read: func(d *decoder, in *intervalRequest) { in.end = d.integer() }},
	{name: "max_results", read: func(d *decoder, in *intervalRequest) {
		if in.max = d.integer(); in.max.given && (in.max.value < 1 || in.max.value > maxSample) {
			d.wrong = record.Invalid.Errorf("max_results", "max_results must be between 1 and %d.%s", maxSample, seeDocs)
		}
	}},
}

func readRunIDs(d *decoder, in *intervalRequest) {
	if in.runs = d.strs(); len(in.runs) > maxRuns {
		d.wrong = record.Invalid.Errorf("run_ids", "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %d run_ids.%s",
			maxRuns, len(in.runs), seeDocs)
	}
}

// steps is the range of steps that is asked for, nil for all.
func (r *intervalRequest) steps() (*store.Steps, error) {
	switch {
	case r.start.given != r.end.given:
		return nil, record.Invalid.Errorf("start_step", "If either start step or end step are specified, both must be specified.")
	case r.start.value > r.end.value:
		return nil, record.Invalid.Errorf("end_step", "end_step must be greater than start_step. Found start_step=%d and end_step=%d.", r.start.value, r.end.value)
	case !r.start.given:
		return nil, nil
	}
	return &store.Steps{First: r.start.value, Last: r.end.value}, nil
}

type intervalAnswer struct {
	key    string
	points []runPoint
}

func (a *intervalAnswer) elements() int { return len(a.points) }

func (a *intervalAnswer) appendElement(dst []byte, i int) []byte {
	p := &a.points[i]
	dst = appendMetric(between(dst, i, `{"metrics":[`), a.key, p.Point)
	dst = append(dst, `,"run_id":`...)
	return append(record.AppendJSON(dst, p.run), '}')
}

func (a *intervalAnswer) appendEnd(dst []byte) []byte {
	return append(afterAll(dst, len(a.points)), '}')
}

func (a *intervalAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

func (d *Door) getHistoryInterval(ctx context.Context, ws *workspace, in *intervalRequest) (answer, error) {
	steps, err := in.steps()
	if err != nil {
		return nil, err
	}
	out := &intervalAnswer{key: in.key}
	for _, run := range in.runs {
		points, err := d.sample(ctx, ws, run, in.key, steps, int(in.max.or(maxSample)))
		if err != nil {
			return nil, err
		}
		for _, p := range points {
			out.points = append(out.points, runPoint{run, p})
		}
	}
	return out, nil
}

// sample is store.Sample for a run that need not be there.
func (d *Door) sample(ctx context.Context, ws *workspace, run, key string, steps *store.Steps, n int) ([]record.Point, error) {
	id, err := d.run(ctx, ws, &runRef{id: run})
	if err != nil {
		return nil, unlessMissing(err)
	}
	return d.store.Sample(ctx, id, key, steps, n)
}
