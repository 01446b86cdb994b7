// Package metric turns histories into bytes and back, brings them in order and
// thins them out. It is pure: it knows points and bodies, and nothing of where
// bodies are kept.
package metric

import (
	"errors"

	"modeldb/internal/record"
)

// ErrCorrupt says that a body is not one that this package wrote.
var ErrCorrupt = errors.New("metric body is corrupt")

// History is a metric's key and points of it.
type History struct {
	Key    string
	Points []record.Point
}

// Reader reads the bodies that hold several keys. It remembers the texts of
// keys, so that a key that comes again, in this body or in the next, costs no
// memory. The zero value is ready; a Reader serves one goroutine.
type Reader struct {
	keys   map[string]string
	points []record.Point
}

// key returns b as a text.
func (r *Reader) key(b []byte) string {
	if key, ok := r.keys[string(b)]; ok {
		return key
	}
	if r.keys == nil {
		r.keys = map[string]string{}
	}
	key := string(b)
	r.keys[key] = key
	return key
}

// picker turns the bytes of a key into its text, if the key is wanted.
type picker func(text []byte) (key string, wanted bool)

// only picks one key.
func only(key string) picker {
	return func(text []byte) (string, bool) { return key, string(text) == key }
}

// pick picks the keys that want accepts; a nil want accepts all.
func (r *Reader) pick(want func(key string) bool) picker {
	return func(text []byte) (string, bool) {
		key := r.key(text)
		return key, want == nil || want(key)
	}
}
