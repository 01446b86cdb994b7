package store

import (
	"context"
	"math"
	"strconv"

	"modeldb/internal/record"
)

const aliasColumns = `a.alias, a.version, a.since, a.until, a.actor, a.reason, a.model`

func scanAlias(r row) record.Alias {
	return record.Alias{Name: r.Text(0), Version: r.Int(1), Interval: scanInterval(r, 2)}
}

// scanInterval reads the columns since, until, actor and reason.
func scanInterval(r row, first int) record.Interval {
	return record.Interval{
		Since: r.Int(first), Until: r.Int(first + 1),
		Cause: record.Cause{By: record.Actor(r.Text(first + 2)), Reason: r.Text(first + 3)},
	}
}

var aliasTable = newTable("model_alias", "model, alias, key, version, since, actor, reason", "")

const aliasNowSQL = `
	select ` + aliasColumns + `
	from model_alias a
	where a.model = $1
	  and a.alias = $2
	  and a.until is null`

// SetAlias lets an alias of a registered model point to a version. NotFound
// (field version).
func (s *Store) SetAlias(ctx context.Context, full, alias string, version int64, cause record.Cause) error {
	if err := record.CheckNewAlias(alias); err != nil {
		return err
	}
	_, err := s.changeVersion(ctx, full, version, func(t *tx, v *record.ModelVersion) error {
		return t.moveAlias(v.Model, alias, &version, cause)
	})
	return err
}

// DeleteAlias ends an alias of a registered model, if it has it. NotFound
// (field registered_model).
func (s *Store) DeleteAlias(ctx context.Context, full, alias string, cause record.Cause) error {
	if err := record.CheckAlias(alias); err != nil {
		return err
	}
	return s.write(ctx, func(t *tx) error {
		m, err := t.lockRegistered(full)
		if err != nil {
			return err
		}
		return t.moveAlias(m.Key, alias, nil, cause)
	})
}

// moveAlias ends the interval of an alias, and begins another one unless the
// version is nil. The registered model is locked.
func (t *tx) moveAlias(model int64, alias string, to *int64, cause record.Cause) error {
	now, err := one(t, scanAlias, aliasNowSQL, model, alias)
	if err != nil {
		return err
	}
	var from *int64
	if now != nil {
		from = &now.Version
	}
	if from == nil && to == nil || from != nil && to != nil && *from == *to {
		return nil
	}
	side := func(version *int64) []field {
		var number *string
		if version != nil {
			text := strconv.FormatInt(*version, 10)
			number = &text
		}
		return []field{{"alias", &alias}, {"version", number}}
	}
	t.event(record.AliasMoved, cause.By, RegisteredObject, model, change(side(from)...), change(append(because(cause), side(to)...)...))
	if from != nil {
		if err := t.exec(`update model_alias set until = $3 where model = $1 and alias = $2 and until is null`, model, alias, t.now); err != nil {
			return err
		}
	}
	if to != nil {
		t.add(aliasTable, model, alias, t.s.keys.Sequence(), *to, t.now, string(cause.By), cause.Reason)
	}
	return nil
}

// anyVersion is no version's number: it stands for all of them.
const anyVersion int64 = -1

// endAliases ends the aliases that point to a version of a registered model,
// or to any.
func (t *tx) endAliases(model, version int64, cause record.Cause) error {
	all, err := list(t, scanAlias, `
		select `+aliasColumns+`
		from model_alias a
		where a.model = $1
		  and a.until is null
		order by a.alias`, model)
	if err != nil {
		return err
	}
	for _, a := range all {
		if version == anyVersion || a.Version == version {
			if err := t.moveAlias(model, a.Name, nil, cause); err != nil {
				return err
			}
		}
	}
	return nil
}

// highestSQL is the number of the highest live version.
const highestSQL = `
	select v.version
	from model_version v
	where v.model = $1
	  and v.deleted is null
	order by v.version desc
	limit 1`

// AliasedVersion returns the version, whole, that an alias of a registered
// model points to; "latest" is the highest one. NotFound: there is no such
// registered model (field registered_model), alias (alias), or no version at
// all (latest).
func (s *Store) AliasedVersion(ctx context.Context, full, alias string) (v record.ModelVersion, err error) {
	if err := record.CheckAlias(alias); err != nil {
		return v, err
	}
	err = s.snapshot(ctx, func(from reader) error {
		m, err := readRegistered(from, full, "")
		if err != nil {
			return err
		}
		number, err := aliasedNumber(from, m, alias)
		if err != nil {
			return err
		}
		if v, err = readVersion(from, full, number); err != nil {
			return err
		}
		return readVersionWhole(from, &v)
	})
	return v, err
}

func aliasedNumber(from reader, m record.RegisteredModel, alias string) (int64, error) {
	if record.IsLatest(alias) {
		highest, err := one(from, func(r row) int64 { return r.Int(0) }, highestSQL, m.Key)
		if err == nil && highest == nil {
			err = record.NotFound.Errorf("latest", "the registered model %s has no version", record.Quote(m.FullName))
		}
		return deref(highest), err
	}
	now, err := one(from, scanAlias, aliasNowSQL, m.Key, alias)
	if err == nil && now == nil {
		err = noAlias(m, alias)
	}
	return deref(now).Version, err
}

func noAlias(m record.RegisteredModel, alias string) error {
	return record.NotFound.Errorf("alias", "the registered model %s has no alias %s", record.Quote(m.FullName), record.Quote(alias))
}

const aliasAtSQL = `
	select ` + aliasColumns + `
	from model_alias a
	where a.model = $1
	  and a.alias = $2
	  and a.since <= $3
	  and (a.until is null or a.until > $3)
	order by a.key desc
	limit 1`

// AliasAt returns what an alias of a registered model meant at a time, in
// milliseconds (math.MaxInt64: now), also when the version was deleted since. NotFound: there is no
// such registered model (field registered_model), or the alias pointed to
// nothing then (alias).
func (s *Store) AliasAt(ctx context.Context, full, alias string, at int64) (then record.Alias, err error) {
	if err := record.CheckAlias(alias); err != nil {
		return then, err
	}
	err = s.snapshot(ctx, func(from reader) error {
		m, err := readRegistered(from, full, "")
		if err != nil {
			return err
		}
		found, err := one(from, scanAlias, aliasAtSQL, m.Key, alias, at)
		if err == nil && found == nil {
			when := "now"
			if at != math.MaxInt64 {
				when = "at " + atTime(at)
			}
			err = record.NotFound.Errorf("alias", "the registered model %s has no alias %s %s", record.Quote(full), record.Quote(alias), when)
		}
		then = deref(found)
		return err
	})
	return then, err
}

// Releases returns what the aliases of a registered model pointed to and in
// which stages its versions were, each with its times, from the first on.
// NotFound (field registered_model).
func (s *Store) Releases(ctx context.Context, full string) (aliases []record.Alias, stages []record.StageTime, err error) {
	err = s.snapshot(ctx, func(from reader) error {
		m, err := readRegistered(from, full, "")
		if err != nil {
			return err
		}
		aliases, err = list(from, scanAlias, `select `+aliasColumns+` from model_alias a where a.model = $1 order by a.key`, m.Key)
		if err != nil {
			return err
		}
		stages, err = list(from, func(r row) record.StageTime {
			return record.StageTime{Version: r.Int(0), Stage: record.Stage(r.Int(1)), Interval: scanInterval(r, 2)}
		}, `select version, stage, since, until, actor, reason from model_stage where model = $1 order by key`, m.Key)
		return err
	})
	return aliases, stages, err
}

const aliasBeforeSQL = `
	select ` + aliasColumns + `
	from model_alias a
	where a.model = $1
	  and a.alias = $2
	  and a.version <> $3
	  and a.until is not null
	order by a.key desc
	limit 1`

// RollBackAlias lets an alias of a registered model point to what it pointed
// to before, and returns the version, whole. NotFound: there is no such
// registered model (field registered_model), the alias never pointed to
// anything else (alias), or what it pointed to is deleted (version).
func (s *Store) RollBackAlias(ctx context.Context, full, alias string, cause record.Cause) (v record.ModelVersion, err error) {
	if err := record.CheckNewAlias(alias); err != nil {
		return v, err
	}
	err = s.write(ctx, func(t *tx) error {
		m, err := t.lockRegistered(full)
		if err != nil {
			return err
		}
		now, err := one(t, scanAlias, aliasNowSQL, m.Key, alias)
		if err != nil {
			return err
		}
		before, err := one(t, scanAlias, aliasBeforeSQL, m.Key, alias, deref(now).Version)
		if err != nil {
			return err
		}
		if before == nil {
			return record.NotFound.Errorf("alias", "the alias %s of the registered model %s never pointed to another version", record.Quote(alias), record.Quote(full))
		}
		if v, err = readVersion(t, full, before.Version); err != nil {
			return err
		}
		if err := t.moveAlias(m.Key, alias, &before.Version, cause); err != nil {
			return err
		}
		return readVersionWhole(t, &v)
	})
	return v, err
}
