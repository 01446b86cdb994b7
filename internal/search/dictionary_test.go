package search

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestADictionaryGivesBackWhatItTook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := New().names
		var codes []uint32
		var texts []string
		t.Repeat(map[string]func(*rapid.T){
			"intern": func(t *rapid.T) {
				text := strings.Repeat(fmt.Sprint(rapid.IntRange(0, 60).Draw(t, "text")), rapid.SampledFrom([]int{0, 1, 30_000}).Draw(t, "times"))
				codes, texts = append(codes, d.intern(text)), append(texts, text)
			},
			"release": func(t *rapid.T) {
				if len(codes) == 0 {
					return
				}
				i, last := rapid.IntRange(0, len(codes)-1).Draw(t, "which"), len(codes)-1
				d.release(codes[i])
				codes[i], texts[i] = codes[last], texts[last]
				codes, texts = codes[:last], texts[:last]
			},
			"": func(t *rapid.T) {
				for i, code := range codes {
					if found, there := d.find(texts[i]); d.text(code) != texts[i] || !there || found != code {
						t.Fatalf("code %d has %.20q, want %.20q; found %d, %v", code, d.text(code), texts[i], found, there)
					}
				}
				if _, there := d.find("61"); there {
					t.Fatal("a text that none has is found")
				}
			},
		})
	})
}

func TestATextThatChangesOftenDoesNotFillMemory(t *testing.T) {
	ix := New()
	for n := range 100_000 {
		ix.names.setFirst(ix, strings.Repeat(fmt.Sprint(n), 20))
	}
	if ix.Bytes() > 2<<20 {
		t.Errorf("%d bytes are held for one text", ix.Bytes())
	}
}

// setFirst sets the text of the row 0.
func (c *texts) setFirst(ix *Index, text string) {
	if len(ix.blocks) == 0 {
		ix.takeRow()
	}
	c.set(0, text)
}
