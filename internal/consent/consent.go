// Package consent defines what a patient signs when agreeing to a consent
// form: the receipt that ties a person to the exact text. The device signs it,
// the hub checks it on every way in.
//
// What forms are is in package form; how hard they read in package reading.
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

// Checkbox is the one way of agreeing there is: the person ticked the box,
// which was empty, and pressed the button.
const Checkbox = "checkbox"

// A Receipt says that the person of a device agreed to one text, for one
// purpose, and for one conversation or, where there is none, for all.
type Receipt struct {
	Practice     string // id
	Conversation string // empty for what goes beyond one
	Device       string
	Kind         string // the purpose; see package form
	Form         string
	Version      int
	Language     string
	SHA256       []byte // of the text, as [Hash] makes it
	Method       string // Checkbox; empty on receipts of before there were kinds
	At           int64  // Unix milliseconds, the device's clock
}

// Of returns the Receipt that r, as it travels, stands for.
func Of(practice, conversation, device string, r api.ConsentReceipt) Receipt {
	return Receipt{
		Practice: practice, Conversation: conversation, Device: device, Kind: r.Kind,
		Form: r.Form, Version: r.Version, Language: r.Language, SHA256: r.SHA256, Method: r.Method, At: r.At,
	}
}

// Signed returns the bytes that the device signs. Receipts without a method
// are of the first form, which knew one purpose only; they are kept and can
// still be checked, but the hub takes no new ones.
func (r Receipt) Signed() []byte {
	if r.Method == "" {
		return r.signedFirst()
	}
	b := vector.AppendString(nil, "sotto consent receipt v2")
	b = vector.AppendString(b, r.Practice)
	b = vector.AppendString(b, r.Conversation)
	b = vector.AppendString(b, r.Device)
	b = vector.AppendString(b, r.Kind)
	b = vector.AppendString(b, r.Form)
	b = vector.AppendInt(b, int64(r.Version))
	b = vector.AppendString(b, r.Language)
	b = vector.Append(b, r.SHA256)
	b = vector.AppendString(b, r.Method)
	return vector.AppendInt(b, r.At)
}

func (r Receipt) signedFirst() []byte {
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

// Name returns what names r among all receipts: SHA-256 of what was signed.
// One that is sent again has the same name, whatever its signature.
func (r Receipt) Name() []byte {
	sum := sha256.Sum256(r.Signed())
	return sum[:]
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
