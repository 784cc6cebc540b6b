package server

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports come from a range below the one from which Linux takes the local ports
// of outgoing connections (32768 and up), so that neither a client's socket nor
// a listener on port 0 takes one between the choice and its use, or while a
// stopped forge waits to be started again.
const (
	lowest  = 20000
	highest = 32000
	tries   = 200
)

// choosePort is the wanted port, else the last one if it is free, else any free
// one. A taken port that was wanted is an error.
func choosePort(wanted, last int) (int, error) {
	if wanted != 0 {
		return wanted, bind(wanted)
	}
	if last != 0 && bind(last) == nil {
		return last, nil
	}
	for range tries {
		if port := lowest + rand.IntN(highest-lowest); bind(port) == nil {
			return port, nil
		}
	}
	return 0, errors.New("free port: none found")
}

// bind reports why a port cannot be listened on.
func bind(port int) error {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return fmt.Errorf("port %d: %w", port, err)
	}
	return l.Close()
}
