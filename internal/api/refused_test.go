package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// refusal is a request that must be refused, and leave nothing behind.
type refusal struct {
	name               string
	method, path, body string   // with {project}, {model}, {experiment}
	headers            []string // in pairs
	status             int
	at                 string   // the place of the fault; empty: detail is a sentence
	says               []string // in the sentence
}

// records are what a refused request must leave as they are.
type records struct {
	c                          *client
	project, model, experiment string
	ids                        *strings.Replacer
	lists                      string
}

func newRecords(c *client) *records {
	r := &records{c: c}
	r.project = c.newProject("digits")
	r.model = c.newModel(r.project, "forest")
	r.experiment = c.newExperiment(r.model, "forest-1")
	c.post(base+"/experiments/evaluations/"+r.experiment, `{"evaluations": {"accuracy": 0.9, "confusion": [[1, 2]]}}`)
	r.ids = strings.NewReplacer("{project}", r.project, "{model}", r.model, "{experiment}", r.experiment)
	r.lists = r.all()
	return r
}

// all are all records of the server.
func (r *records) all() string {
	r.c.t.Helper()
	return r.c.get(base+"/projects/all") + r.c.get(base+"/models/all") + r.c.get(base+"/experiments/all")
}

// refuse sends the request and checks the whole refusal.
func (r *records) refuse(t *testing.T, want refusal) {
	t.Helper()
	c := *r.c
	c.t = t
	got := c.send(want.method, r.ids.Replace(want.path), r.ids.Replace(want.body), want.headers...)
	short := got.body[:min(len(got.body), 1000)]
	if got.status != want.status {
		t.Fatalf("status %d, want %d: %s", got.status, want.status, short)
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
	if len(got.body) > 4000 {
		t.Errorf("the answer has %d bytes: %s", len(got.body), short)
	}
	sentence := sentenceAt(t, got.body, want.at)
	for _, words := range want.says {
		if !strings.Contains(sentence, r.ids.Replace(words)) {
			t.Errorf("%q does not say %q (in %s)", sentence, r.ids.Replace(words), short)
		}
	}
	if lists := r.all(); lists != r.lists {
		t.Fatalf("something was kept:\n%s\nbefore:\n%s", lists, r.lists)
	}
}

// sentenceAt is what an answer says is wrong at a place of the request; at no
// place in particular, detail is one sentence.
func sentenceAt(t *testing.T, body, at string) string {
	t.Helper()
	if at == "" {
		return decode[struct{ Detail string }](t, body).Detail
	}
	var places []string
	for _, fault := range decode[struct {
		Detail []struct {
			Loc       []string
			Msg, Type string
		}
	}](t, body).Detail {
		place := strings.Join(fault.Loc, ".")
		if place == at && fault.Msg != "" && fault.Type != "" {
			return fault.Msg
		}
		places = append(places, place)
	}
	t.Errorf("the faults are at %q, want one at %q", places, at)
	return ""
}

// refuseAll runs the cases on every engine.
func refuseAll(t *testing.T, all []refusal) {
	t.Helper()
	each(t, func(t *testing.T, c *client) {
		r := newRecords(c)
		for _, want := range all {
			t.Run(want.name, func(t *testing.T) { r.refuse(t, want) })
		}
	})
}

// A field of a body, and what it has to be.
type field struct {
	name  string
	value string // that is right
	kind  kind
	// required fields may not be missing; nullable ones may be null.
	required, nullable bool
	limit              int // characters
}

type kind int

const (
	id     kind = iota // a text that the server gave
	name               // a text that is not empty
	text               // any text
	object             // a JSON object
)

// write is a route that takes a body.
type write struct {
	method, path string
	fields       []field
}

var writes = []write{
	{"POST", base + "/projects", []field{
		{"project_name", `"new"`, name, true, false, 255},
		{"description", `"d"`, text, false, true, 10_000},
	}},
	{"PATCH", base + "/projects/id/{project}", []field{{"description", `"d"`, text, true, true, 10_000}}},
	{"POST", base + "/models", []field{
		{"project_id", `"{project}"`, id, true, false, 0},
		{"model_name", `"new"`, name, true, false, 255},
		{"description", `"d"`, text, false, true, 10_000},
	}},
	{"PATCH", base + "/models/id/{model}", []field{{"description", `"d"`, text, true, true, 10_000}}},
	{"POST", base + "/experiments", []field{
		{"model_id", `"{model}"`, id, true, false, 0},
		{"model_version_id", `"new"`, name, true, false, 255},
		{"parameters", `{"a": 1}`, object, false, true, 250},
		{"training_dataset", `"d"`, text, false, true, 16_384},
		{"validation_dataset", `"d"`, text, false, true, 16_384},
		{"test_dataset", `"d"`, text, false, true, 16_384},
		{"evaluations", `{"a": 1}`, object, false, true, 250},
		{"artifact_file_paths", `{"a": "b"}`, object, false, true, 250},
	}},
	{"POST", base + "/experiments/evaluations/{experiment}", []field{{"evaluations", `{"a": 1}`, object, true, false, 250}}},
	{"POST", base + "/experiments/artifact-file-paths/{experiment}", []field{{"artifact_file_paths", `{"a": "b"}`, object, true, false, 250}}},
}

// body is a body that is right but for one field, which has another value or,
// if that is empty, is missing.
func (w write) body(change, value string) string {
	var members []string
	for _, f := range w.fields {
		switch {
		case f.name != change:
			members = append(members, fmt.Sprintf("%q: %s", f.name, f.value))
		case value != "":
			members = append(members, fmt.Sprintf("%q: %s", f.name, value))
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// with is a body that is right but for a member more at its end.
func (w write) with(member string) string {
	return strings.TrimSuffix(w.body("", ""), "}") + ", " + member + "}"
}

func (w write) refusal(name, body string, status int, at string, says ...string) refusal {
	return refusal{w.method + w.path[len(base):] + " " + name, w.method, w.path, body, nil, status, at, says}
}

func TestWrongFieldsAreRefused(t *testing.T) {
	var all []refusal
	for _, w := range writes {
		for _, f := range w.fields {
			add := func(name, value string, status int, at string, says ...string) {
				all = append(all, w.refusal(f.name+" "+name, w.body(f.name, value), status, at, says...))
			}
			at := "body." + f.name
			if f.required {
				add("missing", "", 422, at, f.name+" is missing")
			}
			if !f.nullable {
				add("null", "null", 422, at, f.name, "must be", "not null")
			}
			add("number", "7", 422, at, f.name, "must be", "7")
			add("boolean", "true", 422, at, f.name, "must be", "true")
			add("list", `["x"]`, 422, at, f.name, "must be", "list")
			switch f.kind {
			case object:
				add("text", `"x"`, 422, at, f.name, "must be", "object", `"x"`)
				add("empty key", `{"a": 1, "": 2}`, 422, at, f.name, "empty key", "1 to 250 characters")
				for script, letter := range letters {
					key := strings.Repeat(letter, 251)
					add("long key in "+script, `{"a": 1, "`+key+`": 2}`, 422, at+"."+key, f.name, "251 characters", "at most 250")
				}
				add("NUL in a key", `{"a": 1, "b\u0000c": 2}`, 422, at+".b\x00c", f.name, "NUL character at byte 1")
				add("NUL in a key of a text", `{"a": 1, "b\u0000c": "d"}`, 422, at+".b\x00c", f.name, "NUL character at byte 1")
				add("name twice", `{"a": 1, "a": 1}`, 400, "", "twice", f.name+".a")
				add("name twice, once escaped", `{"a": 1, "\u0061": 1}`, 400, "", "twice", f.name+".a")
				add("name twice deep inside", `{"a": [{"b": {"c": 1, "d": 2, "c": 3}}]}`, 400, "", "twice", f.name+".a.0.b.c")
				add("nested 101 deep", `{"a": `+nested(100)+`}`, 400, "", "deeper than 100", f.name)
				add("nested 10,000 deep", `{"a": `+nested(10_000)+`}`, 400, "", "deeper than 100", f.name)
				add("invalid UTF-8 in a value", "{\"a\": \"\xff\"}", 400, "", "UTF-8", f.name+".a")
				add("invalid UTF-8 in a key", "{\"\xc3\": 1}", 400, "", "UTF-8", f.name)
				add("lone surrogate in a value", `{"a": "\ud800"}`, 400, "", "surrogate", f.name+".a")
				add("lone surrogate in a key", `{"\udc00": 1}`, 400, "", "surrogate", f.name)
				for _, number := range []string{"NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1", "0x10", "1e", "1_000"} {
					add("with "+number, `{"a": `+number+`}`, 400, "", "not JSON", f.name)
				}
			case id:
				add("empty", `""`, 404, "", "there is no", `""`)
				add("unknown", `"ffffffffffff"`, 404, "", "there is no", `"ffffffffffff"`)
				add("path", `"../../etc/passwd"`, 404, "", "there is no", `"../../etc/passwd"`)
				add("with NUL", `"\u0000"`, 404, "", "there is no", `"\x00"`)
				add("10,000 characters", `"`+strings.Repeat("7", 10_000)+`"`, 404, "", "there is no", `"777`)
				add("object", `{}`, 422, at, f.name, "must be", "object")
			case name:
				add("empty", `""`, 422, at, f.name, `""`, "1")
				fallthrough
			case text:
				for script, letter := range letters {
					long := strings.Repeat(letter, f.limit+1)
					add("too long in "+script, `"`+long+`"`, 422, at, f.name, fmt.Sprint(f.limit))
				}
				add("with NUL", `"a\u0000b"`, 422, at, f.name, "NUL")
				add("object", `{}`, 422, at, f.name, "must be", "object")
				add("with invalid UTF-8", "\"a\xffb\"", 400, "", "UTF-8", f.name)
				add("with a lone surrogate", `"a\ud800b"`, 400, "", "surrogate", f.name)
				add("with a line break", "\"a\nb\"", 400, "", "not JSON", f.name)
			}
		}
	}
	refuseAll(t, all)
}

// letters are of one, three and four bytes.
var letters = map[string]string{"ASCII": "n", "Hangul": "글", "emoji": "🖊"}

// nested is a value of so many levels.
func nested(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

func TestWrongBodiesAreRefused(t *testing.T) {
	var all []refusal
	for _, w := range writes {
		add := func(name, body string, status int, at string, says ...string) {
			all = append(all, w.refusal(name, body, status, at, says...))
		}
		right := w.body("", "")
		first := w.fields[0].name
		add("empty", "", 400, "", "body")
		add("only white space", " \n", 400, "", "body")
		add("list", "[]", 422, "body", "must be a JSON object", "list")
		add("list of a right one", "["+right+"]", 422, "body", "must be a JSON object", "list")
		add("text", `"x"`, 422, "body", "must be a JSON object", `"x"`)
		add("number", "7", 422, "body", "must be a JSON object", "7")
		add("boolean", "false", 422, "body", "must be a JSON object", "false")
		add("null", "null", 422, "body", "must be a JSON object", "null")
		add("cut short", right[:len(right)-1], 400, "", "ends too early")
		add("cut in a text", right[:4], 400, "", "ends too early")
		add("two values", right+right, 400, "", "more after")
		add("comma at the end", right[:len(right)-1]+",}", 400, "", "not JSON")
		add("comment", right+" // done", 400, "", "not JSON")
		add("single quotes", strings.ReplaceAll(right, `"`, "'"), 400, "", "not JSON")
		add("UTF-16", "\xff\xfe{\x00}\x00", 400, "", "not JSON")
		add("byte order mark", "\ufeff"+right, 400, "", "not JSON")
		add("form", "project_name=x", 400, "", "not JSON")
		add("nested 10,000 deep", nested(10_000), 400, "", "deeper than 100")
		add("name twice", w.with(fmt.Sprintf("%q: null", first)), 400, "", "twice", first)
		add("unknown field", w.with(`"surprise": 1`), 422, "body.surprise", "surprise", "not a field")
		add("field in capitals", w.with(fmt.Sprintf("%q: null", strings.ToUpper(first))), 422, "body."+strings.ToUpper(first), strings.ToUpper(first), "not a field")
		add("unknown field nested 10,000 deep", w.with(`"surprise": `+nested(10_000)), 400, "", "deeper than 100", "surprise")
		for _, header := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "text/json", "garbage", "application/json-seq"} {
			want := w.refusal("as "+header, right, 415, "", "application/json")
			want.headers = []string{"Content-Type", header}
			all = append(all, want)
		}
	}
	refuseAll(t, all)
}

// A type is written in any case, and may have parameters.
func TestBodyWithJSONTypeIsRead(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for _, header := range []string{"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON"} {
			got := c.send("POST", base+"/projects", `{"project_name": "digits"}`, "Content-Type", header)
			if got.status != http.StatusOK {
				t.Errorf("Content-Type %q: status %d: %s", header, got.status, got.body)
			}
		}
	})
}

// A page of another site can send a body without a type, as it can send a
// form, without asking first.
func TestBodyWithoutTypeIsRefused(t *testing.T) {
	var all []refusal
	for _, w := range writes {
		want := w.refusal("without a type", w.body("", ""), 415, "", "application/json")
		want.headers = []string{"Content-Type", ""}
		all = append(all, want)
	}
	refuseAll(t, all)
}

func TestWrongQueriesAreRefused(t *testing.T) {
	lists := map[string][]string{ // the kind of id that a cursor is, and the paths
		"project":    {"/projects/all"},
		"model":      {"/models/all", "/models/project-id/{project}", "/models/project-name/digits", "/models/name/forest"},
		"experiment": {"/experiments/all", "/experiments/model-id/{model}", "/experiments/project-id/{project}"},
	}
	cursors := map[string][]string{
		"project":    {"x", "0", "ffffffffffff", "{model}", "{experiment}", "..%2F..", "FFFFFFFFFFFF"},
		"model":      {"x", "1", "-1", "007", "1.5", "9223372036854775808", "{experiment}", "..%2F.."},
		"experiment": {"x", "0", "019ab0de5f0070008b1e4d0f9a3c2b11", "{project}", "{model}", "..%2F..", strings.Repeat("F", 32)},
	}
	var all []refusal
	for kind, paths := range lists {
		for _, path := range paths {
			add := func(query, at string, says ...string) {
				all = append(all, refusal{path + " " + query, "GET", base + path + "?" + query, "", nil, 422, at, says})
			}
			for _, limit := range []string{"0", "-1", "x", "1.5", "9223372036854775808", "1e3", "%00"} {
				add("limit="+limit, "query.limit", "limit")
			}
			for _, cursor := range cursors[kind] {
				add("cursor="+cursor, "query.cursor", strings.ReplaceAll(cursor, "%2F", "/"))
				add("limit=1&cursor="+cursor, "query.cursor")
			}
			add("cursor=%00", "query.cursor", `"\x00"`)
			add("cursor=%FF", "query.cursor", `"\xff"`)
		}
	}
	many := base + "/experiments/compare?ids="
	all = append(all,
		refusal{"compare without ids", "GET", base + "/experiments/compare", "", nil, 422, "query.ids", []string{"ids", "missing"}},
		refusal{"compare with no id", "GET", many, "", nil, 422, "query.ids", []string{"ids"}},
		refusal{"compare with 501 ids", "GET", many + strings.Repeat("{experiment},", 500) + "{experiment}", "", nil, 422, "query.ids", []string{"501", "at most 500"}},
		refusal{"compare with an unknown id", "GET", many + "{experiment},x", "", nil, 404, "", []string{`"x"`}},
		refusal{"compare with an empty id", "GET", many + "{experiment},", "", nil, 404, "", []string{`""`}},
		refusal{"compare with NUL", "GET", many + "%00", "", nil, 404, "", []string{`"\x00"`}},
	)
	refuseAll(t, all)
}

func TestUnknownQueryParametersAreIgnored(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		r := newRecords(c)
		for _, path := range []string{"/projects/all", "/models/id/{model}", "/experiments/model-id/{model}", "/experiments/id/{experiment}"} {
			path = base + r.ids.Replace(path)
			same(t, path, c.get(path+"?verbose=1&%00=%FF&;"), c.get(path))
		}
	})
}

// What is in a path where a record is named, and names none.
var strangers = map[string]string{ // as sent, and as the answer has it
	"x":                                 "x",
	"ffffffffffff":                      "ffffffffffff",
	"7":                                 "7",
	"019ab0de5f0070008b1e4d0f9a3c2b11":  "019ab0de5f0070008b1e4d0f9a3c2b11",
	"%2E%2E":                            "..",
	"%2E%2E%2F%2E%2E%2Fetc%2Fpasswd":    "../../etc/passwd",
	"%252e%252e%252f":                   "%2e%2e%2f",
	"%5C..%5C..":                        `\\..\\..`,
	"a%2F%2Fb":                          "a//b",
	"%3F":                               "?",
	"%23":                               "#",
	"%3B":                               ";",
	"a;b=c":                             "a;b=c",
	"%00":                               `\x00`,
	"a%00b":                             `a\x00b`,
	"%FF":                               `\xff`,
	"%20":                               " ",
	"%0D%0AX-Evil:%201":                 `\r\nX-Evil: 1`,
	"'%20or%201=1--":                    "' or 1=1--",
	strings.Repeat("n", 10_000):         strings.Repeat("n", 80),
	strings.Repeat("%F0%9F%96%8A", 300): strings.Repeat("🖊", 80),
}

func TestUnknownIDsAndNamesAreRefused(t *testing.T) {
	var all []refusal
	for _, r := range door(nil, nil).Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		before, _, named := strings.Cut(path, "{")
		if !named {
			continue
		}
		body := ""
		if at := slices.IndexFunc(writes, func(w write) bool { return strings.HasPrefix(w.path, before) && w.method == method }); at >= 0 {
			body = writes[at].body("", "")
		}
		for sent, shown := range strangers {
			label := fmt.Sprintf("%s %s%.40s", method, before, sent)
			rest := ""
			if strings.HasSuffix(path, "/{path...}") {
				rest = "/file"
			}
			if strings.Contains(path, "/aliases/") {
				rest = "?alias=a"
			}
			all = append(all, refusal{label, method, before + sent + rest, body, nil, 404, "", []string{"there is no", `"` + shown}})
		}
	}
	refuseAll(t, all)
}
