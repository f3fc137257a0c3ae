package auditlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Cosigning of checkpoints (C2SP tlog-cosignature, version 1).
const cosignatureType = 0x04

// latest bounds the times of witnesses: in Unix seconds, some 35,000 years on.
const latest = 1 << 40

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

// parseWitness reads a witness's public key.
func parseWitness(verifier string) (name string, key ed25519.PublicKey, ok bool) {
	name, rest, _ := strings.Cut(strings.TrimSpace(verifier), "+")
	id, encoded, _ := strings.Cut(rest, "+")
	public, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || name == "" || len(public) != 1+ed25519.PublicKeySize || public[0] != cosignatureType {
		return "", nil, false
	}
	key = ed25519.PublicKey(public[1:])
	return name, key, id == fmt.Sprintf("%08x", cosignatureID(name, key))
}

// IsWitnessKey reports whether s is the public key of a witness.
func IsWitnessKey(s string) bool {
	_, _, ok := parseWitness(s)
	return ok
}

// witnessed returns the signature of the witness with that verifier that n has,
// and when it was made.
func witnessed(n *note.Note, verifier string) (found note.Signature, at uint64, ok bool) {
	name, key, ok := parseWitness(verifier)
	if !ok {
		return found, 0, false
	}
	for _, s := range append(n.Sigs, n.UnverifiedSigs...) {
		if s.Name != name || s.Hash != cosignatureID(name, key) {
			continue
		}
		sig, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(sig) != 4+8+ed25519.SignatureSize {
			continue
		}
		at := binary.BigEndian.Uint64(sig[4:12])
		if ed25519.Verify(key, cosigned(n.Text, at), sig[12:]) {
			return s, at, true
		}
	}
	return found, 0, false
}

// FindCosignature returns, of the signature lines that somebody sent for a
// checkpoint, the one that a witness made, and when it did by its clock. What
// else they sent is left out. Without one, it returns [ErrCheckpoint].
func FindCosignature(signed, lines []byte, witness string) (line []byte, at time.Time, err error) {
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok {
		return nil, at, ErrCheckpoint
	}
	n, err := note.Open(slices.Concat(text, []byte("\n\n"), lines), note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		n = unverified.Note
	} else if err != nil {
		return nil, at, ErrCheckpoint
	}
	s, seconds, ok := witnessed(n, witness)
	if !ok || seconds > latest {
		return nil, at, ErrCheckpoint
	}
	return []byte("— " + s.Name + " " + s.Base64 + "\n"), time.Unix(int64(seconds), 0), nil
}

// WithCosignature returns a signed checkpoint with one more signature line.
func WithCosignature(signed, line []byte) []byte {
	if bytes.Contains(signed, line) {
		return signed
	}
	return append(bytes.Clone(signed), line...)
}
