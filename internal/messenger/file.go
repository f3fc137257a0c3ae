package messenger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/hub"
)

// A File keeps the newest messages in a file, for a demonstration where nothing
// is sent. The file has one message a line, as JSON, and is for its owner alone:
// codes are in it.
type File struct {
	path string
	mu   sync.Mutex // guards what is at path
}

// Sent is a message of a [File].
type Sent struct {
	hub.Message
	At time.Time
}

// fileSize is how many messages a [File] keeps.
const fileSize = 50

// NewFile returns a sender into the file at path, which need not exist. Its
// folder must, once something is sent.
func NewFile(path string) *File { return &File{path: path} }

// Keeps says that messages stay on this machine.
func (*File) Keeps() {}

// Send implements [hub.Messenger].
func (f *File) Send(_ context.Context, m hub.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	sent, err := f.read()
	if err != nil {
		return fmt.Errorf("%w: the file of messages cannot be read", ErrSend)
	}
	sent = append(sent, Sent{m, time.Now().UTC()})
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	for _, s := range sent[max(0, len(sent)-fileSize):] {
		if err := enc.Encode(s); err != nil {
			return fmt.Errorf("%w: message", ErrSend)
		}
	}
	if err := durable.WriteFile(f.path, lines.Bytes(), 0o600); err != nil {
		return fmt.Errorf("%w: the file of messages cannot be written", ErrSend)
	}
	return nil
}

// Sent lists the messages, newest first: none, if there is no file.
func (f *File) Sent() ([]Sent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	sent, err := f.read()
	slices.Reverse(sent)
	return sent, err
}

// read returns what the file holds, oldest first.
func (f *File) read() ([]Sent, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var sent []Sent
	for dec := json.NewDecoder(bytes.NewReader(b)); ; {
		var s Sent
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			return sent, nil
		} else if err != nil {
			return nil, errors.New("messenger: the file of messages is damaged; delete it") // the decoder's text may quote it
		}
		sent = append(sent, s)
	}
}
