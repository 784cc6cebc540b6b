package port

import "testing"

func TestFreePortsDiffer(t *testing.T) {
	ports, err := Free(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, p := range ports {
		if seen[p] || !Available(p) {
			t.Errorf("port %d is taken or repeated", p)
		}
		seen[p] = true
	}
}

func TestBoundPortIsNotAvailable(t *testing.T) {
	ports, err := Free(1)
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen(ports[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if Available(ports[0]) {
		t.Error("bound port counts as available")
	}
}
