package stage

import (
	"bytes"
	"fmt"
	"time"
)

// containerLog returns what every container of the lab has "written", in the
// format of the container runtime interface.
func containerLog() []byte {
	var out bytes.Buffer
	began := time.Now().UTC()
	for i, line := range []string{
		"lab: container started",
		"lab: there is no process behind this container",
		"lab: serving",
	} {
		at := began.Add(time.Duration(i) * time.Millisecond).Format(time.RFC3339Nano)
		_, _ = fmt.Fprintf(&out, "%s stdout F %s\n", at, line)
	}
	return out.Bytes()
}
