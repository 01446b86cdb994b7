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
	pieceTime = time.Minute // in which a piece of a file must come
	slowest   = 64 << 10    // bytes a second that a client must take
)

// FileBody is the body of a request that is a file. It may take any time, as
// long as each piece of it comes in a minute.
func FileBody(w http.ResponseWriter, r *http.Request) io.Reader {
	return fileBody{r.Body, http.NewResponseController(w)}
}

type fileBody struct {
	body    io.Reader
	control *http.ResponseController
}

// Read gives the next piece time to come, and the answer time after it.
func (b fileBody) Read(p []byte) (int, error) {
	now := time.Now()
	_ = b.control.SetReadDeadline(now.Add(pieceTime)) // not every connection has one
	_ = b.control.SetWriteDeadline(now.Add(2 * pieceTime))
	return b.body.Read(p)
}

// SendFile sends a file, or the part of it that the request asks for. A browser
// may save it, but not show it: it can hold anything.
func SendFile(w http.ResponseWriter, r *http.Request, f record.File, content io.ReadSeeker) {
	seconds := f.Size/slowest + 1
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2*pieceTime + time.Duration(seconds)*time.Second))
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
