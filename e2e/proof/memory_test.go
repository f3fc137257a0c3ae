//go:build linux

package proof

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// inMemory returns what a search finds in the memory that a process can write:
// its heap, its stacks and what it has mapped. The process stands still
// meanwhile. The caller must be allowed to trace it.
func (s *search) inMemory(pid int) (found []string, size int64, err error) {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil, 0, err
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, 0, err
	}
	defer maps.Close()
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, 0, err
	}
	defer memory.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		from, length, ok := writable(lines.Text())
		if !ok {
			continue
		}
		// What the kernel does not let us read, no process can leak.
		here, n, err := s.in(io.NewSectionReader(memory, from, length))
		if err != nil && n == 0 {
			continue
		}
		size += n
		for _, what := range here {
			if !slices.Contains(found, what) {
				found = append(found, what)
			}
		}
	}
	return found, size, nil
}

// writable reads a line of /proc/PID/maps (proc_pid_maps(5)).
func writable(line string) (from, length int64, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 2 || !strings.HasPrefix(fields[1], "rw") {
		return 0, 0, false
	}
	low, high, _ := strings.Cut(fields[0], "-")
	from, err := strconv.ParseInt(low, 16, 64)
	if err != nil {
		return 0, 0, false
	}
	to, err := strconv.ParseInt(high, 16, 64)
	return from, to - from, err == nil
}

// dumpCore makes a core dump of a process in a new folder. Where none can be
// made the test does not run, and says so.
func dumpCore(t *testing.T, pid int) (folder string) {
	t.Helper()
	if _, err := exec.LookPath("gcore"); err != nil {
		notRun(t, "gcore is not installed: the live memory is searched alone")
	}
	folder = t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "gcore", "-o", filepath.Join(folder, "core"), strconv.Itoa(pid)).CombinedOutput()
	if err != nil {
		notRun(t, "no core dump can be made here, the live memory is searched alone: %v\n%s", err, tail(string(out), 1000))
	}
	return folder
}
