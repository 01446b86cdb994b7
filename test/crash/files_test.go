package crash

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const artifacts = "/api/2.0/mlflow-artifacts/artifacts/"

// writer puts files at paths of its own, and knows what may be there.
type writer struct {
	base  string
	name  string
	files map[string][]string // by path: what may be there, the acknowledged one first; "" is nothing
	rnd   *rand.Rand
}

// write puts, overwrites or deletes files until the server is gone.
func (w *writer) write() {
	for n := 0; ; n++ {
		path := fmt.Sprintf("7/%s/artifacts/d%d/f%d", w.name, w.rnd.IntN(3), w.rnd.IntN(4))
		content := strings.Repeat(fmt.Sprintf("%s %d ", w.name, n), 1+w.rnd.IntN(20000))
		method := http.MethodPut
		if w.rnd.IntN(5) == 0 {
			method, content = http.MethodDelete, ""
		}
		before := w.files[path]
		if before == nil {
			before = []string{""}
		}
		w.files[path] = append(before[:1:1], content)
		r, err := http.NewRequest(method, w.base+artifacts+path, strings.NewReader(content))
		if err != nil {
			panic(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return
		}
		if resp.StatusCode == http.StatusOK {
			w.files[path] = []string{content}
		}
	}
}

// look compares what is there with what may be there.
func (w *writer) look(t *testing.T) {
	t.Helper()
	for path, may := range w.files {
		resp, err := http.Get(w.base + artifacts + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := string(text)
		if resp.StatusCode == http.StatusNotFound {
			got = ""
		}
		if !slices.Contains(may, got) {
			t.Errorf("%s: status %d, %.40q (%d bytes); may be %.40q or %d others", path, resp.StatusCode, got, len(got), may[0], len(may)-1)
		}
		w.files[path] = []string{got}
	}
}

func TestKilledServersKeepEachFileWhole(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		writers := make([]*writer, 8)
		for i := range writers {
			writers[i] = &writer{name: fmt.Sprintf("%032x", i), files: map[string][]string{}, rnd: rand.New(rand.NewPCG(seed, uint64(i)))}
		}
		for range 5 {
			s := start(t, p, freePort(t))
			var all sync.WaitGroup
			for _, w := range writers {
				w.base = s.base
				w.look(t)
				all.Go(w.write)
			}
			time.Sleep(100*time.Millisecond + time.Duration(rnd.Int64N(int64(400*time.Millisecond))))
			s.kill()
			all.Wait()
			sound(t, p)
		}
	})
}

// Files without bytes, bytes that were changed, and bytes without a file are
// faults, each with its name.
func TestCheckNamesFaultsOfFiles(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		s := start(t, p, freePort(t))
		for _, name := range []string{"gone", "cut", "other", "whole"} {
			r, err := http.NewRequest(http.MethodPut, s.base+artifacts+"7/x/"+name, bytes.NewReader([]byte("content")))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(err, resp)
			}
			resp.Body.Close()
		}
		s.stop(t)
		if out, code := check(t, p); code != 0 || !strings.Contains(out, "4 files: no faults") {
			t.Fatalf("before any fault: exit %d\n%s", code, out)
		}
		folder := filepath.Join(p.data, "files", "kept")
		old := time.Now().Add(-2 * time.Hour)
		orphan := filepath.Join(folder, "7", "orphan~0")
		for _, err := range []error{os.WriteFile(orphan, []byte("nobody's"), 0o600), os.Chtimes(orphan, old, old), os.WriteFile(filepath.Join(folder, "7", "young~0"), nil, 0o600)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			switch {
			case strings.Contains(name, "gone~"):
				return os.Remove(name)
			case strings.Contains(name, "cut~"):
				return os.Truncate(name, 3)
			case strings.Contains(name, "other~"):
				return os.WriteFile(name, []byte("CONTENT"), 0o600)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		out, code := check(t, p)
		if code != 1 || !strings.Contains(out, "4 files: 3 faults") {
			t.Errorf("exit %d", code)
		}
		for _, want := range []string{`fault: file "7/x/gone": its bytes`, `fault: file "7/x/cut": its bytes`, `fault: the 8 bytes at "7/orphan~0" are of no file`} {
			if !strings.Contains(out, want) {
				t.Errorf("not named: %s", want)
			}
		}
		if t.Failed() {
			t.Log(out)
		}
		out, code = check(t, p, "--digests")
		if code != 1 || !strings.Contains(out, "4 files: 4 faults") || !strings.Contains(out, `fault: file "7/x/other": its bytes`) {
			t.Errorf("with digests: exit %d\n%s", code, out)
		}
	})
}
