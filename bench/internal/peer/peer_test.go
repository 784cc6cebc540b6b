package peer

import "testing"

func TestProgramVersion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		library string
		major   int
		want    string
	}{
		{"v4.3.1", 0, "v4.3.1"},
		{"v0.37.1", 1, "v1.37.1"},
		{"v0.38.0-rc.0", 1, "v1.38.0-rc.0"},
	} {
		if got := program(c.library, c.major); got != c.want {
			t.Errorf("%s: %s, want %s", c.library, got, c.want)
		}
	}
}
