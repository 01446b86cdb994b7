package mlflow

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"modeldb/internal/record"
)

// refusal is the sentence of an error, empty for none.
func refusal(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestBodyThatIsNotJSONIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		``:                        "Missing value",
		` null `:                  "Missing value",
		`{}`:                      "Missing value",
		`{`:                       "byte 1",
		`{"key"`:                  "a colon is expected (at byte 6)",
		`{"key":`:                 "it ends too early",
		`{"key":}`:                "a value is expected",
		`{"key":"a",}`:            "the name of a field",
		`{"key":"a" "b":1}`:       "a comma",
		`{"key":"a"}}`:            "there is more",
		`{"key":"a"} x`:           "there is more",
		`{"key":"a` + "\n" + `"}`: "control character",
		`{"key":"\x"}`:            "escape",
		`{"key":"\ud800"}`:        "half a character",
		`{"key":"\ud800\ud800"}`:  "half a character",
		`{"key":"\udc00"}`:        "half a character",
		`{"key":"a\u0000b"}`:      "NUL",
		`{"a":01}`:                "a value is expected",
		`{"a":1.}`:                "a value is expected",
		`{"a":.5}`:                "a value is expected",
		`{"a":+1}`:                "a value is expected",
		`{"a":1e}`:                "a value is expected",
		`{"a":-}`:                 "a value is expected",
		`{"a":-NaN}`:              "a value is expected",
		`{"a":nul}`:               "a value is expected",
		`{"a":truth}`:             "a value is expected",
		`{"a":[1,]}`:              "a value is expected",
		`{"a":[1}`:                "a comma",
		`{'a':1}`:                 "the name of a field",
		`[]`:                      "must be a JSON object",
		`17`:                      "must be a JSON object",
		`"17"`:                    "must be a JSON object",
		`"{\"key\":"`:             "it ends too early",
		`"{}`:                     "it ends too early",
		strings.Repeat(`{"a":`, 200) + `1` + strings.Repeat(`}`, 200): "nested too deep",
		strings.Repeat(`[`, 100_000):                                  "nested too deep",
	} {
		var in logParamRequest
		err := readText(body, logParamFields, &in)
		if !strings.Contains(refusal(err), want) {
			t.Errorf("%s: %v, want %s", shorten(body), err, want)
		}
	}
}

func TestWholeNumbersAreExact(t *testing.T) {
	for text, want := range map[string]any{
		`0`: int64(0), `-0`: int64(0), `9007199254740993`: int64(9007199254740993), `"9007199254740993"`: int64(9007199254740993),
		`9223372036854775807`: int64(math.MaxInt64), `-9223372036854775808`: int64(math.MinInt64), `9007199254740993.0`: int64(9007199254740993),
		`2.0`: int64(2), `-2.000`: int64(-2), `1e3`: int64(1000), `1.5e1`: int64(15), `1E+2`: int64(100), `"-5"`: int64(-5),
		`1.5`: "float", `9223372036854775808`: "int", `-9223372036854775809`: "int", `1e19`: "float", `1e-1`: "float", `"1.5"`: "str", `"2.0"`: "str",
		`"x"`: "str", `""`: "str", `" 5"`: "str", `true`: "bool", `[]`: "list", `{}`: "dict", `NaN`: "float", `Infinity`: "float", `1e400`: "float",
		`null`: nil,
	} {
		d := decoder{text: text, field: "step"}
		got := d.integer()
		if err := d.end(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		switch want := want.(type) {
		case int64:
			same(t, text, fmt.Sprint(got, d.wrong), fmt.Sprint(optional[int64]{want, true}, nil))
		case string:
			same(t, text, refusal(d.wrong), fmt.Sprintf("Invalid value %s for parameter 'step' supplied:  Hint: Value was of type '%s'."+
				" See the API docs for more information about request parameters.", text, want))
		default:
			same(t, text, fmt.Sprint(got.given, d.wrong), "false <nil>")
		}
	}
}

func TestNumbersAreReadAsPythonWritesThem(t *testing.T) {
	for text, want := range map[string]float64{
		`0.1`: 0.1, `-0.0`: 0, `1`: 1, `1e-320`: 1e-320, `true`: 1, `false`: 0, `"0.5"`: 0.5, `"1e5"`: 1e5, `" 2 "`: 2, `"1_0"`: 10,
		`NaN`: math.NaN(), `"NaN"`: math.NaN(), `"nan"`: math.NaN(), `Infinity`: math.Inf(1), `"Infinity"`: math.Inf(1), `"inf"`: math.Inf(1),
		`-Infinity`: math.Inf(-1), `"-Infinity"`: math.Inf(-1), `1.7976931348623157e308`: math.MaxFloat64,
	} {
		d := decoder{text: text, field: "value"}
		got := d.number()
		if !got.given || d.wrong != nil || d.end() != nil || got.value != want && !(math.IsNaN(got.value) && math.IsNaN(want)) || math.Signbit(got.value) != math.Signbit(want) {
			t.Errorf("%s: %v, %v, %v", text, got, d.wrong, d.end())
		}
	}
	for _, text := range []string{`1e400`, `"1e400"`, `"0x10"`, `"-0X1p3"`, `"one"`, `""`, `[]`, `{}`} {
		d := decoder{text: text, field: "value"}
		if got := d.number(); got.given || d.wrong == nil {
			t.Errorf("%s is read as %v", text, got)
		}
	}
}

func TestTextsAreReadWhole(t *testing.T) {
	for text, want := range map[string]string{
		`""`: "", `"a"`: "a", `"손실"`: "손실", `"\u0001\u001f"`: "\x01\x1f", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t",
		`"\ud83d\ude00!"`: "😀!", `"\uD83D\uDE00"`: "😀", `"a\u00e9b"`: "aéb", `null`: "",
	} {
		d := decoder{text: text}
		got := d.str()
		same(t, text, got, want)
		same(t, text, refusal(d.end())+refusal(d.wrong), "")
	}
}

func TestFieldsAreToldByTheirTypes(t *testing.T) {
	for body, want := range map[string]string{
		`{"run_id":5,"key":"a"}`:                                       "Invalid value 5 for parameter 'run_id' supplied:  Hint: Value was of type 'int'.",
		`{"run_id":"r","metrics":{}}`:                                  "Invalid value {} for parameter 'metrics' supplied:  Hint: Value was of type 'dict'.",
		`{"run_id":"r","metrics":[5]}`:                                 "Invalid value 5 for parameter 'metrics[0]' supplied:  Hint: Value was of type 'int'.",
		`{"run_id":"r","metrics":[{"key":"a","value":[1]}]}`:           "Invalid value [1] for parameter 'metrics[0].value' supplied:  Hint: Value was of type 'list'.",
		`{"run_id":"r","tags":[{"key":"a"},{"key":"b","value":true}]}`: "Invalid value true for parameter 'tags[1].value' supplied:  Hint: Value was of type 'bool'.",
		`{"run_id":"r","metrics":[{"key":"a","value":1}]}`:             "Missing value for required parameter 'metrics[0].timestamp'.",
		`{"run_id":"r","metrics":[{"key":"a","timestamp":1}]}`:         "Missing value for required parameter 'metrics[0].value'.",
		`{"run_id":"r","metrics":[{"value":1,"timestamp":1}]}`:         "Missing value for required parameter 'metrics[0].key'.",
		`{"run_id":"r","params":[{"key":"a"},{"value":"x"}]}`:          "Missing value for required parameter 'params[1].key'.",
		`{"run_id":"r","tags":[{"key":""}]}`:                           "Missing value for required parameter 'tags[0].key'.",
		`{"run_id":"","tags":[{"key":""}]}`:                            "Missing value for required parameter 'run_id'.",
		`{"tags":5,"run_id":null}`:                                     "Missing value for required parameter 'run_id'.",
		`{"run_id":"r","tags":null,"metrics":null,"params":null}`:      "",
		`{"run_uuid":"r"}`:                                             "",
		`{"runId":"r"}`:                                                "Missing value for required parameter 'run_id'.",
		`{"runId":"r","runUuid":"r","run_uuid":"r"}`:                   "Request specifies both 'run_uuid' and 'runUuid'; provide only one of them.",
	} {
		var in logBatchRequest
		got := refusal(readText(body, logBatchFields, &in))
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestLastOfSeveralFieldsCounts(t *testing.T) {
	var in logBatchRequest
	body := `{"run_id":"a","tags":[{"key":"x","key":"y","value":"1"}],"tags":[{"key":"z","value":"2"}],"run_id":"b","params":[{"key":"p","value":null}]}`
	if err := readText(body, logBatchFields, &in); err != nil {
		t.Fatal(err)
	}
	same(t, "request", fmt.Sprint(in.text(), " ", in.tags, in.params), "b [{z 2}] [{p }]")
}

// someBodies are texts for the fuzzer to begin with.
var someBodies = []string{
	`{"run_uuid": "cb56", "key": "loss", "value": 0.5, "timestamp": 1795437289591, "step": 3, "run_id": "cb56"}`,
	`{"run_id": "a", "metrics": [{"key": "m", "value": "NaN", "timestamp": 1}], "params": [{"key": "p", "value": "\u00e9"}], "tags": [null]}`,
	`"{\"run_id\": \"a\"}"`, `{"runId": 1, "run_id": 2}`, `{"a": [1.5e3, -0, true, false, null, {"b": []}, NaN, -Infinity]}`, `[[[[`, "\xff", `{"a":"\ud83d\ude00"}`,
}

// FuzzBody: no body makes the decoder panic, and it takes for JSON what
// encoding/json takes for JSON.
func FuzzBody(f *testing.F) {
	for _, b := range someBodies {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, err := range []error{
			readText(body, logBatchFields, new(logBatchRequest)),
			readText(body, logMetricFields, new(logMetricRequest)),
			readText(body, logInputsFields, new(logInputsRequest)),
			readText(body, searchRunsFields, new(searchRunsRequest)),
			readText(body, searchLoggedModelsFields, new(searchLoggedModelsRequest)),
		} {
			if kind := record.KindOf(err); err != nil && kind != record.Unreadable && kind != record.Invalid {
				t.Errorf("%q: %v", body, err)
			}
		}
		// What encoding/json takes as well, and what not: words for numbers,
		// halves of characters, and depth.
		if !utf8.ValidString(body) || strings.Contains(body, "N") || strings.Contains(body, "I") || strings.Contains(body, `\u`) || strings.Count(body, "[")+strings.Count(body, "{") > maxDepth {
			return
		}
		d := decoder{text: body}
		d.skip()
		if ours, theirs := d.end() == nil, json.Valid([]byte(body)); ours != theirs {
			t.Errorf("%q is JSON: %v here, %v there", body, ours, theirs)
		}
	})
}

// metricBody is a body of log-metric as MLflow's client sends it.
const metricBody = `{"run_uuid": "019ab0de5f0070008b1e4d0f9a3c2b11", "key": "train_loss", "value": 0.42713562373095048, "timestamp": 1795437289591, "step": 1234, "run_id": "019ab0de5f0070008b1e4d0f9a3c2b11"}`

// batchBody is a body of log-batch with so many points.
func batchBody(n int) string {
	var b strings.Builder
	b.WriteString(`{"run_id": "019ab0de5f0070008b1e4d0f9a3c2b11", "metrics": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"key": "metric_%d", "value": %v, "timestamp": %d, "step": %d, "run_id": "019ab0de5f0070008b1e4d0f9a3c2b11"}`,
			i%10, math.Sqrt(float64(i)), 1795437289591+i, i)
	}
	b.WriteString(`], "params": [], "tags": []}`)
	return b.String()
}

func BenchmarkReadLogMetric(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var in logMetricRequest
		if err := readText(metricBody, logMetricFields, &in); err != nil {
			b.Fatal(err)
		}
		if err := checkMetric(noPrefix, &in.Metric); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadLogBatch1000(b *testing.B) {
	body := batchBody(1000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var in logBatchRequest
		if err := readText(body, logBatchFields, &in); err != nil {
			b.Fatal(err)
		}
		if err := in.check(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteRun(b *testing.B) {
	run := record.Run{Name: "able-wolf-12", User: "bob", Status: record.Finished, Start: 1795437289591, End: 1795437299591}
	for i := range 10 {
		run.Metrics = append(run.Metrics, record.Metric{Key: fmt.Sprintf("metric_%d", i), Point: record.Point{Step: int64(i), Time: 1795437289591, Value: math.Sqrt(float64(i))}})
		run.Params = append(run.Params, record.Param{Key: fmt.Sprintf("param_%d", i), Value: record.ParamOf(fmt.Sprint(i))})
	}
	for i := range 3 {
		run.Tags = append(run.Tags, record.Tag{Key: fmt.Sprintf("tag_%d", i), Value: "value"})
	}
	out := &runAnswer{&run, record.Model{Key: 5}, true}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = out.appendJSON(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}
