package plan

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// batch is the number of items worth a goroutine.
const batch = 32

// parallel calls do for 0 to n-1, on every processor when that pays.
func parallel(n int, do func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), (n+batch-1)/batch)
	if workers < 2 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				start := int(next.Add(batch)) - batch
				if start >= n {
					return
				}
				for i := start; i < min(start+batch, n); i++ {
					do(i)
				}
			}
		})
	}
	wg.Wait()
}
