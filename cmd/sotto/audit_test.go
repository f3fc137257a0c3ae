package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/auditlog"
	"github.com/sotto-health/sotto/internal/auditlog/archive"
	"github.com/sotto-health/sotto/internal/host"
	"github.com/sotto-health/sotto/internal/hub"
	"github.com/sotto-health/sotto/internal/keyfile"
)

// newAuditLog makes an installation whose practice has a log of two tiles and more.
func newAuditLog(t *testing.T) (data string) {
	t.Helper()
	data = t.TempDir()
	does(t, data, []string{"practice", "apply", practiceFile(t, "", "")})
	happens(t, data, 530)
	return data
}

// openHub opens the hub of an installation, to do what no command does, and
// returns its first practice. Whoever calls it closes it.
func openHub(t *testing.T, data string) (h *host.OpenHub, practice string) {
	t.Helper()
	h, err := host.Open(t.Context(), host.HubConfig{Folder: host.Folder(data), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	practices, err := h.PracticeIDs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return h, practices[0]
}

// happens lets n things happen that the log has to show.
func happens(t *testing.T, data string, n int) {
	t.Helper()
	h, practice := openHub(t, data)
	defer h.Close()
	who := &hub.Caller{Device: hub.Device{Practice: practice, Kind: "staff", Person: "p_one"}}
	for range n {
		h.NoteRefusal(t.Context(), who, "send", "", hub.ErrForbidden)
	}
	if err := h.GrowLogs(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// export exports the log and returns the practice's folder.
func export(t *testing.T, data, folder string) string {
	t.Helper()
	does(t, data, []string{"audit", "export", folder}, "riverside: ", "sotto/audit/")
	return filepath.Join(folder, "riverside")
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, b []byte, path ...string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path...), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// names runs a check that must fail and name all of want.
func names(t *testing.T, data string, args []string, want ...string) {
	t.Helper()
	out, err := sotto(t, data, args...)
	if err == nil {
		t.Fatalf("sotto %s finds nothing:\n%s", strings.Join(args, " "), out)
	}
	for _, w := range want {
		if !strings.Contains(out, w) {
			t.Errorf("no %q in\n%s%v", w, out, err)
		}
	}
	if lines := strings.Count(out, "\n"); lines > 12 {
		t.Errorf("one change is cried over in %d lines", lines)
	}
}

// alone is what verify says of a log that it compared with nothing.
const alone = "no earlier head was compared"

// TestT40TamperedExport changes an exported log in each way and has verify name
// the very place.
func TestT40TamperedExport(t *testing.T) {
	data := newAuditLog(t)
	first := filepath.Join(t.TempDir(), "first")
	log := export(t, data, first)
	key := strings.TrimSpace(string(read(t, log, archive.KeyFile)))
	early := filepath.Join(t.TempDir(), "early")
	write(t, read(t, log, archive.CheckpointFile), early)
	happens(t, data, 20)
	later := export(t, data, filepath.Join(t.TempDir(), "later"))
	late := filepath.Join(later, archive.CheckpointFile)
	elsewhere := t.TempDir() // verify needs no installation

	does(t, elsewhere, []string{"audit", "verify", log, "--key", key}, alone)
	does(t, elsewhere, []string{"audit", "verify", later, "--checkpoint", early, "--key", filepath.Join(log, archive.KeyFile)}, "as it was written")
	does(t, elsewhere, []string{"audit", "verify", first}, "compare it with what you noted")
	does(t, elsewhere, []string{"audit", "verify", later, "--against", first, "--key", key}, "as it was written")
	names(t, elsewhere, []string{"audit", "verify", log, "--against", later, "--key", key}, "has shrunk", " were dropped (as "+later)
	refuses(t, elsewhere, []string{"audit", "verify", log, "--against", elsewhere}, "no copy of a log")
	if out, _ := sotto(t, elsewhere, "audit", "verify", log, "--key", key); strings.Contains(out, "as it was written") {
		t.Errorf("a log that was made anew would look the same:\n%s", out)
	}

	unread := filepath.Join(t.TempDir(), "log")
	if err := os.CopyFS(unread, os.DirFS(log)); err != nil {
		t.Fatal(err)
	}
	write(t, []byte("nothing"), unread, archive.CheckpointFile)
	if out, err := sotto(t, elsewhere, "audit", "verify", unread, "--against", first, "--checkpoint", early); err == nil || strings.Contains(out, "of no log") {
		t.Errorf("a log whose checkpoint is none: %v\n%s", err, out)
	}

	lines := func(b []byte) [][]byte { return slices.Collect(bytes.Lines(b)) }
	const whole = "entries/001.jsonl" // entries 256 to 511
	change := func(t *testing.T, f, name string, fn func([]byte) []byte) {
		t.Helper()
		write(t, fn(read(t, f, name)), f, name)
	}
	tail := func(t *testing.T, f string) string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(f, "entries/002.p/*.jsonl"))
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		return strings.TrimPrefix(found[0], f+"/")
	}
	for name, c := range map[string]struct {
		tamper func(t *testing.T, f string)
		more   []string // arguments
		want   []string
	}{
		"an entry is edited": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte {
				l := lines(b)
				l[4] = bytes.Replace(l[4], []byte(`"outcome":"refused"`), []byte(`"outcome":"failed"`), 1)
				return bytes.Join(l, nil)
			})
		}, nil, []string{"entry 260 was changed"}},
		"an entry is edited and its commitment made anew": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte {
				l := lines(b)
				l[4] = forgeLine(t, l[4])
				return bytes.Join(l, nil)
			})
		}, nil, []string{"entry 260 was replaced"}},
		"an entry of the last tile is edited": {func(t *testing.T, f string) {
			change(t, f, tail(t, f), func(b []byte) []byte {
				l := lines(b)
				l[1] = forgeLine(t, l[1])
				return bytes.Join(l, nil)
			})
		}, nil, []string{"entry 513 was replaced"}},
		"words are added to an entry": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`{"number":256,`), []byte(`{"number":256,"note":"x",`), 1)
			})
		}, nil, []string{"entry 256 is no longer an event"}},
		"an entry is no JSON any more": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte {
				l := lines(b)
				l[7] = []byte("nothing\n")
				return bytes.Join(l, nil)
			})
		}, nil, []string{"entry 263 is no longer an event"}},
		"an entry is deleted": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte { return bytes.Join(slices.Delete(lines(b), 9, 10), nil) })
		}, nil, []string{"entry 265 is missing: dropped"}},
		"an entry is erased": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte {
				l := lines(b)
				e := members(t, l[3])
				delete(e, "salt")
				delete(e, "event")
				l[3] = append(marshal(t, e), '\n')
				return bytes.Join(l, nil)
			})
		}, nil, []string{"entry 259 was erased"}},
		"an entry is added": {func(t *testing.T, f string) {
			change(t, f, tail(t, f), func(b []byte) []byte { return append(b, forgeLine(t, lines(b)[0])...) })
		}, nil, []string{"entry 512 was added"}},
		"entries change places": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte {
				l := lines(b)
				l[20], l[21] = l[21], l[20]
				return bytes.Join(l, nil)
			})
		}, nil, []string{"entry 276 is out of order"}},
		"entries change places and numbers": {func(t *testing.T, f string) {
			change(t, f, whole, func(b []byte) []byte {
				l := lines(b)
				l[20], l[21] = bytes.Replace(l[21], []byte("277"), []byte("276"), 1), bytes.Replace(l[20], []byte("276"), []byte("277"), 1)
				return bytes.Join(l, nil)
			})
		}, nil, []string{"entry 276 is out of order: entry 277 was put in its place", "entry 277 is out of order: entry 276"}},
		"the tail is cut off": {func(t *testing.T, f string) {
			change(t, f, tail(t, f), func(b []byte) []byte { return bytes.Join(lines(b)[:3], nil) })
		}, nil, []string{"entries 515 to ", "are missing: dropped"}},
		"the tail is cut off and signed, by who has the key": {func(t *testing.T, f string) {
			forge(t, data, f, f, 520, nil)
		}, []string{"--checkpoint", early}, []string{"shrunk to 520: entries 520 to "}},
		"an old snapshot is put back": {func(*testing.T, string) {}, []string{"--checkpoint", late}, []string{"the log has shrunk to "}},
		"the whole chain is forged, with another key": {func(t *testing.T, f string) {
			forge(t, "", f, f, 0, func(e *audit.Event) { e.Person = "p_two" })
		}, nil, []string{"key audit.pub was changed", "checkpoint was changed or forged"}},
		"the whole chain is forged, by who has the key": {func(t *testing.T, f string) {
			forge(t, data, f, f, 0, func(e *audit.Event) { e.Person = "p_two" })
		}, []string{"--checkpoint", early}, []string{"the log forked from it"}},
		"an entry is changed and the whole chain made anew, by who has the key": {func(t *testing.T, f string) {
			forge(t, data, later, f, 0, func(e *audit.Event) { e.Person = "p_two" })
		}, []string{"--against", first}, []string{"the log forked from it", "entry 300 was changed: it is not the one that was logged (as " + log, ": 1 changed, 0 dropped, 0 added"}},
		"an entry is dropped and the whole chain made anew, by who has the key": {func(t *testing.T, f string) {
			forgeAll(t, data, later, f, func(all []auditlog.Entry) []auditlog.Entry { return slices.Delete(all, 300, 301) })
		}, []string{"--against", log}, []string{"entry 300 was dropped", ": 0 changed, 1 dropped, 0 added"}},
		"an entry is added and the whole chain made anew, by who has the key": {func(t *testing.T, f string) {
			forgeAll(t, data, later, f, func(all []auditlog.Entry) []auditlog.Entry {
				more := all[299]
				more.Event.Person = "p_two"
				return slices.Insert(all, 300, more)
			})
		}, []string{"--against", log}, []string{"entry 300 was added", ": 0 changed, 0 dropped, 1 added"}},
		"the log forks, by who has the key": {func(t *testing.T, f string) {
			forgeAll(t, data, later, f, func(all []auditlog.Entry) []auditlog.Entry {
				for i := range all[520:] {
					all[520+i].Event.Person = "p_two"
				}
				return all
			})
		}, []string{"--against", log}, []string{"entries 520 to ", "the log forked there", " 0 dropped, 0 added"}},
		"an entry is dated back and all is signed anew, by who has the key": {func(t *testing.T, f string) {
			forge(t, data, f, f, 0, func(e *audit.Event) { e.At -= time.Hour.Milliseconds() })
		}, nil, []string{"entry 300 is dated ", "before entry 299, and nothing says that the clock was set back"}},
		"an entry is dated ahead and all is signed anew, by who has the key": {func(t *testing.T, f string) {
			forge(t, data, f, f, 0, func(e *audit.Event) { e.At += time.Hour.Milliseconds() })
		}, nil, []string{"entry 301 is dated ", "which is yet to come"}},
		"a tile is changed": {func(t *testing.T, f string) {
			change(t, f, "tile/0/001", func(b []byte) []byte { b[5*32] ^= 1; return b })
		}, nil, []string{"tile 1 of level 0 (tile/0/001) was changed at hash 5"}},
		"a tile of the tree above is changed": {func(t *testing.T, f string) {
			change(t, f, "tile/1/000.p/2", func(b []byte) []byte { b[32] ^= 1; return b })
		}, nil, []string{"tile 0 of level 1", "was changed at hash 1"}},
		"a tile is gone": {func(t *testing.T, f string) {
			if err := os.Remove(filepath.Join(f, "tile/0/000")); err != nil {
				t.Fatal(err)
			}
		}, nil, []string{"tile 0 of level 0 (tile/0/000) is missing"}},
		"the checkpoint is changed": {func(t *testing.T, f string) {
			change(t, f, archive.CheckpointFile, func(b []byte) []byte { return bytes.Replace(b, []byte("\n5"), []byte("\n6"), 1) })
		}, nil, []string{"checkpoint was changed or forged"}},
		"the checkpoint is gone": {func(t *testing.T, f string) {
			if err := os.Remove(filepath.Join(f, archive.CheckpointFile)); err != nil {
				t.Fatal(err)
			}
		}, nil, []string{"file checkpoint is missing"}},
		"the key is another": {func(t *testing.T, f string) {
			other, err := auditlog.NewSigner(bytes.Repeat([]byte{1}, auditlog.SeedBytes), strings.TrimPrefix(strings.Split(key, "+")[0], "sotto/audit/"))
			if err != nil {
				t.Fatal(err)
			}
			write(t, []byte(other.Verifier()+"\n"), f, archive.KeyFile)
		}, nil, []string{"key audit.pub was changed"}},
		"a file is added": {func(t *testing.T, f string) { write(t, []byte("x"), f, "tile/0/777") }, nil, []string{"file tile/0/777 was added"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := filepath.Join(t.TempDir(), "log")
			if err := os.CopyFS(f, os.DirFS(log)); err != nil {
				t.Fatal(err)
			}
			c.tamper(t, f)
			want := slices.Clone(c.want)
			names(t, elsewhere, append([]string{"audit", "verify", f, "--key", key}, c.more...), want...)
		})
	}
}

// TestAuditExport: an export is continued by the next, is for its owner alone,
// and takes nothing that contradicts it.
func TestAuditExport(t *testing.T) {
	data, folder := newAuditLog(t), filepath.Join(t.TempDir(), "out")
	log := export(t, data, folder)
	before := read(t, log, "entries/000.jsonl")
	happens(t, data, 300)
	// Cut off: a file that is not yet whole, and no checkpoint of the new size.
	write(t, []byte("half"), log, "entries", ".tmp-X")
	export(t, data, folder)
	does(t, data, []string{"audit", "verify", folder}, alone)
	does(t, data, words("audit verify"), alone)
	if !bytes.Equal(before, read(t, log, "entries/000.jsonl")) {
		t.Error("what was exported has changed")
	}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if last := read(t, log, "entries/003.p"+"/"+onlyName(t, log, "entries/003.p")); !bytes.Contains(last, []byte("audit.exported")) {
		t.Error("the export is not in the log")
	}
	write(t, bytes.Replace(before, []byte(`"number":0`), []byte(`"number":7`), 1), log, "entries/000.jsonl")
	refuses(t, data, []string{"audit", "export", folder}, "file entries/000.jsonl of an earlier export is not what the log has now")
	write(t, before, log, "entries/000.jsonl")
	forge(t, data, log, log, 0, func(e *audit.Event) { e.Person = "p_two" })
	refuses(t, data, []string{"audit", "export", folder}, "forked")
	refuses(t, t.TempDir(), []string{"audit", "export", folder}, "there is no installation")
	refuses(t, data, []string{"audit", "verify", t.TempDir()}, "no exported log")
}

func onlyName(t *testing.T, path ...string) string {
	t.Helper()
	found, err := os.ReadDir(filepath.Join(path...))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	return found[0].Name()
}

// otherAuditKey puts another key in place of the one that signs the log's heads.
func otherAuditKey(t *testing.T, data string) {
	t.Helper()
	key := filepath.Join(data, "hub", "audit.key")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if _, err := keyfile.Open(key, "hub-audit", auditlog.SeedBytes); err != nil {
		t.Fatal(err)
	}
}

// TestT40LiveKeyAndBackup: verify names, of the live log, a key that is another,
// and a database that an older copy was put in place of, also once it went on.
func TestT40LiveKeyAndBackup(t *testing.T) {
	data, kept := newAuditLog(t), t.TempDir()
	log := export(t, data, kept)
	verify := []string{"audit", "verify", "--key", filepath.Join(log, archive.KeyFile), "--checkpoint", filepath.Join(log, archive.CheckpointFile)}
	database, key := filepath.Join(data, "hub", "hub.db"), filepath.Join(data, "hub", "audit.key")
	backup, ours := read(t, database), read(t, key)
	does(t, data, verify, "as it was written", "entries were checked, from 20")

	otherAuditKey(t, data)
	names(t, data, verify, "key hub/audit.key was changed", "is not signed by the log's key")
	write(t, ours, key)

	happens(t, data, 5)
	later := export(t, data, filepath.Join(kept, "later"))
	verify[len(verify)-1] = filepath.Join(later, archive.CheckpointFile)
	write(t, backup, database)
	names(t, data, verify, "the log has shrunk to", "or an older copy was put back")
	happens(t, data, 40)
	names(t, data, verify, "the log forked from it")
}

// appears waits for a file that a server writes.
func appears(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not written", path)
		}
	}
}

// TestPublishedCheckpoints: a server puts the heads of its logs where it is told,
// and verify takes them.
func TestPublishedCheckpoints(t *testing.T) {
	data, folder := newAuditLog(t), filepath.Join(t.TempDir(), "published")
	serving(t, data, "--audit-checkpoints", folder)
	latest := filepath.Join(folder, "riverside", archive.CheckpointFile)
	appears(t, latest)
	does(t, data, []string{"audit", "verify", "--checkpoint", latest}, "as it was written")
	dated, err := filepath.Glob(filepath.Join(folder, "riverside", "20*-*-*", "*"))
	if err != nil || len(dated) == 0 || !bytes.Equal(read(t, dated[0]), read(t, latest)) {
		t.Errorf("%v, %v", dated, err)
	}
}

// TestArchivedLogs: a server keeps its logs in a folder too, from which alone
// they can be verified.
func TestArchivedLogs(t *testing.T) {
	data, folder := newAuditLog(t), filepath.Join(t.TempDir(), "archived")
	serving(t, data, "--audit-archive", folder)
	log := filepath.Join(folder, "riverside")
	appears(t, filepath.Join(log, archive.CheckpointFile))
	does(t, data, []string{"audit", "verify", log}, alone)
}
