package store

import (
	"context"
	"slices"
	"strconv"

	"modeldb/internal/record"
)

const versionColumns = `v.key, v.model, m.project, m.name, m.known_as, v.version, v.source, v.origin, v.run, v.run_link, v.logged_model, v.description, v.stage, v.created, v.updated, v.deleted`

func scanVersion(r row) record.ModelVersion {
	return record.ModelVersion{
		Key: r.Int(0), Model: r.Int(1), Project: r.Int(2), Name: r.Text(3), FullName: r.Text(4), Version: r.Int(5),
		Source: r.Text(6), Origin: r.Text(7), Run: r.Text(8), RunLink: r.Text(9), LoggedModel: r.Text(10),
		Description: optionalText(r, 11), Stage: record.Stage(r.Int(12)), Created: r.Int(13), Updated: r.Int(14), Deleted: r.Int(15),
	}
}

var (
	versionTable    = newTable("model_version", "key, model, version, source, origin, run, run_link, logged_model, description, stage, created, updated", "")
	versionTagTable = newTable("model_version_tag", "version, key, value", "on conflict (version, key) do update set value = excluded.value")
	stageTable      = newTable("model_stage", "model, version, key, stage, since, actor, reason", "")
)

const versionSQL = `
	select ` + versionColumns + `
	from model_version v
	join registered_model m on m.key = v.model
	where m.full_name = $1
	  and v.version = $2
	  and v.deleted is null`

// NewModelVersion is a version to make of a registered model.
type NewModelVersion struct {
	record.ModelVersion // of which FullName says of what, and the number, the times and the stage are the store's choice

	// List is what to call the registered model in the list of versions that
	// the logged model gets as a tag; empty: it gets none.
	List string
}

// takeNumberSQL takes the next number, and locks the registered model's row.
const takeNumberSQL = `
	update registered_model
	set versions = versions + 1, updated = $2
	where full_name = $1
	returning key, project, name, versions`

// CreateModelVersion makes the next version of a registered model and returns
// it. NotFound: there is no such registered model (field registered_model), or
// no such logged model (field logged_model_id) where it is to list the version.
func (s *Store) CreateModelVersion(ctx context.Context, n NewModelVersion, cause record.Cause) (made record.ModelVersion, err error) {
	if err := checkVersion(&n); err != nil {
		return made, err
	}
	tags, err := registryTags(n.Tags)
	if err != nil {
		return made, err
	}
	if !canBeRegistered(n.FullName) {
		return made, noRegistered(n.FullName)
	}
	err = s.write(ctx, func(t *tx) error {
		var logged record.LoggedModel
		var err error
		if n.List != "" {
			if logged, err = readLoggedModel(t, n.LoggedModel, s.db.lock("l")); err != nil {
				return err
			}
		}
		made = n.ModelVersion
		made.Key, made.Tags, made.Stage, made.Created, made.Updated, made.Version = s.keys.Sequence(), tags, record.StageNone, t.now, t.now, 0
		err = t.returning(takeNumberSQL, []any{n.FullName, t.now}, func(r row) error {
			made.Model, made.Project, made.Name, made.Version = r.Int(0), r.Int(1), r.Text(2), r.Int(3)
			return nil
		})
		switch {
		case err != nil:
			return err
		case made.Version == 0:
			return noRegistered(n.FullName)
		}
		t.addVersion(&made, cause)
		if n.List == "" {
			return nil
		}
		return t.listVersion(logged, n.List, made.Version)
	})
	return made, err
}

func checkVersion(n *NewModelVersion) error {
	for _, text := range []struct {
		field, value string
		limit        int
	}{
		{"source", n.Source, record.MaxSource}, {"source", n.Origin, record.MaxSource}, {"run_link", n.RunLink, record.MaxSource},
		{"run_id", n.Run, record.MaxVersionRun}, {"model_id", n.LoggedModel, record.MaxVersionRun},
		{"description", deref(n.Description), record.MaxDescription},
	} {
		if err := record.CheckText(text.field, text.value, text.limit); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) addVersion(v *record.ModelVersion, cause record.Cause) {
	t.add(versionTable, v.Key, v.Model, v.Version, v.Source, v.Origin, v.Run, v.RunLink, v.LoggedModel, nullable(v.Description), int64(v.Stage), v.Created, v.Updated)
	for _, tag := range v.Tags {
		t.add(versionTagTable, v.Key, tag.Key, tag.Value)
	}
	number := strconv.FormatInt(v.Version, 10)
	t.event(record.VersionCreated, cause.By, RegisteredObject, v.Model, "", change(append(because(cause),
		field{"run_id", &v.Run}, field{"source", &v.Source}, field{"version", &number})...))
}

// listVersion adds a version to the list that a logged model has as a tag.
func (t *tx) listVersion(logged record.LoggedModel, name string, version int64) error {
	key := loggedModelKey(logged.ID)
	there, err := one(t, func(r row) string { return r.Text(0) }, `select value from logged_model_tag where logged_model = $1 and key = $2`, key, record.VersionsTag)
	if err != nil {
		return err
	}
	t.add(loggedTagTable, key, record.VersionsTag, record.AppendVersion(deref(there), name, version))
	return t.exec(`update logged_model set updated = $2 where key = $1`, key, t.now)
}

// readVersion reads the row of a live version. NotFound (field version): there
// is none, or no such registered model.
func readVersion(from reader, full string, version int64) (record.ModelVersion, error) {
	var v *record.ModelVersion
	var err error
	if canBeRegistered(full) {
		v, err = one(from, scanVersion, versionSQL, full, version)
	}
	if err == nil && v == nil {
		err = noVersion(full, version)
	}
	return deref(v), err
}

func noVersion(full string, version int64) error {
	return record.NotFound.Errorf("version", "the registered model %s has no version %d", record.Quote(full), version)
}

// ModelVersion returns a live version, whole. NotFound (field version).
func (s *Store) ModelVersion(ctx context.Context, full string, version int64) (v record.ModelVersion, err error) {
	err = s.snapshot(ctx, func(from reader) (err error) {
		if v, err = readVersion(from, full, version); err != nil {
			return err
		}
		return readVersionWhole(from, &v)
	})
	return v, err
}

// readVersionWhole reads the tags and the aliases of a version.
func readVersionWhole(from reader, v *record.ModelVersion) (err error) {
	one := []record.ModelVersion{*v}
	if err := readVersionTags(from, one); err != nil {
		return err
	}
	*v = one[0]
	v.Aliases, err = list(from, func(r row) string { return r.Text(0) },
		`select alias from model_alias where model = $1 and version = $2 and until is null order by alias`, v.Model, v.Version)
	return err
}

// changeVersion locks the registered model of a live version, changes the
// version, and returns it whole. NotFound (field version).
func (s *Store) changeVersion(ctx context.Context, full string, version int64, alter func(t *tx, v *record.ModelVersion) error) (v record.ModelVersion, err error) {
	err = s.write(ctx, func(t *tx) error {
		_, err := t.lockRegistered(full)
		switch {
		case record.KindOf(err) == record.NotFound:
			return noVersion(full, version)
		case err != nil:
			return err
		}
		if v, err = readVersion(t, full, version); err != nil {
			return err
		}
		if err := alter(t, &v); err != nil {
			return err
		}
		return readVersionWhole(t, &v)
	})
	return v, err
}

// DescribeModelVersion sets the description of a version or, with nil, takes it
// away, and returns the version whole. NotFound (field version).
func (s *Store) DescribeModelVersion(ctx context.Context, full string, version int64, description *string, cause record.Cause) (record.ModelVersion, error) {
	if err := record.CheckText("description", deref(description), record.MaxDescription); err != nil {
		return record.ModelVersion{}, err
	}
	return s.changeVersion(ctx, full, version, func(t *tx, v *record.ModelVersion) error {
		number := strconv.FormatInt(version, 10)
		t.event(record.VersionDescribed, cause.By, RegisteredObject, v.Model, change(field{"description", v.Description}, field{"version", &number}),
			change(append(because(cause), field{"description", description}, field{"version", &number})...))
		v.Description, v.Updated = description, t.now
		return t.exec(`update model_version set description = $2, updated = $3 where key = $1`, v.Key, nullable(description), t.now)
	})
}

// DeleteModelVersion marks a version as deleted, and ends the aliases that
// point to it, and its stage. NotFound (field version).
func (s *Store) DeleteModelVersion(ctx context.Context, full string, version int64, cause record.Cause) error {
	_, err := s.changeVersion(ctx, full, version, func(t *tx, v *record.ModelVersion) error {
		if err := t.endAliases(v.Model, version, cause); err != nil {
			return err
		}
		number, stage := strconv.FormatInt(version, 10), v.Stage.String()
		t.event(record.VersionDeleted, cause.By, RegisteredObject, v.Model, change(field{"source", &v.Source}, field{"stage", &stage}, field{"version", &number}), gone(cause))
		if err := t.exec(`update model_stage set until = $3 where model = $1 and version = $2 and until is null`, v.Model, version, t.now); err != nil {
			return err
		}
		if err := t.exec(`update registered_model set updated = $2 where key = $1`, v.Model, t.now); err != nil {
			return err
		}
		return t.exec(`update model_version set deleted = $2, updated = $2 where key = $1`, v.Key, t.now)
	})
	return err
}

const othersInStageSQL = `
	select ` + versionColumns + `
	from model_version v
	join registered_model m on m.key = v.model
	where v.model = $1
	  and v.stage = $2
	  and v.version <> $3
	  and v.deleted is null
	order by v.version`

// MoveStage moves a version to a stage, and returns it whole. With archive,
// the other versions in that stage are moved to StageArchived. NotFound (field
// version).
func (s *Store) MoveStage(ctx context.Context, full string, version int64, to record.Stage, archive bool, cause record.Cause) (record.ModelVersion, error) {
	return s.changeVersion(ctx, full, version, func(t *tx, v *record.ModelVersion) error {
		if archive {
			others, err := list(t, scanVersion, othersInStageSQL, v.Model, int64(to), version)
			if err != nil {
				return err
			}
			for i := range others {
				if err := t.moveStage(&others[i], record.StageArchived, cause); err != nil {
					return err
				}
			}
		}
		if err := t.moveStage(v, to, cause); err != nil {
			return err
		}
		return t.exec(`update registered_model set updated = $2 where key = $1`, v.Model, t.now)
	})
}

func (t *tx) moveStage(v *record.ModelVersion, to record.Stage, cause record.Cause) error {
	if v.Stage != to {
		number, before, after := strconv.FormatInt(v.Version, 10), v.Stage.String(), to.String()
		t.event(record.StageMoved, cause.By, RegisteredObject, v.Model, change(field{"stage", &before}, field{"version", &number}),
			change(append(because(cause), field{"stage", &after}, field{"version", &number})...))
		if err := t.exec(`update model_stage set until = $3 where model = $1 and version = $2 and until is null`, v.Model, v.Version, t.now); err != nil {
			return err
		}
		t.add(stageTable, v.Model, v.Version, t.s.keys.Sequence(), int64(to), t.now, string(cause.By), cause.Reason)
	}
	v.Stage, v.Updated = to, t.now
	return t.exec(`update model_version set stage = $2, updated = $3 where key = $1`, v.Key, int64(to), t.now)
}

// SetModelVersionTag sets a tag of a version. NotFound (field version).
func (s *Store) SetModelVersionTag(ctx context.Context, full string, version int64, tag record.Tag) error {
	if err := checkRegistryTag(tag); err != nil {
		return err
	}
	_, err := s.changeVersion(ctx, full, version, func(t *tx, v *record.ModelVersion) error {
		t.add(versionTagTable, v.Key, tag.Key, tag.Value)
		return nil
	})
	return err
}

// DeleteModelVersionTag removes a tag of a version, if it has it. NotFound
// (field version).
func (s *Store) DeleteModelVersionTag(ctx context.Context, full string, version int64, tag string) error {
	_, err := s.changeVersion(ctx, full, version, func(t *tx, v *record.ModelVersion) error {
		if record.CheckKey("tags", tag) != nil {
			return nil // there can be no such tag
		}
		return t.exec(`delete from model_version_tag where version = $1 and key = $2`, v.Key, tag)
	})
	return err
}

// LatestVersions returns the highest version in each of the stages, whole;
// without stages, in each that there is. NotFound (field registered_model).
func (s *Store) LatestVersions(ctx context.Context, full string, stages []record.Stage) ([]record.ModelVersion, error) {
	m, err := s.RegisteredModel(ctx, full)
	if err != nil {
		return nil, err
	}
	var latest []record.ModelVersion
	for _, v := range m.Latest {
		if len(stages) > 0 && !slices.Contains(stages, v.Stage) {
			continue
		}
		for _, a := range m.Aliases {
			if a.Version == v.Version {
				v.Aliases = append(v.Aliases, a.Name)
			}
		}
		latest = append(latest, v)
	}
	return latest, nil
}
