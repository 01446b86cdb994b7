package mlflow

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	"modeldb/internal/record"
)

// contextTag is the tag of a dataset's use that says which part it plays.
const contextTag = "mlflow.data.context"

// statuses are the names of record.Status, from 1.
var statuses = []string{"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"}

// loggedStatuses are the names of record.LoggedModelStatus, from 1.
var loggedStatuses = []string{"LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"}

func appendStage(dst []byte, gone bool) []byte {
	if gone {
		return append(dst, `,"lifecycle_stage":"deleted"`...)
	}
	return append(dst, `,"lifecycle_stage":"active"`...)
}

// appendPair appends an element of a list of texts by key.
func appendPair(dst []byte, key, value string) []byte {
	dst = append(dst, `{"key":`...)
	dst = record.AppendJSON(dst, key)
	dst = append(dst, `,"value":`...)
	dst = record.AppendJSON(dst, value)
	return append(dst, '}')
}

// list appends lists whose first elements have something else before them.
type list struct{ started bool }

// begin appends what stands before an element: the list's opening, or a comma.
func (l *list) begin(dst []byte, opening string) []byte {
	if l.started {
		return append(dst, ',')
	}
	l.started = true
	return append(dst, opening...)
}

// end appends what stands after the last element, if there was one.
func (l *list) end(dst []byte) []byte {
	if l.started {
		return append(dst, ']')
	}
	return dst
}

func appendTags(dst []byte, opening string, tags []record.Tag) []byte {
	var l list
	for _, t := range tags {
		dst = l.begin(dst, opening)
		dst = appendPair(dst, t.Key, t.Value)
	}
	return l.end(dst)
}

// appendParams appends parameters, whose values are texts here. That of a JSON
// string is written already.
func appendParams(dst []byte, opening string, params []record.Param) []byte {
	var l list
	for _, p := range params {
		dst = l.begin(dst, opening)
		if p.Value == "" || p.Value[0] != '"' {
			dst = appendPair(dst, p.Key, p.Value)
			continue
		}
		dst = append(dst, `{"key":`...)
		dst = record.AppendJSON(dst, p.Key)
		dst = append(dst, `,"value":`...)
		dst = append(dst, p.Value...)
		dst = append(dst, '}')
	}
	return l.end(dst)
}

// appendExperiment appends a model.
func appendExperiment(dst []byte, ws *workspace, m *record.Model) []byte {
	dst = append(dst, `{"experiment_id":"`...)
	dst = strconv.AppendInt(dst, m.Key, 10)
	dst = append(dst, `","name":`...)
	dst = record.AppendJSON(dst, ws.nameOf(*m))
	dst = append(dst, `,"artifact_location":`...)
	dst = record.AppendJSON(dst, record.ArtifactRoot(*m))
	dst = appendStage(dst, m.Gone)
	dst = append(dst, `,"last_update_time":`...)
	dst = strconv.AppendInt(dst, m.Updated, 10)
	dst = append(dst, `,"creation_time":`...)
	dst = strconv.AppendInt(dst, m.Created, 10)
	dst = appendTags(dst, `,"tags":[`, m.Tags)
	dst = append(dst, `,"workspace":`...)
	dst = record.AppendJSON(dst, workspaceName(ws, m))
	return append(dst, '}')
}

// workspaceName is what clients call the project of a model. The model's full
// name begins with the project's.
func workspaceName(ws *workspace, m *record.Model) string {
	if ws != nil {
		return record.WorkspaceName(ws.Project)
	}
	return record.WorkspaceName(record.Project{Key: m.Project, Name: strings.TrimSuffix(m.FullName, "/"+m.Name)})
}

// appendRunInfo appends a run's own fields.
func appendRunInfo(dst []byte, r *record.Run, m record.Model) []byte {
	dst = append(dst, `{"run_uuid":"`...)
	dst = hex.AppendEncode(dst, r.ID[:])
	dst = append(dst, `","experiment_id":"`...)
	dst = strconv.AppendInt(dst, r.Model, 10)
	dst = append(dst, `","run_name":`...)
	dst = record.AppendJSON(dst, r.Name)
	dst = append(dst, `,"user_id":`...)
	dst = record.AppendJSON(dst, r.User)
	if r.Status >= 1 && int(r.Status) <= len(statuses) {
		dst = append(dst, `,"status":"`...)
		dst = append(dst, statuses[r.Status-1]...)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"start_time":`...)
	dst = strconv.AppendInt(dst, r.Start, 10)
	if r.End != 0 {
		dst = append(dst, `,"end_time":`...)
		dst = strconv.AppendInt(dst, r.End, 10)
	}
	dst = append(dst, `,"artifact_uri":`...)
	dst = record.AppendJSON(dst, record.RunArtifacts(m, r.ID))
	dst = appendStage(dst, r.Gone)
	dst = append(dst, `,"run_id":"`...)
	dst = hex.AppendEncode(dst, r.ID[:])
	return append(dst, `"}`...)
}

// appendRun appends a run whole.
func appendRun(dst []byte, r *record.Run, m record.Model, outputs bool) []byte {
	dst = append(dst, `{"info":`...)
	dst = appendRunInfo(dst, r, m)
	dst = append(dst, `,"data":{`...)
	dst = appendRunData(dst, r)
	dst = append(dst, `},"inputs":{`...)
	dst = appendInputs(dst, r)
	dst = append(dst, '}')
	if outputs {
		dst = append(dst, `,"outputs":{`...)
		dst = appendOutputs(dst, r.ModelOutputs)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendRunData appends the insides of a run's data.
func appendRunData(dst []byte, r *record.Run) []byte {
	var metrics list
	for i := range r.Metrics {
		dst = metrics.begin(dst, `"metrics":[`)
		dst = appendMetric(dst, r.Metrics[i].Key, r.Metrics[i].Point)
		dst = append(dst, '}')
	}
	dst = metrics.end(dst)
	comma := func(opening string) string {
		if metrics.started {
			return opening
		}
		return opening[1:]
	}
	dst = appendParams(dst, comma(`,"params":[`), r.Params)
	if !metrics.started {
		metrics.started = len(r.Params) > 0
	}
	return appendRunTags(dst, comma(`,"tags":[`), r)
}

// appendRunTags appends the tags of a run, with the run's name among them: it
// is a field of the record, but a tag to MLflow's clients.
func appendRunTags(dst []byte, opening string, r *record.Run) []byte {
	var l list
	named := r.Name == ""
	name := func() {
		if !named {
			dst = l.begin(dst, opening)
			dst = appendPair(dst, record.RunNameTag, r.Name)
			named = true
		}
	}
	for _, t := range r.Tags {
		if t.Key > record.RunNameTag {
			name()
		}
		dst = l.begin(dst, opening)
		dst = appendPair(dst, t.Key, t.Value)
	}
	name()
	return l.end(dst)
}

// appendMetric appends a point without the closing brace.
func appendMetric(dst []byte, key string, p record.Point) []byte {
	dst = append(dst, `{"key":`...)
	dst = record.AppendJSON(dst, key)
	dst = append(dst, `,"value":`...)
	dst = record.AppendNumber(dst, p.Value)
	dst = append(dst, `,"timestamp":`...)
	dst = strconv.AppendInt(dst, p.Time, 10)
	dst = append(dst, `,"step":`...)
	return strconv.AppendInt(dst, p.Step, 10)
}

// appendBareNumber appends a number as Python's json does, which has words for
// NaN and the infinities.
func appendBareNumber(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case math.IsInf(v, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(v, -1):
		return append(dst, "-Infinity"...)
	}
	return record.AppendNumber(dst, v)
}

// appendInputs appends the insides of a run's inputs.
func appendInputs(dst []byte, r *record.Run) []byte {
	var uses, models list
	for i := range r.Datasets {
		dst = uses.begin(dst, `"dataset_inputs":[`)
		dst = appendUse(dst, &r.Datasets[i])
	}
	dst = uses.end(dst)
	for _, id := range r.ModelInputs {
		opening := `,"model_inputs":[`
		if !uses.started {
			opening = opening[1:]
		}
		dst = models.begin(dst, opening)
		dst = append(dst, `{"model_id":`...)
		dst = record.AppendJSON(dst, id)
		dst = append(dst, '}')
	}
	return models.end(dst)
}

func appendUse(dst []byte, u *record.DatasetUse) []byte {
	dst = append(dst, '{')
	var tags list
	if u.Context != "" {
		dst = tags.begin(dst, `"tags":[`)
		dst = appendPair(dst, contextTag, u.Context)
	}
	for _, t := range u.Tags {
		dst = tags.begin(dst, `"tags":[`)
		dst = appendPair(dst, t.Key, t.Value)
	}
	dst = tags.end(dst)
	if tags.started {
		dst = append(dst, ',')
	}
	dst = append(dst, `"dataset":{"name":`...)
	dst = record.AppendJSON(dst, u.Name)
	dst = append(dst, `,"digest":`...)
	dst = record.AppendJSON(dst, u.Digest)
	dst = append(dst, `,"source_type":`...)
	dst = record.AppendJSON(dst, u.SourceType)
	dst = append(dst, `,"source":`...)
	dst = record.AppendJSON(dst, u.Source)
	if u.Schema != "" {
		dst = append(dst, `,"schema":`...)
		dst = record.AppendJSON(dst, u.Schema)
	}
	if u.Profile != "" {
		dst = append(dst, `,"profile":`...)
		dst = record.AppendJSON(dst, u.Profile)
	}
	return append(dst, `}}`...)
}

// appendOutputs appends the insides of a run's outputs.
func appendOutputs(dst []byte, outputs []record.ModelOutput) []byte {
	var l list
	for _, o := range outputs {
		dst = l.begin(dst, `"model_outputs":[`)
		dst = append(dst, `{"model_id":`...)
		dst = record.AppendJSON(dst, o.Model)
		dst = append(dst, `,"step":`...)
		dst = strconv.AppendInt(dst, o.Step, 10)
		dst = append(dst, '}')
	}
	return l.end(dst)
}

// appendNext appends a page's token, if there is a next page, to an object that
// has a list already, or nothing.
func appendNext(dst []byte, token string) []byte {
	if token == "" {
		return dst
	}
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, `"next_page_token":`...)
	return record.AppendJSON(dst, token)
}
