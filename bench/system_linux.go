package main

import (
	"net"
	"os"
	"syscall"
)

// acknowledge tells the kernel not to wait with the next acknowledgement. A
// server that writes head and body separately, on a socket that gathers small
// writes, otherwise waits some 40 ms for it; ordinary clients do not do this.
func (c *conn) acknowledge() {
	tcp, is := c.nc.(*net.TCPConn)
	if !c.quick || !is {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		// It only changes when, never whether: a failure shows in the times.
		_ = raw.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
		})
	}
}

// syncData returns when a file's bytes are on disk.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
