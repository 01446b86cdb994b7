package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"modeldb/internal/record"
)

// Limits of a filter. They bound the work that a request can ask for; a text
// over one is refused.
const (
	MaxText    = 512 << 10 // bytes of a filter
	MaxClauses = 1000      // comparisons in a filter
	MaxValues  = 10_000    // values in one list
	MaxDepth   = 100       // parentheses and NOTs inside each other
	MaxPattern = 2000      // bytes of a pattern of LIKE or ILIKE
)

// Parse reads a filter; an empty one is nil, which is true of every row. What
// MLflow accepts means the same here, also its looser forms: an AND too many,
// or one left out between two comparisons. Beyond MLflow there are OR, NOT (NOT
// binds strongest, then AND), parentheses, keywords in any case, IN and NOT IN
// for numbers and for all texts of runs, keys such as val/loss or f1-score
// without quotes, and E'...'.
//
// A text is what stands between its quotes. Between single quotes \' and ” do
// not end it, nor are they changed, as in MLflow; likewise for double quotes.
// Text with quotes of one sort goes into the other sort. In E'...', \' is a
// quote and \\ a backslash.
//
// An error is of kind record.Invalid, and has MLflow's words at its beginning.
func Parse(g Grammar, text string) (Expr, error) {
	p := parser{table: g.table(), text: text}
	if err := p.checkText(); err != nil {
		return nil, err
	}
	p.next()
	e, err := p.or()
	switch {
	case err != nil:
		return nil, err
	case p.tok.kind == semicolon && scan(text, p.tok.end).kind != atEnd:
		return nil, p.fault(p.tok.pos, p.several(), "AND, OR or the end")
	case p.tok.kind != atEnd:
		return nil, p.wrong("AND, OR or the end")
	}
	return e, nil
}

// parser reads a filter from left to right, one token ahead.
type parser struct {
	*table
	text    string
	tok     token // the next
	before  token // the one before it
	depth   int
	clauses int
}

func (p *parser) checkText() error {
	if len(p.text) > MaxText {
		return record.Invalid.Errorf("filter", "Invalid filter string: it has %d bytes; at most %d are allowed", len(p.text), MaxText)
	}
	if !utf8.ValidString(p.text) || strings.IndexByte(p.text, 0) >= 0 {
		return record.Invalid.Errorf("filter", "Invalid filter string: %s is not UTF-8 text without NUL characters", record.Quote(p.text))
	}
	return nil
}

func (p *parser) next() {
	p.before = p.tok
	p.tok = scan(p.text, p.tok.end)
}

// at reports whether the next token is this keyword.
func (p *parser) at(keyword string) bool {
	return p.tok.kind == name && !p.tok.dotted && strings.EqualFold(p.tok.body, keyword)
}

// take is at, and goes past the keyword.
func (p *parser) take(keyword string) bool {
	if !p.at(keyword) {
		return false
	}
	p.next()
	return true
}

// wrong refuses the next token, or at the end the one before it.
func (p *parser) wrong(expected string) error { return p.wrongFrom(p.tok.pos, expected) }

// wrongFrom refuses the piece from start to the end of the next token.
func (p *parser) wrongFrom(start int, expected string) error {
	if start == p.tok.pos && p.tok.kind == atEnd {
		start = p.before.pos
	}
	piece := strings.TrimSpace(p.text[start:p.tok.end])
	switch {
	case p.tok.kind == unclosed:
		expected = "the quote that ends the text"
	case p.tok.kind == stray && p.tok.end-p.tok.pos > 1 && p.text[p.tok.end-1] == '.':
		expected = "a key after the dot"
	}
	return p.fault(p.tok.pos, p.leftover(piece), expected)
}

func (p *parser) or() (Expr, error) {
	var terms []Expr
	for {
		e, err := p.and()
		if err != nil {
			return nil, err
		}
		if e == nil && (p.tok.kind != atEnd || p.depth > 0 || len(terms) > 0) {
			return nil, p.wrong("a comparison")
		}
		if o, is := e.(*Or); is {
			terms = append(terms, o.Terms...)
		} else if e != nil {
			terms = append(terms, e)
		}
		if !p.take("OR") {
			break
		}
	}
	switch len(terms) {
	case 0:
		return nil, nil
	case 1:
		return terms[0], nil
	}
	return &Or{terms}, nil
}

// and returns nil when there is nothing, or nothing but ANDs.
func (p *parser) and() (Expr, error) {
	var terms []Expr
	for {
		for p.take("AND") {
		}
		if p.tok.kind == atEnd || p.tok.kind == shut || p.tok.kind == semicolon || p.at("OR") {
			break
		}
		e, err := p.not()
		if err != nil {
			return nil, err
		}
		if a, is := e.(*And); is {
			terms = append(terms, a.Terms...)
		} else {
			terms = append(terms, e)
		}
	}
	switch len(terms) {
	case 0:
		return nil, nil
	case 1:
		return terms[0], nil
	}
	return &And{terms}, nil
}

func (p *parser) not() (Expr, error) {
	isNot := p.at("NOT")
	if !isNot && p.tok.kind != open {
		return p.clause()
	}
	if p.depth++; p.depth > MaxDepth {
		return nil, p.fault(p.tok.pos, p.leftover(p.text[p.tok.pos:p.tok.end]), fmt.Sprintf("at most %d parentheses and NOTs inside each other", MaxDepth))
	}
	p.next()
	defer func() { p.depth-- }()
	if isNot {
		e, err := p.not()
		if err != nil {
			return nil, err
		}
		return &Not{e}, nil
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != shut {
		return nil, p.wrong("AND, OR or )")
	}
	p.next()
	return e, nil
}
