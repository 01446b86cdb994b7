package mlflow

import (
	"context"
	"strconv"

	"modeldb/internal/filter"
	"modeldb/internal/record"
	"modeldb/internal/store"
)

var (
	versionField = textField("version", true, func(in *registryRequest) *string { return &in.version })

	versionFields       = []field[registryRequest]{nameField, versionField}
	updateVersionFields = []field[registryRequest]{nameField, versionField, descriptionField}
	versionTagFields    = []field[registryRequest]{nameField, versionField, keyField, valueField}
	stageFields         = []field[registryRequest]{nameField, versionField,
		textField("stage", true, func(in *registryRequest) *string { return &in.stage }),
		{name: "archive_existing_versions", read: func(d *decoder, in *registryRequest) { in.archive = d.boolean().value }},
	}
	createVersionFields = []field[registryRequest]{nameField,
		textField("source", true, func(in *registryRequest) *string { return &in.source }),
		givenField("run_id", func(in *registryRequest) **string { return &in.run }),
		tagsField,
		textField("run_link", false, func(in *registryRequest) *string { return &in.runLink }),
		descriptionField,
		givenField("model_id", func(in *registryRequest) **string { return &in.loggedModel }),
	}
	// downloadFields are looked at by the rules of names and numbers alone.
	downloadFields = []field[registryRequest]{
		textField("name", false, func(in *registryRequest) *string { return &in.name }),
		textField("version", false, func(in *registryRequest) *string { return &in.version }),
	}
)

// numbered checks the name and the number in a request, and returns the full
// name and the number.
func (ws *workspace) numbered(in *registryRequest) (full string, version int64, err error) {
	if full, err = ws.registered(in); err != nil {
		return "", 0, err
	}
	version, err = record.ParseVersion(in.version)
	return full, version, err
}

func appendVersion(dst []byte, ws *workspace, v *record.ModelVersion) []byte {
	dst = append(dst, `{"name":`...)
	dst = record.AppendJSON(dst, ws.called(v.Name, v.FullName))
	dst = append(dst, `,"version":"`...)
	dst = strconv.AppendInt(dst, v.Version, 10)
	dst = append(dst, `","creation_timestamp":`...)
	dst = strconv.AppendInt(dst, v.Created, 10)
	dst = append(dst, `,"last_updated_timestamp":`...)
	dst = strconv.AppendInt(dst, v.Updated, 10)
	dst = append(dst, `,"current_stage":"`...)
	dst = append(dst, v.Stage.String()...)
	dst = append(dst, '"')
	if v.Description != nil {
		dst = append(dst, `,"description":`...)
		dst = record.AppendJSON(dst, *v.Description)
	}
	dst = append(dst, `,"source":`...)
	dst = record.AppendJSON(dst, v.Source)
	dst = append(dst, `,"run_id":`...)
	dst = record.AppendJSON(dst, v.Run)
	dst = append(dst, `,"status":"READY"`...)
	dst = appendTags(dst, `,"tags":[`, v.Tags)
	dst = append(dst, `,"run_link":`...)
	dst = record.AppendJSON(dst, v.RunLink)
	var aliases list
	for _, a := range v.Aliases {
		dst = aliases.begin(dst, `,"aliases":[`)
		dst = record.AppendJSON(dst, a)
	}
	return append(aliases.end(dst), '}')
}

type versionAnswer struct {
	ws      *workspace
	version record.ModelVersion
}

func (a *versionAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"model_version":`...)
	return append(appendVersion(dst, a.ws, &a.version), '}')
}

// replyVersion makes the answer of an operation on a version.
func replyVersion(ws *workspace, v record.ModelVersion, err error) (answer, error) {
	if err != nil {
		return nil, err
	}
	return &versionAnswer{ws, v}, nil
}

type versionsAnswer struct {
	ws *workspace
	store.ModelVersionPage
}

func (a *versionsAnswer) elements() int { return len(a.Versions) }

func (a *versionsAnswer) appendElement(dst []byte, i int) []byte {
	return appendVersion(between(dst, i, `{"model_versions":[`), a.ws, &a.Versions[i])
}

func (a *versionsAnswer) appendEnd(dst []byte) []byte {
	return append(appendNext(afterAll(dst, len(a.Versions)), a.Next), '}')
}

func (a *versionsAnswer) appendJSON(dst []byte) []byte { return appendAll(dst, a) }

func (d *Door) createModelVersion(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	n, err := d.sourced(ctx, ws, in)
	if err != nil {
		return nil, err
	}
	if n.FullName, err = ws.registered(in); err != nil {
		return nil, err
	}
	for _, t := range in.tags {
		if err := checkVersionTag(t); err != nil {
			return nil, err
		}
	}
	description := deref(in.description) // empty where there is none, as MLflow has it
	n.Tags, n.RunLink, n.Description = in.tags, in.runLink, &description
	v, err := d.store.CreateModelVersion(ctx, n, in.cause)
	return replyVersion(ws, v, err)
}

// promptText is the tag that has the text of a prompt.
const promptText = "mlflow.prompt.text"

// checkVersionTag is checkRegistryTag for a version.
func checkVersionTag(t record.Tag) error {
	err := checkRegistryTag(t)
	if err != nil && t.Key == promptText {
		return record.Invalid.Errorf("value", "Prompt text exceeds max length of %d characters.", record.MaxRegistryTag)
	}
	return err
}

func (d *Door) getModelVersion(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, version, err := ws.numbered(in)
	if err != nil {
		return nil, err
	}
	v, err := d.store.ModelVersion(ctx, full, version)
	return replyVersion(ws, v, err)
}

func (d *Door) updateModelVersion(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, version, err := ws.numbered(in)
	if err != nil {
		return nil, err
	}
	v, err := d.store.DescribeModelVersion(ctx, full, version, in.description, in.cause)
	return replyVersion(ws, v, err)
}

func (d *Door) deleteModelVersion(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, version, err := ws.numbered(in)
	if err != nil {
		return nil, err
	}
	return empty{}, d.store.DeleteModelVersion(ctx, full, version, in.cause)
}

func (d *Door) moveStage(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	stage, err := record.ParseStage(in.stage)
	if err != nil {
		return nil, err
	}
	if in.archive && !stage.Active() {
		return nil, record.Invalid.Errorf("stage", "Model version transition cannot archive existing model versions because '%s' is not an Active stage. "+
			"Valid stages are ['Staging', 'Production']", in.stage)
	}
	full, version, err := ws.numbered(in)
	if err != nil {
		return nil, err
	}
	v, err := d.store.MoveStage(ctx, full, version, stage, in.archive, in.cause)
	return replyVersion(ws, v, err)
}

func (d *Door) setModelVersionTag(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, version, err := ws.numbered(in)
	if err != nil {
		return nil, err
	}
	tag := record.Tag{Key: in.key, Value: in.value}
	if err := checkVersionTag(tag); err != nil {
		return nil, err
	}
	return empty{}, d.store.SetModelVersionTag(ctx, full, version, tag)
}

func (d *Door) deleteModelVersionTag(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, version, err := ws.numbered(in)
	if err != nil {
		return nil, err
	}
	if err := checkKey("key", in.key); err != nil {
		return nil, err
	}
	return empty{}, d.store.DeleteModelVersionTag(ctx, full, version, in.key)
}

type addressAnswer string

func (a addressAnswer) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"artifact_uri":`...)
	return append(record.AppendJSON(dst, string(a)), '}')
}

func (d *Door) getDownloadURI(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	full, version, err := ws.numbered(in)
	if err != nil {
		return nil, err
	}
	v, err := d.store.ModelVersion(ctx, full, version)
	if err != nil {
		return nil, err
	}
	address, err := d.versionAddress(ctx, v)
	if err != nil {
		return nil, err
	}
	return addressAnswer(address), nil
}

// versionAddress is where the files of a version are. That of a logged model is
// made now: its files may have moved since the version was made.
func (d *Door) versionAddress(ctx context.Context, v record.ModelVersion) (string, error) {
	named, err := parseModelURI(v.Origin)
	if err != nil || named.loggedModel == "" {
		return v.Origin, nil
	}
	logged, m, err := d.store.AnyLoggedModel(ctx, named.loggedModel)
	if record.KindOf(err) == record.NotFound {
		return v.Origin, nil
	}
	return record.LoggedModelArtifacts(m, logged.ID), err
}

func (d *Door) searchModelVersions(ctx context.Context, ws *workspace, in *registryRequest) (answer, error) {
	if in.max.given && in.max.value < 1 {
		return nil, record.Invalid.Errorf("max_results", "Invalid value for max_results. It must be a positive integer, but got %d", in.max.value)
	}
	q, err := ws.search(filter.ModelVersions, in, min(in.max.or(maxVersions), versionsPage))
	if err != nil {
		return nil, err
	}
	found, err := d.store.SearchModelVersions(ctx, q)
	if err != nil {
		return nil, err
	}
	return &versionsAnswer{ws, found}, nil
}
