// Package files keeps the bytes of files: what runs and models leave besides
// their records. It knows neither the records nor who may see them; a record
// says which key a file's bytes have.
package files

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"io"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"modeldb/internal/record"
)

// Info is what is known of a file from its bytes.
type Info struct {
	Size   int64
	SHA256 [32]byte
}

// File is an open file. It is read from its beginning, or from where Seek has
// put it.
type File interface {
	io.ReadSeekCloser
	Size() int64
	Modified() time.Time
}

// Store keeps files under keys: relative paths, as Clean gives them. A key is
// written once: whoever writes a file anew takes another key, so that a reader
// never sees half of one and half of the other.
type Store interface {
	// Put keeps all of body under a key that nothing had before, and returns when
	// it is durable. When it fails, nothing is there. Unreadable: the body could
	// not be read to its end; the cause is with it. Full: there is no room.
	Put(ctx context.Context, key string, body io.Reader) (Info, error)
	// Open opens a file. NotFound: there is none.
	Open(ctx context.Context, key string) (File, error)
	// Remove removes a file; one that is not there is no error.
	Remove(ctx context.Context, key string) error
	// Walk calls visit for every file, in no order, until it returns an error.
	Walk(ctx context.Context, visit func(key string, size int64, modified time.Time) error) error
	// Tidy drops what uploads left behind that were cut off long ago.
	Tidy(ctx context.Context) error
	// Close gives back what the store holds.
	Close() error
}

const (
	maxPath = 1000 // bytes: a key of S3 has at most 1024
	maxName = 240  // bytes of one part: most file systems take 255, and newKey adds some
)

// newKey makes a key for the bytes of a path: one that nothing ever had, so that
// what is removed late can only be what it was. It reads like the path.
func newKey(path string) string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return path + "~" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(random[:]))
}

// Clean returns the path of a file as it is kept: relative, without empty
// parts. It was decoded once before. Invalid: it could lead out of where
// it belongs, here or for a program that decodes it again, or cannot be kept
// everywhere. An empty path is the root.
func Clean(field, text string) (string, error) {
	bad := func(why string) (string, error) {
		return "", record.Invalid.Errorf(field, "Invalid path: %s %s; a path is relative, with / between its parts", record.Quote(text), why)
	}
	if !utf8.ValidString(text) {
		return bad("is not valid UTF-8")
	}
	if strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return bad("has a control character")
	}
	if len(text) > maxPath {
		return bad("is longer than 1000 bytes")
	}
	for again := text; ; {
		if why := outside(again); why != "" {
			return bad(why)
		}
		decoded := unescape(again)
		if decoded == again {
			break
		}
		again = decoded
	}
	if text == "" {
		return "", nil
	}
	cleaned := path.Clean(text)
	if cleaned == "." {
		return "", nil
	}
	for part := range strings.SplitSeq(cleaned, "/") {
		if len(part) > maxName {
			return bad("has a part longer than 240 bytes")
		}
	}
	return cleaned, nil
}

// outside says why a path is not one below its root, on any system.
func outside(p string) string {
	switch {
	case strings.HasPrefix(p, "/") || strings.HasPrefix(p, `\`):
		return "is absolute"
	case len(p) >= 3 && p[1] == ':' && (p[2] == '/' || p[2] == '\\') && unicode.IsLetter(rune(p[0])):
		return "begins with a drive"
	case strings.Contains(p, "#"):
		return "has a #"
	case strings.ContainsRune(p, 0):
		return "has a NUL"
	}
	for _, part := range strings.FieldsFunc(p, func(r rune) bool { return r == '/' || r == '\\' }) {
		if strings.TrimRight(part, " ") == ".." || strings.HasPrefix(part, "..;") {
			return `has the part ".."`
		}
	}
	return ""
}

// unescape decodes what is percent-encoded, as far as it is.
func unescape(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) {
			if hi, lo := digit(p[i+1]), digit(p[i+2]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
