package auditlog

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sotto-health/sotto/internal/audit"
)

// An EntryProof proves that one entry is in a log, to whom the rest of the log
// is not shown. It is a text that the page of the audit log saves (C2SP
// tlog-proof, version 1), whose extra data are the entry.
type EntryProof struct {
	Number int64
	// Encoded is the event; nil if it was erased.
	Encoded []byte

	commitment audit.Commitment
	hashes     []Hash
	signed     []byte
}

// ErrEntryProof says that a text is no proof of an entry, or that it does not
// prove what it says.
var ErrEntryProof = errors.New("auditlog: not a proof of an entry")

// ReadEntryProof reads a proof. What it returns is not believed before
// [EntryProof.Check].
func ReadEntryProof(text []byte) (*EntryProof, error) {
	head, signed, _ := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return nil, ErrEntryProof
	}
	p := &EntryProof{signed: signed}
	if err := p.entry(strings.TrimPrefix(lines[1], "extra ")); err != nil {
		return nil, err
	}
	number := strings.TrimPrefix(lines[2], "index ")
	var err error
	if p.Number, err = strconv.ParseInt(number, 10, 64); err != nil || lines[2] != fmt.Sprintf("index %d", p.Number) {
		return nil, ErrEntryProof
	}
	for _, line := range lines[3:] {
		b, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(b) != HashBytes {
			return nil, ErrEntryProof
		}
		p.hashes = append(p.hashes, Hash(b))
	}
	return p, nil
}

// entry reads the entry, whose commitment is that of what it shows.
func (p *EntryProof) entry(extra string) error {
	var e struct {
		Encoded          string
		Salt, Commitment []byte
	}
	b, err := base64.StdEncoding.Strict().DecodeString(extra)
	if err != nil || json.Unmarshal(b, &e) != nil || len(e.Commitment) != len(p.commitment) {
		return ErrEntryProof
	}
	p.commitment = audit.Commitment(e.Commitment)
	if e.Encoded == "" {
		return nil
	}
	if p.Encoded = []byte(e.Encoded); len(e.Salt) != audit.SaltBytes || audit.Commit(audit.Salt(e.Salt), p.Encoded) != p.commitment {
		return fmt.Errorf("%w: the event was changed", ErrEntryProof)
	}
	return nil
}

// Check checks that the entry is in the log of a checkpoint that one of the
// keys has signed, and returns the checkpoint. Keys are by the origins of their
// logs. The errors are [ErrEntryProof] and those of [OpenCheckpoint].
func (p *EntryProof) Check(keys map[string]string) (Checkpoint, error) {
	unsigned, err := ReadUnsigned(p.signed)
	if err != nil {
		return unsigned, ErrEntryProof
	}
	key, ok := keys[unsigned.Origin]
	if !ok {
		return unsigned, fmt.Errorf("%w: it is of the log %q, whose key was not given", ErrEntryProof, unsigned.Origin)
	}
	c, err := OpenCheckpoint(p.signed, key)
	if err != nil {
		return c, err
	}
	if err := CheckEntry(p.hashes, c.Size, c.Root, p.Number, p.commitment); err != nil {
		return c, fmt.Errorf("%w: the entry is not in the tree that was signed", ErrEntryProof)
	}
	return c, nil
}
