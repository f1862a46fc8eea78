//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package filestore

import (
	"errors"
	"os"
	"syscall"
)

// tryLock locks an open directory against everybody who opened it separately, in this process or another. The lock ends
// with the file or with the process.
func tryLock(dir *os.File) (locked bool, err error) {
	conn, err := dir.SyscallConn()
	if err != nil {
		return false, err
	}
	var result error
	err = conn.Control(func(fd uintptr) {
		for result = syscall.EINTR; errors.Is(result, syscall.EINTR); {
			result = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
		}
	})
	switch {
	case err != nil:
		return false, err
	case errors.Is(result, syscall.EWOULDBLOCK):
		return false, nil
	}
	return result == nil, result
}
