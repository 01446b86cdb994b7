package mlflow

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"modeldb/internal/files"
	"modeldb/internal/record"
	"modeldb/internal/server"
)

// ownPath is the path of an address among the files that the server keeps. Any
// other address is a label to the server: who logged there reads there.
func ownPath(uri string) (string, error) {
	path, own := record.OwnPath(uri)
	if !own {
		return "", record.Invalid.Errorf("artifact_uri", "The files are kept at %s, which is not this server's own store: read and write them there", record.Quote(uri))
	}
	return files.Clean("artifact_uri", path)
}

// direct makes the handler of a route whose body or answer is a file.
func (d *Door) direct(do func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := checkVersion(r)
		if err == nil {
			err = do(w, r)
		}
		if err != nil {
			d.fail(w, r, err, nil)
		}
	})
}

// artifactPath is the path that a request names, which its workspace must have:
// the first part of a path is the experiment's id.
func (d *Door) artifactPath(r *http.Request, text string) (string, error) {
	p, err := files.Clean("path", text)
	if err != nil {
		return "", err
	}
	ws, err := d.workspaceOf(r)
	if err != nil || ws == nil {
		return p, err
	}
	first, _, _ := strings.Cut(p, "/")
	key, err := experimentKey(first)
	if err == nil {
		_, err = d.model(r.Context(), ws, key)
	}
	if err != nil {
		err = record.NotFound.Errorf("path", "the workspace %s has no file at %s", record.Quote(ws.Name), record.Quote(p))
	}
	return p, err
}

// putArtifact keeps the body as a file, in the place of the one that was there.
func (d *Door) putArtifact(w http.ResponseWriter, r *http.Request) error {
	p, err := d.artifactPath(r, r.PathValue("path"))
	if err != nil {
		return err
	}
	if r.Header.Get("Content-Range") != "" {
		return record.Invalid.Errorf("Content-Range", "A part of a file cannot be put; send the whole file")
	}
	return d.keep(w, r, p, server.FileBody(w, r.Body))
}

// keep keeps a body as the file at a path, and answers.
func (d *Door) keep(w http.ResponseWriter, r *http.Request, p string, body io.Reader) error {
	_, err := d.files.Keep(r.Context(), p, body, actor)
	server.FileKept(w)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return uploadTooLarge()
	}
	if err != nil {
		return asInvalid(err)
	}
	w.WriteHeader(http.StatusOK) // and nothing more, as MLflow
	return nil
}

// asInvalid is the status for a path where something else is.
func asInvalid(err error) error {
	var known *record.Error
	if errors.As(err, &known) && known.Kind == record.Conflict {
		return record.Invalid.Errorf(known.Field, "%s", known.Text)
	}
	return err
}

// getArtifact sends a file.
func (d *Door) getArtifact(w http.ResponseWriter, r *http.Request) error {
	p, err := d.artifactPath(r, r.PathValue("path"))
	if err != nil {
		return err
	}
	return d.sendFile(w, r, p)
}

// sendFile sends a file, or the part of it that the request asks for.
func (d *Door) sendFile(w http.ResponseWriter, r *http.Request, p string) error {
	f, known, err := d.files.Open(r.Context(), p)
	if err != nil {
		return err
	}
	defer f.Close()
	server.SendFile(w, r, known, f)
	return nil
}

// deleteArtifact deletes a file or a folder; nothing there is fine, too.
func (d *Door) deleteArtifact(w http.ResponseWriter, r *http.Request) error {
	p, err := d.artifactPath(r, r.PathValue("path"))
	if err != nil {
		return err
	}
	if err := d.files.Delete(r.Context(), p, actor); err != nil {
		return err
	}
	send(w, http.StatusOK, empty{})
	return nil
}

// listArtifacts lists a folder by names alone.
func (d *Door) listArtifacts(w http.ResponseWriter, r *http.Request) error {
	query, err := onlyQuery(r)
	if err != nil {
		return err
	}
	p, err := d.artifactPath(r, query.Get("path"))
	if err != nil {
		return err
	}
	return d.sendList(w, r, p, "", len(p)+1)
}

// listPage is how many entries of a folder are in memory at a time.
const listPage = 1000

// sendList sends the entries of a folder, with what head opens the object, and
// with so many bytes of their paths left out.
func (d *Door) sendList(w http.ResponseWriter, r *http.Request, dir, head string, cut int) error {
	if dir == "" {
		cut = 0
	}
	var last record.FileEntry
	entries, more, err := d.store.FilesIn(r.Context(), dir, last, listPage)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	if len(entries) == 0 {
		_, _ = w.Write([]byte("{" + strings.TrimSuffix(head, ",") + "}\n")) // the client may be gone
		return nil
	}
	dst := append([]byte("{"+head), `"files":[`...)
	for begun := false; ; begun = true {
		for i, e := range entries {
			if begun || i > 0 {
				dst = append(dst, ',')
			}
			dst = appendEntry(dst, e, cut)
			last = e
		}
		if !more {
			_, _ = w.Write(append(dst, "]}\n"...))
			return nil
		}
		if _, err := w.Write(dst); err != nil {
			return nil // the client is gone
		}
		dst = dst[:0]
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pieceTime))
		if entries, more, err = d.store.FilesIn(r.Context(), dir, last, listPage); err != nil {
			d.log.Error("a list was cut short", "error", err)
			panic(http.ErrAbortHandler) // so that nobody takes it for whole
		}
	}
}

func appendEntry(dst []byte, e record.FileEntry, cut int) []byte {
	dst = append(dst, `{"path":`...)
	dst = record.AppendJSON(dst, e.Path[cut:])
	if e.Folder {
		return append(dst, `,"is_dir":true}`...)
	}
	dst = append(dst, `,"is_dir":false,"file_size":`...)
	dst = strconv.AppendInt(dst, e.Size, 10)
	return append(dst, '}')
}

// notOnDisk answers the calls that only another kind of store could.
func (d *Door) notOnDisk(http.ResponseWriter, *http.Request) error {
	return &problem{http.StatusNotImplemented, "NOT_IMPLEMENTED", "Multipart upload is not supported for the current artifact repository"}
}
