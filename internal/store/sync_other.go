//go:build !linux

package store

import "os"

// syncData returns when a file is on disk.
func syncData(f *os.File) error { return f.Sync() }
