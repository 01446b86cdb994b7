package mlflow

import (
	"strings"

	"modeldb/internal/record"
)

// decoder reads one JSON text from front to back. It is written by hand
// because most of what this door does is to read small bodies and lists of a
// thousand points.
//
// Fields are read by loops:
//
//	for open := d.open('{'); open && d.next(); {
//		switch d.name {
//		case "key":
//			key = d.str()
//		default:
//			d.skip()
//		}
//	}
//
// A fault of syntax ends all reading: every call after it finds nothing. A
// value of the wrong type is noted and passed over. null is read as nothing.
//
// Besides JSON, the words NaN, Infinity and -Infinity are numbers: Python
// writes them.
type decoder struct {
	text  string
	at    int
	depth int
	first bool   // no element of the innermost object or list has been read
	fault string // of syntax; empty: none
	wrong error  // the first value of the wrong type since it was last asked for

	name  string // of the field, in snake_case
	camel bool   // some field's name came in camelCase
	this  bool   // the field's name did

	field string // the request's field that is being read
	index int    // in it, if it is a list

	// A query parameter is read as if it were a body's field: values are all
	// values it was given.
	query  bool
	values []string
}

// maxDepth is how deep a body may be nested. No request needs more.
const maxDepth = 100

// fail notes a fault of syntax.
func (d *decoder) fail(what string) {
	if d.fault == "" {
		d.fault = what
	}
}

// peek returns the next byte that is not white space, 0 at the end or after a fault.
func (d *decoder) peek() byte {
	for d.at < len(d.text) {
		switch c := d.text[d.at]; c {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			if d.fault != "" {
				return 0
			}
			return c
		}
	}
	return 0
}

// null reads a null if one is there.
func (d *decoder) null() bool {
	return d.peek() == 'n' && d.word("null")
}

// word reads a literal.
func (d *decoder) word(w string) bool {
	if !strings.HasPrefix(d.text[d.at:], w) {
		d.fail("a value is expected")
		return false
	}
	d.at += len(w)
	return true
}

// open begins to read an object or a list. It reports whether there is one.
func (d *decoder) open(c byte) bool {
	switch d.peek() {
	case c:
		d.at++
		d.depth++
		d.first = true
		if d.depth > maxDepth {
			d.fail("it is nested too deep")
			return false
		}
		return true
	case 'n':
		d.null()
	default:
		d.mistaken("")
	}
	return false
}

// more goes to the next element of a list, and reports whether there is one.
func (d *decoder) more() bool {
	c := d.peek()
	if c == ']' {
		d.close()
		return false
	}
	if d.depth == 2 {
		if d.index++; d.index == maxElements {
			d.tooMany()
			return false
		}
	}
	return d.separate(c)
}

// maxElements is how many elements a list of a request may have. A few bytes
// of a body can be an element, which takes much more memory.
const maxElements = 10_000

// tooMany passes over the rest of a list.
func (d *decoder) tooMany() {
	n := d.index
	for d.peek() != ']' && d.separate(d.peek()) {
		d.skip()
		n++
	}
	if d.fault == "" {
		d.close()
		d.wrong = record.Invalid.Errorf(d.field, "The list '%s' has %d elements; at most %d are allowed.", d.field, n, maxElements)
	}
}

// separate reads the comma before an element that is not the first.
func (d *decoder) separate(c byte) bool {
	if d.first {
		d.first = false
		return d.fault == ""
	}
	if c != ',' {
		d.fail("a comma, or the end of the object or list, is expected")
		return false
	}
	d.at++
	return true
}

func (d *decoder) close() {
	d.at++
	d.depth--
	d.first = false
}

// next goes to the value of the next field of an object, and reports whether
// there is one. Its name is in d.name.
func (d *decoder) next() bool {
	c := d.peek()
	if c == '}' {
		d.close()
		return false
	}
	if !d.separate(c) {
		return false
	}
	if d.peek() != '"' {
		d.fail("the name of a field, in double quotes, is expected")
		return false
	}
	d.name = d.quoted()
	d.this = false
	for i := range len(d.name) {
		if c := d.name[i]; 'A' <= c && c <= 'Z' {
			d.name, d.this, d.camel = snake(d.name), true, true
			break
		}
	}
	if d.peek() != ':' {
		d.fail("a colon is expected")
		return false
	}
	d.at++
	return true
}

// snake turns runId into run_id.
func snake(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// str reads a text.
func (d *decoder) str() string {
	if d.query {
		return d.values[0]
	}
	switch d.peek() {
	case '"':
		return d.quoted()
	case 'n':
		d.null()
	default:
		d.mistaken("")
	}
	return ""
}

// strs reads a list of texts.
func (d *decoder) strs() (all []string) {
	if d.query {
		return d.values
	}
	for open := d.list(); open && d.more(); {
		all = append(all, d.str())
	}
	return all
}

// list begins to read the list that is a field of the request.
func (d *decoder) list() bool {
	d.index = -1
	return d.open('[')
}

// skip reads a value of any type.
func (d *decoder) skip() {
	if d.query {
		return
	}
	switch c := d.peek(); c {
	case '{':
		for open := d.open('{'); open && d.next(); {
			d.skip()
		}
	case '[':
		for open := d.open('['); open && d.more(); {
			d.skip()
		}
	case '"':
		d.quoted()
	case 't':
		d.word("true")
	case 'f':
		d.word("false")
	case 'n':
		d.word("null")
	case 0:
		d.fail("it ends too early")
	default:
		d.digits()
	}
}

// digits reads the text of a number.
func (d *decoder) digits() string {
	start := d.at
	s := d.text
	i := start
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i < len(s) && (s[i] == 'N' && i == start || s[i] == 'I') {
		d.at = i
		if s[i] == 'N' {
			d.word("NaN")
		} else {
			d.word("Infinity")
		}
		return s[start:d.at]
	}
	whole := i
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	bad := i == whole || s[whole] == '0' && i > whole+1
	if i < len(s) && s[i] == '.' {
		i++
		part := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		bad = bad || i == part
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		part := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		bad = bad || i == part
	}
	d.at = i
	if bad {
		d.fail("a value is expected")
	}
	return s[start:i]
}
