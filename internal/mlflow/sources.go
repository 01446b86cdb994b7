package mlflow

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"modeldb/internal/record"
	"modeldb/internal/store"
)

// A version's source is a label: nothing is opened on its word. What it may be
// is looked at in its text, and in what is recorded of the run, the logged model or
// the version that it names.

// address is a source cut into its parts. An authority that is there may be empty.
type address struct {
	scheme, authority, path string
	rest                    string // what follows the path: the query and the fragment
}

// parseAddress cuts any text into the parts of an address, as Python does.
func parseAddress(text string) (a address) {
	text = strings.TrimLeftFunc(text, func(r rune) bool { return r <= ' ' })
	text = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(text)
	if scheme, after, found := strings.Cut(text, ":"); found && isScheme(scheme) {
		a.scheme, text = strings.ToLower(scheme), after
	}
	if at := strings.IndexAny(text, "?#"); at >= 0 {
		text, a.rest = text[:at], text[at:]
	}
	a.path = text
	if after, has := strings.CutPrefix(text, "//"); has {
		a.authority, a.path, _ = strings.Cut(after, "/")
		a.path = after[len(a.authority):]
	}
	return a
}

func isScheme(text string) bool {
	for i, c := range []byte(text) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return text != ""
}

// local reports whether an address is a path on somebody's own disk.
func (a *address) local() bool { return a.scheme == "" || a.scheme == "file" }

// elsewhere reports whether the address of a file names another host.
func (a *address) elsewhere() bool {
	host := strings.ToLower(a.authority[strings.LastIndexByte(a.authority, '@')+1:])
	return a.scheme == "file" && host != "" && host != "." && !strings.HasPrefix(host, "localhost") && !strings.HasPrefix(host, "127.0.0.1")
}

// parts are the names in the path, decoded.
func (a *address) parts() (parts []string) {
	for part := range strings.SplitSeq(a.path, "/") {
		if part != "" {
			parts = append(parts, decoded(part, false))
		}
	}
	return parts
}

// within reports whether an address lies under a root, or is it.
func (a *address) within(root string) bool {
	r := parseAddress(root)
	mine, its := a.parts(), r.parts()
	return a.scheme == r.scheme && strings.EqualFold(a.authority, r.authority) &&
		len(its) > 0 && len(mine) >= len(its) && slices.Equal(mine[:len(its)], its)
}

// pathWithin is within for paths on a disk.
func (a *address) pathWithin(root string) bool {
	r := parseAddress(root)
	if !r.local() || !path.IsAbs(a.path) || !path.IsAbs(r.path) {
		return false
	}
	inner, outer := path.Clean(decoded(a.path, false)), path.Clean(decoded(r.path, false))
	return inner == outer || strings.HasPrefix(inner, strings.TrimSuffix(outer, "/")+"/")
}

// decoded takes percent-encoding off until none is left, so that a second
// decoding elsewhere finds nothing new.
func decoded(text string, plus bool) string {
	for {
		next := decodeOnce(text, plus)
		if next == text {
			return text
		}
		text = next
	}
}

func decodeOnce(text string, plus bool) string {
	if plus {
		text = strings.ReplaceAll(text, "+", " ")
	}
	if !strings.Contains(text, "%") {
		return text
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if v, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(v))
				i += 2
				continue
			}
		}
		b = append(b, text[i])
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}

// plainPath refuses an address whose path is not one that is written out: with
// .. or . in it, also encoded, or a NUL, or none at all.
func plainPath(source string) error {
	text := decoded(source, true)
	a := parseAddress(text)
	var names []string
	for part := range strings.SplitSeq(a.path, "/") {
		if part != "" {
			names = append(names, part)
		}
	}
	if strings.IndexByte(text, 0) < 0 && strings.HasPrefix(a.path, "/") && len(names) > 0 &&
		!slices.Contains(names, ".") && !slices.Contains(strings.Split(text, "/"), "..") {
		return nil
	}
	return badSource("Invalid model version source: '%s'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, "+
		"an absolute path must be provided without relative path references present. Please provide an absolute path.", shorten(source))
}

func badSource(format string, args ...any) error {
	return record.Invalid.Errorf("source", format, args...)
}

// foreignSource says that a parameter, run_id or model_id, does not name what
// the source is in.
func foreignSource(source, parameter string) error {
	return badSource("Invalid model version source: '%s'. The %s request parameter must identify the resource that contains the source.", shorten(source), parameter)
}

// modelURI is what an address of the scheme models names: a logged model, or a
// version of a registered model, by its number, its stage or an alias; with none
// of these, the highest.
type modelURI struct {
	loggedModel                 string
	name, version, stage, alias string
}

// parseModelURI reads an address of the scheme models.
func parseModelURI(source string) (m modelURI, err error) {
	a := parseAddress(source)
	if a.scheme != "models" || !strings.HasPrefix(a.path, "/") {
		return m, foreignSource(source, "model_id")
	}
	name, suffix, has := strings.Cut(strings.TrimLeft(a.path, "/"), "/")
	at := strings.LastIndexByte(name, '@')
	switch {
	case strings.TrimSpace(name) == "" || strings.Contains(suffix, "/") || has && strings.TrimSpace(suffix) == "" || !has && at == len(name)-1:
		return m, foreignSource(source, "model_id")
	case has && strings.Trim(suffix, "0123456789") == "":
		m.name, m.version = name, suffix
	case has && strings.EqualFold(suffix, "latest"):
		m.name = name
	case has:
		m.name, m.stage = name, suffix
	case at >= 0:
		m.name, m.alias = name[:at], name[at+1:]
	default:
		m.loggedModel = name
	}
	return m, nil
}

// promptSources are what MLflow's clients give as the source of a prompt.
var promptSources = []string{"dummy-source", "prompt-template"}

// sourced is the version that a request asks for, as far as it depends on its
// source.
func (d *Door) sourced(ctx context.Context, ws *workspace, in *registryRequest) (n store.NewModelVersion, err error) {
	if err := record.CheckText("source", in.source, record.MaxSource); err != nil {
		return n, err
	}
	prompt := record.IsPrompt(in.tags)
	if prompt && !slices.Contains(promptSources, in.source) {
		return n, badSource("Invalid prompt source: '%s'. Prompt sources must use an MLflow placeholder.", shorten(in.source))
	}
	a := parseAddress(in.source)
	if slices.Contains(hostSchemes, a.scheme) || a.scheme == "mlflow-artifacts" && a.authority != "" {
		return n, refusedHost("source", a.scheme)
	}
	n.Source, n.Origin, n.Run, n.LoggedModel = in.source, in.source, deref(in.run), deref(in.loggedModel)
	if prompt {
		return n, nil
	}
	if a.scheme == "models" {
		if err := d.inherit(ctx, ws, in, &n); err != nil {
			return n, err
		}
	}
	if deref(in.loggedModel) == "" {
		return n, d.checkRunSource(ctx, ws, n.Source, n.Run)
	}
	if err := d.checkLoggedSource(ctx, ws, n.Source, n.LoggedModel); err != nil {
		return n, err
	}
	logged, _, err := d.loggedModel(ctx, ws, n.LoggedModel)
	if err == nil && n.Run == "" {
		n.Run = logged.Run
	}
	n.List = in.name
	return n, err
}

// inherit takes over what the version has that a source names, unless the
// source names a logged model. The version is written out by its number: an
// alias may move.
func (d *Door) inherit(ctx context.Context, ws *workspace, in *registryRequest, n *store.NewModelVersion) error {
	if parseAddress(in.source).authority != "" {
		return badSource("Invalid model version source: '%s'. Registered model sources must use the active model registry.", shorten(in.source))
	}
	named, err := parseModelURI(in.source)
	if err != nil || named.loggedModel != "" {
		return err
	}
	from, err := d.namedVersion(ctx, ws, in.source, named)
	if err != nil {
		return err
	}
	if in.run != nil && *in.run != from.Run || in.loggedModel != nil && *in.loggedModel != from.LoggedModel {
		return badSource("Invalid model version source: '%s'. The run_id and model_id request parameters must match the referenced model version.", shorten(in.source))
	}
	n.Source = fmt.Sprintf("models:/%s/%d", named.name, from.Version)
	n.Origin, n.Run, n.LoggedModel = from.Origin, from.Run, from.LoggedModel
	return nil
}

// namedVersion is the version that a source names.
func (d *Door) namedVersion(ctx context.Context, ws *workspace, source string, named modelURI) (v record.ModelVersion, err error) {
	if err := record.CheckRegisteredName("name", named.name); err != nil {
		return v, err
	}
	full := ws.full(named.name)
	about := registryRequest{name: named.name, version: named.version}
	m, err := d.store.RegisteredModel(ctx, full)
	if err == nil && record.IsPrompt(m.Tags) {
		return v, badSource("Invalid model version source: '%s'. Prompt versions cannot be used as model version sources.", shorten(source))
	}
	switch {
	case err != nil:
	case named.version != "":
		number, _ := record.ParseVersion(named.version) // digits only
		v, err = d.store.ModelVersion(ctx, full, number)
	case named.alias != "":
		v, err = d.aliased(ctx, full, named.alias)
	default:
		v, err = highest(m, named)
	}
	if record.KindOf(err) == record.NotFound { // in words about what the source names, not the new version
		err = problemOf(err, about.about())
	}
	return v, err
}

// highest is the highest version of a registered model, in a stage if the
// source names one.
func highest(m record.RegisteredModel, named modelURI) (v record.ModelVersion, err error) {
	where := ""
	stage := record.StageNone
	if named.stage != "" {
		if stage, err = record.ParseStage(named.stage); err != nil {
			return v, err
		}
		where = " and stage '" + named.stage + "'"
	}
	for _, latest := range m.Latest {
		if named.stage == "" || latest.Stage == stage {
			v = latest
		}
	}
	if v.Version == 0 {
		err = record.NotFound.Errorf("", "No versions of model with name '%s'%s found", named.name, where)
	}
	return v, err
}

// checkRunSource refuses a source that must be in a run, and is not.
func (d *Door) checkRunSource(ctx context.Context, ws *workspace, source, run string) error {
	return d.checkSource(source, run, "run_id", func(a *address) error {
		if a.scheme == "runs" {
			if run != "" && a.authority == "" && (a.path == "/"+run || strings.HasPrefix(a.path, "/"+run+"/")) {
				return nil
			}
			return foreignSource(source, "run_id")
		}
		named, err := parseModelURI(source)
		if a.scheme == "models" && (err != nil || named.loggedModel != "") {
			return foreignSource(source, "model_id")
		}
		return nil
	}, func() (string, error) {
		id, err := record.ParseRunID(run)
		if err != nil {
			return "", err
		}
		if err := d.seesRun(ctx, ws, id); err != nil {
			return "", err
		}
		_, m, err := d.store.AnyRun(ctx, id)
		return record.RunArtifacts(m, id), err
	})
}

// checkLoggedSource refuses a source that must be in a logged model, and is not.
func (d *Door) checkLoggedSource(ctx context.Context, ws *workspace, source, id string) error {
	return d.checkSource(source, id, "model_id", func(a *address) error {
		named, err := parseModelURI(source)
		if a.scheme == "runs" || a.scheme == "models" && (err != nil || named.loggedModel != "" && named.loggedModel != id) {
			return foreignSource(source, "model_id")
		}
		return nil
	}, func() (string, error) {
		_, m, err := d.loggedModel(ctx, ws, id)
		return record.LoggedModelArtifacts(m, id), err
	})
}

// checkSource holds the rules that sources in runs and in logged models have in
// common. Named has those of the schemes that name records, and root finds the
// address of the files of the run or logged model with the id in the parameter.
func (d *Door) checkSource(source, id, parameter string, named func(*address) error, root func() (string, error)) error {
	a := parseAddress(source)
	inRoot := func(within func(root string) bool) (bool, error) {
		if id == "" {
			return false, nil
		}
		address, err := root()
		switch {
		case record.KindOf(err) == record.NotFound:
			return false, foreignSource(source, parameter)
		case err != nil:
			return false, err
		}
		return within(address), nil
	}
	switch {
	case a.elsewhere():
		return badSource("%s is not a valid remote uri.", shorten(source))
	case a.local():
		is, err := inRoot(a.pathWithin)
		shown := source
		if id != "" {
			shown = path.Clean(decoded(a.path, false))
		}
		if err == nil && !is {
			err = badSource("Invalid model version source: '%s'. To use a local path as a model version source, the %s request parameter has to be specified and "+
				"the local path has to be contained within the artifact directory of the run specified by the %s.", shorten(shown), parameter, parameter)
		}
		return err
	}
	if err := plainPath(source); err != nil {
		return err
	}
	if err := named(&a); err != nil || a.scheme != "mlflow-artifacts" {
		return err
	}
	is, err := inRoot(a.within)
	if err == nil && !is {
		err = foreignSource(source, parameter)
	}
	return err
}
