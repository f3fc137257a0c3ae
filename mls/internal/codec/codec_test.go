package codec

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// TestLengths checks each length at which the encoding changes, and its
// neighbours: others were known to be off by one at 0x3fff.
func TestLengths(t *testing.T) {
	for _, c := range []struct {
		length int
		head   []byte
	}{
		{0, []byte{0}},
		{1, []byte{1}},
		{0x3f, []byte{0x3f}},
		{0x40, []byte{0x40, 0x40}},
		{0x3ffe, []byte{0x7f, 0xfe}},
		{0x3fff, []byte{0x7f, 0xff}},
		{0x4000, []byte{0x80, 0, 0x40, 0}},
		{0x10000, []byte{0x80, 1, 0, 0}},
	} {
		var w Writer
		w.Vector(make([]byte, c.length))
		if got := w.Bytes(); !bytes.Equal(got[:len(got)-c.length], c.head) {
			t.Errorf("length %#x begins %x, want %x", c.length, got[:4], c.head)
		}
		nested := Writer{b: []byte{9}}
		body := bytes.Repeat([]byte{7}, c.length)
		nested.Nest(func(w *Writer) { w.Raw(body) })
		if want := slices.Concat([]byte{9}, c.head, body); !bytes.Equal(nested.Bytes(), want) {
			t.Errorf("length %#x nested begins %x, want %x", c.length, nested.Bytes()[:4], want[:4])
		}
		r := NewReader(w.Bytes())
		if got := r.Vector(); len(got) != c.length || r.Finish() != nil {
			t.Errorf("length %#x read as %#x, %v", c.length, len(got), r.Err())
		}
		for n := range len(c.head) + min(c.length, 1) {
			if n == len(c.head) && c.length == 0 {
				continue
			}
			r := NewReader(w.Bytes()[:n])
			if r.Vector(); !errors.Is(r.Err(), ErrMalformed) {
				t.Errorf("length %#x: first %d bytes: %v", c.length, n, r.Err())
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("wrote a vector longer than can be")
		}
	}()
	appendLength(nil, MaxVector+1)
}

func TestNotMinimal(t *testing.T) {
	for _, head := range [][]byte{{0x40, 0}, {0x40, 0x3f}, {0x80, 0, 0, 0}, {0x80, 0, 0x3f, 0xff}, {0xc0}, {0xff, 0xff, 0xff, 0xff}} {
		r := NewReader(append(head, make([]byte, 0x4000)...))
		if r.Vector(); !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("%x: %v", head, r.Err())
		}
	}
}

// TestErrorsStick checks that after an error nothing is read any more, and that
// an error of an inner vector is the outer one's.
func TestErrorsStick(t *testing.T) {
	r := NewReader([]byte{1})
	if r.Uint16(); r.Err() == nil {
		t.Fatal("read two bytes of one")
	}
	if r.Uint8() != 0 || r.Raw(0) != nil || !r.Empty() {
		t.Error("reads on after an error")
	}
	r = NewReader([]byte{2, 1, 2, 3})
	inner := r.Nest()
	inner.Uint8()
	r.Join(inner)
	if !errors.Is(r.Err(), ErrMalformed) {
		t.Errorf("bytes left in a vector: %v", r.Err())
	}
	r = NewReader([]byte{2})
	r.Optional(func(*Reader) {})
	if !errors.Is(r.Finish(), ErrMalformed) {
		t.Errorf("presence octet 2: %v", r.Err())
	}
}

func FuzzVector(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{0x40, 0x40})
	f.Add([]byte{0x7f, 0xff})
	f.Add([]byte{0x80, 0, 0x40, 0})
	f.Add([]byte{2, 1, 2})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(in)
		v := r.Vector()
		if err := r.Finish(); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("untyped error %T: %v", err, err)
			}
			return
		}
		var w Writer
		w.Vector(v)
		if !bytes.Equal(w.Bytes(), in) {
			t.Errorf("two encodings: %x and %x", in, w.Bytes())
		}
	})
}
