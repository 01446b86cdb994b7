package record

import "regexp"

// RunNameTag is the tag by which MLflow's clients read and change a run's
// name. The name is kept as a field of the run, and never as this tag.
const RunNameTag = "mlflow.runName"

// DefaultWorkspace is what MLflow's clients call the default project.
const DefaultWorkspace = "default"

// workspacePattern is MLflow's rule for the names of workspaces.
var workspacePattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// CanBeWorkspace reports whether a project's name may be used as the name of a
// workspace. Other projects are called by their ids.
func CanBeWorkspace(name string) bool {
	return name != DefaultWorkspace && len(name) <= 63 && workspacePattern.MatchString(name)
}

// WorkspaceName is what MLflow's clients call a project.
func WorkspaceName(p Project) string {
	switch {
	case p.Key == DefaultProject:
		return DefaultWorkspace
	case CanBeWorkspace(p.Name):
		return p.Name
	}
	return ProjectID(p.Key)
}
