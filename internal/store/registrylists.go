package store

import (
	"slices"

	"modeldb/internal/record"
)

// keysAtOnce is how many keys one statement asks for; see padded.
const keysAtOnce = 64

// eachOf runs a query, whose conditions name keysAtOnce placeholders, for any
// number of keys.
func eachOf(from reader, sql string, keys []int64, scan func(row) error) error {
	for some := range slices.Chunk(keys, keysAtOnce) {
		if err := from.query(sql, padded(some, keysAtOnce, func(key int64) any { return key }), scan); err != nil {
			return err
		}
	}
	return nil
}

var (
	someKeys = placeholders(1, keysAtOnce)

	registeredTagsSQL = `
	select t.key, t.value, t.model
	from registered_model_tag t
	where t.model in (` + someKeys + `)
	order by t.model, t.key`

	aliasesSQL = `
	select ` + aliasColumns + `
	from model_alias a
	where a.model in (` + someKeys + `)
	  and a.until is null
	order by a.model, a.alias`

	versionTagsSQL = `
	select t.key, t.value, t.version
	from model_version_tag t
	where t.version in (` + someKeys + `)
	order by t.version, t.key`

	// The index of stages has the highest version of each at its end, and at its
	// beginning the lowest one, in whose order MLflow lists them. With an equality
	// of stages, PostgreSQL may rather walk along all versions and hope that one
	// of the stage comes soon; a range leaves only that index.
	latestKeysSQL = `
	select (
			select w.key
			from model_version w
			where w.model = m.key
			  and w.stage >= s.stage
			  and w.stage <= s.stage
			  and w.deleted is null
			order by w.stage desc, w.version desc
			limit 1),
		(
			select w.version
			from model_version w
			where w.model = m.key
			  and w.stage >= s.stage
			  and w.stage <= s.stage
			  and w.deleted is null
			order by w.stage, w.version
			limit 1) as lowest
	from registered_model m
	cross join (select 0 as stage union all select 1 union all select 2 union all select 3) s
	where m.key in (` + someKeys + `)
	order by lowest`

	versionsByKeySQL = `
	select ` + versionColumns + `
	from model_version v
	join registered_model m on m.key = v.model
	where v.key in (` + someKeys + `)`
)

// readRegisteredTags reads the tags of registered models.
func readRegisteredTags(from reader, models []record.RegisteredModel) error {
	keys, at := registeredKeys(models)
	return eachOf(from, registeredTagsSQL, keys, func(r row) error {
		m := at[r.Int(2)]
		m.Tags = append(m.Tags, scanTag(r))
		return nil
	})
}

// readRegisteredLists reads all lists of registered models.
func readRegisteredLists(from reader, models []record.RegisteredModel) error {
	keys, at := registeredKeys(models)
	for _, m := range at {
		m.Tags, m.Aliases, m.Latest = nil, nil, nil
	}
	if err := readRegisteredTags(from, models); err != nil {
		return err
	}
	err := eachOf(from, aliasesSQL, keys, func(r row) error {
		m := at[r.Int(6)]
		m.Aliases = append(m.Aliases, scanAlias(r))
		return nil
	})
	if err != nil {
		return err
	}
	latest, err := readLatest(from, keys)
	for _, v := range latest {
		m := at[v.Model]
		m.Latest = append(m.Latest, v)
	}
	return err
}

// readLatest reads the latest versions of registered models, with their tags.
func readLatest(from reader, models []int64) ([]record.ModelVersion, error) {
	var keys []int64
	err := eachOf(from, latestKeysSQL, models, func(r row) error {
		if !r.Null(0) {
			keys = append(keys, r.Int(0))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	latest := make([]record.ModelVersion, len(keys))
	place := make(map[int64]int, len(keys))
	for i, key := range keys {
		place[key] = i
	}
	err = eachOf(from, versionsByKeySQL, keys, func(r row) error {
		v := scanVersion(r)
		latest[place[v.Key]] = v
		return nil
	})
	if err != nil {
		return nil, err
	}
	return latest, readVersionTags(from, latest)
}

func registeredKeys(models []record.RegisteredModel) (keys []int64, at map[int64]*record.RegisteredModel) {
	at = make(map[int64]*record.RegisteredModel, len(models))
	for i := range models {
		keys = append(keys, models[i].Key)
		at[models[i].Key] = &models[i]
	}
	return keys, at
}

// readVersionTags reads the tags of versions.
func readVersionTags(from reader, versions []record.ModelVersion) error {
	keys := make([]int64, len(versions))
	at := make(map[int64]*record.ModelVersion, len(versions))
	for i := range versions {
		keys[i], at[versions[i].Key] = versions[i].Key, &versions[i]
		versions[i].Tags = nil
	}
	return eachOf(from, versionTagsSQL, keys, func(r row) error {
		v := at[r.Int(2)]
		v.Tags = append(v.Tags, scanTag(r))
		return nil
	})
}
