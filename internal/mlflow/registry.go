package mlflow

import (
	"context"
	"net/http"
	"strconv"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/store"
)

// registryRequest is a request of the registry: it names a registered model,
// mostly a version or an alias of it, and says what to change.
type registryRequest struct {
	name, newName    string
	version, alias   string
	key, value       string // of a tag
	tags             []record.Tag
	description      *string
	stage            string
	stages           []string
	archive          bool
	source, runLink  string
	run, loggedModel *string
	max              optional[int64]
	filter, token    string
	order            []string
	cause            record.Cause
}

func (r *registryRequest) about() subject {
	return subject{registered: r.name, version: r.version, loggedModel: deref(r.loggedModel), tag: r.key}
}

// Headers by which a client says who changes the registry, and why. MLflow's
// client sends what its plugins for request headers give.
const (
	userHeader   = "X-Modeldb-User"
	reasonHeader = "X-Modeldb-Reason"
)

func (r *registryRequest) readHeader(h http.Header) error {
	r.cause = record.Cause{By: actor, Reason: h.Get(reasonHeader)}
	if user := h.Get(userHeader); user != "" {
		r.cause.By = record.Actor(user)
	}
	if err := record.CheckText(userHeader, string(r.cause.By), record.MaxName); err != nil {
		return err
	}
	return record.CheckText(reasonHeader, r.cause.Reason, record.MaxReason)
}

// full is the full name of what a client in the workspace calls a registered model.
func (ws *workspace) full(name string) string {
	if ws == nil {
		return name
	}
	return record.RegisteredFullName(ws.Project, name)
}

// registered checks the name in a request, and returns the full name.
func (ws *workspace) registered(in *registryRequest) (full string, err error) {
	return ws.full(in.name), record.CheckRegisteredName("name", in.name)
}

// called is what a client in the workspace calls a registered model.
func (ws *workspace) called(name, full string) string {
	if ws == nil {
		return full
	}
	return name
}

// textField is a field of a registry request that is a text.
func textField(name string, required bool, of func(in *registryRequest) *string) field[registryRequest] {
	return field[registryRequest]{name: name, required: required, read: func(d *decoder, in *registryRequest) { *of(in) = d.str() }}
}

// givenField is textField for one that may be left out, which is not the same as empty.
func givenField(name string, of func(in *registryRequest) **string) field[registryRequest] {
	return field[registryRequest]{name: name, read: func(d *decoder, in *registryRequest) { value := d.str(); *of(in) = &value }}
}

var (
	nameField        = textField("name", true, func(in *registryRequest) *string { return &in.name })
	aliasField       = textField("alias", true, func(in *registryRequest) *string { return &in.alias })
	keyField         = textField("key", true, func(in *registryRequest) *string { return &in.key })
	valueField       = textField("value", false, func(in *registryRequest) *string { return &in.value })
	descriptionField = givenField("description", func(in *registryRequest) **string { return &in.description })
	tagsField        = field[registryRequest]{name: "tags", read: func(d *decoder, in *registryRequest) { in.tags = d.tags(false) }}

	registeredFields       = []field[registryRequest]{nameField}
	createRegisteredFields = []field[registryRequest]{nameField, tagsField, descriptionField}
	renameRegisteredFields = []field[registryRequest]{nameField, textField("new_name", true, func(in *registryRequest) *string { return &in.newName })}
	updateRegisteredFields = []field[registryRequest]{nameField, descriptionField}
	registeredTagFields    = []field[registryRequest]{nameField, keyField, valueField}
	aliasFields            = []field[registryRequest]{nameField, aliasField}
	setAliasFields         = []field[registryRequest]{nameField, aliasField, versionField}
	latestVersionsFields   = []field[registryRequest]{nameField,
		{name: "stages", read: func(d *decoder, in *registryRequest) { in.stages = d.strs() }}}
)

// Pages of the registry's searches: how many records MLflow lets a client ask
// for, how many it gets when it does not say, and the most that this server
// puts on one page, so that no answer takes much memory. Clients ask for the rest.
const (
	maxRegistered  = 1000
	registeredPage = 100
	maxVersions    = 200_000
	versionsPage   = 10_000
)

// searchRegistryFields are those of a search for at most so many records.
func searchRegistryFields(most int64) []field[registryRequest] {
	return []field[registryRequest]{
		textField("filter", false, func(in *registryRequest) *string { return &in.filter }),
		{name: "max_results", read: func(d *decoder, in *registryRequest) {
			if in.max = d.integer(); in.max.value > most {
				d.mistakenNumber(in.max.value)
			}
		}},
		{name: "order_by", read: func(d *decoder, in *registryRequest) { in.order = d.strs() }},
		textField("page_token", false, func(in *registryRequest) *string { return &in.token }),
	}
}

// search is what a request asks the store for.
func (ws *workspace) search(g filter.Grammar, in *registryRequest, page int64) (q store.RegistrySearch, err error) {
	expr, err := filter.Parse(g, in.filter)
	if err != nil {
		return q, err
	}
	q = store.RegistrySearch{Filter: filter.ExceptPrompts(expr), Limit: int(page), Token: in.token}
	if ws != nil {
		q.Project = &ws.Project
	}
	q.Order, err = filter.ParseOrder(g, in.order)
	return q, err
}

func appendRegistered(dst []byte, ws *workspace, m *record.RegisteredModel) []byte {
	dst = append(dst, `{"name":`...)
	dst = record.AppendJSON(dst, ws.called(m.Name, m.FullName))
	dst = append(dst, `,"creation_timestamp":`...)
	dst = strconv.AppendInt(dst, m.Created, 10)
	dst = append(dst, `,"last_updated_timestamp":`...)
	dst = strconv.AppendInt(dst, m.Updated, 10)
	if m.Description != "" {
		dst = append(dst, `,"description":`...)
		dst = record.AppendJSON(dst, m.Description)
	}
	var versions, aliases list
	for i := range m.Latest {
		dst = versions.begin(dst, `,"latest_versions":[`)
		dst = appendVersion(dst, ws, &m.Latest[i])
	}
	dst = versions.end(dst)
	dst = appendTags(dst, `,"tags":[`, m.Tags)
	for _, a := range m.Aliases {
		dst = aliases.begin(dst, `,"aliases":[`)
		dst = append(dst, `{"alias":`...)
		dst = record.AppendJSON(dst, a.Name)
		dst = append(dst, `,"version":"`...)
		dst = strconv.AppendInt(dst, a.Version, 10)
		dst = append(dst, `"}`...)
	}
	return append(aliases.end(dst), '}')
}

type registeredAnswer struct {
	ws    *workspace
	model record.RegisteredModel
}

func (a *registeredAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"registered_model":`...)
	return append(appendRegistered(dst, a.ws, &a.model), '}')
}

// replyRegistered makes the answer of an operation on a registered model.
func replyRegistered(ws *workspace, m record.RegisteredModel, err error) (answer, error) {
	if err != nil {
		return nil, err
	}
	return &registeredAnswer{ws, m}, nil
}

type registeredModelsAnswer struct {
	ws *workspace
	store.RegisteredModelPage
}

func (a *registeredModelsAnswer) elements() int { return len(a.Models) }

func (a *registeredModelsAnswer) appendElement(dst []byte, i int) []byte {
	return appendRegistered(between(dst, i, `{"registered_models":[`), a.ws, &a.Models[i])
}

func (a *registeredModelsAnswer) appendEnd(dst []byte) []byte {
	return append(appendNext(afterAll(dst, len(a.Models)), a.Next), '}')
}

func (a *registeredModelsAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

func (d *Door) createRegisteredModel(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, err := ws.registered(in)
	if err != nil {
		return nil, err
	}
	for _, t := range in.tags {
		if err := checkRegistryTag(t); err != nil {
			return nil, err
		}
	}
	m, err := d.store.CreateRegisteredModel(ctx, store.NewRegisteredModel{
		Project: ws.key(), Name: in.name, Description: deref(in.description), Tags: in.tags,
	}, in.cause)
	if record.KindOf(err) == record.Conflict {
		there, gone := d.store.RegisteredModel(ctx, full)
		if gone == nil {
			err = takenName(in.name, record.IsPrompt(there.Tags), record.IsPrompt(in.tags))
		}
	}
	return replyRegistered(ws, m, err)
}

// takenName says that a model or a prompt has the name of another one already.
func takenName(name string, thereIsPrompt, newIsPrompt bool) error {
	words := map[bool][2]string{false: {"Registered Model", "registered model"}, true: {"Prompt", "prompt"}}
	what := words[newIsPrompt][0] + " (name=" + name + ") already exists."
	if thereIsPrompt != newIsPrompt {
		what = "Tried to create a " + words[newIsPrompt][1] + " with name " + pythonText(name) + ", but the name is already taken by a " +
			words[thereIsPrompt][1] + ". MLflow does not allow creating a model and a prompt with the same name."
	}
	return &problem{http.StatusBadRequest, alreadyExists, what}
}

func (d *Door) getRegisteredModel(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, err := ws.registered(in)
	if err != nil {
		return nil, err
	}
	m, err := d.store.RegisteredModel(ctx, full)
	return replyRegistered(ws, m, err)
}

func (d *Door) updateRegisteredModel(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, err := ws.registered(in)
	if err != nil {
		return nil, err
	}
	m, err := d.store.DescribeRegisteredModel(ctx, full, deref(in.description), in.cause)
	return replyRegistered(ws, m, err)
}

func (d *Door) renameRegisteredModel(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	if err := record.CheckRegisteredName("new_name", in.newName); err != nil {
		return nil, err
	}
	full, err := ws.registered(in)
	if err != nil {
		return nil, err
	}
	m, err := d.store.RenameRegisteredModel(ctx, full, ws.full(in.newName), in.cause)
	if record.KindOf(err) == record.Conflict {
		text := err.Error() // the name is another project's
		if fieldOf(err) == "name" {
			text = "Registered Model (name=" + in.newName + ") already exists."
		}
		err = &problem{http.StatusBadRequest, alreadyExists, text}
	}
	return replyRegistered(ws, m, err)
}

// changeRegistered changes a registered model, of which nothing is answered.
func (ws *workspace) changeRegistered(in *registryRequest, change func(full string) error) (answer, error) {
	full, err := ws.registered(in)
	if err != nil {
		return nil, err
	}
	return empty{}, change(full)
}

func (d *Door) deleteRegisteredModel(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	return ws.changeRegistered(in, func(full string) error { return d.store.DeleteRegisteredModel(ctx, full, in.cause) })
}

func (d *Door) setRegisteredModelTag(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	return ws.changeRegistered(in, func(full string) error {
		tag := record.Tag{Key: in.key, Value: in.value}
		if err := checkRegistryTag(tag); err != nil {
			return err
		}
		return d.store.SetRegisteredModelTag(ctx, full, tag)
	})
}

func (d *Door) deleteRegisteredModelTag(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	return ws.changeRegistered(in, func(full string) error {
		if err := checkKey("key", in.key); err != nil {
			return err
		}
		return d.store.DeleteRegisteredModelTag(ctx, full, in.key)
	})
}

func (d *Door) setAlias(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	return ws.changeRegistered(in, func(full string) error {
		if err := record.CheckNewAlias(in.alias); err != nil {
			return err
		}
		version, err := record.ParseVersion(in.version)
		if err != nil {
			return err
		}
		return d.store.SetAlias(ctx, full, in.alias, version, in.cause)
	})
}

func (d *Door) deleteAlias(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	return ws.changeRegistered(in, func(full string) error { return d.store.DeleteAlias(ctx, full, in.alias, in.cause) })
}

func (d *Door) getVersionByAlias(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, err := ws.registered(in)
	if err != nil {
		return nil, err
	}
	v, err := d.aliased(ctx, full, in.alias)
	return replyVersion(ws, v, err)
}

// aliased is the version that an alias points to. MLflow answers for an alias
// that is not there as for a wrong parameter.
func (d *Door) aliased(ctx context.Context, full, alias string) (record.ModelVersion, error) {
	v, err := d.store.AliasedVersion(ctx, full, alias)
	if record.KindOf(err) == record.NotFound && fieldOf(err) == "alias" {
		err = record.Invalid.Errorf("alias", "Registered model alias %s not found.", alias)
	}
	return v, err
}

func (d *Door) searchRegisteredModels(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	page := in.max.or(registeredPage)
	if err := checkPage(page); err != nil {
		return nil, err
	}
	q, err := ws.search(filter.RegisteredModels, in, page)
	if err != nil {
		return nil, err
	}
	found, err := d.store.SearchRegisteredModels(ctx, q)
	if err != nil {
		return nil, err
	}
	return &registeredModelsAnswer{ws, found}, nil
}

func (d *Door) getLatestVersions(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, err := ws.registered(in)
	if err != nil {
		return nil, err
	}
	var stages []record.Stage
	for _, text := range in.stages {
		stage, err := record.ParseStage(text)
		if err != nil {
			return nil, err
		}
		stages = append(stages, stage)
	}
	latest, err := d.store.LatestVersions(ctx, full, stages)
	if err != nil {
		return nil, err
	}
	return &versionsAnswer{ws, store.ModelVersionPage{Versions: latest}}, nil
}

// checkRegistryTag refuses a tag that MLflow's clients may not set in the registry.
func checkRegistryTag(t record.Tag) error {
	if err := checkKey("key", t.Key); err != nil {
		return err
	}
	if err := checkLength("key", t.Key, record.MaxKey); err != nil {
		return err
	}
	return checkLength("value", t.Value, record.MaxRegistryTag)
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
