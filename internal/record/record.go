// Package record says what Model DB keeps: one struct for each record, and the
// rules about them that need no input or output. Both doors and the store
// agree on these rules because they call the functions of this package.
//
// The package knows nothing of HTTP, SQL or files, and imports nothing of the
// module.
package record

// Project is a named effort, and the unit of isolation.
type Project struct {
	Key         int64 // time-ordered, 48 bits; see ProjectID
	Name        string
	Description *string // nil: none was given
	Created     int64   // milliseconds, UTC
	Deleted     int64   // milliseconds, UTC; 0: not deleted
}

// Model is one line of models inside a project, unique by (project, name)
// among the models that are not deleted.
type Model struct {
	Key         int64 // time-ordered, below 2^53; see ModelID
	Project     int64 // key of the project
	Name        string
	FullName    string  // see the function FullName; it stays when the model is deleted
	Location    string  // the client's own root for the files of its runs; empty: the server's, see ArtifactRoot
	Tags        []Tag   // by key
	Description *string // nil: none was given
	Created     int64   // milliseconds, UTC
	Updated     int64   // milliseconds, UTC: when it was last renamed, deleted or restored
	Deleted     int64   // milliseconds, UTC; 0: not deleted
	Gone        bool    // it, or its project, is deleted
}

// Run is one training of a model.
type Run struct {
	ID      RunID
	Model   int64 // key of the model
	Name    string
	Status  Status
	User    string
	Start   int64 // milliseconds, UTC
	End     int64 // milliseconds, UTC; 0: not ended
	Created int64 // milliseconds, UTC
	Deleted int64 // milliseconds, UTC; 0: not deleted
	Gone    bool  // it, its model or its model's project is deleted
	Active  int64 // milliseconds, UTC: when something was last written to it
	Given   Given

	Tags         []Tag         // by key
	ModelInputs  []string      // ids of logged models that it took, as they were logged
	ModelOutputs []ModelOutput // logged models that it made, as they were logged

	Params      []Param       // by key
	Datasets    []DatasetUse  // by role, then name
	Metrics     []Metric      // the latest value of each key, by key
	Evaluations []Evaluation  // by key
	Artifacts   []ArtifactRef // by key
}

// Given says which objects of the Model DB API a client gave for a run, so that
// an empty one is told from none. The bits are stored.
type Given int64

// The objects.
const (
	GivenParams Given = 1 << iota
	GivenEvaluations
	GivenArtifacts
)

// Key is the run's key in the store; see RunID.Key.
func (r *Run) Key() int64 { return r.ID.Key() }

// MaxRun is how large a run may be, see Size.
const MaxRun = 64 << 20

// pointSize is what the latest point of a metric counts in Size.
const pointSize = 24

// Size is how many bytes the lists of a run have.
func (r *Run) Size() int {
	n := 0
	for _, p := range r.Params {
		n += len(p.Key) + len(p.Value)
	}
	for _, t := range r.Tags {
		n += len(t.Key) + len(t.Value)
	}
	for _, d := range r.Datasets {
		n += len(d.Name) + len(d.Digest) + len(d.Context) + len(d.Source) + len(d.Schema) + len(d.Profile)
		for _, t := range d.Tags {
			n += len(t.Key) + len(t.Value)
		}
	}
	for _, m := range r.Metrics {
		n += len(m.Key) + pointSize
	}
	for _, id := range r.ModelInputs {
		n += len(id)
	}
	for _, o := range r.ModelOutputs {
		n += len(o.Model)
	}
	for _, e := range r.Evaluations {
		n += len(e.Key) + len(e.Value)
	}
	for _, a := range r.Artifacts {
		n += len(a.Key) + len(a.Value)
	}
	return n
}

// Status is where a run stands. The numbers are those of MLflow's RunStatus,
// and they are stored: do not change them.
type Status int64

// The states of a run.
const (
	Running   Status = 1
	Scheduled Status = 2
	Finished  Status = 3
	Failed    Status = 4
	Killed    Status = 5
)

// Ended reports whether a run of this status is over.
func (s Status) Ended() bool { return s == Finished || s == Failed || s == Killed }

// StaleAfter is how long a run that goes on may be silent, in milliseconds,
// before it is taken for one whose client is gone.
const StaleAfter = 60 * 60 * 1000

// State is what a person is told of where the run stands at a time: its
// status, or "stale" when it goes on and nothing was written to it for long. It
// is alive again with the next write.
func (r *Run) State(now int64) string {
	if !r.Status.Ended() && now-r.Active > StaleAfter {
		return "stale"
	}
	return r.Status.String()
}

// String is the status in lower case.
func (s Status) String() string {
	switch s {
	case Running:
		return "running"
	case Scheduled:
		return "scheduled"
	case Finished:
		return "finished"
	case Failed:
		return "failed"
	case Killed:
		return "killed"
	}
	return "unknown"
}

// Param is one typed parameter of a run. It is written once.
type Param struct {
	Key   string
	Value string // compact JSON text; numbers keep the digits they came with
}

// Tag is one label of a record. A later value replaces an earlier one.
type Tag struct{ Key, Value string }

// ModelOutput says that a run made a logged model at a step.
type ModelOutput struct {
	Model string // id of the logged model
	Step  int64
}

// Evaluation is one structured result of a run: whatever was given under
// evaluations that is not a plain number, or a number whose text says more
// than its float64 does. See SplitEvaluations.
type Evaluation struct {
	Key   string
	Value string // compact JSON text
}

// ArtifactRef is a named address of a file kept anywhere. It is a label:
// nothing is opened on its word.
type ArtifactRef struct {
	Key   string
	Value string // compact JSON text, in most cases a string
}

// Metric is a key of a run with its latest point.
type Metric struct {
	Key string
	Point
}

// Dataset is one version of a dataset as far as a client told. Two datasets
// are the same record when all fields are equal.
type Dataset struct {
	Name       string
	Digest     string // empty: nothing is known of the content
	SourceType string
	Source     string
	Schema     string
	Profile    string
}

// DatasetUse is a dataset and the role that it plays in a run.
type DatasetUse struct {
	Dataset
	Role    Role
	Context string // the role in the client's own words
	Tags    []Tag  // what else the client said of the use, by key; without the context
}

// LoggedModel is a model that a training saved, with what is known of it
// before, or without, a place in the registry.
type LoggedModel struct {
	ID      string // "m-" and 32 lowercase hex digits
	Model   int64  // key of the model whose runs it belongs to
	Name    string
	Type    string
	Run     string // id of the run that made it, as the client gave it; empty: none
	Status  LoggedModelStatus
	Created int64 // milliseconds, UTC
	Updated int64 // milliseconds, UTC
	Deleted int64 // milliseconds, UTC; 0: not deleted

	Params  []Param        // by key; the values are JSON texts, as a run's are
	Tags    []Tag          // by key
	Metrics []LoggedMetric // the latest value of each (key, dataset name, dataset digest, run)
}

// LoggedModelPrefix begins the id of a logged model.
const LoggedModelPrefix = "m-"

// LoggedModelStatus is where a logged model stands. The numbers are those of
// MLflow's LoggedModelStatus, and they are stored: do not change them.
type LoggedModelStatus int64

// The states of a logged model.
const (
	ModelPending      LoggedModelStatus = 1
	ModelReady        LoggedModelStatus = 2
	ModelUploadFailed LoggedModelStatus = 3
)

// LoggedMetric is one value of a metric of a logged model, and on what it was
// measured.
type LoggedMetric struct {
	LoggedModel   string // id of the logged model
	Run           RunID  // the run that measured
	Key           string
	DatasetName   string // empty: not told
	DatasetDigest string // empty: not told
	Point
}

// Actor is who made a change: a user's name where a client gives one, else
// the door through which the change came.
type Actor string

// EventKind says what happened to a project, a model or a run. An event is
// written in the transaction of the change itself. The texts are stored.
type EventKind string

// Event is one change that matters afterwards. It is never changed itself.
type Event struct {
	Key    int64 // ordered by time; see FirstSequence
	Time   int64 // milliseconds, UTC
	By     Actor
	Kind   EventKind
	Object string // what sort of record it is about
	ID     int64  // key of the record
	Before string // JSON object of the fields that changed, as they were; empty: nothing was there
	After  string // likewise, as they are since; empty: nothing is there any more
}

// The kinds of events.
const (
	Created   EventKind = "created"
	Described EventKind = "described"
	Renamed   EventKind = "renamed"
	Deleted   EventKind = "deleted"
	Restored  EventKind = "restored"
	Replaced  EventKind = "replaced" // a file by another
)
