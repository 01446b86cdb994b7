package record

import (
	"encoding/json"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ParamText is a parameter's value as MLflow's clients see it, where every
// value is text: a JSON string is the text that it says, any other value is
// its JSON text.
func ParamText(value string) string {
	if len(value) < 2 || value[0] != '"' {
		return value
	}
	if strings.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	var text string
	if err := json.Unmarshal([]byte(value), &text); err != nil {
		return value // not JSON, so it was no string
	}
	return text
}

// ParamOf is the parameter's value, a JSON string, of a text that a client
// logged. ParamText is its inverse for every text that is valid UTF-8.
func ParamOf(text string) string {
	return string(AppendJSON(make([]byte, 0, len(text)+2), text))
}

// AppendJSON appends text as a JSON string, with the escapes of RFC 8785, and
// the replacement character for what is not UTF-8.
func AppendJSON(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			dst, _ = jsontext.AppendQuote(dst, text) // the error says that something was replaced
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}
