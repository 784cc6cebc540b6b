package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// firstHeap is the GOGC value that puts the first collection off until the
// heap has 32 MiB (the runtime's least is 4 MiB at 100).
const firstHeap = 800

// collectLater spares short commands the garbage collector: collecting the
// first few MiB again and again is a fifth of the work of a render. After the
// first collection the runtime's default holds, so that the memory of a large
// deploy is what it would have been. Who sets GOGC gets that.
func collectLater() {
	if os.Getenv("GOGC") != "" {
		return
	}
	before := debug.SetGCPercent(firstHeap)
	// A value that nothing refers to: its cleanup runs after the first
	// collection. It holds a pointer, because values without one may share
	// their memory with others and live on.
	first := &struct{ self *int }{}
	runtime.AddCleanup(first, func(percent int) { debug.SetGCPercent(percent) }, before)
}
