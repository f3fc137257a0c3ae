// Package content is what is inside a message once MLS has opened it: MIMI
// content (draft-ietf-mimi-content) in deterministic CBOR, and the few content
// types of Sotto's own. It reads strictly and bounds everything: what it reads
// was made by another member, who may be hostile.
//
// It knows nothing of groups, storage or screens.
package content

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/internal/content/cbor"
)

// Limits.
const (
	MaxBytes    = 128 << 10 // of one encoded message
	MaxText     = 32 << 10  // bytes of UTF-8
	MaxPreview  = 32 << 10  // bytes of an image
	MaxName     = 256       // bytes of a file's or a person's name
	SaltSize    = 16
	IDSize      = 32
	maxShort    = 256
	maxParts    = 16
	maxDepth    = 4
	maxExtended = 16
	maxExtValue = 4096
)

// ErrMalformed is matched by every error of this package's parsers.
var ErrMalformed = errors.New("content: malformed")

// A Disposition says what a part is for.
type Disposition uint8

// The dispositions that Sotto uses.
const (
	Unspecified Disposition = 0
	Render      Disposition = 1
	Profile     Disposition = 3
	Attached    Disposition = 6
	Session     Disposition = 7
	Previewed   Disposition = 8
)

// A Message is one MIMI message.
type Message struct {
	Salt       []byte // SaltSize random bytes
	Replaces   []byte // nil, or the ID of the message that this one takes the place of
	Topic      []byte
	Expires    *Expiration
	InReplyTo  []byte // nil, or an ID
	Extensions []Extension
	Part       Part
}

// An Expiration says when a message is to be forgotten.
type Expiration struct {
	Relative bool
	Time     uint32 // seconds, since 1970 unless Relative
}

// An Extension is a pair of a message's extension map. Key and Value are
// encoded CBOR.
type Extension struct{ Key, Value []byte }

// A Cardinality says which fields of a [Part] count.
type Cardinality uint8

// The cardinalities.
const (
	Null     Cardinality = 0
	Single   Cardinality = 1 // ContentType, Content
	External Cardinality = 2 // ContentType, External
	Multi    Cardinality = 3 // Semantics, Parts
)

// Semantics of several parts.
const (
	ChooseOne  = 0
	SingleUnit = 1
	ProcessAll = 2
)

// A Part is the body of a message, or a part of one.
type Part struct {
	Disposition Disposition
	Language    string
	Cardinality Cardinality
	ContentType string
	Content     []byte
	External    *ExternalPart
	Semantics   uint8
	Parts       []Part
}

// An ExternalPart says where the hub keeps a sealed file and how to open it.
type ExternalPart struct {
	URL         string
	Expires     uint32
	Size        uint64 // bytes of the file itself
	EncAlg      uint16 // AEAD id of RFC 5116
	Key         []byte
	Nonce       []byte
	AAD         []byte
	HashAlg     uint8 // 1 is SHA-256 (IANA named information)
	ContentHash []byte
	Description string
	Filename    string
}

// Marshal returns m's encoding.
func (m *Message) Marshal() []byte {
	var w cbor.Writer
	w.Array(7)
	w.Bytes(m.Salt)
	optional(&w, m.Replaces)
	w.Bytes(m.Topic)
	if m.Expires == nil {
		w.Null()
	} else {
		w.Array(2)
		w.Bool(m.Expires.Relative)
		w.Uint(uint64(m.Expires.Time))
	}
	optional(&w, m.InReplyTo)
	w.Map(len(m.Extensions))
	for _, e := range m.Extensions {
		w.Raw(e.Key)
		w.Raw(e.Value)
	}
	m.Part.write(&w)
	return w.Written()
}

func optional(w *cbor.Writer, id []byte) {
	if id == nil {
		w.Null()
		return
	}
	w.Bytes(id)
}

func (p *Part) write(w *cbor.Writer) {
	switch p.Cardinality {
	case Single:
		w.Array(5)
	case External:
		w.Array(15)
	case Multi:
		w.Array(5)
	default:
		w.Array(3)
	}
	w.Uint(uint64(p.Disposition))
	w.Text(p.Language)
	w.Uint(uint64(p.Cardinality))
	switch p.Cardinality {
	case Single:
		w.Text(p.ContentType)
		w.Bytes(p.Content)
	case External:
		w.Text(p.ContentType)
		p.External.write(w)
	case Multi:
		w.Uint(uint64(p.Semantics))
		w.Array(len(p.Parts))
		for i := range p.Parts {
			p.Parts[i].write(w)
		}
	}
}

func (e *ExternalPart) write(w *cbor.Writer) {
	w.Text(e.URL)
	w.Uint(uint64(e.Expires))
	w.Uint(e.Size)
	w.Uint(uint64(e.EncAlg))
	w.Bytes(e.Key)
	w.Bytes(e.Nonce)
	w.Bytes(e.AAD)
	w.Uint(uint64(e.HashAlg))
	w.Bytes(e.ContentHash)
	w.Text(e.Description)
	w.Text(e.Filename)
}

// Parse reads one message and nothing after it. Its errors match
// [ErrMalformed].
func Parse(b []byte) (*Message, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	r := cbor.NewReader(b)
	r.Tuple(7)
	m := &Message{Salt: r.Bytes(SaltSize)}
	if r.Err() == nil && len(m.Salt) != SaltSize {
		r.Fail("short salt")
	}
	m.Replaces = readID(r)
	m.Topic = r.Bytes(maxShort)
	if !r.Null() {
		r.Tuple(2)
		m.Expires = &Expiration{Relative: r.Bool(), Time: uint32(r.Uint(1<<32 - 1))}
	}
	m.InReplyTo = readID(r)
	var last []byte
	for n := r.Map(maxExtended); n > 0 && r.Err() == nil; n-- {
		e := Extension{Key: r.Any(maxShort), Value: r.Any(maxExtValue)}
		if last != nil && bytes.Compare(last, e.Key) >= 0 {
			r.Fail("extensions out of order")
		}
		last = e.Key
		m.Extensions = append(m.Extensions, e)
	}
	m.Part = readPart(r, 0)
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return m, nil
}

func readID(r *cbor.Reader) []byte {
	if r.Null() {
		return nil
	}
	id := r.Bytes(IDSize)
	if r.Err() == nil && len(id) != IDSize {
		r.Fail("short message id")
	}
	return id
}

func readPart(r *cbor.Reader, depth int) Part {
	if depth > maxDepth {
		r.Fail("parts nested too deep")
		return Part{}
	}
	fields := r.Array(15)
	p := Part{
		Disposition: Disposition(r.Uint(255)),
		Language:    r.Text(maxShort),
		Cardinality: Cardinality(r.Uint(3)),
	}
	if r.Err() == nil && fields != [...]int{3, 5, 15, 5}[p.Cardinality] {
		r.Fail("part of another length")
		return p
	}
	switch p.Cardinality {
	case Single:
		p.ContentType = r.Text(maxShort)
		p.Content = r.Bytes(MaxBytes)
	case External:
		p.ContentType = r.Text(maxShort)
		p.External = &ExternalPart{
			URL: r.Text(4 * maxShort), Expires: uint32(r.Uint(1<<32 - 1)), Size: r.Uint(1<<63 - 1),
			EncAlg: uint16(r.Uint(1<<16 - 1)), Key: r.Bytes(maxShort), Nonce: r.Bytes(maxShort), AAD: r.Bytes(maxShort),
			HashAlg: uint8(r.Uint(255)), ContentHash: r.Bytes(64), Description: r.Text(4 * maxShort), Filename: r.Text(MaxName),
		}
	case Multi:
		p.Semantics = uint8(r.Uint(ProcessAll))
		n := r.Array(maxParts)
		if r.Err() == nil && n < 2 {
			r.Fail("fewer than two parts")
		}
		for ; n > 0 && r.Err() == nil; n-- {
			p.Parts = append(p.Parts, readPart(r, depth+1))
		}
	}
	return p
}

// SenderURI names a sending device by the hash of its signature key, which it
// has before it is registered.
func SenderURI(sender []byte) string { return fmt.Sprintf("urn:sotto:key:%x", sender) }

// RoomURI names a conversation.
func RoomURI(conversation string) string { return "urn:sotto:conversation:" + conversation }

// ID returns the id of the message whose encoding is given, which all members
// compute alike: the draft's octet 1 for SHA-256, and the first 31 bytes of
// the hash of sender, room, message and salt.
func ID(senderURI, roomURI string, encoded, salt []byte) []byte {
	h := sha256.New()
	h.Write([]byte(senderURI))
	h.Write([]byte(roomURI))
	h.Write(encoded)
	h.Write(salt)
	return append([]byte{1}, h.Sum(nil)[:IDSize-1]...)
}
