package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/go-json-experiment/json"

	"modeldb/internal/record"
	"modeldb/internal/server"
)

// Problem is an answer that is not a success: what FastAPI's clients expect.
type Problem struct {
	status int
	text   string  // detail, unless there are faults
	faults []fault // detail of a body or parameter that does not validate
}

// fault is one thing that is wrong in a request.
type fault struct {
	Loc  []string `json:"loc"`
	Msg  string   `json:"msg"`
	Type string   `json:"type"`
}

// Error returns the sentence of a problem, for the log.
func (p *Problem) Error() string { return p.text }

// GetStatus is the HTTP status; see huma.StatusError.
func (p *Problem) GetStatus() int { return p.status }

// MarshalJSON writes {"detail": ...}.
func (p *Problem) MarshalJSON() ([]byte, error) {
	if p.faults != nil {
		return json.Marshal(map[string]any{"detail": p.faults})
	}
	return json.Marshal(map[string]any{"detail": p.text})
}

// TransformSchema documents both forms of detail; see huma.SchemaTransformer.
func (p *Problem) TransformSchema(huma.Registry, *huma.Schema) *huma.Schema {
	text := &huma.Schema{Type: huma.TypeString, Description: "One sentence.", Examples: []any{`there is no project with the id "3f1b0a9c77de"`}}
	list := &huma.Schema{Type: huma.TypeArray, Description: "Each thing that does not validate.", Items: &huma.Schema{
		Type:     huma.TypeObject,
		Required: []string{"loc", "msg", "type"},
		Properties: map[string]*huma.Schema{
			"loc":  {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Examples: []any{[]string{"body", "project_name"}}},
			"msg":  {Type: huma.TypeString, Examples: []any{"project_name is missing"}},
			"type": {Type: huma.TypeString, Examples: []any{"missing"}},
		},
	}}
	return &huma.Schema{
		Type:       huma.TypeObject,
		Required:   []string{"detail"},
		Properties: map[string]*huma.Schema{"detail": {OneOf: []*huma.Schema{text, list}}},
	}
}

// status is the one place of this door that gives kinds of errors their statuses.
func status(k record.Kind) int {
	switch k {
	case record.Unreadable:
		return http.StatusBadRequest
	case record.Invalid:
		return http.StatusUnprocessableEntity
	case record.NotFound:
		return http.StatusNotFound
	case record.Conflict:
		return http.StatusConflict
	case record.TooLarge:
		return http.StatusRequestEntityTooLarge
	case record.Unavailable:
		return http.StatusServiceUnavailable
	case record.Full:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// clientGone is the status in the log of a request whose client did not wait.
const clientGone = 499

// fail turns an error of the store into an answer.
func (d *Door) fail(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &Problem{status: clientGone, text: "the client closed the connection"}
	}
	var made *Problem
	if errors.As(err, &made) {
		return made
	}
	var known *record.Error
	if !errors.As(err, &known) {
		known = &record.Error{}
	}
	code := status(known.Kind)
	if code >= 500 {
		d.log.Error("request failed", "id", server.RequestID(ctx), "error", err)
	}
	switch known.Kind {
	case record.Internal:
		return &Problem{status: code, text: "an internal error occurred; the log has the details under the request id " + server.RequestID(ctx)}
	case record.Invalid:
		loc := append([]string{"body"}, strings.SplitN(known.Field, ".", 2)...)
		if known.Field == "path" {
			loc = []string{"path", "path"}
		}
		return &Problem{status: code, text: known.Text, faults: []fault{{loc, known.Text, "value_error"}}}
	case record.Unavailable:
		return huma.ErrorWithHeaders(&Problem{status: code, text: known.Text}, http.Header{"Retry-After": {"1"}})
	}
	if known.Kind == record.NotFound && known.Field == "cursor" {
		return cursorError(err)
	}
	return &Problem{status: code, text: known.Text}
}

// setUpHuma gives huma our form of errors. Its settings are variables of its
// package, so this is done once for the process.
var setUpHuma = sync.OnceFunc(func() {
	huma.ValidateStrictCasing = true
	huma.NewError = problem
})

// problem makes the answer for a request that huma refuses.
func problem(code int, text string, errs ...error) huma.StatusError {
	p := &Problem{status: code, text: text}
	if code == http.StatusBadRequest && len(errs) == 0 { // huma: "request body is required"
		p.text = "the body is empty; it must be a JSON object"
	}
	for _, err := range errs {
		var tooLarge *http.MaxBytesError
		var detail *huma.ErrorDetail
		switch {
		case errors.As(err, &tooLarge):
			return &Problem{status: http.StatusRequestEntityTooLarge, text: server.TooLarge(tooLarge.Limit)}
		case code == http.StatusInternalServerError: // "cannot read request body"
			return &Problem{status: http.StatusBadRequest, text: "the body could not be read: " + err.Error()}
		case errors.As(err, &detail) && code == http.StatusBadRequest:
			p.text = detail.Message
		case errors.As(err, &detail):
			p.faults = append(p.faults, faultOf(detail))
		default:
			p.faults = append(p.faults, fault{[]string{"body"}, err.Error(), "value_error"})
		}
	}
	return p
}

// required is huma's message about a missing field, up to the field's name.
var required, afterRequired, _ = strings.Cut(validation.MsgExpectedRequiredProperty, "%s")

// faultOf tells what a schema found wrong: the field, the value, and what
// would be right.
func faultOf(d *huma.ErrorDetail) fault {
	loc := strings.Split(d.Location, ".")
	if name, ok := strings.CutPrefix(d.Message, required); ok {
		name = strings.TrimSuffix(name, afterRequired)
		return fault{append(loc, name), name + " is missing", "missing"}
	}
	field := loc[len(loc)-1]
	switch {
	case d.Message == validation.MsgUnexpectedProperty:
		return fault{loc, field + " is not a field of this request", "extra_forbidden"}
	case d.Message == validation.MsgExpectedString:
		return fault{loc, field + " must be a text, not " + describe(d.Value), "string_type"}
	case d.Message == validation.MsgExpectedObject:
		return fault{loc, field + " must be a JSON object, not " + describe(d.Value), "dict_type"}
	}
	for _, rule := range []struct{ message, sentence, kind string }{
		{validation.MsgExpectedMinLength, "its length must be at least %s", "string_too_short"},
		{validation.MsgExpectedMaxLength, "its length must be at most %s", "string_too_long"},
		{validation.MsgExpectedMinimumNumber, "it must be at least %s", "greater_than_equal"},
	} {
		before, _, _ := strings.Cut(rule.message, "%")
		if bound, ok := strings.CutPrefix(d.Message, before); ok {
			return fault{loc, fmt.Sprintf("%s is %s; "+rule.sentence, field, describe(d.Value), bound), rule.kind}
		}
	}
	switch d.Message {
	case "required query parameter is missing": // huma's own words, in no list
		return fault{loc, field + " is missing", "missing"}
	case "invalid integer":
		return fault{loc, field + " is " + describe(d.Value) + "; it must be a whole number", "int_parsing"}
	}
	return fault{loc, fmt.Sprintf("%s is %s: %s", field, describe(d.Value), d.Message), "value_error"}
}

func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return record.Quote(v)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprint(value)
}
