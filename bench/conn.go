package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// conn is one client's connection: HTTP/1.1 with keep-alive, and bodies with
// a Content-Length or in chunks, which is all that these servers use. The
// client of net/http costs more processor time for a request than a fast
// server does, and the load shares the machine with the server it measures.
type conn struct {
	ctx   context.Context // ends every wait for an answer
	addr  string          // host:port
	quick bool            // acknowledge packets at once, see acknowledge
	did   traffic

	nc       net.Conn
	unwatch  func() bool // stops waiting for the end of ctx
	in       *bufio.Reader
	out      []byte // the request being written, reused
	answer   []byte // the last answer's body, reused
	used     time.Time
	deadline time.Time
}

// traffic is what went over a connection.
type traffic struct {
	requests       int
	sent, received int64 // bytes, heads included
}

func (t *traffic) add(o traffic) {
	t.requests += o.requests
	t.sent += o.sent
	t.received += o.received
}

const (
	// patience is how long an answer may take: MLflow's server needs minutes
	// for some of them.
	patience = 5 * time.Minute
	// idle is how long a connection may rest before a new one is made, since
	// the server may be closing it at this very moment.
	idle = 2 * time.Second
)

// dial prepares a connection to base (http://host:port); the first request
// opens it.
func dial(ctx context.Context, base string, quick bool) *conn {
	return &conn{ctx: ctx, addr: strings.TrimPrefix(base, "http://"), quick: quick}
}

func (c *conn) close() {
	if c.nc != nil {
		c.unwatch()
		c.nc.Close()
		c.nc = nil
	}
}

func (c *conn) open(now time.Time) error {
	if c.nc != nil && now.Sub(c.used) > idle {
		c.close()
	}
	if c.nc == nil {
		nc, err := net.DialTimeout("tcp", c.addr, 10*time.Second)
		if err != nil {
			return err
		}
		c.nc, c.deadline = nc, time.Time{}
		c.unwatch = context.AfterFunc(c.ctx, func() { nc.Close() })
		if c.in == nil {
			c.in = bufio.NewReaderSize(nc, 64<<10)
		}
		c.in.Reset(nc)
	}
	if c.deadline.Sub(now) < patience {
		c.deadline = now.Add(patience + 10*time.Second) // not set anew for each request
		return c.nc.SetDeadline(c.deadline)
	}
	return nil
}

// do sends a request and reads the whole answer, which is valid until the
// next call. It never sends twice: a write may have been kept although its
// answer was lost.
func (c *conn) do(method, path string, body []byte) (status int, answer []byte, err error) {
	if err := c.open(time.Now()); err != nil {
		return 0, nil, err
	}
	c.did.requests++
	c.write(method, path, body)
	c.did.sent += int64(len(c.out))
	if _, err = c.nc.Write(c.out); err == nil {
		c.acknowledge()
		status, err = c.read()
	}
	c.used = time.Now()
	if err != nil {
		c.close()
		return 0, nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return status, c.answer, nil
}

func (c *conn) write(method, path string, body []byte) {
	b := append(c.out[:0], method...)
	b = append(b, ' ')
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, c.addr...)
	if method != "GET" {
		b = append(b, "\r\nContent-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
	}
	b = append(b, "\r\n\r\n"...)
	c.out = append(b, body...)
}

// head is what a client must know of an answer before its body.
type head struct {
	status  int
	length  int // -1: not said
	chunked bool
	last    bool // the server closes afterwards
}

func (c *conn) read() (status int, err error) {
	h, err := c.readHead()
	if err != nil {
		return 0, err
	}
	c.acknowledge()
	c.answer = c.answer[:0]
	switch {
	case h.status == 204 || h.status == 304:
	case h.chunked:
		err = c.readChunks()
	case h.length >= 0:
		err = c.readN(h.length)
	default:
		c.answer, err = io.ReadAll(c.in)
		c.did.received += int64(len(c.answer))
		h.last = true
	}
	if err == nil && h.last {
		c.close()
	}
	return h.status, err
}

func (c *conn) readLine() ([]byte, error) {
	line, err := c.in.ReadSlice('\n')
	c.did.received += int64(len(line))
	return bytes.TrimRight(line, "\r\n"), err
}

var (
	contentLength    = []byte("Content-Length")
	transferEncoding = []byte("Transfer-Encoding")
	connection       = []byte("Connection")
)

func (c *conn) readHead() (h head, err error) {
	line, err := c.readLine()
	if err != nil {
		return h, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return h, fmt.Errorf("not the first line of an HTTP answer: %q", line)
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return h, err
	}
	for h.length = -1; ; {
		if line, err = c.readLine(); err != nil || len(line) == 0 {
			return h, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, contentLength):
			if h.length, err = strconv.Atoi(string(value)); err != nil {
				return h, err
			}
		case bytes.EqualFold(name, transferEncoding):
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, connection):
			h.last = bytes.EqualFold(value, []byte("close"))
		}
	}
}

// readN appends the next n bytes to the answer.
func (c *conn) readN(n int) error {
	have := len(c.answer)
	if cap(c.answer) < have+n {
		c.answer = append(make([]byte, 0, 2*have+n), c.answer...)
	}
	c.answer = c.answer[:have+n]
	c.did.received += int64(n)
	_, err := io.ReadFull(c.in, c.answer[have:])
	return err
}

func (c *conn) readChunks() error {
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseInt(string(size), 16, 32)
		if err != nil {
			return err
		}
		if err := c.readN(int(n)); err != nil {
			return err
		}
		if line, err = c.readLine(); err != nil || len(line) != 0 {
			return fmt.Errorf("a chunk ends in %q: %w", line, err)
		}
		if n == 0 {
			return nil
		}
	}
}

// call is do, with answers outside 2xx as errors.
func (c *conn) call(method, path string, body []byte) ([]byte, error) {
	status, answer, err := c.do(method, path, body)
	if err == nil && status/100 != 2 {
		path, _, _ = strings.Cut(path, "?")
		text := strings.Join(strings.Fields(string(answer[:min(len(answer), 200)])), " ")
		err = fmt.Errorf("%s %s answers %d: %s", method, path, status, text)
	}
	return answer, err
}

// json is call, with Go values for the bodies; nil for none.
func (c *conn) json(method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	answer, err := c.call(method, path, body)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}
