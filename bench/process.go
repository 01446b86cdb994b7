package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// recipe says how one of the servers is started.
type recipe struct {
	name string
	// command runs the server on a port of the loopback address, with its
	// records in folder.
	command func(folder string, port int) *exec.Cmd
	ready   string // the path that answers 200 when it serves
	file    string // its SQLite file inside the folder; empty: it has none
	// fill puts finished runs and points past the API into the database of a
	// server that would take hours to be told them; nil: the API is fast enough.
	fill   func(ctx context.Context, folder string, analyze bool, rows func(io.Writer) error) error
	null   bool // keeps nothing and answers always the same
	synced bool // but syncs before it answers a write
}

// process is a running server.
type process struct {
	recipe recipe
	folder string
	base   string // http://host:port
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has ended
}

const startsWithin = 2 * time.Minute

// start starts a server and waits until it serves. What it says goes to a
// file in its folder. It gets a process group of its own, so that an
// interrupt from the terminal does not end it before its figures are read.
func start(ctx context.Context, r recipe, folder string) (*process, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	said, err := os.OpenFile(filepath.Join(folder, "said.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer said.Close()
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &process{recipe: r, folder: folder, base: fmt.Sprintf("http://127.0.0.1:%d", port), ended: make(chan struct{})}
	p.cmd = r.command(folder, port)
	p.cmd.Stdout, p.cmd.Stderr = said, said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // how it ended does not matter
		close(p.ended)
	}()
	if err := p.wait(ctx); err != nil {
		p.stop()
		text, _ := os.ReadFile(said.Name())
		return nil, fmt.Errorf("%s: %w\n%s", r.name, err, text[max(0, len(text)-2000):])
	}
	return p, nil
}

func (p *process) wait(ctx context.Context) error {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(ctx, startsWithin)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if resp, err := client.Get(p.base + p.recipe.ready); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-p.ended:
			return errors.New("it ended at its start")
		case <-ctx.Done():
			return fmt.Errorf("it does not serve: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// stop asks the server to end, and ends what is left of it after a while.
func (p *process) stop() {
	all := family(p.cmd.Process.Pid)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	for _, child := range all[1:] {
		_ = syscall.Kill(child, syscall.SIGKILL) // most have ended with their parent
	}
}

// freePort is a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// ours is Model DB, on SQLite in the folder, or on a PostgreSQL database.
func ours(binary, postgres string) recipe {
	r := recipe{name: "Model DB", ready: "/readyz", file: "data/modeldb.db"}
	if postgres != "" {
		r.name, r.file = "Model DB on PostgreSQL", ""
	}
	r.command = func(folder string, port int) *exec.Cmd {
		cmd := exec.Command(binary, "serve", "--port", fmt.Sprint(port), "--data", filepath.Join(folder, "data"))
		cmd.Env = []string{"LOG_LEVEL=warn"} // no setting of whoever runs this
		if postgres != "" {
			cmd.Env = append(cmd.Env, "MODELDB_DATABASE="+postgres) // may hold a password: not for ps
		}
		return cmd
	}
	return r
}

// canned is the server that keeps nothing: this program itself. With synced, it
// answers a write after a sync of a few bytes, which it shares.
func canned(synced bool) (recipe, error) {
	self, err := os.Executable()
	r := recipe{
		name:  "null",
		ready: "/health",
		null:  true,
		command: func(folder string, port int) *exec.Cmd {
			args := []string{"null", fmt.Sprintf("127.0.0.1:%d", port)}
			if synced {
				args = append(args, filepath.Join(folder, "log"))
			}
			return exec.Command(self, args...)
		},
	}
	if synced {
		r.name, r.synced = syncedNull, true
	}
	return r, err
}

// syncedNull is the name of the server that keeps nothing, but syncs.
const syncedNull = "null that syncs"
