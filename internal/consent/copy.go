package consent

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/api"
)

// MaxCopy bounds a patient's copy, in bytes.
const MaxCopy = 1 << 20

// ErrCopy matches every error of a copy that cannot be read, or whose text is
// not the one that was agreed to.
var ErrCopy = errors.New("consent: not a copy of an agreement")

// A Copy is the file that a patient keeps of an agreement: the receipt, and the
// text that it is of. Their own device makes it (web/src/patient/receipt.ts).
type Copy struct {
	ID           string
	Conversation string // empty for what goes beyond one
	Device       string
	Person       string // whose receipt the hub keeps
	ReceivedAt   int64  // when the hub took it, Unix milliseconds
	Receipt      api.ConsentReceipt
	Text         api.ConsentText
}

// ReadCopy reads a copy, and checks that its text has the hash that was signed.
// Whether it was signed, [Receipt.Verify] tells by the device's key. Every error
// matches [ErrCopy].
func ReadCopy(b []byte) (Copy, error) {
	var file struct {
		ID           string `json:"id"`
		Conversation string `json:"conversation"`
		Device       string `json:"device"`
		Kind         string `json:"kind"`
		Form         string `json:"form"`
		Version      int    `json:"version"`
		Language     string `json:"language"`
		SHA256       string `json:"sha256"` // hex
		Method       string `json:"method"`
		Person       string `json:"person"`
		DeviceAt     int64  `json:"deviceAt"`
		At           int64  `json:"at"`
		Signature    string `json:"signature"` // base64
		Text         struct {
			Title  string   `json:"title"`
			Points []string `json:"points"`
			Full   string   `json:"full"`
		} `json:"text"`
	}
	if len(b) > MaxCopy {
		return Copy{}, fmt.Errorf("%w: more than %d bytes", ErrCopy, MaxCopy)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return Copy{}, fmt.Errorf("%w: %w", ErrCopy, err)
	}
	hash, err := hex.DecodeString(file.SHA256)
	signature, err2 := base64.StdEncoding.DecodeString(file.Signature)
	if err != nil || err2 != nil || file.Form == "" || file.Device == "" || file.Person == "" || file.At == 0 {
		return Copy{}, fmt.Errorf("%w: a field is missing or damaged", ErrCopy)
	}
	text := api.ConsentText{Title: file.Text.Title, Points: file.Text.Points, Full: file.Text.Full, SHA256: hash}
	if !bytes.Equal(hash, Hash(text)) {
		return Copy{}, fmt.Errorf("%w: the text is not the one that was agreed to", ErrCopy)
	}
	return Copy{
		ID: file.ID, Conversation: file.Conversation, Device: file.Device, Person: file.Person, ReceivedAt: file.At, Text: text,
		Receipt: api.ConsentReceipt{
			Form: file.Form, Kind: file.Kind, Version: file.Version, Language: file.Language, SHA256: hash, Method: file.Method, At: file.DeviceAt, Signature: signature,
		},
	}, nil
}
