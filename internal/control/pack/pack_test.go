package pack

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/control"
)

func evidence() *Evidence {
	e := &Evidence{
		Practice: "Clínica Río – Oak", Made: time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC), Controls: control.Catalogue(),
		Run:     api.ControlRun{ID: "r_1", Practice: "t_oak", At: 1795942800000, Version: "v1.0.0", Counts: api.ControlCounts{Met: 1, Short: 2}},
		History: []api.ControlRun{{ID: "r_0", Practice: "t_oak", At: 1795856400000, Counts: api.ControlCounts{Short: 3}}},
	}
	for _, c := range e.Controls {
		e.Run.Results = append(e.Run.Results, api.ControlResult{ID: c.ID, State: api.ControlDecision, Says: "Somebody has to decide.", Findings: []api.ControlFinding{
			{Evidence: "tls", State: api.ControlDecision, Says: "A proxy in front.", Fix: "Look at it."},
		}})
	}
	return e
}

func made(t testing.TB, e *Evidence, key *Key) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, e, key); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// entries are the files of a pack, in order.
type entry struct {
	name string
	data []byte
}

func unzip(t *testing.T, b []byte) (all []entry) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{f.Name, data})
	}
	return all
}

func rezip(t *testing.T, all []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range all {
		w, err := z.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPack(t *testing.T) {
	key, e := &Key{1, 2, 3}, evidence()
	b := made(t, e, key)
	got, err := Verify(bytes.NewReader(b), int64(len(b)), key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Error(diff)
	}
}

// TestPDF reads the pages of a pack as a viewer does: each control is there by
// its id and title, with its own state and what was found of it.
func TestPDF(t *testing.T) {
	e := evidence()
	states := []string{api.ControlMet, api.ControlDecision, api.ControlShort, api.ControlNotApplicable}
	for i := range e.Run.Results {
		e.Run.Results[i].State = states[i%len(states)]
		e.Run.Results[i].Findings[0].Says = fmt.Sprintf("Finding number %d.", i)
	}
	var shown []string
	for _, f := range unzip(t, made(t, e, &Key{1})) {
		if f.name == pdfFile {
			shown = pdfTexts(t, f.data)
		}
	}
	at := 0
	for i, c := range e.Controls {
		head := c.ID + "  " + c.Title + kindMark(c.Kind)
		n := slices.Index(shown[at:], head)
		if n < 0 {
			t.Errorf("%s is not in the PDF, or not in its place", c.ID)
			continue
		}
		at += n + 1
		if want := stateNames[e.Run.Results[i].State]; at == len(shown) || shown[at] != want {
			t.Errorf("%s is not said to be %q", c.ID, want)
		}
		end := min(len(shown), at+80)
		if !slices.ContainsFunc(shown[at:end], func(s string) bool { return strings.Contains(s, e.Run.Results[i].Findings[0].Says) }) {
			t.Errorf("what was found of %s is not in the PDF", c.ID)
		}
	}
	if !slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, "2026-11-28") }) {
		t.Error("the earlier look is not in the PDF")
	}
}

// pdfTexts are the strings that the pages of a PDF show, in order: what its
// content streams give to the operator Tj (ISO 32000-1, 7.3.4.2 and 9.4.3).
func pdfTexts(t *testing.T, b []byte) (all []string) {
	t.Helper()
	if !bytes.HasPrefix(b, []byte("%PDF-")) {
		t.Fatal("the PDF is none")
	}
	tj := regexp.MustCompile(`\(((?:[^()\\]|\\.)*)\) ?Tj`)
	unescape := strings.NewReplacer(`\\`, `\`, `\(`, "(", `\)`, ")", `\r`, "\r")
	for _, m := range regexp.MustCompile(`(?s)/FlateDecode.{0,80}?stream\r?\n`).FindAllIndex(b, -1) {
		r, err := zlib.NewReader(bytes.NewReader(b[m[1]:]))
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, shown := range tj.FindAllSubmatch(page, -1) {
			all = append(all, unescape.Replace(string(shown[1])))
		}
	}
	return all
}

// TestChangedPacks changes, drops, adds and doubles each file, and signs with
// another key: each is noticed.
func TestChangedPacks(t *testing.T) {
	key := &Key{1}
	b := made(t, evidence(), key)
	refused := func(what string, changed []byte, public string) {
		t.Helper()
		if _, err := Verify(bytes.NewReader(changed), int64(len(changed)), public); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("another's key", b, (&Key{2}).Public())
	refused("no key", b, "sotto-evidence+1+x")
	refused("nothing", nil, key.Public())
	for i, f := range unzip(t, b) {
		all := unzip(t, b)
		all[i].data = append([]byte(nil), f.data...)
		all[i].data[len(f.data)/2] ^= 1
		refused(f.name+" changed", rezip(t, all), key.Public())
		all = unzip(t, b)
		refused(f.name+" dropped", rezip(t, append(all[:i], all[i+1:]...)), key.Public())
		all = unzip(t, b)
		refused(f.name+" doubled", rezip(t, append(all, entry{f.name, []byte("{}")})), key.Public())
	}
	refused("a file put in", rezip(t, append(unzip(t, b), entry{"more.txt", []byte("x")})), key.Public())
	if again := rezip(t, unzip(t, b)); true {
		if _, err := Verify(bytes.NewReader(again), int64(len(again)), key.Public()); err != nil {
			t.Errorf("packed anew: %v", err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := &Key{1}
	f.Add([]byte("PK\x05\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(made(f, &Evidence{Practice: "Oak"}, key))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Verify(bytes.NewReader(b), int64(len(b)), key.Public()); err != nil && !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
	})
}
