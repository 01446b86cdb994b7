package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"modeldb/internal/server"
	"modeldb/internal/store"
)

func TestRouteWithoutRightIsRefused(t *testing.T) {
	for _, right := range []server.Right{0, server.Write + 1, 255} {
		o, _ := options(plain("GET /fine", server.Read), plain("GET /bare", right))
		if _, err := server.New(o); err == nil || !strings.Contains(err.Error(), "GET /bare") {
			t.Errorf("right %d: %v", right, err)
		}
	}
}

func TestForeignHostIsRefused(t *testing.T) {
	o, _ := options(plain("GET /open", server.Open), plain("GET /read", server.Read), plain("POST /write", server.Write), plain("GET /probe", server.Probe))
	o.AllowedHosts = []string{"Models.Example.com", "*.example.org", "example.org"}
	h := newServer(t, o)
	hosts := map[string]bool{
		"localhost": true, "LOCALHOST": true, "localhost.": true, "app.localhost": true,
		"127.0.0.1": true, "127.1.2.3": true, "10.0.0.7": true, "192.168.1.5": true, "[::1]": true, "[fe80::1]": true, "[::ffff:10.0.0.7]": true,
		"models.example.com": true, "MODELS.example.COM": true, "models.example.com.": true,
		"a.example.org": true, "a.b.example.org": true, "example.org": true,
		"evil.com": false, "example.com": false, "xmodels.example.com": false, "a.models.example.com": false, "models.example.com.evil.com": false,
		"evilexample.org": false, "a.example.org.evil.com": false, "localhost.evil.com": false, "evillocalhost": false, "127.0.0.1.evil.com": false,
		"2130706433": false, "0x7f.0.0.1": false, "127.1": false, "": false, ".": false, "*": false, "*.example.org": true, "*.example.com": false,
		"127.0.0.1 evil.com": false, "evil.com#localhost": false, "evil.com/localhost": false, "localhost@evil.com": false,
	}
	for host, ok := range hosts {
		for _, port := range []string{"", ":8000", ":443"} {
			named := host + port
			for _, request := range []string{"GET /open", "GET /read", "POST /write", "GET /metrics"} {
				method, path, _ := strings.Cut(request, " ")
				w := ask(h, method, path, "", "Host", named)
				if ok {
					same(t, request+" at "+named, w.Code, http.StatusOK)
					continue
				}
				same(t, request+" at "+named, w.Code, http.StatusForbidden)
				same(t, request+" at "+named, detail(t, w),
					fmt.Sprintf("the host %q is not one that this server answers for; name it in ALLOWED_HOSTS (--allowed-hosts) if it is yours", named))
			}
			for _, path := range []string{"/probe", "/livez", "/readyz"} {
				same(t, path+" at "+named, ask(h, "GET", path, "", "Host", named).Code, http.StatusOK)
			}
		}
	}
}

func TestNothingIsToldToForeignHosts(t *testing.T) {
	d := door(t, store.Options{})
	o, _ := options(d.Routes()...)
	h := newServer(t, o)
	for _, r := range d.Routes() {
		method, path, _ := strings.Cut(r.Pattern, " ")
		want := http.StatusForbidden
		if r.Right == server.Probe {
			want = http.StatusOK
		}
		same(t, r.Pattern, ask(h, method, params.ReplaceAllString(path, "x"), "{}", "Host", "evil.com").Code, want)
	}
}

var params = regexp.MustCompile(`\{[a-z_]+(\.\.\.)?\}`)

// bodies are right for the routes that take one.
func bodies(pattern, project, model string) string {
	switch {
	case strings.HasPrefix(pattern, "PATCH"):
		return `{"description": "theirs"}`
	case strings.HasSuffix(pattern, "/projects"):
		return `{"project_name": "theirs"}`
	case strings.HasSuffix(pattern, "/models"):
		return `{"project_id": "` + project + `", "model_name": "theirs"}`
	case strings.HasSuffix(pattern, "/experiments"):
		return `{"model_id": "` + model + `", "model_version_id": "theirs"}`
	case strings.Contains(pattern, "/evaluations/"):
		return `{"evaluations": {"theirs": 1}}`
	case strings.Contains(pattern, "/artifact-file-paths/"):
		return `{"artifact_file_paths": {"theirs": 1}}`
	}
	return ""
}

func TestPagesOfOtherSitesMayNotWrite(t *testing.T) {
	d := door(t, store.Options{})
	o, _ := options(d.Routes()...)
	o.AllowedHosts = []string{"models.example.com", "*.example.org"}
	h := newServer(t, o)
	add := func(path, body string) string {
		w := ask(h, "POST", "/v0.1/api/"+path, body, "Content-Type", "application/json")
		id := regexp.MustCompile(`"([0-9a-f]+)"`).FindStringSubmatch(w.Body.String())
		if w.Code != http.StatusOK || id == nil {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return id[1]
	}
	project := add("projects", `{"project_name": "mine"}`)
	model := add("models", `{"project_id": "`+project+`", "model_name": "mine"}`)
	experiment := add("experiments", `{"model_id": "`+model+`", "model_version_id": "mine"}`)
	all := func() (all string) {
		for _, kind := range []string{"projects", "models", "experiments"} {
			all += ask(h, "GET", "/v0.1/api/"+kind+"/all", "").Body.String()
		}
		return all
	}
	ids := strings.NewReplacer("{project_id}", project, "{model_id}", model, "{experiment_id}", experiment)
	before := all()

	foreign := [][]string{
		{"Origin", "https://evil.com"}, {"Origin", "http://evil.com:8000"}, {"Origin", "null"}, {"Origin", "http://localhost:3000"}, {"Origin", "http://127.0.0.1"},
		{"Origin", "http://localhost.evil.com"}, {"Origin", "garbage"}, {"Origin", "https://evilexample.org"},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "cross-site", "Origin", "http://localhost"},
		{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Content-Type", "text/plain"},
	}
	writes := 0
	for _, r := range d.Routes() {
		if r.Right != server.Write {
			continue
		}
		writes++
		method, path, _ := strings.Cut(r.Pattern, " ")
		for _, headers := range foreign {
			w := ask(h, method, ids.Replace(path), bodies(r.Pattern, project, model), append([]string{"Content-Type", "application/json"}, headers...)...)
			same(t, fmt.Sprint(r.Pattern, headers), w.Code, http.StatusForbidden)
			if text := detail(t, w); !strings.Contains(text, "ALLOWED_HOSTS (--allowed-hosts)") {
				t.Errorf("%s does not name the setting: %s", r.Pattern, text)
			}
			if now := all(); now != before {
				t.Fatalf("%s %v: something was kept:\n%s\nbefore:\n%s", r.Pattern, headers, now, before)
			}
		}
	}
	if writes < 13 {
		t.Errorf("there are only %d routes that write", writes)
	}
	for _, r := range d.Routes() {
		method, _, _ := strings.Cut(r.Pattern, " ")
		if writing := method != "GET"; writing != (r.Right == server.Write) {
			t.Errorf("%s has the right %d", r.Pattern, r.Right)
		}
	}
}

func TestOwnPagesAndProgramsMayWrite(t *testing.T) {
	o, _ := options(plain("POST /write", server.Write))
	o.AllowedHosts = []string{"models.example.com", "*.example.org"}
	h := newServer(t, o)
	for _, headers := range [][]string{
		{},
		{"User-Agent", "python-requests/2.32"},
		{"Origin", "http://localhost:8000", "Host", "localhost:8000"},
		{"Origin", "http://127.0.0.1:8000", "Host", "127.0.0.1:8000"},
		{"Origin", "http://[::1]:8000", "Host", "[::1]:8000"},
		{"Origin", "https://models.example.com", "Host", "models.example.com"},
		{"Origin", "https://models.example.com", "Host", "localhost:8000"}, // behind a proxy
		{"Origin", "https://a.example.org", "Host", "a.example.org"},
		{"Origin", "http://localhost:8000", "Host", "localhost:8000", "Sec-Fetch-Site", "same-origin"},
		{"Sec-Fetch-Site", "same-origin"},
		{"Sec-Fetch-Site", "none"},
	} {
		w := ask(h, "POST", "/write", "{}", headers...)
		same(t, fmt.Sprint(headers), fmt.Sprint(w.Code, w.Body), "200 fine")
	}
}

func TestRequestIDIsTakenOrMade(t *testing.T) {
	o, log := options(plain("GET /read", server.Read))
	h := newServer(t, o)
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	for id, taken := range map[string]bool{
		"abc": true, "A-Z_a.z:09": true, strings.Repeat("n", 64): true, "019ab0de-5f00-7000-8b1e-4d0f9a3c2b11": true,
		"": false, strings.Repeat("n", 65): false, "a b": false, "a\tb": false, "a\nSet-Cookie: x=1": false, "<script>": false, "a/b": false,
		`a"b`: false, "손": false, "\x00": false, "a=b": false, "\x1b[31m": false,
	} {
		for _, path := range []string{"/read", "/none", "/livez"} {
			got := ask(h, "GET", path, "", "X-Request-Id", id).Header().Get("X-Request-Id")
			if taken && got != id || !taken && !made.MatchString(got) {
				t.Errorf("%s with the id %q is answered with the id %q", path, id, got)
			}
			if !strings.Contains(log.String(), "id="+got+" ") {
				t.Errorf("the log does not have the id %q", got)
			}
		}
	}
	first, second := ask(h, "GET", "/read", ""), ask(h, "GET", "/read", "")
	if first.Header().Get("X-Request-Id") == second.Header().Get("X-Request-Id") {
		t.Error("two requests have one id")
	}
}

func TestBodyOverTheLimitIsRefused(t *testing.T) {
	o, _ := options(plain("POST /write", server.Write))
	h := newServer(t, o)
	same(t, "at the limit", ask(h, "POST", "/write", strings.Repeat("n", limit)).Code, http.StatusOK)
	w := ask(h, "POST", "/write", strings.Repeat("n", limit+1))
	same(t, "over it", w.Code, http.StatusRequestEntityTooLarge)
	same(t, "over it", detail(t, w), server.TooLarge(limit))
	if text := server.TooLarge(limit); !strings.Contains(text, "65536 bytes") || !strings.Contains(text, "BODY_LIMIT (--body-limit)") {
		t.Error(text)
	}
	same(t, "over it", w.Header().Get("Connection"), "close")
}

// A client that keeps all places for large bodies busy keeps nobody else out
// who sends a small one.
func TestSmallBodiesDoNotWaitForLargeOnes(t *testing.T) {
	o, _ := options(plain("POST /write", server.Write))
	h := newServer(t, o)
	ends := [8]*io.PipeWriter{}
	done := make(chan int, len(ends))
	for i := range ends {
		body, end := io.Pipe()
		ends[i] = end
		go func() {
			r, err := http.NewRequest("POST", "http://localhost/write", body)
			if err != nil {
				panic(err)
			}
			r.RequestURI, r.ContentLength = "/write", -1
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			done <- w.Code
		}()
		if _, err := io.WriteString(end, "n"); err != nil { // it is being read
			t.Fatal(err)
		}
	}
	same(t, "small body", ask(h, "POST", "/write", "{}").Code, http.StatusOK)
	for _, end := range ends {
		end.Close()
	}
	for range ends {
		same(t, "large body", <-done, http.StatusOK)
	}
}

func TestUnknownPathsAreRefused(t *testing.T) {
	o, _ := options(plain("GET /read", server.Read), plain("POST /both", server.Write), plain("GET /both", server.Read))
	h := newServer(t, o)
	for _, path := range []string{"/", "/none", "/read/", "/read/more", "/READ", "/%2e%2e", "/livez/", "/metrics/x"} {
		for _, method := range []string{"GET", "POST", "DELETE", "OPTIONS", "BREW"} {
			w := ask(h, method, path, "")
			same(t, method+" "+path, w.Code, http.StatusNotFound)
			same(t, method+" "+path, detail(t, w), "there is nothing at this path; the documents at /docs list what there is")
		}
	}
	w := ask(h, "DELETE", "/both", "")
	same(t, "DELETE /both", fmt.Sprintln(w.Code, w.Header()["Allow"], detail(t, w)), "405 [GET, POST] this path does not take the method DELETE; it takes GET, POST\n")
	w = ask(h, "POST", "/livez", "")
	same(t, "POST /livez", fmt.Sprintln(w.Code, w.Header()["Allow"], detail(t, w)), "405 [GET] this path does not take the method POST; it takes GET\n")
}

func TestEveryAnswerForbidsGuessingOfTypes(t *testing.T) {
	o, _ := options(plain("GET /read", server.Read))
	h := newServer(t, o)
	for _, path := range []string{"/read", "/none", "/livez", "/metrics"} {
		same(t, path, ask(h, "GET", path, "").Header().Get("X-Content-Type-Options"), "nosniff")
	}
}
