package api

import (
	"context"

	"modeldb/internal/record"
)

// ModelPath names a model in a path.
type ModelPath struct {
	ModelID string `path:"model_id" example:"244871654494208"`
}

type newModel struct {
	ProjectID   string  `json:"project_id" example:"3f1b0a9c77de"`
	ModelName   string  `json:"model_name" minLength:"1" maxLength:"255" example:"random forest"`
	Description *string `json:"description,omitempty" nullable:"true" maxLength:"10000" example:"Trees over pixels"`
}

// modelPages goes through models by their keys.
func modelPages(cursor string, read func(ctx context.Context, after int64, limit int) ([]record.Model, error)) (pager, error) {
	after := int64(-1)
	if cursor != "" {
		key, err := record.ParseModelID(cursor)
		if err != nil {
			return nil, cursorError(err)
		}
		after = key
	}
	return func(ctx context.Context, l *listing) (bool, error) {
		limit := l.rows()
		models, err := read(ctx, after, limit)
		for _, m := range models {
			l.add(modelOf(m))
			after = m.Key
		}
		return len(models) < limit, err
	}, nil
}

func (d *Door) allModels(_ context.Context, in *Paging) (pager, error) {
	return modelPages(in.Cursor, d.store.Models)
}

func (d *Door) modelsOfProject(_ context.Context, in *struct {
	ProjectPath
	Paging
}) (pager, error) {
	project, err := record.ParseProjectID(in.ProjectID)
	if err != nil {
		return nil, err
	}
	return modelPages(in.Cursor, func(ctx context.Context, after int64, limit int) ([]record.Model, error) {
		return d.store.ModelsOfProject(ctx, project, after, limit)
	})
}

func (d *Door) modelsOfNamedProject(ctx context.Context, in *struct {
	PathName  string `path:"project_name" example:"handwritten digits"`
	QueryName string `query:"project_name" doc:"As the first service took it."`
	Paging
}) (pager, error) {
	name := in.PathName
	if in.QueryName != "" {
		name = in.QueryName
	}
	project, err := d.store.ProjectByName(ctx, name)
	if err != nil {
		return nil, err
	}
	return modelPages(in.Cursor, func(ctx context.Context, after int64, limit int) ([]record.Model, error) {
		return d.store.ModelsOfProject(ctx, project.Key, after, limit)
	})
}

func (d *Door) modelsByName(_ context.Context, in *struct {
	ModelName string `path:"model_name" example:"random forest"`
	Paging
}) (pager, error) {
	return modelPages(in.Cursor, func(ctx context.Context, after int64, limit int) ([]record.Model, error) {
		return d.store.ModelsNamed(ctx, in.ModelName, after, limit)
	})
}

func (d *Door) modelByID(ctx context.Context, in *ModelPath) (*answer[*Model], error) {
	key, err := record.ParseModelID(in.ModelID)
	if err != nil {
		return nil, err
	}
	m, err := d.store.Model(ctx, key)
	return reply(modelOf(m), err)
}

func (d *Door) addModel(ctx context.Context, in *struct{ Body newModel }) (*answer[*Model], error) {
	project, err := record.ParseProjectID(in.Body.ProjectID)
	if err != nil {
		return nil, err
	}
	m, err := d.store.CreateModel(ctx, record.Model{Project: project, Name: in.Body.ModelName, Description: in.Body.Description}, actor)
	return reply(modelOf(m), err)
}

func (d *Door) describeModel(ctx context.Context, in *struct {
	ModelPath
	Body descriptionBody
}) (*answer[*Model], error) {
	key, err := record.ParseModelID(in.ModelID)
	if err != nil {
		return nil, err
	}
	m, err := d.store.DescribeModel(ctx, key, in.Body.Description, actor)
	return reply(modelOf(m), err)
}

func (d *Door) deleteModel(ctx context.Context, in *ModelPath) (*answer[*Model], error) {
	key, err := record.ParseModelID(in.ModelID)
	if err != nil {
		return nil, err
	}
	m, err := d.store.DeleteModel(ctx, key, actor)
	return reply(modelOf(m), err)
}

func (d *Door) restoreModel(ctx context.Context, in *ModelPath) (*answer[*Model], error) {
	key, err := record.ParseModelID(in.ModelID)
	if err != nil {
		return nil, err
	}
	m, err := d.store.RestoreModel(ctx, key, actor)
	return reply(modelOf(m), err)
}
