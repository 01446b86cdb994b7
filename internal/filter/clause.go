package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"modeldb/internal/record"
)

// field is what a comparison is about.
type field struct {
	entity  Entity
	name    string // as it is in the filter
	key     string // canonical
	numeric bool
	ops     ops
	attr    *attribute // nil for keys
}

// shown is the field as MLflow's errors about logged models have it.
func (f *field) shown() string {
	return [...]string{Attribute: "attributes.", Metric: "metrics.", Param: "params.", Tag: "tags.", Dataset: "datasets."}[f.entity] + shown(f.name)
}

// clause reads: field operator value.
func (p *parser) clause() (Expr, error) {
	start := p.tok
	if err := p.startsClause(); err != nil {
		return nil, err
	}
	if p.clauses++; p.clauses > MaxClauses {
		return nil, p.fault(start.pos, "Invalid filter string: too many comparisons", fmt.Sprintf("at most %d", MaxClauses))
	}
	p.next()
	opPos := p.tok.pos
	op, known, err := p.operator(start)
	if err != nil {
		return nil, err
	}
	f, err := p.field(start, func(a *attribute) bool { return a.ops != 0 })
	if err != nil {
		return nil, err
	}
	c := &Clause{Entity: f.entity, Key: f.key, Op: known, Numeric: f.numeric, Pos: start.pos}
	allowed := op == "" && f.ops.has(known)
	if op == "" {
		op = known.String()
	}
	refused := func() error {
		return p.fault(opPos, p.wrongOperator(f, op), "one of "+f.ops.list())
	}
	switch {
	case known == IsNull || known == IsNotNull:
		if !allowed {
			return nil, p.fault(opPos, p.noNull(f, op), "one of "+f.ops.list())
		}
		c.Numeric = false
		return c, nil
	case !allowed && p.style == ofLoggedModels:
		return nil, refused() // elsewhere MLflow looks at the value first
	}
	if err := p.values(f, c, start); err != nil {
		return nil, err
	}
	if !allowed {
		return nil, refused()
	}
	return p.withPrompts(c), nil
}

// startsClause refuses what cannot be a field.
func (p *parser) startsClause() error {
	t := p.tok
	switch {
	case t.kind == name, t.kind == quoted && t.quote != '\'':
		return nil
	case t.kind == quoted, t.kind == number:
		if after := scan(p.text, t.end); after.kind == operator {
			found := shown(p.text[t.pos:t.end])
			return p.fault(t.pos, fmt.Sprintf("Invalid comparison clause. Expected 'Identifier' found '%s'", found), "a field, then an operator, then a value")
		}
	}
	return p.wrong("a comparison")
}

// operator reads an operator. One that no field has is returned as text, with
// Equal beside it, so that the value is read as MLflow would.
func (p *parser) operator(start token) (text string, op Op, err error) {
	t := p.tok
	if t.kind == operator {
		p.next()
		for o := Equal; o <= GreaterEqual; o++ {
			if p.text[t.pos:t.end] == opNames[o] {
				return "", o, nil
			}
		}
		return p.text[t.pos:t.end], Equal, nil
	}
	negated := p.take("NOT")
	switch {
	case p.take("IN"):
		if p.tok.kind != open {
			return "", 0, p.wrongFrom(start.pos, "a list in parentheses")
		}
		if negated {
			return "", NotIn, nil
		}
		return "", In, nil
	case p.take("IS") && !negated:
		op = IsNull
		if p.take("NOT") {
			op = IsNotNull
		}
		if p.take("NULL") {
			return "", op, nil
		}
		return "", 0, p.wrongFrom(start.pos, "NULL or NOT NULL")
	}
	for _, word := range []string{"LIKE", "ILIKE", "RLIKE", "REGEXP"} {
		if !p.take(word) {
			continue
		}
		switch {
		case negated:
			return "NOT " + word, Like, nil
		case word == "LIKE":
			return "", Like, nil
		case word == "ILIKE":
			return "", ILike, nil
		}
		return word, Like, nil
	}
	return "", 0, p.wrongFrom(start.pos, "an operator")
}

// field resolves a name. Attributes are those that which says.
func (p *parser) field(t token, which func(*attribute) bool) (*field, error) {
	f := &field{entity: Attribute, name: t.body, key: t.body}
	if t.dotted {
		e, there := p.entity(t.head)
		if !there {
			return nil, p.fault(t.pos, p.unknownEntity(t.head), "a kind of field before the dot")
		}
		f.entity = e
	}
	switch f.entity {
	case Attribute:
		f.attr = p.attribute(f.key)
		if f.attr == nil || !which(f.attr) {
			return nil, p.fault(t.pos, p.unknownAttribute(f.key, which), "one of the valid keys")
		}
		f.key, f.numeric, f.ops = f.attr.canonical(), f.attr.numeric, f.attr.ops
	case Dataset:
		if !slices.Contains(datasetKeys, f.key) {
			return nil, p.fault(t.pos, unknownDatasetKey(f.key), "one of the valid keys")
		}
	}
	if f.entity != Attribute {
		f.numeric, f.ops = f.entity == Metric, p.keys[f.entity]
	}
	return f, nil
}

// values reads what the field is compared with, one value or a list, into c.
func (p *parser) values(f *field, c *Clause, start token) error {
	switch p.tok.kind {
	case atEnd, shut, comma, semicolon, unclosed, stray, operator:
		return p.wrongFrom(start.pos, p.wanted(f))
	}
	if c.Op == In || c.Op == NotIn {
		return p.list(f, c)
	}
	if p.tok.kind == open {
		return p.listForOne(f)
	}
	if (c.Op == Like || c.Op == ILike) && p.tok.kind == quoted && len(p.tok.body) > MaxPattern {
		return p.fault(p.tok.pos, fmt.Sprintf("LIKE or ILIKE pattern of %d bytes", len(p.tok.body)), fmt.Sprintf("at most %d", MaxPattern))
	}
	return p.value(f, c)
}

func (p *parser) wanted(f *field) string {
	if f.attr != nil && f.attr.word != nil {
		return "a number or the name of a status, such as READY"
	}
	if f.numeric {
		return "a number"
	}
	return "a quoted text"
}

// listForOne refuses a list where one value should be.
func (p *parser) listForOne(f *field) error {
	t := p.wholeList()
	if f.numeric {
		return p.fault(t.pos, p.wantedNumber(f, p.text[t.pos:t.end]), "a number")
	}
	if !f.ops.has(In) {
		return p.fault(t.pos, p.noList(f, t), "a quoted text")
	}
	return p.fault(t.pos, p.wantedText(f, t), "a quoted text, or IN before a list")
}

// wholeList is a token of the next ( to its end, for an error.
func (p *parser) wholeList() token {
	t := p.tok
	for t.kind != shut && t.kind != atEnd && t.end-p.tok.pos <= maxShown {
		t = scan(p.text, t.end)
	}
	return token{kind: open, pos: p.tok.pos, end: t.end}
}

// list reads: ( value , ... ), with a comma at the end or not.
func (p *parser) list(f *field, c *Clause) error {
	start := p.tok.pos
	if !f.ops.has(In) {
		return p.listForOne(f)
	}
	whole := p.wholeList()
	const illFormed = "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list."
	for p.next(); p.tok.kind != shut; {
		if p.tok.kind == unclosed || p.tok.kind == atEnd {
			return p.wrongFrom(start, "a value, a comma or )")
		}
		if len(c.Texts)+len(c.Numbers) == MaxValues {
			return p.fault(p.tok.pos, "While parsing a list in the query, found too many values", fmt.Sprintf("at most %d", MaxValues))
		}
		if !f.numeric && p.tok.kind == number && !p.loose {
			return p.fault(p.tok.pos, "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: "+
				shown(p.text[whole.pos:whole.end]), "a quoted text")
		}
		switch p.tok.kind {
		case name, quoted, number:
		default:
			return p.fault(p.tok.pos, illFormed, p.wanted(f))
		}
		if err := p.value(f, c); err != nil {
			return err
		}
		if p.tok.kind == comma {
			p.next()
		} else if p.tok.kind != shut {
			return p.fault(p.tok.pos, illFormed, "a comma or )")
		}
	}
	if len(c.Texts)+len(c.Numbers) == 0 {
		return p.fault(p.tok.pos, "While parsing a list in the query, expected a non-empty list of string values, but got empty list", p.wanted(f))
	}
	p.next()
	return nil
}

// value reads one value into c.
func (p *parser) value(f *field, c *Clause) error {
	t := p.tok
	found := p.text[t.pos:t.end]
	if f.numeric {
		v, is := f.number(found, t)
		if !is {
			return p.fault(t.pos, p.wantedNumber(f, found), p.wanted(f))
		}
		c.Numbers = append(c.Numbers, v)
		p.next()
		return nil
	}
	text, err := p.textOf(f, t)
	if err != nil {
		return err
	}
	if f.attr != nil && f.attr.read != nil && c.Op != Like && c.Op != ILike {
		canonical, wrong := f.attr.read(text)
		if wrong != "" {
			return p.fault(t.pos, wrong, "an integer in quotes")
		}
		text = canonical
	}
	c.Texts = append(c.Texts, text)
	p.next()
	return nil
}

// number returns the number that t is.
func (f *field) number(found string, t token) (float64, bool) {
	if f.attr != nil && f.attr.quotes && t.kind == quoted && t.quote != '`' {
		found = strings.TrimSpace(t.body)
	}
	if f.attr != nil && f.attr.word != nil {
		if v, is := f.attr.word(found); is {
			return v, true
		}
	}
	return readNumber(found)
}

// textOf returns the text that t is.
func (p *parser) textOf(f *field, t token) (string, error) {
	found := p.text[t.pos:t.end]
	switch {
	case t.kind == quoted && t.quote != '`':
		return t.body, nil
	case p.loose && (t.kind == name || t.kind == number):
		return found, nil
	case t.kind == number, strings.EqualFold(found, "NULL"):
		return "", p.fault(t.pos, p.wantedText(f, t), "a quoted text")
	}
	return "", p.fault(t.pos, bareWord(found), "a quoted text")
}

// readNumber reads an integer or a decimal, with a sign and an exponent or
// not. One that is too large is infinite.
func readNumber(s string) (float64, bool) {
	if s == "" || strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, false // ParseFloat knows words and other bases, too
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil || v-v != 0
}

// withPrompts makes of a clause on record.PromptTag one that is true also of a
// model without it, where MLflow's registry wants that: such a model counts as
// one with the value false.
func (p *parser) withPrompts(c *Clause) Expr {
	if p.style != ofRegistry || c.Entity != Tag || c.Key != record.PromptTag {
		return c
	}
	switch {
	case c.Op == NotEqual && c.Texts[0] == "true":
		c.Op = Equal
		return &Not{c}
	case c.Op == Equal && c.Texts[0] == "false":
		c.Op = NotEqual
		return &Not{c}
	}
	return c
}

// ExceptPrompts is the condition of a search in the registry, which finds
// prompts only when its filter speaks of them.
func ExceptPrompts(e Expr) Expr {
	except := &Not{&Clause{Entity: Tag, Key: record.PromptTag, Op: Equal, Texts: []string{"true"}}}
	switch {
	case e == nil:
		return except
	case aboutPrompts(e):
		return e
	}
	return &And{[]Expr{e, except}}
}

func aboutPrompts(e Expr) bool {
	switch e := e.(type) {
	case *And:
		return slices.ContainsFunc(e.Terms, aboutPrompts)
	case *Or:
		return slices.ContainsFunc(e.Terms, aboutPrompts)
	case *Not:
		return aboutPrompts(e.Term)
	case *Clause:
		return e.Entity == Tag && e.Key == record.PromptTag
	}
	return false
}
