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
	Description *string // nil: none was given
	Created     int64   // milliseconds, UTC
	Deleted     int64   // milliseconds, UTC; 0: not deleted
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
	Given   Given

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

// Size is how many bytes the texts of a run's lists have.
func (r *Run) Size() int {
	n := 0
	for _, p := range r.Params {
		n += len(p.Key) + len(p.Value)
	}
	for _, d := range r.Datasets {
		n += len(d.Name) + len(d.Source) + len(d.Schema) + len(d.Profile)
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

// Param is one typed parameter of a run. It is written once.
type Param struct {
	Key   string
	Value string // compact JSON text; numbers keep the digits they came with
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
}

// Actor is who made a change: a user's name where a client gives one, else
// the door through which the change came.
type Actor string

// EventKind says what happened to a project, a model or a run. An event is
// written in the transaction of the change itself. The texts are stored.
type EventKind string

// The kinds of events.
const (
	Created   EventKind = "created"
	Described EventKind = "described"
	Deleted   EventKind = "deleted"
	Restored  EventKind = "restored"
)
