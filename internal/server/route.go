// Package server is the front that all doors stand behind: one mux for all
// routes, request ids, the log, limits, checks of host and origin, health,
// measurements, and the graceful stop. It knows no door.
package server

import "net/http"

// Right is what a caller needs for a route. Until access control comes, a
// right decides which checks a request goes through; a route without one is
// refused at the start.
type Right uint8

// The rights.
const (
	Open  Right = iota + 1 // anybody: pages and documents that hold no records
	Probe                  // anybody, under any host name: health checks by load balancers
	Read                   // reads records
	Write                  // changes records: refused when a page of another site asks for it
)

// Route is one entry of a door's table.
type Route struct {
	Pattern string // as for http.ServeMux, with a method
	Right   Right
	Handler http.Handler

	// Refuse writes what the server itself answers instead of the handler, in
	// the form of the route's door; nil: WriteError.
	Refuse func(w http.ResponseWriter, status int, text string)

	// Stream says that the body is a file: it has no limit, and the handler keeps
	// little of it in memory.
	Stream bool
}
