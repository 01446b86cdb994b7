package storetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Main runs the tests of a package that uses this one, and afterwards stops
// the PostgreSQL server if they started one. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server != nil {
		shared.server.Stop()
	}
	os.Exit(code)
}

var shared struct {
	mu     sync.Mutex // guards what follows
	server *Server
	n      int // databases made
}

// Postgres makes an empty PostgreSQL database, which goes with the test, and
// returns its address. The server is the one that MODELDB_TEST_POSTGRES names
// (a user who may create databases), else one that the tests of this process
// start and share. A machine without PostgreSQL fails the test.
func Postgres(t testing.TB) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	admin := os.Getenv("MODELDB_TEST_POSTGRES")
	if admin == "" {
		if shared.server == nil {
			s, err := StartPostgres("fsync=off", "full_page_writes=off")
			if err != nil {
				t.Fatalf("no PostgreSQL to test on: %v (install PostgreSQL 13 or newer, or name a server in MODELDB_TEST_POSTGRES)", err)
			}
			shared.server = s
		}
		admin = shared.server.URL("postgres")
	}
	shared.n++
	name := fmt.Sprintf("modeldb_test_%d_%d", os.Getpid(), shared.n)
	execute(t, admin, "create database "+name)
	t.Cleanup(func() { execute(t, admin, "drop database if exists "+name+" with (force)") })
	config, err := pgx.ParseConfig(admin)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("postgres://%s:%s@%s/%s?pool_max_conns=4", config.User, config.Password,
		net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), name)
}

func execute(t testing.TB, url, sql string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}

// Server is a PostgreSQL server that a test started.
type Server struct {
	Port int
	dir  string
	bin  string
	args []string
	cmd  *exec.Cmd
}

// StartPostgres makes and starts a server in a folder of its own, on a free
// port of the loopback address, with the given settings ("fsync=off"). The
// caller stops it.
func StartPostgres(settings ...string) (_ *Server, err error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "modeldb-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	if as := unprivileged(); as != nil {
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			return nil, err
		}
	}
	initdb := s.command("initdb", "-D", s.data(), "-U", "modeldb", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.args = []string{"-D", s.data(), "-p", strconv.Itoa(s.Port), "-k", "", "-c", "listen_addresses=127.0.0.1"}
	for _, set := range settings {
		s.args = append(s.args, "-c", set)
	}
	return s, s.Start()
}

// Start starts a server that was stopped or killed, on its data and port.
func (s *Server) Start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = s.command("postgres", s.args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		c, err := pgx.Connect(ctx, s.URL("postgres"))
		cancel()
		if err == nil {
			return c.Close(context.Background())
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			return errors.Join(fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, text), s.Kill())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Kill ends the server and all that it started at once, as a crash does.
func (s *Server) Kill() error {
	err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	_ = s.cmd.Wait() // "signal: killed"
	return err
}

// Stop ends the server and removes its data.
func (s *Server) Stop() {
	if s.cmd != nil && s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		_ = s.cmd.Wait()
	}
	os.RemoveAll(s.dir)
}

// URL is the address of one of the server's databases.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres://modeldb@127.0.0.1:%d/%s", s.Port, database)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command prepares a program of PostgreSQL, which refuses to run as root.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: unprivileged()}
	return cmd
}

// unprivileged is who runs PostgreSQL when the tests run as root; else nil.
func unprivileged() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	return nil
}

// postgresBin finds the folder of PostgreSQL's programs: that of initdb on the
// path, else the newest of those that Debian installs side by side.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errors.New("there is no initdb")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
