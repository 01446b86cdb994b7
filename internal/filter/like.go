package filter

import (
	"strings"
	"unicode/utf8"
)

// LikePattern is a compiled pattern of LIKE or ILIKE: % stands for any
// characters, also none and line ends, _ for exactly one character, and all
// else for itself; there is no way to escape % or _, as in MLflow on SQLite.
// ILIKE compares after strings.ToLower on both sides, so also outside ASCII.
//
// A match takes time in proportion to the text, with _ between two % at worst
// to the text times the pattern, whatever the pattern.
type LikePattern struct {
	fold  bool
	parts []likePart // between the %; at least one, some may be empty
}

// likePart is what stands between two %.
type likePart struct {
	text  string
	runes int  // characters in text
	any   bool // whether there is a _ in it
}

// NewLikePattern compiles a pattern; fold is for ILIKE.
func NewLikePattern(pattern string, fold bool) *LikePattern {
	if fold {
		pattern = strings.ToLower(pattern)
	}
	p := &LikePattern{fold: fold}
	for part := range strings.SplitSeq(pattern, "%") {
		p.parts = append(p.parts, likePart{part, utf8.RuneCountInString(part), strings.Contains(part, "_")})
	}
	return p
}

// Match reports whether the whole text is as the pattern says.
func (p *LikePattern) Match(text string) bool {
	if p.fold {
		text = strings.ToLower(text)
	}
	first, last := &p.parts[0], &p.parts[len(p.parts)-1]
	at := first.matchAt(text, 0)
	if at < 0 || len(p.parts) == 1 {
		return at == len(text)
	}
	// The last part can only be at the end, so it is taken off first. Each of
	// the others is taken where it is first found: no later place is better.
	end := last.startAtEnd(text)
	if end < at || last.matchAt(text, end) < 0 {
		return false
	}
	text = text[:end]
	for i := range p.parts[1 : len(p.parts)-1] {
		if at = p.parts[1+i].find(text, at); at < 0 {
			return false
		}
	}
	return true
}

// matchAt returns where the part ends when it is in the text at i, else -1.
func (l *likePart) matchAt(text string, i int) int {
	if !l.any {
		if strings.HasPrefix(text[i:], l.text) {
			return i + len(l.text)
		}
		return -1
	}
	for part := l.text; part != ""; {
		if i == len(text) {
			return -1
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		want, m := utf8.DecodeRuneInString(part)
		if want != '_' && want != r {
			return -1
		}
		i, part = i+n, part[m:]
	}
	return i
}

// startAtEnd returns where in the text as many characters as the part has
// begin, counted from the end, or -1 when there are fewer.
func (l *likePart) startAtEnd(text string) int {
	if !l.any {
		return len(text) - len(l.text) // negative is too short, like -1
	}
	end := len(text)
	for range l.runes {
		if end == 0 {
			return -1
		}
		_, n := utf8.DecodeLastRuneInString(text[:end])
		end -= n
	}
	return end
}

// find returns the end of the first place at or after i where the part is, or
// -1.
func (l *likePart) find(text string, i int) int {
	if !l.any {
		at := strings.Index(text[i:], l.text)
		if at < 0 {
			return -1
		}
		return i + at + len(l.text)
	}
	for i < len(text) {
		if end := l.matchAt(text, i); end >= 0 {
			return end
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		i += n
	}
	return -1
}
