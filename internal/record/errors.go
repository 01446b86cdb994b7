package record

import (
	"errors"
	"fmt"
)

// Kind says what sort of answer an error asks for. Each door turns kinds into
// its own statuses in one function.
type Kind uint8

// The kinds of errors. An error without a kind is Internal.
const (
	Internal    Kind = iota // a fault of ours, or one that nobody foresaw
	Unreadable              // the request could not be read as what it claims to be
	Invalid                 // a value is missing, of the wrong type, or outside its limits
	NotFound                // the record that was asked for is not there
	Conflict                // the record that is there does not allow it
	Inactive                // the record is deleted, and takes no changes until it is restored
	TooLarge                // the request is over a limit of size
	Unavailable             // the database cannot be reached now
	Full                    // the disk is full
	Damaged                 // what is kept is not what was kept
	numKinds
)

// Kinds returns every kind, so that a test can walk through them.
func Kinds() []Kind {
	all := make([]Kind, numKinds)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

// Errorf makes an error of kind k. The field is the one at fault, empty when
// there is none; the sentence names the value and says what would be right.
func (k Kind) Errorf(field, format string, args ...any) error {
	return &Error{Kind: k, Field: field, Text: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of kind k that a caller sees as text, and whose cause
// goes to the log.
func (k Kind) Wrap(cause error, text string) error {
	return &Error{Kind: k, Text: text, cause: cause}
}

// Error is an error that a caller may see.
type Error struct {
	Kind  Kind
	Field string // the field at fault; empty: none in particular
	Text  string // one sentence for the caller
	cause error
}

// Error returns the sentence, and the cause when there is one.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Text + ": " + e.cause.Error()
	}
	return e.Text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of err, Internal when it has none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// ChangedParams refuses to change parameters of a run, which are written once.
// It is of kind Conflict.
type ChangedParams struct {
	Run    RunID
	Params []ChangedParam
}

// ChangedParam is a parameter with the value that it has and the one that was
// refused, both JSON texts.
type ChangedParam struct{ Key, Old, New string }

// Error says what was refused.
func (c *ChangedParams) Error() string { return c.Unwrap().Error() }

// Unwrap returns the error of kind Conflict.
func (c *ChangedParams) Unwrap() error {
	p := c.Params[0]
	return Conflict.Errorf(KeyField("parameters", p.Key), "the parameter %s of the experiment %q has the value %s; it cannot be changed to %s",
		Quote(p.Key), c.Run, Quote(p.Old), Quote(p.New))
}
