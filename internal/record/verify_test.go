package record

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sotto-health/sotto/internal/keeper"
)

// TestVerifyNamesWhatWasDone changes an archive in one way at a time. It has
// records 1-2, 3, 4-6 and 7 in one conversation, whose number 5 has a file,
// and one record in another.
func TestVerifyNamesWhatWasDone(t *testing.T) {
	segment := func(first, last uint64) string { return segmentName(talk, first, last) }
	edit := func(name string, change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			path := filepath.Join(folder, name)
			data, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, change(data), 0o600))
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, folder string) { must(t, os.RemoveAll(filepath.Join(folder, name))) }
	}
	all := func(changes ...func(*testing.T, string)) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			for _, change := range changes {
				change(t, folder)
			}
		}
	}
	rename := func(from, to string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			must(t, os.Rename(filepath.Join(folder, from), filepath.Join(folder, to)))
		}
	}
	reseal := func(change func([]sealed) []sealed) func([]byte) []byte {
		return func(data []byte) []byte {
			records, err := parseSegment(data)
			if err != nil {
				panic(err)
			}
			return marshalSegment(change(records))
		}
	}
	record := func(what string, numbers ...uint64) (ps []string) {
		for _, n := range numbers {
			ps = append(ps, fmt.Sprintf("%s conversation %s record %d", what, talk, n))
		}
		return ps
	}
	flip := func(data []byte) []byte { data[len(data)-1] ^= 1; return data }

	for _, test := range []struct {
		name string
		do   func(*testing.T, string)
		want []string
	}{
		{"nothing", func(*testing.T, string) {}, nil},
		{"a bit of a record", edit(segment(3, 3), flip), record(Changed, 3)},
		{"a bit of a record's link", edit(segment(4, 6), reseal(func(r []sealed) []sealed { r[1].before[0] ^= 1; return r })), record(Changed, 5)},
		{"bytes that are no records", edit(segment(4, 6), func([]byte) []byte { return []byte("x") }), record(Changed, 4, 5, 6)},
		{"a segment removed", remove(segment(4, 6)), record(Missing, 4, 5, 6)},
		{"the first segment removed", remove(segment(1, 2)), record(Missing, 1, 2)},
		{"the end cut off", remove(segment(7, 7)), record(Missing, 7)},
		{"more of the end cut off", all(remove(segment(7, 7)), remove(segment(4, 6))), record(Missing, 4, 5, 6, 7)},
		{"a record taken out of a segment", edit(segment(4, 6), reseal(func(r []sealed) []sealed { return slices.Delete(r, 1, 2) })), record(Missing, 5)},
		{"the end of a segment cut off", edit(segment(4, 6), reseal(func(r []sealed) []sealed { return r[:1] })), record(Missing, 5, 6)},
		{"records exchanged", edit(segment(1, 2), reseal(func(r []sealed) []sealed { return []sealed{r[1], r[0]} })), record(Moved, 1)},
		{"a record twice", edit(segment(1, 2), reseal(func(r []sealed) []sealed { return []sealed{r[0], r[0], r[1]} })), record(Moved, 1)},
		{
			"a record renumbered", edit(segment(3, 3), reseal(func(r []sealed) []sealed { r[0].number = 8; return r })),
			append(record(Missing, 3), append(record(Moved, 4, 5, 6, 7), record(Changed, 8)...)...),
		},
		{
			"segments exchanged", all(rename(segment(3, 3), "x"), rename(segment(7, 7), segment(3, 3)), rename("x", segment(7, 7))),
			record(Moved, 3, 4, 5, 6),
		},
		{"a record of another conversation put in", func(t *testing.T, folder string) {
			data, err := os.ReadFile(filepath.Join(folder, segmentName("c_other", 1, 1)))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(folder, segment(8, 8)), reseal(func(r []sealed) []sealed { r[0].number = 8; return r })(data), 0o600))
		}, record(Changed, 8)},
		{"the key of a conversation changed", edit(keyName("c_other"), flip), []string{"changed conversation c_other object conversation/c_other/key"}},
		{"the key of a conversation removed", remove(keyName("c_other")), []string{"missing conversation c_other object conversation/c_other/key"}},
		{"a conversation removed", remove("conversation/c_other"), []string{
			"missing conversation c_other object conversation/c_other/key", "missing conversation c_other record 1",
		}},
		{"an attachment changed", edit(attachmentName(talk, "a_5"), flip), []string{"changed conversation c_talk attachment a_5"}},
		{"an attachment longer", edit(attachmentName(talk, "a_5"), func(b []byte) []byte { return append(b, 0) }), []string{"changed conversation c_talk attachment a_5"}},
		{"an attachment removed", remove(attachmentName(talk, "a_5")), []string{"missing conversation c_talk attachment a_5"}},
		{"an object put in", func(t *testing.T, folder string) {
			must(t, os.WriteFile(filepath.Join(folder, attachmentName(talk, "a_6")), nil, 0o600))
		}, []string{"stray conversation c_talk object conversation/c_talk/attachment/a_6"}},
		{"an entry of the manifest changed", edit(manifestName(1), flip), []string{"changed object " + manifestName(1)}},
		{"an entry of the manifest removed", remove(manifestName(1)), []string{"missing object " + manifestName(1)}},
		{
			"entries of the manifest exchanged", all(rename(manifestName(1), "x"), rename(manifestName(2), manifestName(1)), rename("x", manifestName(2))),
			[]string{"changed object " + manifestName(1), "changed object " + manifestName(2)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder, ctx := t.TempDir(), t.Context()
			a := openTest(t, folder)
			for _, part := range [][]keeper.Record{
				{text(t, 1, "one"), text(t, 2, "two")},
				{text(t, 3, "three")},
				{text(t, 4, "four"), file(t, a, 5, "photo.jpg", "five"), text(t, 6, "six")},
				{text(t, 7, "seven")},
			} {
				must(t, a.Append(ctx, talk, part))
				if part[0].Position == 1 {
					must(t, a.WriteManifest(ctx))
				}
			}
			must(t, a.Append(ctx, "c_other", []keeper.Record{text(t, 1, "other")}))
			must(t, a.Close())

			test.do(t, folder)
			a = openTest(t, folder)
			report, err := a.Verify(ctx)
			must(t, err)
			var got []string
			for _, p := range report.Problems {
				got = append(got, p.String())
			}
			slices.Sort(got)
			slices.Sort(test.want)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("found\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(test.want, "\n  "))
			}
			// A damaged archive still takes what comes, and shows what it can.
			if test.name != "the key of a conversation removed" && test.name != "a conversation removed" {
				must(t, a.Append(ctx, talk, []keeper.Record{text(t, 50, "after")}))
				shown, err := a.Show(ctx, talk, ShowOptions{})
				must(t, err)
				if last := shown.Lines[len(shown.Lines)-1]; last.Text != "after" {
					t.Errorf("the newest message is not shown: %+v", last)
				}
			}
		})
	}
}

// TestRollBackChangesTheManifest shows what a note of the manifest's head is
// for: an archive put back as a whole is consistent, but has another head.
func TestRollBackChangesTheManifest(t *testing.T) {
	folder, ctx := t.TempDir(), t.Context()
	a := openTest(t, folder)
	must(t, a.Append(ctx, talk, []keeper.Record{text(t, 1, "one")}))
	must(t, a.Close())
	before := t.TempDir()
	must(t, os.CopyFS(before, os.DirFS(folder)))
	a = openTest(t, folder)
	must(t, a.Append(ctx, talk, []keeper.Record{text(t, 2, "two")}))
	now, err := a.Verify(ctx)
	must(t, err)
	then, err := openTest(t, before).Verify(ctx)
	must(t, err)
	if len(now.Problems)+len(then.Problems) != 0 || now.Manifest != then.Manifest+1 || now.ManifestHash == then.ManifestHash {
		t.Errorf("now %+v, then %+v", now, then)
	}
}
