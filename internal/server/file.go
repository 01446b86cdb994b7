package server

import (
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"modeldb/internal/record"
)

const (
	pieceTime = time.Minute // in which a piece of a file must come, or its answer go
	slowest   = 16 << 10    // bytes a second that a client must send or take after that
)

// FileBody is a body that is a file. It may take long, but not wait long: its
// sender has a minute, and more as it sends more.
func FileBody(w http.ResponseWriter, body io.Reader) io.Reader {
	return &fileBody{body: body, control: http.NewResponseController(w), began: time.Now()}
}

type fileBody struct {
	body    io.Reader
	control *http.ResponseController
	began   time.Time
	bytes   int64
}

// Read gives the next piece its time to come.
func (b *fileBody) Read(p []byte) (int, error) {
	until := b.began.Add(pieceTime + time.Duration(b.bytes/slowest)*time.Second)
	if soon := time.Now().Add(pieceTime); soon.Before(until) {
		until = soon
	}
	_ = b.control.SetReadDeadline(until) // not every connection has one
	n, err := b.body.Read(p)
	b.bytes += int64(n)
	return n, err
}

// FileKept gives the answer to a FileBody its time, however long the file took.
func FileKept(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pieceTime)) // not every connection has one
}

// SendFile sends a file, or the part of it that the request asks for. A browser
// may save it, but not show it: it can hold anything.
func SendFile(w http.ResponseWriter, r *http.Request, f record.File, content io.ReadSeeker) {
	seconds := f.Size/slowest + 1
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pieceTime + time.Duration(seconds)*time.Second))
	h := w.Header()
	h.Set("Content-Type", contentType(f.Path))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(f.Path)}))
	h.Set("ETag", `"`+hex.EncodeToString(f.SHA256[:])+`"`)
	http.ServeContent(w, r, "", time.UnixMilli(f.Changed), content)
}

// texts are the ends of names that are sent as plain text, as MLflow's server
// does, whose page shows them.
var texts = map[string]bool{
	"txt": true, "log": true, "err": true, "cfg": true, "conf": true, "cnf": true, "cf": true, "ini": true, "properties": true,
	"prop": true, "hocon": true, "toml": true, "yaml": true, "yml": true, "xml": true, "json": true, "js": true, "py": true,
	"py3": true, "csv": true, "tsv": true, "md": true, "rst": true, "MLmodel": true, "MLproject": true,
}

// contentType is what a file's name says of it.
func contentType(p string) string {
	name := path.Base(p)
	if texts[name[strings.LastIndexByte(name, '.')+1:]] {
		return "text/plain; charset=utf-8"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
