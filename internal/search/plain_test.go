package search

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// plain is what an index must agree with: whole runs, looked at one by one.
type plain map[record.RunID]*record.Run

func (p plain) log(id record.RunID, points []record.Metric, params []record.Param, tags []record.Tag) bool {
	run := p[id]
	if run == nil {
		return false
	}
	for _, m := range points {
		at := slices.IndexFunc(run.Metrics, func(have record.Metric) bool { return have.Key == m.Key })
		if at < 0 {
			run.Metrics = append(run.Metrics, m)
		} else if m.After(run.Metrics[at].Point) {
			run.Metrics[at] = m
		}
	}
	for _, v := range params {
		run.Params = append(slices.DeleteFunc(run.Params, func(have record.Param) bool { return have.Key == v.Key }), v)
	}
	for _, v := range tags {
		if v.Key == record.RunNameTag {
			run.Name = v.Value
			continue
		}
		run.Tags = append(slices.DeleteFunc(run.Tags, func(have record.Tag) bool { return have.Key == v.Key }), v)
	}
	return true
}

func artifacts(id record.RunID) string { return "mlflow-artifacts:/7/" + id.String() + "/artifacts" }

// find returns the rows of all pages of a query.
func (p plain) find(q Query) []RunRow {
	var rows []RunRow
	for _, run := range p {
		row := RunRow{run, artifacts(run.ID)}
		gone := run.Gone || run.Deleted != 0
		if (q.View == All || gone == (q.View == Deleted)) && filter.Match(q.Filter, row) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b RunRow) int { return plainCompare(q.Order, a, b) })
	return rows
}

// plainCompare says by itself what Compare must say.
func plainCompare(order []filter.Order, a, b RunRow) int {
	for _, o := range order {
		c := 0
		if o.Numeric {
			v, hasV := a.Number(o.Entity, o.Key)
			w, hasW := b.Number(o.Entity, o.Key)
			c = plainKeys(o.Desc, !hasV, !hasW, math.IsNaN(v), math.IsNaN(w), cmp.Compare(v, w))
		} else {
			v, hasV := a.Text(o.Entity, o.Key)
			w, hasW := b.Text(o.Entity, o.Key)
			c = plainKeys(o.Desc, !hasV, !hasW, false, false, strings.Compare(v, w))
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(b.Start, a.Start), bytes.Compare(a.ID[:], b.ID[:]))
}

func plainKeys(desc, missingA, missingB, nanA, nanB bool, c int) int {
	switch {
	case missingA || missingB:
		return int(bit(missingA)) - int(bit(missingB))
	case nanA || nanB:
		return int(bit(nanA)) - int(bit(nanB))
	case desc:
		return -c
	}
	return c
}

// ids are those of the runs, sorted.
func (p plain) ids() []record.RunID {
	return slices.SortedFunc(maps.Keys(p), func(a, b record.RunID) int { return bytes.Compare(a[:], b[:]) })
}

// What runs and queries are made of: few, so that they meet.
var (
	someKeys    = []string{"a", "b", "Ä b", "mlflow.x", record.RunNameTag}
	someTexts   = []string{"", "x", "X", "é", "É", "x%_", "a\x00", "a", "long enough 1", "long enough 2", "1", "\U0010ffff\U0010ffff\U0010ffff", "NaN"}
	someNumbers = []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 2, 1e300, math.SmallestNonzeroFloat64, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()}
	someTimes   = []int64{0, 1, 2, 1_700_000_000_000, 1_700_000_000_001, -5, math.MaxInt64, math.MinInt64}
	someValues  = []string{`"x"`, `"X"`, `1`, `1.0`, `"1"`, `null`, `"a\u0000"`, `"a\"b"`, `[1,"x"]`, `""`, `"long enough 1"`, `"long enough 2"`}
)

func drawID(t *rapid.T) record.RunID {
	var id record.RunID
	id[0], id[15] = byte(rapid.IntRange(0, 2).Draw(t, "id0")), byte(rapid.IntRange(0, 15).Draw(t, "id"))
	return id
}

func drawPoint(t *rapid.T) record.Point {
	return record.Point{
		Step:  rapid.Int64Range(0, 2).Draw(t, "step"),
		Time:  rapid.Int64Range(0, 2).Draw(t, "time"),
		Value: rapid.SampledFrom(someNumbers).Draw(t, "value"),
	}
}

// drawLists draws metrics, parameters and tags, each key once.
func drawLists(t *rapid.T) (metrics []record.Metric, params []record.Param, tags []record.Tag) {
	for _, key := range someKeys {
		if rapid.Bool().Draw(t, "metric") {
			metrics = append(metrics, record.Metric{Key: key, Point: drawPoint(t)})
		}
		if rapid.Bool().Draw(t, "param") {
			params = append(params, record.Param{Key: key, Value: rapid.SampledFrom(someValues).Draw(t, "value")})
		}
		if key != record.RunNameTag && rapid.Bool().Draw(t, "tag") {
			tags = append(tags, record.Tag{Key: key, Value: rapid.SampledFrom(someTexts).Draw(t, "value")})
		}
	}
	return metrics, params, tags
}

func drawRun(t *rapid.T, id record.RunID) *record.Run {
	run := &record.Run{
		ID:     id,
		Name:   rapid.SampledFrom(someTexts).Draw(t, "name"),
		User:   rapid.SampledFrom(someTexts).Draw(t, "user"),
		Status: record.Status(rapid.IntRange(0, 6).Draw(t, "status")),
		Start:  rapid.SampledFrom(someTimes).Draw(t, "start"),
		End:    rapid.SampledFrom(someTimes).Draw(t, "end"),
		Gone:   rapid.IntRange(0, 3).Draw(t, "gone") == 0,
	}
	run.Metrics, run.Params, run.Tags = drawLists(t)
	for range rapid.IntRange(0, 2).Draw(t, "datasets") {
		text := func(label string) string { return rapid.SampledFrom(someTexts).Draw(t, label) }
		run.Datasets = append(run.Datasets, record.DatasetUse{Dataset: record.Dataset{Name: text("dataset"), Digest: text("digest")}, Context: text("context")})
	}
	return run
}

var (
	textAttributes   = []string{"run_id", "run_name", "status", "user_id", "artifact_uri"}
	numberAttributes = []string{"start_time", "end_time"}
)

func drawField(t *rapid.T) (e filter.Entity, key string, numeric bool) {
	e = rapid.SampledFrom([]filter.Entity{filter.Attribute, filter.Metric, filter.Param, filter.Tag, filter.Dataset}).Draw(t, "entity")
	keys, numeric := append(slices.Clone(someKeys), "nobody"), e == filter.Metric
	switch e {
	case filter.Attribute:
		numeric = rapid.Bool().Draw(t, "numeric")
		keys = textAttributes
		if numeric {
			keys = numberAttributes
		}
	case filter.Dataset:
		keys = useKeys[:]
	}
	return e, rapid.SampledFrom(keys).Draw(t, "key"), numeric
}

func drawClause(t *rapid.T) *filter.Clause {
	c := &filter.Clause{}
	c.Entity, c.Key, c.Numeric = drawField(t)
	ops := []filter.Op{filter.Equal, filter.NotEqual, filter.In, filter.NotIn, filter.IsNull, filter.IsNotNull, filter.Less, filter.LessEqual, filter.Greater, filter.GreaterEqual}
	if !c.Numeric {
		ops = append(ops, filter.Like, filter.ILike)
	}
	c.Op = rapid.SampledFrom(ops).Draw(t, "op")
	texts := append(slices.Clone(someTexts), "FINISHED", "KILLED", "%x%", "x_", "%", "Long%", (record.RunID{1, 15: 3}).String(), artifacts(record.RunID{}))
	n := 1
	if c.Op == filter.In || c.Op == filter.NotIn {
		n = rapid.SampledFrom([]int{1, 2, 20}).Draw(t, "values")
	}
	switch {
	case nullTest(c):
		c.Numeric = false
	case c.Numeric:
		numbers := append(slices.Clone(someNumbers), 1_700_000_000_000, math.MaxInt64)
		c.Numbers = rapid.SliceOfN(rapid.SampledFrom(numbers), n, n).Draw(t, "numbers")
	default:
		c.Texts = rapid.SliceOfN(rapid.SampledFrom(texts), n, n).Draw(t, "texts")
	}
	return c
}

func drawExpr(t *rapid.T, depth int) filter.Expr {
	kind := rapid.IntRange(0, 7).Draw(t, "expr")
	if depth == 0 || kind > 3 {
		return drawClause(t)
	}
	if kind == 0 {
		return &filter.Not{Term: drawExpr(t, depth-1)}
	}
	terms := make([]filter.Expr, rapid.IntRange(2, 3).Draw(t, "terms"))
	for i := range terms {
		terms[i] = drawExpr(t, depth-1)
	}
	if kind == 1 {
		return &filter.Or{Terms: terms}
	}
	return &filter.And{Terms: terms}
}

func drawQuery(t *rapid.T) Query {
	q := Query{
		View:      View(rapid.IntRange(0, 2).Draw(t, "view")),
		Limit:     rapid.SampledFrom([]int{1, 2, 3, 7, 100}).Draw(t, "limit"),
		Artifacts: artifacts,
	}
	if rapid.IntRange(0, 4).Draw(t, "filtered") > 0 {
		q.Filter = drawExpr(t, 3)
	}
	for range rapid.IntRange(0, 3).Draw(t, "orders") {
		e, key, numeric := drawField(t)
		if e != filter.Dataset {
			q.Order = append(q.Order, filter.Order{Entity: e, Key: key, Numeric: numeric, Desc: rapid.Bool().Draw(t, "desc")})
		}
	}
	return q
}

// agree fails unless the pages of a query, each begun at the token of the one
// before, are what looking at all runs finds.
func agree(t interface {
	Helper()
	Fatalf(string, ...any)
}, ix *Index, runs plain, q Query) {
	t.Helper()
	want := runs.find(q)
	var got []record.RunID
	for {
		page := ix.Page(q)
		if page.Matches != len(want) {
			t.Fatalf("Matches is %d, want %d, of %s", page.Matches, len(want), filter.String(q.Filter))
		}
		for i := range page.Rows {
			got = append(got, page.Rows[i].ID)
		}
		if page.More != (len(got) < len(want)) {
			t.Fatalf("More is %v after %d of %d rows", page.More, len(got), len(want))
		}
		if !page.More || len(page.Rows) == 0 {
			break
		}
		q.After = throughToken(t, &page.Rows[len(page.Rows)-1])
	}
	if len(got) != len(want) {
		t.Fatalf("found %d runs, want %d, by %s", len(got), len(want), filter.String(q.Filter))
	}
	for i := range want {
		if got[i] != want[i].ID {
			t.Fatalf("run %d is %v, want %v, of %s by %+v", i, got[i], want[i].ID, filter.String(q.Filter), q.Order)
		}
	}
}

func throughToken(t interface{ Fatalf(string, ...any) }, p *Place) *Place {
	token, _ := p.MarshalBinary()
	var read Place
	if err := read.UnmarshalBinary(token); err != nil {
		t.Fatalf("token %x: %v", token, err)
	}
	return &read
}
