package record

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
)

// RegisteredModel is a name under which versions of a model are released. It
// belongs to a project, and is unique there among those that are not deleted.
type RegisteredModel struct {
	Key         int64
	Project     int64 // key of the project
	Name        string
	FullName    string // see RegisteredFullName; it stays when the model is deleted
	Description string // empty: none
	Versions    int64  // the highest number that a version of it ever had
	Created     int64  // milliseconds, UTC
	Updated     int64  // milliseconds, UTC: when it was described or renamed, or its versions came, went or moved
	Deleted     int64  // milliseconds, UTC; 0: not deleted

	Tags    []Tag          // by key
	Aliases []Alias        // those that hold, by name
	Latest  []ModelVersion // the highest version in each stage, in the order of the lowest ones; without their aliases
}

// ModelVersion is one release of a registered model.
type ModelVersion struct {
	Key         int64
	Model       int64  // key of the registered model
	Project     int64  // key of the registered model's project
	Name        string // of the registered model
	FullName    string // of the registered model
	Version     int64  // counts from 1 in each registered model; never given twice
	Source      string // where its creator says that it comes from: a label, nothing is opened on its word
	Origin      string // what Source comes down to, where it names another version; else Source
	Run         string // id of the run that made it, as the client gave it; empty: none
	RunLink     string
	LoggedModel string  // id of the logged model that it is; empty: not told
	Description *string // nil: it was taken away
	Stage       Stage
	Created     int64 // milliseconds, UTC
	Updated     int64 // milliseconds, UTC
	Deleted     int64 // milliseconds, UTC; 0: not deleted

	Tags    []Tag    // by key
	Aliases []string // those that hold, by name
}

// Cause is who changes something in the registry, and why.
type Cause struct {
	By     Actor
	Reason string // empty: not told
}

// Interval is a time in which something held.
type Interval struct {
	Since int64 // milliseconds, UTC
	Until int64 // milliseconds, UTC; 0: it holds still
	Cause       // of its beginning
}

// Alias is what an alias of a registered model meant for a time. The alias
// itself is the interval that has no end.
type Alias struct {
	Name    string
	Version int64
	Interval
}

// StageTime is the stage that a version was moved to, for a time. Before the
// first one a version is in StageNone.
type StageTime struct {
	Version int64
	Stage   Stage
	Interval
}

// Stage is how far a version has come. The numbers are stored: do not change them.
type Stage int64

// The stages.
const (
	StageNone       Stage = 0
	StageStaging    Stage = 1
	StageProduction Stage = 2
	StageArchived   Stage = 3
)

// stages are the names of the stages, by their numbers.
var stages = [...]string{"None", "Staging", "Production", "Archived"}

// String is the stage's name.
func (s Stage) String() string {
	if s < 0 || int(s) >= len(stages) {
		return "unknown"
	}
	return stages[s]
}

// Active reports whether versions in the stage are in use.
func (s Stage) Active() bool { return s == StageStaging || s == StageProduction }

// ParseStage reads the name of a stage in any case.
func ParseStage(text string) (Stage, error) {
	for i, name := range stages {
		if strings.EqualFold(name, text) {
			return Stage(i), nil
		}
	}
	return 0, Invalid.Errorf("stage", "Invalid Model Version stage: %s. Value must be one of %s.", cut(text, MaxName), strings.Join(stages[:], ", "))
}

// Limits of the registry's texts, in characters.
const (
	MaxRegisteredName = 256
	MaxAlias          = 255
	MaxRegistryTag    = 100_000 // values of tags, among them the texts of prompts
	MaxSource         = 4096    // sources and links to runs
	MaxVersionRun     = 256     // ids of runs and logged models, which clients of other servers choose
	MaxReason         = 1000
)

// PromptTag marks the registered models, and their versions, that are prompts.
const PromptTag = "mlflow.prompt.is_prompt"

// IsPrompt reports whether tags say that their record is a prompt.
func IsPrompt(tags []Tag) bool {
	is := false
	for _, t := range tags {
		if t.Key == PromptTag {
			is = strings.EqualFold(t.Value, "true") // of several, the last one counts
		}
	}
	return is
}

// RegisteredFullName is the name of a registered model where those of all
// projects stand side by side. Such a name cannot have a slash, as MLflow's
// clients cut their addresses there, so another project's stand before a point;
// a workspace's name has none, so the first point is the one that counts. The
// registered models of the default project have their own names.
func RegisteredFullName(p Project, name string) string {
	if p.Key == DefaultProject {
		return name
	}
	return WorkspaceName(p) + "." + name
}

// CheckRegisteredName refuses a name, or a full name, that cannot be a
// registered model's. How long it may be is for its creator to know.
func CheckRegisteredName(field, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return Invalid.Errorf(field, "Missing value for required parameter '%s'.", field)
	case strings.ContainsAny(name, "/:"):
		return Invalid.Errorf(field, "Invalid model name '%s'. Names cannot contain '/' or ':'.", cut(name, MaxRegisteredName))
	case name == "." || strings.HasPrefix(name, ".."):
		return Invalid.Errorf(field, "Invalid value %s for parameter 'name' supplied: Names may be treated as files in certain cases, "+
			"and must not resolve to other names when treated as such. This name would resolve to '%s'", Quote(name), cut(name, MaxRegisteredName))
	}
	return nil
}

// CheckAlias refuses a text that no alias can be.
func CheckAlias(alias string) error {
	if alias == "" {
		return Invalid.Errorf("alias", "Registered model alias name cannot be empty.")
	}
	for _, r := range alias {
		if r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsNumber(r) || r == unicode.ReplacementChar {
			return Invalid.Errorf("alias", "Invalid alias name: '%s'. Names may only contain alphanumerics, underscores (_), and dashes (-).", cut(alias, MaxAlias))
		}
	}
	if len([]rune(alias)) > MaxAlias {
		return Invalid.Errorf("alias", "'Registered model alias name' exceeds the maximum length of %d characters", MaxAlias)
	}
	return nil
}

// IsLatest reports whether an alias is the one that every registered model has
// by itself: of its highest version.
func IsLatest(alias string) bool { return strings.EqualFold(alias, "latest") }

// CheckNewAlias is CheckAlias, and refuses the aliases that cannot be set
// because they read as something else: latest, and v with a number.
func CheckNewAlias(alias string) error {
	if err := CheckAlias(alias); err != nil {
		return err
	}
	number := strings.TrimLeft(alias, "vV")
	switch {
	case IsLatest(alias):
		return Invalid.Errorf("alias", "'latest' alias name (case insensitive) is reserved.")
	case number != "" && len(number) == len(alias)-1 && strings.TrimFunc(number, unicode.IsDigit) == "":
		return Invalid.Errorf("alias", "Version alias name '%s' is reserved.", alias)
	}
	return nil
}

// ParseVersion reads the number of a version. One that is too large for any
// version is read as 0, which none has.
func ParseVersion(text string) (int64, error) {
	trimmed := strings.TrimSpace(text)
	n, err := strconv.ParseInt(trimmed, 10, 64)
	if err == nil {
		return n, nil
	}
	digits := strings.TrimLeft(trimmed, "+-")
	if digits == "" || len(trimmed)-len(digits) > 1 || strings.Trim(digits, "0123456789") != "" {
		return 0, Invalid.Errorf("version", "Parameter 'version' must be an integer, got '%s'.", cut(text, MaxName))
	}
	return 0, nil
}

// VersionsTag is the tag of a logged model that lists the versions registered
// of it, as a JSON list.
const VersionsTag = "mlflow.modelVersions"

// AppendVersion adds a version to the list in VersionsTag. What is no list, or
// has become too long for a tag, makes place for a new one.
func AppendVersion(versions, name string, version int64) string {
	item := `{"name": ` + string(AppendJSON(nil, name)) + `, "version": ` + strconv.FormatInt(version, 10) + `}`
	var there []json.RawMessage
	if json.Unmarshal([]byte(versions), &there) == nil && len(there) > 0 && len(versions)+len(item) < MaxTag {
		return strings.TrimSuffix(strings.TrimSpace(versions), "]") + ", " + item + "]"
	}
	return "[" + item + "]"
}

// The kinds of events of a registered model besides those of every record.
const (
	VersionCreated   EventKind = "version created"
	VersionDescribed EventKind = "version described"
	VersionDeleted   EventKind = "version deleted"
	StageMoved       EventKind = "stage moved"
	AliasMoved       EventKind = "alias moved"
)
