package files_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"modeldb/internal/files"
	"modeldb/internal/record"
)

func local(t *testing.T) (*files.Local, string) {
	t.Helper()
	dir := t.TempDir()
	l, err := files.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, dir
}

// all are the files of a folder, by their paths.
func all(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestAFileComesBackWhole(t *testing.T) {
	l, _ := local(t)
	for name, content := range map[string]string{
		"empty": "", "small": "text", "of one buffer": strings.Repeat("x", 1<<20), "large": strings.Repeat("0123456789", 1<<18) + "end",
	} {
		key := "1/" + name + "/a.txt~"
		for how, body := range map[string]io.Reader{
			"whole": strings.NewReader(content), "in pieces": iotest.HalfReader(strings.NewReader(content)), "with the end": iotest.DataErrReader(strings.NewReader(content)),
		} {
			key := key + how
			info, err := l.Put(t.Context(), key, body)
			if err != nil {
				t.Fatal(name, how, err)
			}
			if info.Size != int64(len(content)) || info.SHA256 != sha256.Sum256([]byte(content)) {
				t.Errorf("%s %s: got %+v", name, how, info)
			}
			f, err := l.Open(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(f)
			if err != nil || string(got) != content || f.Size() != info.Size || time.Since(f.Modified()) > time.Hour {
				t.Errorf("%s %s: read %d bytes, want %d: %v", name, how, len(got), len(content), err)
			}
			f.Close()
		}
	}
}

func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	l, dir := local(t)
	gone := errors.New("gone")
	for _, body := range []io.Reader{
		iotest.ErrReader(gone), io.MultiReader(bytes.NewReader(make([]byte, 3<<20)), iotest.ErrReader(gone)),
		io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF)),
	} {
		if _, err := l.Put(t.Context(), "1/a~0", body); record.KindOf(err) != record.Unreadable || !errors.Is(err, gone) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
	}
	if names := all(t, dir); names != nil {
		t.Errorf("left are %v", names)
	}
}

func TestARemovedFileIsGoneWithItsFolders(t *testing.T) {
	l, dir := local(t)
	for _, key := range []string{"a/b/c", "a/d"} {
		if _, err := l.Put(t.Context(), key, strings.NewReader(key)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // again is no error
		if err := l.Remove(t.Context(), "a/b/c"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Open(t.Context(), "a/b/c"); record.KindOf(err) != record.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "kept/a/b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
	var walked []string
	err := l.Walk(t.Context(), func(key string, size int64, _ time.Time) error {
		walked = append(walked, key)
		if size != int64(len(key)) {
			t.Errorf("%s has %d bytes", key, size)
		}
		return nil
	})
	if err != nil || len(walked) != 1 || walked[0] != "a/d" {
		t.Errorf("walked over %v: %v", walked, err)
	}
}

func TestLinksLeadNowhere(t *testing.T) {
	l, dir := local(t)
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "kept", "link")); err != nil {
		t.Fatal(err)
	}
	if f, err := l.Open(t.Context(), "link/secret"); err == nil {
		f.Close()
		t.Error("a link led out of the folder")
	}
	if _, err := l.Put(t.Context(), "link/new", strings.NewReader("")); err == nil {
		t.Error("a link led out of the folder")
	}
}

func TestOldUploadsAreDroppedAtTheStart(t *testing.T) {
	l, dir := local(t)
	old, young := filepath.Join(dir, "incoming", "old"), filepath.Join(dir, "incoming", "young")
	for _, name := range []string{old, young} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chtimes(old, time.Time{}, time.Now().Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	again, err := files.OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	_ = l
	if names := all(t, dir); len(names) != 1 || names[0] != young {
		t.Errorf("left are %v", names)
	}
}

var hostile = []string{
	"..", "../a", "a/..", "a/../b", `a\..\b`, `..\a`, "/a", "//a", `\a`, `\\host\share`, "c:/a", `C:\a`,
	"%2e%2e/a", "%2E%2E", "a/%2e%2e/b", "%252e%252e/a", "%25252e%25252e/a", "a%2f..%2fb", "%2fa", "%5ca", "..%00", "a/..;/b", "..;a/b", "a#b", "a%23b", "a/.. /b",
	"a\x00b", "a\nb", "a\x7fb", "\xff", strings.Repeat("a", 241), strings.Repeat("a/", 501), "a/" + strings.Repeat("ä", 121),
}

func TestPathsThatCouldLeadAnywhereAreRefused(t *testing.T) {
	for _, p := range hostile {
		if got, err := files.Clean("path", p); record.KindOf(err) != record.Invalid {
			t.Errorf("%q became %q: %v", p, got, err)
		}
	}
}

func TestPathsAreKeptAsTheyAre(t *testing.T) {
	for given, want := range map[string]string{
		"": "", ".": "", "a": "a", "a/b": "a/b", "a//b": "a/b", "a/./b": "a/b", "a/": "a", "a..b": "a..b", "...": "...", "..a": "..a", "a b": "a b", "%": "%", "%zz": "%zz", "a%20b": "a%20b",
		"ä/漢": "ä/漢", "a+b=c@d": "a+b=c@d", "~": "~", "a:b": "a:b", strings.Repeat("a", 240): strings.Repeat("a", 240), `a\b`: `a\b`,
	} {
		if got, err := files.Clean("path", given); got != want || err != nil {
			t.Errorf("%q became %q: %v", given, got, err)
		}
	}
}

// A path that is taken stays inside whatever base it is joined with, however
// often a program behind decodes it.
func FuzzClean(f *testing.F) {
	for _, p := range append(hostile, "a/b", "a%20b", "") {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := files.Clean("path", text)
		if err != nil {
			return
		}
		if again, err := files.Clean("path", got); again != got || err != nil {
			t.Errorf("%q became %q, and then %q: %v", text, got, again, err)
		}
		if joined := path.Join("base", got); joined != "base" && !strings.HasPrefix(joined, "base/") || got != "" && !filepath.IsLocal(got) {
			t.Errorf("%q became %q, which leads outside", text, got)
		}
	})
}
