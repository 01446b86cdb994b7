package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"modeldb/internal/server"
)

func TestEveryRouteIsInATranscript(t *testing.T) {
	mux := http.NewServeMux()
	missing := map[string]string{}
	for _, r := range door(nil, nil).Routes() {
		mux.Handle(r.Pattern, r.Handler)
		if r.Right != server.Open { // documents: see TestDocument
			missing[r.Pattern] = "success"
		}
	}
	failed := map[string]bool{}
	for _, text := range transcripts(t) {
		for _, x := range exchanges(t, text) {
			method, path := x.methodAndPath()
			u, err := url.Parse(word.ReplaceAllString(path, "0"))
			if err != nil {
				t.Fatal(err)
			}
			_, pattern := mux.Handler(&http.Request{Method: method, URL: u})
			switch x.answer[0] {
			case "200":
				delete(missing, pattern)
			default:
				failed[pattern] = true
			}
		}
	}
	for pattern := range missing {
		t.Errorf("no transcript shows %s with success", pattern)
	}
	for _, r := range door(nil, nil).Routes() {
		if strings.Contains(r.Pattern, "{") && !failed[r.Pattern] || r.Right == server.Write && !failed[r.Pattern] {
			t.Errorf("no transcript shows %s refusing something", r.Pattern)
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	taken := map[string][]string{} // methods by path
	for _, r := range door(nil, nil).Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		path = params.ReplaceAllString(path, "x")
		taken[path] = append(taken[path], method)
	}
	c := serveSQLite(t)
	for path, has := range taken {
		var allow []string
		for _, method := range methods {
			if slices.Contains(has, method) {
				allow = append(allow, method)
			}
		}
		for _, method := range append(methods, "OPTIONS", "TRACE", "PROPFIND", "get") {
			if slices.Contains(has, method) {
				continue
			}
			got := c.send(method, path, "")
			want := fmt.Sprintf(`{"detail":"this path does not take the method %s; it takes %s"}`, method, strings.Join(allow, ", "))
			if allowed := got.header.Get("Allow"); got.status != http.StatusMethodNotAllowed || allowed != strings.Join(allow, ", ") || strings.TrimSpace(got.body) != want {
				t.Errorf("%s %s: status %d, Allow %q, %s", method, path, got.status, allowed, got.body)
			}
		}
	}
}

var params = regexp.MustCompile(`\{[a-z_]+(\.\.\.)?\}`)

func TestHeadIsAnsweredAsGet(t *testing.T) {
	c := serveSQLite(t)
	for _, path := range []string{"/v0.1/health", base + "/projects/all", base + "/projects/id/000000000000"} {
		got := c.send("HEAD", path, "")
		if got.status != http.StatusOK || got.body != "" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %q %v", path, got.status, got.body, got.header)
		}
	}
}
