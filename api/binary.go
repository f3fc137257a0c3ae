package api

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
)

// A binary message of the push connection carries the payload of one frame as
// it is, and not as base64 within JSON:
//
//	length of the head  4 bytes, big endian
//	head                JSON: an [Event] of type "frame", or a [ClientMessage]
//	                    of type "send", whose frame has no payload
//	payload             the rest
//
// A client that asks for them in its [Hello] gets frames in this form. Any
// client may send them.

var errBinary = errors.New("api: malformed binary message")

// Binary returns an event that has a frame as a binary message.
func (e Event) Binary() ([]byte, error) {
	if e.Frame == nil {
		return nil, errBinary
	}
	frame, payload := *e.Frame, e.Frame.Payload
	frame.Payload, e.Frame = nil, &frame
	return joinBinary(e, payload)
}

// Binary returns a message that has a frame as a binary message.
func (m ClientMessage) Binary() ([]byte, error) {
	if m.Frame == nil {
		return nil, errBinary
	}
	frame, payload := *m.Frame, m.Frame.Payload
	frame.Payload, m.Frame = nil, &frame
	return joinBinary(m, payload)
}

func joinBinary(head any, payload []byte) ([]byte, error) {
	b, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	joined := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(b)+len(payload)), uint32(len(b)))
	return append(append(joined, b...), payload...), nil
}

// SplitBinary returns the parts of a binary message. They share its memory.
func SplitBinary(b []byte) (head, payload []byte, err error) {
	if len(b) < 4 {
		return nil, nil, errBinary
	}
	n := uint64(binary.BigEndian.Uint32(b))
	if b = b[4:]; n > uint64(len(b)) {
		return nil, nil, errBinary
	}
	return slices.Clip(b[:n]), b[n:], nil
}
