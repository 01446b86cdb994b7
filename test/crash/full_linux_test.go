package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A full disk refuses writes and nothing else; when there is room again, all
// goes on by itself.
func TestFullDiskLosesNothingAcknowledged(t *testing.T) {
	dir := smallDisk(t, 12)
	p := place{data: filepath.Join(dir, "data")}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 5<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	s := start(t, p, port)
	j := newJournal()
	a := newAPI(s.base)
	defer a.close()
	e := share(t, s, j, "full")

	for round := range rounds(3) {
		name := fmt.Sprint(round)
		fill(t, s, j, e, name)
		// The disk is full to the last: what is small is refused too, and
		// what was written can be read.
		for range 3 {
			refusedFull(t, a, j, "experiments/evaluations/"+e.id, map[string]any{"evaluations": map[string]any{"full-" + name: strings.Repeat("x", 8<<10)}})
		}
		j.verify(t, s)
		for _, path := range []string{"/livez", "/readyz"} {
			if got := status(t, s.base+path); got != http.StatusOK {
				t.Errorf("GET %s on a full disk: status %d", path, got)
			}
		}
		if round == 1 {
			// Killed on a full disk, it comes up on a full disk.
			s.kill()
			s = start(t, p, port)
			j.verify(t, s)
			sound(t, p)
		}
		// Room is made while clients write on.
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		time.AfterFunc(100*time.Millisecond, func() {
			if err := os.Truncate(filler, int64(4-round)<<20); err != nil {
				t.Error(err)
			}
		})
		n := load(ctx, t, s, j, e, "room-"+name, 4, rules{full: true})
		cancel()
		if n == 0 {
			t.Fatal("no write succeeds after room was made")
		}
		j.verify(t, s)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if n := fillOnce(t, s, j, e); n != http.StatusOK {
		t.Errorf("status %d after the filler was removed", n)
	}
	j.verify(t, s)
	if code := s.stop(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.tail())
	}
	sound(t, p)
	s = start(t, p, port)
	j.verify(t, s)
	t.Logf("%d writes acknowledged, %d unknown", j.acked, j.unknown)
}

// fill writes until the disk is full.
func fill(t *testing.T, s *program, j *journal, e *made, name string) {
	t.Helper()
	c := &client{t: t, a: newAPI(s.base), j: j, name: "fill-" + name, shared: e, rules: rules{full: true}}
	defer c.a.close()
	m := &made{"model/m-full-2", j.ids["model/m-full-2"]}
	for n, full := 0, 0; full < 3; n++ {
		if n > 5000 {
			t.Fatal("the disk does not get full")
		}
		// Large ones first; when they do not fit any more, small ones.
		if c.newExperiment(m, full == 0) == nil {
			full++
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

func refusedFull(t *testing.T, a *api, j *journal, path string, body any) {
	t.Helper()
	r, err := a.call(http.MethodPost, path, body)
	if err != nil {
		t.Fatal(err)
	}
	if r.status != http.StatusInsufficientStorage || !strings.Contains(r.field("detail"), "disk is full") {
		t.Errorf("a write on a full disk: status %d: %.300s", r.status, r.body)
	}
}

func fillOnce(t *testing.T, s *program, j *journal, e *made) int {
	t.Helper()
	a := newAPI(s.base)
	defer a.close()
	noted := j.begin(parts{e.name + "/evaluations/last": canonical("here")})
	r, err := a.call(http.MethodPost, "experiments/evaluations/"+e.id, map[string]any{"evaluations": map[string]any{"last": "here"}})
	if err != nil {
		t.Fatal(err)
	}
	if r.status == http.StatusOK {
		noted.done()
	}
	return r.status
}

// smallDisk mounts a file system of so many megabytes: as root, by sudo
// without a password, or in a name space of its own. In CI one of them must work.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	size := fmt.Sprintf("size=%dm,mode=0777", megabytes)
	first := syscall.Mount("tmpfs", dir, "tmpfs", 0, size)
	if first == nil {
		t.Cleanup(func() { unmount(t, func() error { return syscall.Unmount(dir, 0) }) })
		return dir
	}
	out, second := exec.Command("sudo", "-n", "mount", "-t", "tmpfs", "-o", size, "tmpfs", dir).CombinedOutput()
	if second == nil {
		t.Cleanup(func() { unmount(t, func() error { return exec.Command("sudo", "-n", "umount", dir).Run() }) })
		return dir
	}
	inside, third := mountInNamespace(t, dir, size)
	if third == nil {
		return inside
	}
	why := fmt.Sprintf("no small file system can be mounted: %v; sudo: %v %s; name space: %v", first, second, out, third)
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

func unmount(t *testing.T, do func() error) {
	var err error
	for range 100 {
		if err = do(); err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond) // a killed process may still hold files
	}
	t.Errorf("unmount: %v", err)
}

// mountInNamespace mounts in a name space that a process holds open, and
// returns the path under which others see it.
func mountInNamespace(t *testing.T, dir, options string) (string, error) {
	holder := exec.Command("sh", "-c", `mount -t tmpfs -o "$1" tmpfs "$0" && echo mounted && exec sleep 300`, dir, options)
	holder.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := holder.Start(); err != nil {
		return "", err
	}
	end := func() {
		_ = holder.Process.Kill() // has ended already
		_ = holder.Wait()
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		end()
		return "", errors.Join(errors.New("mount failed"), err)
	}
	t.Cleanup(end)
	return fmt.Sprintf("/proc/%d/root%s", holder.Process.Pid, dir), nil
}
