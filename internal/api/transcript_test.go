package api_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"modeldb/internal/store"
	"modeldb/internal/store/storetest"
)

// A transcript is a text file in testdata: requests and their answers.
//
//	# What follows, in words.
//	> POST /v0.1/api/projects
//	> {"project_name": "digits"}
//	< 200
//	< {"project_id":"{project1}", ...}
//
// Lines with > are a request: the method and the path as sent (percent-encoded),
// then headers ("Name: value", an empty value sends none), then the body, which
// is JSON unless a header says otherwise.
//
// Lines with < are its answer: the status, the headers that say something
// (Allow, Retry-After, Location, a Content-Type that is not JSON), then the
// body. A long list has one line for each element, a long object one for each
// member; the texts in it are those that came.
//
// Ids that the server gave are masked by {project1}, {model1}, {experiment1}
// and so on, in the order in which they are first seen; later requests can
// use these words. Times of now are {time}.
//
// go test ./internal/api -update rewrites the answers.
var update = flag.Bool("update", false, "rewrite the answers in testdata")

func TestTranscripts(t *testing.T) {
	for name, text := range transcripts(t) {
		t.Run(name, func(t *testing.T) {
			for _, e := range storetest.Engines() {
				if *update && e.Name != "sqlite" {
					continue
				}
				t.Run(e.Name, func(t *testing.T) {
					t.Parallel()
					// Records of one millisecond are listed in any order, so each has its own.
					began, ticks := time.Now().Truncate(time.Millisecond), atomic.Int64{}
					now := func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
					s, _ := storetest.Open(t, e, store.Options{Now: now})
					play(t, serve(t, s), name, text, began, now)
				})
			}
		})
	}
}

// transcripts are the texts of all files in testdata by their names.
func transcripts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in testdata: %v", err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".http")] = string(text)
	}
	return all
}

// exchange is a request and its answer, with the lines before them.
type exchange struct {
	line            int
	comment         string
	request, answer []string
}

// exchanges reads a transcript.
func exchanges(t *testing.T, text string) (all []exchange) {
	t.Helper()
	x := exchange{}
	for i, line := range strings.SplitAfter(text, "\n") {
		plain := strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "> "):
			if len(x.answer) > 0 {
				all, x = append(all, x), exchange{}
			}
			if len(x.request) == 0 {
				x.line = i + 1
			}
			x.request = append(x.request, plain[2:])
		case strings.HasPrefix(line, "< "):
			x.answer = append(x.answer, plain[2:])
		case plain == "" || plain[0] == '#':
			if len(x.request) > 0 {
				all, x = append(all, x), exchange{}
			}
			x.comment += line
		default:
			t.Fatalf("line %d is no comment, request or answer: %s", i+1, plain)
		}
	}
	if len(x.request) > 0 {
		all = append(all, x)
	}
	return all
}

func (x *exchange) methodAndPath() (method, path string) {
	method, path, _ = strings.Cut(x.request[0], " ")
	return method, path
}

var headerLine = regexp.MustCompile(`^([A-Z][A-Za-z-]+): ?(.*)$`)

// headersAndBody are what the lines after the first say.
func (x *exchange) headersAndBody() (headers []string, body string) {
	rest := x.request[1:]
	for len(rest) > 0 {
		m := headerLine.FindStringSubmatch(rest[0])
		if m == nil {
			break
		}
		headers, rest = append(headers, m[1], m[2]), rest[1:]
	}
	return headers, strings.Join(rest, "\n")
}

// play sends the requests of a transcript and compares or rewrites the answers.
// The store was opened after began.
func play(t *testing.T, c *client, name, text string, began time.Time, now func() time.Time) {
	m := &mask{now: now, began: began, words: map[string]string{}}
	var out strings.Builder
	for _, x := range exchanges(t, text) {
		method, path := x.methodAndPath()
		headers, body := x.headersAndBody()
		got := m.show(c.send(method, m.unmask(path), m.unmask(body), headers...))
		want := strings.Join(x.answer, "\n")
		if *update && got[0] == '5' || !*update && got != want {
			t.Errorf("testdata/%s.http:%d: %s %s\n got %s\nwant %s", name, x.line, method, path, got, want)
		}
		fmt.Fprintf(&out, "%s> %s\n< %s\n", x.comment, strings.Join(x.request, "\n> "), strings.ReplaceAll(got, "\n", "\n< "))
	}
	if *update {
		if err := os.WriteFile("testdata/"+name+".http", []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// mask knows the ids that a server gave, by the words that stand for them.
type mask struct {
	now   func() time.Time
	began time.Time
	words map[string]string // id to word
}

var (
	newID  = regexp.MustCompile(`"(project|model|experiment|event)_id":"([0-9a-f]+)"`)
	oldID  = regexp.MustCompile(`\b([0-9a-f]{12}|[0-9]{13,19}|[0-9a-f]{32})\b`)
	word   = regexp.MustCompile(`\{(project|model|experiment|event)[0-9]+\}`)
	millis = regexp.MustCompile(`\b[0-9]{13}\b`) // as MLflow's API has them
	moment = regexp.MustCompile(`[0-9]{4}-[0-9-]{5}T[0-9:]{8}(\.[0-9]{3}\+00:00|Z)`)
)

func (m *mask) unmask(text string) string {
	return word.ReplaceAllStringFunc(text, func(w string) string {
		for id, of := range m.words {
			if of == w {
				return id
			}
		}
		return w
	})
}

// show is an answer as the transcript has it.
func (m *mask) show(r reply) string {
	lines := []string{strconv.Itoa(r.status)}
	for _, name := range []string{"Allow", "Retry-After", "Location", "Content-Type"} {
		if value := r.header.Get(name); value != "" && value != "application/json" {
			lines = append(lines, name+": "+value)
		}
	}
	for _, found := range newID.FindAllStringSubmatch(r.body, -1) {
		if kind, id := found[1], found[2]; m.words[id] == "" && strings.Trim(id, "0") != "" {
			n := 1
			for _, of := range m.words {
				if strings.HasPrefix(of, "{"+kind) {
					n++
				}
			}
			m.words[id] = fmt.Sprintf("{%s%d}", kind, n)
		}
	}
	text := oldID.ReplaceAllStringFunc(r.body, func(id string) string { return cmp.Or(m.words[id], id) })
	text = millis.ReplaceAllStringFunc(text, func(s string) string {
		if ms, err := strconv.ParseInt(s, 10, 64); err != nil || ms < m.began.UnixMilli() || ms > m.now().UnixMilli() {
			return s
		}
		return "{time}"
	})
	text = moment.ReplaceAllStringFunc(text, func(s string) string {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil || at.Before(m.began.Truncate(time.Second)) || at.After(m.now()) {
			return s
		}
		return "{time}"
	})
	return strings.Join(append(lines, lay(text)...), "\n")
}

// lay puts a JSON text on one line, or one for each element if that is long.
func lay(body string) []string {
	const long = 100
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(body)) != nil {
		return strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	}
	text := compact.String()
	if len(text) <= long {
		return []string{text}
	}
	var lines []string
	d := json.NewDecoder(&compact)
	begin, _ := d.Token() // it was compacted, so it is JSON
	for d.More() {
		var value json.RawMessage
		line := " "
		if begin == json.Delim('{') {
			name, _ := d.Token()
			quoted, _ := json.Marshal(name)
			line += string(quoted) + ":"
		}
		_ = d.Decode(&value)
		line += string(value)
		if d.More() {
			line += ","
		}
		lines = append(lines, line)
	}
	return append(append([]string{text[:1]}, lines...), text[len(text)-1:])
}
