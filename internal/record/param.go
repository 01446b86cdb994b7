package record

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
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
	out := make([]byte, 0, len(text)+2)
	out = append(out, '"')
	if plain(text) {
		out = append(out, text...)
	} else {
		out = appendEscaped(out, text)
	}
	return string(append(out, '"'))
}

// plain reports whether a JSON string can have text as it is.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(text)
}

// appendEscaped appends text as the inside of a JSON string, with the escapes
// of RFC 8785, and the replacement character for what is not UTF-8.
func appendEscaped(dst []byte, text string) []byte {
	const hex = "0123456789abcdef"
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r >= ' ':
			dst = utf8.AppendRune(dst, r)
		case strings.ContainsRune("\b\f\n\r\t", r):
			dst = append(dst, '\\', "btn\x00fr"[r-'\b'])
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[r>>4], hex[r&0xf])
		}
	}
	return dst
}
