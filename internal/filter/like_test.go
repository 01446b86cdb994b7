package filter

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLikeMatchesTheWholeText(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		like, ilike   bool
	}{
		{"", "", true, true},
		{"", "a", false, false},
		{"%", "", true, true},
		{"%", "a\nb", true, true},
		{"_", "", false, false},
		{"_", "ö", true, true},
		{"_", "ab", false, false},
		{"abc", "abc", true, true},
		{"abc", "ABC", false, true},
		{"abc", "abcd", false, false},
		{"abc", "zabc", false, false},
		{"a%", "abc", true, true},
		{"%c", "abc", true, true},
		{"%b%", "abc", true, true},
		{"a%a", "a", false, false},
		{"a%a", "aa", true, true},
		{"%ab%ab%", "abab", true, true},
		{"%ab%ab%", "aba", false, false},
		{"a_c%e", "abcde", true, true},
		{"%b_d", "abcd", true, true},
		{"%b%b", "ab", false, false},
		{"%b%b", "abb", true, true},
		{"%_", "", false, false},
		{"_%_", "a", false, false},
		{"_%_", "ab", true, true},
		{"%a_c%", "xxabxabcx", true, true},
		{"GRÖ%", "größe", false, true},
		{"größe", "GRÖSSE", false, false},
		{`a\%b`, `a\xb`, true, true},
		{`a\%b`, `a%b`, false, false},
		{"a.c", "abc", false, false},
	} {
		if got := NewLikePattern(c.pattern, false).Match(c.text); got != c.like {
			t.Errorf("%q LIKE %q is %v", c.text, c.pattern, got)
		}
		if got := NewLikePattern(c.pattern, true).Match(c.text); got != c.ilike {
			t.Errorf("%q ILIKE %q is %v", c.text, c.pattern, got)
		}
	}
}

func TestLikeAgreesWithARegularExpression(t *testing.T) {
	text := rapid.StringOf(rapid.RuneFrom([]rune("aAbö\n")))
	pattern := rapid.StringOf(rapid.RuneFrom([]rune("aAbö%%_")))
	rapid.Check(t, func(t *rapid.T) {
		p, s := pattern.Draw(t, "pattern"), text.Draw(t, "text")
		fold := rapid.Bool().Draw(t, "ilike")
		got := NewLikePattern(p, fold).Match(s)
		if fold {
			p, s = strings.ToLower(p), strings.ToLower(s)
		}
		if want := byRegexp(p, s); got != want {
			t.Fatalf("%q like %q is %v", s, p, got)
		}
	})
}

func byRegexp(pattern, text string) bool {
	expr := strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(pattern))
	return regexp.MustCompile("(?s)^" + expr + "$").MatchString(text)
}

func TestNoPatternIsSlow(t *testing.T) {
	text := strings.Repeat("a", 60_000)
	for _, pattern := range []string{
		strings.Repeat("%", MaxPattern-1) + "b",
		strings.Repeat("a%", MaxPattern/2-1) + "b",
		strings.Repeat("%_a", MaxPattern/3-1) + "b%",
		"%" + strings.Repeat("a_", MaxPattern/2-2) + "b%",
	} {
		start := time.Now()
		if NewLikePattern(pattern, false).Match(text) {
			t.Errorf("%.20s... matches", pattern)
		}
		if took := time.Since(start); took > 5*time.Second { // of some 0.3 s at worst, on an idle machine
			t.Errorf("%.20s... took %v", pattern, took)
		}
	}
}

func BenchmarkLike(b *testing.B) {
	p := NewLikePattern("%resnet%_v2%", true)
	b.ReportAllocs()
	for b.Loop() {
		if !p.Match("models/ResNet50/large_v2.bin") {
			b.Fatal("no match")
		}
	}
}
