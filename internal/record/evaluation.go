package record

import (
	"bytes"
	"math"
	"strconv"
)

// Number reads a JSON number as the value of a metric. A number beyond
// float64 is refused; digits beyond float64's are not.
func Number(field, text string) (float64, error) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, Invalid.Errorf(field, "%s is %s, which is beyond the numbers that a metric can hold (64-bit floating point, at most about 1.8e308); give it as text instead", field, Quote(text))
	}
	return value + 0, nil // SQLite has no negative zero; adding 0 makes it the plain one
}

// FormatNumber returns the shortest JSON text that reads back as value, as
// Python writes it: 1.0, 0.93, 1e-05, 1e+16. NaN and the infinities, which
// JSON has not, are the texts "NaN", "Infinity" and "-Infinity" in quotes.
func FormatNumber(value float64) string {
	var buf [32]byte
	return string(AppendNumber(buf[:0], value))
}

// AppendNumber appends FormatNumber's text to dst.
func AppendNumber(dst []byte, value float64) []byte {
	switch {
	case math.IsNaN(value):
		return append(dst, `"NaN"`...)
	case math.IsInf(value, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(value, -1):
		return append(dst, `"-Infinity"`...)
	}
	if abs := math.Abs(value); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.AppendFloat(dst, value, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, value, 'f', -1, 64)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// IsNumber reports whether a JSON text is a number.
func IsNumber(json string) bool {
	return json != "" && (json[0] == '-' || '0' <= json[0] && json[0] <= '9')
}

// KeepsText reports whether the JSON number text must be kept beside its
// float64, because the float64 would be written otherwise: 1, 0.10 or
// 12345678901234567890.
func KeepsText(text string, value float64) bool { return FormatNumber(value) != text }

// Stands reports whether the text of evaluation e is to be shown although
// metric m has the same key. A structured value always is. A number's text is
// shown as long as the metric still has its value: a later point, through
// either door, takes its place.
func (e Evaluation) Stands(m Metric) bool {
	if !IsNumber(e.Value) {
		return true
	}
	value, err := strconv.ParseFloat(e.Value, 64)
	return err == nil && value == m.Value
}

// Member is a name and a value of a JSON object.
type Member struct {
	Key   string
	Value string // compact JSON text
}

// SplitEvaluations tells the numbers among evaluations, which become points of
// metrics, from the rest, which is kept as it is. A number whose digits a
// float64 does not give back is in both lists. A number that no float64 can
// hold is refused.
func SplitEvaluations(members []Member) (metrics []Metric, rest []Evaluation, err error) {
	for _, m := range members {
		if !IsNumber(m.Value) {
			rest = append(rest, Evaluation(m))
			continue
		}
		value, err := Number(KeyField("evaluations", m.Key), m.Value)
		if err != nil {
			return nil, nil, err
		}
		metrics = append(metrics, Metric{Key: m.Key, Point: Point{Value: value}})
		if KeepsText(m.Value, value) {
			rest = append(rest, Evaluation(m))
		}
	}
	return metrics, rest, nil
}
