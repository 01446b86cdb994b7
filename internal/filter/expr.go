// Package filter reads MLflow's language of filters and orders, and what its
// users have asked to add to it (OR, NOT, parentheses, IN for numbers), into a
// tree. It is pure: it knows texts and positions, and nothing of where rows are.
package filter

// Entity is the kind of thing that a clause or an order is about.
type Entity uint8

// The entities.
const (
	Attribute Entity = iota // a field of the record itself
	Metric                  // the latest value of a metric
	Param                   // a parameter, as text
	Tag                     // a tag
	Dataset                 // a dataset that the record uses: name, digest or context
)

// Op compares.
type Op uint8

// The operators.
const (
	Equal Op = iota
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
	Like  // case-sensitive, with % and _
	ILike // case-insensitive
	In
	NotIn
	IsNull
	IsNotNull
)

// Expr is a condition on a row: an *And, *Or, *Not or *Clause. A nil Expr is
// true of every row.
type Expr interface{ expr() }

// And is true when all terms are; it has at least two.
type And struct{ Terms []Expr }

// Or is true when any term is; it has at least two.
type Or struct{ Terms []Expr }

// Not is true when its term is not. So NOT params.a = 'x' is true of a row
// without the parameter a, where params.a != 'x' is not.
type Not struct{ Term Expr }

// Clause compares one field of a row with values. A row without the field
// satisfies only IsNull.
type Clause struct {
	Entity  Entity
	Key     string // canonical: aliases of attributes are resolved
	Op      Op
	Numeric bool      // whether Numbers, not Texts, has the values
	Texts   []string  // one, or for In and NotIn at least one
	Numbers []float64 // likewise
	Pos     int       // byte offset of the clause in the text
}

func (*And) expr()    {}
func (*Or) expr()     {}
func (*Not) expr()    {}
func (*Clause) expr() {}

// Order is one key of a sort.
type Order struct {
	Entity  Entity // any but Dataset
	Key     string // canonical
	Desc    bool
	Numeric bool // whether values are numbers: metrics, and attributes such as times

	// For metrics of logged models: only values on this dataset; empty: any.
	DatasetName, DatasetDigest string
}

// Row is a record that a condition is asked of.
type Row interface {
	// Number returns the value of a numeric attribute or of a metric.
	Number(e Entity, key string) (value float64, there bool)
	// Text returns the value of a text attribute, a parameter or a tag.
	Text(e Entity, key string) (value string, there bool)
	// Datasets calls yield for the key ("name", "digest" or "context") of each
	// dataset that the record uses, until yield returns false.
	Datasets(key string, yield func(value string) bool)
}
