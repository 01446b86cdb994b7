//go:build !linux

package main

import "os"

// acknowledge does nothing where the kernel cannot be told.
func (c *conn) acknowledge() {}

// syncData returns when a file's bytes are on disk.
func syncData(f *os.File) error { return f.Sync() }
