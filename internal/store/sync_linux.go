package store

import (
	"os"
	"syscall"
)

// syncData returns when the data of a file is on disk. The times of its last
// change, which nobody reads, need not be.
func syncData(f *os.File) error {
	for {
		if err := syscall.Fdatasync(int(f.Fd())); err != syscall.EINTR {
			return err
		}
	}
}
