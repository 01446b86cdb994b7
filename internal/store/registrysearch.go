package store

import (
	"context"
	"fmt"
	"slices"

	"modeldb/internal/filter"
	"modeldb/internal/record"
)

// RegistrySearch asks for registered models, or for versions of them.
type RegistrySearch struct {
	Project *record.Project // only of this project, under short names; nil: of all
	Filter  filter.Expr
	Order   []filter.Order
	Limit   int
	Token   string // of the page before; empty: the first page
}

// RegisteredModelPage is a page of registered models.
type RegisteredModelPage struct {
	Models []record.RegisteredModel
	Next   string // token of the next page; empty on the last one
}

// ModelVersionPage is a page of versions, without their aliases.
type ModelVersionPage struct {
	Versions []record.ModelVersion
	Next     string // token of the next page; empty on the last one
}

const (
	liveRegisteredSQL = `
	select ` + registeredColumns + `
	from registered_model m
	where m.full_name is not null`

	// A cross join tells SQLite which table leads; PostgreSQL finds that itself.
	liveVersionsSQL = `
	select ` + versionColumns + `
	from model_version v
	cross join registered_model m
	where m.key = v.model
	  and v.deleted is null
	  and m.full_name is not null`

	liveVersionsByNameSQL = `
	select ` + versionColumns + `
	from registered_model m
	cross join model_version v
	where v.model = m.key
	  and v.deleted is null
	  and m.full_name is not null`
)

// SearchRegisteredModels returns a page of live registered models, whole.
// Those that a filter names are looked up by their names.
func (s *Store) SearchRegisteredModels(ctx context.Context, q RegistrySearch) (page RegisteredModelPage, err error) {
	keys := keysOf(filter.Complete(filter.RegisteredModels, q.Order), "m.updated", "m.full_name")
	query := q.text("registered models")
	after, err := readPlace(query, q.Token, keys)
	if err != nil {
		return page, err
	}
	matcher := filter.NewMatcher(q.Filter)
	err = s.snapshot(ctx, func(from reader) error {
		s := seen[record.RegisteredModel]{
			scan:  scanRegistered,
			place: func(m *record.RegisteredModel, keys []wayKey) []any { return registeredRow{m, false}.place(keys) },
			fill:  func(batch []record.RegisteredModel) error { return readRegisteredTags(from, batch) },
			match: func(m *record.RegisteredModel) bool {
				return q.has(m.Project) && matcher.Match(registeredRow{m, q.Project != nil})
			},
		}
		ways := []way{{liveRegisteredSQL, nil, keys}}
		if names, named := q.named(); named {
			ways = nil
			for _, full := range names {
				ways = append(ways, way{liveRegisteredSQL + "\n\t  and m.full_name = $1", []any{full}, keys})
			}
		}
		ways = q.tested(ways, "registered_model_tag", "t.model = m.key")
		var last []any
		if page.Models, last, err = s.page(from, ways, keys, after, q.Limit); err != nil {
			return err
		}
		page.Next = placeToken(query, last)
		return readRegisteredLists(from, page.Models)
	})
	return page, err
}

// SearchModelVersions returns a page of live versions. Those of the registered
// models that a filter names, or of the run, are found by these.
func (s *Store) SearchModelVersions(ctx context.Context, q RegistrySearch) (page ModelVersionPage, err error) {
	keys := keysOf(filter.Complete(filter.ModelVersions, q.Order), "v.updated", "m.full_name", "v.version")
	query := q.text("model versions")
	after, err := readPlace(query, q.Token, keys)
	if err != nil {
		return page, err
	}
	matcher := filter.NewMatcher(q.Filter)
	err = s.snapshot(ctx, func(from reader) error {
		s := seen[record.ModelVersion]{
			scan:  scanVersion,
			place: func(v *record.ModelVersion, keys []wayKey) []any { return versionRow{v, false}.place(keys) },
			fill:  func(batch []record.ModelVersion) error { return readVersionTags(from, batch) },
			match: func(v *record.ModelVersion) bool {
				return q.has(v.Project) && matcher.Match(versionRow{v, q.Project != nil})
			},
		}
		ways, err := q.versionWays(from, keys)
		if err != nil {
			return err
		}
		ways = q.tested(ways, "model_version_tag", "t.version = v.key")
		var last []any
		page.Versions, last, err = s.page(from, ways, keys, after, q.Limit)
		page.Next = placeToken(query, last)
		return err
	})
	return page, err
}

// versionWays are the ways to the versions that may match: by the run or the
// registered models that the filter names, or else along all.
func (q *RegistrySearch) versionWays(from reader, keys []wayKey) (ways []way, err error) {
	if runs := valuesOf(q.Filter, "run_id"); len(runs) == 1 && runs[0] != "" {
		return []way{{liveVersionsSQL + "\n\t  and v.run <> ''\n\t  and v.run = $1", []any{runs[0]}, keys}}, nil
	}
	names, named := q.named()
	switch {
	case !named && keys[0].column == "m.full_name":
		return []way{{liveVersionsByNameSQL, nil, keys}}, nil
	case !named:
		return []way{{liveVersionsSQL, nil, keys}}, nil
	case len(names) == 1: // all have that name, so that an index has the rest of the order
		keys = slices.DeleteFunc(slices.Clone(keys), func(k wayKey) bool { return k.column == "m.full_name" })
	}
	for _, full := range names {
		m, err := readRegistered(from, full, "")
		switch {
		case err == nil:
			ways = append(ways, way{liveVersionsSQL + "\n\t  and v.model = $1", []any{m.Key}, keys})
		case record.KindOf(err) != record.NotFound:
			return nil, err
		}
	}
	return ways, nil
}

// maxTagTests is how many tests of tags the database does itself. It bounds how
// many statements there can be; the matcher does all tests anyway.
const maxTagTests = 2

// tested adds to ways the tests of single tags that all rows which match pass,
// so that the other rows are not read. The condition tells which tags t are a row's.
func (q *RegistrySearch) tested(ways []way, table, condition string) []way {
	tests := tagTests(q.Filter)
	for i := range ways {
		w := &ways[i]
		for _, test := range tests[:min(len(tests), maxTagTests)] {
			w.from += fmt.Sprintf("\n\t  and %s (select 1 from %s t where %s and t.key = $%d and t.value = $%d)",
				test.exists, table, condition, len(w.args)+1, len(w.args)+2)
			w.args = append(w.args, test.key, test.value)
		}
	}
	return ways
}

type tagTest struct{ exists, key, value string }

// tagTests are the terms of a filter that ask whether a tag has a value.
func tagTests(e filter.Expr) (tests []tagTest) {
	exists := "exists"
	if not, is := e.(*filter.Not); is {
		e, exists = not.Term, "not exists"
	}
	switch e := e.(type) {
	case *filter.Clause:
		if e.Entity == filter.Tag && e.Op == filter.Equal {
			tests = []tagTest{{exists, e.Key, e.Texts[0]}}
		}
	case *filter.And:
		for i := 0; exists == "exists" && i < len(e.Terms); i++ {
			tests = append(tests, tagTests(e.Terms[i])...)
		}
	}
	return tests
}

// text is what must be the same from page to page.
func (q *RegistrySearch) text(what string) string {
	var project *int64
	if q.Project != nil {
		project = &q.Project.Key
	}
	return queryText(what, project, nil, Live, q.Filter, q.Order, nil)
}

// has reports whether the search is in a project.
func (q *RegistrySearch) has(project int64) bool { return q.Project == nil || q.Project.Key == project }

// maxNamed is how many names are looked up one by one. Where a filter has more,
// all rows are looked at.
const maxNamed = 100

// named are the full names that the filter allows, if it names them.
func (q *RegistrySearch) named() (full []string, named bool) {
	names := valuesOf(q.Filter, "name")
	if len(names) == 0 || len(names) > maxNamed {
		return nil, false
	}
	for _, name := range names {
		if q.Project != nil {
			name = record.RegisteredFullName(*q.Project, name)
		}
		if canBeRegistered(name) && !slices.Contains(full, name) {
			full = append(full, name)
		}
	}
	return full, true
}

// valuesOf are the texts one of which a text attribute must be for the filter
// to be true; none: it may be anything.
func valuesOf(e filter.Expr, attribute string) []string {
	switch e := e.(type) {
	case *filter.Clause:
		if e.Entity == filter.Attribute && e.Key == attribute && (e.Op == filter.Equal || e.Op == filter.In) {
			return e.Texts
		}
	case *filter.And:
		for _, term := range e.Terms {
			if values := valuesOf(term, attribute); values != nil {
				return values
			}
		}
	}
	return nil
}

// keysOf are the keys of an order. The last ones are unique: what
// would come after all of them is left out.
func keysOf(order []filter.Order, updated string, unique ...string) (keys []wayKey) {
	columns := map[string]string{
		"name": "m.full_name", "version_number": "v.version", "creation_timestamp": "v.created", "last_updated_timestamp": updated,
	}
	left := len(unique)
	for _, o := range order {
		k := wayKey{columns[o.Key], o.Desc, !o.Numeric}
		keys = append(keys, k)
		if slices.Contains(unique, k.column) {
			left--
		}
		if left == 0 {
			break
		}
	}
	return keys
}

// registeredRow is a registered model as filters and orders see it.
type registeredRow struct {
	*record.RegisteredModel
	short bool // its name is without its project's
}

// place is where the registered model is in an order.
func (m registeredRow) place(keys []wayKey) (place []any) {
	for _, k := range keys {
		switch k.column {
		case "m.full_name":
			place = append(place, m.FullName)
		default:
			place = append(place, m.Updated)
		}
	}
	return place
}

// Number gives nothing: no filter asks for a number.
func (m registeredRow) Number(filter.Entity, string) (float64, bool) { return 0, false }

// Text returns the name or a tag.
func (m registeredRow) Text(e filter.Entity, key string) (string, bool) {
	switch {
	case e == filter.Tag:
		return tagValue(m.Tags, key)
	case key == "name" && m.short:
		return m.Name, true
	case key == "name":
		return m.FullName, true
	}
	return "", false
}

// Datasets gives nothing: a registered model uses none.
func (m registeredRow) Datasets(string, func(string) bool) {}

// versionRow is a version as filters and orders see it.
type versionRow struct {
	*record.ModelVersion
	short bool // its name is without its project's
}

// place is where the version is in an order.
func (v versionRow) place(keys []wayKey) (place []any) {
	for _, k := range keys {
		switch k.column {
		case "m.full_name":
			place = append(place, v.FullName)
		case "v.version":
			place = append(place, v.Version)
		case "v.created":
			place = append(place, v.Created)
		default:
			place = append(place, v.Updated)
		}
	}
	return place
}

// Number returns the number of the version.
func (v versionRow) Number(e filter.Entity, key string) (float64, bool) {
	if e == filter.Attribute && key == "version_number" {
		return float64(v.Version), true
	}
	return 0, false
}

// Text returns a text attribute or a tag.
func (v versionRow) Text(e filter.Entity, key string) (string, bool) {
	switch {
	case e == filter.Tag:
		return tagValue(v.Tags, key)
	case key == "name" && v.short:
		return v.Name, true
	case key == "name":
		return v.FullName, true
	case key == "run_id":
		return v.Run, true
	case key == "source_path":
		return v.Source, true
	}
	return "", false
}

// Datasets gives nothing: a version uses none itself.
func (v versionRow) Datasets(string, func(string) bool) {}
