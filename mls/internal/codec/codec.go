// Package codec reads and writes the TLS presentation language as RFC 9420
// profiles it: big-endian integers and vectors whose length is a QUIC-style
// variable-size integer (RFC 9420, section 2.1.2).
//
// It knows nothing of MLS structures. Reading is strict: a length that is not
// minimally encoded, a vector longer than its input, and bytes left over are
// errors, and all of them match [ErrMalformed].
package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is matched by every error a [Reader] returns.
var ErrMalformed = errors.New("mls: malformed encoding")

// MaxVector is the most bytes a vector may hold, 2^30-1: the largest length
// the variable-size integer can express (RFC 9420, section 2.1.2).
const MaxVector = 1<<30 - 1

// A Writer appends encoded values. The zero Writer is ready for use.
type Writer struct{ b []byte }

// Bytes returns what was written. The Writer must not be used afterwards.
func (w *Writer) Bytes() []byte { return w.b }

// Uint8 appends v.
func (w *Writer) Uint8(v uint8) { w.b = append(w.b, v) }

// Uint16 appends v, big-endian.
func (w *Writer) Uint16(v uint16) { w.b = binary.BigEndian.AppendUint16(w.b, v) }

// Uint32 appends v, big-endian.
func (w *Writer) Uint32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }

// Uint64 appends v, big-endian.
func (w *Writer) Uint64(v uint64) { w.b = binary.BigEndian.AppendUint64(w.b, v) }

// Raw appends b as it is, without a length.
func (w *Writer) Raw(b []byte) { w.b = append(w.b, b...) }

// Vector appends b as opaque<V>. It panics if b is longer than [MaxVector].
func (w *Writer) Vector(b []byte) {
	w.b = appendLength(w.b, len(b))
	w.b = append(w.b, b...)
}

// Nest appends a vector that holds whatever body writes.
func (w *Writer) Nest(body func(*Writer)) {
	start := len(w.b)
	w.b = append(w.b, 0) // room for the length of a short one
	body(w)
	n := len(w.b) - start - 1
	var length [4]byte
	size := len(appendLength(length[:0], n))
	if size > 1 {
		w.b = append(w.b, length[:size-1]...)
		copy(w.b[start+size:], w.b[start+1:start+1+n])
	}
	appendLength(w.b[start:start], n)
}

// Optional appends a presence octet and, if present, whatever body writes
// (RFC 9420, section 2.1.1).
func (w *Writer) Optional(present bool, body func(*Writer)) {
	if !present {
		w.Uint8(0)
		return
	}
	w.Uint8(1)
	body(w)
}

func appendLength(b []byte, n int) []byte {
	switch {
	case n < 0 || n > MaxVector:
		panic("codec: vector too long")
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return binary.BigEndian.AppendUint16(b, uint16(n)|0x4000)
	default:
		return binary.BigEndian.AppendUint32(b, uint32(n)|0x8000_0000)
	}
}

// A Reader takes values off the front of a byte string. The first error
// sticks: later reads return zero values, and [Reader.Err] tells it.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a Reader of b, which it does not copy. Vectors that it
// returns share b's memory.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Err returns the first error, or nil.
func (r *Reader) Err() error { return r.err }

// Empty reports whether nothing is left, or reading has failed.
func (r *Reader) Empty() bool { return r.err != nil || len(r.b) == 0 }

// Remaining returns how many bytes are left.
func (r *Reader) Remaining() int { return len(r.b) }

// Fail records a malformation that the caller found, if none was before.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
		r.b = nil
	}
}

// Finish returns the first error, or one if bytes are left over.
func (r *Reader) Finish() error {
	if r.err == nil && len(r.b) != 0 {
		r.Fail("%d trailing bytes", len(r.b))
	}
	return r.err
}

// Raw takes n bytes.
func (r *Reader) Raw(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b) {
		r.Fail("%d bytes wanted, %d left", n, len(r.b))
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

// Uint8 takes one byte.
func (r *Reader) Uint8() uint8 {
	if b := r.Raw(1); b != nil {
		return b[0]
	}
	return 0
}

// Uint16 takes two bytes.
func (r *Reader) Uint16() uint16 {
	if b := r.Raw(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

// Uint32 takes four bytes.
func (r *Reader) Uint32() uint32 {
	if b := r.Raw(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// Uint64 takes eight bytes.
func (r *Reader) Uint64() uint64 {
	if b := r.Raw(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// Vector takes an opaque<V>. It shares the Reader's memory.
func (r *Reader) Vector() []byte { return r.Raw(r.length()) }

// Nest takes a vector and returns a Reader of what it holds. The caller reads
// it to its end and hands its error to the outer Reader with [Reader.Join].
func (r *Reader) Nest() *Reader {
	b := r.Vector()
	return &Reader{b: b, err: r.err}
}

// Each takes a vector and calls item until all of it is read.
func (r *Reader) Each(item func(*Reader)) {
	inner := r.Nest()
	for !inner.Empty() {
		item(inner)
	}
	r.Join(inner)
}

// Join makes the error of inner, or bytes left in it, an error of r.
func (r *Reader) Join(inner *Reader) {
	if err := inner.Finish(); err != nil && r.err == nil {
		r.err, r.b = err, nil
	}
}

// Optional takes a presence octet, which must be 0 or 1, and if it is 1 calls
// body (RFC 9420, section 2.1.1).
func (r *Reader) Optional(body func(*Reader)) {
	switch r.Uint8() {
	case 0:
	case 1:
		body(r)
	default:
		r.Fail("presence octet neither 0 nor 1")
	}
}

// length takes a variable-size integer, which must be minimally encoded.
func (r *Reader) length() int {
	first := r.Uint8()
	if r.err != nil {
		return 0
	}
	n := int(first & 0x3f)
	switch first >> 6 {
	case 0:
		return n
	case 1:
		n = n<<8 | int(r.Uint8())
		if r.err == nil && n < 1<<6 {
			r.Fail("length %d not minimal", n)
		}
	case 2:
		rest := r.Raw(3)
		if rest == nil {
			return 0
		}
		n = n<<24 | int(rest[0])<<16 | int(rest[1])<<8 | int(rest[2])
		if n < 1<<14 {
			r.Fail("length %d not minimal", n)
		}
	default:
		r.Fail("length prefix 0b11")
	}
	return n
}
