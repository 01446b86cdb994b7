package crash

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A server that is told to stop answers every request that it has accepted,
// loses nothing that it acknowledged, and does not write what it did not answer.
func TestStopAnswersWhatWasAccepted(t *testing.T) {
	each(t, func(t *testing.T, p place) {
		j := newJournal()
		port := freePort(t)
		for round := range rounds(5) {
			s := start(t, p, port)
			name := fmt.Sprint(round)
			shared := share(t, s, j, name)
			slow := make([]*slowWrite, 8)
			for i := range slow {
				slow[i] = beginSlowly(t, s, j, fmt.Sprintf("slow-%d-%d", round, i))
			}
			stopping := make(chan struct{})
			time.AfterFunc(150*time.Millisecond, func() {
				defer close(stopping)
				if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Error(err)
				}
			})
			load(t.Context(), t, s, j, shared, name, 8, rules{cut: true})
			<-stopping
			var wg sync.WaitGroup
			for i, w := range slow {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 50 * time.Millisecond)
					w.finish(t)
				})
			}
			wg.Wait()
			select {
			case <-s.ended:
			case <-time.After(20 * time.Second):
				t.Fatalf("the server does not end\n%s", s.tail())
			}
			if code := s.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("exit code %d\n%s", code, s.tail())
			}
			sound(t, p)
			// What was not answered was not accepted, so it must not be there.
			for c := range j.open {
				c.refused()
			}
			s = start(t, p, port)
			j.verify(t, s)
			s.kill()
		}
		t.Logf("%d writes acknowledged", j.acked)
	})
}

// slowWrite is a write of which the server has the head, and waits for the body.
type slowWrite struct {
	conn  net.Conn
	in    *bufio.Reader
	body  string
	noted *change
}

// beginSlowly sends the head of a request that makes a project, and returns
// when the server has asked for the body: it has accepted the request.
func beginSlowly(t *testing.T, s *program, j *journal, project string) *slowWrite {
	t.Helper()
	host := strings.TrimPrefix(s.base, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	w := &slowWrite{
		conn: conn, in: bufio.NewReader(conn),
		body:  fmt.Sprintf(`{"project_name": %q}`, project),
		noted: j.begin(parts{"project/" + project: "here"}),
	}
	fmt.Fprintf(conn, "POST /v0.1/api/projects HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		host, len(w.body))
	line, err := w.in.ReadString('\n')
	if err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("the server did not ask for the body: %q, %v", line, err)
	}
	if _, err := w.in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return w
}

// finish sends the body and waits for the answer.
func (w *slowWrite) finish(t *testing.T) {
	if _, err := io.WriteString(w.conn, w.body); err != nil {
		t.Errorf("the server does not take the body: %v", err)
		return
	}
	resp, err := http.ReadResponse(w.in, nil)
	if err != nil {
		t.Errorf("a request that was accepted was not answered: %v", err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("a request that was accepted was answered with status %d", resp.StatusCode)
		return
	}
	w.noted.done()
}
