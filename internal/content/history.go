package content

import (
	"fmt"

	"github.com/sotto-health/sotto/internal/content/cbor"
)

// MaxHistory is the largest encoded history, bytes, and maxEntries how many
// entries it has: more is sent in several.
const (
	MaxHistory = 16 << 20
	MaxEntries = 20_000
)

// EntryMessage is the kind of an [Entry] that somebody wrote. Other kinds are
// lines such as "joined".
const EntryMessage = "message"

// An Entry is one line of a transcript, as the keeper hands it to those who
// joined later.
type Entry struct {
	Position uint64
	Index    uint32 // several lines can have one position
	Kind     string
	At       int64 // Unix milliseconds, the hub's clock
	Person   string
	Device   string
	Sender   []byte // SHA-256 of the sending device's signature key
	Content  []byte // of a message
}

// MarshalHistory returns the encoding of entries.
func MarshalHistory(entries []Entry) []byte {
	var w cbor.Writer
	w.Array(len(entries))
	for _, e := range entries {
		w.Array(8)
		w.Uint(e.Position)
		w.Uint(uint64(e.Index))
		w.Text(e.Kind)
		w.Uint(uint64(e.At))
		w.Text(e.Person)
		w.Text(e.Device)
		w.Bytes(e.Sender)
		w.Bytes(e.Content)
	}
	return w.Written()
}

// ParseHistory reads what [MarshalHistory] wrote. Its errors match
// [ErrMalformed].
func ParseHistory(b []byte) ([]Entry, error) {
	r := cbor.NewReader(b)
	n := r.Array(MaxEntries)
	entries := make([]Entry, 0, min(n, len(b)/16))
	for ; n > 0 && r.Err() == nil; n-- {
		r.Tuple(8)
		entries = append(entries, Entry{
			Position: r.Uint(1<<63 - 1), Index: uint32(r.Uint(1<<32 - 1)), Kind: r.Text(maxShort),
			At: int64(r.Uint(1<<63 - 1)), Person: r.Text(maxShort), Device: r.Text(maxShort),
			Sender: r.Bytes(64), Content: r.Bytes(MaxBytes),
		})
	}
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("%w: history: %w", ErrMalformed, err)
	}
	return entries, nil
}
