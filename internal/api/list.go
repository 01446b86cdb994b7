package api

import (
	"context"
	"math"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"modeldb/internal/record"
	"modeldb/internal/server"
)

const (
	pageRows  = 500       // records read by one statement
	pageBytes = 256 << 10 // of an answer that are sent at once
	writeTime = time.Minute
)

// Paging are the query parameters of a list.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" doc:"At most so many. Absent: all."`
	Cursor string `query:"cursor" doc:"The id of the last record that was seen: the answer begins after it. A list that has fewer records than limit is the last."`
}

// lister is the input of a list's operation.
type lister interface{ paging() Paging }

func (p *Paging) paging() Paging { return *p }

// listing is a JSON list on its way to the client.
type listing struct {
	buf  []byte
	left int  // records that may follow
	any  bool // a record was added
}

// add adds a record, and reports whether there is room for more before the
// next writing.
func (l *listing) add(a appender) bool {
	if l.any {
		l.buf = append(l.buf, ',')
	}
	l.any = true
	l.buf = a.appendJSON(l.buf)
	l.left--
	return l.left > 0 && len(l.buf) < pageBytes
}

// rows is how many records the next statement should give.
func (l *listing) rows() int { return min(l.left, pageRows) }

// pager adds the next records to a listing, and reports whether they were the
// last.
type pager func(ctx context.Context, l *listing) (done bool, err error)

// listRoute is the operation of a list of T.
func listRoute[T, I any, P interface {
	*I
	lister
}](d *Door, path, id, tag, summary, description string, handler func(context.Context, P) (pager, error), errors ...int) operation {
	op := route(d, server.Read, http.MethodGet, path, id, tag, summary, description,
		func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
			next, err := handler(ctx, P(in))
			if err != nil {
				return nil, err
			}
			return d.stream(ctx, P(in).paging().Limit, next)
		}, errors...)
	register := op.register
	op.register = func(h huma.API, o huma.Operation) {
		listSchema[T](h, &o)
		register(h, o)
	}
	return op
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// stream answers a list in pieces: memory is taken for one piece, however long
// the list is, and no statement is open while the client reads. The first
// piece is read before the head is sent, so that errors have their status.
func (d *Door) stream(ctx context.Context, limit int, next pager) (*huma.StreamResponse, error) {
	buf := buffers.Get().(*[]byte)
	l := &listing{buf: append((*buf)[:0], '['), left: limit}
	if limit == 0 {
		l.left = math.MaxInt
	}
	done, err := next(ctx, l)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer func() {
			if cap(l.buf) <= keepBuffer {
				*buf = l.buf
				buffers.Put(buf)
			}
		}()
		hc.SetHeader("Content-Type", "application/json")
		out := hc.BodyWriter()
		control := http.NewResponseController(out.(http.ResponseWriter))
		for {
			if done || l.left <= 0 {
				l.buf = append(l.buf, "]\n"...)
				_, _ = out.Write(l.buf) // the client may be gone
				return
			}
			_ = control.SetWriteDeadline(time.Now().Add(writeTime)) // not every connection has one
			if _, err := out.Write(l.buf); err != nil {
				return
			}
			l.buf = l.buf[:0]
			if done, err = next(ctx, l); err != nil {
				if ctx.Err() == nil {
					d.log.Error("list cut short", "id", server.RequestID(ctx), "error", err)
				}
				// The head was sent: only cutting the connection tells the
				// client that the list is not whole.
				panic(http.ErrAbortHandler)
			}
		}
	}}, nil
}

// cursorError says that a cursor is not an id that can be one.
func cursorError(err error) error {
	if record.KindOf(err) == record.NotFound {
		return queryError("cursor", err.Error())
	}
	return err
}

// queryError refuses a query parameter.
func queryError(name, text string) error {
	return &Problem{status: http.StatusUnprocessableEntity, text: text,
		faults: []fault{{[]string{"query", name}, text, "value_error"}}}
}
