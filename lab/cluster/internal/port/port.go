// Package port picks free TCP ports on the loopback interface.
package port

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports come from a range below the one from which Linux takes the local ports
// of outgoing connections (32768 and up), so that neither a client's socket nor
// a listener on port 0 takes a port between the choice and its use, or while a
// stopped cluster waits to be started again.
const (
	lowest  = 20000
	highest = 32000
	tries   = 200
)

// Free returns n different ports that were free on 127.0.0.1 a moment ago. All
// are bound at once before any is released, so they never repeat; another
// process can still take one before the caller binds it, so callers retry with
// new ports when a listener reports that its address is in use.
func Free(n int) ([]int, error) {
	listeners := make([]net.Listener, 0, n)
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	ports := make([]int, 0, n)
	for range tries {
		if len(ports) == n {
			return ports, nil
		}
		candidate := lowest + rand.IntN(highest-lowest)
		l, err := listen(candidate)
		if err != nil {
			continue
		}
		listeners = append(listeners, l)
		ports = append(ports, candidate)
	}
	return nil, errors.New("free port: none found")
}

// Available reports whether port can be bound on 127.0.0.1 now.
func Available(port int) bool {
	l, err := listen(port)
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}
