package mlflow

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"modeldb/internal/record"
	"modeldb/internal/server"
)

// field is one field that a request of type T may have.
type field[T any] struct {
	name     string // in snake_case
	required bool   // missing, null or an empty text is refused
	read     func(d *decoder, in *T)
	other    string // a field that may stand in for it when it is missing
}

// seeDocs ends MLflow's messages about parameters.
const seeDocs = " See the API docs for more information about request parameters."

// missing says that a parameter has no value.
func missing(path string) error {
	return record.Invalid.Errorf(path, "Missing value for required parameter '%s'.%s", path, seeDocs)
}

// faults are what is wrong with the fields of a request, by their places in
// the table. Of several, the first in the table is told, as MLflow does.
type faults map[int]error

func (f *faults) add(place int, err error) {
	if err == nil {
		return
	}
	if *f == nil {
		*f = faults{}
	}
	(*f)[place] = err
}

// read reads a request: of GET with a query from the query, else from the body.
func read[T any](r *http.Request, fields []field[T], in *T) error {
	if r.Method == http.MethodGet && r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return record.Unreadable.Errorf("", "The query cannot be read: %v.", err)
		}
		return readQuery(query, fields, in)
	}
	if err := checkContentType(r); err != nil {
		return err
	}
	text, err := readBody(r)
	if err != nil {
		return err
	}
	return readText(text, fields, in)
}

// readText reads a request from the text of a body.
func readText[T any](text string, fields []field[T], in *T) error {
	d := decoder{text: text}
	// Old clients send a JSON text that holds the JSON.
	if d.peek() == '"' {
		inside := d.quoted()
		if err := d.end(); err != nil {
			return err
		}
		d = decoder{text: inside}
	}
	return readFields(&d, fields, in)
}

// readFields reads an object; nothing at all, or null, is an empty one.
func readFields[T any](d *decoder, fields []field[T], in *T) error {
	var given uint64
	var wrong faults
	guess := 0
	if c := d.peek(); c != 0 && c != '{' && c != 'n' {
		d.skip()
		if err := d.end(); err != nil {
			return err
		}
		return record.Unreadable.Errorf("", "The body must be a JSON object.")
	}
	for open := d.peek() != 0 && d.open('{'); open && d.next(); {
		at := find(fields, d.name, guess)
		if at < 0 {
			d.skip()
			continue
		}
		guess = at + 1
		if d.null() {
			continue
		}
		start := d.at
		// The required ones are looked for in snake_case only.
		counts := !d.this
		d.field = fields[at].name
		fields[at].read(d, in)
		wrong.add(at, d.wrong)
		d.wrong = nil
		if counts && d.text[start:d.at] != `""` {
			given |= 1 << at
		}
	}
	if err := d.end(); err != nil {
		return err
	}
	if d.camel {
		if err := refuseTwins(d.text); err != nil {
			return err
		}
	}
	return check(fields, given, wrong)
}

// find is the place of a field in its table, -1 if there is none. Clients send
// the fields mostly in one order.
func find[T any](fields []field[T], name string, guess int) int {
	if guess < len(fields) && fields[guess].name == name {
		return guess
	}
	for i := range fields {
		if fields[i].name == name {
			return i
		}
	}
	return -1
}

// end says what is wrong with the syntax of the body, if anything is.
func (d *decoder) end() error {
	if d.peek(); d.fault == "" && d.at < len(d.text) {
		d.fault = "there is more after the JSON value"
	}
	if d.fault == "" {
		return nil
	}
	return record.Unreadable.Errorf("", "The body is not JSON that can be read: %s (at byte %d).", d.fault, d.at)
}

// check returns the first fault in the order of the table.
func check[T any](fields []field[T], given uint64, wrong faults) error {
	for i, f := range fields {
		if err := wrong[i]; err != nil {
			return err
		}
		if !f.required || given&(1<<i) != 0 {
			continue
		}
		if other := find(fields, f.other, len(fields)); other < 0 || given&(1<<other) == 0 {
			return missing(f.name)
		}
	}
	return nil
}

// readQuery reads a request from a query.
func readQuery[T any](query url.Values, fields []field[T], in *T) error {
	var given uint64
	var wrong faults
	for i, f := range fields {
		values := query[f.name]
		if len(values) == 0 {
			continue
		}
		for _, v := range values {
			if err := checkReadable(f.name, v); err != nil {
				return err
			}
		}
		d := decoder{query: true, values: values, field: f.name}
		f.read(&d, in)
		wrong.add(i, d.wrong)
		if values[0] != "" {
			given |= 1 << i
		}
	}
	return check(fields, given, wrong)
}

// checkReadable refuses a text of a query or a path that is none.
func checkReadable(name, text string) error {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return record.Unreadable.Errorf(name, "The %s %s has a NUL character, or is not valid UTF-8.", name, record.Quote(text))
	}
	return nil
}

// refuseTwins refuses an object that has a field in snake_case and in
// camelCase: one reader would take the one, and another the other.
func refuseTwins(text string) (err error) {
	d := decoder{text: text}
	var walk func()
	walk = func() {
		switch d.peek() {
		case '{':
			names := map[string]string{} // by snake_case, as first spelled
			for open := d.open('{'); open && d.next(); {
				name, spelled := d.name, d.name
				if d.this {
					spelled = camel(name)
				}
				if before, there := names[name]; there && before != spelled && err == nil {
					err = record.Invalid.Errorf(name, "Request specifies both '%s' and '%s'; provide only one of them.", name, camel(name))
				}
				names[name] = spelled
				walk()
			}
		case '[':
			for open := d.open('['); open && d.more(); {
				walk()
			}
		default:
			d.skip()
		}
	}
	walk()
	return err
}

// camel turns run_id into runId.
func camel(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '_' && i+1 < len(name) {
			i++
			c = name[i]
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// checkContentType refuses a body that does not say it is JSON. A form of
// another site's page cannot say so. PATCH and DELETE, which no form can send,
// are not asked.
func checkContentType(r *http.Request) error {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil
	}
	given := r.Header["Content-Type"]
	if len(given) == 0 {
		return record.Invalid.Errorf("", "Bad Request. Content-Type header is missing.")
	}
	if given[0] == "application/json" {
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(given[0]); kind != "application/json" {
		return record.Invalid.Errorf("", "Bad Request. Content-Type must be one of ['application/json'].")
	}
	return nil
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readBody reads a body whole. Its text is one piece: what is read from it are
// parts of it.
func readBody(r *http.Request) (string, error) {
	if r.ContentLength == 0 {
		return "", nil
	}
	buf := bodies.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= keepBuffer {
			bodies.Put(buf)
		}
	}()
	buf.Reset()
	if n := r.ContentLength; 0 < n && n <= keepBuffer {
		buf.Grow(int(n) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return "", record.TooLarge.Errorf("", "%s", server.TooLarge(tooLarge.Limit))
		}
		return "", record.Unreadable.Wrap(err, "The body could not be read to its end.")
	}
	if !utf8.Valid(buf.Bytes()) {
		return "", record.Unreadable.Errorf("", "The body is not valid UTF-8.")
	}
	return buf.String(), nil
}

// pythonList is texts as Python writes a list of them.
func pythonList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = pythonText(t)
	}
	return fmt.Sprintf("[%s]", strings.Join(quoted, ", "))
}
