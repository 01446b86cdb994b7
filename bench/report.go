package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// report is what docs/benchmarks.md says.
type report struct {
	command  string
	date     string
	machine  string
	versions []string // one line a server, with how durable it is
	plan     plan
	sizes    sizes
	rows     []row
}

// row is one scenario on all targets.
type row struct {
	scenario
	outcomes []*outcome
}

func (r row) of(target string) *outcome {
	for _, o := range r.outcomes {
		if o.target == target {
			return o
		}
	}
	return nil
}

// good reports whether an outcome has a figure that can be trusted.
func (o *outcome) good() bool { return o != nil && o.wrong == "" && o.missing == "" }

// times says how many times better an outcome is than another: more for
// rates, less for times and sizes. 0: one of them is missing.
func (r row) times(better, than *outcome) float64 {
	switch {
	case !better.good() || !than.good():
		return 0
	case r.figure == rate:
		return better.figure / than.figure
	}
	return than.figure / better.figure
}

// met says whether the goal is met, empty if there is none or no figure.
func (r row) met(o, peer, null *outcome) string {
	g, yes := r.goal, true
	if g == (goal{}) || !o.good() || g.ratio > 0 && !peer.good() || g.share > 0 && !null.good() {
		return ""
	}
	if g.ratio > 0 {
		yes = yes && r.times(o, peer) >= g.ratio
	}
	if g.share > 0 {
		yes = yes && r.times(o, null) >= g.share
	}
	if g.most > 0 {
		yes = yes && o.figure <= g.most
	}
	if yes {
		return "yes"
	}
	return "**no**"
}

// markdown writes the whole report.
func (rep *report) markdown(w io.Writer) {
	fmt.Fprintf(w, "# Benchmarks\n\n    %s\n\nmade this page, on %s. `go run ./bench -help` lists what can be chosen.\n", rep.command, rep.date)
	fmt.Fprintf(w, "\n- Machine: %s.\n", rep.machine)
	for _, v := range rep.versions {
		fmt.Fprintf(w, "- %s\n", v)
	}
	fmt.Fprintf(w, "- %d rounds of %s each, alternating between the servers, after a short one to warm up.\n", rep.plan.rounds, rep.plan.time)
	fmt.Fprint(w, `
A closed loop: each client sends its next request when it has the answer to the last one. A rate is the
median of the rounds; p50 and p99 are over all operations of all rounds. The ratio says how many times better
Model DB is than MLflow's own server: first as ordinary clients have it, then with clients that acknowledge
packets at once. (It writes head and body separately, and ordinary clients wait some 40 ms for the second.)
"Of null" compares with a server that keeps nothing and answers always the same, the ceiling of net/http on
this machine; and then with one that keeps nothing either, but syncs 100 bytes on the disk before it answers a write, one sync
for all who wait: the ceiling of what is durable. On a shared machine figures shift by a third from hour to hour; ratios hold better. Every answer
is checked; after the writes, what was acknowledged is counted.
`)
	rep.table(w, "Model DB", "SQLite")
	rep.table(w, "Model DB on PostgreSQL", "PostgreSQL")
	fmt.Fprint(w, "\n## The scenarios\n"+rep.sizes.describe(explained))
	rep.details(w)
}

// table compares one of ours with MLflow, if it was measured.
func (rep *report) table(w io.Writer, name, title string) {
	lines := 0
	for _, r := range rep.rows {
		o := r.of(name)
		if o == nil {
			continue
		}
		if lines++; lines == 1 {
			fmt.Fprintf(w, "\n## %s\n\n| scenario | clients | unit | MLflow | %s | ratio, with quick ACK | of null, of one that syncs | p50 ms | p99 ms | errors | goal | met |\n", title, name)
			fmt.Fprintln(w, "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|---|---|")
		}
		peer, quick, null := r.of("MLflow"), r.of(quickPeer), r.of("null")
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name, count(r.clients), r.unit,
			cell(peer), cell(o), ratio(r.times(o, peer))+second(r.times(o, quick)), share(r.times(o, null))+secondShare(r.times(o, r.of(syncedNull))),
			count3(o.p50), count3(o.p99), errorCount(o), r.goal, r.met(o, peer, null))
	}
}

func cell(o *outcome) string {
	switch {
	case o == nil:
		return "–"
	case o.wrong != "":
		return "**wrong**"
	case o.missing != "":
		return "–"
	}
	return number3(o.figure)
}

func errorCount(o *outcome) string {
	if o.ops == 0 && o.errors == 0 {
		return "–"
	}
	return strconv.Itoa(o.errors)
}

func ratio(v float64) string {
	if v == 0 {
		return "–"
	}
	return number3(v) + "x"
}

// second is a ratio that stands behind another one.
func second(v float64) string {
	if v == 0 {
		return ""
	}
	return ", " + ratio(v)
}

func share(v float64) string {
	if v == 0 {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func secondShare(v float64) string {
	if v == 0 {
		return ""
	}
	return ", " + share(v)
}

func count(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

func count3(v float64) string {
	if v == 0 {
		return "–"
	}
	return number3(v)
}

// details says what was done to get the figures.
func (rep *report) details(w io.Writer) {
	fmt.Fprint(w, "\n## What was done\n\nOf all rounds together; the CPU time is that of all the server's processes (not of a PostgreSQL), with what they\n"+
		"went on doing afterwards.\n\n"+
		"| scenario | server | figure | of each round | p50 ms | p99 ms | CPU ms/op | operations | requests | errors | MB sent | MB received | notes |\n"+
		"|---|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, r := range rep.rows {
		for _, o := range r.outcomes {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.name, o.target, cell(o), rounds(o.figures),
				count3(o.p50), count3(o.p99), count3(o.cpu), count(o.ops), count(o.did.requests), errorCount(o),
				count3(float64(o.did.sent)/1e6), count3(float64(o.did.received)/1e6), strings.ReplaceAll(o.remark(), "|", "/"))
		}
	}
}

// remark is all that is to be said beside the figures.
func (o *outcome) remark() string {
	var parts []string
	for _, text := range []string{o.wrong, o.missing, o.note} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if o.settled.Seconds() >= 1 {
		parts = append(parts, fmt.Sprintf("%.0f s of work left after the rounds", o.settled.Seconds()))
	}
	return strings.Join(parts, "; ")
}

func rounds(figures []float64) string {
	texts := make([]string, len(figures))
	for i, v := range figures {
		texts[i] = number3(v)
	}
	return strings.Join(texts, ", ")
}

// number3 writes three digits that count, and whole numbers above 100.
func number3(v float64) string {
	if v >= 99.95 {
		text := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
		for i := len(text) - 3; i > 0; i -= 3 {
			text = text[:i] + "," + text[i:]
		}
		return text
	}
	if v <= 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', min(3, max(0, 2-int(math.Floor(math.Log10(v))))), 64)
}

// describe puts the true sizes into a text written for the usual ones.
func (s sizes) describe(text string) string {
	return strings.NewReplacer(
		"2,000", number3(float64(s.runs)), "100,000 points", number3(float64(s.points))+" points",
		"200,000", number3(float64(s.many)), "1,000,000", number3(float64(s.line)),
	).Replace(text)
}
