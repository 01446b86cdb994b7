package record

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

func TestParamTextIsAStringsTextAndElseTheJSON(t *testing.T) {
	for value, want := range map[string]string{
		`"adam"`: "adam", `""`: "", `"a\"b\\c\u00e9\n"`: "a\"b\\cé\n", `"0.1"`: "0.1",
		`0.10`: "0.10", `1e-3`: "1e-3", `true`: "true", `null`: "null", `["a",1]`: `["a",1]`, `{"a":"b"}`: `{"a":"b"}`,
	} {
		if got := ParamText(value); got != want {
			t.Errorf("ParamText(%s) is %q, want %q", value, got, want)
		}
	}
}

func TestParamOfIsTheJSONStringThatParamTextReads(t *testing.T) {
	for text, want := range map[string]string{
		"adam": `"adam"`, "": `""`, "1": `"1"`, "a\"b\\c": `"a\"b\\c"`, "<é\u2028>": "\"<é\u2028>\"",
		"\b\f\n\r\t\x00\x0b\x1f\x7f": `"\b\f\n\r\t\u0000\u000b\u001f` + "\x7f\"", "\xff": "\"\ufffd\"",
	} {
		if got := ParamOf(text); got != want {
			t.Errorf("ParamOf(%q) is %s, want %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		value := ParamOf(text)
		if !json.Valid([]byte(value)) || ParamText(value) != text {
			t.Fatalf("ParamOf(%q) is %s, whose text is %q", text, value, ParamText(value))
		}
	})
}
