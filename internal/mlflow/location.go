package mlflow

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"modeldb/internal/record"
)

// hostSchemes are those of artifact locations that MLflow does not take from a
// client: with them it could make the server ask any host.
var hostSchemes = []string{"ftp", "sftp", "http", "https", "hdfs", "viewfs", "abfss", "b2", "r2"}

// checkLocation refuses an artifact location that could lead elsewhere than it
// says.
func checkLocation(location string) error {
	if location == "" {
		return nil
	}
	refuse := func(text string) error { return record.Invalid.Errorf("artifact_location", "%s", text) }
	u, err := url.Parse(location)
	if err != nil {
		return refuse("'artifact_location' is no URL or path: " + shorten(location))
	}
	last := location[strings.LastIndexByte(location, '/')+1:]
	if path, _, _ := strings.Cut(last, "?"); strings.Contains(location, "#") || strings.Contains(path, ";") {
		return refuse("'artifact_location' URL can't include fragments or params.")
	}
	if query, err := url.QueryUnescape(u.RawQuery); err != nil || strings.Contains(query, "..") {
		return refuse("Invalid query string")
	}
	scheme := strings.ToLower(u.Scheme)
	if scheme == "runs" {
		return refuse("Artifact location cannot be a runs:/ URI. Given: '" + shorten(location) + "'")
	}
	if slices.Contains(hostSchemes, scheme) || scheme == "mlflow-artifacts" && u.Host != "" {
		return refusedHost("artifact_location", scheme)
	}
	if slices.Contains(strings.Split(u.Path+"/"+u.Opaque, "/"), "..") {
		return refuse("'artifact_location' may not have '..' in its path: " + shorten(location))
	}
	if utf8.RuneCountInString(location) > maxLocation {
		return refuse(fmt.Sprintf("Invalid artifact path length. The length of the artifact path cannot be greater than %d characters.", maxLocation))
	}
	return nil
}

// refusedHost refuses an address whose scheme names a host.
func refusedHost(field, scheme string) error {
	return record.Invalid.Errorf(field, "'%s' cannot use the '%s' scheme: the '%s' scheme addresses a host other than the tracking server's configured "+
		"artifact storage, so the server would connect to the host named in the URI.", field, scheme, scheme)
}
