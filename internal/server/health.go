package server

import (
	"context"
	"net/http"
	"time"
)

// readyTime is how long the database may take to say that it is there.
const readyTime = 2 * time.Second

func (s *Server) ownRoutes(ready func(context.Context) error) []Route {
	return []Route{
		{Pattern: "GET /livez", Right: Probe, Handler: http.HandlerFunc(live)},
		{Pattern: "GET /readyz", Right: Probe, Handler: s.readiness(ready)},
		{Pattern: "GET /metrics", Right: Open, Handler: s.metrics.handler()},
	}
}

func live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{\"status\":\"alive\"}\n")) // the client may be gone
}

// readiness asks the database. The reason of a no goes to the log only: a
// probe is answered to anybody.
func (s *Server) readiness(ready func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		if err := ready(ctx); err != nil {
			s.log.Error("not ready", "id", RequestID(r.Context()), "error", err)
			w.Header().Set("Retry-After", "1")
			WriteError(w, http.StatusServiceUnavailable, "the database does not answer")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{\"status\":\"ready\"}\n")) // the client may be gone
	})
}
