package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// duration is a flag value above zero.
type duration struct{ d *time.Duration }

func (v duration) String() string {
	if v.d == nil {
		return ""
	}
	return v.d.String()
}

func (duration) Type() string { return "duration" }

// Set implements pflag.Value.
func (v duration) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("write a number and a unit: 90s, 5m, 1h30m")
	}
	if d <= 0 {
		return errors.New("it must be longer than nothing; --no-wait does not wait")
	}
	*v.d = d
	return nil
}

// count is a flag value of one or more.
type count struct{ n *int64 }

func (v count) String() string {
	if v.n == nil || *v.n == 0 {
		return ""
	}
	return fmt.Sprint(*v.n)
}

func (count) Type() string { return "N" }

// Set implements pflag.Value.
func (v count) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return errors.New("write a number of 1 or more")
	}
	*v.n = n
	return nil
}
