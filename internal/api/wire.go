package api

import (
	"encoding/hex"
	"iter"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"modeldb/internal/record"
)

// Project is a project as this API shows it.
type Project struct {
	ProjectID       string  `json:"project_id" example:"3f1b0a9c77de" doc:"12 lowercase hex digits, given by the server."`
	ProjectName     string  `json:"project_name" example:"handwritten digits"`
	Description     *string `json:"description" nullable:"true" example:"Which digit is it?"`
	CreatedDatetime string  `json:"created_datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00"`
}

func projectOf(p record.Project) *Project {
	return &Project{record.ProjectID(p.Key), p.Name, p.Description, dateTime(p.Created)}
}

func (p *Project) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"project_id":`...)
	dst = record.AppendJSON(dst, p.ProjectID)
	dst = append(dst, `,"project_name":`...)
	dst = record.AppendJSON(dst, p.ProjectName)
	dst = append(dst, `,"description":`...)
	dst = appendOptionalText(dst, p.Description)
	dst = append(dst, `,"created_datetime":`...)
	dst = record.AppendJSON(dst, p.CreatedDatetime)
	return append(dst, '}')
}

// Model is a model as this API shows it.
type Model struct {
	ModelID         string  `json:"model_id" example:"244871654494208" doc:"A decimal number as text, given by the server."`
	ProjectID       string  `json:"project_id" example:"3f1b0a9c77de"`
	ModelName       string  `json:"model_name" example:"random forest"`
	Description     *string `json:"description" nullable:"true" example:"Trees over pixels"`
	CreatedDatetime string  `json:"created_datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00"`
}

func modelOf(m record.Model) *Model {
	return &Model{record.ModelID(m.Key), record.ProjectID(m.Project), m.Name, m.Description, dateTime(m.Created)}
}

func (m *Model) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"model_id":`...)
	dst = record.AppendJSON(dst, m.ModelID)
	dst = append(dst, `,"project_id":`...)
	dst = record.AppendJSON(dst, m.ProjectID)
	dst = append(dst, `,"model_name":`...)
	dst = record.AppendJSON(dst, m.ModelName)
	dst = append(dst, `,"description":`...)
	dst = appendOptionalText(dst, m.Description)
	dst = append(dst, `,"created_datetime":`...)
	dst = record.AppendJSON(dst, m.CreatedDatetime)
	return append(dst, '}')
}

// Experiment is a run as this API shows it. The type documents the answer,
// which appendExperiment writes without the way over a value of it.
type Experiment struct {
	ExperimentID      string         `json:"experiment_id" example:"019ab0de5f0070008b1e4d0f9a3c2b11" doc:"32 lowercase hex digits, ordered by time, given by the server."`
	ModelID           string         `json:"model_id" example:"244871654494208"`
	ModelVersionID    string         `json:"model_version_id" example:"forest-12" doc:"The client's own label; several experiments may have one."`
	Parameters        OptionalObject `json:"parameters" doc:"Any JSON object."`
	TrainingDataset   *string        `json:"training_dataset" nullable:"true" example:"s3://digits/train.csv"`
	ValidationDataset *string        `json:"validation_dataset" nullable:"true" example:"s3://digits/validation.csv"`
	TestDataset       *string        `json:"test_dataset" nullable:"true" example:"s3://digits/test.csv"`
	Evaluations       OptionalObject `json:"evaluations" doc:"Any JSON object. Its numbers are metrics: each newest value is shown."`
	ArtifactFilePaths OptionalObject `json:"artifact_file_paths" doc:"Any JSON object: names and addresses of files."`
	CreatedDatetime   string         `json:"created_datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00"`
	Status            string         `json:"status" enum:"running,scheduled,finished,failed,killed,stale" example:"finished" doc:"An experiment that is added here is finished. One that is being logged through MLflow's API goes on; it is stale when nothing was written to it for an hour."`
	LastWriteDatetime string         `json:"last_write_datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00" doc:"When something was last written to it."`
}

// experiment is the answer that shows a run.
type experiment struct{ *record.Run }

// Schema is Experiment's; see huma.SchemaProvider.
func (experiment) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(typeOf[Experiment](), true, "")
}

func (e experiment) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"experiment_id":"`...)
	dst = hex.AppendEncode(dst, e.ID[:])
	dst = append(dst, `","model_id":"`...)
	dst = strconv.AppendInt(dst, e.Model, 10)
	dst = append(dst, `","model_version_id":`...)
	dst = record.AppendJSON(dst, e.Name)
	dst = append(dst, `,"parameters":`...)
	dst = appendObject(dst, e.Params, e.Given&record.GivenParams != 0)
	for _, use := range [...]struct {
		name string
		role record.Role
	}{
		{`,"training_dataset":`, record.RoleTraining},
		{`,"validation_dataset":`, record.RoleValidation},
		{`,"test_dataset":`, record.RoleTest},
	} {
		dst = append(dst, use.name...)
		if text, there := e.DatasetText(use.role); there {
			dst = record.AppendJSON(dst, text)
		} else {
			dst = append(dst, "null"...)
		}
	}
	dst = append(dst, `,"evaluations":`...)
	dst = appendEvaluations(dst, e.Run)
	dst = append(dst, `,"artifact_file_paths":`...)
	dst = appendObject(dst, e.Artifacts, e.Given&record.GivenArtifacts != 0)
	dst = append(dst, `,"created_datetime":"`...)
	dst = appendDateTime(dst, e.Created)
	dst = append(dst, `","status":"`...)
	dst = append(dst, e.State(time.Now().UnixMilli())...)
	dst = append(dst, `","last_write_datetime":"`...)
	dst = appendDateTime(dst, e.Active)
	return append(dst, `"}`...)
}

// appendObject appends names and JSON texts as an object, null if there are
// none and none were given.
func appendObject[T ~struct{ Key, Value string }](dst []byte, members []T, given bool) []byte {
	if len(members) == 0 && !given {
		return append(dst, "null"...)
	}
	dst = append(dst, '{')
	for i, m := range members {
		m := record.Member(m)
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = record.AppendJSON(dst, m.Key)
		dst = append(dst, ':')
		dst = append(dst, m.Value...)
	}
	return append(dst, '}')
}

// appendEvaluations appends metrics and the other evaluations as one object in
// the order of keys.
func appendEvaluations(dst []byte, r *record.Run) []byte {
	if len(r.Metrics) == 0 {
		return appendObject(dst, r.Evaluations, r.Given&record.GivenEvaluations != 0)
	}
	start := byte('{')
	for key, value := range evaluations(r) {
		dst = append(dst, start)
		start = ','
		dst = record.AppendJSON(dst, key)
		dst = append(dst, ':')
		if value.text != "" {
			dst = append(dst, value.text...)
		} else {
			dst = record.AppendNumber(dst, value.number)
		}
	}
	return append(dst, '}')
}

// shown is the value of an evaluation: a JSON text, or a number if that is empty.
type shown struct {
	text   string
	number float64
}

// evaluations goes through metrics and the other evaluations in the order of keys.
func evaluations(r *record.Run) iter.Seq2[string, shown] {
	return func(yield func(string, shown) bool) {
		rest := r.Evaluations
		for _, m := range r.Metrics {
			for len(rest) > 0 && rest[0].Key < m.Key {
				if !yield(rest[0].Key, shown{text: rest[0].Value}) {
					return
				}
				rest = rest[1:]
			}
			value := shown{number: m.Value}
			if len(rest) > 0 && rest[0].Key == m.Key {
				if rest[0].Stands(m) {
					value.text = rest[0].Value
				}
				rest = rest[1:]
			}
			if !yield(m.Key, value) {
				return
			}
		}
		for _, e := range rest {
			if !yield(e.Key, shown{text: e.Value}) {
				return
			}
		}
	}
}

// dateTime is a time as RFC 3339 says, in UTC. The offset is written in digits
// because Python before 3.11 does not read a Z.
func dateTime(ms int64) string { return string(appendDateTime(nil, ms)) }

// appendDateTime appends dateTime's text.
func appendDateTime(dst []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	// A third of the time that Format takes, and lists are long.
	var b [29]byte
	digits := func(at, width, n int) {
		for i := at + width - 1; i >= at; i-- {
			b[i] = byte('0' + n%10)
			n /= 10
		}
	}
	copy(b[:], "0000-00-00T00:00:00.000+00:00")
	digits(0, 4, year)
	digits(5, 2, int(month))
	digits(8, 2, day)
	digits(11, 2, hour)
	digits(14, 2, minute)
	digits(17, 2, second)
	digits(20, 3, t.Nanosecond()/int(time.Millisecond))
	return append(dst, b[:]...)
}
