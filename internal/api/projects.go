package api

import (
	"context"

	"modeldb/internal/record"
)

// ProjectPath names a project in a path.
type ProjectPath struct {
	ProjectID string `path:"project_id" example:"3f1b0a9c77de"`
}

type descriptionBody struct {
	Description *string `json:"description" nullable:"true" maxLength:"10000" example:"Which digit is it?" doc:"null removes the description."`
}

type newProject struct {
	ProjectName string  `json:"project_name" minLength:"1" maxLength:"255" example:"handwritten digits"`
	Description *string `json:"description,omitempty" nullable:"true" maxLength:"10000" example:"Which digit is it?"`
}

func (d *Door) allProjects(_ context.Context, in *Paging) (pager, error) {
	after := int64(-1)
	if in.Cursor != "" {
		key, err := record.ParseProjectID(in.Cursor)
		if err != nil {
			return nil, cursorError(err)
		}
		after = key
	}
	return func(ctx context.Context, l *listing) (bool, error) {
		limit := l.rows()
		projects, err := d.store.Projects(ctx, after, limit)
		for _, p := range projects {
			l.add(projectOf(p))
			after = p.Key
		}
		return len(projects) < limit, err
	}, nil
}

func (d *Door) projectByID(ctx context.Context, in *ProjectPath) (*answer[*Project], error) {
	key, err := record.ParseProjectID(in.ProjectID)
	if err != nil {
		return nil, err
	}
	p, err := d.store.Project(ctx, key)
	return reply(projectOf(p), err)
}

func (d *Door) projectByName(ctx context.Context, in *struct {
	ProjectName string `path:"project_name" example:"handwritten digits"`
}) (*answer[*Project], error) {
	p, err := d.store.ProjectByName(ctx, in.ProjectName)
	return reply(projectOf(p), err)
}

func (d *Door) addProject(ctx context.Context, in *struct{ Body newProject }) (*answer[*Project], error) {
	p, err := d.store.CreateProject(ctx, record.Project{Name: in.Body.ProjectName, Description: in.Body.Description}, actor)
	return reply(projectOf(p), err)
}

func (d *Door) describeProject(ctx context.Context, in *struct {
	ProjectPath
	Body descriptionBody
}) (*answer[*Project], error) {
	key, err := record.ParseProjectID(in.ProjectID)
	if err != nil {
		return nil, err
	}
	p, err := d.store.DescribeProject(ctx, key, in.Body.Description, actor)
	return reply(projectOf(p), err)
}

func (d *Door) deleteProject(ctx context.Context, in *ProjectPath) (*answer[*Project], error) {
	key, err := record.ParseProjectID(in.ProjectID)
	if err != nil {
		return nil, err
	}
	p, err := d.store.DeleteProject(ctx, key, actor)
	return reply(projectOf(p), err)
}

func (d *Door) restoreProject(ctx context.Context, in *ProjectPath) (*answer[*Project], error) {
	key, err := record.ParseProjectID(in.ProjectID)
	if err != nil {
		return nil, err
	}
	p, err := d.store.RestoreProject(ctx, key, actor)
	return reply(projectOf(p), err)
}
