package report

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where a bench ran.
type Machine struct {
	Model  string
	Cores  int
	Memory int64 // bytes
	Loads  []string
}

// ThisMachine describes the machine from /proc.
func ThisMachine() Machine {
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	memory, _ := os.ReadFile("/proc/meminfo")
	kib, _ := strconv.ParseInt(strings.TrimSuffix(field(string(memory), "MemTotal"), " kB"), 10, 64)
	m := Machine{Model: field(string(cpu), "model name"), Cores: runtime.NumCPU(), Memory: kib << 10}
	m.NoteLoad()
	return m
}

// NoteLoad remembers the load averages of now (1, 5 and 15 minutes): numbers
// from a machine that does something else are worth less.
func (m *Machine) NoteLoad() {
	load, _ := os.ReadFile("/proc/loadavg")
	if words := strings.Fields(string(load)); len(words) >= 3 {
		m.Loads = append(m.Loads, strings.Join(words[:3], " "))
	}
}

// field is the value of the first "name : value" line.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
