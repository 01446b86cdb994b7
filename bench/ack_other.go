//go:build !linux

package main

// acknowledge does nothing where the kernel cannot be told.
func (c *conn) acknowledge() {}
