package store_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// merge adds evaluations as a door does: the numbers among them as metrics.
func merge(t testing.TB, s *store.Store, id record.RunID, members ...record.Member) *record.Run {
	t.Helper()
	metrics, rest, err := record.SplitEvaluations(members)
	ok(t, err)
	return must(s.AddEvaluations(t.Context(), id, metrics, rest))(t)
}

// evaluations are what a door shows: metrics, and texts that stand.
func evaluations(r *record.Run) map[string]string {
	all := map[string]string{}
	latest := map[string]record.Metric{}
	for _, m := range r.Metrics {
		latest[m.Key] = m
		all[m.Key] = record.FormatNumber(m.Value)
	}
	for _, e := range r.Evaluations {
		if m, there := latest[e.Key]; !there || e.Stands(m) {
			all[e.Key] = e.Value
		}
	}
	return all
}

func TestEvaluationsAreMergedKeyByKeyWithTheirTexts(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		r := must(s.CreateRun(t.Context(), size(record.Run{Name: "r"})))(t)
		want := map[string]string{}
		for _, step := range []map[string]string{
			{"a": "0.10", "b": "1.0", "c": "12345678901234567890", "d": "0.5", "e": "true", "f": "null", "g": `"x"`, "h": `{"i":[1,2.50]}`},
			{"a": "1", "k": "1e-400"},
			{"a": "[1]"},                 // structure over a number
			{"a": "0.10"},                // and back
			{"a": "0.1", "e": "7"},       // another text of the same value
			{"h": "1.50", "g": "2"},      // numbers over structures
			{"h": `{"i":1}`, "g": `"x"`}, // and back
			{"a": "-12345678901234567890.123", "b": "1e-05", "c": "1E+2"},
			{},
		} {
			var members []record.Member
			for key, text := range step {
				want[key] = text
				members = append(members, record.Member{Key: key, Value: text})
			}
			slices.SortFunc(members, func(a, b record.Member) int { return strings.Compare(b.Key, a.Key) }) // not in order
			merged := merge(t, s, r.ID, members...)
			same(t, evaluations(merged), want)
			same(t, *must(s.Run(t.Context(), r.ID))(t), *merged)
			if merged.Given&record.GivenEvaluations == 0 {
				t.Error("evaluations were given, and it does not say so")
			}
		}
	})
}

func TestEachEvaluationIsTheLatestPointOfItsKey(t *testing.T) {
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			eachTicking(t, func(t *testing.T, s *store.Store, _ string) {
				r := record.Run{Name: "r", Metrics: []record.Metric{{Key: "a", Point: record.Point{Step: 5, Time: 5, Value: 9}}}}
				made := must(s.CreateRun(t.Context(), size(r)))(t)
				last := made.Metrics[0]
				same(t, last, record.Metric{Key: "a", Point: record.Point{Time: made.Created, Value: 9}})
				for _, value := range []float64{3, 3, math.Inf(-1), 4, 0, math.Inf(1)} {
					got := must(s.AddEvaluations(t.Context(), made.ID, []record.Metric{{Key: "a", Point: record.Point{Step: 7, Time: 7, Value: value}}}, nil))(t)
					m := got.Metrics[0]
					if len(got.Metrics) != 1 || m.Value != value || m.Step != 0 || !m.After(last.Point) {
						t.Fatalf("after %+v came %+v", last, got.Metrics)
					}
					last = m
					same(t, *must(s.Run(t.Context(), made.ID))(t), *got)
				}
			})
		})
	}
}

func TestNaNIsKeptAndReplaced(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		r := must(s.CreateRun(t.Context(), size(record.Run{Name: "r", Metrics: []record.Metric{{Key: "a", Point: record.Point{Value: math.NaN()}}}})))(t)
		for _, value := range []float64{math.NaN(), 1, math.NaN(), math.NaN(), -1} {
			for _, read := range []*record.Run{
				must(s.AddEvaluations(t.Context(), r.ID, []record.Metric{{Key: "a", Point: record.Point{Value: value}}}, nil))(t),
				must(s.Run(t.Context(), r.ID))(t),
			} {
				if got := read.Metrics[0].Value; got != value && !(math.IsNaN(got) && math.IsNaN(value)) {
					t.Fatalf("got %v, want %v", got, value)
				}
			}
		}
	})
}

// A run that grows goes from one value in its row into rows of their own.
func TestRunThatGrowsTooLargeToBePackedStaysTheSame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		full := storetest.FullRun(storetest.Model(t, s, "m").Key, "r")
		full.Params = append(full.Params, record.Param{Key: "number", Value: "12345678901234567890"})
		full.Metrics = append(full.Metrics,
			record.Metric{Key: "tiny", Point: record.Point{Value: math.SmallestNonzeroFloat64}},
			record.Metric{Key: "huge", Point: record.Point{Value: math.MaxFloat64}},
			record.Metric{Key: "whole", Point: record.Point{Value: 1 << 53}},
			record.Metric{Key: "infinite", Point: record.Point{Value: math.Inf(-1)}})
		r := must(s.CreateRun(ctx, full))(t)
		for i := range 12 { // 5 KiB each, some of each list
			big := `"` + strings.Repeat("x", 5<<10) + `"`
			var merged *record.Run
			if i%2 == 0 {
				merged = must(s.AddArtifacts(ctx, r.ID, []record.ArtifactRef{{Key: fmt.Sprint("artifact ", i), Value: big}}))(t)
				r.Artifacts = append(r.Artifacts, record.ArtifactRef{Key: fmt.Sprint("artifact ", i), Value: big})
			} else {
				merged = merge(t, s, r.ID, record.Member{Key: fmt.Sprint("evaluation ", i), Value: big}, record.Member{Key: fmt.Sprint("metric ", i), Value: "1.5"})
				r.Evaluations = append(r.Evaluations, record.Evaluation{Key: fmt.Sprint("evaluation ", i), Value: big})
				at := slices.IndexFunc(merged.Metrics, func(m record.Metric) bool { return m.Key == fmt.Sprint("metric ", i) })
				r.Metrics = append(r.Metrics, record.Metric{Key: fmt.Sprint("metric ", i), Point: record.Point{Time: merged.Metrics[at].Time, Value: 1.5}})
			}
			slices.SortFunc(r.Artifacts, func(a, b record.ArtifactRef) int { return strings.Compare(a.Key, b.Key) })
			slices.SortFunc(r.Evaluations, func(a, b record.Evaluation) int { return strings.Compare(a.Key, b.Key) })
			slices.SortFunc(r.Metrics, func(a, b record.Metric) int { return strings.Compare(a.Key, b.Key) })
			same(t, *merged, *r)
			same(t, *must(s.Run(ctx, r.ID))(t), *r)
			same(t, pages(t, s, store.RunSet{}, 3), []record.Run{*r})
		}
		// In rows, it is merged into as before.
		merge(t, s, r.ID, record.Member{Key: "accuracy", Value: "0.10"}, record.Member{Key: "confusion", Value: "2"})
		same(t, evaluations(must(s.Run(ctx, r.ID))(t))["accuracy"], "0.10")
		same(t, evaluations(must(s.Run(ctx, r.ID))(t))["confusion"], "2")
	})
}

// The same number is shown however large the run is: SQLite keeps no sign of zero.
func TestMinusZeroKeepsItsSign(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		metrics, rest, err := record.SplitEvaluations([]record.Member{{Key: "a", Value: "-0.0"}})
		ok(t, err)
		r := must(s.CreateRun(t.Context(), size(record.Run{Name: "r", Metrics: metrics, Evaluations: rest})))(t)
		same(t, evaluations(must(s.Run(t.Context(), r.ID))(t)), map[string]string{"a": "-0.0"})
	})
}

func TestArtifactsAreMergedKeyByKey(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		r := must(s.CreateRun(t.Context(), size(record.Run{Name: "r", Artifacts: []record.ArtifactRef{{Key: "b", Value: `"1"`}}})))(t)
		for _, step := range []struct{ add, want []record.ArtifactRef }{
			{nil, []record.ArtifactRef{{Key: "b", Value: `"1"`}}},
			{[]record.ArtifactRef{{Key: "c", Value: "[1]"}, {Key: "a", Value: "null"}}, []record.ArtifactRef{{Key: "a", Value: "null"}, {Key: "b", Value: `"1"`}, {Key: "c", Value: "[1]"}}},
			{[]record.ArtifactRef{{Key: "b", Value: `"2"`}}, []record.ArtifactRef{{Key: "a", Value: "null"}, {Key: "b", Value: `"2"`}, {Key: "c", Value: "[1]"}}},
		} {
			r.Artifacts, r.Given = step.want, record.GivenArtifacts
			same(t, *must(s.AddArtifacts(t.Context(), r.ID, step.add))(t), *r)
			same(t, *must(s.Run(t.Context(), r.ID))(t), *r)
		}
	})
}

func TestConcurrentMergesLoseNothing(t *testing.T) {
	eachSize(t, func(t *testing.T, s *store.Store, size func(record.Run) record.Run) {
		r := must(s.CreateRun(t.Context(), size(record.Run{Name: "r"})))(t)
		want := map[string]string{}
		for i := range 32 {
			for j := range 3 {
				want[fmt.Sprint("number ", i, " ", j)] = fmt.Sprint(i, ".5")
				want[fmt.Sprint("list ", i, " ", j)] = fmt.Sprint("[", i, "]")
			}
		}
		together(t, func(i int) error {
			for j := range 3 {
				_, err := s.AddEvaluations(t.Context(), r.ID,
					[]record.Metric{{Key: fmt.Sprint("number ", i, " ", j), Point: record.Point{Value: float64(i) + 0.5}}, {Key: "shared", Point: record.Point{Value: float64(i)}}},
					[]record.Evaluation{{Key: fmt.Sprint("list ", i, " ", j), Value: fmt.Sprint("[", i, "]")}})
				if err != nil {
					return err
				}
				if _, err = s.AddArtifacts(t.Context(), r.ID, []record.ArtifactRef{{Key: fmt.Sprint(i, " ", j), Value: strings.Repeat("1", 400)}}); err != nil {
					return err
				}
			}
			return nil
		})
		got := must(s.Run(t.Context(), r.ID))(t)
		all := evaluations(got)
		if _, there := all["shared"]; !there {
			t.Error("the shared key is lost")
		}
		delete(all, "shared")
		same(t, all, want)
		if len(got.Artifacts) != 96 {
			t.Errorf("there are %d artifacts, want 96", len(got.Artifacts))
		}
	})
}
