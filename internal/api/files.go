package api

import (
	"context"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"modeldb/internal/files"
	"modeldb/internal/record"
	"modeldb/internal/server"
)

// File is one file of an experiment.
type File struct {
	Path            string `json:"path" example:"plots/loss.png"`
	Size            int64  `json:"size" example:"48213" doc:"Bytes."`
	SHA256          string `json:"sha256" example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	ChangedDatetime string `json:"changed_datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00" doc:"When it was written last."`
}

// fileOf is a file as clients see it: below its experiment.
func fileOf(root string, f record.File) *File {
	return &File{strings.TrimPrefix(f.Path, root+"/"), f.Size, hex.EncodeToString(f.SHA256[:]), dateTime(f.Changed)}
}

func (f *File) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"path":`...)
	dst = record.AppendJSON(dst, f.Path)
	dst = append(dst, `,"size":`...)
	dst = strconv.AppendInt(dst, f.Size, 10)
	dst = append(dst, `,"sha256":"`...)
	dst = append(dst, f.SHA256...)
	dst = append(dst, `","changed_datetime":`...)
	dst = record.AppendJSON(dst, f.ChangedDatetime)
	return append(dst, '}')
}

// FilePath names a file of an experiment in a path.
type FilePath struct {
	ExperimentPath
	Path string `path:"path" example:"plots/loss.png"`
}

// filesOf is the path below which the files of a live experiment are kept.
func (d *Door) filesOf(ctx context.Context, experiment string) (root string, err error) {
	id, err := record.ParseRunID(experiment)
	if err != nil {
		return "", err
	}
	r, err := d.store.Run(ctx, id)
	if err != nil {
		return "", err
	}
	m, err := d.store.Model(ctx, r.Model)
	if err != nil {
		return "", err
	}
	address := record.RunArtifacts(m, id)
	root, own := record.OwnPath(address)
	if !own {
		return "", record.Conflict.Errorf("experiment_id", "the files of the experiment %q are kept at %s, which is not this server's own store: read and write them there", id, record.Quote(address))
	}
	return files.Clean("experiment_id", root)
}

// locate is where the file of a request is, and the path below which all of its
// experiment's are.
func (d *Door) locate(ctx context.Context, in *FilePath) (whole, root string, err error) {
	if root, err = d.filesOf(ctx, in.ExperimentID); err != nil {
		return "", "", err
	}
	below, err := files.Clean("path", in.Path)
	if err == nil && below == "" {
		err = record.Invalid.Errorf("path", "the path is empty; a file needs a name")
	}
	return root + "/" + below, root, err
}

func (d *Door) listFiles(ctx context.Context, in *struct {
	ExperimentPath
	Paging
}) (pager, error) {
	root, err := d.filesOf(ctx, in.ExperimentID)
	if err != nil {
		return nil, err
	}
	last := ""
	if in.Cursor != "" {
		below, err := files.Clean("cursor", in.Cursor)
		if err != nil {
			return nil, queryError("cursor", err.Error())
		}
		last = root + "/" + below
	}
	return func(ctx context.Context, l *listing) (done bool, err error) {
		rows := l.rows()
		page, err := d.store.FilesBelow(ctx, root, last, rows)
		for _, f := range page {
			last = f.Path
			if !l.add(fileOf(root, f)) {
				return false, err
			}
		}
		return len(page) < rows, err
	}, nil
}

// content documents a body or an answer that is a file.
var content = map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}

func (d *Door) getFile(ctx context.Context, in *FilePath) (*huma.StreamResponse, error) {
	whole, _, err := d.locate(ctx, in)
	if err != nil {
		return nil, err
	}
	f, known, err := d.files.Open(ctx, whole)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer f.Close()
		r, w := humago.Unwrap(hc)
		server.SendFile(w, r, known, f)
	}}, nil
}

// upload is the input of putFile: its body is read as it comes.
type upload struct {
	FilePath
	r *http.Request
	w http.ResponseWriter
}

// Resolve takes the request; huma calls it.
func (u *upload) Resolve(hc huma.Context) []error {
	u.r, u.w = humago.Unwrap(hc)
	return nil
}

func (d *Door) putFile(ctx context.Context, in *upload) (*answer[*File], error) {
	whole, root, err := d.locate(ctx, &in.FilePath)
	if err != nil {
		return nil, err
	}
	if in.r.Header.Get("Content-Range") != "" {
		return nil, record.Unreadable.Errorf("", "a part of a file cannot be put; send the whole file")
	}
	f, err := d.files.Keep(ctx, whole, server.FileBody(in.w, in.r.Body), actor)
	server.FileKept(in.w)
	return reply(fileOf(root, f), err)
}

func (d *Door) deleteFile(ctx context.Context, in *FilePath) (*answer[*File], error) {
	whole, root, err := d.locate(ctx, in)
	if err != nil {
		return nil, err
	}
	f, err := d.store.File(ctx, whole)
	if err != nil {
		return nil, err
	}
	return reply(fileOf(root, f), d.files.Delete(ctx, whole, actor))
}

// fileRoute adds to an operation that its body, or its answer, is a file.
func fileRoute(op operation) operation {
	if op.Method == http.MethodPut {
		op.RequestBody = &huma.RequestBody{Description: "The file.", Required: true, Content: content}
		return op
	}
	op.Responses = map[string]*huma.Response{
		"200": {Description: "The file.", Content: content},
		"206": {Description: "The part of it that the header Range asks for.", Content: content},
	}
	return op
}
