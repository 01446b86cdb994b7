package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// rawRequest sends a head as it is, then a body in pieces until the server
// takes no more, and returns the answer and how much of the body was sent.
func (c *client) rawRequest(head string, piece []byte, pieces int) (reply, int) {
	c.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, head); err != nil {
		c.t.Fatal(err)
	}
	sent := make(chan int)
	go func() {
		n := 0
		for range pieces {
			if _, err := conn.Write(piece); err != nil {
				break
			}
			n += len(piece)
		}
		sent <- n
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	conn.Close()
	if resp.Close {
		resp.Header.Set("Connection", "close") // which ReadResponse removes
	}
	return reply{resp.StatusCode, resp.Header, string(body)}, <-sent
}

const rawHead = "POST " + base + "/projects HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

func tooLarge() string {
	return fmt.Sprintf(`{"detail":"the body is larger than the limit of %d bytes; the setting BODY_LIMIT (--body-limit) raises it"}`, bodyLimit)
}

// The length alone is enough: the body is never sent.
func TestDeclaredLargeBodyIsRefusedUnread(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for _, length := range []string{fmt.Sprint(100 << 20), fmt.Sprint(bodyLimit + 1), "9223372036854775807"} {
			got, _ := c.rawRequest(rawHead+"Content-Length: "+length+"\r\n\r\n", nil, 0)
			same(t, "status", got.status, http.StatusRequestEntityTooLarge)
			same(t, "body", strings.TrimSpace(got.body), tooLarge())
			same(t, "Connection", got.header.Get("Connection"), "close")
		}
		same(t, "projects", c.get(base+"/projects/all"), "[]\n")
	})
}

// Not parallel: it measures what the process takes.
func TestUndeclaredLargeBodyIsRefusedInLittleMemory(t *testing.T) {
	const mebibyte = 1 << 20
	c := serveSQLite(t)
	letters := fmt.Appendf(nil, "%x\r\n%s\r\n", mebibyte, strings.Repeat("n", mebibyte))
	head := rawHead + "Transfer-Encoding: chunked\r\n\r\n11\r\n{\"project_name\":\"\r\n"
	c.rawRequest(head, letters, 2) // so that what is made once is made
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, sent := c.rawRequest(head, letters, 100)
	runtime.ReadMemStats(&after)
	same(t, "status", got.status, http.StatusRequestEntityTooLarge)
	same(t, "body", strings.TrimSpace(got.body), tooLarge())
	if took := after.TotalAlloc - before.TotalAlloc; took > 16*bodyLimit {
		t.Errorf("a body over the limit of %d bytes took %d bytes of memory", bodyLimit, took)
	}
	if sent > 50*mebibyte {
		t.Errorf("the server took %d bytes of a body after it was over the limit", sent)
	}
	same(t, "projects", c.get(base+"/projects/all"), "[]\n")
}

func TestBodyUpToTheLimitIsRead(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		m := c.newModel(c.newProject("digits"), "forest")
		body := `{"model_id": "` + m + `", "model_version_id": "large", "parameters": {"a": "`
		end := `"}}`
		value := strings.Repeat("n", bodyLimit-len(body)-len(end))
		got := read(t, c.must("POST", base+"/experiments", body+value+end))
		kept := read(t, c.get(base+"/experiments/id/"+got.text("experiment_id")))
		if want := `{"a":"` + value + `"}`; string(kept["parameters"]) != want {
			t.Errorf("kept %d bytes of parameters, want %d", len(kept["parameters"]), len(want))
		}
		refused := c.send("POST", base+"/experiments", body+value+"n"+end)
		same(t, "one byte more", refused.status, http.StatusRequestEntityTooLarge)
	})
}

func TestLimitsAreInclusive(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		for script, letter := range letters {
			long := func(n int) string { return strings.Repeat(letter, n) }
			description := `, "description": "` + long(10_000) + `"}`
			p := c.post(base+"/projects", `{"project_name": "`+long(255)+`"`+description)
			same(t, script, p.text("project_name")+p.text("description"), long(255)+long(10_000))
			m := c.post(base+"/models", `{"project_id": "`+p.text("project_id")+`", "model_name": "`+long(255)+`"`+description)
			same(t, script, m.text("model_name")+m.text("description"), long(255)+long(10_000))
			object := `{"` + long(250) + `":` + nested(97) + `}` // 99 levels, with the body's 100
			number := `{"` + long(250) + `":0.5}`
			body := `{"model_id":"` + m.text("model_id") + `","model_version_id":"` + long(255) + `","parameters":` + object +
				`,"training_dataset":"` + long(16_384) + `","validation_dataset":"` + long(16_384) + `","test_dataset":"` + long(16_384) +
				`","evaluations":` + number + `,"artifact_file_paths":` + object
			made := c.must("POST", base+"/experiments", body+"}")
			id := read(t, made).text("experiment_id")
			kept := c.get(base + "/experiments/id/" + id)
			same(t, script+" read again", kept, made)
			same(t, script, kept, `{"experiment_id":"`+id+`",`+body[1:]+`,"created_datetime":"`+read(t, made).text("created_datetime")+
				`","status":"finished","last_write_datetime":"`+read(t, made).text("last_write_datetime")+"\"}\n")
			same(t, script+" by name", c.get(base+"/experiments/model-version-id/"+escape(long(255))), kept)
			same(t, script+" by name", read(t, c.get(base+"/projects/name/"+escape(long(255)))).text("project_id"), p.text("project_id"))
			same(t, script+" by name", len(decode[[]shown](t, c.get(base+"/models/project-name/"+escape(long(255))))), 1)
		}
	})
}

// The limit of depth counts the body's own braces.
func TestDepthUpToTheLimitIsRead(t *testing.T) {
	each(t, func(t *testing.T, c *client) {
		m := c.newModel(c.newProject("digits"), "forest")
		body := func(levels int) string {
			return `{"model_id": "` + m + `", "model_version_id": "deep", "parameters": {"a": ` + nested(levels) + `}}`
		}
		got := c.post(base+"/experiments", body(98))
		same(t, "parameters", string(got["parameters"]), `{"a":`+nested(98)+`}`)
		same(t, "one level more", c.send("POST", base+"/experiments", body(99)).status, http.StatusBadRequest)
	})
}
