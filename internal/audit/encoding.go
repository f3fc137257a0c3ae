package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The longest that fields may be, in bytes.
const (
	maxID     = 64
	maxDetail = 256
	maxRules  = 16
)

// ErrEvent says that something is no event, or is not encoded as events are.
var ErrEvent = errors.New("audit: not an event")

func fault(field string) error { return fmt.Errorf("%w: %s", ErrEvent, field) }

// Check returns an error that matches [ErrEvent] unless e is whole: of a known
// kind, with no field that the kind does not have, and each within its bounds.
func (e *Event) Check() error {
	spec, ok := specs[e.Kind]
	switch {
	case !ok:
		return fault("kind")
	case e.Practice == "":
		return fault("practice")
	case e.At <= 0:
		return fault("at")
	case e.Outcome != Done && e.Outcome != Refused && e.Outcome != Failed:
		return fault("outcome")
	case e.Outcome != Done && e.Reason == "":
		return fault("reason")
	case !slices.Contains([]Role{Patient, Staff, Service, Operator, System, Nobody}, e.Role):
		return fault("role")
	case IsAccount(e.Person) && e.Role != Operator:
		return fault("person")
	case e.Object != "" && spec.Object == "":
		return fault("object")
	case e.Conversation != "" && !spec.Chat:
		return fault("conversation")
	case len(e.Rules) > maxRules:
		return fault("rules")
	case !plain(e.Detail, maxDetail), e.Kind == CertificateIssued && !certified(e.Detail):
		return fault("detail")
	}
	for _, s := range [...]string{
		e.Practice, e.Person, e.Device, e.Object, e.Subject, e.Conversation, e.Patient, e.Reason, e.Reference, e.Address, e.Request,
	} {
		if !plain(s, maxID) {
			return fault("characters")
		}
	}
	for _, r := range e.Rules {
		if r == "" || !plain(r, maxID) {
			return fault("rules")
		}
	}
	return nil
}

// keyHashLength is that of a SHA-256 in base64url without padding.
const keyHashLength = 43

// Certified is the detail of [CertificateIssued]: as what the device speaks,
// and the hash of its key, by which a second key of the same device is told from
// a new certificate for the first (T03). Hashes are as certificate.KeyHash makes
// them.
func Certified(role, keyHash string) string { return "role=" + role + ",key=" + keyHash }

// certified reports whether a detail is one that [Certified] makes, or one from
// before certificates named their key.
func certified(detail string) bool {
	_, hash, keyed := strings.Cut(detail, "key=")
	if !keyed {
		return true
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(hash)
	return err == nil && len(hash) == keyHashLength && len(sum) == sha256.Size
}

// plain reports whether s is short and of characters that ids, codes and
// addresses have. No blank is among them, so that no sentence fits, and none
// that JSON would escape.
func plain(s string, most int) bool {
	if len(s) > most {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		case b == '.' || b == '_' || b == ':' || b == '/' || b == '-' || b == ',' || b == '=' || b == '+' || b == '%':
		default:
			return false
		}
	}
	return true
}

// Encode returns e in its one encoding: a JSON object whose members stand in
// the order of [Event]'s fields, without blanks, and without those that are
// empty. "v" comes first and is 1. Nothing in it is ever escaped.
func (e *Event) Encode() ([]byte, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 384)
	b = append(b, `{"v":1,"practice":"`...)
	b = append(b, e.Practice...)
	b = append(b, `","at":`...)
	b = strconv.AppendInt(b, e.At, 10)
	b = member(b, "kind", string(e.Kind))
	b = member(b, "outcome", string(e.Outcome))
	b = member(b, "role", string(e.Role))
	b = member(b, "person", e.Person)
	b = member(b, "device", e.Device)
	b = member(b, "object", e.Object)
	b = member(b, "subject", e.Subject)
	b = member(b, "conversation", e.Conversation)
	b = member(b, "patient", e.Patient)
	b = member(b, "detail", e.Detail)
	b = member(b, "reason", e.Reason)
	b = member(b, "reference", e.Reference)
	if len(e.Rules) > 0 {
		b = append(b, `,"rules":[`...)
		for i, r := range e.Rules {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), r...), '"')
		}
		b = append(b, ']')
	}
	b = member(b, "address", e.Address)
	b = member(b, "request", e.Request)
	return append(b, '}'), nil
}

func member(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":"`...)
	return append(append(b, value...), '"')
}

// Parse reads what [Event.Encode] made, and nothing else.
func Parse(b []byte) (Event, error) {
	var w struct {
		V int `json:"v"`
		Event
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return Event{}, ErrEvent // its text might quote what was read
	}
	// One meaning has one encoding: what does not come out as it went in is not
	// one of ours.
	again, err := w.Encode()
	if err != nil {
		return Event{}, err
	}
	if !bytes.Equal(again, b) {
		return Event{}, fault("encoding")
	}
	return w.Event, nil
}

// SaltBytes is the length of a [Salt].
const SaltBytes = 16

// A Salt hides an event behind its commitment: who has erased both can show
// that the log once held something there, and nobody can guess what.
type Salt [SaltBytes]byte

// NewSalt returns a fresh one.
func NewSalt() (s Salt) {
	_, _ = rand.Read(s[:]) // never fails (crypto/rand)
	return s
}

// A Commitment is what the Merkle tree holds of an event.
type Commitment [sha256.Size]byte

// commitmentLabel keeps commitments apart from every other hash.
const commitmentLabel = "sotto audit event v1\n"

// Commit returns SHA-256 of a label, the salt, and the encoded event.
func Commit(s Salt, encoded []byte) (c Commitment) {
	h := sha256.New()
	h.Write([]byte(commitmentLabel))
	h.Write(s[:])
	h.Write(encoded)
	h.Sum(c[:0])
	return c
}
