package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the null server be this program, as it is when bench runs.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "null" {
		say("%v", serveNull(os.Args[2], strings.Join(os.Args[3:], "")))
		os.Exit(1)
	}
	flag.Parse()
	os.Exit(m.Run())
}

var (
	small = sizes{runs: 230, many: 450, points: 30_000, line: 9_500, stored: 100_000}
	hasty = plan{time: 100 * time.Millisecond, look: 50 * time.Millisecond, rounds: 2}
)

// Every scenario runs on our server and on the null server. The scenarios
// look at the answers themselves: the right runs in the right order, every
// point, and after the writes the count of what was acknowledged.
func TestEveryScenarioIsAnsweredRightly(t *testing.T) {
	program := os.Getenv("MODELDB_BIN")
	if program == "" {
		program = filepath.Join(t.TempDir(), "modeldb")
		if err := build(t.Context(), "..", program); err != nil {
			t.Fatal(err)
		}
	}
	targets := []*target{started(t, ours(program, ""))}
	null, err := canned(false)
	if err != nil {
		t.Fatal(err)
	}
	targets = append(targets, started(t, null))
	ctx := t.Context() // connections outlive the scenario that opens them
	for _, s := range scenarios() {
		if s.figure == value && s.unit == "MiB" && runtime.GOOS != "linux" {
			continue // no /proc
		}
		t.Run(s.name, func(t *testing.T) {
			for _, o := range measure(ctx, s, targets, hasty) {
				if o.wrong != "" || o.errors > 0 || o.missing != "" || o.figure <= 0 {
					t.Errorf("%s; first error: %v", o.line(s), o.first)
				}
				if s.loop != nil && (o.ops == 0 || o.did.requests < o.ops || o.did.received == 0 || o.p99 < o.p50) {
					t.Errorf("%s did %d operations with %+v, p50 %g ms, p99 %g ms", o.target, o.ops, o.did, o.p50, o.p99)
				}
			}
		})
	}
}

func started(t *testing.T, r recipe) *target {
	t.Helper()
	one, err := newTarget(t.Context(), r, t.TempDir(), small)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { one.stop() }) // it may have been started again
	return one
}

// A server that acknowledges points and loses one of them is found out.
func TestLostPointIsNoticed(t *testing.T) {
	kept := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch filepath.Base(r.URL.Path) {
		case "create":
			fmt.Fprint(w, `{"experiment_id": "1", "run": {"run_id": "r"}}`)
		case "get-history":
			fmt.Fprint(w, strings.Repeat(`{"timestamp": 1}`, kept))
		}
	}))
	defer srv.Close()
	one := &target{process: &process{base: srv.URL}, c: dial(t.Context(), srv.URL, false)}
	l, err := logMetrics(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range l.ops {
		for range 3 {
			if err := do(one.c); err != nil {
				t.Fatal(err)
			}
		}
	}
	for kept = range 6 {
		if err := l.check(one.c); (err == nil) != (kept == 3) {
			t.Errorf("3 points were acknowledged, and %d are there: %v", kept, err)
		}
	}
}

// A search that answers the right number of other runs is found out.
func TestWrongOrderIsNoticed(t *testing.T) {
	cr := &crowd{experiment: "1"}
	for i := range 20 {
		cr.ids = append(cr.ids, fmt.Sprintf("%032x", i))
	}
	ids := cr.ordered(true)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, id := range ids {
			fmt.Fprintf(w, `{"run_id": %q, "lifecycle_stage": "active"}`, id)
		}
	}))
	defer srv.Close()
	one := &target{process: &process{base: srv.URL}, c: dial(t.Context(), srv.URL, false), sizes: sizes{runs: 20}, crowds: map[int]*crowd{20: cr}}
	if _, err := searchFew(t.Context(), one); err != nil || len(ids) < 3 {
		t.Errorf("%d runs in order: %v", len(ids), err)
	}
	slices.Reverse(ids)
	if _, err := searchFew(t.Context(), one); err == nil {
		t.Error("the wrong order was not noticed")
	}
}

func TestUnevenSampleIsNoticed(t *testing.T) {
	var all []point
	for i := range 100 {
		all = append(all, point{Step: int64(i) * 10})
	}
	all = append(all, point{Step: 999})
	if err := evenly(all, 1000, 100); err != nil {
		t.Error(err)
	}
	for name, points := range map[string][]point{
		"without the first":  all[1:],
		"without the last":   all[:100],
		"too few":            append(slices.Clone(all[:90]), all[100]),
		"a gap":              slices.Delete(slices.Clone(all), 40, 42),
		"a point twice":      slices.Insert(slices.Delete(slices.Clone(all), 5, 6), 7, all[7]),
		"nothing whatsoever": nil,
	} {
		if err := evenly(points, 1000, 100); err == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

// The client reads what servers send: whole bodies, pieces, bodies that end
// with the connection; and errors are errors.
func TestClientReadsAnswers(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/whole":
			w.Header().Set("Content-Length", fmt.Sprint(len(long)))
			fmt.Fprint(w, long)
		case "/pieces":
			for i := range 20 {
				fmt.Fprint(w, long[i*10_000:(i+1)*10_000])
				w.(http.Flusher).Flush()
			}
		case "/closed":
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, long)
		case "/nothing":
			w.WriteHeader(http.StatusNoContent)
		default:
			http.Error(w, "no such thing", http.StatusTeapot)
		}
	}))
	defer srv.Close()
	c := dial(t.Context(), srv.URL, true)
	defer c.close()
	for range 2 {
		for _, path := range []string{"/whole", "/pieces", "/closed", "/nothing"} {
			answer, err := c.call("POST", path, []byte("{}"))
			if want := long; err != nil || string(answer) != want && path != "/nothing" || len(answer) > 0 && path == "/nothing" {
				t.Errorf("%s: %d bytes instead of %d, %v", path, len(answer), len(want), err)
			}
		}
		if _, err := c.call("GET", "/wrong?x=1", nil); err == nil || !strings.Contains(err.Error(), "GET /wrong answers 418: no such thing") {
			t.Errorf("418 gives %v", err)
		}
	}
	if c.did.requests != 10 || c.did.received < 6*int64(len(long)) || c.did.sent == 0 {
		t.Errorf("the client counted %+v", c.did)
	}
}

// An interrupt does not wait for an answer that does not come.
func TestInterruptEndsTheWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer srv.Close()
	c := dial(ctx, srv.URL, false)
	defer c.close()
	if _, err := c.call("GET", "/", nil); err == nil {
		t.Error("an answer came")
	}
}

// The loop counts what succeeded, and gives up on a server that only fails.
func TestLoopCountsErrorsApart(t *testing.T) {
	n := 0
	third := func(*conn) error {
		if n++; n%3 == 0 {
			return fmt.Errorf("number %d", n)
		}
		return nil
	}
	r := loop{ops: []op{third}}.run(context.Background(), 20*time.Millisecond)
	if len(r.times)+r.errors != n || r.errors != n/3 || r.first == nil || r.first.Error() != "number 3" {
		t.Errorf("of %d operations %d succeeded and %d failed, the first with %v", n, len(r.times), r.errors, r.first)
	}
	never := func(*conn) error { return fmt.Errorf("no") }
	if r := (loop{ops: []op{never, never}}).run(context.Background(), time.Hour); r.errors != 2*giveUp || r.rate() != 0 {
		t.Errorf("%d errors, %g a second", r.errors, r.rate())
	}
}

func TestReportComparesAndHidesTheAddress(t *testing.T) {
	quick := row{scenario{name: "quick", clients: 16, unit: "req/s", goal: goal{ratio: 100, share: 0.5}}, []*outcome{
		{target: "MLflow", figure: 200, ops: 1}, {target: quickPeer, figure: 400}, {target: "Model DB", figure: 30_000, ops: 1, errors: 3}, {target: "null", figure: 50_000}}}
	slow := row{scenario{name: "slow", unit: "ms", figure: p50, goal: goal{most: 1.5}}, []*outcome{
		{target: "MLflow", figure: 106}, {target: "Model DB", figure: 2}, {target: "null", wrong: "broken"}}}
	rep := report{command: commandLine([]string{"-postgres", "postgres://me:secret@db/x", "--rounds=3", "--postgres=secret"}), rows: []row{quick, slow}}
	var text strings.Builder
	rep.markdown(&text)
	for _, want := range []string{
		"    go run ./bench -postgres ADDRESS --rounds=3 -postgres=ADDRESS\n",
		"| quick | 16 | req/s | 200 | 30,000 | 150x, 75.0x | 0.60 | – | – | 3 | ≥ 100x, ≥ 0.5 of null | yes |\n",
		"| slow | – | ms | 106 | 2.00 | 53.0x | – | – | – | – | ≤ 1.50 | **no** |\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q:\n%s", want, text.String())
		}
	}
	if strings.Contains(text.String(), "secret") {
		t.Error("the report tells the address of the database")
	}
	if rep.wrong() == nil {
		t.Error("errors of ours are no fault")
	}
}

func TestQuantilesAreByNearestRank(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(i+1))
	}
	if quantile(times, 0.5) != 100 || quantile(times, 0.99) != 198 || quantile(times, 1) != 200 || quantile(nil, 0.5) != 0 {
		t.Error(quantile(times, 0.5), quantile(times, 0.99), quantile(times, 1))
	}
	if median([]float64{9, 1, 5}) != 5 || median([]float64{4, 2}) != 3 || median(nil) != 0 {
		t.Error("the median is wrong")
	}
}
