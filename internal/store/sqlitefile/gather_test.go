package sqlitefile

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"pgregory.net/rapid"
)

// TestGatherIsAFile drives a gathering file as the encrypting layer does, in
// parts of one write that read back what they wrote, and a plain file alike.
// After each write nothing waits: another connection would see all of it.
func TestGatherIsAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var below, plain vfsutil.SliceFile
		gather := &gatherFile{File: &below}
		file := &logFile{File: parts{gather, t}, gather: gather}
		for range rapid.IntRange(1, 20).Draw(t, "writes") {
			p := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "bytes")
			off := rapid.Int64Range(0, 60).Draw(t, "offset")
			n, err := file.WriteAt(p, off)
			if n != len(p) || err != nil {
				t.Fatalf("wrote %d of %d, %v", n, len(p), err)
			}
			if _, err := plain.WriteAt(p, off); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(below, plain) {
				t.Fatalf("the file below holds\n%x, want\n%x", below, plain)
			}
		}
	})
}

// parts writes a few bytes at a time, and reads about before it does.
type parts struct {
	*gatherFile
	t *rapid.T
}

func (p parts) WriteAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		end := min(n+rapid.IntRange(1, 9).Draw(p.t, "part"), len(b))
		if rapid.Bool().Draw(p.t, "read") && n > 0 {
			from := rapid.IntRange(0, n-1).Draw(p.t, "from")
			got := make([]byte, n-from)
			if _, err := p.ReadAt(got, off+int64(from)); (err != nil && !errors.Is(err, io.EOF)) || !bytes.Equal(got, b[from:n]) {
				p.t.Fatalf("read back %x, %v; wrote %x", got, err, b[from:n])
			}
		}
		m, err := p.gatherFile.WriteAt(b[n:end], off+int64(n))
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

// TestGatherReportsWhatTheDiskRefuses: an error that comes when the write
// ends is the write's.
func TestGatherReportsWhatTheDiskRefuses(t *testing.T) {
	refuses := errors.New("no space left")
	gather := &gatherFile{File: fullFile{refuses, new(vfsutil.SliceFile)}}
	file := &logFile{File: gather, gather: gather}
	if n, err := file.WriteAt([]byte("x"), 0); n != 0 || !errors.Is(err, refuses) {
		t.Errorf("got %d, %v", n, err)
	}
	if len(gather.waiting) != 0 || gather.holding {
		t.Error("something still waits")
	}
}

type fullFile struct {
	err error
	*vfsutil.SliceFile
}

func (f fullFile) WriteAt([]byte, int64) (int, error) { return 0, f.err }
