package pages

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"modeldb/internal/server"
	"modeldb/ui"
)

const forever = "public, max-age=31536000, immutable"

// dist is what ui.Dist holds, as New takes it.
func dist(t *testing.T) fs.FS {
	t.Helper()
	sub, err := fs.Sub(ui.Dist, "dist")
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// handler serves the routes of a door on ui.Dist.
func handler(t *testing.T) http.Handler {
	t.Helper()
	door, err := New(dist(t))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, route := range door.Routes() {
		if route.Right != server.Open {
			t.Errorf("%s has right %v, want Open", route.Pattern, route.Right)
		}
		mux.Handle(route.Pattern, route.Handler)
	}
	return mux
}

// ask sends a request with headers given in pairs.
func ask(h http.Handler, method, target string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, res *http.Response) []byte {
	t.Helper()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func wantStatus(t *testing.T, res *http.Response, want int) {
	t.Helper()
	if res.StatusCode != want {
		t.Errorf("status %d, want %d", res.StatusCode, want)
	}
}

func wantHeader(t *testing.T, res *http.Response, name, want string) {
	t.Helper()
	if got := res.Header.Get(name); got != want {
		t.Errorf("%s: %q, want %q", name, got, want)
	}
}

// stored returns the name and the content of each file in dist/assets.
func stored(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := fs.ReadDir(dist(t), "assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := fs.ReadFile(dist(t), "assets/"+entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = data
	}
	return files
}

// script is the name of one compressed asset.
func script(t *testing.T) string {
	t.Helper()
	for name := range stored(t) {
		if strings.HasPrefix(name, "docs-") && strings.HasSuffix(name, ".js.gz") {
			return strings.TrimSuffix(name, ".gz")
		}
	}
	t.Fatal("dist holds no script of the page docs")
	return ""
}

func TestRootLeadsToDocs(t *testing.T) {
	res := ask(handler(t), "GET", "/")
	wantStatus(t, res, http.StatusFound)
	wantHeader(t, res, "Location", "/docs")
}

func TestPagesAreGuarded(t *testing.T) {
	h := handler(t)
	for _, page := range []string{"/docs", "/redoc"} {
		t.Run(page, func(t *testing.T) {
			res := ask(h, "GET", page, "Accept-Encoding", "gzip")
			wantStatus(t, res, http.StatusOK)
			wantHeader(t, res, "Content-Type", "text/html; charset=utf-8")
			wantHeader(t, res, "Content-Encoding", "")
			wantHeader(t, res, "Cache-Control", "no-cache")
			wantHeader(t, res, "X-Content-Type-Options", "nosniff")
			wantHeader(t, res, "Referrer-Policy", "no-referrer")
			wantHeader(t, res, "Content-Security-Policy", "default-src 'none'; script-src 'self'; "+
				"connect-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "+
				"font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
		})
	}
}

func TestPagesHoldNoInlineScriptAndNoOtherHost(t *testing.T) {
	h := handler(t)
	inline := regexp.MustCompile(`(?i)<script(>|[^>]*>[^<])|\son[a-z]+=|javascript:`)
	foreign := regexp.MustCompile(`(?i)(src|href)="(https?:)?//`)
	for _, page := range []string{"/docs", "/redoc"} {
		html := string(body(t, ask(h, "GET", page)))
		for _, bad := range []*regexp.Regexp{inline, foreign} {
			if found := bad.FindString(html); found != "" {
				t.Errorf("%s holds %q", page, found)
			}
		}
	}
}

func TestPagesNameOnlyAssetsThatExist(t *testing.T) {
	h := handler(t)
	named := regexp.MustCompile(`(?:src|href)="(/assets/[^"]*)"`)
	for _, page := range []string{"/docs", "/redoc"} {
		found := named.FindAllStringSubmatch(string(body(t, ask(h, "GET", page))), -1)
		if len(found) == 0 {
			t.Errorf("%s names no asset", page)
		}
		for _, match := range found {
			res := ask(h, "GET", match[1])
			if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != forever {
				t.Errorf("%s names %s: status %d, Cache-Control %q",
					page, match[1], res.StatusCode, res.Header.Get("Cache-Control"))
			}
		}
	}
}

func TestEveryAssetIsServedCompressedAndPlain(t *testing.T) {
	h := handler(t)
	for name, data := range stored(t) {
		served, compressed := strings.CutSuffix(name, ".gz")
		if !compressed {
			continue
		}
		t.Run(served, func(t *testing.T) {
			kind, err := contentType(served)
			if err != nil {
				t.Fatal(err)
			}
			packed := ask(h, "GET", "/assets/"+served, "Accept-Encoding", "gzip, deflate, br")
			wantHeader(t, packed, "Content-Encoding", "gzip")
			plain := ask(h, "GET", "/assets/"+served)
			wantHeader(t, plain, "Content-Encoding", "")
			for _, res := range []*http.Response{packed, plain} {
				wantStatus(t, res, http.StatusOK)
				wantHeader(t, res, "Content-Type", kind)
				wantHeader(t, res, "Cache-Control", forever)
				wantHeader(t, res, "X-Content-Type-Options", "nosniff")
				wantHeader(t, res, "Vary", "Accept-Encoding")
			}
			if packed.Header.Get("ETag") == plain.Header.Get("ETag") {
				t.Error("one ETag names both the compressed and the plain bytes")
			}
			if packed.ContentLength != int64(len(data)) || !bytes.Equal(body(t, packed), data) {
				t.Error("what is served compressed is not what is stored")
			}
			want, err := decompress(data)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(body(t, plain), want) {
				t.Error("what is served plain is not what is stored")
			}
		})
	}
}

func TestNoticesArePlainAndCheckedAgain(t *testing.T) {
	h := handler(t)
	for _, name := range []string{"swagger-ui-bundle.js.LICENSE.txt", "redoc.standalone.js.LICENSE.txt"} {
		res := ask(h, "GET", "/assets/"+name, "Accept-Encoding", "gzip")
		wantStatus(t, res, http.StatusOK)
		wantHeader(t, res, "Content-Type", "text/plain; charset=utf-8")
		wantHeader(t, res, "Content-Encoding", "")
		wantHeader(t, res, "Cache-Control", "no-cache")
	}
}

func TestKnownTagIsAnsweredWith304(t *testing.T) {
	h := handler(t)
	for _, target := range []string{"/docs", "/redoc", "/assets/" + script(t)} {
		for _, coding := range []string{"gzip", "identity"} {
			first := ask(h, "GET", target, "Accept-Encoding", coding)
			tag := first.Header.Get("ETag")
			if !regexp.MustCompile(`^"[0-9a-f]{64}(-plain)?"$`).MatchString(tag) {
				t.Errorf("%s: ETag %s is not a strong tag of the content", target, tag)
			}
			again := ask(h, "GET", target, "Accept-Encoding", coding, "If-None-Match", `"other", `+tag)
			wantStatus(t, again, http.StatusNotModified)
			wantHeader(t, again, "ETag", tag)
			wantHeader(t, again, "Cache-Control", first.Header.Get("Cache-Control"))
			if got := body(t, again); len(got) != 0 {
				t.Errorf("%s: a 304 with %d bytes", target, len(got))
			}
			changed := ask(h, "GET", target, "Accept-Encoding", coding, "If-None-Match", `"other"`)
			wantStatus(t, changed, http.StatusOK)
		}
	}
}

func TestHeadHasTheHeadersOfGetAndNoBody(t *testing.T) {
	h := handler(t)
	for _, target := range []string{"/docs", "/redoc", "/assets/" + script(t)} {
		get := ask(h, "GET", target, "Accept-Encoding", "gzip")
		head := ask(h, "HEAD", target, "Accept-Encoding", "gzip")
		wantStatus(t, head, http.StatusOK)
		for _, name := range []string{"ETag", "Content-Type", "Content-Length", "Content-Encoding", "Cache-Control"} {
			wantHeader(t, head, name, get.Header.Get(name))
		}
		if got := body(t, head); len(got) != 0 {
			t.Errorf("%s: HEAD answered %d bytes", target, len(got))
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	h := handler(t)
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		for _, target := range []string{"/docs", "/redoc", "/assets/" + script(t)} {
			wantStatus(t, ask(h, method, target), http.StatusMethodNotAllowed)
		}
	}
}

// hostile are names of assets that lead somewhere else where a name is taken for
// a path.
var hostile = []string{
	"", ".", "..", "../docs/index.html", "..\\docs\\index.html", "/etc/passwd", "\\\\host\\share",
	"C:\\file", "%2e%2e", "%2e%2e%2fdocs%2findex.html", "..%2f..%2fgo.mod", "%252e%252e%252fdocs",
	"..;/docs/index.html", ".;/index.html", "index.html#", "#", "?", "\x00", "a\x00.js", "file:///etc/passwd",
	"docs/index.html", "./", "~", "*", "-", "-.js", ".gz", strings.Repeat("a", 10000), strings.Repeat("../", 3000),
}

func TestHostileAssetNamesAreNotFound(t *testing.T) {
	door, err := New(dist(t))
	if err != nil {
		t.Fatal(err)
	}
	names := append(hostile, script(t)+".gz", script(t)+"/", "./"+script(t), script(t)+"\x00", script(t)+" ")
	for _, name := range names {
		// As the handler sees it, whatever a mux in front of it cleans.
		r := httptest.NewRequest("GET", "/assets/x", nil)
		r.SetPathValue("file", name)
		w := httptest.NewRecorder()
		door.asset(w, r)
		if w.Code != http.StatusNotFound {
			t.Errorf("name %.40q: status %d, want 404", name, w.Code)
		}
		// As a client sends it, escaped once and not at all.
		for _, path := range []string{url.PathEscape(name), name} {
			r := httptest.NewRequest("GET", "/", nil)
			u, err := url.Parse("/assets/" + path)
			if err != nil {
				continue // no client can send it
			}
			r.URL = u
			w := httptest.NewRecorder()
			handler(t).ServeHTTP(w, r)
			// The mux redirects a path that is not clean; what it leads to is
			// asked for like any other path.
			if w.Code != http.StatusNotFound && w.Code != http.StatusTemporaryRedirect &&
				w.Code != http.StatusMovedPermanently {
				t.Errorf("path %.60q: status %d, want 404", u.Path, w.Code)
			}
		}
	}
}

func TestGzipIsSentOnlyWhenAccepted(t *testing.T) {
	for header, want := range map[string]bool{
		"":                         false,
		"gzip":                     true,
		"GZIP":                     true,
		"x-gzip":                   true,
		"br, gzip":                 true,
		"gzip;q=0":                 false,
		"gzip; q=0.000, br":        false,
		"gzip;q=0.5":               true,
		"*":                        true,
		"*;q=0":                    false,
		"*, gzip;q=0":              false,
		"*;q=0, gzip":              true,
		"identity":                 false,
		"br":                       false,
		"gzipped":                  false,
		"gzip;q=high":              false,
		"deflate;q=1, gzip ; q=.1": true,
	} {
		if got := acceptsGzip(http.Header{"Accept-Encoding": {header}}); got != want {
			t.Errorf("Accept-Encoding %q: gzip %v, want %v", header, got, want)
		}
	}
}

func TestOnlyNamesWithTheirOwnHashAreImmutable(t *testing.T) {
	page := &fstest.MapFile{Data: []byte("<!doctype html>")}
	door, err := New(fstest.MapFS{
		"docs/index.html":                     page,
		"redoc/index.html":                    page,
		"assets/a-0123456789abcdef.js":        {Data: []byte("a")},
		"assets/a-ca978112ca1bbdca.js":        {Data: []byte("a")},
		"assets/short-ca97.js":                {Data: []byte("a")},
		"assets/ca978112ca1bbdca.js":          {Data: []byte("a")},
		"assets/a.js.ca978112ca1bbdca-no.txt": {Data: []byte("a")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range door.assets {
		want := name == "a-ca978112ca1bbdca.js"
		if got := f.header.Get("Cache-Control") == forever; got != want {
			t.Errorf("%s: immutable %v, want %v", name, got, want)
		}
	}
}

func TestNewRefusesWhatIsNotWhole(t *testing.T) {
	page := &fstest.MapFile{Data: []byte("<!doctype html>")}
	for name, dist := range map[string]fstest.MapFS{
		"nothing":      {},
		"no redoc":     {"docs/index.html": page, "assets/a.js": page},
		"no docs":      {"redoc/index.html": page, "assets/a.js": page},
		"no assets":    {"docs/index.html": page, "redoc/index.html": page},
		"unknown kind": {"docs/index.html": page, "redoc/index.html": page, "assets/a.exe": page},
		"folder":       {"docs/index.html": page, "redoc/index.html": page, "assets/a/b.js": page},
	} {
		if _, err := New(dist); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestDamagedAssetIsNoPage(t *testing.T) {
	page := &fstest.MapFile{Data: []byte("<!doctype html>")}
	door, err := New(fstest.MapFS{
		"docs/index.html": page, "redoc/index.html": page, "assets/a.js.gz": {Data: []byte("not gzip")},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	door.assets["a.js"].ServeHTTP(w, httptest.NewRequest("GET", "/assets/a.js", nil))
	if w.Code != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", w.Code)
	}
}
