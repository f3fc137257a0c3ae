package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A usage is what a process has taken of the machine. Linux only.
type usage struct {
	cpu      time.Duration // user and system, all threads
	resident int64         // bytes
}

// clockTick is USER_HZ, which Linux fixes at 100 for /proc on every platform.
const clockTick = time.Second / 100

// usageOf reads /proc/PID/stat and statm (proc(5)).
func usageOf(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	// The second field is the program's name in parentheses and may hold spaces.
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return usage{}, errors.New("bench: /proc/PID/stat is not as expected")
	}
	fields := strings.Fields(string(stat[end+1:]))
	const utime, stime, rss = 11, 12, 21 // counted from the field after the name
	if len(fields) <= rss {
		return usage{}, errors.New("bench: /proc/PID/stat is too short")
	}
	var n [3]int64
	for i, at := range []int{utime, stime, rss} {
		if n[i], err = strconv.ParseInt(fields[at], 10, 64); err != nil {
			return usage{}, err
		}
	}
	return usage{cpu: time.Duration(n[0]+n[1]) * clockTick, resident: n[2] * int64(os.Getpagesize())}, nil
}

// bytesIn adds up the files below a folder.
func bytesIn(folder string) (int64, error) {
	var total int64
	err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	return total, err
}
