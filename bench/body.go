package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
)

// Bodies are written, and answers read, by hand: the load shares its
// processors with the servers.

func appendRun(b []byte, experiment, name string, start int64) []byte {
	return fmt.Appendf(b, `{"experiment_id":%q,"run_name":%q,"start_time":%d}`, experiment, name, start)
}

// appendPoint appends a metric of a batch, and a comma.
func appendPoint(b []byte, key, value string, at, step int64) []byte {
	b = append(b, `{"key":"`...)
	b = append(b, key...)
	b = append(b, `","value":`...)
	b = append(b, value...)
	b = append(b, `,"timestamp":`...)
	b = strconv.AppendInt(b, at, 10)
	b = append(b, `,"step":`...)
	b = strconv.AppendInt(b, step, 10)
	return append(b, "},"...)
}

// appendPair appends a parameter or tag of a batch, and a comma.
func appendPair(b []byte, key, value string) []byte {
	b = append(b, `{"key":"`...)
	b = append(b, key...)
	b = append(b, `","value":"`...)
	b = append(b, value...)
	return append(b, `"},`...)
}

// endList ends a list whose items end in commas.
func endList(b []byte) []byte { return append(bytes.TrimSuffix(b, []byte(",")), ']') }

// losses are n values as a training logs them: 32-bit floats that fall and
// tremble, written with the digits of the 64-bit float that Python makes of them.
func losses(n int) []string {
	texts := make([]string, n)
	rnd := rand.New(rand.NewPCG(11, 13))
	for i := range texts {
		v := float32(2.3 * math.Exp(-3*float64(i)/float64(n)) * (1 + 0.1*rnd.NormFloat64()))
		texts[i] = strconv.FormatFloat(float64(v), 'g', -1, 64)
	}
	return texts
}

// keys are n names with a common beginning.
func keys(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i)
	}
	return names
}

var (
	runID     = []byte(`"run_id"`)
	lifecycle = []byte(`"lifecycle_stage"`) // once in each run of an answer
	timestamp = []byte(`"timestamp"`)       // once in each point
	nextToken = []byte(`"next_page_token"`)
)

// text finds a field with a text in an answer, and what follows it.
func text(answer, field []byte) (value string, rest []byte) {
	_, rest, found := bytes.Cut(answer, field)
	_, rest, opened := bytes.Cut(rest, []byte(`"`))
	end := bytes.IndexByte(rest, '"')
	if !found || !opened || end < 0 {
		return "", nil
	}
	return string(rest[:end]), rest[end+1:]
}

// runIDs are the ids of the runs of an answer, in its order.
func runIDs(answer []byte) (ids []string) {
	for {
		id, rest := text(answer, runID)
		if id == "" {
			return ids
		}
		ids, answer = append(ids, id), rest
	}
}

// expect is an error unless an answer has a field that often.
func expect(answer, field []byte, want int) error {
	if got := bytes.Count(answer, field); got != want {
		return fmt.Errorf("%d times %s in the answer instead of %d", got, field, want)
	}
	return nil
}

// freePages reads from a SQLite file's head how many bytes its free pages hold.
func freePages(f io.ReaderAt) (int64, error) {
	var head [100]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return 0, err
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 65536
	}
	return page * int64(binary.BigEndian.Uint32(head[36:])), nil
}

func countRuns(answer []byte) int   { return bytes.Count(answer, lifecycle) }
func countPoints(answer []byte) int { return bytes.Count(answer, timestamp) }
