package mlflow_test

import (
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

// A transcript is a text file in testdata: requests and their answers, in the
// form that those of package api have. Here ids are masked by {experiment1},
// {run1} and {model1}, tokens of pages by {token1}, times of now by {time},
// and names that were made up by {name}. Answers are laid out by the two
// outer levels of their JSON.
//
// go test ./internal/mlflow -update rewrites the answers.
var update = flag.Bool("update", false, "rewrite the answers in testdata")

func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in testdata: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".http"), func(t *testing.T) {
			for _, e := range storetest.Engines() {
				if *update && e.Name != "sqlite" {
					continue
				}
				t.Run(e.Name, func(t *testing.T) {
					t.Parallel()
					began, ticks := time.Now().Truncate(time.Millisecond), atomic.Int64{}
					now := func() time.Time { return began.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }
					s, _ := storetest.Open(t, e, store.Options{Now: now})
					m := &mask{from: began.UnixMilli(), words: map[string]string{}, counts: map[string]int{}}
					play(t, serve(t, s), m, file, string(text))
				})
			}
		})
	}
}

var headerLine = regexp.MustCompile(`^([A-Z][A-Za-z-]+): ?(.*)$`)

// play sends the requests of a transcript and compares or rewrites the answers.
func play(t *testing.T, c *client, m *mask, file, text string) {
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		var comment string
		var request, answer []string
		for _, line := range strings.Split(block, "\n") {
			switch {
			case strings.HasPrefix(line, "> "):
				request = append(request, line[2:])
			case strings.HasPrefix(line, "< "):
				answer = append(answer, line[2:])
			case strings.HasPrefix(line, "#"):
				comment += line + "\n"
			default:
				t.Fatalf("%s: this is no comment, request or answer: %s", file, line)
			}
		}
		got := m.show(m.ask(c, request))
		if want := strings.Join(answer, "\n"); !*update && got != want {
			t.Errorf("%s: %s\n got %s\nwant %s", file, strings.Join(request, "\n"), got, want)
		}
		if *update && got[0] == '5' && got[:3] != "501" {
			t.Errorf("%s: %s\n got %s", file, strings.Join(request, "\n"), got)
		}
		fmt.Fprintf(&out, "%s> %s\n< %s\n\n", comment, strings.Join(request, "\n> "), strings.ReplaceAll(got, "\n", "\n< "))
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.TrimSuffix(out.String(), "\n")), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// mask knows the ids and tokens that a server gave, by the words for them.
type mask struct {
	from   int64 // milliseconds: times since then are of now
	words  map[string]string
	counts map[string]int
}

// ask sends a request: a line with the method and the path, then headers, then
// the body.
func (m *mask) ask(c *client, lines []string) reply {
	method, path, _ := strings.Cut(m.unmask(lines[0]), " ")
	var headers []string
	rest := lines[1:]
	for len(rest) > 0 {
		h := headerLine.FindStringSubmatch(rest[0])
		if h == nil {
			break
		}
		headers, rest = append(headers, h[1], h[2]), rest[1:]
	}
	return c.send(method, path, m.unmask(strings.Join(rest, "\n")), headers...)
}

func (m *mask) unmask(text string) string {
	for id, word := range m.words {
		text = strings.ReplaceAll(text, word, id)
	}
	return text
}

var (
	given = regexp.MustCompile(`"(experiment_id|run_id|model_id|next_page_token)":"(m-[0-9a-f]{32}|[0-9a-f]{32}|[0-9]{13,16}|[^" ]{20,})"`)
	id    = regexp.MustCompile(`m-[0-9a-f]{32}|[0-9a-f]{32}|\b[0-9]{13,16}\b`)
	named = regexp.MustCompile(`"[a-z]+-[a-z]+-[0-9]{1,3}"`)
)

// show is an answer as the transcript has it.
func (m *mask) show(r reply) string {
	lines := []string{strconv.Itoa(r.status)}
	for _, name := range []string{"Allow", "Retry-After", "Content-Type"} {
		if value := r.header.Get(name); value != "" && value != "application/json" {
			lines = append(lines, name+": "+value)
		}
	}
	for _, found := range given.FindAllStringSubmatch(r.body, -1) {
		kind := strings.TrimSuffix(strings.TrimPrefix(found[1], "next_page_"), "_id")
		if m.words[found[2]] == "" {
			m.counts[kind]++
			m.words[found[2]] = fmt.Sprintf("{%s%d}", kind, m.counts[kind])
		}
	}
	text := id.ReplaceAllStringFunc(r.body, func(s string) string {
		if word := m.words[s]; word != "" {
			return word
		}
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= m.from && n < m.from+1_000_000 {
			return someTime
		}
		return s
	})
	for id, word := range m.words {
		if strings.HasPrefix(word, "{token") { // also inside a text
			text = strings.ReplaceAll(text, id, word)
		}
	}
	text = named.ReplaceAllString(text, `"{name}"`)
	all := strings.Join(append(lines, lay(strings.TrimSuffix(text, "\n"), 2)...), "\n")
	return strings.ReplaceAll(all, someTime, "{time}")
}

// someTime stands for a time of now until the answer is laid out as JSON.
const someTime = "1111111111111"

// lay puts a JSON text on one line, or, if that is long, one for each element
// of it, so many levels deep.
func lay(text string, levels int) []string {
	const long = 110
	if len(text) <= long || levels == 0 || text[0] != '{' && text[0] != '[' {
		return strings.Split(text, "\n")
	}
	d := json.NewDecoder(strings.NewReader(text))
	begin, err := d.Token()
	if err != nil {
		return []string{text}
	}
	lines := []string{text[:1]}
	for d.More() {
		label := " "
		if begin == json.Delim('{') {
			name, _ := d.Token()
			quoted, _ := json.Marshal(name)
			label += string(quoted) + ":"
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return []string{text} // not JSON: it has NaN
		}
		inner := lay(string(value), levels-1)
		inner[0] = label + inner[0]
		for i := 1; i < len(inner); i++ {
			inner[i] = " " + inner[i]
		}
		if d.More() {
			inner[len(inner)-1] += ","
		}
		lines = append(lines, inner...)
	}
	return append(lines, cmp.Or(map[byte]string{'{': "}", '[': "]"}[text[0]], ""))
}
