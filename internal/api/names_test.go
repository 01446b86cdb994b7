package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// escape percent-encodes all but letters and digits, even dots.
func escape(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func TestNamesAreFoundAgain(t *testing.T) {
	names := []string{
		"a/b", "//", "a//b", "..", ".", "../../etc/passwd", "./a", `\..\..`, "%2e%2e", "%", "%%", "%zz", "?", "?a=b", "#", "#a",
		";", "a;b=c", "&", "=", "+", "a+b c", " ", " a ", "\t", "\n", "\r\n", `"quoted"`, "it's", "`", "<script>alert(1)</script>",
		"손글씨", "\u1109\u1169\u11ab글씨", "\u00e9", "e\u0301", "🖊️", "👩‍👩‍👧‍👦", "\u202egnp.exe", "\ufeff", "\u0001", "\u007f", "\u0085", "\u2028", "\ufffd", "\U0010ffff",
		"null", "true", "0", "-1", "NaN", "all", "id", "name", "{project_name}", "{$}", "*", "C:\\", "\\\\host\\share", "file:///etc/passwd", "http://169.254.169.254/",
		"' or 1=1--", "%s%d%n", "$1", "a,b", "a|b", "~", "_", "_%", "Robert'); drop table project;--",
	}
	each(t, func(t *testing.T, c *client) {
		ids := map[string]string{}
		for _, name := range names {
			p := c.newProject(name)
			m := c.newModel(p, name)
			e := c.newExperiment(m, name)
			if other, taken := ids[p]; taken {
				t.Fatalf("%q and %q are one project", other, name)
			}
			ids[p] = name
			at := escape(name)
			byName := read(t, c.get(base+"/projects/name/"+at))
			same(t, fmt.Sprintf("project %q", name), byName.text("project_id")+byName.text("project_name"), p+name)
			for _, path := range []string{"/models/name/" + at, "/models/project-name/" + at, "/models/project-name/x?project_name=" + at} {
				models := decode[[]shown](t, c.get(base+path))
				if len(models) != 1 || models[0].text("model_id") != m || models[0].text("model_name") != name {
					t.Errorf("%s gives %s, want the model %s", path, models, m)
				}
			}
			byVersion := read(t, c.get(base+"/experiments/model-version-id/"+at))
			same(t, fmt.Sprintf("experiment %q", name), byVersion.text("experiment_id")+byVersion.text("model_version_id"), e+name)
			same(t, fmt.Sprintf("project %q made again", name), c.newProject(name), p)
			same(t, fmt.Sprintf("model %q made again", name), c.newModel(p, name), m)
		}
	})
}

// net/http's mux takes a segment of one encoded slash for the end of the path.
func TestNameOfOneSlashIsFoundAgain(t *testing.T) {
	c := serveSQLite(t)
	p := c.newProject("/")
	m := c.newModel(p, "/")
	e := c.newExperiment(m, "/")
	for path, id := range map[string]string{
		"/projects/name/": p, "/models/name/": m, "/models/project-name/": m, "/experiments/model-version-id/": e,
	} {
		if got := c.send("GET", base+path+"%2F", ""); got.status != http.StatusOK || !strings.Contains(got.body, id) {
			t.Errorf("%s: status %d: %s", path, got.status, got.body)
		}
	}
}
