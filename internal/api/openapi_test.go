package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"modeldb/internal/server"
)

// document is what the tests need of the OpenAPI document.
type document struct {
	OpenAPI    string
	Info       struct{ Title, Description, Version string }
	Tags       []struct{ Name, Description string }
	Paths      map[string]map[string]described
	Components struct{ Schemas map[string]*schema }
}

type described struct {
	Tags                              []string
	Summary, Description, OperationID string
	Parameters                        []struct {
		Name, In    string
		Required    bool
		Description string
		Schema      *schema
	}
	RequestBody *struct {
		Required bool
		Content  map[string]struct{ Schema *schema }
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema *schema }
	}
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any    // a text or a list of texts
	Properties           map[string]*schema
	AdditionalProperties any // true, false or a schema
	Items                *schema
	OneOf                []*schema
	Required             []string
	Examples             []json.RawMessage
}

func theDocument(t *testing.T, c *client) *document {
	t.Helper()
	return decode[*document](t, c.get("/openapi.json"))
}

// operation is what the document says of a route.
func (d *document) operation(pattern string) (described, bool) {
	method, path, _ := strings.Cut(strings.ReplaceAll(pattern, "...}", "}"), " ")
	o, ok := d.Paths[path][strings.ToLower(method)]
	return o, ok
}

func (d *document) resolve(s *schema) *schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

func TestDocumentTellsAllOfEveryRoute(t *testing.T) {
	d := theDocument(t, serveSQLite(t))
	if !strings.HasPrefix(d.OpenAPI, "3.1.") {
		t.Errorf("openapi is %q", d.OpenAPI)
	}
	same(t, "info", fmt.Sprint(d.Info), "{Model_DB_Service The record of projects, models and experiments. 0.1}")
	var tags []string
	for _, tag := range d.Tags {
		if tags = append(tags, tag.Name); tag.Description == "" {
			t.Errorf("the tag %s has no description", tag.Name)
		}
	}
	left := map[string]bool{}
	for path, methods := range d.Paths {
		for method := range methods {
			left[strings.ToUpper(method)+" "+path] = true
		}
	}
	ids := map[string]string{}
	for _, r := range door(nil, nil).Routes() {
		if r.Right == server.Open {
			continue // the documents themselves
		}
		r.Pattern = strings.ReplaceAll(r.Pattern, "...}", "}") // the document knows one form only
		o, ok := d.operation(r.Pattern)
		if delete(left, strings.ReplaceAll(r.Pattern, "...}", "}")); !ok {
			t.Errorf("%s is not in the document", r.Pattern)
			continue
		}
		for what, missing := range map[string]bool{
			"summary": o.Summary == "", "description": o.Description == "", "operationId": o.OperationID == "",
			"tag of the document": len(o.Tags) != 1 || !slices.Contains(tags, o.Tags[0]),
		} {
			if missing {
				t.Errorf("%s has no %s", r.Pattern, what)
			}
		}
		if other, taken := ids[o.OperationID]; taken {
			t.Errorf("%s and %s have one operationId", r.Pattern, other)
		}
		ids[o.OperationID] = r.Pattern
		wantResponses(t, d, r, o)
		wantParameters(t, r, o)
	}
	for pattern := range left {
		t.Errorf("%s is in the document, and is no route", pattern)
	}
}

// wantResponses checks that each route tells its answers, and all errors that
// its right and its kind bring.
func wantResponses(t *testing.T, d *document, r server.Route, o described) {
	t.Helper()
	want := []string{"200"}
	if r.Right != server.Probe {
		want = append(want, "422", "500", "503")
	}
	if r.Right == server.Write {
		want = append(want, "507")
	}
	switch {
	case r.Stream: // the body is a file
		want = append(want, "400")
	case o.RequestBody != nil:
		want = append(want, "400", "413", "415")
	}
	if strings.Contains(r.Pattern, "{") {
		want = append(want, "404")
	}
	for _, status := range want {
		response, ok := o.Responses[status]
		isFile := status == "200" && response.Content["application/octet-stream"].Schema != nil
		if !ok || response.Description == "" || !isFile && response.Content["application/json"].Schema == nil {
			t.Errorf("%s does not tell its answer %s", r.Pattern, status)
		}
	}
	for status, response := range o.Responses {
		if s := response.Content["application/json"].Schema; status[0] != '2' && (s == nil || s.Ref != "#/components/schemas/Problem") {
			t.Errorf("%s: %s is not a Problem", r.Pattern, status)
		}
	}
}

func wantParameters(t *testing.T, r server.Route, o described) {
	t.Helper()
	var inPath []string
	for _, p := range o.Parameters {
		if p.In == "path" {
			inPath = append(inPath, "{"+p.Name+"}")
		}
		if p.In == "query" && p.Description == "" {
			t.Errorf("%s does not tell what the parameter %s is", r.Pattern, p.Name)
		}
		if p.In == "path" && len(p.Schema.Examples) == 0 {
			t.Errorf("%s has no example of the parameter %s", r.Pattern, p.Name)
		}
	}
	if want := params.FindAllString(strings.ReplaceAll(r.Pattern, "...}", "}"), -1); !slices.Equal(inPath, want) {
		t.Errorf("%s tells of the parameters %s in its path", r.Pattern, inPath)
	}
}

func TestEveryExampleBodyIsAccepted(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		d := theDocument(t, c)
		records := newRecords(c)
		ids := map[string]string{"project_id": records.project, "model_id": records.model, "experiment_id": records.experiment}
		posted := 0
		for path, methods := range d.Paths {
			for method, o := range methods {
				if o.RequestBody == nil || o.RequestBody.Content["application/json"].Schema == nil {
					continue
				}
				posted++
				body := map[string]json.RawMessage{}
				for name, property := range d.resolve(o.RequestBody.Content["application/json"].Schema).Properties {
					switch {
					case ids[name] != "":
						body[name] = json.RawMessage(encode(t, ids[name]))
					case len(property.Examples) > 0:
						body[name] = property.Examples[0]
					default:
						t.Errorf("%s %s has no example of %s", method, path, name)
					}
				}
				for name, id := range ids {
					path = strings.ReplaceAll(path, "{"+name+"}", id)
				}
				got := c.send(strings.ToUpper(method), path, encode(t, body))
				if got.status != http.StatusOK {
					t.Errorf("%s %s: %s is answered by %d: %s", method, path, encode(t, body), got.status, got.body)
				}
			}
		}
		same(t, "routes that take a body", posted, len(writes))
	})
}

// Whatever a transcript shows is told in the document: the status, and the
// form of the answer.
func TestDocumentTellsEveryAnswerOfTheTranscripts(t *testing.T) {
	d := theDocument(t, serveSQLite(t))
	mux := http.NewServeMux()
	for _, r := range door(nil, nil).Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	for name, text := range transcripts(t) {
		for _, x := range exchanges(t, text) {
			method, path := x.methodAndPath()
			u, err := url.Parse(word.ReplaceAllString(path, "0"))
			if err != nil {
				t.Fatal(err)
			}
			_, pattern := mux.Handler(&http.Request{Method: method, URL: u})
			o, ok := d.operation(pattern)
			if !ok {
				continue // no route
			}
			response, ok := o.Responses[x.answer[0]]
			if !ok {
				t.Errorf("testdata/%s.http:%d: the document does not tell that %s may be answered by %s", name, x.line, pattern, x.answer[0])
				continue
			}
			if response.Content["application/octet-stream"].Schema != nil {
				continue // a file
			}
			var value any
			decoder := json.NewDecoder(strings.NewReader(strings.Join(x.answer[1:], "\n")))
			decoder.UseNumber() // there are some beyond float64
			if err := decoder.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if err := d.conforms(response.Content["application/json"].Schema, value, ""); err != nil {
				t.Errorf("testdata/%s.http:%d: the answer is not as the document tells: %v", name, x.line, err)
			}
		}
	}
}

// conforms checks a value against as much of a schema as ours use.
func (d *document) conforms(s *schema, value any, at string) error {
	if s == nil {
		return nil // anything
	}
	s = d.resolve(s)
	if len(s.OneOf) > 0 {
		var err error
		for _, one := range s.OneOf {
			if err = d.conforms(one, value, at); err == nil {
				return nil
			}
		}
		return err
	}
	kind := kindOf(value)
	switch types := s.Type.(type) {
	case string:
		if types == "integer" && kind == "number" {
			_, err := value.(json.Number).Int64()
			return err
		}
		if types != kind {
			return fmt.Errorf("%s is of the type %s, not %s", at, kind, types)
		}
	case []any:
		if !slices.Contains(types, any(kind)) {
			return fmt.Errorf("%s is of the type %s, not one of %s", at, kind, types)
		}
	}
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			if err := d.conforms(s.Items, element, fmt.Sprintf("%s.%d", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := value[name]; !ok {
				return fmt.Errorf("%s.%s is missing", at, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if err := d.memberConforms(s, name, value[name], at+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *document) memberConforms(s *schema, name string, value any, at string) error {
	if property, ok := s.Properties[name]; ok {
		return d.conforms(property, value, at)
	}
	switch rest := s.AdditionalProperties.(type) {
	case bool:
		if !rest {
			return fmt.Errorf("%s is not in the schema", at)
		}
	case map[string]any:
		text, err := json.Marshal(rest)
		if err != nil {
			return err
		}
		var of *schema
		if err := json.Unmarshal(text, &of); err != nil {
			return err
		}
		return d.conforms(of, value, at)
	}
	return nil
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

func TestDocumentComesInAllForms(t *testing.T) {
	c := serveSQLite(t)
	for path, begins := range map[string]string{
		"/openapi.json": "{", "/openapi-3.0.json": "{", "/openapi.yaml": "components:", "/openapi-3.0.yaml": "components:",
	} {
		if got := c.get(path); !strings.HasPrefix(got, begins) {
			t.Errorf("%s begins with %.40q", path, got)
		}
	}
	for path, version := range map[string]string{"/openapi.json": "3.1.0", "/openapi-3.0.json": "3.0.3"} {
		same(t, path, decode[document](t, c.get(path)).OpenAPI, version)
	}
}
