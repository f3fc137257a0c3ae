package auditlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// SeedBytes is the length of a signing key's seed.
const SeedBytes = ed25519.SeedSize

// Origin names a practice's log to the world (C2SP tlog-checkpoint).
func Origin(practice string) string { return "sotto/audit/" + practice }

// A Checkpoint is the head of a log at a moment.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// text is the body of the signed note.
func (c Checkpoint) text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return c, ErrCheckpoint
	}
	c.Origin = lines[0]
	c.Size, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, ErrCheckpoint
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != HashBytes {
		return c, ErrCheckpoint
	}
	copy(c.Root[:], root)
	return c, nil
}

// ErrCheckpoint says that something is no checkpoint, or not signed by whom it
// should be.
var ErrCheckpoint = errors.New("auditlog: not a checkpoint signed by the log's key")

// A Signer signs the checkpoints of one log.
type Signer struct {
	key    ed25519.PrivateKey
	signer note.Signer
	text   string // the verifier's
	origin string
}

// NewSigner returns the signer of a practice's log. Each practice has a key of
// its own, made from the installation's seed.
func NewSigner(seed []byte, practice string) (*Signer, error) {
	if len(seed) != SeedBytes {
		return nil, errors.New("auditlog: a seed has 32 bytes")
	}
	own := sha256.Sum256(append([]byte("sotto audit key v1 "+practice+"\n"), seed...))
	key := ed25519.NewKeyFromSeed(own[:])
	origin := Origin(practice)
	text, err := note.NewEd25519VerifierKey(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, fmt.Errorf("auditlog: %w", err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("auditlog: %w", err)
	}
	return &Signer{key: key, signer: &signs{v, key}, text: text, origin: origin}, nil
}

// signs is a [note.Signer] with a key that has no text of its own.
type signs struct {
	note.Verifier
	key ed25519.PrivateKey
}

func (s *signs) Sign(message []byte) ([]byte, error) { return ed25519.Sign(s.key, message), nil }

// Verifier returns the public key as one line of text (C2SP signed-note).
func (s *Signer) Verifier() string { return s.text }

// Sign returns a signed checkpoint.
func (s *Signer) Sign(size int64, root Hash) ([]byte, error) {
	return note.Sign(&note.Note{Text: Checkpoint{s.origin, size, root}.text()}, s.signer)
}

// OpenCheckpoint checks a signed checkpoint by the log's verifier, and, if
// there are any, that at least one of the witnesses has signed it too.
func OpenCheckpoint(signed []byte, verifier string, witnesses ...string) (Checkpoint, error) {
	v, err := note.NewVerifier(strings.TrimSpace(verifier))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("auditlog: the log's key: %w", err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, ErrCheckpoint
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, ErrCheckpoint
	}
	if len(witnesses) == 0 {
		return c, nil
	}
	for _, w := range witnesses {
		if witnessed(n, w) {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("%w: no witness has signed it", ErrCheckpoint)
}

// ReadUnsigned returns what a checkpoint says, whoever signed it: to name what
// is wrong with a log whose checkpoint does not open.
func ReadUnsigned(signed []byte) (Checkpoint, error) { return parseCheckpoint(string(signed)) }

// Cosigning of checkpoints (C2SP tlog-cosignature, version 1).
const cosignatureType = 0x04

// A Witness signs checkpoints of logs that it has seen only grow.
type Witness struct {
	name string
	key  ed25519.PrivateKey
}

// NewWitness returns one of that name, which should be a domain name.
func NewWitness(name string, seed []byte) (*Witness, error) {
	if len(seed) != SeedBytes {
		return nil, errors.New("auditlog: a seed has 32 bytes")
	}
	if name == "" || strings.ContainsAny(name, "+ \t\n") {
		return nil, errors.New("auditlog: a witness needs a name without blanks")
	}
	return &Witness{name: name, key: ed25519.NewKeyFromSeed(seed)}, nil
}

func cosignatureID(name string, public ed25519.PublicKey) uint32 {
	h := sha256.Sum256(append([]byte(name+"\n\x04"), public...))
	return binary.BigEndian.Uint32(h[:])
}

// Verifier returns the witness's public key as one line of text.
func (w *Witness) Verifier() string {
	public := w.key.Public().(ed25519.PublicKey)
	return fmt.Sprintf("%s+%08x+%s", w.name, cosignatureID(w.name, public),
		base64.StdEncoding.EncodeToString(append([]byte{cosignatureType}, public...)))
}

func cosigned(text string, at uint64) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, text)
}

// Cosign returns the signature line for a checkpoint's text at a time, Unix
// seconds. Whether the log has only grown is for the caller to know.
func (w *Witness) Cosign(c Checkpoint, at uint64) []byte {
	sig := binary.BigEndian.AppendUint32(nil, cosignatureID(w.name, w.key.Public().(ed25519.PublicKey)))
	sig = binary.BigEndian.AppendUint64(sig, at)
	sig = append(sig, ed25519.Sign(w.key, cosigned(c.text(), at))...)
	return []byte("— " + w.name + " " + base64.StdEncoding.EncodeToString(sig) + "\n")
}

// witnessed reports whether a witness with that verifier has signed n.
func witnessed(n *note.Note, verifier string) bool {
	name, rest, _ := strings.Cut(strings.TrimSpace(verifier), "+")
	_, encoded, _ := strings.Cut(rest, "+")
	public, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(public) != 1+ed25519.PublicKeySize || public[0] != cosignatureType {
		return false
	}
	key := ed25519.PublicKey(public[1:])
	for _, s := range append(n.Sigs, n.UnverifiedSigs...) {
		if s.Name != name || s.Hash != cosignatureID(name, key) {
			continue
		}
		sig, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(sig) != 4+8+ed25519.SignatureSize {
			continue
		}
		if ed25519.Verify(key, cosigned(n.Text, binary.BigEndian.Uint64(sig[4:12])), sig[12:]) {
			return true
		}
	}
	return false
}

// WithCosignature returns a signed checkpoint with one more signature line.
func WithCosignature(signed, line []byte) []byte {
	if bytes.Contains(signed, line) {
		return signed
	}
	return append(bytes.Clone(signed), line...)
}
