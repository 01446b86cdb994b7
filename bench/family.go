package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// family is a process and all that descend from it, the process first. All of
// this file reads /proc: elsewhere than on Linux a family is one process
// without figures.
func family(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, name := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if f := stat(pid); len(f) > 1 {
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// stat is what /proc/PID/stat says after the command's name: the state, the
// parent, and so on.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil // it has ended
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// cpuTime is the processor time of a family, with children that have ended.
func cpuTime(root int) (sum time.Duration) {
	const tick = 10 * time.Millisecond // Linux counts in hundredths everywhere
	for _, pid := range family(root) {
		f := stat(pid)
		if len(f) < 15 {
			continue
		}
		for _, text := range f[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.Atoi(text)
			sum += time.Duration(n) * tick
		}
	}
	return sum
}

// resident is the resident memory of a family in MiB, pages that several of
// its processes share counted once.
func resident(root int) (mib float64, processes int) {
	for _, pid := range family(root) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		processes++
		lines := strings.Split(string(text), "\n")
		at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Pss:") })
		if at < 0 {
			continue
		}
		kib, _ := strconv.ParseFloat(strings.Fields(lines[at])[1], 64)
		mib += kib / 1024
	}
	return mib, processes
}

// quiet waits until a server has nothing more to do, and says how long that
// took: until it needs next to no processor time between two looks, or a
// minute has gone. MLflow's idle helpers take a tick now and then.
func (p *process) quiet(look time.Duration) time.Duration {
	busy := look / 25
	began := time.Now()
	before := cpuTime(p.cmd.Process.Pid)
	for time.Since(began) < time.Minute {
		time.Sleep(look) // the distance of two looks at a clock, not a wait for something to happen
		now := cpuTime(p.cmd.Process.Pid)
		if now-before <= busy {
			break
		}
		before = now
	}
	return time.Since(began) - look
}
