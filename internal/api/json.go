package api

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"modeldb/internal/record"
)

// maxDepth is how deep JSON may be nested. Nobody needs more, and readers in
// other languages fail on much deeper values.
const maxDepth = 100

// format reads and writes JSON for huma. It is stricter than encoding/json:
// invalid UTF-8, a name that occurs twice in an object, and unknown fields are
// errors.
var format = huma.Format{Marshal: marshal, Unmarshal: unmarshal}

// appender is what can write itself as JSON without reflection.
type appender interface {
	appendJSON(dst []byte) []byte
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// keepBuffer is the largest buffer that is kept for the next answer.
const keepBuffer = 1 << 20

func marshal(w io.Writer, v any) error {
	a, ok := v.(appender)
	if !ok {
		return json.MarshalWrite(w, v, json.Deterministic(true))
	}
	buf := buffers.Get().(*[]byte)
	*buf = append(a.appendJSON((*buf)[:0]), '\n')
	_, err := w.Write(*buf)
	if cap(*buf) <= keepBuffer {
		buffers.Put(buf)
	}
	return err
}

// unmarshal is called by huma twice: with an *any, to validate the outline
// of the body against its schema, and then with the body's own type.
func unmarshal(data []byte, v any) error {
	if outline, ok := v.(*any); ok {
		var err error
		*outline, err = readOutline(data)
		return err
	}
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

// outline is the first level of a body. Of the values in it only the kind
// matters to a schema, as no schema of ours looks into a free object; so objects
// and lists in it are empty, and a body of any size needs little memory.
type outline struct{ value any }

// readOutline checks the syntax of data and returns its first level.
func readOutline(data []byte) (any, error) {
	var o outline
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, jsonError(err)
	}
	return o.value, nil
}

// UnmarshalJSONFrom reads the first level of any value.
func (o *outline) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	if d.PeekKind() != '{' {
		o.value, err = kindOf(d)
		return err
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	object := make(map[string]any, 8)
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		if object[key], err = kindOf(d); err != nil {
			return err
		}
	}
	o.value = object
	_, err = d.ReadToken()
	return err
}

// number is the text of a JSON number. No schema of ours asks for one, so it is
// only ever shown in a refusal, with the digits that it came with.
type number string

// What stands for any object and any list.
var (
	someObject any = map[string]any{}
	someList   any = []any{}
)

// kindOf reads one value, and returns it if it is no object or list.
func kindOf(d *jsontext.Decoder) (any, error) {
	kind := d.PeekKind()
	if kind == '{' || kind == '[' {
		if err := skip(d); err != nil {
			return nil, err
		}
		if kind == '{' {
			return someObject, nil
		}
		return someList, nil
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch kind {
	case 'n':
		return nil, nil
	case 't', 'f':
		return t.Bool(), nil
	case '"':
		return t.String(), nil
	}
	return number(t.String()), nil
}

// skip reads one object or list whole.
func skip(d *jsontext.Decoder) error {
	depth := d.StackDepth()
	for {
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		switch now := d.StackDepth(); {
		case now == depth:
			return nil
		case now > maxDepth:
			return &depthError{d.InputOffset(), d.StackPointer()}
		}
	}
}

// depthError says that a value is nested too deep.
type depthError struct {
	at    int64
	where jsontext.Pointer
}

func (*depthError) Error() string {
	return fmt.Sprintf("the value is nested deeper than %d levels", maxDepth)
}

// jsonError says what the fault is, and where.
func jsonError(err error) error {
	var (
		where     jsontext.Pointer
		at        int64
		text      = err.Error()
		deep      *depthError
		syntactic *jsontext.SyntacticError
	)
	switch {
	case errors.As(err, &deep):
		where, at, text = deep.where, deep.at, deep.Error()
	case errors.As(err, &syntactic):
		where, at = syntactic.JSONPointer, syntactic.ByteOffset
		if syntactic.Err != nil {
			text = syntactic.Err.Error()
		}
		if errors.Is(err, jsontext.ErrDuplicateName) {
			text = "the name occurs twice in one object"
		}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		text = "it ends too early"
	case strings.HasSuffix(text, "after top-level value"):
		text = "there is more after the JSON value"
	}
	return fmt.Errorf("the body is not JSON that can be read: %s (at byte %d%s)", text, at, pointer(where))
}

func pointer(p jsontext.Pointer) string {
	if p == "" {
		return ""
	}
	parts := slices.Collect(p.Tokens())
	return ", in " + record.Quote(strings.Join(parts, "."))
}

// Object is any JSON object: names and compact JSON texts.
type Object []record.Member

// Schema documents the object; see huma.SchemaProvider.
func (Object) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
}

// UnmarshalJSONFrom keeps each value's text, without white space.
func (o *Object) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if kind := d.PeekKind(); kind != '{' {
		return fmt.Errorf("expected an object, got %s", kind)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	*o = Object{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		key := name.String()
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		if kind := value.Kind(); kind == '{' || kind == '[' {
			value = value.Clone() // what the decoder gave is a part of its input
			if err := value.Compact(); err != nil {
				return err
			}
		}
		*o = append(*o, record.Member{Key: key, Value: string(value)})
	}
	_, err := d.ReadToken()
	return err
}

// OptionalObject is an Object or null.
type OptionalObject struct {
	Given   bool // not null
	Members Object
}

// Schema documents the object; see huma.SchemaProvider.
func (OptionalObject) Schema(r huma.Registry) *huma.Schema {
	s := Object{}.Schema(r)
	s.Nullable = true
	return s
}

// UnmarshalJSONFrom reads null or an object.
func (o *OptionalObject) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*o = OptionalObject{}
	if d.PeekKind() == 'n' {
		_, err := d.ReadToken()
		return err
	}
	o.Given = true
	return o.Members.UnmarshalJSONFrom(d)
}

func appendOptionalText(dst []byte, text *string) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	return record.AppendJSON(dst, *text)
}
