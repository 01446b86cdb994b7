package mlflow

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"modeldb/internal/record"
)

// workspaceHeader names the workspace of a request. Without it, all projects
// are seen.
const workspaceHeader = "X-Mlflow-Workspace"

// workspace is the project that the client named. Nil, it stands for all
// projects.
type workspace struct{ record.Project }

// key is the project's key, nil for all projects.
func (ws *workspace) key() *int64 {
	if ws == nil {
		return nil
	}
	return &ws.Key
}

// has reports whether a model is seen in the workspace.
func (ws *workspace) has(m record.Model) bool { return ws == nil || ws.Key == m.Project }

// nameOf is what a client in the workspace calls a model.
func (ws *workspace) nameOf(m record.Model) string {
	if ws == nil {
		return m.FullName
	}
	return m.Name
}

// workspaceOf is the workspace of a request.
func (d *Door) workspaceOf(r *http.Request) (*workspace, error) {
	values := r.Header[workspaceHeader]
	if len(values) == 0 {
		return nil, nil
	}
	name := strings.TrimSpace(values[0])
	if name == "" {
		return nil, nil
	}
	p, err := d.store.Workspace(r.Context(), name)
	if err != nil {
		return nil, noWorkspace(err, name)
	}
	return &workspace{p}, nil
}

func noWorkspace(err error, name string) error {
	if record.KindOf(err) == record.NotFound {
		return &problem{http.StatusNotFound, doesNotExist, "Workspace '" + name + "' not found"}
	}
	return err
}

// sees refuses a model of another workspace as one that is not there.
func (d *Door) sees(ctx context.Context, ws *workspace, model int64) error {
	if ws == nil {
		return nil
	}
	_, err := d.model(ctx, ws, model)
	return err
}

// model is a model, live or deleted, that the workspace has.
func (d *Door) model(ctx context.Context, ws *workspace, key int64) (record.Model, error) {
	m, err := d.store.AnyModel(ctx, key)
	if err == nil {
		err = ws.sees(m)
	}
	return m, err
}

// sees refuses a model of another workspace as one that is not there.
func (ws *workspace) sees(m record.Model) error {
	if ws.has(m) {
		return nil
	}
	return record.NotFound.Errorf("model_id", "the workspace %s has no such experiment", record.Quote(ws.Name))
}

// seesRun refuses a run of another workspace as one that is not there.
func (d *Door) seesRun(ctx context.Context, ws *workspace, id record.RunID) error {
	if ws == nil {
		return nil
	}
	project, known := d.places.of(id)
	if !known {
		_, m, err := d.store.AnyRun(ctx, id)
		if err != nil {
			return err
		}
		project = m.Project
		d.places.note(id, project)
	}
	if project != ws.Key {
		return record.NotFound.Errorf("experiment_id", "the workspace %s has no such run", record.Quote(ws.Name))
	}
	return nil
}

// seesLoggedModel refuses a logged model of another workspace as one that is
// not there.
func (d *Door) seesLoggedModel(ctx context.Context, ws *workspace, id string) error {
	if ws == nil {
		return nil
	}
	_, _, err := d.loggedModel(ctx, ws, id)
	return err
}

// loggedModel is a live logged model that the workspace has.
func (d *Door) loggedModel(ctx context.Context, ws *workspace, id string) (*record.LoggedModel, record.Model, error) {
	l, m, err := d.store.LoggedModel(ctx, id)
	if err == nil && !ws.has(m) {
		err = noLoggedModel(id)
	}
	return l, m, err
}

func noLoggedModel(id string) error {
	return record.NotFound.Errorf("logged_model_id", "the workspace has no logged model %s", record.Quote(id))
}

// places remembers which projects runs belong to, which never changes, so that
// a client that logs in a workspace does not have its run read each time.
type places struct {
	mu      sync.Mutex // guards project
	project map[record.RunID]int64
}

// maxPlaces is how many runs are remembered; then all are forgotten.
const maxPlaces = 100_000

func (p *places) of(id record.RunID) (project int64, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	project, known = p.project[id]
	return project, known
}

func (p *places) note(id record.RunID, project int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.project == nil || len(p.project) >= maxPlaces {
		p.project = map[record.RunID]int64{}
	}
	p.project[id] = project
}

// workspaceAnswer shows a project as a workspace.
type workspaceAnswer struct{ record.Project }

func (a workspaceAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"workspace":`...)
	dst = appendWorkspace(dst, a.Project)
	return append(dst, '}')
}

func appendWorkspace(dst []byte, p record.Project) []byte {
	dst = append(dst, `{"name":`...)
	dst = record.AppendJSON(dst, record.WorkspaceName(p))
	if p.Description != nil {
		dst = append(dst, `,"description":`...)
		dst = record.AppendJSON(dst, *p.Description)
	}
	return append(dst, '}')
}

type workspacesAnswer []record.Project

func (a workspacesAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"workspaces":[`...)
	for i, p := range a {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendWorkspace(dst, p)
	}
	return append(dst, "]}"...)
}

// workspacePage is how many projects are read at once.
const workspacePage = 500

func (d *Door) listWorkspaces(ctx context.Context, _ *workspace, _ *struct{}) (answer, error) {
	first, err := d.store.Workspace(ctx, record.DefaultWorkspace)
	if err != nil {
		return nil, err
	}
	all := workspacesAnswer{first}
	for after := int64(-1); ; {
		page, err := d.store.Projects(ctx, after, workspacePage)
		if err != nil {
			return nil, err
		}
		for _, p := range page {
			if p.Key != record.DefaultProject { // is the first already
				all = append(all, p)
			}
		}
		if len(page) < workspacePage {
			return all, nil
		}
		after = page[len(page)-1].Key
	}
}

type workspaceRequest struct {
	name        string
	description *string
}

func (r *workspaceRequest) readPath(value func(string) string) {
	if name := value("workspace"); name != "" {
		r.name = name
	}
}

var createWorkspaceFields = []field[workspaceRequest]{
	{name: "name", required: true, read: func(d *decoder, in *workspaceRequest) { in.name = d.str() }},
	{name: "description", read: func(d *decoder, in *workspaceRequest) { text := d.str(); in.description = &text }},
}

// getWorkspaceFields has none: the name is in the path.
var getWorkspaceFields []field[workspaceRequest]

func (d *Door) getWorkspace(ctx context.Context, _ *workspace, in *workspaceRequest) (answer, error) {
	p, err := d.store.Workspace(ctx, in.name)
	if err != nil {
		return nil, noWorkspace(err, in.name)
	}
	return workspaceAnswer{p}, nil
}

// createWorkspace makes a project.
func (d *Door) createWorkspace(ctx context.Context, _ *workspace, in *workspaceRequest) (answer, error) {
	if in.name == record.DefaultWorkspace {
		return nil, record.Invalid.Errorf("name", "The 'default' workspace is reserved and cannot be created")
	}
	if !record.CanBeWorkspace(in.name) {
		return nil, record.Invalid.Errorf("name", "Workspace name '%s' must match the pattern ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ "+
			"(lowercase alphanumeric with optional internal hyphens).", in.name)
	}
	switch _, err := d.store.Workspace(ctx, in.name); {
	case err == nil:
		return nil, &problem{http.StatusBadRequest, alreadyExists, "Workspace '" + in.name + "' already exists."}
	case record.KindOf(err) != record.NotFound:
		return nil, err
	}
	p, err := d.store.CreateProject(ctx, record.Project{Name: in.name, Description: in.description}, actor)
	if err != nil {
		return nil, err
	}
	return created{workspaceAnswer{p}}, nil
}
