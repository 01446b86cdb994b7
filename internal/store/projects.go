package store

import (
	"cmp"
	"context"
	"time"

	"modeldb/internal/record"
)

const projectColumns = `p.key, p.name, p.description, p.created, p.deleted`

func scanProject(r row) record.Project {
	return record.Project{
		Key:         r.Int(0),
		Name:        r.Text(1),
		Description: optionalText(r, 2),
		Created:     r.Int(3),
		Deleted:     r.Int(4),
	}
}

func optionalText(r row, column int) *string {
	if r.Null(column) {
		return nil
	}
	text := r.Text(column)
	return &text
}

func nullable(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}

var projectTable = newTable("project", "key, name, description, created", "")

const projectByNameSQL = `
	select ` + projectColumns + `
	from project p
	where p.name = $1
	  and p.deleted is null`

const projectByKeySQL = `
	select ` + projectColumns + `
	from project p
	where p.key = $1`

// CreateProject keeps a new project and returns it. If a live project has its
// name already, that one is returned as it is.
func (s *Store) CreateProject(ctx context.Context, p record.Project, by record.Actor) (record.Project, error) {
	if err := checkDescribed("project_name", p.Name, p.Description); err != nil {
		return p, err
	}
	if !s.db.near() {
		if there, err := s.ProjectByName(ctx, p.Name); record.KindOf(err) != record.NotFound {
			return there, err
		}
	}
	what := change(field{"description", p.Description}, field{"project_name", &p.Name})
	var made record.Project
	err := s.write(ctx, func(t *tx) error {
		if t.look() {
			there, err := one(t, scanProject, projectByNameSQL, p.Name)
			if err != nil || there != nil {
				made = deref(there)
				return err
			}
		}
		made = p
		made.Key, made.Created, made.Deleted = t.s.keys.Project(), t.now, 0
		t.add(projectTable, made.Key, made.Name, nullable(made.Description), made.Created)
		t.event(record.Created, by, "project", made.Key, "", what)
		return nil
	})
	return made, err
}

func checkDescribed(field, name string, description *string) error {
	if err := record.CheckName(field, name); err != nil || description == nil {
		return err
	}
	return record.CheckText("description", *description, record.MaxDescription)
}

// Project returns the project with this key. NotFound: there is none, or it
// is deleted.
func (s *Store) Project(ctx context.Context, key int64) (record.Project, error) {
	p, err := one(s.reading(ctx), scanProject, projectByKeySQL, key)
	return liveProject(p, err, key)
}

func liveProject(p *record.Project, err error, key int64) (record.Project, error) {
	switch {
	case err != nil:
		return record.Project{}, err
	case p == nil:
		return record.Project{}, record.NotFound.Errorf("project_id", "there is no project with the id %q", record.ProjectID(key))
	case p.Deleted != 0:
		return record.Project{}, record.NotFound.Errorf("project_id", "the project with the id %q was deleted at %s; restore it to see it again",
			record.ProjectID(key), atTime(p.Deleted))
	}
	return *p, nil
}

func atTime(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// ProjectByName returns the live project with this name. NotFound: there is none.
func (s *Store) ProjectByName(ctx context.Context, name string) (record.Project, error) {
	var p *record.Project
	var err error
	if record.CanBeName(name) {
		p, err = one(s.reading(ctx), scanProject, projectByNameSQL, name)
	}
	if err == nil && p == nil {
		err = record.NotFound.Errorf("project_name", "there is no project with the name %s", record.Quote(name))
	}
	return deref(p), err
}

// The default project is listed once it holds something: a run of the default
// model, or a model that somebody made.
const projectsSQL = `
	select ` + projectColumns + `
	from project p
	where p.key > $1
	  and p.deleted is null
	  and (p.key <> 0
	       or exists (select 1 from run where model = 0 and deleted is null)
	       or exists (select 1 from model where project = 0 and key <> 0 and full_name is not null))
	order by p.key
	limit $2`

// Projects returns at most limit live projects in the order in which they were
// made: with -1 from the first, else those after the project with the given key,
// live or deleted. NotFound: there is no such project.
func (s *Store) Projects(ctx context.Context, after int64, limit int) ([]record.Project, error) {
	if after >= 0 {
		if p, err := one(s.reading(ctx), scanProject, projectByKeySQL, after); err != nil || p == nil {
			return nil, cmp.Or(err, record.NotFound.Errorf("cursor", "there is no project with the id %q", record.ProjectID(after)))
		}
	}
	return list(s.reading(ctx), scanProject, projectsSQL, after, int64(limit))
}

// DescribeProject sets or, with nil, removes a project's description.
func (s *Store) DescribeProject(ctx context.Context, key int64, description *string, by record.Actor) (p record.Project, err error) {
	if err := checkDescribed("", "-", description); err != nil {
		return p, err
	}
	err = s.write(ctx, func(t *tx) error {
		found, err := one(t, scanProject, projectByKeySQL+s.db.lock("p"), key)
		if p, err = liveProject(found, err, key); err != nil {
			return err
		}
		t.event(record.Described, by, "project", key, change(field{"description", p.Description}), change(field{"description", description}))
		p.Description = description
		return t.exec(`update project set description = $2 where key = $1`, key, nullable(description))
	})
	return p, err
}

// DeleteProject marks a project as deleted. Its models and runs are out of
// sight with it, and all their names are free.
func (s *Store) DeleteProject(ctx context.Context, key int64, by record.Actor) (p record.Project, err error) {
	if key == record.DefaultProject {
		return p, record.Conflict.Errorf("project_id", "the default project %q cannot be deleted", record.ProjectID(key))
	}
	err = s.write(ctx, func(t *tx) error {
		found, err := one(t, scanProject, projectByKeySQL+s.db.lock("p"), key)
		if p, err = liveProject(found, err, key); err != nil {
			return err
		}
		p.Deleted = t.now
		t.event(record.Deleted, by, "project", key, change(field{"project_name", &p.Name}), "")
		t.forget()
		if err := t.exec(`update model set full_name = null where project = $1`, key); err != nil {
			return err
		}
		if err := t.exec(`update registered_model set full_name = null where project = $1`, key); err != nil {
			return err
		}
		return t.exec(`update project set deleted = $2 where key = $1`, key, p.Deleted)
	})
	return p, err
}

// RestoreProject brings a deleted project back with the models and runs that
// were not deleted by themselves. Conflict: a name was taken meanwhile.
// Restoring a live project changes nothing.
func (s *Store) RestoreProject(ctx context.Context, key int64, by record.Actor) (p record.Project, err error) {
	err = s.write(ctx, func(t *tx) error {
		found, err := one(t, scanProject, projectByKeySQL+s.db.lock("p"), key)
		if err == nil && found == nil {
			_, err = liveProject(nil, nil, key)
		}
		if err != nil {
			return err
		}
		if p = *found; p.Deleted == 0 {
			return nil
		}
		if there, err := one(t, scanProject, projectByNameSQL, p.Name); err != nil {
			return err
		} else if there != nil {
			return record.Conflict.Errorf("project_id", "the project %q cannot be restored: its name %s belongs to the project %q now",
				record.ProjectID(key), record.Quote(p.Name), record.ProjectID(there.Key))
		}
		p.Deleted = 0
		t.event(record.Restored, by, "project", key, "", change(field{"project_name", &p.Name}))
		if err := t.exec(`update project set deleted = null where key = $1`, key); err != nil {
			return err
		}
		if err := t.restoreRegisteredNames(p); err != nil {
			return err
		}
		return t.restoreNames(p)
	})
	return p, err
}

// restoreNames gives the models of a restored project their full names back.
func (t *tx) restoreNames(p record.Project) error {
	models, err := list(t, scanModel, `
		select `+modelColumns+`
		from model m
		where m.project = $1
		  and m.deleted is null`, p.Key)
	if err != nil {
		return err
	}
	for _, m := range models {
		if err := t.claimName(m, record.FullName(p, m.Name)); err != nil {
			return err
		}
	}
	return nil
}
