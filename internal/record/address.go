package record

import "strings"

// ArtifactRoot is the address under which a model's files are kept: the one
// that its creator gave, or the one of the server's own store.
func ArtifactRoot(m Model) string {
	if m.Location != "" {
		return m.Location
	}
	return ownScheme + "/" + ModelID(m.Key)
}

// ownScheme begins the addresses of files that the server keeps itself.
const ownScheme = "mlflow-artifacts:"

// OwnPath is the path of an address among the files that the server keeps
// itself, if it is one of theirs: one that names no other host.
func OwnPath(address string) (path string, own bool) {
	if len(address) < len(ownScheme) || !strings.EqualFold(address[:len(ownScheme)], ownScheme) {
		return "", false
	}
	path = address[len(ownScheme):]
	if host, has := strings.CutPrefix(path, "//"); has && host != "" && host[0] != '/' {
		return "", false
	}
	return strings.TrimLeft(path, "/"), true
}

// RunArtifacts is the address of the files of a model's run.
func RunArtifacts(m Model, run RunID) string {
	return under(ArtifactRoot(m), run.String()+"/artifacts")
}

// LoggedModelArtifacts is the address of the files of one of a model's logged models.
func LoggedModelArtifacts(m Model, id string) string {
	return under(ArtifactRoot(m), "models/"+id+"/artifacts")
}

// under appends a path to an address, before its query.
func under(root, path string) string {
	address, query, has := strings.Cut(root, "?")
	address = strings.TrimSuffix(address, "/") + "/" + path
	if has {
		address += "?" + query
	}
	return address
}
