package mlflow_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"modeldb/internal/files"
	"modeldb/internal/record"
	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

const artifacts = "/api/2.0/mlflow-artifacts/artifacts"

func (c *client) put(path, body string) reply {
	c.t.Helper()
	return c.send("PUT", artifacts+"/"+path, body, "Content-Type", "text/plain")
}

func (c *client) fetch(path string, headers ...string) reply {
	c.t.Helper()
	return c.send("GET", artifacts+"/"+path, "", headers...)
}

// runWithFiles makes a run of the default experiment, and returns its id and the
// path of its files.
func (c *client) runWithFiles() (id, path string) {
	c.t.Helper()
	var got struct {
		Run struct {
			Info struct {
				ID  string `json:"run_id"`
				URI string `json:"artifact_uri"`
			}
		}
	}
	if err := json.Unmarshal([]byte(c.post("runs/create", `{"experiment_id":"0"}`)), &got); err != nil {
		c.t.Fatal(err)
	}
	return got.Run.Info.ID, strings.TrimPrefix(got.Run.Info.URI, "mlflow-artifacts:/")
}

// kept are the keys of all bytes that are kept, once there is no garbage.
func (c *client) kept() (keys []string) {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		garbage, err := c.store.Garbage(c.t.Context(), 1<<60, record.Object{}, 1)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(garbage) == 0 {
			break
		}
		if time.Now().After(deadline) {
			c.t.Fatal("the garbage is not removed")
		}
	}
	err := c.files.Walk(c.t.Context(), func(key string, _ int64, _ time.Time) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

func TestAnArtifactComesBackAsItWasPut(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		id, root := c.runWithFiles()
		content := strings.Repeat("0123456789", 30000)
		if r := c.put(root+"/d/e/a b+ä.txt", content); r.status != 200 || r.body != "" {
			t.Fatalf("put: %+v", r)
		}
		r := c.fetch(root + "/d/e/a b+ä.txt")
		sum := sha256.Sum256([]byte(content))
		tag := `"` + hex.EncodeToString(sum[:]) + `"`
		if r.status != 200 || r.body != content {
			t.Fatalf("status %d, %d bytes", r.status, len(r.body))
		}
		for name, want := range map[string]string{
			"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": "attachment; filename*=utf-8''a%20b+%C3%A4.txt",
			"ETag": tag, "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff", "Content-Length": "300000",
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if r := c.send("HEAD", artifacts+"/"+root+"/d/e/a b+ä.txt", ""); r.status != 200 || r.body != "" || r.header.Get("Content-Length") != "300000" {
			t.Errorf("HEAD: %+v", r)
		}
		if r := c.fetch(root+"/d/e/a b+ä.txt", "Range", "bytes=5-11"); r.status != 206 || r.body != "5678901" {
			t.Errorf("range: %+v", r)
		}
		if r := c.fetch(root+"/d/e/a b+ä.txt", "If-None-Match", tag); r.status != 304 {
			t.Errorf("known: %+v", r)
		}
		for path, want := range map[string]string{
			artifacts + "?path=" + root:                              `{"files":[{"path":"d","is_dir":true}]}`,
			artifacts + "?path=" + root + "/d/e":                     `{"files":[{"path":"a b+ä.txt","is_dir":false,"file_size":300000}]}`,
			artifacts + "?path=" + root + "/d/e/a%20b%2B%C3%A4.txt":  `{}`,
			artifacts + "?path=" + root + "/x":                       `{}`,
			artifacts:                                                `{"files":[{"path":"0","is_dir":true}]}`,
			base + "/artifacts/list?run_id=" + id:                    `{"root_uri":"mlflow-artifacts:/` + root + `","files":[{"path":"d","is_dir":true}]}`,
			base + "/artifacts/list?path=d/e&run_uuid=" + id:         `{"root_uri":"mlflow-artifacts:/` + root + `","files":[{"path":"d/e/a b+ä.txt","is_dir":false,"file_size":300000}]}`,
			base + "/artifacts/list?path=x&run_id=" + id:             `{"root_uri":"mlflow-artifacts:/` + root + `"}`,
			"/get-artifact?path=d/e/a%20b%2B%C3%A4.txt&run_id=" + id: content,
		} {
			if r := c.send("GET", path, ""); r.status != 200 || strings.TrimSuffix(r.body, "\n") != want {
				t.Errorf("%s: status %d, %.300s", path, r.status, r.body)
			}
		}
	})
}

func TestAFileWrittenAnewTakesThePlaceOfTheOldOne(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		_, root := c.runWithFiles()
		for _, content := range []string{"old", "new and longer", ""} {
			c.must(c.put(root+"/a", content))
			if got := c.must(c.fetch(root + "/a")); got != content {
				t.Errorf("got %q, want %q", got, content)
			}
		}
		if keys := c.kept(); len(keys) != 1 {
			t.Errorf("kept are %q", keys)
		}
		var writers sync.WaitGroup
		for i := range 16 {
			writers.Go(func() {
				content := strings.Repeat(fmt.Sprint(i%10), 100000+i)
				if r := c.put(root+"/a", content); r.status != 200 {
					t.Errorf("status %d: %s", r.status, r.body)
				}
				r := c.fetch(root + "/a")
				sum := sha256.Sum256([]byte(r.body))
				if r.status != 200 || r.header.Get("ETag") != `"`+hex.EncodeToString(sum[:])+`"` {
					t.Errorf("status %d, %d bytes that are not those of the digest", r.status, len(r.body))
				}
			})
		}
		writers.Wait()
		if keys := c.kept(); len(keys) != 1 {
			t.Errorf("kept are %q", keys)
		}
	})
}

func TestDeletedFilesLeaveNothing(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		_, root := c.runWithFiles()
		for i := range 300 {
			c.must(c.put(fmt.Sprint(root, "/d/", i), "x"))
		}
		c.must(c.put(root+"/d0", "stays"))
		c.must(c.put(root+"/d.txt", "goes"))
		for _, path := range []string{"/d.txt", "/d", "/d", "/nothing"} {
			if r := c.send("DELETE", artifacts+"/"+root+path, ""); r.status != 200 || r.body != "{}\n" {
				t.Errorf("%s: %+v", path, r)
			}
		}
		if keys := c.kept(); len(keys) != 1 || !strings.HasPrefix(keys[0], root+"/d0~") {
			t.Errorf("kept are %q", keys)
		}
		if got := c.must(c.send("GET", artifacts+"?path="+root, "")); got != `{"files":[{"path":"d0","is_dir":false,"file_size":5}]}`+"\n" {
			t.Errorf("listed are %s", got)
		}
	})
}

func TestAFolderIsListedWhole(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		var want []string
		put := func(path string) {
			t.Helper()
			_, _, err := c.store.PutFile(t.Context(), record.File{Path: path, Object: record.Object{Key: path}}, "a")
			if err != nil {
				t.Fatal(err)
			}
		}
		for i := range 1200 {
			put(fmt.Sprintf("9/f%04d", i))
			want = append(want, fmt.Sprintf("f%04d", i))
		}
		for i := range 520 { // more than one statement reads
			put(fmt.Sprintf("9/g/%d", i))
		}
		for _, name := range []string{"g0", "g-", "g.x", "h/i/j", "h/k", "h0"} {
			put("9/" + name)
		}
		want = append(want, "g-", "g.x", "g", "g0", "h", "h0")
		var got struct {
			Files []struct{ Path string }
		}
		if err := json.Unmarshal([]byte(c.must(c.send("GET", artifacts+"?path=9", ""))), &got); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range got.Files {
			names = append(names, f.Path)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%d names, want %d; the last are %q", len(names), len(want), names[max(0, len(names)-8):])
		}
	})
}

func TestAPathIsAFileOrAFolder(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		_, root := c.runWithFiles()
		c.must(c.put(root+"/a/b", "x"))
		for path, want := range map[string]string{"/a": "is a folder", "/a/b/c": "is a file", "/a/b/c/d": "is a file"} {
			if r := c.put(root+path, "y"); r.status != 400 || !strings.Contains(r.body, want) || !strings.Contains(r.body, "INVALID_PARAMETER_VALUE") {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
		if keys := c.kept(); len(keys) != 1 {
			t.Errorf("kept are %q", keys)
		}
		if r := c.fetch(root + "/a"); r.status != 404 || !strings.Contains(r.body, "RESOURCE_DOES_NOT_EXIST") {
			t.Errorf("a folder: %+v", r)
		}
	})
}

func TestHalfAnUploadIsNothing(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		_, root := c.runWithFiles()
		for _, head := range []string{"Content-Length: 1000000\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "PUT %s/%s/a HTTP/1.1\r\nHost: localhost\r\n%s", artifacts, root, head)
			time.Sleep(20 * time.Millisecond)
			if r := c.fetch(root + "/a"); r.status != 404 {
				t.Errorf("half a file is there: %+v", r)
			}
			conn.Close()
		}
		c.must(c.put(root+"/b", "whole"))
		if keys := c.kept(); len(keys) != 1 {
			t.Errorf("kept are %q", keys)
		}
	})
}

// Every call that takes a path gets each hostile one, as it is and encoded.
func TestNoPathLeadsOutside(t *testing.T) {
	c := serveSQLite(t)
	id, root := c.runWithFiles()
	c.must(c.put(root+"/a", "x"))
	logged := c.post("logged-models", `{"experiment_id":"0","name":"m"}`)
	model := logged[strings.Index(logged, "m-"):][:34]
	for _, p := range []string{
		"../a", "../../../etc/passwd", "a/../../b", `..\..\a`, "/etc/passwd", `\\host\a`, "c:/a", "%2e%2e/a", "%252e%252e/%252e%252e/a", "a%2f..%2f..%2fb",
		"..;/a", "a#b", "a\x00b", "a\nb", strings.Repeat("x", 1001), strings.Repeat("x", 300), "\xff",
	} {
		whole := url.PathEscape(p)
		query := url.QueryEscape(p)
		for call, path := range map[string]string{
			"PUT":    artifacts + "/" + root + "/" + whole,
			"GET":    artifacts + "/" + root + "/" + whole,
			"HEAD":   artifacts + "/" + root + "/" + whole,
			"DELETE": artifacts + "/" + root + "/" + whole,
			"PUT 2":  artifacts + "/" + whole,
			"GET 2":  "/ajax-api/2.0/mlflow-artifacts/artifacts?path=" + query,
			"GET 3":  base + "/artifacts/list?run_id=" + id + "&path=" + query,
			"GET 4":  "/get-artifact?run_id=" + id + "&path=" + query,
			"POST":   "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=" + id + "&path=" + query,
			"GET 5":  base + "/logged-models/" + model + "/artifacts/directories?artifact_directory_path=" + query,
			"GET 6":  "/ajax-api/2.0/mlflow/logged-models/" + model + "/artifacts/files?artifact_file_path=" + query,
		} {
			method, number, _ := strings.Cut(call, " ")
			if number == "" && method != "POST" && (strings.HasPrefix(p, "/") || strings.HasPrefix(p, `\\`) || strings.HasPrefix(p, "c:")) {
				continue // behind the run's path it is a name like any other
			}
			body := ""
			if method == "PUT" || method == "POST" {
				body = "hostile"
			}
			r := c.send(method, path, body, "Content-Type", "text/plain")
			if r.status != http.StatusBadRequest && !(r.status == http.StatusNotFound && strings.HasPrefix(call, "DELETE")) {
				t.Errorf("%s %q: status %d: %s", call, p, r.status, r.body)
			}
		}
	}
	if keys := c.kept(); len(keys) != 1 {
		t.Errorf("kept are %q", keys)
	}
}

func TestFilesKeptElsewhereAreNotOpened(t *testing.T) {
	c := serveSQLite(t)
	for _, location := range []string{"file:///etc", "/etc", "s3://bucket/x"} {
		var made struct {
			ID string `json:"experiment_id"`
		}
		text := c.post("experiments/create", fmt.Sprintf(`{"name":%q,"artifact_location":%q}`, "at "+location, location))
		if err := json.Unmarshal([]byte(text), &made); err != nil {
			t.Fatal(err)
		}
		var run struct {
			Run struct {
				Info struct {
					ID string `json:"run_id"`
				}
			}
		}
		if err := json.Unmarshal([]byte(c.post("runs/create", `{"experiment_id":"`+made.ID+`"}`)), &run); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{base + "/artifacts/list?run_id=", "/get-artifact?path=passwd&run_id="} {
			if r := c.send("GET", path+run.Run.Info.ID, ""); r.status != 400 || !strings.Contains(r.body, "read and write them there") {
				t.Errorf("%s at %s: %+v", path, location, r)
			}
		}
	}
}

func TestAFileThatWasChangedOnTheDiskSaysSo(t *testing.T) {
	c := serveSQLite(t)
	_, root := c.runWithFiles()
	c.must(c.put(root+"/a", "kept"))
	key := c.kept()[0]
	if err := c.files.Remove(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if r := c.fetch(root + "/a"); r.status != 500 || !strings.Contains(r.body, "are gone") {
		t.Errorf("gone: %+v", r)
	}
	if _, err := c.files.Put(t.Context(), key, strings.NewReader("other bytes")); err != nil {
		t.Fatal(err)
	}
	if r := c.fetch(root + "/a"); r.status != 500 || !strings.Contains(r.body, "not those that were kept") {
		t.Errorf("changed: %+v", r)
	}
}

func TestAWorkspaceSeesItsOwnFiles(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		_, root := c.runWithFiles()
		c.must(c.put(root+"/a", "x"))
		if r := c.send("POST", "/api/3.0/mlflow/workspaces", `{"name":"other"}`); r.status != 201 {
			t.Fatalf("%+v", r)
		}
		for _, r := range []reply{
			c.fetch(root+"/a", "X-MLFLOW-WORKSPACE", "other"),
			c.send("PUT", artifacts+"/"+root+"/a", "y", "X-MLFLOW-WORKSPACE", "other"),
			c.send("DELETE", artifacts+"/"+root+"/a", "", "X-MLFLOW-WORKSPACE", "other"),
			c.send("GET", artifacts, "", "X-MLFLOW-WORKSPACE", "other"),
		} {
			if r.status != 404 {
				t.Errorf("status %d: %s", r.status, r.body)
			}
		}
		if got := c.must(c.fetch(root + "/a")); got != "x" {
			t.Errorf("got %q", got)
		}
	})
}

// paths are those of all files.
func (c *client) paths() (all []string) {
	c.t.Helper()
	files, err := c.store.FilesBelow(c.t.Context(), "", "", 10000)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range files {
		all = append(all, f.Path)
	}
	return all
}

// A client that sent its file and is gone then has a file, or nothing, but no
// bytes that no record knows.
func TestAClientThatIsGoneLeavesNoBytesBehind(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		var clients sync.WaitGroup
		for i := range 8 {
			clients.Go(func() {
				for n := range 25 {
					conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
					if err != nil {
						t.Error(err)
						return
					}
					fmt.Fprintf(conn, "PUT %s/0/%d/%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\ncontent", artifacts, i, n)
					time.Sleep(time.Duration(n%5) * time.Millisecond)
					conn.Close()
				}
			})
		}
		clients.Wait()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			files, kept := len(c.paths()), len(c.kept())
			if files == kept && files == len(c.paths()) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("there are %d files, and the bytes of %d", files, kept)
			}
		}
	})
}

// stubborn is a file store in which some files cannot be removed.
type stubborn struct{ *files.Local }

func (s stubborn) Remove(ctx context.Context, key string) error {
	if strings.HasPrefix(key, "stays") {
		return record.Unavailable.Errorf("", "not now")
	}
	return s.Local.Remove(ctx, key)
}

func TestWhatCannotBeRemovedHoldsUpNothingElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		l, err := files.OpenLocal(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		for _, age := range []time.Duration{time.Hour, 0} {
			keeper := files.NewKeeper(stubborn{l}, s, age, slog.New(slog.DiscardHandler))
			for i := range 250 {
				for _, folder := range []string{"stays", "goes"} {
					if _, err := keeper.Keep(ctx, fmt.Sprintf("%s/%d", folder, i), strings.NewReader("x"), "a"); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, folder := range []string{"stays", "goes"} {
				if err := keeper.Delete(ctx, folder, "a"); err != nil {
					t.Fatal(err)
				}
			}
			want := map[time.Duration]int{time.Hour: 500, 0: 500}[age]
			for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				garbage, err := s.Garbage(ctx, 1<<60, record.Object{}, 10000)
				if err != nil {
					t.Fatal(err)
				}
				left := 0
				if err := l.Walk(ctx, func(string, int64, time.Time) error { left++; return nil }); err != nil {
					t.Fatal(err)
				}
				if len(garbage) == want && left == want {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("garbage for %v: %d on the list, %d files, want %d", age, len(garbage), left, want)
				}
			}
			keeper.Close()
		}
	})
}

func TestUploadsThatAreNoneAreRefused(t *testing.T) {
	c := serveSQLite(t)
	id, root := c.runWithFiles()
	for name, test := range map[string]struct {
		request, says string
		status        int
	}{
		"too large in chunks": {"POST /ajax-api/2.0/mlflow/upload-artifact?run_uuid=" + id + "&path=a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
			strings.Repeat("100000\r\n"+strings.Repeat("x", 1<<20)+"\r\n", 11) + "0\r\n\r\n", "too large", 400},
		"a broken chunk": {"PUT " + artifacts + "/" + root + "/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "nothing was kept", 400},
		"a part":         {"PUT " + artifacts + "/" + root + "/a HTTP/1.1\r\nHost: localhost\r\nContent-Range: bytes 0-2/10\r\nContent-Length: 3\r\n\r\nabc", "whole file", 400},
		"two slashes":    {"PUT " + artifacts + "/" + root + "//a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", "empty part", 400},
		"up":             {"DELETE " + artifacts + "/" + root + "/d/.. HTTP/1.1\r\nHost: localhost\r\n\r\n", "part . or ..", 400},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go conn.Write([]byte(test.request)) // the answer may come before its end
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != test.status || !strings.Contains(string(body), test.says) {
				t.Errorf("status %d: %s (%v)", resp.StatusCode, body, err)
			}
		})
	}
	if paths := c.paths(); paths != nil {
		t.Errorf("kept are %q", paths)
	}
}
