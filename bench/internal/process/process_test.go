package process

import (
	"os"
	"runtime"
	"strings"
	"testing"
)

func TestAnonymous(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		want int64
	}{
		"some":     {"Name:\ttug\nVmRSS:\t   90000 kB\nRssAnon:\t   42312 kB\nRssFile:\t   100 kB\n", 42312 << 10},
		"ended":    {"Name:\ttug\nState:\tZ (zombie)\n", 0},
		"no sense": {"RssAnon:\tmuch kB\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := anonymous([]byte(c.in)); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// child makes the test binary a program that uses 64 MiB, so that Run is
// tested on a process whose memory is known.
const child = "BENCH_TEST_CHILD=1"

func TestMain(m *testing.M) {
	if os.Getenv("BENCH_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	data := make([]byte, 64<<20)
	for i := 0; i < len(data); i += 4096 {
		data[i] = 1
	}
	for range 200 {
		for i := range data {
			data[i]++
		}
	}
	if len(os.Args) > 1 && os.Args[1] == "bad" {
		_, _ = os.Stderr.WriteString("no luck\n")
		os.Exit(3)
	}
	_, _ = os.Stdout.WriteString("done")
	runtime.KeepAlive(data)
}

func TestRunSaysWhatAProcessCost(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("memory is read from /proc")
	}
	u, err := Run(t.Context(), Command{Path: os.Args[0], Env: []string{child}, Watch: true})
	if err != nil {
		t.Fatal(err)
	}
	if string(u.Stdout) != "done" {
		t.Errorf("stdout %q", u.Stdout)
	}
	if u.Anon < 64<<20 || u.Anon > 256<<20 {
		t.Errorf("anonymous memory %d, want a little over 64 MiB", u.Anon)
	}
	if u.CPU <= 0 || u.Wall <= 0 {
		t.Errorf("cpu %v, wall %v", u.CPU, u.Wall)
	}
}

func TestRunFailsWithWhatTheProgramSaid(t *testing.T) {
	t.Parallel()
	_, err := Run(t.Context(), Command{Path: os.Args[0], Args: []string{"bad"}, Env: []string{child}})
	if err == nil || !strings.Contains(err.Error(), "no luck") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
}
