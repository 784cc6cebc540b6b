package apply

import "sync"

// each calls f for every index below n, at most width at once, and returns
// when all calls ended. Indexes are started in order.
func each(width, n int, f func(i int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(width, n) {
		workers.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}
