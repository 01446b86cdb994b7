package api

import (
	"time"

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
	dst = appendText(dst, p.ProjectID)
	dst = append(dst, `,"project_name":`...)
	dst = appendText(dst, p.ProjectName)
	dst = append(dst, `,"description":`...)
	dst = appendOptionalText(dst, p.Description)
	dst = append(dst, `,"created_datetime":`...)
	dst = appendText(dst, p.CreatedDatetime)
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
	dst = appendText(dst, m.ModelID)
	dst = append(dst, `,"project_id":`...)
	dst = appendText(dst, m.ProjectID)
	dst = append(dst, `,"model_name":`...)
	dst = appendText(dst, m.ModelName)
	dst = append(dst, `,"description":`...)
	dst = appendOptionalText(dst, m.Description)
	dst = append(dst, `,"created_datetime":`...)
	dst = appendText(dst, m.CreatedDatetime)
	return append(dst, '}')
}

// Experiment is a run as this API shows it.
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
}

func experimentOf(r *record.Run) *Experiment {
	e := &Experiment{}
	e.set(r)
	return e
}

// set makes e show r. It uses e's lists again.
func (e *Experiment) set(r *record.Run) {
	e.ExperimentID = r.ID.String()
	e.ModelID = record.ModelID(r.Model)
	e.ModelVersionID = r.Name
	e.Parameters.Members = appendMembers(e.Parameters.Members[:0], r.Params)
	e.Parameters.Given = r.Given&record.GivenParams != 0 || len(r.Params) > 0
	e.TrainingDataset = r.DatasetText(record.RoleTraining)
	e.ValidationDataset = r.DatasetText(record.RoleValidation)
	e.TestDataset = r.DatasetText(record.RoleTest)
	e.Evaluations.Members = appendEvaluations(e.Evaluations.Members[:0], r)
	e.Evaluations.Given = r.Given&record.GivenEvaluations != 0 || len(e.Evaluations.Members) > 0
	e.ArtifactFilePaths.Members = appendMembers(e.ArtifactFilePaths.Members[:0], r.Artifacts)
	e.ArtifactFilePaths.Given = r.Given&record.GivenArtifacts != 0 || len(r.Artifacts) > 0
	e.CreatedDatetime = dateTime(r.Created)
}

func appendMembers[T ~struct{ Key, Value string }](dst Object, list []T) Object {
	for _, m := range list {
		dst = append(dst, record.Member(m))
	}
	return dst
}

// appendEvaluations merges metrics and the other evaluations, both in the
// order of keys.
func appendEvaluations(dst Object, r *record.Run) Object {
	rest := r.Evaluations
	for _, m := range r.Metrics {
		for len(rest) > 0 && rest[0].Key < m.Key {
			dst = append(dst, record.Member(rest[0]))
			rest = rest[1:]
		}
		if len(rest) > 0 && rest[0].Key == m.Key {
			both := rest[0]
			rest = rest[1:]
			if both.Stands(m) {
				dst = append(dst, record.Member(both))
				continue
			}
		}
		dst = append(dst, record.Member{Key: m.Key, Value: record.FormatNumber(m.Value)})
	}
	return appendMembers(dst, rest)
}

func (e *Experiment) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"experiment_id":`...)
	dst = appendText(dst, e.ExperimentID)
	dst = append(dst, `,"model_id":`...)
	dst = appendText(dst, e.ModelID)
	dst = append(dst, `,"model_version_id":`...)
	dst = appendText(dst, e.ModelVersionID)
	dst = append(dst, `,"parameters":`...)
	dst = e.Parameters.appendJSON(dst)
	dst = append(dst, `,"training_dataset":`...)
	dst = appendOptionalText(dst, e.TrainingDataset)
	dst = append(dst, `,"validation_dataset":`...)
	dst = appendOptionalText(dst, e.ValidationDataset)
	dst = append(dst, `,"test_dataset":`...)
	dst = appendOptionalText(dst, e.TestDataset)
	dst = append(dst, `,"evaluations":`...)
	dst = e.Evaluations.appendJSON(dst)
	dst = append(dst, `,"artifact_file_paths":`...)
	dst = e.ArtifactFilePaths.appendJSON(dst)
	dst = append(dst, `,"created_datetime":`...)
	dst = appendText(dst, e.CreatedDatetime)
	return append(dst, '}')
}

// dateTime is a time as RFC 3339 says, in UTC. The offset is written in digits
// because Python before 3.11 does not read a Z.
func dateTime(ms int64) string {
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
	return string(b[:])
}
