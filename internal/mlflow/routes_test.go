package mlflow

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"modeldb/internal/record"
	"modeldb/internal/server"
)

// pathValue is a wildcard of a pattern.
var pathValue = regexp.MustCompile(`\\?\{[a-z_]+(\\\.\\\.\\\.)?\\?\}`)

// A new route comes with a transcript.
func TestEveryRouteIsInATranscript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil {
		t.Fatal(err)
	}
	var asked strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		asked.Write(text)
	}
	for _, r := range New(Options{}).table() {
		found := false
		for _, pattern := range r.patterns() {
			method, path, _ := strings.Cut(pattern, " ")
			asks := `(?m)^> ` + method + " " + pathValue.ReplaceAllString(regexp.QuoteMeta(path), `[^ ?]+`) + `(\?.*)?$`
			found = found || regexp.MustCompile(asks).MatchString(asked.String())
		}
		if !found {
			t.Errorf("no transcript asks for %s", r.pattern)
		}
	}
}

func TestRoutesThatWriteSayThatTheyDo(t *testing.T) {
	reads := regexp.MustCompile(`^GET |^POST .*/search(-datasets)?$|^POST experiments/search|/get-latest-versions$`)
	for _, r := range New(Options{}).table() {
		if want := !reads.MatchString(r.pattern); want != (r.right == server.Write) {
			t.Errorf("%s has the right %d", r.pattern, r.right)
		}
	}
}

func TestServerTakesTheTable(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if _, err := server.New(server.Options{Routes: New(Options{Log: log}).Routes(), Log: log, Metrics: server.NewMetrics()}); err != nil {
		t.Fatal(err)
	}
}

// Clients try again, for minutes, what is answered by 429 or 5xx: so only what
// may be otherwise soon is.
func TestKindsHaveStatuses(t *testing.T) {
	want := map[record.Kind]string{
		record.Internal:    "500 INTERNAL_ERROR",
		record.Unreadable:  "400 INVALID_PARAMETER_VALUE",
		record.Invalid:     "400 INVALID_PARAMETER_VALUE",
		record.NotFound:    "404 RESOURCE_DOES_NOT_EXIST",
		record.Conflict:    "400 RESOURCE_ALREADY_EXISTS",
		record.Inactive:    "400 INVALID_PARAMETER_VALUE",
		record.TooLarge:    "413 INVALID_PARAMETER_VALUE",
		record.Unavailable: "503 TEMPORARILY_UNAVAILABLE",
		record.Full:        "507 RESOURCE_EXHAUSTED",
		record.Damaged:     "500 INTERNAL_ERROR",
	}
	for _, k := range record.Kinds() {
		p := problemOf(k.Errorf("", "why"), subject{})
		same(t, fmt.Sprint("kind ", k), fmt.Sprint(p.status, " ", p.code), want[k])
		if p.text == "" || k == record.Internal && p.text == "why" {
			t.Errorf("kind %d: %q", k, p.text)
		}
	}
	same(t, "foreign error", problemOf(http.ErrBodyNotAllowed, subject{}).status, 500)
}

func TestWhatIsMissingIsNamedInMLflowsWords(t *testing.T) {
	for _, x := range []struct {
		field string
		about subject
		want  string
	}{
		{"experiment_id", subject{run: "r"}, "Run with id=r not found"},
		{"model_id", subject{experiment: "5"}, "No Experiment with id=5 exists"},
		{"model_name", subject{name: "n"}, "Could not find experiment with name 'n'"},
		{"logged_model_id", subject{loggedModel: "m-1", run: "r"}, "Logged model with ID 'm-1' not found."},
		{"registered_model", subject{registered: "m"}, "Registered Model with name=m not found"},
		{"version", subject{registered: "m", version: "7"}, "Model Version (name=m, version=7) not found"},
		{"latest", subject{registered: "m"}, "Latest version not found for model m."},
		{"tag", subject{run: "r", tag: "k"}, "No tag with name: k in run with id r"},
		{"tag", subject{experiment: "5", tag: "k"}, "No tag with name: k in experiment with id 5"},
		{"tag", subject{loggedModel: "m-1", tag: "k"}, "No tag with key 'k' found for model with ID 'm-1'."},
		{"other", subject{}, "why"},
	} {
		same(t, x.field, problemOf(record.NotFound.Errorf(x.field, "why"), x.about).text, x.want)
	}
}

func TestFaultsAreAnsweredWithoutDetails(t *testing.T) {
	d := New(Options{Log: slog.New(slog.DiscardHandler)})
	answer := func(err error) (string, http.Header) {
		w := httptest.NewRecorder()
		d.fail(w, httptest.NewRequest("GET", "/", nil), err, nil)
		return fmt.Sprint(w.Code, " ", strings.TrimSpace(w.Body.String())), w.Header()
	}
	text, _ := answer(errors.New("secret"))
	same(t, "fault", text, `500 {"error_code":"INTERNAL_ERROR","message":"An internal error occurred; the log has the details under the request id .","sqlstate":"XXM00","error_class":"CLIENT_INTERNAL_ERROR"}`)
	text, header := answer(record.Unavailable.Wrap(errors.New("secret"), "the database does not answer"))
	same(t, "unavailable", text, `503 {"error_code":"TEMPORARILY_UNAVAILABLE","message":"the database does not answer","sqlstate":"XXM00","error_class":"CLIENT_INTERNAL_ERROR"}`)
	same(t, "when to try again", header.Get("Retry-After"), "1")
}

func TestMadeUpNamesAreNames(t *testing.T) {
	shape := regexp.MustCompile(`^[a-z]+-[a-z]+-[0-9]{1,3}$`)
	for range 100 {
		if name := randomName(); !shape.MatchString(name) {
			t.Errorf("%s", name)
		}
	}
}
