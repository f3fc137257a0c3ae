package record

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/sotto-health/sotto/internal/keeper"
)

// TestCheckpoint takes things away that an archive cannot miss by itself. It has
// three entries in its manifest, the newest noting record 3.
func TestCheckpoint(t *testing.T) {
	remove := func(names ...string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			for _, name := range names {
				must(t, os.RemoveAll(filepath.Join(folder, "archive", name)))
			}
		}
	}
	lost := func(names ...string) (want []string) {
		for _, name := range names {
			want = append(want, "missing object "+name)
		}
		return want
	}
	newest := []string{manifestName(3), segmentName(talk, 3, 3)}
	for _, test := range []struct {
		name string
		do   func(*testing.T, string)
		want []string
	}{
		{"nothing", remove(), []string{}},
		{"the newest entry", remove(manifestName(3)), lost(manifestName(3))},
		{"the newest entry and what it notes", remove(newest...), lost(manifestName(3))},
		{"all of the manifest", remove("manifest"), lost(manifestName(1), manifestName(2), manifestName(3))},
		{"all of the archive", remove("."), lost(manifestName(1), manifestName(2), manifestName(3), markName)},
		{"the mark of the key", remove(markName), lost(markName)},
		{"the checkpoint", remove("../" + checkpointName), lost(checkpointName)},
		{"a bit of the checkpoint", func(t *testing.T, folder string) {
			path := filepath.Join(folder, checkpointName)
			data, err := os.ReadFile(path)
			must(t, err)
			data[len(data)/2] ^= 1
			must(t, os.WriteFile(path, data, 0o600))
		}, []string{"changed object checkpoint"}},
		{"put back to an earlier state, which grew on", func(t *testing.T, folder string) {
			remove(newest...)(t, folder)
			a := openWithCheckpoint(t, folder)
			for position := uint64(10); position < 13; position++ {
				must(t, a.Append(t.Context(), talk, []keeper.Record{text(t, position, "another past")}))
				must(t, a.WriteManifest(t.Context()))
			}
			must(t, a.Close())
		}, []string{"changed object " + manifestName(3)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder, ctx := t.TempDir(), t.Context()
			a := openWithCheckpoint(t, folder)
			for position := uint64(1); position <= 3; position++ {
				must(t, a.Append(ctx, talk, []keeper.Record{text(t, position, "said")}))
				must(t, a.WriteManifest(ctx))
			}
			must(t, a.Close())
			test.do(t, folder)
			a = openWithCheckpoint(t, folder)
			check := func(when string, want []string) {
				t.Helper()
				report, err := a.Verify(ctx)
				must(t, err)
				got := []string{}
				for _, p := range report.Problems {
					got = append(got, p.String())
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: found %q, want %q", when, got, want)
				}
			}
			check("at once", test.want)
			// A keeper at work does not cover it up.
			must(t, a.Append(ctx, "c_other", []keeper.Record{text(t, 1, "after")}))
			must(t, a.WriteManifest(ctx))
			report, err := a.Verify(ctx)
			must(t, err)
			if (len(report.Problems) > 0) != (len(test.want) > 0) {
				t.Errorf("after more was archived: %v", report.Problems)
			}
			must(t, a.Accept(ctx))
			check("once accepted", []string{})
		})
	}
}

func openWithCheckpoint(t *testing.T, folder string) *Archive {
	t.Helper()
	a, err := Open(filepath.Join(folder, "archive"), testKey, Config{Checkpoint: filepath.Join(folder, checkpointName)})
	must(t, err)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// TestLostMark: an archive without its mark is still opened by its own key
// alone, and another key does not become its own.
func TestLostMark(t *testing.T) {
	folder := t.TempDir()
	a := openTest(t, folder)
	must(t, a.Append(t.Context(), talk, []keeper.Record{text(t, 1, "one")}))
	must(t, a.Close())
	must(t, os.Remove(filepath.Join(folder, markName)))
	if _, err := Open(folder, make([]byte, KeySize), Config{}); !errors.Is(err, ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	report, err := openTest(t, folder).Verify(t.Context())
	must(t, err)
	if want := []Problem{{What: Missing, Object: markName}}; !reflect.DeepEqual(report.Problems, want) {
		t.Errorf("found %v", report.Problems)
	}
}

// TestNoted: a head of the manifest that somebody wrote down must still be
// there, even where the checkpoint was put back together with the archive.
func TestNoted(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	a := openWithCheckpoint(t, folder)
	must(t, a.Append(ctx, talk, []keeper.Record{text(t, 1, "one")}))
	must(t, a.Close())
	before := t.TempDir()
	must(t, os.CopyFS(before, os.DirFS(folder)))
	a = openWithCheckpoint(t, folder)
	must(t, a.Append(ctx, talk, []keeper.Record{text(t, 2, "two")}))
	now, err := a.Verify(ctx)
	must(t, err)
	noted := Noted{now.Manifest, now.ManifestHash}
	if report, err := a.Verify(ctx, noted); err != nil || len(report.Problems) > 0 {
		t.Errorf("the same archive: %+v, %v", report, err)
	}
	back := openWithCheckpoint(t, before)
	report, err := back.Verify(ctx, noted)
	must(t, err)
	if want := []Problem{{What: Missing, Object: manifestName(2)}}; !reflect.DeepEqual(report.Problems, want) {
		t.Errorf("put back: found %v", report.Problems)
	}
	must(t, back.Append(ctx, talk, []keeper.Record{text(t, 2, "something else")}))
	report, err = back.Verify(ctx, noted)
	must(t, err)
	if want := []Problem{{What: Changed, Object: manifestName(2)}}; !reflect.DeepEqual(report.Problems, want) {
		t.Errorf("put back and grown on: found %v", report.Problems)
	}
}
