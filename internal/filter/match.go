package filter

import (
	"fmt"
	"slices"
)

// Match reports whether e is true of r. Where many rows are asked, NewMatcher
// is faster.
func Match(e Expr, r Row) bool { return NewMatcher(e).Match(r) }

// Matcher is a condition made ready to be asked of many rows. It may be used
// by several goroutines at once.
type Matcher struct{ test func(Row) bool }

// NewMatcher makes e ready.
func NewMatcher(e Expr) *Matcher { return &Matcher{rowTest(e)} }

// Match reports whether the condition is true of r.
func (m *Matcher) Match(r Row) bool { return m.test(r) }

func rowTest(e Expr) func(Row) bool {
	switch e := e.(type) {
	case nil:
		return func(Row) bool { return true }
	case *And:
		tests := rowTests(e.Terms)
		return func(r Row) bool {
			return !slices.ContainsFunc(tests, func(t func(Row) bool) bool { return !t(r) })
		}
	case *Or:
		tests := rowTests(e.Terms)
		return func(r Row) bool {
			return slices.ContainsFunc(tests, func(t func(Row) bool) bool { return t(r) })
		}
	case *Not:
		test := rowTest(e.Term)
		return func(r Row) bool { return !test(r) }
	case *Clause:
		return e.rowTest()
	}
	panic(fmt.Sprintf("filter: a condition of type %T", e)) // there are no others
}

func rowTests(terms []Expr) []func(Row) bool {
	tests := make([]func(Row) bool, len(terms))
	for i, t := range terms {
		tests[i] = rowTest(t)
	}
	return tests
}

func (c *Clause) rowTest() func(Row) bool {
	switch {
	case c.Op == IsNull:
		return func(r Row) bool { return !c.there(r) }
	case c.Op == IsNotNull:
		return c.there
	case c.Numeric:
		test := c.NumberTest()
		return func(r Row) bool {
			v, there := r.Number(c.Entity, c.Key)
			return there && test(v)
		}
	case c.Entity == Dataset:
		test := c.TextTest()
		return func(r Row) bool { return anyDataset(r, c.Key, test) }
	}
	test := c.TextTest()
	return func(r Row) bool {
		v, there := r.Text(c.Entity, c.Key)
		return there && test(v)
	}
}

// there reports whether the row has the field at all.
func (c *Clause) there(r Row) bool {
	if c.Entity == Dataset {
		return anyDataset(r, c.Key, func(string) bool { return true })
	}
	_, there := r.Text(c.Entity, c.Key)
	if !there {
		_, there = r.Number(c.Entity, c.Key)
	}
	return there
}

// anyDataset reports whether the test holds for any use of a dataset. So a
// run that uses the datasets a and b satisfies datasets.name != 'a', as it
// does in MLflow; NOT datasets.name = 'a' is true of runs without a.
func anyDataset(r Row, key string, test func(string) bool) (found bool) {
	r.Datasets(key, func(v string) bool {
		found = test(v)
		return !found
	})
	return found
}

// manyValues is from how many values on a set is faster than a loop.
const manyValues = 12

// TextTest returns what the clause asks of a text that is there: the one
// meaning of every operator on texts. The clause must not be numeric, nor a
// test for null. Texts compare by their bytes.
func (c *Clause) TextTest() func(string) bool {
	value := c.Texts[0]
	switch c.Op {
	case Equal:
		return func(v string) bool { return v == value }
	case NotEqual:
		return func(v string) bool { return v != value }
	case Less:
		return func(v string) bool { return v < value }
	case LessEqual:
		return func(v string) bool { return v <= value }
	case Greater:
		return func(v string) bool { return v > value }
	case GreaterEqual:
		return func(v string) bool { return v >= value }
	case Like, ILike:
		return NewLikePattern(value, c.Op == ILike).Match
	case In:
		return member(c.Texts)
	case NotIn:
		in := member(c.Texts)
		return func(v string) bool { return !in(v) }
	}
	panic(fmt.Sprintf("filter: operator %s on a text", c.Op))
}

// NumberTest is TextTest for numbers. NaN satisfies only != and NOT IN.
func (c *Clause) NumberTest() func(float64) bool {
	value := c.Numbers[0]
	switch c.Op {
	case Equal:
		return func(v float64) bool { return v == value }
	case NotEqual:
		return func(v float64) bool { return v != value }
	case Less:
		return func(v float64) bool { return v < value }
	case LessEqual:
		return func(v float64) bool { return v <= value }
	case Greater:
		return func(v float64) bool { return v > value }
	case GreaterEqual:
		return func(v float64) bool { return v >= value }
	case In:
		return member(c.Numbers)
	case NotIn:
		in := member(c.Numbers)
		return func(v float64) bool { return !in(v) }
	}
	panic(fmt.Sprintf("filter: operator %s on a number", c.Op))
}

func member[T comparable](values []T) func(T) bool {
	if len(values) < manyValues {
		return func(v T) bool { return slices.Contains(values, v) }
	}
	set := make(map[T]struct{}, len(values))
	for _, v := range values {
		set[v] = struct{}{}
	}
	return func(v T) bool { _, there := set[v]; return there }
}
