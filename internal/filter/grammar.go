package filter

import (
	"fmt"
	"strconv"
	"strings"
)

// Grammar is the language of one of MLflow's searches.
type Grammar uint8

// The grammars, with the attributes that their rows have, under the canonical
// keys that clauses and orders name: first texts, then numbers.
const (
	// run_id, run_name, status, user_id, artifact_uri; start_time, end_time.
	Runs Grammar = iota
	// name, experiment_id (a number, too, for orders); creation_time,
	// last_update_time.
	Experiments
	// name, model_id, model_type, status_message, source_run_id, experiment_id
	// (likewise), artifact_location, lifecycle_stage; creation_timestamp,
	// last_updated_timestamp, status (as on the wire: 1 is pending, 2 ready, 3
	// failed).
	LoggedModels
	// name; last_updated_timestamp.
	RegisteredModels
	// name, run_id, source_path; version_number, and for orders
	// creation_timestamp and last_updated_timestamp.
	ModelVersions
)

// table is a grammar: what can be asked for, and how MLflow words it when
// something else is.
type table struct {
	entities   []entityName
	attributes []attribute
	keys       [Dataset + 1]ops // allowed on keys of each entity but attributes
	loose      bool             // texts need no quotes
	style      style

	ties     []Order // make an order total
	fallback []Order // the order when none is asked for; nil: the ties
}

// style is whose words the errors have.
type style uint8

const (
	ofRuns style = iota
	ofExperiments
	ofRegistry
	ofLoggedModels
)

type entityName struct {
	name   string
	entity Entity
}

// attribute is a field of a record under one of its names.
type attribute struct {
	name, key string // key is canonical
	numeric   bool
	ops       ops // in filters; none: for orders only
	order     orderUse
	quotes    bool                         // whether a number may be in quotes
	word      func(string) (float64, bool) // of the names that numbers have; nil: they have none

	// read makes a text canonical, or says what is wrong with it; nil: any text
	// is right as it is.
	read func(text string) (canonical, wrong string)
}

// orderUse is how an attribute takes part in orders.
type orderUse uint8

const (
	unordered orderUse = iota
	ordered
	orderedAsNumber // though filters have it as text
)

// ops is a set of operators.
type ops uint16

func opSet(list ...Op) (s ops) {
	for _, o := range list {
		s |= 1 << o
	}
	return s
}

func (s ops) has(o Op) bool { return s&(1<<o) != 0 }

// list returns the operators as the elements of a Python collection, in the
// order in which MLflow has those of logged models.
func (s ops) list() string {
	var names []string
	for _, o := range []Op{Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual, Like, ILike, In, NotIn, IsNull, IsNotNull} {
		if s.has(o) {
			names = append(names, "'"+o.String()+"'")
		}
	}
	return strings.Join(names, ", ")
}

var (
	numberOps = opSet(Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn)
	wordOps   = opSet(Equal, NotEqual, Like, ILike)
	listOps   = opSet(In, NotIn)
	nullOps   = opSet(IsNull, IsNotNull)
)

// tables are the grammars; nothing writes to them.
var tables = [...]table{
	Runs: {
		entities: []entityName{
			{"metrics", Metric}, {"metric", Metric},
			{"params", Param}, {"param", Param}, {"parameter", Param}, {"parameters", Param},
			{"tags", Tag}, {"tag", Tag},
			{"attributes", Attribute}, {"attribute", Attribute}, {"attr", Attribute}, {"run", Attribute},
			{"datasets", Dataset}, {"dataset", Dataset},
		},
		attributes: []attribute{
			{name: "Created", key: "start_time", numeric: true, ops: numberOps, order: ordered},
			{name: "Run Name", key: "run_name", ops: wordOps | listOps},
			{name: "Run name", key: "run_name", ops: wordOps | listOps},
			{name: "artifact_uri", ops: wordOps | listOps, order: ordered},
			{name: "created", key: "start_time", numeric: true, ops: numberOps, order: ordered},
			{name: "end_time", numeric: true, ops: numberOps, order: ordered},
			{name: "run name", key: "run_name", ops: wordOps | listOps},
			{name: "run_id", ops: wordOps | listOps, order: ordered},
			{name: "run_name", ops: wordOps | listOps, order: ordered},
			{name: "start_time", numeric: true, ops: numberOps, order: ordered},
			{name: "status", ops: wordOps | listOps, order: ordered},
			{name: "user_id", ops: wordOps | listOps, order: ordered},
		},
		keys: [...]ops{
			Metric:  numberOps,
			Param:   wordOps | listOps | nullOps,
			Tag:     wordOps | listOps | nullOps,
			Dataset: wordOps | listOps,
		},
		style: ofRuns,
		ties:  []Order{{Key: "start_time", Numeric: true, Desc: true}, {Key: "run_id"}},
	},
	Experiments: {
		entities: []entityName{{"attribute", Attribute}, {"tags", Tag}, {"tag", Tag}},
		attributes: []attribute{
			{name: "creation_time", numeric: true, ops: numberOps, order: ordered},
			{name: "experiment_id", ops: opSet(Equal, NotEqual) | listOps, order: orderedAsNumber, read: readExperimentID},
			{name: "last_update_time", numeric: true, ops: numberOps, order: ordered},
			{name: "name", ops: wordOps, order: ordered},
		},
		keys:     [...]ops{Tag: wordOps | nullOps, Dataset: 0},
		style:    ofExperiments,
		ties:     []Order{{Key: "experiment_id", Numeric: true, Desc: true}},
		fallback: []Order{{Key: "creation_time", Numeric: true, Desc: true}, {Key: "experiment_id", Numeric: true}},
	},
	LoggedModels: {
		entities: []entityName{{"attributes", Attribute}, {"metrics", Metric}, {"params", Param}, {"tags", Tag}},
		attributes: []attribute{
			{name: "artifact_location", ops: wordOps | listOps, order: ordered},
			{name: "creation_time", key: "creation_timestamp", numeric: true, ops: numberOps, order: ordered},
			{name: "creation_timestamp", numeric: true, ops: numberOps, order: ordered},
			{name: "creation_timestamp_ms", key: "creation_timestamp", numeric: true, ops: numberOps, order: ordered},
			{name: "experiment_id", ops: wordOps | listOps, order: orderedAsNumber},
			{name: "last_updated_time", key: "last_updated_timestamp", numeric: true, ops: numberOps, order: ordered},
			{name: "last_updated_timestamp", numeric: true, ops: numberOps, order: ordered},
			{name: "last_updated_timestamp_ms", key: "last_updated_timestamp", numeric: true, ops: numberOps, order: ordered},
			{name: "lifecycle_stage", ops: wordOps | listOps, order: ordered},
			{name: "model_id", ops: wordOps | listOps, order: ordered},
			{name: "model_type", ops: wordOps | listOps, order: ordered},
			{name: "name", ops: wordOps | listOps, order: ordered},
			{name: "source_run_id", ops: wordOps | listOps, order: ordered},
			{name: "status", numeric: true, ops: opSet(Equal, NotEqual) | listOps, order: ordered, quotes: true, word: modelStatus},
			{name: "status_message", ops: wordOps | listOps, order: ordered},
		},
		keys:  [...]ops{Metric: numberOps, Param: wordOps | listOps, Tag: wordOps | listOps, Dataset: 0},
		loose: true,
		style: ofLoggedModels,
		ties:  []Order{{Key: "creation_timestamp", Numeric: true, Desc: true}, {Key: "model_id"}},
	},
	RegisteredModels: {
		entities: []entityName{{"attribute", Attribute}, {"tags", Tag}, {"tag", Tag}},
		attributes: []attribute{
			{name: "last_updated_timestamp", numeric: true, order: ordered},
			{name: "name", ops: wordOps | listOps, order: ordered},
			{name: "timestamp", key: "last_updated_timestamp", numeric: true, order: ordered},
		},
		keys:  [...]ops{Tag: wordOps | nullOps, Dataset: 0},
		style: ofRegistry,
		ties:  []Order{{Key: "name"}},
	},
	ModelVersions: {
		entities: []entityName{{"attribute", Attribute}, {"tags", Tag}, {"tag", Tag}},
		attributes: []attribute{
			{name: "creation_timestamp", numeric: true, order: ordered},
			{name: "last_updated_timestamp", numeric: true, order: ordered},
			{name: "name", ops: wordOps | listOps, order: ordered},
			{name: "run_id", ops: wordOps | listOps},
			{name: "source_path", ops: wordOps},
			{name: "version_number", numeric: true, ops: numberOps, order: ordered, quotes: true},
		},
		keys:  [...]ops{Tag: wordOps | nullOps, Dataset: 0},
		style: ofRegistry,
		ties:  []Order{{Key: "name"}, {Key: "version_number", Numeric: true, Desc: true}},
		fallback: []Order{
			{Key: "last_updated_timestamp", Numeric: true, Desc: true},
			{Key: "name"},
			{Key: "version_number", Numeric: true, Desc: true},
		},
	},
}

// datasetKeys are what can be asked of a dataset.
var datasetKeys = []string{"context", "digest", "name"}

func (g Grammar) table() *table { return &tables[g] }

// entity returns the entity of a name, which has an exact case.
func (t *table) entity(name string) (Entity, bool) {
	for _, e := range t.entities {
		if e.name == name {
			return e.entity, true
		}
	}
	return 0, false
}

// attribute returns the attribute of a name, nil when there is none.
func (t *table) attribute(name string) *attribute {
	for i := range t.attributes {
		if t.attributes[i].name == name {
			return &t.attributes[i]
		}
	}
	return nil
}

// canonical returns the attribute's one name.
func (a *attribute) canonical() string {
	if a.key == "" {
		return a.name
	}
	return a.key
}

// readExperimentID takes what Python's int does, and makes it the text of an
// experiment's id.
func readExperimentID(text string) (id, wrong string) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return "", fmt.Sprintf("Invalid experiment ID '%s'. Experiment ID must be a valid integer.", shown(text))
	}
	return strconv.FormatInt(n, 10), ""
}

// modelStatus returns the number of a logged model's status. MLflow compares
// the number that it stores, so there status = 2 finds ready models and status =
// 'READY' never any; its users write the latter, so both are right here.
func modelStatus(name string) (float64, bool) {
	switch strings.TrimPrefix(name, "LOGGED_MODEL_") {
	case "PENDING":
		return 1, true
	case "READY":
		return 2, true
	case "UPLOAD_FAILED":
		return 3, true
	}
	return 0, false
}
