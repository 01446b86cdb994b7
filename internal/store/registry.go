package store

import (
	"context"
	"slices"
	"strings"

	"modeldb/internal/record"
)

const registeredColumns = `m.key, m.project, m.name, m.known_as, m.description, m.versions, m.created, m.updated, m.deleted`

func scanRegistered(r row) record.RegisteredModel {
	return record.RegisteredModel{
		Key: r.Int(0), Project: r.Int(1), Name: r.Text(2), FullName: r.Text(3), Description: r.Text(4),
		Versions: r.Int(5), Created: r.Int(6), Updated: r.Int(7), Deleted: r.Int(8),
	}
}

var (
	registeredTable    = newTable("registered_model", "key, project, name, full_name, known_as, description, versions, created, updated", "")
	registeredTagTable = newTable("registered_model_tag", "model, key, value", "on conflict (model, key) do update set value = excluded.value")
)

const registeredSQL = `
	select ` + registeredColumns + `
	from registered_model m
	where m.full_name = $1`

// RegisteredObject is what events call a registered model. Those of its
// versions, stages and aliases are its events, too: together they are its history.
const RegisteredObject = "registered model"

// NewRegisteredModel is a registered model to make. With Project nil, Name is
// its full name, whose project is found by the domain's rule; else it is its
// name in that project.
type NewRegisteredModel struct {
	Project     *int64
	Name        string
	Description string
	Tags        []record.Tag // of several with one key, the last one counts
}

// CreateRegisteredModel makes a registered model and returns it. Conflict
// (field name): there is one of that full name.
func (s *Store) CreateRegisteredModel(ctx context.Context, n NewRegisteredModel, cause record.Cause) (made record.RegisteredModel, err error) {
	if err := record.CheckRegisteredName("name", n.Name); err != nil {
		return made, err
	}
	if err := record.CheckText("description", n.Description, record.MaxDescription); err != nil {
		return made, err
	}
	tags, err := registryTags(n.Tags)
	if err != nil {
		return made, err
	}
	project, name, err := s.registeredPlace(ctx, n)
	if err != nil {
		return made, err
	}
	if err := record.CheckText("name", name, record.MaxRegisteredName); err != nil {
		return made, err
	}
	full := record.RegisteredFullName(project, name)
	if !s.db.near() {
		if err := freeRegistered(s.reading(ctx), full); err != nil {
			return made, err
		}
	}
	projectID := record.ProjectID(project.Key)
	what := change(append(because(cause), field{"description", &n.Description}, field{"name", &name}, field{"project_id", &projectID})...)
	err = s.write(ctx, func(t *tx) error {
		if _, err := t.lockProject(project.Key); err != nil {
			return err
		}
		if t.look() {
			if err := freeRegistered(t, full); err != nil {
				return err
			}
		}
		made = record.RegisteredModel{
			Key: s.keys.Model(), Project: project.Key, Name: name, FullName: full, Description: n.Description,
			Created: t.now, Updated: t.now, Tags: tags,
		}
		t.add(registeredTable, made.Key, made.Project, name, full, full, made.Description, int64(0), t.now, t.now)
		for _, tag := range tags {
			t.add(registeredTagTable, made.Key, tag.Key, tag.Value)
		}
		t.event(record.Created, cause.By, RegisteredObject, made.Key, "", what)
		return t.flush() // see takeNumber, which does not look among the rows that wait
	})
	return made, err
}

// gone is the side of an event that says why nothing is there any more: empty
// where no reason is known.
func gone(cause record.Cause) string {
	if cause.Reason == "" {
		return ""
	}
	return change(because(cause)...)
}

// because is the reason of a change, for its event.
func because(cause record.Cause) []field {
	if cause.Reason == "" {
		return nil
	}
	return []field{{"reason", &cause.Reason}}
}

// registryTags are tags as they are kept: by key, and each once.
func registryTags(tags []record.Tag) ([]record.Tag, error) {
	for _, t := range tags {
		if err := checkRegistryTag(t); err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(slices.Values(lastOfEach(tags)), compareTags), nil
}

func checkRegistryTag(t record.Tag) error {
	if err := record.CheckKey("tags", t.Key); err != nil {
		return err
	}
	return record.CheckText(record.KeyField("tags", t.Key), t.Value, record.MaxRegistryTag)
}

// registeredPlace finds the project and the name in it of a new registered
// model: of P.M, the project that clients call P, if there is one, and else
// the default project.
func (s *Store) registeredPlace(ctx context.Context, n NewRegisteredModel) (record.Project, string, error) {
	if n.Project != nil {
		p, err := s.Project(ctx, *n.Project)
		return p, n.Name, err
	}
	if p, short, err := s.otherProjectOf(ctx, n.Name); p != nil || err != nil {
		return deref(p), short, err
	}
	p, err := s.Project(ctx, record.DefaultProject)
	return p, n.Name, err
}

// otherProjectOf is the project, other than the default one, that the full name
// of a registered model stands in, and the name there; nil: none.
func (s *Store) otherProjectOf(ctx context.Context, full string) (*record.Project, string, error) {
	workspace, short, dotted := strings.Cut(full, ".")
	if !dotted || record.CheckRegisteredName("name", short) != nil {
		return nil, "", nil
	}
	p, err := s.Workspace(ctx, workspace)
	switch {
	case record.KindOf(err) == record.NotFound || err == nil && p.Key == record.DefaultProject:
		return nil, "", nil
	case err != nil:
		return nil, "", err
	}
	return &p, short, nil
}

// freeRegistered refuses a full name that a registered model has.
func freeRegistered(from reader, full string) error {
	there, err := one(from, scanRegistered, registeredSQL, full)
	if err == nil && there != nil {
		err = record.Conflict.Errorf("name", "there is a registered model with the name %s already", record.Quote(full))
	}
	return err
}

// readRegistered reads the row of the live registered model with a full name.
// NotFound (field registered_model): there is none.
func readRegistered(from reader, full, lock string) (record.RegisteredModel, error) {
	var m *record.RegisteredModel
	var err error
	if canBeRegistered(full) {
		m, err = one(from, scanRegistered, registeredSQL+lock, full)
	}
	if err == nil && m == nil {
		err = noRegistered(full)
	}
	return deref(m), err
}

// canBeRegistered reports whether a full name can be one at all. One that
// cannot is not asked of a database, which may refuse it.
func canBeRegistered(full string) bool {
	return record.CheckText("", full, 2*record.MaxRegisteredName) == nil
}

func noRegistered(full string) error {
	return record.NotFound.Errorf("registered_model", "there is no registered model with the name %s", record.Quote(full))
}

// lockRegistered returns a live registered model, which stays so until the end
// of the transaction.
func (t *tx) lockRegistered(full string) (record.RegisteredModel, error) {
	return readRegistered(t, full, t.s.db.lock("m"))
}

// RegisteredModel returns the live registered model with a full name, whole.
// NotFound (field registered_model): there is none.
func (s *Store) RegisteredModel(ctx context.Context, full string) (m record.RegisteredModel, err error) {
	err = s.snapshot(ctx, func(from reader) (err error) {
		if m, err = readRegistered(from, full, ""); err != nil {
			return err
		}
		one := []record.RegisteredModel{m}
		err = readRegisteredLists(from, one)
		m = one[0]
		return err
	})
	return m, err
}

// changeRegistered locks a live registered model, changes it, and returns it
// whole.
func (s *Store) changeRegistered(ctx context.Context, full string, alter func(t *tx, m *record.RegisteredModel) error) (m record.RegisteredModel, err error) {
	err = s.write(ctx, func(t *tx) error {
		var err error
		if m, err = t.lockRegistered(full); err != nil {
			return err
		}
		if err := alter(t, &m); err != nil {
			return err
		}
		one := []record.RegisteredModel{m}
		err = readRegisteredLists(t, one)
		m = one[0]
		return err
	})
	return m, err
}

// DescribeRegisteredModel sets the description of a registered model, or takes
// it away with an empty one, and returns it whole. NotFound.
func (s *Store) DescribeRegisteredModel(ctx context.Context, full, description string, cause record.Cause) (record.RegisteredModel, error) {
	if err := record.CheckText("description", description, record.MaxDescription); err != nil {
		return record.RegisteredModel{}, err
	}
	return s.changeRegistered(ctx, full, func(t *tx, m *record.RegisteredModel) error {
		t.event(record.Described, cause.By, RegisteredObject, m.Key, change(field{"description", &m.Description}),
			change(append(because(cause), field{"description", &description})...))
		m.Description, m.Updated = description, t.now
		return t.exec(`update registered_model set description = $2, updated = $3 where key = $1`, m.Key, description, t.now)
	})
}

// RenameRegisteredModel gives a registered model another full name in its
// project, and returns it whole. Conflict (field new_name): the name is taken,
// or reads as one of another project. NotFound.
func (s *Store) RenameRegisteredModel(ctx context.Context, full, newFull string, cause record.Cause) (record.RegisteredModel, error) {
	if err := record.CheckRegisteredName("new_name", newFull); err != nil {
		return record.RegisteredModel{}, err
	}
	other, _, err := s.otherProjectOf(ctx, newFull)
	if err != nil {
		return record.RegisteredModel{}, err
	}
	return s.changeRegistered(ctx, full, func(t *tx, m *record.RegisteredModel) error {
		project, err := t.lockProject(m.Project)
		if err != nil {
			return err
		}
		if other != nil && other.Key != m.Project {
			return record.Conflict.Errorf("new_name", "a registered model named %s would read as one of the project %s, and it stays in its project; create it there, or choose another name",
				record.Quote(newFull), record.Quote(other.Name))
		}
		name := newFull
		if project.Key != record.DefaultProject {
			name = strings.TrimPrefix(newFull, record.WorkspaceName(project)+".")
		}
		if err := record.CheckText("new_name", name, record.MaxRegisteredName); err != nil {
			return err
		}
		newFull := record.RegisteredFullName(project, name)
		if newFull != m.FullName {
			if err := freeRegistered(t, newFull); err != nil {
				return err
			}
			t.event(record.Renamed, cause.By, RegisteredObject, m.Key, change(field{"name", &m.Name}), change(append(because(cause), field{"name", &name})...))
		}
		m.Name, m.FullName, m.Updated = name, newFull, t.now
		if err := t.exec(`update registered_model set name = $2, full_name = $3, known_as = $3, updated = $4 where key = $1`, m.Key, name, newFull, t.now); err != nil {
			return err
		}
		return t.exec(`update model_version set updated = $2 where model = $1 and deleted is null`, m.Key, t.now)
	})
}

// DeleteRegisteredModel marks a registered model as deleted, with its versions,
// and ends its aliases and stages. Its name is free, and a new one of that name
// counts its versions from 1. NotFound.
func (s *Store) DeleteRegisteredModel(ctx context.Context, full string, cause record.Cause) error {
	return s.write(ctx, func(t *tx) error {
		m, err := t.lockRegistered(full)
		if err != nil {
			return err
		}
		if err := t.endAliases(m.Key, anyVersion, cause); err != nil {
			return err
		}
		if err := t.exec(`update model_stage set until = $2 where model = $1 and until is null`, m.Key, t.now); err != nil {
			return err
		}
		t.event(record.Deleted, cause.By, RegisteredObject, m.Key, change(field{"name", &m.Name}), gone(cause))
		return t.exec(`update registered_model set deleted = $2, updated = $2, full_name = null where key = $1`, m.Key, t.now)
	})
}

// SetRegisteredModelTag sets a tag of a registered model. NotFound.
func (s *Store) SetRegisteredModelTag(ctx context.Context, full string, tag record.Tag) error {
	if err := checkRegistryTag(tag); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		m, err := t.lockRegistered(full)
		if err == nil {
			t.add(registeredTagTable, m.Key, tag.Key, tag.Value)
		}
		return err
	})
}

// DeleteRegisteredModelTag removes a tag of a registered model, if it has it.
// NotFound: there is no such registered model.
func (s *Store) DeleteRegisteredModelTag(ctx context.Context, full, tag string) error {
	return s.write(ctx, func(t *tx) error {
		m, err := t.lockRegistered(full)
		if err != nil || record.CheckKey("tags", tag) != nil { // there can be no such tag
			return err
		}
		return t.exec(`delete from registered_model_tag where model = $1 and key = $2`, m.Key, tag)
	})
}

// restoreRegisteredNames gives the registered models of a restored project
// their full names back, one of which another may have taken meanwhile.
func (t *tx) restoreRegisteredNames(p record.Project) error {
	const takenSQL = `
		select ` + registeredColumns + `
		from registered_model m
		join registered_model o on o.full_name = m.known_as
		where m.project = $1
		  and m.deleted is null
		  and m.full_name is null
		order by m.key`
	taken, err := list(t, scanRegistered, takenSQL, p.Key)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		return record.Conflict.Errorf("project_id", "the project %q cannot be restored: the name %s of one of its registered models belongs to another one now",
			record.ProjectID(p.Key), record.Quote(taken[0].FullName))
	}
	return t.exec(`update registered_model set full_name = known_as where project = $1 and deleted is null`, p.Key)
}
