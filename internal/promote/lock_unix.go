//go:build unix

package promote

import (
	"os"
	"syscall"
)

// tryLock takes the lock of a file, which ends with the process, or says that
// another has it.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
