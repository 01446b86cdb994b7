package record_test

import (
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/quick"

	"modeldb/internal/record"
)

// What Python's json.dumps writes, and its repr too.
func TestNumbersAreWrittenAsPythonWritesThem(t *testing.T) {
	for _, c := range []struct {
		value float64
		want  string
	}{
		{0.1, "0.1"},
		{1.0, "1.0"},
		{1e-05, "1e-05"},
		{1e16, "1e+16"},
		{123456789012345680.0, "1.2345678901234568e+17"},
		{5e-324, "5e-324"},
		{1.7976931348623157e+308, "1.7976931348623157e+308"},
		{math.Copysign(0, -1), "-0.0"},
		{0.0, "0.0"},
		{-1.0, "-1.0"},
		{0.0001, "0.0001"},
		{0.00012345, "0.00012345"},
		{9.999e-05, "9.999e-05"},
		{9999999999999998.0, "9999999999999998.0"},
		{1e15, "1000000000000000.0"},
		{1e22, "1e+22"},
		{1e100, "1e+100"},
		{-1e-10, "-1e-10"},
		{0.30000000000000004, "0.30000000000000004"},
		{1e-7, "1e-07"},
		{100.0, "100.0"},
		{3.141592653589793, "3.141592653589793"},
		{2.2250738585072014e-308, "2.2250738585072014e-308"},
		{1e21, "1e+21"},
		{12345678.9, "12345678.9"},
		{4503599627370497.5, "4503599627370498.0"},
		{1e-100, "1e-100"},
		{nan, `"NaN"`},
		{math.Inf(1), `"Infinity"`},
		{math.Inf(-1), `"-Infinity"`},
	} {
		if got := record.FormatNumber(c.value); got != c.want {
			t.Errorf("%v is written %s, want %s", c.value, got, c.want)
		}
		if got := string(record.AppendNumber([]byte("1."), c.value)); got != "1."+c.want {
			t.Errorf("%v is appended as %s, want 1.%s", c.value, got, c.want)
		}
	}
}

func TestWrittenNumberIsReadBackTheSame(t *testing.T) {
	same := func(bits uint64) bool {
		value := math.Float64frombits(bits)
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return true
		}
		text := record.FormatNumber(value)
		got, err := record.Number("field", text)
		return err == nil && math.Float64bits(got) == bits && !record.KeepsText(text, value) &&
			record.IsNumber(text) && strings.ContainsAny(text, ".e")
	}
	if err := quick.Check(same, &quick.Config{MaxCount: 20_000}); err != nil {
		t.Error(err)
	}
	rounded := func(n int32, digits uint8) bool {
		return same(math.Float64bits(float64(n) / math.Pow10(int(digits%12))))
	}
	if err := quick.Check(rounded, &quick.Config{MaxCount: 20_000}); err != nil {
		t.Error(err)
	}
}

func TestTextIsKeptWhereAFloatDoesNotGiveItBack(t *testing.T) {
	for text, want := range map[string]bool{
		"1.0": false, "0.1": false, "1e-05": false, "-0.0": true, "1e+16": false, "0.93": false,
		"1": true, "0": true, "-0": true, "0.10": true, "1e5": true, "1E-05": true, "1e-5": true, "1e16": true,
		"12345678901234567890": true, "0.1000000000000000055511151231257827": true, "1e-400": true, "100000.0": false,
	} {
		value, err := record.Number("field", text)
		if ok(t, err); record.KeepsText(text, value) != want {
			t.Errorf("%s: kept %v, want %v", text, !want, want)
		}
	}
}

func TestNumberBeyondAFloatIsRefused(t *testing.T) {
	for _, text := range []string{"1e309", "-1e309", "1" + strings.Repeat("0", 400), "1.8e308"} {
		_, err := record.Number("evaluations.a", text)
		if refused(t, record.Invalid, err); err.(*record.Error).Field != "evaluations.a" {
			t.Errorf("%s: %#v names another field", text, err)
		}
	}
}

func TestOnlyNumbersAreNumbers(t *testing.T) {
	for _, text := range []string{"0", "-1", "1.5", "9e9"} {
		if !record.IsNumber(text) {
			t.Errorf("%s is no number", text)
		}
	}
	for _, text := range []string{"", "true", "null", `"1"`, "[1]", `{"a":1}`} {
		if record.IsNumber(text) {
			t.Errorf("%s is a number", text)
		}
	}
}

func TestEvaluationsAreSplitIntoMetricsAndTheRest(t *testing.T) {
	metrics, rest, err := record.SplitEvaluations([]record.Member{
		{Key: "a", Value: "0.93"}, {Key: "b", Value: "1"}, {Key: "c", Value: "true"}, {Key: "d", Value: "[1]"},
		{Key: "e", Value: `"1"`}, {Key: "f", Value: "null"}, {Key: "g", Value: "-2.50"}, {Key: "", Value: "{}"},
	})
	ok(t, err)
	wantMetrics := []record.Metric{{Key: "a", Point: record.Point{Value: 0.93}}, {Key: "b", Point: record.Point{Value: 1}}, {Key: "g", Point: record.Point{Value: -2.5}}}
	wantRest := []record.Evaluation{{Key: "b", Value: "1"}, {Key: "c", Value: "true"}, {Key: "d", Value: "[1]"}, {Key: "e", Value: `"1"`}, {Key: "f", Value: "null"}, {Key: "g", Value: "-2.50"}, {Key: "", Value: "{}"}}
	if !reflect.DeepEqual(metrics, wantMetrics) || !reflect.DeepEqual(rest, wantRest) {
		t.Errorf("got %+v and %+v", metrics, rest)
	}
	metrics, rest, err = record.SplitEvaluations([]record.Member{{Key: "a", Value: "1"}, {Key: "b", Value: "1e999"}})
	if refused(t, record.Invalid, err); metrics != nil || rest != nil {
		t.Errorf("something came with a refusal: %v, %v", metrics, rest)
	}
}

func TestTextOfAnEvaluationStandsUntilThereIsAnotherValue(t *testing.T) {
	for _, c := range []struct {
		text  string
		value float64
		want  bool
	}{
		{"0.10", 0.1, true}, {"0.10", 0.2, false}, {"1", 1, true}, {"12345678901234567890", 12345678901234567890, true},
		{"1", nan, false}, {"1", math.Inf(1), false}, {"-0", 0, true},
		{"[1]", 1, true}, {"null", 0, true}, {`"NaN"`, nan, true},
	} {
		e := record.Evaluation{Key: "k", Value: c.text}
		if got := e.Stands(record.Metric{Key: "k", Point: record.Point{Value: c.value}}); got != c.want {
			t.Errorf("%s beside %v: stands %v, want %v", c.text, c.value, got, c.want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range []string{"0.10", "1e-05", "12345678901234567890", "-0.0", "1e400"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := record.Number("field", text)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return
		}
		again, err := strconv.ParseFloat(record.FormatNumber(value), 64)
		if err != nil || math.Float64bits(again) != math.Float64bits(value) {
			t.Errorf("%s was read as %v and written as %s", text, value, record.FormatNumber(value))
		}
	})
}
