package mlflow

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"modeldb/internal/record"
)

// Whatever lists a run has, its answer is JSON, and shows only those that it
// has.
func TestRunWithAnyListsIsJSON(t *testing.T) {
	for bits := range 1 << 7 {
		has := func(bit int) bool { return bits&(1<<bit) != 0 }
		var r record.Run
		var want []string
		list := func(bit int, name string, add func()) {
			if has(bit) {
				add()
				want = append(want, name)
			}
		}
		list(0, "metrics", func() {
			r.Metrics = []record.Metric{{Key: "손", Point: record.Point{Value: math.NaN()}}, {Key: "b", Point: record.Point{Value: 1, Step: -1}}}
		})
		list(1, "params", func() { r.Params = []record.Param{{Key: "p", Value: `"a\"b"`}, {Key: "q", Value: `{"c":1}`}} })
		list(2, "tags", func() { r.Tags = []record.Tag{{Key: "a", Value: "\n"}, {Key: "z", Value: ""}} })
		if has(3) {
			r.Name = "named"
			if !has(2) {
				want = append(want, "tags")
			}
		}
		list(4, "dataset_inputs", func() {
			r.Datasets = []record.DatasetUse{{Dataset: record.Dataset{Name: "d"}}, {Context: "train", Tags: []record.Tag{{Key: "k"}}}}
		})
		list(5, "model_inputs", func() { r.ModelInputs = []string{"m-1", "m-2"} })
		list(6, "model_outputs", func() { r.ModelOutputs = []record.ModelOutput{{Model: "m-1", Step: 2}, {Model: "m-2"}} })

		text := (&runAnswer{&r, record.Model{}, true}).appendJSON(nil)
		var got struct {
			Run struct{ Data, Inputs, Outputs map[string][]any }
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		n := 0
		for _, part := range []map[string][]any{got.Run.Data, got.Run.Inputs, got.Run.Outputs} {
			n += len(part)
			for _, name := range want {
				if items, there := part[name]; there && len(items) == 0 {
					t.Errorf("%s is empty: %s", name, text)
				}
			}
		}
		same(t, string(text), n, len(want))
	}
}

func TestParametersAreShownAsTexts(t *testing.T) {
	for value, want := range map[string]string{
		`"0.1"`: "0.1", `0.10`: "0.10", `true`: "true", `null`: "null", `{"a":[1,"b"]}`: `{"a":[1,"b"]}`, `""`: "", `"손\n\"x\""`: "손\n\"x\"",
	} {
		text := "{" + string(appendParams(nil, `"params":[`, []record.Param{{Key: "p", Value: value}})) + "}"
		var got struct{ Params []struct{ Value string } }
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		same(t, value, got.Params[0].Value, want)
	}
}

// The name is a tag in the order of keys, and one that a run has already does
// not hide it.
func TestNameOfARunIsATag(t *testing.T) {
	for _, x := range []struct {
		tags []record.Tag
		want string
	}{
		{nil, `[{"key":"mlflow.runName","value":"n"}]`},
		{[]record.Tag{{Key: "a"}}, `[{"key":"a","value":""},{"key":"mlflow.runName","value":"n"}]`},
		{[]record.Tag{{Key: "z"}}, `[{"key":"mlflow.runName","value":"n"},{"key":"z","value":""}]`},
		{[]record.Tag{{Key: "a"}, {Key: "z"}}, `[{"key":"a","value":""},{"key":"mlflow.runName","value":"n"},{"key":"z","value":""}]`},
	} {
		same(t, fmt.Sprint(x.tags), string(appendRunTags(nil, "[", &record.Run{Name: "n", Tags: x.tags})), x.want)
	}
	same(t, "no name", string(appendRunTags(nil, "[", &record.Run{})), "")
}

func TestWordsOfPython(t *testing.T) {
	for text, want := range map[string]string{"a": "'a'", "it's": `"it's"`, `"`: `'"'`, `'"`: `'\'"'`, "a\n\\": `'a\n\\'`, "손": "'손'"} {
		same(t, text, pythonText(text), want)
	}
	for text, want := range map[string]string{"a": `"a"`, "손": `"\uc190"`, "😀": `"\ud83d\ude00"`, "\"\\\n": `"\"\\\n"`, "\x7f": `"\u007f"`, "é": `"\u00e9"`} {
		same(t, text, asciiJSON(text), want)
	}
	for text, want := range map[string]string{`{"a": [1, "손"]}`: `{"a":[1,"\uc190"]}`, `[NaN, 1]`: `[NaN, 1]`} {
		same(t, text, compact(text), want)
	}
	for v, want := range map[float64]string{1: "1.0", 0.5: "0.5", 1e20: "1e+20", math.Inf(1): "inf", math.Inf(-1): "-inf"} {
		same(t, want, pythonNumber(v), want)
	}
	same(t, "list", pythonList([]string{"a", "it's"}), `['a', "it's"]`)
}

func TestHistoryTokenIsThePlace(t *testing.T) {
	for _, p := range []record.Point{{}, {Step: math.MinInt64, Time: math.MaxInt64, Value: math.Inf(-1)}, {Step: 5, Time: 7, Value: 0.1}} {
		got, err := readPlace(placeToken(p))
		if err != nil || *got != p {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	nan, err := readPlace(placeToken(record.Point{Value: math.NaN()}))
	if err != nil || !math.IsNaN(nan.Value) {
		t.Errorf("NaN: %v, %v", nan, err)
	}
	for _, token := range []string{"x", "AAAA", "!!!!", placeToken(record.Point{}) + "A"} {
		if p, err := readPlace(token); record.KindOf(err) != record.Invalid {
			t.Errorf("%s: %v, %v", token, p, err)
		}
	}
}
