package filter

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// terms of a tree that is as Parse makes them: no AND right inside an AND, no
// OR right inside an OR.
func drawTree(t *rapid.T, g Grammar, depth int, but string) Expr {
	shapes := []string{"clause", "not", "and", "or"}
	shape := rapid.SampledFrom(shapes).Draw(t, "shape")
	if depth == 0 || shape == but {
		return drawClause(t, g)
	}
	switch shape {
	case "not":
		return &Not{drawTree(t, g, depth-1, "")}
	case "and":
		return &And{drawTerms(t, g, depth-1, shape)}
	case "or":
		return &Or{drawTerms(t, g, depth-1, shape)}
	}
	return drawClause(t, g)
}

func drawTerms(t *rapid.T, g Grammar, depth int, but string) []Expr {
	terms := make([]Expr, rapid.IntRange(2, 4).Draw(t, "terms"))
	for i := range terms {
		terms[i] = drawTree(t, g, depth, but)
	}
	return terms
}

var (
	anyText = rapid.OneOf(rapid.StringOf(rapid.RuneFrom([]rune(`aE'"\.`+"`"+` -/:%_,()=ö`))), rapid.String()).
		Filter(func(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") && len(s) < MaxPattern })
	anyNumber = rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), 1e21, -1e-7, 0}))
)

func drawClause(t *rapid.T, g Grammar) Expr {
	table := g.table()
	e := rapid.SampledFrom(table.entities).Draw(t, "entity").entity
	c := &Clause{Entity: e, Numeric: e == Metric}
	allowed := table.keys[e]
	switch e {
	case Attribute:
		a := rapid.SampledFrom(table.attributes).Filter(func(a attribute) bool { return a.ops != 0 && a.read == nil }).Draw(t, "attribute")
		c.Key, c.Numeric, allowed = a.canonical(), a.numeric, a.ops
	case Dataset:
		c.Key = rapid.SampledFrom(datasetKeys).Draw(t, "key")
	default:
		c.Key = anyText.Draw(t, "key")
	}
	c.Op = Op(rapid.IntRange(0, int(IsNotNull)).Filter(func(o int) bool { return allowed.has(Op(o)) }).Draw(t, "op"))
	n := 1
	switch c.Op {
	case IsNull, IsNotNull:
		n = 0
		c.Numeric = false
	case In, NotIn:
		n = rapid.IntRange(1, 5).Draw(t, "values")
	}
	for range n {
		if c.Numeric {
			c.Numbers = append(c.Numbers, anyNumber.Draw(t, "number"))
		} else {
			c.Texts = append(c.Texts, anyText.Draw(t, "text"))
		}
	}
	return c
}

// unplaced sets all positions to zero.
func unplaced(e Expr) Expr {
	switch e := e.(type) {
	case *And:
		for _, t := range e.Terms {
			unplaced(t)
		}
	case *Or:
		for _, t := range e.Terms {
			unplaced(t)
		}
	case *Not:
		unplaced(e.Term)
	case *Clause:
		e.Pos = 0
	}
	return e
}

func TestATreeComesBackFromItsText(t *testing.T) {
	for g := range Grammar(len(tables)) {
		rapid.Check(t, func(t *rapid.T) {
			e := drawTree(t, g, 4, "")
			text := String(e)
			got, err := Parse(g, text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if !reflect.DeepEqual(unplaced(got), e) {
				t.Fatalf("%s comes back as %s", text, String(got))
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range accepted {
		f.Add(uint8(c.g), c.text)
	}
	for _, c := range refused {
		f.Add(uint8(c.g), c.text)
	}
	f.Add(uint8(Runs), strings.Repeat("\x98", 2*maxShown))
	f.Fuzz(func(t *testing.T, grammar uint8, text string) {
		g := Grammar(grammar) % Grammar(len(tables))
		_, ofText := ParseOrder(g, []string{text})
		_, ofField := OrderOf(g, text, false)
		e, err := Parse(g, text)
		for _, err := range []error{ofText, ofField, err} {
			if err != nil && !utf8.ValidString(err.Error()) {
				t.Fatalf("%q: the error %q is not UTF-8", text, err)
			}
		}
		if err != nil {
			return
		}
		Match(e, sample)
		canonical := String(e)
		again, err := Parse(g, canonical)
		if err != nil {
			t.Fatalf("%q is %q: %v", text, canonical, err)
		}
		if !reflect.DeepEqual(unplaced(e), unplaced(again)) {
			t.Fatalf("%q is %q, which is %q", text, canonical, String(again))
		}
	})
}
