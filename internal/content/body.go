package content

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sotto-health/sotto/internal/content/cbor"
)

// Content types.
const (
	TypeText         = "text/plain;charset=utf-8"
	TypeStatus       = "application/mimi-message-status"
	TypeIntroduction = "application/vnd.sotto.introduction+cbor"
	TypeHistory      = "application/vnd.sotto.history+cbor"
	TypeNote         = "application/vnd.sotto.note+cbor"
)

// Statuses of a message in a [Receipt].
const (
	Delivered = 1
	Read      = 2
)

// What a [Note] says its sender is about to do.
const (
	NoteLeaving   = 1
	NoteClosing   = 2
	NoteReopening = 3
)

// Why a message is taken back. A patient need not say.
const (
	RecallUnsaid       = 0
	RecallWrongPatient = 1 // it was meant for somebody else: perhaps a breach
	RecallWrongContent = 2
	RecallOther        = 3
)

const maxStatuses = 256

// recallKey is the extension that tells why a message is taken back, as one of
// the Recall constants. It is there for the practice's record; a patient's
// device does not show it.
const recallKey = "sotto-recall"

// sizeKey is the extension that tells an image's size in pixels: [width, height].
const sizeKey = "sotto-size"

// A Body is what a message means. Exactly one field is set; none if this
// version of Sotto does not know the content.
type Body struct {
	Text         *Text
	File         *File
	Receipt      *Receipt
	Introduction *Introduction
	History      *ExternalPart
	Note         uint8
	Recall       *Recall
}

// A Recall takes a message of the same sender back: the draft's deletion, a
// message with no body that replaces another.
type Recall struct {
	ID     []byte // of the message that is taken back
	Reason uint8
}

// A Text is what somebody typed.
type Text struct{ Text, Language string }

// A File is an attachment.
type File struct {
	External      ExternalPart
	MediaType     string
	Preview       []byte // a small image, or nil
	PreviewType   string
	Width, Height int
}

// A Receipt tells how far messages have come.
type Receipt struct {
	At       int64 // Unix milliseconds, the sender's clock
	Statuses []Status
}

// A Status is one message's.
type Status struct {
	ID     []byte
	Status uint8
}

// An Introduction says who its sender is: by the practice's word or, for a
// patient, by their own.
type Introduction struct {
	Card []byte // an encoded certificate.Card, or nil
	Name string // if there is no card
}

// NewText returns a message of text.
func NewText(salt []byte, text, language string) (*Message, error) {
	if text == "" || len(text) > MaxText || !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: text of %d bytes", ErrMalformed, len(text))
	}
	return &Message{Salt: salt, Part: Part{
		Disposition: Render, Language: language, Cardinality: Single, ContentType: TypeText, Content: []byte(text),
	}}, nil
}

// NewFile returns a message that carries an attachment.
func NewFile(salt []byte, f File) (*Message, error) {
	if len(f.Preview) > MaxPreview || len(f.External.Filename) > MaxName || len(f.MediaType) > maxShort ||
		!utf8.ValidString(f.External.Filename) || !utf8.ValidString(f.MediaType) {
		return nil, fmt.Errorf("%w: file's description too long", ErrMalformed)
	}
	file := Part{Disposition: Attached, Cardinality: External, ContentType: f.MediaType, External: &f.External}
	m := &Message{Salt: salt, Part: file}
	if f.Width > 0 && f.Height > 0 {
		var k, v cbor.Writer
		k.Text(sizeKey)
		v.Array(2)
		v.Uint(uint64(f.Width))
		v.Uint(uint64(f.Height))
		m.Extensions = []Extension{{Key: k.Written(), Value: v.Written()}}
	}
	if len(f.Preview) > 0 {
		preview := Part{Disposition: Previewed, Cardinality: Single, ContentType: f.PreviewType, Content: f.Preview}
		m.Part = Part{Disposition: Attached, Cardinality: Multi, Semantics: SingleUnit, Parts: []Part{file, preview}}
	}
	return m, nil
}

// NewReceipt returns a message that tells statuses.
func NewReceipt(salt []byte, receipt Receipt) *Message {
	var w cbor.Writer
	w.Array(2)
	w.Tag(62)
	w.Uint(uint64(receipt.At))
	w.Array(len(receipt.Statuses))
	for _, s := range receipt.Statuses {
		w.Array(2)
		w.Bytes(s.ID)
		w.Uint(uint64(s.Status))
	}
	return own(salt, Unspecified, TypeStatus, w.Written())
}

// NewIntroduction returns a message that says who its sender is.
func NewIntroduction(salt []byte, i Introduction) (*Message, error) {
	if len(i.Name) > MaxName || !utf8.ValidString(i.Name) {
		return nil, fmt.Errorf("%w: name of %d bytes", ErrMalformed, len(i.Name))
	}
	var w cbor.Writer
	w.Array(2)
	w.Bytes(i.Card)
	w.Text(i.Name)
	return own(salt, Profile, TypeIntroduction, w.Written()), nil
}

// NewHistory returns a message that hands over a sealed list of [Entry].
func NewHistory(salt []byte, e ExternalPart) *Message {
	return &Message{Salt: salt, Part: Part{Disposition: Session, Cardinality: External, ContentType: TypeHistory, External: &e}}
}

// NewNote returns a message that says what its sender is about to do.
func NewNote(salt []byte, note uint8) *Message {
	var w cbor.Writer
	w.Uint(uint64(note))
	return own(salt, Session, TypeNote, w.Written())
}

// NewRecall returns a message that takes the one of that ID back.
func NewRecall(salt, id []byte, reason uint8) *Message {
	m := &Message{Salt: salt, Replaces: id, Part: Part{Disposition: Render, Cardinality: Null}}
	if reason != RecallUnsaid {
		var k, v cbor.Writer
		k.Text(recallKey)
		v.Uint(uint64(reason))
		m.Extensions = []Extension{{Key: k.Written(), Value: v.Written()}}
	}
	return m
}

func own(salt []byte, d Disposition, contentType string, b []byte) *Message {
	return &Message{Salt: salt, Part: Part{Disposition: d, Cardinality: Single, ContentType: contentType, Content: b}}
}

// Body returns what m means. A known content type with content that is not of
// it is an error that matches [ErrMalformed].
func (m *Message) Body() (Body, error) {
	p := &m.Part
	switch p.Cardinality {
	case Null:
		if m.Replaces == nil {
			return Body{}, nil
		}
		return Body{Recall: &Recall{ID: m.Replaces, Reason: m.recallReason()}}, nil
	case Single:
		return singleBody(p)
	case External:
		if p.ContentType == TypeHistory {
			return Body{History: p.External}, nil
		}
		f := File{External: *p.External, MediaType: p.ContentType}
		m.size(&f)
		return Body{File: &f}, nil
	case Multi:
		if len(p.Parts) == 2 && p.Parts[0].Cardinality == External && p.Parts[1].Disposition == Previewed && p.Parts[1].Cardinality == Single {
			f := File{External: *p.Parts[0].External, MediaType: p.Parts[0].ContentType, Preview: p.Parts[1].Content, PreviewType: p.Parts[1].ContentType}
			if len(f.Preview) > MaxPreview {
				return Body{}, fmt.Errorf("%w: preview of %d bytes", ErrMalformed, len(f.Preview))
			}
			m.size(&f)
			return Body{File: &f}, nil
		}
	}
	return Body{}, nil
}

func singleBody(p *Part) (Body, error) {
	mediaType, _, _ := strings.Cut(p.ContentType, ";")
	r := cbor.NewReader(p.Content)
	var body Body
	switch mediaType {
	case "text/plain":
		if len(p.Content) == 0 || len(p.Content) > MaxText || !utf8.Valid(p.Content) {
			return Body{}, fmt.Errorf("%w: text of %d bytes", ErrMalformed, len(p.Content))
		}
		return Body{Text: &Text{Text: string(p.Content), Language: p.Language}}, nil
	case TypeStatus:
		r.Tuple(2)
		r.Tag(62)
		body.Receipt = &Receipt{At: int64(r.Uint(1<<63 - 1))}
		for n := r.Array(maxStatuses); n > 0 && r.Err() == nil; n-- {
			r.Tuple(2)
			s := Status{ID: readID(r), Status: uint8(r.Uint(255))}
			if r.Err() == nil && s.ID == nil {
				r.Fail("status of no message")
			}
			body.Receipt.Statuses = append(body.Receipt.Statuses, s)
		}
	case TypeIntroduction:
		r.Tuple(2)
		body.Introduction = &Introduction{Card: r.Bytes(4096), Name: r.Text(MaxName)}
	case TypeNote:
		body.Note = uint8(r.Uint(255))
	default:
		return Body{}, nil
	}
	if err := r.Finish(); err != nil {
		return Body{}, fmt.Errorf("%w: %s: %w", ErrMalformed, mediaType, err)
	}
	return body, nil
}

// recallReason is RecallOther for one that this version does not know.
func (m *Message) recallReason() uint8 {
	for _, e := range m.Extensions {
		k := cbor.NewReader(e.Key)
		if k.Text(maxShort) != recallKey || k.Finish() != nil {
			continue
		}
		r := cbor.NewReader(e.Value)
		reason := r.Uint(1<<63 - 1)
		if r.Finish() != nil || reason > RecallOther {
			return RecallOther
		}
		return uint8(reason)
	}
	return RecallUnsaid
}

func (m *Message) size(f *File) {
	for _, e := range m.Extensions {
		k := cbor.NewReader(e.Key)
		if k.Text(maxShort) != sizeKey || k.Finish() != nil {
			continue
		}
		r := cbor.NewReader(e.Value)
		r.Tuple(2)
		width, height := int(r.Uint(1<<16)), int(r.Uint(1<<16))
		if r.Finish() == nil {
			f.Width, f.Height = width, height
		}
	}
}
