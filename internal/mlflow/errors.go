package mlflow

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"modeldb/internal/record"
	"modeldb/internal/server"
)

// MLflow's codes of errors. Clients compare them.
const (
	badRequest       = "BAD_REQUEST"
	invalidParameter = "INVALID_PARAMETER_VALUE"
	invalidState     = "INVALID_STATE"
	permissionDenied = "PERMISSION_DENIED"
	alreadyExists    = "RESOURCE_ALREADY_EXISTS"
	doesNotExist     = "RESOURCE_DOES_NOT_EXIST"
	endpointNotFound = "ENDPOINT_NOT_FOUND"
	exhausted        = "RESOURCE_EXHAUSTED"
	unavailable      = "TEMPORARILY_UNAVAILABLE"
	cancelled        = "CANCELLED"
	internalError    = "INTERNAL_ERROR"
)

// classes are what MLflow's answers say besides the code.
var classes = map[string]struct{ state, class string }{
	badRequest:       {"KAM00", "INVALID_PARAMETER_VALUE"},
	invalidParameter: {"KAM00", "INVALID_PARAMETER_VALUE"},
	invalidState:     {"XXM00", "CLIENT_INTERNAL_ERROR"},
	permissionDenied: {"KAM00", "PERMISSION_DENIED"},
	alreadyExists:    {"KAM00", "RESOURCE_ALREADY_EXISTS"},
	doesNotExist:     {"KAM00", "RESOURCE_NOT_FOUND"},
	endpointNotFound: {"KAM00", "RESOURCE_NOT_FOUND"},
	unavailable:      {"XXM00", "CLIENT_INTERNAL_ERROR"},
	internalError:    {"XXM00", "CLIENT_INTERNAL_ERROR"},
}

// problem is an answer that is not a success.
type problem struct {
	status int
	code   string
	text   string
}

// Error returns the sentence of a problem, for the log.
func (p *problem) Error() string { return p.text }

func (p *problem) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"error_code":`...)
	dst = record.AppendJSON(dst, p.code)
	dst = append(dst, `,"message":`...)
	dst = record.AppendJSON(dst, strings.ToValidUTF8(p.text, "\ufffd"))
	if c := classes[p.code]; c.state != "" {
		dst = append(dst, `,"sqlstate":"`...)
		dst = append(dst, c.state...)
		dst = append(dst, `","error_class":"`...)
		dst = append(dst, c.class...)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// noEndpoint says that there is nothing at a path. Clients do not try such an
// answer again.
func noEndpoint(r *http.Request) error {
	text := "of MLflow's server, it has the tracking API and the model registry."
	for _, part := range missingParts {
		if strings.Contains(r.URL.Path, part.path) {
			text = part.text
			break
		}
	}
	return &problem{http.StatusNotFound, endpointNotFound, fmt.Sprintf("%s %s is not part of Model DB: %s", r.Method, record.Quote(r.URL.Path), text)}
}

// missingParts are what users of MLflow will look for, and what to do without it.
var missingParts = []struct{ path, text string }{
	{"/traces", "it keeps no traces."},
}

// subject is what a request is about, for messages that name it.
type subject struct {
	experiment, name, run, loggedModel, tag string
	registered, version                     string // of the registry
	rename                                  bool   // of the experiment
	batch                                   bool   // of parameters
}

// abouter is a request that can say what it is about.
type abouter interface{ about() subject }

// problemOf is the one place of this door that gives errors their statuses,
// codes and words.
func problemOf(err error, s subject) *problem {
	var made *problem
	if errors.As(err, &made) {
		return made
	}
	var changed *record.ChangedParams
	if errors.As(err, &changed) {
		return &problem{http.StatusBadRequest, invalidParameter, changedText(changed, s.batch)}
	}
	var known *record.Error
	if !errors.As(err, &known) {
		known = &record.Error{}
	}
	switch known.Kind {
	case record.Unreadable, record.Invalid:
		return &problem{http.StatusBadRequest, invalidParameter, known.Text}
	case record.NotFound:
		return &problem{http.StatusNotFound, doesNotExist, s.notFound(known)}
	case record.Conflict:
		return s.conflict(known)
	case record.Inactive:
		return s.inactive()
	case record.TooLarge:
		return &problem{http.StatusRequestEntityTooLarge, invalidParameter, known.Text}
	case record.Unavailable:
		return &problem{http.StatusServiceUnavailable, unavailable, known.Text}
	case record.Damaged:
		return &problem{http.StatusInternalServerError, internalError, known.Text}
	case record.Full:
		return &problem{http.StatusInsufficientStorage, exhausted, known.Text}
	}
	return &problem{http.StatusInternalServerError, internalError, "An internal error occurred."}
}

// notFound is MLflow's sentence for what is missing, which is told by the
// error's field.
func (s subject) notFound(err *record.Error) string {
	switch err.Field {
	case "experiment_id": // Model DB's word for a run
		return fmt.Sprintf("Run with id=%s not found", s.run)
	case "model_id":
		return fmt.Sprintf("No Experiment with id=%s exists", s.experiment)
	case "model_name":
		return fmt.Sprintf("Could not find experiment with name '%s'", s.name)
	case "logged_model_id":
		if s.loggedModel == "" {
			break
		}
		return fmt.Sprintf("Logged model with ID '%s' not found.", s.loggedModel)
	case "registered_model":
		return fmt.Sprintf("Registered Model with name=%s not found", s.registered)
	case "version":
		return fmt.Sprintf("Model Version (name=%s, version=%s) not found", s.registered, s.version)
	case "latest":
		return fmt.Sprintf("Latest version not found for model %s.", s.registered)
	case "tag":
		switch {
		case s.run != "":
			return fmt.Sprintf("No tag with name: %s in run with id %s", s.tag, s.run)
		case s.loggedModel != "":
			return fmt.Sprintf("No tag with key '%s' found for model with ID '%s'.", s.tag, s.loggedModel)
		}
		return fmt.Sprintf("No tag with name: %s in experiment with id %s", s.tag, s.experiment)
	}
	return err.Text
}

// conflict tells names that are taken from all else that is there already.
func (s subject) conflict(err *record.Error) *problem {
	switch {
	case s.loggedModel != "":
		return &problem{http.StatusBadRequest, invalidParameter, err.Text}
	case s.name != "":
		return &problem{http.StatusBadRequest, alreadyExists, fmt.Sprintf("Experiment(name=%s) already exists.", s.name)}
	}
	return &problem{http.StatusBadRequest, alreadyExists, fmt.Sprintf("Experiment with id=%s cannot be restored: %s", s.experiment, err.Text)}
}

// inactive says which record is deleted. A state that only a person changes is
// no fault of the server, so that clients do not try again for minutes, as
// they do where MLflow answers 500.
func (s subject) inactive() *problem {
	const text = "The %s %s must be in the 'active' state. Current state is deleted."
	switch {
	case s.rename:
		return &problem{http.StatusBadRequest, invalidState, "Cannot rename a non-active experiment."}
	case s.run != "":
		return &problem{http.StatusBadRequest, invalidParameter, fmt.Sprintf(text, "run", s.run)}
	}
	return &problem{http.StatusBadRequest, invalidParameter, fmt.Sprintf(text, "experiment", s.experiment)}
}

// changedText says which parameters have other values already. A batch is
// answered by a list as Python writes it.
func changedText(c *record.ChangedParams, batch bool) string {
	if !batch {
		p := c.Params[0]
		return fmt.Sprintf("Changing param values is not allowed. Param with key='%s' was already logged with value='%s' for run ID='%s'. Attempted logging new value '%s'.",
			p.Key, record.ParamText(p.Old), c.Run, record.ParamText(p.New))
	}
	items := make([]string, len(c.Params))
	for i, p := range c.Params {
		items[i] = fmt.Sprintf("{'key': %s, 'old_value': %s, 'new_value': %s}",
			pythonText(p.Key), pythonText(record.ParamText(p.Old)), pythonText(record.ParamText(p.New)))
	}
	return fmt.Sprintf("Changing param values is not allowed. Params were already logged='[%s]' for run ID='%s'.", strings.Join(items, ", "), c.Run)
}

// refuse writes what the server answers before this door is asked.
func refuse(w http.ResponseWriter, status int, text string) {
	code := invalidParameter
	switch status {
	case http.StatusForbidden:
		code = permissionDenied
	case http.StatusServiceUnavailable:
		code = unavailable
	case http.StatusInternalServerError:
		code = internalError
	}
	send(w, status, &problem{status, code, text})
}

// clientGone is the status in the log of a request whose client did not wait.
const clientGone = 499

// fail answers with an error.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error, about abouter) {
	ctx := r.Context()
	if ctx.Err() != nil {
		send(w, clientGone, &problem{clientGone, cancelled, "The client closed the connection."})
		return
	}
	var s subject
	if about != nil {
		s = about.about()
	}
	p := problemOf(err, s)
	if p.status >= http.StatusInternalServerError {
		d.log.Error("request failed", "id", server.RequestID(ctx), "error", err)
	}
	switch p.status {
	case http.StatusInternalServerError:
		if record.KindOf(err) != record.Damaged { // nobody can say what is wrong
			p.text = "An internal error occurred; the log has the details under the request id " + server.RequestID(ctx) + "."
		}
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	send(w, p.status, p)
}

// fieldOf is the field that an error is about, empty when there is none.
func fieldOf(err error) string {
	var known *record.Error
	if errors.As(err, &known) {
		return known.Field
	}
	return ""
}
