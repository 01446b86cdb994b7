package mlflow

import (
	"math"
	"strconv"
	"strings"

	"modeldb/internal/record"
)

// optional is a value that a request may leave out.
type optional[T any] struct {
	value T
	given bool
}

// or is the value, or another one where it is left out.
func (o optional[T]) or(other T) T {
	if o.given {
		return o.value
	}
	return other
}

// integer reads a whole number of 64 bits: a JSON number, also one such as 2.0
// or 1e3, or decimal digits in a text.
func (d *decoder) integer() optional[int64] {
	if d.query {
		if v, err := strconv.ParseInt(strings.TrimSpace(d.values[0]), 10, 64); err == nil {
			return optional[int64]{v, true}
		}
		d.mistaken("")
		return optional[int64]{}
	}
	start := d.at
	switch c := d.peek(); {
	case c == 'n':
		d.null()
		return optional[int64]{}
	case c == '"':
		if v, err := strconv.ParseInt(d.quoted(), 10, 64); err == nil {
			return optional[int64]{v, true}
		}
	case c == '-' || '0' <= c && c <= '9':
		if v, ok := wholeNumber(d.digits()); ok {
			return optional[int64]{v, true}
		}
	}
	d.at = start
	d.mistaken("")
	return optional[int64]{}
}

// wholeNumber reads the text of a JSON number exactly, if it is whole and fits.
func wholeNumber(text string) (int64, bool) {
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		return v, true
	}
	if whole, zeros, cut := strings.Cut(text, "."); cut && strings.Trim(zeros, "0") == "" {
		v, err := strconv.ParseInt(whole, 10, 64)
		return v, err == nil
	}
	if !strings.ContainsAny(text, ".eE") {
		return 0, false // only too large
	}
	v, err := strconv.ParseFloat(text, 64)
	const limit = 1 << 63
	if err != nil || v != math.Trunc(v) || v < -limit || v >= limit {
		return 0, false
	}
	return int64(v), true
}

// number reads the value of a metric: a JSON number, a boolean, or a text that
// says a number, NaN or an infinity.
func (d *decoder) number() optional[float64] {
	start := d.at
	var text string
	switch c := d.peek(); {
	case c == 'n':
		d.null()
		return optional[float64]{}
	case c == 't':
		d.word("true")
		return optional[float64]{1, true}
	case c == 'f':
		d.word("false")
		return optional[float64]{0, true}
	case c == '"':
		text = d.quoted()
	case c == '-' || '0' <= c && c <= '9' || c == 'N' || c == 'I':
		text = d.digits()
	}
	if v, ok := floatOf(text); ok {
		return optional[float64]{v, true}
	}
	hint := ""
	if _, err := strconv.ParseFloat(text, 64); err != nil && strings.Contains(err.Error(), strconv.ErrRange.Error()) {
		hint = "It is beyond the numbers that a 64-bit floating point number can hold."
	}
	d.at = start
	d.mistaken(hint)
	return optional[float64]{}
}

// floatOf reads what Python's float reads, as far as clients write it.
func floatOf(text string) (float64, bool) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		text = strings.TrimSpace(text)
		v, err = strconv.ParseFloat(text, 64)
	}
	// Go's own forms have an x in the second or third place.
	if err != nil || strings.IndexByte(text[:min(3, len(text))], 'x')+strings.IndexByte(text[:min(3, len(text))], 'X') > -2 {
		return 0, false
	}
	return v + 0, true // no negative zero: a database may not tell it from zero
}

// boolean reads true or false.
func (d *decoder) boolean() optional[bool] {
	switch {
	case d.query:
		text := d.values[0]
		switch strings.ToLower(text) {
		case "true":
			return optional[bool]{true, true}
		case "false":
			return optional[bool]{false, true}
		}
		d.wrong = record.Invalid.Errorf(d.field, "Invalid boolean value: %s, must be 'true' or 'false'.", shorten(text))
		return optional[bool]{}
	case d.peek() == 't':
		return optional[bool]{true, d.word("true")}
	case d.peek() == 'f':
		return optional[bool]{false, d.word("false")}
	case !d.null():
		d.mistaken("")
	}
	return optional[bool]{}
}

// enum reads the name or the number of one of a list of words; the first has
// the number 1. What it returns is the number.
func (d *decoder) enum(words []string) optional[int64] {
	if d.query {
		return d.enumOf(d.values[0], asciiJSON(d.values[0]), words)
	}
	start := d.at
	switch c := d.peek(); {
	case c == 'n':
		d.null()
		return optional[int64]{}
	case c == '"':
		text := d.quoted()
		return d.enumOf(text, asciiJSON(text), words)
	case '0' <= c && c <= '9' || c == '-':
		text := d.digits()
		return d.enumOf(text, text, words)
	}
	d.at = start
	d.mistaken("")
	return optional[int64]{}
}

func (d *decoder) enumOf(text, shown string, words []string) optional[int64] {
	for i, w := range words {
		if text == w {
			return optional[int64]{int64(i) + 1, true}
		}
	}
	if n, ok := wholeNumber(text); ok && 1 <= n && n <= int64(len(words)) {
		return optional[int64]{n, true}
	}
	d.refuse(d.path(), shown, "It must be one of "+strings.Join(words, ", ")+".")
	return optional[int64]{}
}
