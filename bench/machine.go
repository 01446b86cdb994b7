package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// machine says in one line where the figures come from, and what its disk
// makes of durable writes.
func machine(folder string) (string, error) {
	syncs, err := syncsPerSecond(folder)
	if err != nil {
		return "", err
	}
	parts := []string{
		fmt.Sprintf("%d cores (%s), which the load shares with the servers", runtime.NumCPU(), orUnknown(field("/proc/cpuinfo", "model name"))),
		orUnknown(memoryInstalled()) + " of memory",
		runtime.GOOS + "/" + runtime.GOARCH + " " + strings.TrimSpace(readFile("/proc/sys/kernel/osrelease")),
		fmt.Sprintf("the disk takes %s appends of 4 KiB a second, each synced", number3(syncs)),
	}
	return strings.Join(parts, "; "), nil
}

func memoryInstalled() string {
	var kib float64
	if n, _ := fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kib); n != 1 {
		return ""
	}
	return fmt.Sprintf("%.0f GiB", kib/(1<<20))
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown"
	}
	return text
}

func readFile(name string) string {
	text, _ := os.ReadFile(name) // not on every system
	return string(text)
}

// field is what a file of lines "name: value" says of a name.
func field(file, name string) string {
	lines := bufio.NewScanner(strings.NewReader(readFile(file)))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// syncsPerSecond appends to a file, and syncs it each time, for two seconds.
func syncsPerSecond(folder string) (float64, error) {
	f, err := os.CreateTemp(folder, "sync-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4096)
	n, began := 0, time.Now()
	for ; time.Since(began) < 2*time.Second; n++ {
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
