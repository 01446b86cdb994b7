package api

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/store"
)

// RegisteredPath names a registered model in a path.
type RegisteredPath struct {
	Name string `path:"registered_model_name" example:"churn"`
}

// Release is what an alias or a stage of a registered model meant for a time.
type Release struct {
	Alias         *string `json:"alias" nullable:"true" example:"champion" doc:"Null for a stage."`
	Stage         *string `json:"stage" nullable:"true" example:"Production" doc:"Null for an alias."`
	Version       int64   `json:"version" example:"3"`
	SinceDatetime string  `json:"since_datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00"`
	UntilDatetime *string `json:"until_datetime" nullable:"true" format:"date-time" example:"2026-11-24T12:34:56.789+00:00" doc:"Null while it holds."`
	Actor         string  `json:"actor" example:"ada" doc:"Who began it."`
	Reason        string  `json:"reason" example:"better on the holdout of October" doc:"Why, if that was told."`
}

func releaseOf(version int64, in record.Interval) Release {
	r := Release{Version: version, SinceDatetime: dateTime(in.Since), Actor: string(in.By), Reason: in.Reason}
	if in.Until != 0 {
		until := dateTime(in.Until)
		r.UntilDatetime = &until
	}
	return r
}

func aliasRelease(a record.Alias) Release {
	r := releaseOf(a.Version, a.Interval)
	r.Alias = &a.Name
	return r
}

func (d *Door) releases(ctx context.Context, in *RegisteredPath) (*answer[[]Release], error) {
	aliases, stages, err := d.store.Releases(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	type timed struct {
		since int64
		Release
	}
	all := make([]timed, 0, len(aliases)+len(stages))
	for _, a := range aliases {
		all = append(all, timed{a.Since, aliasRelease(a)})
	}
	for _, s := range stages {
		r := releaseOf(s.Version, s.Interval)
		stage := s.Stage.String()
		r.Stage = &stage
		all = append(all, timed{s.Since, r})
	}
	slices.SortStableFunc(all, func(a, b timed) int { return cmp.Compare(a.since, b.since) })
	list := make([]Release, len(all))
	for i, t := range all {
		list[i] = t.Release
	}
	return reply(list, nil)
}

func (d *Door) aliasAsOf(ctx context.Context, in *struct {
	RegisteredPath
	Alias string `query:"alias" required:"true" minLength:"1" example:"champion" doc:"The alias."`
	At    string `query:"at" format:"date-time" example:"2026-11-23T12:00:00Z" doc:"The time. Absent: now."`
}) (*answer[Release], error) {
	at := int64(math.MaxInt64) // what holds now has no end
	if in.At != "" {
		var err error
		if at, err = queryTime("at", in.At); err != nil {
			return nil, err
		}
	}
	a, err := d.store.AliasAt(ctx, in.Name, in.Alias, at)
	return reply(aliasRelease(a), err)
}

func (d *Door) rollBackAlias(ctx context.Context, in *struct {
	RegisteredPath
	Alias  string `query:"alias" required:"true" minLength:"1" maxLength:"255" example:"champion" doc:"The alias."`
	Actor  string `query:"actor" maxLength:"255" example:"ada" doc:"Who does it."`
	Reason string `query:"reason" maxLength:"1000" example:"the new one fails on short texts" doc:"Why."`
}) (*answer[Release], error) {
	cause := record.Cause{By: cmp.Or(record.Actor(in.Actor), actor), Reason: in.Reason}
	if _, err := d.store.RollBackAlias(ctx, in.Name, in.Alias, cause); err != nil {
		return nil, err
	}
	a, err := d.store.AliasAt(ctx, in.Name, in.Alias, math.MaxInt64)
	return reply(aliasRelease(a), err)
}

// ModelVersion is a version of a registered model.
type ModelVersion struct {
	RegisteredModel string `json:"registered_model_name" example:"churn"`
	Version         int64  `json:"version" example:"3"`
	Stage           string `json:"stage" example:"Production"`
	Source          string `json:"source" example:"models:/m-0123456789abcdef0123456789abcdef"`
	CreatedDatetime string `json:"created_datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00"`
}

func (d *Door) versionsOfExperiment(ctx context.Context, in *ExperimentPath) (*answer[[]ModelVersion], error) {
	id, err := record.ParseRunID(in.ExperimentID)
	if err != nil {
		return nil, err
	}
	if _, err := d.store.Run(ctx, id); err != nil {
		return nil, err
	}
	of, err := filter.Parse(filter.ModelVersions, "run_id = '"+id.String()+"'")
	if err != nil {
		return nil, err
	}
	list := []ModelVersion{}
	q := store.RegistrySearch{Filter: of, Limit: pageRows}
	for {
		page, err := d.store.SearchModelVersions(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, v := range page.Versions {
			list = append(list, ModelVersion{v.FullName, v.Version, v.Stage.String(), v.Source, dateTime(v.Created)})
		}
		if q.Token = page.Next; q.Token == "" {
			return reply(list, nil)
		}
	}
}

// Event is one change to a record that matters afterwards.
type Event struct {
	ID       string         `json:"event_id" example:"4182736455123" doc:"Ordered by time."`
	Datetime string         `json:"datetime" format:"date-time" example:"2026-11-23T12:34:56.789+00:00"`
	Actor    string         `json:"actor" example:"ada"`
	Kind     string         `json:"kind" example:"renamed"`
	Object   string         `json:"object" example:"registered model" doc:"What sort of record it is about."`
	ObjectID string         `json:"object_id" example:"77"`
	Before   OptionalObject `json:"before" doc:"The fields that changed, as they were; null where nothing was there."`
	After    OptionalObject `json:"after" doc:"The same as they are since; null where nothing is there any more."`
}

// event is an event that writes itself.
type event struct{ record.Event }

func (e event) appendJSON(dst []byte) []byte {
	text := func(name, value string) {
		dst = append(append(append(dst, '"'), name...), `":`...)
		dst = append(record.AppendJSON(dst, value), ',')
	}
	side := func(name, value string) {
		dst = append(append(append(dst, '"'), name...), `":`...)
		dst = append(dst, cmp.Or(value, "null")...)
	}
	dst = append(dst, '{')
	text("event_id", strconv.FormatInt(e.Key, 10))
	text("datetime", dateTime(e.Time))
	text("actor", string(e.By))
	text("kind", string(e.Kind))
	text("object", e.Object)
	text("object_id", objectID(e.Object, e.ID))
	side("before", e.Before)
	dst = append(dst, ',')
	side("after", e.After)
	return append(dst, '}')
}

// objectID is the public id of an object.
func objectID(object string, key int64) string {
	if object == "project" {
		return record.ProjectID(key)
	}
	return strconv.FormatInt(key, 10)
}

func (d *Door) events(_ context.Context, in *struct {
	Paging
	Object   string `query:"object" enum:"project,model,registered model,file,logged model" example:"registered model" doc:"Only those about one record of this sort; object_id says which."`
	ObjectID string `query:"object_id" example:"77" doc:"The record's id, as events have it."`
	Since    string `query:"since" format:"date-time" example:"2026-11-23T12:00:00Z" doc:"Only those from this time on."`
}) (pager, error) {
	after := int64(0)
	if in.Since != "" {
		at, err := queryTime("since", in.Since)
		if err != nil {
			return nil, err
		}
		after = record.FirstSequence(at) - 1
	}
	if in.Cursor != "" {
		key, err := strconv.ParseInt(in.Cursor, 10, 64)
		if err != nil {
			return nil, queryError("cursor", "there is no event with the id "+record.Quote(in.Cursor))
		}
		after = max(after, key)
	}
	if (in.Object == "") != (in.ObjectID == "") {
		return nil, queryError("object_id", "object and object_id are given together, or neither")
	}
	id := int64(0)
	if in.Object != "" {
		var err error
		if in.Object == "project" {
			id, err = record.ParseProjectID(in.ObjectID)
		} else {
			id, err = strconv.ParseInt(in.ObjectID, 10, 64)
		}
		if err != nil {
			return nil, queryError("object_id", record.Quote(in.ObjectID)+" is no id of such a record")
		}
	}
	return func(ctx context.Context, l *listing) (done bool, err error) {
		rows := l.rows()
		var page []record.Event
		if in.Object == "" {
			page, err = d.store.Events(ctx, after, rows)
		} else {
			page, err = d.store.EventsOf(ctx, in.Object, id, after, rows)
		}
		for _, e := range page {
			after = e.Key
			if !l.add(event{e}) {
				return false, err
			}
		}
		return len(page) < rows, err
	}, nil
}

// queryTime reads a query parameter that is a time, in milliseconds, UTC.
func queryTime(name, text string) (int64, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, queryError(name, name+" is "+record.Quote(text)+"; it must be a time with its zone, such as 2026-11-23T12:00:00Z")
	}
	return at.UnixMilli(), nil
}
