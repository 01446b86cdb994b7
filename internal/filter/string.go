package filter

import (
	"math"
	"strconv"
	"strings"
)

var opNames = [...]string{
	Equal: "=", NotEqual: "!=", Less: "<", LessEqual: "<=", Greater: ">", GreaterEqual: ">=",
	Like: "LIKE", ILike: "ILIKE", In: "IN", NotIn: "NOT IN", IsNull: "IS NULL", IsNotNull: "IS NOT NULL",
}

// String returns the operator as filters have it.
func (o Op) String() string { return opNames[o] }

// String returns the one text of a condition, "" for nil: Parse of it, in the
// grammar that the condition came from, gives the same tree but for the
// positions. Two filters with one meaning may have two texts.
func String(e Expr) string {
	if e == nil {
		return ""
	}
	return string(appendExpr(nil, e, false))
}

// appendExpr adds the text of e; inner is whether e is a term of something
// that binds stronger than OR.
func appendExpr(b []byte, e Expr, inner bool) []byte {
	switch e := e.(type) {
	case *And:
		return appendTerms(b, e.Terms, " AND ", inner)
	case *Or:
		return appendTerms(b, e.Terms, " OR ", inner)
	case *Not:
		return appendExpr(append(b, "NOT "...), e.Term, true)
	case *Clause:
		return e.append(b)
	}
	return b
}

func appendTerms(b []byte, terms []Expr, between string, inner bool) []byte {
	if inner {
		b = append(b, '(')
	}
	for i, t := range terms {
		if i > 0 {
			b = append(b, between...)
		}
		b = appendExpr(b, t, true)
	}
	if inner {
		b = append(b, ')')
	}
	return b
}

// heads are names of the entities that every grammar with them knows. An
// attribute stands alone.
var heads = [...]string{Metric: "metrics.", Param: "params.", Tag: "tags.", Dataset: "datasets."}

func (c *Clause) append(b []byte) []byte {
	b = append(b, heads[c.Entity]...)
	b = appendKey(b, c.Key)
	b = append(b, ' ')
	b = append(b, c.Op.String()...)
	switch c.Op {
	case IsNull, IsNotNull:
		return b
	case In, NotIn:
		b = c.appendValues(append(b, " ("...))
		return append(b, ')')
	}
	return c.appendValues(append(b, ' '))
}

func (c *Clause) appendValues(b []byte) []byte {
	for i, v := range c.Numbers {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendNumber(b, v)
	}
	for i, v := range c.Texts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendText(b, v)
	}
	return b
}

// appendNumber writes an infinity as a number that is too large for a float64.
func appendNumber(b []byte, v float64) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(b, "1e999"...)
	case math.IsInf(v, -1):
		return append(b, "-1e999"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

func appendText(b []byte, text string) []byte {
	if strings.ContainsAny(text, `'\`) {
		return append(append(append(b, "E'"...), escape.Replace(text)...), '\'')
	}
	return append(append(append(b, '\''), text...), '\'')
}

func appendKey(b []byte, key string) []byte {
	switch {
	case key != "" && wordEnd(key, 0, true) == len(key):
		return append(b, key...)
	case !strings.Contains(key, "`"):
		return append(append(append(b, '`'), key...), '`')
	}
	return appendText(b, key)
}
