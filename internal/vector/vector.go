// Package vector encodes what devices sign outside of MLS groups:
// certificates, proofs, receipts. It is the vector of RFC 9420, section 2.1.2,
// and big-endian integers: one value has exactly one encoding.
package vector

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is matched by every error of a [Reader].
var ErrMalformed = errors.New("malformed encoding")

// Append appends v to b behind its length. It panics if v has 2^30 bytes or
// more, which nothing that this program signs comes near.
func Append(b, v []byte) []byte {
	switch n := len(v); {
	case n < 1<<6:
		b = append(b, byte(n))
	case n < 1<<14:
		b = binary.BigEndian.AppendUint16(b, uint16(n)|0x4000)
	case n < 1<<30:
		b = binary.BigEndian.AppendUint32(b, uint32(n)|0x8000_0000)
	default:
		panic("vector: too long")
	}
	return append(b, v...)
}

// AppendString is [Append] for text.
func AppendString(b []byte, s string) []byte { return Append(b, []byte(s)) }

// AppendInt appends an integer of eight bytes.
func AppendInt(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// A Reader takes values off the front of a byte string. The first error
// sticks; [Reader.Finish] tells it.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a Reader of b. What it returns shares b's memory.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

func (r *Reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	r.b = nil
}

// Raw takes n bytes.
func (r *Reader) Raw(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		r.fail("cut short")
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

// Int takes an integer of eight bytes.
func (r *Reader) Int() int64 {
	if b := r.Raw(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Vector takes a vector of at most limit bytes.
func (r *Reader) Vector(limit int) []byte {
	first := r.Uint8()
	n := int(first & 0x3f)
	switch first >> 6 {
	case 1:
		n = n<<8 | int(r.Uint8())
		if n < 1<<6 {
			r.fail("length not minimal")
		}
	case 2:
		rest := r.Raw(3)
		if rest == nil {
			return nil
		}
		n = n<<24 | int(rest[0])<<16 | int(rest[1])<<8 | int(rest[2])
		if n < 1<<14 {
			r.fail("length not minimal")
		}
	case 3:
		r.fail("length prefix")
	}
	if n > limit {
		r.fail("too long")
	}
	return r.Raw(n)
}

// String takes a vector of at most limit bytes as text.
func (r *Reader) String(limit int) string { return string(r.Vector(limit)) }

// Finish returns the first error, or one if bytes are left over.
func (r *Reader) Finish() error {
	if r.err == nil && len(r.b) != 0 {
		r.fail("bytes left over")
	}
	return r.err
}
