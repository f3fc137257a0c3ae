// Package cbor reads and writes the deterministic core of CBOR (RFC 8949,
// section 4.2.1): definite lengths, shortest integers, map keys in byte order.
// One value has one encoding, and the reader refuses every other.
//
// It is small on purpose: it runs in browsers as WebAssembly, so it needs
// neither reflection nor floating point.
package cbor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrMalformed is matched by every error of a [Reader].
var ErrMalformed = errors.New("cbor: malformed")

// Major types (RFC 8949, section 3.1).
const (
	majorUint   = 0
	majorNegint = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorTag    = 6
	majorSimple = 7
)

const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// maxDepth is how deep arrays, maps and tags may nest in a skipped value.
const maxDepth = 16

// A Writer appends values. The zero Writer is ready for use. Whoever writes a
// map writes its keys in byte order of their encodings.
type Writer struct{ b []byte }

// Written returns what was written.
func (w *Writer) Written() []byte { return w.b }

func (w *Writer) head(major byte, n uint64) {
	m := major << 5
	switch {
	case n < 24:
		w.b = append(w.b, m|byte(n))
	case n < 1<<8:
		w.b = append(w.b, m|24, byte(n))
	case n < 1<<16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, m|25), uint16(n))
	case n < 1<<32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, m|26), uint32(n))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, m|27), n)
	}
}

// Uint appends an unsigned integer.
func (w *Writer) Uint(n uint64) { w.head(majorUint, n) }

// Int appends an integer.
func (w *Writer) Int(n int64) {
	if n < 0 {
		w.head(majorNegint, uint64(-(n + 1)))
		return
	}
	w.head(majorUint, uint64(n))
}

// Bytes appends a byte string.
func (w *Writer) Bytes(b []byte) {
	w.head(majorBytes, uint64(len(b)))
	w.b = append(w.b, b...)
}

// Text appends text.
func (w *Writer) Text(s string) {
	w.head(majorText, uint64(len(s)))
	w.b = append(w.b, s...)
}

// Array begins an array of n values, which are written next.
func (w *Writer) Array(n int) { w.head(majorArray, uint64(n)) }

// Map begins a map of n pairs, which are written next.
func (w *Writer) Map(n int) { w.head(majorMap, uint64(n)) }

// Tag begins a tagged value, which is written next.
func (w *Writer) Tag(n uint64) { w.head(majorTag, n) }

// Null appends null.
func (w *Writer) Null() { w.b = append(w.b, majorSimple<<5|simpleNull) }

// Bool appends a truth value.
func (w *Writer) Bool(v bool) {
	if v {
		w.b = append(w.b, majorSimple<<5|simpleTrue)
		return
	}
	w.b = append(w.b, majorSimple<<5|simpleFalse)
}

// Raw appends a value that is encoded already.
func (w *Writer) Raw(b []byte) { w.b = append(w.b, b...) }

// A Reader takes values off the front of a byte string. The first error
// sticks: later reads return zero values, and [Reader.Finish] tells it.
type Reader struct {
	b   []byte
	err error
}

// NewReader returns a Reader of b. Byte strings that it returns share b's
// memory.
func NewReader(b []byte) *Reader { return &Reader{b: b} }

// Fail records a malformation that the caller found, if none was before.
func (r *Reader) Fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
	r.b = nil
}

// Err returns the first error, or nil.
func (r *Reader) Err() error { return r.err }

// Finish returns the first error, or one if bytes are left over.
func (r *Reader) Finish() error {
	if r.err == nil && len(r.b) != 0 {
		r.Fail("bytes left over")
	}
	return r.err
}

func (r *Reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.b)) {
		r.Fail("cut short")
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *Reader) head() (major byte, n uint64) {
	first := r.take(1)
	if first == nil {
		return 0xff, 0
	}
	major, info := first[0]>>5, first[0]&0x1f
	if info < 24 {
		return major, uint64(info)
	}
	if info > 27 {
		r.Fail("indefinite or reserved length")
		return 0xff, 0
	}
	size := uint64(1) << (info - 24)
	arg := r.take(size)
	if arg == nil {
		return 0xff, 0
	}
	for _, b := range arg {
		n = n<<8 | uint64(b)
	}
	if major == majorSimple && info > 24 {
		return major, 0 // a float: its bits are no length
	}
	if least := [...]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]; n < least {
		r.Fail("integer not shortest")
		return 0xff, 0
	}
	return major, n
}

func (r *Reader) want(major byte, what string) uint64 {
	got, n := r.head()
	if r.err == nil && got != major {
		r.Fail(what + " expected")
		return 0
	}
	return n
}

// Uint takes an unsigned integer of at most limit.
func (r *Reader) Uint(limit uint64) uint64 {
	n := r.want(majorUint, "unsigned integer")
	if n > limit {
		r.Fail("integer too large")
		return 0
	}
	return n
}

// Int takes an integer.
func (r *Reader) Int() int64 {
	major, n := r.head()
	if r.err != nil {
		return 0
	}
	if major > majorNegint || n > 1<<63-1 {
		r.Fail("integer expected")
		return 0
	}
	if major == majorNegint {
		return -int64(n) - 1
	}
	return int64(n)
}

// Bytes takes a byte string of at most limit bytes.
func (r *Reader) Bytes(limit int) []byte {
	n := r.want(majorBytes, "byte string")
	if n > uint64(limit) {
		r.Fail("byte string too long")
		return nil
	}
	return r.take(n)
}

// Text takes text of at most limit bytes of UTF-8.
func (r *Reader) Text(limit int) string {
	n := r.want(majorText, "text")
	if n > uint64(limit) {
		r.Fail("text too long")
		return ""
	}
	b := r.take(n)
	if !utf8.Valid(b) {
		r.Fail("text is not UTF-8")
		return ""
	}
	return string(b)
}

// Array takes the head of an array and returns its length, at most limit.
func (r *Reader) Array(limit int) int { return r.count(majorArray, limit, "array") }

// Map takes the head of a map and returns how many pairs it has, at most limit.
func (r *Reader) Map(limit int) int { return r.count(majorMap, limit, "map") }

func (r *Reader) count(major byte, limit int, what string) int {
	n := r.want(major, what)
	if n > uint64(limit) || n > uint64(len(r.b)) {
		r.Fail(what + " too long")
		return 0
	}
	return int(n)
}

// Tuple takes the head of an array that must have n values.
func (r *Reader) Tuple(n int) {
	if got := r.Array(n); r.err == nil && got != n {
		r.Fail("array of another length")
	}
}

// Tag takes the tag n.
func (r *Reader) Tag(n uint64) {
	if got := r.want(majorTag, "tag"); r.err == nil && got != n {
		r.Fail("another tag")
	}
}

// Null takes a null if one is next, and reports whether it was.
func (r *Reader) Null() bool {
	if r.err == nil && len(r.b) > 0 && r.b[0] == majorSimple<<5|simpleNull {
		r.b = r.b[1:]
		return true
	}
	return false
}

// Bool takes a truth value.
func (r *Reader) Bool() bool {
	n := r.want(majorSimple, "truth value")
	if r.err == nil && n != simpleFalse && n != simpleTrue {
		r.Fail("truth value expected")
	}
	return n == simpleTrue
}

// Any takes one value of any kind and returns its encoding, of at most limit
// bytes.
func (r *Reader) Any(limit int) []byte {
	before := r.b
	r.skip(0)
	if r.err != nil {
		return nil
	}
	n := len(before) - len(r.b)
	if n > limit {
		r.Fail("value too long")
		return nil
	}
	return before[:n:n]
}

func (r *Reader) skip(depth int) {
	if depth > maxDepth {
		r.Fail("nested too deep")
		return
	}
	major, n := r.head()
	if r.err != nil {
		return
	}
	switch major {
	case majorBytes:
		r.take(n)
	case majorText:
		if !utf8.Valid(r.take(n)) {
			r.Fail("text is not UTF-8")
		}
	case majorArray:
		for ; n > 0 && r.err == nil; n-- {
			r.skip(depth + 1)
		}
	case majorMap:
		var last []byte
		for ; n > 0 && r.err == nil; n-- {
			before := r.b
			r.skip(depth + 1)
			if r.err != nil {
				return
			}
			key := before[:len(before)-len(r.b)]
			if last != nil && bytes.Compare(last, key) >= 0 {
				r.Fail("map keys out of order")
			}
			last = key
			r.skip(depth + 1)
		}
	case majorTag:
		r.skip(depth + 1)
	}
}
