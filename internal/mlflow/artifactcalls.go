package mlflow

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"modeldb/internal/files"
	"modeldb/internal/record"
	"modeldb/internal/server"
)

// maxUpload is how large a file may be that comes by upload-artifact.
const maxUpload = 10 << 20

// onlyQuery is the query of a request that has no body.
func onlyQuery(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, record.Unreadable.Errorf("", "The query cannot be read: %v.", err)
	}
	for name, values := range query {
		for _, v := range values {
			if err := checkReadable(name, v); err != nil {
				return nil, err
			}
		}
	}
	return query, nil
}

// pathInRun is where a run's file is: the run is named by the query, under its
// old name too.
func (d *Door) pathInRun(r *http.Request, query url.Values, path string) (whole, root string, err error) {
	ref := runRef{id: query.Get("run_id"), old: query.Get("run_uuid")}
	if ref.text() == "" {
		return "", "", missing("run_id")
	}
	ws, err := d.workspaceOf(r)
	if err != nil {
		return "", "", err
	}
	if root, err = d.runRoot(r.Context(), ws, &ref); err != nil {
		return "", "", err
	}
	whole, err = inside(root, path)
	return whole, root, err
}

// runRoot is the address of the files of a run.
func (d *Door) runRoot(ctx context.Context, ws *workspace, ref *runRef) (string, error) {
	id, err := d.run(ctx, ws, ref)
	if err != nil {
		return "", d.about(err, ref)
	}
	_, m, err := d.store.AnyRun(ctx, id)
	if err != nil {
		return "", d.about(err, ref)
	}
	return record.RunArtifacts(m, id), nil
}

// about gives an error the words of the request's subject at once: the request
// is not known where errors are answered.
func (d *Door) about(err error, of abouter) error {
	if record.KindOf(err) == record.NotFound {
		return problemOf(err, of.about())
	}
	return err
}

// inside is the path of a file below the files of a run or a logged model.
func inside(root, path string) (string, error) {
	base, err := ownPath(root)
	if err != nil {
		return "", err
	}
	return under(base, path)
}

// under is the path of a file below a path that is clean.
func under(base, path string) (string, error) {
	below, err := files.Clean("path", path)
	if err != nil || below == "" {
		return base, err
	}
	return base + "/" + below, nil
}

// listRunArtifacts lists a folder of a run's files, with paths below the run.
func (d *Door) listRunArtifacts(w http.ResponseWriter, r *http.Request) error {
	query, err := onlyQuery(r)
	if err != nil {
		return err
	}
	whole, root, err := d.pathInRun(r, query, query.Get("path"))
	if err != nil {
		return err
	}
	return d.sendListBelow(w, r, whole, root)
}

// sendListBelow sends the entries of a folder with their paths below a root.
func (d *Door) sendListBelow(w http.ResponseWriter, r *http.Request, whole, root string) error {
	base, err := ownPath(root)
	if err != nil {
		return err
	}
	head := append([]byte(`"root_uri":`), record.AppendJSON(nil, root)...)
	return d.sendList(w, r, whole, string(append(head, ',')), len(base)+1)
}

// getRunArtifact sends a file of a run.
func (d *Door) getRunArtifact(w http.ResponseWriter, r *http.Request) error {
	query, err := onlyQuery(r)
	if err != nil {
		return err
	}
	if query.Get("path") == "" {
		return missing("path")
	}
	whole, _, err := d.pathInRun(r, query, query.Get("path"))
	if err != nil {
		return err
	}
	return d.sendFile(w, r, whole)
}

// getVersionArtifact sends a file of a model version.
func (d *Door) getVersionArtifact(w http.ResponseWriter, r *http.Request) error {
	query, err := onlyQuery(r)
	if err != nil {
		return err
	}
	in := registryRequest{name: query.Get("name"), version: query.Get("version")}
	for _, name := range []string{"name", "version", "path"} {
		if query.Get(name) == "" {
			return missing(name)
		}
	}
	ctx := r.Context()
	ws, err := d.workspaceOf(r)
	if err != nil {
		return err
	}
	full, version, err := ws.numbered(&in)
	if err != nil {
		return err
	}
	v, err := d.store.ModelVersion(ctx, full, version)
	if err != nil {
		return d.about(err, &in)
	}
	root, err := d.versionAddress(ctx, v)
	if err != nil {
		return err
	}
	below := ""
	if rest, ofRun := strings.CutPrefix(root, "runs:/"); ofRun {
		var run string
		run, below, _ = strings.Cut(rest, "/")
		if root, err = d.runRoot(ctx, ws, &runRef{id: run}); err != nil {
			return err
		}
	}
	base, err := inside(root, below)
	if err != nil {
		return err
	}
	whole, err := under(base, query.Get("path"))
	if err != nil {
		return err
	}
	return d.sendFile(w, r, whole)
}

// uploadArtifact keeps a small file of a run that a page sends.
func (d *Door) uploadArtifact(w http.ResponseWriter, r *http.Request) error {
	query, err := onlyQuery(r)
	if err != nil {
		return err
	}
	switch {
	case query.Get("run_uuid") == "":
		return missing("run_uuid")
	case query.Get("path") == "":
		return missing("path")
	case r.ContentLength == 0:
		return record.Invalid.Errorf("", "Request data is empty.")
	case r.ContentLength > maxUpload:
		return uploadTooLarge()
	}
	whole, _, err := d.pathInRun(r, url.Values{"run_uuid": query["run_uuid"]}, query.Get("path"))
	if err != nil {
		return err
	}
	return d.keep(w, r, whole, server.FileBody(w, http.MaxBytesReader(w, r.Body, maxUpload)))
}

func uploadTooLarge() error {
	return record.Invalid.Errorf("", "Artifact size is too large. Max size is %d bytes.", maxUpload)
}

// loggedModelRoot is the address of the files of the logged model in the path.
func (d *Door) loggedModelRoot(ctx context.Context, r *http.Request) (string, error) {
	id := r.PathValue("model_id")
	if err := checkReadable("model_id", id); err != nil {
		return "", err
	}
	ws, err := d.workspaceOf(r)
	if err != nil {
		return "", err
	}
	about := &loggedModelRequest{id: id}
	if err := d.seesLoggedModel(ctx, ws, id); err != nil {
		return "", d.about(err, about)
	}
	_, m, err := d.store.LoggedModel(ctx, id)
	if err != nil {
		return "", d.about(err, about)
	}
	return record.LoggedModelArtifacts(m, id), nil
}

// listLoggedModelArtifacts lists a folder of a logged model's files.
func (d *Door) listLoggedModelArtifacts(w http.ResponseWriter, r *http.Request) error {
	query, err := onlyQuery(r)
	if err != nil {
		return err
	}
	root, err := d.loggedModelRoot(r.Context(), r)
	if err != nil {
		return err
	}
	whole, err := inside(root, query.Get("artifact_directory_path"))
	if err != nil {
		return err
	}
	return d.sendListBelow(w, r, whole, root)
}

// getLoggedModelArtifact sends a file of a logged model.
func (d *Door) getLoggedModelArtifact(w http.ResponseWriter, r *http.Request) error {
	query, err := onlyQuery(r)
	if err != nil {
		return err
	}
	if strings.Trim(query.Get("artifact_file_path"), "/") == "" {
		return missing("artifact_file_path")
	}
	root, err := d.loggedModelRoot(r.Context(), r)
	if err != nil {
		return err
	}
	whole, err := inside(root, query.Get("artifact_file_path"))
	if err != nil {
		return err
	}
	return d.sendFile(w, r, whole)
}
