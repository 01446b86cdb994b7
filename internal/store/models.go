package store

import (
	"context"

	"modeldb/internal/record"
)

const modelColumns = `m.key, m.project, m.name, m.description, m.created, m.deleted, m.full_name, m.known_as, m.location, m.updated`

func scanModel(r row) record.Model {
	return record.Model{
		Key:         r.Int(0),
		Project:     r.Int(1),
		Name:        r.Text(2),
		Description: optionalText(r, 3),
		Created:     r.Int(4),
		Deleted:     r.Int(5),
		Gone:        r.Null(6),
		FullName:    r.Text(7),
		Location:    r.Text(8),
		Updated:     r.Int(9),
	}
}

var modelTable = newTable("model", "key, project, name, full_name, known_as, location, description, created, updated", "")

const modelByKeySQL = `
	select ` + modelColumns + `
	from model m
	where m.key = $1`

const modelByFullNameSQL = `
	select ` + modelColumns + `
	from model m
	where m.full_name = $1`

const modelInProjectSQL = `
	select ` + modelColumns + `
	from model m
	where m.name = $1
	  and m.project = $2
	  and m.full_name is not null`

// CreateModel keeps a new model of a project and returns it. If the project
// has a live model of that name already, that one is returned as it is.
// NotFound: there is no such project. Conflict: the name would look like that
// of another project's model to MLflow's clients.
func (s *Store) CreateModel(ctx context.Context, m record.Model, by record.Actor) (record.Model, error) {
	m, _, err := s.createModel(ctx, m, by)
	return m, err
}

// createModel is CreateModel, and also keeps the tags and the location of a
// new model. It reports whether it made one.
func (s *Store) createModel(ctx context.Context, m record.Model, by record.Actor) (made record.Model, isNew bool, err error) {
	if err := checkDescribed("model_name", m.Name, m.Description); err != nil {
		return m, false, err
	}
	if !s.db.near() {
		if there, err := one(s.reading(ctx), scanModel, modelInProjectSQL, m.Name, m.Project); err != nil || there != nil {
			return deref(there), false, err
		}
	}
	projectID := record.ProjectID(m.Project)
	what := change(field{"description", m.Description}, field{"model_name", &m.Name}, field{"project_id", &projectID})
	err = s.write(ctx, func(t *tx) error {
		isNew = false
		project, err := t.lockProject(m.Project)
		if err != nil {
			return err
		}
		full := record.FullName(project, m.Name)
		if t.look() {
			there, err := one(t, scanModel, modelByFullNameSQL, full)
			if err != nil || there != nil {
				made, err = sameModel(there, err, m, full)
				return err
			}
		}
		made, isNew = m, true
		made.Key, made.Created, made.Updated, made.Deleted, made.FullName = t.s.keys.Model(), t.now, t.now, 0, full
		t.add(modelTable, made.Key, made.Project, made.Name, full, full, made.Location, nullable(made.Description), made.Created, made.Updated)
		for _, tag := range made.Tags {
			t.add(modelTagTable, made.Key, tag.Key, tag.Value)
		}
		t.event(record.Created, by, "model", made.Key, "", what)
		return nil
	})
	return made, isNew, err
}

// lockProject returns a live project, which stays so until the end of the
// transaction. A group's writes mostly concern few projects, so it remembers.
func (t *tx) lockProject(key int64) (record.Project, error) {
	if p, ok := t.projects[key]; ok {
		return p, nil
	}
	found, err := one(t, scanProject, projectByKeySQL+t.s.db.lockShared("p"), key)
	p, err := liveProject(found, err, key)
	if err == nil {
		t.projects[key] = p
	}
	return p, err
}

// sameModel is the answer of a create whose full name belongs to a model.
func sameModel(there *record.Model, err error, wanted record.Model, full string) (record.Model, error) {
	if err == nil && there.Project != wanted.Project {
		err = record.Conflict.Errorf("model_name", "a model named %s in the project %q would have the full name %s, which belongs to the model %q of the project %q already",
			record.Quote(wanted.Name), record.ProjectID(wanted.Project), record.Quote(full), record.ModelID(there.Key), record.ProjectID(there.Project))
	}
	return deref(there), err
}

// Model returns the model with this key. NotFound: there is none, or it or
// its project is deleted.
func (s *Store) Model(ctx context.Context, key int64) (record.Model, error) {
	m, err := one(s.reading(ctx), scanModel, modelByKeySQL, key)
	return liveModel(m, err, key)
}

func liveModel(m *record.Model, err error, key int64) (record.Model, error) {
	switch {
	case err != nil:
		return record.Model{}, err
	case m == nil:
		return record.Model{}, record.NotFound.Errorf("model_id", "there is no model with the id %q", record.ModelID(key))
	case m.Deleted != 0:
		return record.Model{}, record.NotFound.Errorf("model_id", "the model with the id %q was deleted at %s; restore it to see it again",
			record.ModelID(key), atTime(m.Deleted))
	case m.Gone:
		return record.Model{}, record.NotFound.Errorf("model_id", "the project %q of the model with the id %q was deleted; restore it to see it again",
			record.ProjectID(m.Project), record.ModelID(key))
	}
	return *m, nil
}

// liveModel is Model inside a transaction. The writes of a group mostly
// concern few models, so it remembers what it read.
func (t *tx) liveModel(key int64) (record.Model, error) {
	if m, ok := t.models[key]; ok {
		return m, nil
	}
	found, err := one(t, scanModel, modelByKeySQL, key)
	m, err := liveModel(found, err, key)
	if err == nil {
		t.models[key] = m
	}
	return m, err
}

// The default model is listed once it holds a run.
const listedModel = `
	  and m.full_name is not null
	  and (m.key <> 0 or exists (select 1 from run where model = 0 and deleted is null))`

const modelsSQL = `
	select ` + modelColumns + `
	from model m
	where m.key > $1` + listedModel + `
	order by m.key
	limit $2`

const modelsOfProjectSQL = `
	select ` + modelColumns + `
	from model m
	where m.project = $1
	  and m.key > $2` + listedModel + `
	order by m.key
	limit $3`

const modelsNamedSQL = `
	select ` + modelColumns + `
	from model m
	where m.name = $1
	  and m.key > $2` + listedModel + `
	order by m.key
	limit $3`

// Models returns at most limit live models in the order in which they were
// made: with -1 from the first, else those after the model with the given key,
// live or deleted. NotFound: there is no such model.
func (s *Store) Models(ctx context.Context, after int64, limit int) ([]record.Model, error) {
	if err := s.modelPlace(ctx, after); err != nil {
		return nil, err
	}
	return list(s.reading(ctx), scanModel, modelsSQL, after, int64(limit))
}

// modelPlace refuses a place in a list of models that no model has.
func (s *Store) modelPlace(ctx context.Context, after int64) error {
	if after < 0 {
		return nil
	}
	m, err := one(s.reading(ctx), scanModel, modelByKeySQL, after)
	if err == nil && m == nil {
		err = record.NotFound.Errorf("cursor", "there is no model with the id %q", record.ModelID(after))
	}
	return err
}

// ModelsOfProject is Models of one project. NotFound: there is no such project.
func (s *Store) ModelsOfProject(ctx context.Context, project, after int64, limit int) ([]record.Model, error) {
	if _, err := s.Project(ctx, project); err != nil {
		return nil, err
	}
	if err := s.modelPlace(ctx, after); err != nil {
		return nil, err
	}
	return list(s.reading(ctx), scanModel, modelsOfProjectSQL, project, after, int64(limit))
}

// ModelsNamed is Models with one name; several projects may have one.
// NotFound: no project has one.
func (s *Store) ModelsNamed(ctx context.Context, name string, after int64, limit int) ([]record.Model, error) {
	if err := s.modelPlace(ctx, after); err != nil {
		return nil, err
	}
	var models []record.Model
	var err error
	if record.CanBeName(name) {
		models, err = list(s.reading(ctx), scanModel, modelsNamedSQL, name, after, int64(limit))
	}
	if err == nil && len(models) == 0 && after < 0 {
		err = record.NotFound.Errorf("model_name", "there is no model with the name %s", record.Quote(name))
	}
	return models, err
}

// DescribeModel sets or, with nil, removes a model's description.
func (s *Store) DescribeModel(ctx context.Context, key int64, description *string, by record.Actor) (m record.Model, err error) {
	if err := checkDescribed("", "-", description); err != nil {
		return m, err
	}
	err = s.write(ctx, func(t *tx) error {
		found, err := one(t, scanModel, modelByKeySQL+s.db.lock("m"), key)
		if m, err = liveModel(found, err, key); err != nil {
			return err
		}
		t.event(record.Described, by, "model", key, change(field{"description", m.Description}), change(field{"description", description}))
		m.Description = description
		t.forget()
		return t.exec(`update model set description = $2 where key = $1`, key, nullable(description))
	})
	return m, err
}

// DeleteModel marks a model as deleted. Its runs are out of sight with it, and
// its name is free.
func (s *Store) DeleteModel(ctx context.Context, key int64, by record.Actor) (m record.Model, err error) {
	if key == record.DefaultModel {
		return m, record.Conflict.Errorf("model_id", "the default model %q cannot be deleted", record.ModelID(key))
	}
	err = s.write(ctx, func(t *tx) error {
		found, err := one(t, scanModel, modelByKeySQL+s.db.lock("m"), key)
		if m, err = liveModel(found, err, key); err != nil {
			return err
		}
		m.Deleted, m.Updated, m.Gone = t.now, t.now, true
		t.event(record.Deleted, by, "model", key, change(field{"model_name", &m.Name}), "")
		t.forget()
		return t.exec(`update model set deleted = $2, updated = $2, full_name = null where key = $1`, key, m.Deleted)
	})
	return m, err
}

// RestoreModel brings a deleted model back, with the runs that were not
// deleted by themselves. Conflict: its name was taken meanwhile. NotFound:
// there is no such model, or its project is deleted. Restoring a live model
// changes nothing.
func (s *Store) RestoreModel(ctx context.Context, key int64, by record.Actor) (m record.Model, err error) {
	err = s.write(ctx, func(t *tx) error {
		found, err := one(t, scanModel, modelByKeySQL+s.db.lock("m"), key)
		if found == nil || found.Deleted == 0 {
			m, err = liveModel(found, err, key)
			return err
		}
		project, err := t.lockProject(found.Project)
		if err != nil {
			return err
		}
		m = *found
		m.Deleted, m.Updated, m.Gone = 0, t.now, false
		t.event(record.Restored, by, "model", key, "", change(field{"model_name", &m.Name}))
		if err := t.exec(`update model set deleted = null, updated = $2 where key = $1`, key, t.now); err != nil {
			return err
		}
		return t.claimName(m, record.FullName(project, m.Name))
	})
	return m, err
}

// claimName gives a restored model its full name back, which another model
// may have taken meanwhile.
func (t *tx) claimName(m record.Model, full string) error {
	there, err := one(t, scanModel, modelByFullNameSQL, full)
	if err != nil {
		return err
	}
	if there != nil {
		return record.Conflict.Errorf("model_id", "the model %q cannot be restored: its name %s belongs to the model %q now",
			record.ModelID(m.Key), record.Quote(full), record.ModelID(there.Key))
	}
	return t.exec(`update model set full_name = $2 where key = $1`, m.Key, full)
}
