package mlflow

import (
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"modeldb/internal/record"
)

// asciiJSON is text as Python's json.dumps writes it: all but ASCII escaped.
func asciiJSON(text string) string { return ascii(string(record.AppendJSON(nil, text))) }

// compact is a JSON text as Python's json.dumps writes it, but for the order of
// names, and for words such as NaN, with which it stays as it is.
func compact(text string) string {
	v := jsontext.Value(text)
	if v.Compact() != nil {
		return text
	}
	return ascii(string(v))
}

func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r <= 0xffff:
			writeUnit(&b, r)
		default:
			high, low := utf16.EncodeRune(r)
			writeUnit(&b, high)
			writeUnit(&b, low)
		}
	}
	return b.String()
}

// writeUnit writes a code unit of UTF-16 as \u and four hex digits.
func writeUnit(b *strings.Builder, r rune) {
	digits := strconv.FormatInt(int64(r), 16)
	b.WriteString(`\u`)
	b.WriteString("0000"[len(digits):])
	b.WriteString(digits)
}

// pythonText is text as Python's repr writes it.
func pythonText(text string) string {
	quote := "'"
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		quote = `"`
	}
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`, quote, `\`+quote)
	return quote + escape.Replace(text) + quote
}

// pythonNumber is a number as Python's str writes it.
func pythonNumber(v float64) string {
	switch text := record.FormatNumber(v); text {
	case `"NaN"`:
		return "nan"
	case `"Infinity"`:
		return "inf"
	case `"-Infinity"`:
		return "-inf"
	default:
		return text
	}
}
