package mlflow

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted reads what is in double quotes.
func (d *decoder) quoted() string {
	start := d.at + 1
	i := start
	for i < len(d.text) && !special[d.text[i]] {
		i++
	}
	if i < len(d.text) && d.text[i] == '"' {
		d.at = i + 1
		return d.text[start:i]
	}
	return d.escaped(start, i)
}

// special are the bytes that do not stand for themselves in a text.
var special = func() (s [256]bool) {
	for c := range byte(' ') {
		s[c] = true
	}
	s['"'], s['\\'] = true, true
	return s
}()

// escaped is quoted for a text whose first special byte is at i.
func (d *decoder) escaped(start, i int) string {
	b := append(make([]byte, 0, i-start+64), d.text[start:i]...)
	for i < len(d.text) {
		c := d.text[i]
		switch {
		case c == '"':
			d.at = i + 1
			return string(b)
		case c < ' ':
			d.at = i
			d.fail("a text has a control character, which must be escaped")
			return ""
		case c != '\\':
			b = append(b, c)
			i++
			continue
		}
		r, n := escape(d.text[i:])
		if n == 0 {
			d.at = i
			d.fail("a text has an escape that is none, or half a character")
			return ""
		}
		if r == 0 {
			d.fail("a text has a NUL character, which cannot be kept")
			return ""
		}
		b = utf8.AppendRune(b, r)
		i += n
	}
	d.at = len(d.text)
	d.fail("it ends too early")
	return ""
}

// escape reads the escape at the beginning of s, and returns how long it is, 0
// if it is none.
func escape(s string) (r rune, n int) {
	if len(s) < 2 {
		return 0, 0
	}
	if at := strings.IndexByte(`"\/bfnrt`, s[1]); at >= 0 {
		return rune("\"\\/\b\f\n\r\t"[at]), 2
	}
	r, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := hex4(s[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hex4 reads \u and four hex digits.
func hex4(s string) (r rune, ok bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	for _, c := range []byte(s[2:6]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
