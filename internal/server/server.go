package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"
)

// Options are what New is given.
type Options struct {
	Routes       []Route
	Log          *slog.Logger
	Metrics      *Metrics
	AllowedHosts []string // names besides localhost under which the server is reached
	BodyLimit    int64    // bytes
	Ready        func(context.Context) error
}

// Server answers every request, and hands those it has a route for to the
// route's handler.
type Server struct {
	mux     *http.ServeMux
	log     *slog.Logger
	metrics *Metrics
	unknown *routeMetrics // of all paths without a route: they are without end
	hosts   hosts
	origins *http.CrossOriginProtection
	limit   int64
	large   chan struct{} // slots for requests with large bodies
	streams chan struct{} // slots for requests with files as bodies
}

// A body over largeBody, or of unknown length, takes one of largeBodies slots, so
// that many clients with large bodies do not take all memory at once.
const (
	largeBody   = 1 << 20
	largeBodies = 8
	slotWait    = 5 * time.Second

	streamLimit = 256 // files that come at once: each takes half a MiB at most
)

// takeSlot waits for a slot for a large body, and reports whether it has one.
func (s *Server) takeSlot(ctx context.Context) bool {
	select {
	case s.large <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-time.After(slotWait):
	}
	return false
}

// New makes a server with the routes of all doors, and its own: /livez,
// /readyz and /metrics. A route without a right is an error.
func New(o Options) (*Server, error) {
	s := &Server{
		mux: http.NewServeMux(), log: o.Log, metrics: o.Metrics,
		hosts: newHosts(o.AllowedHosts), origins: http.NewCrossOriginProtection(), limit: o.BodyLimit,
		large: make(chan struct{}, largeBodies), streams: make(chan struct{}, streamLimit),
	}
	s.unknown = s.metrics.route("none")
	for _, host := range o.AllowedHosts {
		for _, scheme := range []string{"http://", "https://"} {
			// A pattern such as *.example.com is no origin; then the Host
			// that the browser names has to be the Origin's.
			_ = s.origins.AddTrustedOrigin(scheme + host)
		}
	}
	for _, r := range append(s.ownRoutes(o.Ready), o.Routes...) {
		if r.Right < Open || r.Right > Write {
			return nil, fmt.Errorf("route %s has no right", r.Pattern)
		}
		s.mux.Handle(r.Pattern, s.guard(r))
	}
	s.mux.HandleFunc("/", s.noRoute)
	return s, nil
}

// noRoute answers what no route matches: 405 when another method would match.
func (s *Server) noRoute(w http.ResponseWriter, r *http.Request) {
	allowed := Methods(s.mux, r)
	if len(allowed) == 0 {
		WriteError(w, http.StatusNotFound, "there is nothing at this path; the documents at /docs list what there is")
		return
	}
	list := strings.Join(allowed, ", ")
	w.Header().Set("Allow", list)
	WriteError(w, http.StatusMethodNotAllowed, fmt.Sprintf("this path does not take the method %s; it takes %s", r.Method, list))
}

// Methods are the methods for which a mux has a route at the request's path,
// besides a route for every path.
func Methods(mux *http.ServeMux, r *http.Request) (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		try := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := mux.Handler(try); pattern != "" && pattern != "/" {
			methods = append(methods, method)
		}
	}
	return methods
}

// ServeHTTP gives the request its id, and answers what panics or has no route.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	id := requestID(r)
	w := &response{ResponseWriter: rw, route: s.unknown, refuse: WriteError}
	h := w.Header()
	h.Set("X-Request-Id", id)
	h.Set("X-Content-Type-Options", "nosniff")
	began := time.Now()
	defer func() { s.finish(w, r, id, time.Since(began)) }() // also when an answer is cut short
	defer func() {
		if p := recover(); p != nil {
			s.panicked(w, r, id, p)
		}
	}()
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !clean(r.URL.EscapedPath()) {
		// The mux would send the client to the clean path, which it might ask with
		// the rest of a body, or without noticing that it is another.
		WriteError(w, http.StatusBadRequest, fmt.Sprintf("the path %q has an empty part, or a part . or ..; leave it out, or percent-encode it", r.URL.Path))
		return
	}
	s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), idKey{}, id)))
}

// clean reports whether the mux takes a path as it is.
func clean(p string) bool {
	cleaned := path.Clean(p)
	return p == cleaned || p == cleaned+"/" && cleaned != "/"
}

// panicked answers a request whose handler panicked. http.ErrAbortHandler is
// how a handler cuts an answer short on purpose.
func (s *Server) panicked(w *response, r *http.Request, id string, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.log.Error("panic", "id", id, "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if w.status == 0 {
		w.refuse(w, http.StatusInternalServerError, "an internal error occurred; the log has the details under the request id "+id)
		return
	}
	panic(http.ErrAbortHandler) // the answer has begun: cut it, so that nobody takes it for whole
}

const slow = time.Second

func (s *Server) finish(w *response, r *http.Request, id string, took time.Duration) {
	w.route.request(w.status, took)
	level := slog.LevelDebug
	switch {
	case w.status >= 500:
		level = slog.LevelError
	case took > slow:
		level = slog.LevelWarn
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	s.log.Log(r.Context(), level, "request", "id", id, "method", r.Method, "path", r.URL.Path,
		"status", w.status, "ms", took.Milliseconds(), "bytes", w.bytes)
}

// guard stands before a route's handler and holds what its right asks for.
func (s *Server) guard(route Route) http.Handler {
	measured := s.metrics.route(route.Pattern)
	refuse := route.Refuse
	if refuse == nil {
		refuse = WriteError
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w, ok := rw.(*response)
		if !ok {
			panic("server: a route was called without the server")
		}
		w.route, w.refuse = measured, refuse
		if route.Right != Probe && !s.hosts.allow(r.Host) {
			refuse(w, http.StatusForbidden, fmt.Sprintf("the host %q is not one that this server answers for; name it in ALLOWED_HOSTS (--allowed-hosts) if it is yours", r.Host))
			return
		}
		if route.Right == Write {
			if err := s.origins.Check(r); err != nil {
				refuse(w, http.StatusForbidden, fmt.Sprintf("the page at %q may not write here: it is of another site; name its host in ALLOWED_HOSTS (--allowed-hosts) if it is yours", r.Header.Get("Origin")))
				return
			}
		}
		if route.Stream {
			s.stream(w, r, route)
			return
		}
		if r.ContentLength > s.limit {
			w.Header().Set("Connection", "close")
			refuse(w, http.StatusRequestEntityTooLarge, TooLarge(s.limit))
			return
		}
		if (r.ContentLength < 0 || r.ContentLength > largeBody) && route.Right >= Read {
			if !s.takeSlot(r.Context()) {
				w.Header().Set("Retry-After", "5")
				refuse(w, http.StatusServiceUnavailable, "too many large bodies are on their way; try again, or send the length of a small one")
				return
			}
			defer func() { <-s.large }()
		}
		r.Body = http.MaxBytesReader(w, r.Body, s.limit)
		route.Handler.ServeHTTP(w, r)
	})
}

// stream lets a handler read a file from the body, when there are not too many
// who do.
func (s *Server) stream(w *response, r *http.Request, route Route) {
	select {
	case s.streams <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "5")
		w.refuse(w, http.StatusServiceUnavailable, "too many files are on their way; try again")
		return
	}
	defer func() { <-s.streams }()
	route.Handler.ServeHTTP(w, r)
}

// TooLarge is the sentence that refuses a body over the limit.
func TooLarge(limit int64) string {
	return fmt.Sprintf("the body is larger than the limit of %d bytes; the setting BODY_LIMIT (--body-limit) raises it", limit)
}

// grace is how long a stop waits for requests that were accepted.
const grace = 30 * time.Second

// Serve answers connections of l until ctx ends; then it accepts no more,
// answers what it has accepted, and returns nil.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		WriteTimeout:      2 * time.Minute, // a list that is streamed renews it
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: answering what was accepted")
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(wait); err != nil {
		return errors.Join(fmt.Errorf("stop: %w", err), srv.Close())
	}
	return nil
}

// hosts are the names under which the server may be reached. A page of
// another site can make its own name lead to this server (DNS rebinding), and
// then read what it answers; so a name must be known. An IP address cannot be
// used that way.
type hosts []string

func newHosts(names []string) hosts {
	list := hosts{"localhost", "*.localhost"}
	for _, n := range names {
		list = append(list, strings.ToLower(n))
	}
	return list
}

func (h hosts) allow(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if net.ParseIP(host) != nil {
		return true
	}
	for _, allowed := range h {
		suffix, any := strings.CutPrefix(allowed, "*")
		if host == allowed || any && strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
