// Package attachment seals files in chunks, so that they stream: a browser
// seals 25 MB without holding it, and opens what has come before the rest has.
//
// Every file has a random key of its own. The chunks are AES-256-GCM with the
// chunk's number and whether it is the last as the nonce (the STREAM
// construction of Hoang, Reyhanitabar, Rogaway and Vizár), so chunks cannot be
// moved, left out, repeated or cut off; the file's size is bound to each as
// associated data. Files are padded to few sizes, as the hub sees those.
package attachment

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

const (
	// KeySize is the length of a file's key, bytes.
	KeySize = 32
	// ChunkSize is how many bytes of the padded file a chunk holds.
	ChunkSize = 64 << 10
	// SealedChunkSize is how many bytes a full chunk has once sealed.
	SealedChunkSize = ChunkSize + overhead
	// MaxSize is the largest file, bytes.
	MaxSize = 25 << 20

	overhead = 16
)

// Errors of this package.
var (
	// ErrAltered says that sealed bytes are not what was sealed.
	ErrAltered = errors.New("attachment: altered, cut short, or sealed with another key")
	// ErrSize says that a file is empty, too large, or not as long as said.
	ErrSize = errors.New("attachment: size")
)

// NewKey returns a random key.
func NewKey() []byte {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // crypto/rand never fails
	return key
}

// Padded returns the size to which a file of size bytes is padded: 4, 16, 64
// or 256 KiB, then whole quarters of a MiB, and whole MiB from 4 on.
func Padded(size int64) int64 {
	for class := int64(4 << 10); class <= 256<<10; class *= 4 {
		if size <= class {
			return class
		}
	}
	step := int64(256 << 10)
	if size > 4<<20 {
		step = 1 << 20
	}
	return (size + step - 1) / step * step
}

// SealedSize returns how many bytes a file of size bytes has once sealed.
func SealedSize(size int64) int64 {
	padded := Padded(size)
	return padded + (padded+ChunkSize-1)/ChunkSize*overhead
}

// chunkCount returns how many chunks a file of size bytes has.
func chunkCount(size int64) uint64 { return uint64((Padded(size) + ChunkSize - 1) / ChunkSize) }

type box struct {
	aead cipher.AEAD
	ad   []byte
}

func newBox(key []byte, size int64) (*box, error) {
	if size <= 0 || size > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrSize, size)
	}
	if len(key) != KeySize {
		return nil, fmt.Errorf("attachment: key of %d bytes", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("attachment: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("attachment: %w", err)
	}
	ad := binary.BigEndian.AppendUint64([]byte("sotto attachment v1"), uint64(size))
	return &box{aead, ad}, nil
}

func nonce(number uint64, last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[3:11], number)
	if last {
		n[11] = 1
	}
	return n
}

// Seal reads size bytes from r, writes them sealed to w, a chunk at a time, and
// returns the SHA-256 of what it wrote. The same key must never seal two files.
func Seal(w io.Writer, r io.Reader, key []byte, size int64) ([]byte, error) {
	b, err := newBox(key, size)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	plain := make([]byte, ChunkSize)
	sealed := make([]byte, 0, SealedChunkSize)
	left, padded, chunks := size, Padded(size), chunkCount(size)
	for number := range chunks {
		chunk := plain[:min(padded, ChunkSize)]
		clear(chunk)
		n := min(left, int64(len(chunk)))
		if _, err := io.ReadFull(r, chunk[:n]); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("%w: shorter than said", ErrSize)
			}
			return nil, err
		}
		left -= n
		padded -= int64(len(chunk))
		sealed = b.aead.Seal(sealed[:0], nonce(number, number == chunks-1), chunk, b.ad)
		sum.Write(sealed)
		if _, err := w.Write(sealed); err != nil {
			return nil, err
		}
	}
	return sum.Sum(nil), nil
}

// An Opener opens a sealed file as it arrives. What it writes out has been
// checked, but the file is whole only once Close returns nil. After a broken
// connection go on with the byte at Received.
type Opener struct {
	w        io.Writer
	box      *box
	left     int64
	number   uint64
	chunks   uint64
	tail     int // sealed size of the last chunk
	buffer   []byte
	received int64
	sum      hash.Hash
	hash     []byte
	err      error
}

// NewOpener returns an Opener that writes the file of size bytes to w. sealedHash is what
// [Seal] returned.
func NewOpener(w io.Writer, key []byte, size int64, sealedHash []byte) (*Opener, error) {
	b, err := newBox(key, size)
	if err != nil {
		return nil, err
	}
	chunks := chunkCount(size)
	return &Opener{
		w: w, box: b, left: size, chunks: chunks, sum: sha256.New(), hash: sealedHash,
		tail: int(Padded(size)-int64(chunks-1)*ChunkSize) + overhead,
	}, nil
}

// Received returns how many sealed bytes have been taken.
func (o *Opener) Received() int64 { return o.received }

// Write takes the next sealed bytes. After an error it takes no more.
func (o *Opener) Write(p []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	o.sum.Write(p)
	o.received += int64(len(p))
	o.buffer = append(o.buffer, p...)
	for o.number < o.chunks {
		last := o.number == o.chunks-1
		need := SealedChunkSize
		if last {
			need = o.tail
		}
		if len(o.buffer) < need {
			return len(p), nil
		}
		if err := o.open(o.buffer[:need], last); err != nil {
			o.err = err
			return 0, err
		}
		o.buffer = append(o.buffer[:0], o.buffer[need:]...)
	}
	if len(o.buffer) > 0 {
		o.err = ErrAltered
		return 0, o.err
	}
	return len(p), nil
}

func (o *Opener) open(sealed []byte, last bool) error {
	plain, err := o.box.aead.Open(nil, nonce(o.number, last), sealed, o.box.ad)
	if err != nil {
		return ErrAltered
	}
	o.number++
	n := min(o.left, int64(len(plain)))
	o.left -= n
	for _, b := range plain[n:] {
		if b != 0 {
			return ErrAltered
		}
	}
	_, err = o.w.Write(plain[:n])
	return err
}

// Close reports whether the whole file was written.
func (o *Opener) Close() error {
	if o.err != nil {
		return o.err
	}
	if o.number != o.chunks || o.left != 0 || subtle.ConstantTimeCompare(o.sum.Sum(nil), o.hash) != 1 {
		o.err = ErrAltered
	}
	return o.err
}
