package auditlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

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
	// WitnessedAt is when a witness signed it, by the witness's clock. The zero
	// time is that none did; it is no part of what is signed.
	WitnessedAt time.Time
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

// ErrExtended is the [ErrCheckpoint] of one that is signed and says more than a
// [Checkpoint] holds, as in extension lines (C2SP tlog-checkpoint), or says it
// otherwise: who signed what is read of it would sign another text.
var ErrExtended = fmt.Errorf("%w: it has extension lines", ErrCheckpoint)

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
	return note.Sign(&note.Note{Text: Checkpoint{Origin: s.origin, Size: size, Root: root}.text()}, s.signer)
}

// OpenCheckpoint checks a signed checkpoint by the log's verifier, and, if
// there are any, that at least one of the witnesses has signed it too: the time
// of the first to do so is the checkpoint's.
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
	if c.text() != n.Text {
		return Checkpoint{}, ErrExtended
	}
	if len(witnesses) == 0 {
		return c, nil
	}
	for _, w := range witnesses {
		_, seconds, ok := witnessed(n, w)
		if at := time.Unix(int64(min(seconds, latest)), 0); ok && (c.WitnessedAt.IsZero() || at.Before(c.WitnessedAt)) {
			c.WitnessedAt = at
		}
	}
	if !c.WitnessedAt.IsZero() {
		return c, nil
	}
	return Checkpoint{}, fmt.Errorf("%w: no witness has signed it", ErrCheckpoint)
}

// ReadUnsigned returns what a checkpoint says, whoever signed it: to name what
// is wrong with a log whose checkpoint does not open.
func ReadUnsigned(signed []byte) (Checkpoint, error) { return parseCheckpoint(string(signed)) }

// SignedBy returns which key of a log is said to have signed a checkpoint: eight
// digits, as in the key's text after its name; empty if the checkpoint is none.
// It proves nothing: it tells one key from another where the key is gone.
func SignedBy(signed []byte) string {
	c, err := ReadUnsigned(signed)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(signed)) {
		signature, ok := strings.CutPrefix(strings.TrimSpace(line), "— "+c.Origin+" ")
		if !ok {
			continue
		}
		if b, err := base64.StdEncoding.DecodeString(signature); err == nil && len(b) > 4 {
			return hex.EncodeToString(b[:4])
		}
	}
	return ""
}

// KeyName returns the origin of the log whose public key that is.
func KeyName(verifier string) (string, error) {
	v, err := note.NewVerifier(strings.TrimSpace(verifier))
	if err != nil {
		return "", errors.New("auditlog: not the public key of a log")
	}
	return v.Name(), nil
}
