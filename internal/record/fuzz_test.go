package record

import (
	"bytes"
	"errors"
	"testing"

	"github.com/sotto-health/sotto/internal/keeper"
)

func FuzzParseSegment(f *testing.F) {
	c := newChain(talk)
	keys, err := deriveKeys(testKey)
	must(f, err)
	_, s := keys.newDataKey(talk)
	f.Add(marshalSegment([]sealed{c.seal(s, text(f, 1, "one")), c.seal(s, text(f, 2, "two"))}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		records, err := parseSegment(in)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		if got := marshalSegment(records); !bytes.Equal(got, in) {
			t.Errorf("two encodings of one segment: %x and %x", in, got)
		}
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add(marshalRecord(text(f, 1, "one")))
	f.Add(marshalRecord(keeper.Record{}))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := parseRecord(in)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		if got := marshalRecord(r); !bytes.Equal(got, in) {
			t.Errorf("two encodings of one record: %x and %x", in, got)
		}
	})
}

func FuzzParseManifest(f *testing.F) {
	f.Add(entry{number: 1, box: []byte("box")}.marshal())
	f.Add(marshalHeads(map[string]headline{talk: {count: 3}}))
	f.Fuzz(func(t *testing.T, in []byte) {
		if e, err := parseEntry(in); err == nil && !bytes.Equal(e.marshal(), in) {
			t.Errorf("two encodings of one entry: %x and %x", in, e.marshal())
		} else if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("untyped error %T: %v", err, err)
		}
		if _, err := parseHeads(in); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatalf("untyped error %T: %v", err, err)
		}
	})
}

func FuzzSafeName(f *testing.F) {
	for _, name := range []string{"photo.jpg", "../../etc/passwd", `C:\x`, "", "...", "\u202e", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := safeName(name)
		if got == "" || len(got) > 120 || got[0] == '.' || bytes.ContainsAny([]byte(got), "/\\\x00\n") {
			t.Errorf("%q became %q", name, got)
		}
	})
}
