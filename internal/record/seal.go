package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/internal/content/cbor"
	"github.com/sotto-health/sotto/internal/keeper"
)

// KeySize is the length of the archive's key, bytes.
const KeySize = 32

const (
	formatVersion = 1
	// padTo hides lengths: sealed records come in multiples of it.
	padTo = 256
	// maxRecord bounds one sealed record.
	maxRecord = 8 << 20
	maxField  = 4 << 20
)

// keys are what the archive's key is used for: it seals nothing itself.
type keys struct {
	wrap     cipher.AEAD // data keys
	manifest cipher.AEAD
	proof    []byte // tells keys apart
}

func deriveKeys(key []byte) (k keys, err error) {
	if len(key) != KeySize {
		return keys{}, fmt.Errorf("archive key has %d bytes, not %d", len(key), KeySize)
	}
	derive := func(purpose string) []byte {
		derived, e := hkdf.Expand(sha256.New, key, "sotto archive 1: "+purpose, 32)
		err = errors.Join(err, e)
		return derived
	}
	wrap, manifest, proof := derive("wrap data keys"), derive("manifest"), derive("proof of key")
	if err != nil {
		return keys{}, err
	}
	return keys{newAEAD(wrap), newAEAD(manifest), proof}, nil
}

// newAEAD is AES-256-GCM with a random nonce in front of what it seals.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("record: " + err.Error()) // the key's length is ours
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("record: " + err.Error())
	}
	return aead
}

// mark is the object by which an archive knows its key.
func (k keys) mark() []byte {
	return fmt.Appendf(nil, "sotto archive 1\n%x\n", k.proof)
}

func (k keys) checkMark(mark []byte) error {
	switch {
	case bytes.Equal(mark, k.mark()):
		return nil
	case !bytes.HasPrefix(mark, []byte("sotto archive 1\n")):
		return fmt.Errorf("this is no archive, or a newer one: %w", ErrDamaged)
	}
	return ErrWrongKey
}

// newDataKey makes a conversation's key and returns it wrapped.
func (k keys) newDataKey(conversation string) (wrapped []byte, s *sealer) {
	key := make([]byte, 32)
	rand.Read(key)
	return k.wrap.Seal(nil, nil, key, bound("data key", conversation)), &sealer{newAEAD(key), conversation}
}

func (k keys) openDataKey(conversation string, wrapped []byte) (*sealer, error) {
	key, err := k.wrap.Open(nil, nil, wrapped, bound("data key", conversation))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("data key: %w", ErrDamaged)
	}
	return &sealer{newAEAD(key), conversation}, nil
}

// bound encodes what something sealed or hashed is bound to.
func bound(what string, conversation string, more ...[]byte) []byte {
	var w cbor.Writer
	w.Array(3 + len(more))
	w.Text("sotto archive 1")
	w.Text(what)
	w.Text(conversation)
	for _, b := range more {
		w.Bytes(b)
	}
	return w.Written()
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// A sealer seals one conversation's records.
type sealer struct {
	aead         cipher.AEAD
	conversation string
}

// A sealed record, as it is stored.
type sealed struct {
	number uint64 // the first of a conversation is 1
	before [32]byte
	box    []byte
}

// hash stands for the record and, through before, for all that precede it.
func (r sealed) hash(conversation string) [32]byte {
	return sha256.Sum256(bound("record", conversation, number(r.number), r.before[:], r.box))
}

func (s *sealer) open(r sealed) (keeper.Record, error) {
	plain, err := s.aead.Open(nil, nil, r.box, bound("record", s.conversation, number(r.number), r.before[:]))
	if err != nil {
		return keeper.Record{}, fmt.Errorf("record %d: %w", r.number, ErrDamaged)
	}
	opened, err := parseRecord(plain)
	if err != nil {
		return keeper.Record{}, fmt.Errorf("record %d: %w", r.number, err)
	}
	return opened, nil
}

// A chain is a place in a conversation's log.
type chain struct {
	conversation string
	count        uint64 // number of the newest record
	hash         [32]byte
}

func newChain(conversation string) chain {
	return chain{conversation: conversation, hash: sha256.Sum256(bound("start", conversation))}
}

// seal seals the next record and moves on to it.
func (c *chain) seal(s *sealer, r keeper.Record) sealed {
	next := sealed{number: c.count + 1, before: c.hash}
	next.box = s.aead.Seal(nil, nil, marshalRecord(r), bound("record", s.conversation, number(next.number), next.before[:]))
	c.take(next)
	return next
}

// follows reports whether r is the next record.
func (c *chain) follows(r sealed) bool { return r.number == c.count+1 && r.before == c.hash }

// take moves on to r.
func (c *chain) take(r sealed) { c.count, c.hash = r.number, r.hash(c.conversation) }

func marshalSegment(records []sealed) []byte {
	var w cbor.Writer
	w.Array(2)
	w.Uint(formatVersion)
	w.Array(len(records))
	for _, r := range records {
		w.Array(3)
		w.Uint(r.number)
		w.Bytes(r.before[:])
		w.Bytes(r.box)
	}
	return w.Written()
}

// parseSegment reads what marshalSegment wrote. Its errors are [ErrDamaged].
func parseSegment(b []byte) ([]sealed, error) {
	r := cbor.NewReader(b)
	r.Tuple(2)
	if v := r.Uint(1<<16 - 1); r.Err() == nil && v != formatVersion {
		return nil, fmt.Errorf("records of version %d: %w", v, ErrDamaged)
	}
	var all []sealed
	for n := r.Array(1 << 20); n > 0 && r.Err() == nil; n-- {
		r.Tuple(3)
		one := sealed{number: r.Uint(1<<63 - 1)}
		before := r.Bytes(32)
		one.box = bytes.Clone(r.Bytes(maxRecord))
		if r.Err() == nil && copy(one.before[:], before) != 32 {
			r.Fail("hash")
		}
		all = append(all, one)
	}
	if r.Finish() != nil || len(all) == 0 {
		return nil, fmt.Errorf("records cannot be read: %w", ErrDamaged)
	}
	return all, nil
}

// marshalRecord encodes and pads a record.
func marshalRecord(r keeper.Record) []byte {
	var w cbor.Writer
	w.Array(10)
	w.Uint(formatVersion)
	w.Uint(r.Position)
	w.Uint(uint64(max(r.Index, 0)))
	w.Text(r.Kind)
	w.Int(r.At)
	w.Text(r.Person)
	w.Text(r.Device)
	w.Bytes(r.Sender)
	w.Bytes(r.Content)
	w.Text(r.Rule)
	encoded := w.Written()
	size := 4 + len(encoded)
	padded := make([]byte, (size+padTo-1)/padTo*padTo)
	binary.BigEndian.PutUint32(padded, uint32(len(encoded)))
	copy(padded[4:], encoded)
	return padded
}

// parseRecord reads what marshalRecord wrote. Its errors are [ErrDamaged].
func parseRecord(b []byte) (keeper.Record, error) {
	damaged := fmt.Errorf("record cannot be read: %w", ErrDamaged)
	if len(b) < 4 {
		return keeper.Record{}, damaged
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if n > uint64(len(b)-4) {
		return keeper.Record{}, damaged
	}
	r := cbor.NewReader(b[4 : 4+n])
	r.Tuple(10)
	if v := r.Uint(1<<16 - 1); r.Err() == nil && v != formatVersion {
		return keeper.Record{}, fmt.Errorf("record of version %d: %w", v, ErrDamaged)
	}
	record := keeper.Record{
		Position: r.Uint(1<<64 - 1), Index: int(r.Uint(1<<31 - 1)), Kind: r.Text(64), At: r.Int(),
		Person: r.Text(maxField), Device: r.Text(maxField), Sender: r.Bytes(maxField), Content: r.Bytes(maxField),
		Rule: r.Text(maxField),
	}
	if r.Finish() != nil || !bytes.Equal(marshalRecord(record), b) {
		return keeper.Record{}, damaged
	}
	return record, nil
}
