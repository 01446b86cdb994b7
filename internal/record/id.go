package record

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
)

// The default project and the default model in it. Both are there from the
// start, and a list shows them once they hold a run.
const (
	DefaultProject     int64 = 0
	DefaultModel       int64 = 0
	DefaultProjectName       = "Default"
	DefaultModelName         = "Default"
)

const (
	projectBits = 48
	projectMask = 1<<projectBits - 1
)

// ProjectID is the public id of the project with this key: its 48 bits, stirred,
// as 12 lowercase hex digits. Keys are ordered by time, so that new rows go to
// the end of a table; ids look random, so that nobody takes one for another.
func ProjectID(key int64) string { return fmt.Sprintf("%012x", stir(uint64(key))) }

// ParseProjectID returns the key of a project's public id. The error is of
// kind NotFound: a text that is no id names no project.
func ParseProjectID(id string) (int64, error) {
	stirred, err := strconv.ParseUint(id, 16, projectBits)
	key := int64(unstir(stirred))
	if err != nil || ProjectID(key) != id {
		return 0, NotFound.Errorf("project_id", "there is no project with the id %s: an id has 12 lowercase hex digits", Quote(id))
	}
	return key, nil
}

// stir maps 48 bits to 48 bits, one to one, 0 to 0: twice, it folds the upper
// half into the lower and multiplies by an odd number.
func stir(x uint64) uint64 {
	for range 2 {
		x ^= x >> (projectBits / 2)
		x = x * stirring & projectMask
	}
	return x
}

// unstir is the inverse of stir.
func unstir(x uint64) uint64 {
	for range 2 {
		x = x * unstirring & projectMask
		x ^= x >> (projectBits / 2)
	}
	return x
}

// Two numbers whose product is 1 modulo 2^48.
const (
	stirring   = 0x9e3779b97f4b
	unstirring = 0x393dee219263
)

// ModelID is the public id of the model with this key: decimal digits,
// because MLflow's clients need an integer.
func ModelID(key int64) string { return strconv.FormatInt(key, 10) }

// ParseModelID returns the key of a model's public id. The error is of kind
// NotFound.
func ParseModelID(id string) (int64, error) {
	key, err := strconv.ParseInt(id, 10, 64)
	if err != nil || key < 0 || ModelID(key) != id {
		return 0, NotFound.Errorf("model_id", "there is no model with the id %s: an id is a decimal number", Quote(id))
	}
	return key, nil
}

// RunID is the public id of a run: a UUID of version 7 (RFC 9562), so that
// ids are ordered by time, or the foreign id that an imported run came with.
type RunID [16]byte

// String returns the id as 32 lowercase hex digits.
func (id RunID) String() string { return hex.EncodeToString(id[:]) }

// ParseRunID reads 32 lowercase hex digits. The error is of kind NotFound.
func ParseRunID(text string) (RunID, error) {
	var id RunID
	if len(text) == 2*len(id) {
		if _, err := hex.Decode(id[:], []byte(text)); err == nil && id.String() == text {
			return id, nil
		}
	}
	return RunID{}, NotFound.Errorf("experiment_id", "there is no experiment with the id %s: an id has 32 lowercase hex digits", Quote(text))
}

// Key is the run's 64-bit key in the store, never negative. The key carries
// the uniqueness of the id: a store refuses a second run with the same key,
// and a look-up compares the whole id afterwards.
//
// Of a version 7 id the key has the low 44 bits of the time in milliseconds
// (enough until the year 2527), the 12 bits that follow the version, and the 7
// bits that follow the variant, so that keys are ordered as ids are and new
// rows go to the end of a table. Any other id is hashed.
func (id RunID) Key() int64 {
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	version, variant := hi>>12&0xf, lo>>62
	if version != 7 || variant != 0b10 {
		sum := sha256.Sum256(id[:])
		return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
	}
	ms, a, b := hi>>16&(1<<44-1), hi&0xfff, lo>>55&0x7f
	return int64(ms<<19 | a<<7 | b)
}

// Quote returns text in double quotes for an error's sentence, cut to a
// length that a person still reads.
func Quote(text string) string {
	const longest = 80
	short := cut(text, longest)
	quoted := strconv.Quote(short)
	if len(short) < len(text) {
		quoted += "..."
	}
	return quoted
}

// cut returns the first n characters of text.
func cut(text string, n int) string {
	for at := range text {
		if n--; n < 0 {
			return text[:at]
		}
	}
	return text
}
