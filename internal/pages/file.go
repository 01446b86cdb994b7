package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// file is one thing to serve.
type file struct {
	data       []byte
	compressed bool        // data is gzip
	digest     string      // SHA-256 of data, in hexadecimal
	header     http.Header // the headers that do not depend on the request
}

func readPage(dist fs.FS, name string) (file, error) {
	f, err := readFile(dist, name)
	if err != nil {
		return file{}, err
	}
	f.header.Set("Content-Security-Policy", contentSecurityPolicy)
	f.header.Set("Referrer-Policy", "no-referrer")
	return f, nil
}

// readAssets reads the folder assets, by the names under which it is served.
func readAssets(dist fs.FS) (map[string]file, error) {
	entries, err := fs.ReadDir(dist, "assets")
	if err != nil {
		return nil, fmt.Errorf("pages: %w", err)
	}
	assets := make(map[string]file, len(entries))
	for _, entry := range entries {
		f, err := readFile(dist, path.Join("assets", entry.Name()))
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(entry.Name(), ".gz")
		if hashed(name, f.digest) {
			f.header.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		assets[name] = f
	}
	return assets, nil
}

func readFile(dist fs.FS, name string) (file, error) {
	data, err := fs.ReadFile(dist, name)
	if err != nil {
		return file{}, fmt.Errorf("pages: %w", err)
	}
	name, compressed := strings.CutSuffix(name, ".gz")
	kind, err := contentType(name)
	if err != nil {
		return file{}, err
	}
	digest := sha256.Sum256(data)
	header := http.Header{}
	header.Set("Content-Type", kind)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-cache")
	return file{data: data, compressed: compressed, digest: hex.EncodeToString(digest[:]), header: header}, nil
}

// contentType is a table of our own, because the one of package mime changes
// with the machine.
func contentType(name string) (string, error) {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8", nil
	case ".css":
		return "text/css; charset=utf-8", nil
	case ".js":
		return "text/javascript; charset=utf-8", nil
	case ".svg":
		return "image/svg+xml; charset=utf-8", nil
	case ".txt":
		return "text/plain; charset=utf-8", nil
	}
	return "", fmt.Errorf("pages: %s has an ending without a content type", name)
}

// hashed reports whether name carries the start of the digest, as "-HASH" before
// its ending: only then can the name never come to stand for other bytes.
func hashed(name, digest string) bool {
	base := strings.TrimSuffix(name, path.Ext(name))
	i := strings.LastIndex(base, "-")
	return i > 0 && len(base[i+1:]) >= 16 && strings.HasPrefix(digest, base[i+1:])
}

func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, tag, encoding := f.data, f.digest, ""
	if f.compressed && acceptsGzip(r.Header) {
		encoding = "gzip"
	} else if f.compressed {
		var err error
		if data, err = decompress(f.data); err != nil {
			http.Error(w, "this file is damaged in the server", http.StatusInternalServerError)
			return
		}
		// A strong tag names one sequence of bytes, so these have their own.
		tag += "-plain"
	}

	header := w.Header()
	maps.Copy(header, f.header)
	header.Set("ETag", `"`+tag+`"`)
	if f.compressed {
		header.Add("Vary", "Accept-Encoding")
	}
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
		// ServeContent leaves the length out of what is encoded.
		header.Set("Content-Length", strconv.Itoa(len(data)))
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

func decompress(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// acceptsGzip reports whether the client takes gzip: by its name or by "*", and
// not with the weight 0.
func acceptsGzip(header http.Header) bool {
	every := false
	for part := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		coding, weight, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return !zero(weight)
		case "*":
			every = !zero(weight)
		}
	}
	return every
}

// zero reports whether weight, the part of a coding after ";", is a q of 0. One
// that cannot be read counts as 0, which costs bytes and never a page.
func zero(weight string) bool {
	weight = strings.ToLower(strings.TrimSpace(weight))
	if weight == "" {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimPrefix(weight, "q="), 64)
	return err != nil || q == 0
}
