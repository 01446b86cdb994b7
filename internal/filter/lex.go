package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind uint8

const (
	atEnd    kind = iota // of the text
	name                 // a word, or an entity and a key with a dot between
	quoted               // in ', " or `
	number               // begins like a number; it may not be one
	operator             // a run of < > = ! ~
	open                 // (
	shut                 // )
	comma
	semicolon
	unclosed // a quote without its end
	stray    // anything else
)

// token is a piece of a filter: text[pos:end].
type token struct {
	kind     kind
	pos, end int
	quote    byte   // of quoted: which
	dotted   bool   // of name: whether there is a head
	head     string // of name: what stands before the first dot, without quotes
	body     string // of name: the rest of it; of quoted: what is inside
}

// scan returns the first token at or after from.
func scan(text string, from int) token {
	i := skipSpace(text, from)
	if i == len(text) {
		return token{kind: atEnd, pos: i, end: i}
	}
	switch c := text[i]; {
	case c == '\'' || c == '"' || c == '`':
		return scanQuoted(text, i)
	case startsNumber(text[i:]):
		return token{kind: number, pos: i, end: numberEnd(text, i)}
	case strings.IndexByte("<>=!~", c) >= 0:
		n := len(text[i:]) - len(strings.TrimLeft(text[i:], "<>=!~"))
		return token{kind: operator, pos: i, end: i + n}
	case c == '(':
		return token{kind: open, pos: i, end: i + 1}
	case c == ')':
		return token{kind: shut, pos: i, end: i + 1}
	case c == ',':
		return token{kind: comma, pos: i, end: i + 1}
	case c == ';':
		return token{kind: semicolon, pos: i, end: i + 1}
	}
	return scanName(text, i)
}

func skipSpace(text string, i int) int {
	for i < len(text) {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsSpace(r) {
			break
		}
		i += n
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// startsNumber reports whether s begins with a digit, after a sign and a point
// if there are any.
func startsNumber(s string) bool {
	if s[0] == '+' || s[0] == '-' {
		s = s[1:]
	}
	if s != "" && s[0] == '.' {
		s = s[1:]
	}
	return s != "" && isDigit(s[0])
}

// numberEnd takes letters too, so that 1_000 and 0x1F are one wrong number and
// not a number before a word.
func numberEnd(text string, i int) int {
	for i++; i < len(text); i++ {
		c := text[i]
		sign := (c == '+' || c == '-') && (text[i-1] == 'e' || text[i-1] == 'E')
		if !sign && c != '.' && c != '_' && !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
	}
	return i
}

// scanQuoted reads a text in quotes, or, when a dot follows and the quotes can
// be those of a name, an entity and a key.
func scanQuoted(text string, i int) token {
	end := closing(text, i)
	if end < 0 {
		return token{kind: unclosed, pos: i, end: len(text)}
	}
	inside := text[i+1 : end]
	if text[i] != '\'' && end+1 < len(text) && text[end+1] == '.' {
		return scanKey(text, i, end+1, inside)
	}
	return token{kind: quoted, pos: i, end: end + 1, quote: text[i], body: inside}
}

// closing returns where the quote that opens at i closes, or -1. As in MLflow,
// a doubled quote, and one after a backslash, do not close, unless no other
// quote follows that does: 'C:\' at the end of a filter is whole.
func closing(text string, i int) int {
	q, last := text[i], -1
	for j := i + 1; j < len(text); j++ {
		twice := j+1 < len(text) && text[j+1] == q
		switch {
		case twice && text[j] == q:
			last = j
			j++
		case twice && text[j] == '\\' && q != '`':
			last = j + 1
			j++
		case text[j] == q:
			return j
		}
	}
	return last
}

// scanEscaped reads E'...', in which \' is a quote and \\ a backslash. MLflow
// does not have it; without it there are texts that no filter could name.
func scanEscaped(text string, i int) token {
	for j := i + 2; j < len(text); j++ {
		switch text[j] {
		case '\\':
			j++
		case '\'':
			return token{kind: quoted, pos: i, end: j + 1, quote: '\'', body: unescape.Replace(text[i+2 : j])}
		}
	}
	return token{kind: unclosed, pos: i, end: len(text)}
}

var (
	unescape = strings.NewReplacer(`\'`, `'`, `\\`, `\`)
	escape   = strings.NewReplacer(`'`, `\'`, `\`, `\\`)
)

func startsEscaped(text string, i int) bool {
	return i+1 < len(text) && text[i]|0x20 == 'e' && text[i+1] == '\''
}

func scanName(text string, i int) token {
	if startsEscaped(text, i) {
		return scanEscaped(text, i)
	}
	if strings.HasPrefix(text[i:], "--") || strings.HasPrefix(text[i:], "/*") || text[i] == '#' {
		return token{kind: stray, pos: i, end: len(text)} // SQL's comments; there are none here
	}
	end := wordEnd(text, i, false)
	if end == i {
		_, n := utf8.DecodeRuneInString(text[i:])
		return token{kind: stray, pos: i, end: i + n}
	}
	if end < len(text) && text[end] == '.' {
		return scanKey(text, i, end, text[i:end])
	}
	return token{kind: name, pos: i, end: end, body: text[i:end]}
}

// scanKey reads the key after the dot, of the entity head that begins at start.
func scanKey(text string, start, dot int, head string) token {
	t := token{kind: name, pos: start, dotted: true, head: head}
	i := dot + 1
	switch {
	case i < len(text) && (text[i] == '`' || text[i] == '"' || text[i] == '\''):
		end := closing(text, i)
		if end < 0 {
			return token{kind: unclosed, pos: i, end: len(text)}
		}
		t.body, t.end = text[i+1:end], end+1
	case startsEscaped(text, i):
		key := scanEscaped(text, i)
		if key.kind == unclosed {
			return key
		}
		t.body, t.end = key.body, key.end
	default:
		t.end = wordEnd(text, i, true)
		t.body = text[i:t.end]
		if t.body == "" {
			return token{kind: stray, pos: start, end: i}
		}
	}
	return t
}

// wordEnd returns where the word at i ends. Dots belong to a key: tags.a.b is
// the tag a.b. So do - / : and @ between characters of a word, which MLflow
// wants in quotes.
func wordEnd(text string, i int, dots bool) int {
	for i < len(text) {
		n := wordRune(text[i:])
		if n == 0 && dots && text[i] == '.' {
			n = 1
		}
		if n == 0 && strings.IndexByte("-/:@", text[i]) >= 0 && i+1 < len(text) && wordRune(text[i+1:]) > 0 {
			n = 1
		}
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// wordRune returns the bytes of the character that s begins with when words
// are made of it, else 0.
func wordRune(s string) int {
	c := s[0]
	if c < utf8.RuneSelf {
		if c == '_' || isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'z' {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if unicode.In(r, unicode.L, unicode.N, unicode.M) {
		return n
	}
	return 0
}
