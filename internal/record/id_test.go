package record_test

import (
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"modeldb/internal/record"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func refused(t testing.TB, kind record.Kind, err error) {
	t.Helper()
	if err == nil || record.KindOf(err) != kind {
		t.Fatalf("got the error %v, want one of kind %d", err, kind)
	}
}

func TestIDsOfProjectsAndModelsAreReadBack(t *testing.T) {
	if id := record.ProjectID(record.DefaultProject); id != "000000000000" {
		t.Errorf("the id of the default project is %q", id)
	}
	seen := map[string]int64{}
	project := func(key int64) bool {
		key &= 1<<48 - 1
		id := record.ProjectID(key)
		got, err := record.ParseProjectID(id)
		other, taken := seen[id]
		seen[id] = key
		return err == nil && got == key && len(id) == 12 && (!taken || other == key)
	}
	for _, key := range []int64{0, 1, 2, 3, 1<<24 - 1, 1 << 24, 1<<47 - 1, 1 << 47, 1<<48 - 1} {
		if !project(key) {
			t.Errorf("project %d has the id %q", key, record.ProjectID(key))
		}
	}
	ok(t, quick.Check(project, &quick.Config{MaxCount: 10_000}))
	for key, id := range map[int64]string{0: "0", 7: "7", 1<<53 - 1: "9007199254740991", 1<<63 - 1: "9223372036854775807"} {
		if got := record.ModelID(key); got != id {
			t.Errorf("the id of model %d is %q, want %q", key, got, id)
		}
		got, err := record.ParseModelID(id)
		if ok(t, err); got != key {
			t.Errorf("the key of model %q is %d, want %d", id, got, key)
		}
	}
}

func TestTextThatIsNoIDNamesNothing(t *testing.T) {
	for parse, c := range map[string]struct {
		do  func(string) error
		ids []string
	}{
		"project": {func(id string) error { _, err := record.ParseProjectID(id); return err }, []string{
			"", "0", "00000000000", "0000000000000", "00000000000g", "00000000000A", "+00000000001", "-00000000001",
			" 00000000001", "00000000001 ", "0x0000000001", "00000_000001", "1000000000000", "０00000000000", "00000000000\x00"}},
		"model": {func(id string) error { _, err := record.ParseModelID(id); return err }, []string{
			"", "-1", "-0", "+1", "01", "00", "1.0", "1e3", " 1", "1 ", "0x1", "1_000", "９", "9223372036854775808", "abc", "1\x00"}},
		"run": {func(id string) error { _, err := record.ParseRunID(id); return err }, []string{
			"", "0", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("g", 32), strings.Repeat("A", 32),
			"0190163d-8694-739b-aea5-966c26f8ad91", strings.Repeat("0", 31) + "\x00", strings.Repeat("é", 16)}},
	} {
		for _, id := range c.ids {
			if err := c.do(id); record.KindOf(err) != record.NotFound {
				t.Errorf("%s %q: got the error %v, want NotFound", parse, id, err)
			}
		}
	}
}

func runID(t testing.TB, text string) record.RunID {
	t.Helper()
	id, err := record.ParseRunID(text)
	ok(t, err)
	return id
}

// version7 makes any 16 bytes a version 7 id whose time has 44 bits.
func version7(id record.RunID) record.RunID {
	id[0], id[6], id[8] = id[0]&0x0f, id[6]&0x0f|0x70, id[8]&0x3f|0x80
	id[0] = 0 // and the next four bits stay: 44 bits begin in the middle of it
	return id
}

func TestKeyOfARunHasTheLeadingBitsOfItsID(t *testing.T) {
	// The example of RFC 9562, appendix A.6: unix_ts_ms 017F22E279B0, rand_a CC3, rand_b 18C4DC0C0C07398F.
	id := runID(t, "017f22e279b07cc398c4dc0c0c07398f")
	if want := int64(0x17f22e279b0<<19 | 0xcc3<<7 | 0x31); id.Key() != want { // 98c4: variant 10, then 0110001...
		t.Errorf("its key is %#x, want %#x", id.Key(), want)
	}
	if id.String() != "017f22e279b07cc398c4dc0c0c07398f" {
		t.Errorf("its text is %s", id)
	}
}

func TestKeysAreOrderedAsIDsAre(t *testing.T) {
	property := func(a, b record.RunID) bool {
		a, b = version7(a), version7(b)
		copy(b[:4], a[:4]) // near each other
		switch slices.Compare(a[:], b[:]) {
		case -1:
			return a.Key() <= b.Key()
		case 1:
			return a.Key() >= b.Key()
		}
		return a.Key() == b.Key()
	}
	if err := quick.Check(property, &quick.Config{MaxCount: 10_000}); err != nil {
		t.Error(err)
	}
}

func TestNoKeyIsNegative(t *testing.T) {
	if err := quick.Check(func(id record.RunID) bool { return id.Key() >= 0 && version7(id).Key() >= 0 }, &quick.Config{MaxCount: 10_000}); err != nil {
		t.Error(err)
	}
	for _, text := range []string{strings.Repeat("0", 32), strings.Repeat("f", 32), "ffffffffffff7fffbfffffffffffffff"} {
		if key := runID(t, text).Key(); key < 0 {
			t.Errorf("the key of %s is %d", text, key)
		}
	}
}

// Ids of other versions and variants have no time in front: all their bits
// make the key, or those of one client would fall together.
func TestForeignIDsAreHashed(t *testing.T) {
	seen := map[int64]string{}
	for _, text := range []string{
		strings.Repeat("0", 32), strings.Repeat("0", 31) + "1", strings.Repeat("f", 32),
		"00000000000040008000000000000000", "00000000000040008000000000000001", // version 4
		"00000000000070000000000000000000", "0000000000007000c000000000000000", // other variants
		"00000000000060008000000000000000", "000000000000f0008000000000000000", // versions 6 and 15
	} {
		key := runID(t, text).Key()
		if other, taken := seen[key]; taken || key < 1<<40 {
			t.Errorf("the key of %s is %#x; that of %q is the same, or it is no hash", text, key, other)
		}
		seen[key] = text
	}
}

func TestQuoteCutsWhatIsTooLong(t *testing.T) {
	for _, text := range []string{"", "a", "ä", "😀", "\xff", "\x00", `"`} {
		for _, n := range []int{0, 1, 79, 80, 81, 320, 321, 5000} {
			quoted := record.Quote(strings.Repeat(text, n))
			if !utf8.ValidString(quoted) || len(quoted) > 80*6+5 {
				t.Errorf("%d times %q is quoted in %d bytes", n, text, len(quoted))
			}
		}
	}
	if got, want := record.Quote(strings.Repeat("ä", 81)), `"`+strings.Repeat("ä", 80)+`"...`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := record.Quote(strings.Repeat("ä", 80)), `"`+strings.Repeat("ä", 80)+`"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzParseRunID(f *testing.F) {
	f.Add("017f22e279b07cc398c4dc0c0c07398f")
	f.Add("017F22E279B07CC398C4DC0C0C07398F")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := record.ParseRunID(text)
		if err == nil && (id.String() != text || id.Key() < 0) {
			t.Errorf("%q was read as %s with the key %d", text, id, id.Key())
		}
		if err != nil && record.KindOf(err) != record.NotFound {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func FuzzParseProjectAndModelID(f *testing.F) {
	f.Add("00000000000a")
	f.Add("12")
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := record.ParseProjectID(text); err == nil && (record.ProjectID(key) != text || key < 0) {
			t.Errorf("%q was read as project %d", text, key)
		}
		if key, err := record.ParseModelID(text); err == nil && (record.ModelID(key) != text || key < 0) {
			t.Errorf("%q was read as model %d", text, key)
		}
	})
}
