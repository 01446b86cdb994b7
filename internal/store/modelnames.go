package store

import (
	"context"
	"slices"
	"strings"

	"modeldb/internal/record"
)

// NewModel is a model to make. With Project nil, Name is its full name, whose
// project is found by the domain's rule; else it is its name in that project.
type NewModel struct {
	Project  *int64
	Name     string
	Location string
	Tags     []record.Tag
}

var modelTagTable = newTable("model_tag", "model, key, value", "on conflict (model, key) do update set value = excluded.value")

// AddModel makes a model. Conflict: a live one has the name.
func (s *Store) AddModel(ctx context.Context, n NewModel, by record.Actor) (record.Model, error) {
	project, name, err := s.placeOf(ctx, n)
	if err != nil {
		return record.Model{}, err
	}
	if err := checkTags(n.Tags); err != nil {
		return record.Model{}, err
	}
	n.Tags = slices.SortedFunc(slices.Values(n.Tags), compareTags)
	if err := record.CheckText("artifact_location", n.Location, record.MaxDataset); err != nil {
		return record.Model{}, err
	}
	m, made, err := s.createModel(ctx, record.Model{Project: project, Name: name, Location: n.Location, Tags: n.Tags}, by)
	if err == nil && !made {
		err = record.Conflict.Errorf("model_name", "there is a model with the name %s already", record.Quote(n.Name))
	}
	return m, err
}

// placeOf finds the project and the name in it of a new model: of P/M, the
// project P if there is one, and else the default project.
func (s *Store) placeOf(ctx context.Context, n NewModel) (project int64, name string, err error) {
	if n.Project != nil {
		return *n.Project, n.Name, nil
	}
	for at := strings.LastIndexByte(n.Name, '/'); at > 0; at = strings.LastIndexByte(n.Name[:at], '/') {
		p, err := s.ProjectByName(ctx, n.Name[:at])
		if err == nil && p.Key != record.DefaultProject {
			return p.Key, n.Name[at+1:], nil
		}
		if record.KindOf(err) != record.NotFound && err != nil {
			return 0, "", err
		}
	}
	return record.DefaultProject, n.Name, nil
}

// AnyModel returns a model, live or deleted, with its tags. NotFound (field
// model_id): there is none.
func (s *Store) AnyModel(ctx context.Context, key int64) (record.Model, error) {
	m, err := s.modelOf(ctx, key)
	if err == nil {
		m.Tags, err = modelTags(s.reading(ctx), key)
	}
	return m, err
}

// modelOf is AnyModel without the tags.
func (s *Store) modelOf(ctx context.Context, key int64) (record.Model, error) {
	m, err := one(s.reading(ctx), scanModel, modelByKeySQL, key)
	if err == nil && m == nil {
		_, err = liveModel(nil, nil, key)
	}
	return deref(m), err
}

func modelTags(from reader, key int64) ([]record.Tag, error) {
	return list(from, scanTag, `select key, value from model_tag where model = $1 order by key`, key)
}

func scanTag(r row) record.Tag { return record.Tag{Key: r.Text(0), Value: r.Text(1)} }

const modelKnownAsSQL = `
	select ` + modelColumns + `
	from model m
	where m.known_as = $1
	order by m.full_name is null, m.deleted desc, m.key desc
	limit 1`

// ModelByFullName returns the live model with this full name, else the one
// deleted last, with its tags. NotFound (field model_name): there is none.
func (s *Store) ModelByFullName(ctx context.Context, full string) (m record.Model, err error) {
	var found *record.Model
	if record.CheckText("", full, 2*record.MaxName+1) == nil {
		found, err = one(s.reading(ctx), scanModel, modelKnownAsSQL, full)
	}
	if err == nil && found == nil {
		err = record.NotFound.Errorf("model_name", "there is no model with the full name %s", record.Quote(full))
	}
	if err != nil {
		return m, err
	}
	found.Tags, err = modelTags(s.reading(ctx), found.Key)
	return *found, err
}

// RenameModel gives a live model another name: a full name that stays in its
// project, or a name without its project's. Conflict: the name is taken.
// Inactive: the model is deleted.
func (s *Store) RenameModel(ctx context.Context, key int64, name string, by record.Actor) error {
	return s.write(ctx, func(t *tx) error {
		m, err := t.lockModel(key)
		if err != nil {
			return err
		}
		project, err := t.lockProject(m.Project)
		if err != nil {
			return err
		}
		name := name
		if project.Key != record.DefaultProject {
			name = strings.TrimPrefix(name, project.Name+"/")
		}
		if err := record.CheckName("new_name", name); err != nil || name == m.Name {
			return err
		}
		full := record.FullName(project, name)
		if err := t.ownName(project, full); err != nil {
			return err
		}
		there, err := one(t, scanModel, modelByFullNameSQL, full)
		if err != nil {
			return err
		}
		if there != nil {
			return record.Conflict.Errorf("new_name", "there is a model with the name %s already", record.Quote(full))
		}
		t.event(record.Renamed, by, "model", key, change(field{"model_name", &m.Name}), change(field{"model_name", &name}))
		t.forget()
		return t.exec(`update model set name = $2, full_name = $3, known_as = $3, updated = $4 where key = $1`, key, name, full, t.now)
	})
}

// ownName refuses a name of a model of the default project that reads as if it
// were of another one.
func (t *tx) ownName(project record.Project, full string) error {
	if project.Key != record.DefaultProject {
		return nil
	}
	for at := strings.LastIndexByte(full, '/'); at > 0; at = strings.LastIndexByte(full[:at], '/') {
		other, err := one(t, scanProject, projectByNameSQL, full[:at])
		if err != nil {
			return err
		}
		if other != nil && other.Key != record.DefaultProject {
			return record.Conflict.Errorf("new_name", "a model named %s would read as one of the project %s, and a model stays in its project; create it there, or choose another name",
				record.Quote(full), record.Quote(other.Name))
		}
	}
	return nil
}

// lockModel returns a model that takes changes, which stays so until the end
// of the transaction.
func (t *tx) lockModel(key int64) (record.Model, error) {
	m, err := one(t, scanModel, modelByKeySQL+t.s.db.lock("m"), key)
	return activeModel(m, err, key)
}

func activeModel(m *record.Model, err error, key int64) (record.Model, error) {
	switch {
	case err != nil:
		return record.Model{}, err
	case m == nil:
		return liveModel(nil, nil, key)
	case m.Gone:
		return *m, record.Inactive.Errorf("model_id", "the model %q, or its project, is deleted; restore it to change it", record.ModelID(key))
	}
	return *m, nil
}

// activeModel returns a model that takes runs; see liveModel.
func (t *tx) activeModel(key int64) (record.Model, error) {
	m, err := t.liveModel(key)
	if record.KindOf(err) != record.NotFound {
		return m, err
	}
	found, err := one(t, scanModel, modelByKeySQL, key)
	return activeModel(found, err, key)
}

// SetModelTag sets a tag of a live model. NotFound, Inactive.
func (s *Store) SetModelTag(ctx context.Context, key int64, tag record.Tag) error {
	if err := checkTag(tag); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		if _, err := t.lockModel(key); err != nil {
			return err
		}
		t.add(modelTagTable, key, tag.Key, tag.Value)
		return nil
	})
}

// DeleteModelTag removes a tag of a live model. NotFound with the field "tag":
// there is none. Inactive.
func (s *Store) DeleteModelTag(ctx context.Context, key int64, tag string) error {
	return s.write(ctx, func(t *tx) error {
		if _, err := t.lockModel(key); err != nil {
			return err
		}
		var n int64
		var err error
		if record.CheckKey("", tag) == nil {
			n, err = t.change(`delete from model_tag where model = $1 and key = $2`, key, tag)
		}
		if err == nil && n == 0 {
			err = record.NotFound.Errorf("tag", "the model %q has no tag %s", record.ModelID(key), record.Quote(tag))
		}
		return err
	})
}

// Workspace returns the live project that a client calls by this name of a
// workspace: "default", a project's name where MLflow allows it as such, or a
// project's id. NotFound (field workspace): there is none.
func (s *Store) Workspace(ctx context.Context, name string) (record.Project, error) {
	if name == record.DefaultWorkspace {
		return s.Project(ctx, record.DefaultProject)
	}
	var p record.Project
	err := error(record.NotFound.Errorf("workspace", ""))
	if record.CanBeWorkspace(name) {
		p, err = s.ProjectByName(ctx, name)
	}
	if record.KindOf(err) == record.NotFound {
		if key, bad := record.ParseProjectID(name); bad == nil {
			p, err = s.Project(ctx, key)
		}
	}
	if record.KindOf(err) == record.NotFound {
		return p, record.NotFound.Errorf("workspace", "there is no project with the name or id %s", record.Quote(name))
	}
	return p, err
}
