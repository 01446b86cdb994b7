package mlflow

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// answer is a body that can be sent.
type answer interface {
	appendJSON(dst []byte) []byte
}

// long is an answer that may be large: a list in an object. It is sent in
// pieces, so that it takes memory for one of them only.
type long interface {
	answer
	elements() int
	appendElement(dst []byte, i int) []byte // with what stands before it
	appendEnd(dst []byte) []byte
}

// appendAll is the appendJSON of long answers.
func appendAll(dst []byte, a long) []byte {
	for i := range a.elements() {
		dst = a.appendElement(dst, i)
	}
	return a.appendEnd(dst)
}

// between appends what stands before an element: the opening of the object and
// the list, or a comma.
func between(dst []byte, i int, opening string) []byte {
	if i > 0 {
		return append(dst, ',')
	}
	return append(dst, opening...)
}

// afterAll appends what stands after the last element of an object's list: the
// list is left out when it is empty.
func afterAll(dst []byte, n int) []byte {
	if n == 0 {
		return append(dst, '{')
	}
	return append(dst, ']')
}

// empty is the answer to a request that only changes something.
type empty struct{}

func (empty) appendJSON(dst []byte) []byte { return append(dst, "{}"...) }

// created is an answer that is sent with the status 201.
type created struct{ answer }

var (
	jsonType = []string{"application/json"}
	buffers  = sync.Pool{New: func() any { return new([]byte) }}
)

const (
	keepBuffer = 1 << 20   // the largest buffer that is kept for the next request or answer
	piece      = 256 << 10 // of a long answer
	pieceTime  = time.Minute
)

// send writes an answer. Whether it arrives is of no interest: the client may
// be gone.
func send(w http.ResponseWriter, status int, out answer) {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= keepBuffer {
			buffers.Put(buf)
		}
	}()
	w.Header()["Content-Type"] = jsonType
	*buf = (*buf)[:0]
	if l, is := out.(long); is {
		sendLong(w, buf, l)
		return
	}
	*buf = append(out.appendJSON(*buf), '\n')
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(*buf))}
	w.WriteHeader(status)
	_, _ = w.Write(*buf)
}

func sendLong(w http.ResponseWriter, buf *[]byte, out long) {
	control := http.NewResponseController(w)
	whole := true
	for i := range out.elements() {
		*buf = out.appendElement(*buf, i)
		if len(*buf) < piece {
			continue
		}
		whole = false
		_ = control.SetWriteDeadline(time.Now().Add(pieceTime)) // not every connection has one
		if _, err := w.Write(*buf); err != nil {
			return
		}
		*buf = (*buf)[:0]
	}
	*buf = append(out.appendEnd(*buf), '\n')
	if whole {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(*buf))}
	}
	_, _ = w.Write(*buf)
}
