// Package consent defines what a patient signs when agreeing to a consent
// form: the receipt that ties a person to the exact text. The device signs it,
// the hub checks it on every way in.
package consent

import (
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/vector"
)

// ErrForged says that a receipt was not signed by the device's key.
var ErrForged = errors.New("consent: receipt not signed by the device")

// A Receipt says that the person of a device agreed, for one conversation, to
// one text.
type Receipt struct {
	Practice     string // id
	Conversation string
	Device       string
	Form         string
	Version      int
	Language     string
	SHA256       []byte // of the text, as [Hash] makes it
	At           int64  // Unix milliseconds, the device's clock
}

// Of returns the Receipt that r, as it travels, stands for.
func Of(practice, conversation, device string, r api.ConsentReceipt) Receipt {
	return Receipt{
		Practice: practice, Conversation: conversation, Device: device,
		Form: r.Form, Version: r.Version, Language: r.Language, SHA256: r.SHA256, At: r.At,
	}
}

// Signed returns the bytes that the device signs.
func (r Receipt) Signed() []byte {
	b := vector.AppendString(nil, "sotto consent receipt v1")
	b = vector.AppendString(b, r.Practice)
	b = vector.AppendString(b, r.Conversation)
	b = vector.AppendString(b, r.Device)
	b = vector.AppendString(b, r.Form)
	b = vector.AppendInt(b, int64(r.Version))
	b = vector.AppendString(b, r.Language)
	b = vector.Append(b, r.SHA256)
	return vector.AppendInt(b, r.At)
}

// Verify checks that the key whose public half is given signed r.
func (r Receipt) Verify(public, signature []byte) error {
	if !certificate.VerifySignature(public, r.Signed(), signature) {
		return ErrForged
	}
	return nil
}

// Hash returns the hash that names a text: SHA-256 over its title, points and
// full text joined by single line feeds.
func Hash(t api.ConsentText) []byte {
	lines := append([]string{t.Title}, t.Points...)
	sum := sha256.Sum256([]byte(strings.Join(append(lines, t.Full), "\n")))
	return sum[:]
}
