package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
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

// readOutline checks the syntax of data and returns its first level. Of the
// values in it only the kind matters to a schema, as no schema of ours looks
// into a free object; so objects and lists in it are empty, and a body of any
// size needs little memory.
func readOutline(data []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	v, err := outlineOf(d)
	if err == nil {
		if _, err = d.ReadToken(); err == io.EOF {
			return v, nil
		}
		if err == nil {
			err = errors.New("there is more after the JSON value")
		}
	}
	return nil, jsonError(d, err)
}

func outlineOf(d *jsontext.Decoder) (any, error) {
	if d.PeekKind() != '{' {
		return kindOf(d)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	object := map[string]any{}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		if object[key], err = kindOf(d); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return object, err
}

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
	n, _ := strconv.ParseFloat(t.String(), 64) // beyond float64: any number has the kind
	return n, nil
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
			return fmt.Errorf("the value is nested deeper than %d levels", maxDepth)
		}
	}
}

// jsonError says where the fault is.
func jsonError(d *jsontext.Decoder, err error) error {
	var syntactic *jsontext.SyntacticError
	where, at := d.StackPointer(), d.InputOffset()
	text := err.Error()
	if errors.As(err, &syntactic) {
		where, at = syntactic.JSONPointer, syntactic.ByteOffset
		if syntactic.Err != nil {
			text = syntactic.Err.Error()
		}
		if errors.Is(err, jsontext.ErrDuplicateName) {
			text = "the name occurs twice in one object"
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		text = "it ends too early"
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

// appendText appends text in quotes.
func appendText(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, err := jsontext.AppendQuote(dst, text)
			if err != nil {
				panic(err) // what is kept is valid UTF-8
			}
			return quoted
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

func appendOptionalText(dst []byte, text *string) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	return appendText(dst, *text)
}
