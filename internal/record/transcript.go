package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sotto-health/sotto/internal/attachment"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/internal/device"
	"github.com/sotto-health/sotto/internal/durable"
	"github.com/sotto-health/sotto/internal/keeper"
)

// A Transcript is one conversation, opened. It is protected health information.
type Transcript struct {
	Conversation string   `json:"conversation"`
	Members      []Member `json:"members"`
	Lines        []Line   `json:"lines"`
	// Damaged counts records that could not be opened or are out of their
	// chain. Verify names them.
	Damaged int `json:"damaged,omitempty"`
}

// A Member is a person who was in the conversation.
type Member struct {
	Person string `json:"person"`
	Name   string `json:"name,omitempty"`
	Title  string `json:"title,omitempty"`
	Role   string `json:"role,omitempty"`
	// Vouched tells that the name is the practice's word. If it is not set,
	// the name is the person's own, or its signature could not be checked.
	Vouched bool  `json:"vouched"`
	Since   int64 `json:"since"` // Unix milliseconds
	Until   int64 `json:"until,omitempty"`
}

// A Line is one event of a conversation.
type Line struct {
	Number   int    `json:"number"`
	Position uint64 `json:"position"`
	At       int64  `json:"at"` // Unix milliseconds, the hub's clock
	Kind     string `json:"kind"`
	Person   string `json:"person,omitempty"`
	Text     string `json:"text,omitempty"`
	ReplyTo  int    `json:"reply_to,omitempty"` // number of another line
	Replaces int    `json:"replaces,omitempty"`
	// TakenBack is when the sender took the message back. The record keeps it:
	// who acted on it must be able to show why.
	TakenBack int64  `json:"taken_back,omitempty"`
	File      *File  `json:"file,omitempty"`
	Rule      string `json:"rule,omitempty"` // of a refusal
}

// A File is an attachment of a line.
type File struct {
	Attachment string `json:"attachment"`
	Name       string `json:"name"`
	MediaType  string `json:"media_type"`
	Size       uint64 `json:"size"`
	// Path is where it was written, if it was.
	Path string `json:"path,omitempty"`
	// Problem is why it was not.
	Problem string `json:"problem,omitempty"`
}

// Kinds of [Line] beside those of keeper.Record: what a message turns out to be.
const (
	LineText         = "text"
	LineFile         = "file"
	LineReceipt      = "receipt"
	LineIntroduction = "introduction"
	LineNote         = "note"
	LineRecall       = "recall"
	LineUnreadable   = "unreadable"
)

// ShowOptions say what Show does beside reading.
type ShowOptions struct {
	// Files is a folder into which attachments are opened. Empty means none.
	Files string
	// Names checks the signatures of name cards. Nil means that no name counts
	// as vouched for.
	Names *certificate.Verifier
}

// Show opens a conversation. It returns [ErrUnknown] if there is none of that
// id, and shows what it can of one that is damaged.
func (a *Archive) Show(ctx context.Context, conversation string, options ShowOptions) (*Transcript, error) {
	if !isID(conversation) {
		return nil, ErrUnknown
	}
	s, err := a.sealer(ctx, conversation)
	if err != nil {
		return nil, err
	}
	t := &teller{
		archive: a, options: options, members: map[string]int{}, lines: map[string]int{},
		transcript: &Transcript{Conversation: conversation, Members: []Member{}, Lines: []Line{}},
	}
	var records []keeper.Record
	at := newChain(conversation)
	err = a.segments(ctx, conversation, func(_ span, segment []sealed, err error) error {
		if errors.Is(err, ErrDamaged) {
			t.transcript.Damaged++
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range segment {
			opened, err := s.open(r)
			if err != nil || !at.follows(r) {
				t.transcript.Damaged++
			}
			at.take(r)
			if err == nil {
				records = append(records, opened)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(records, func(a, b keeper.Record) int {
		if a.Position != b.Position {
			if a.Position < b.Position {
				return -1
			}
			return 1
		}
		return a.Index - b.Index
	})
	for _, r := range records {
		if err := t.tell(ctx, r); err != nil {
			return nil, err
		}
	}
	return t.transcript, nil
}

// A teller turns records into lines.
type teller struct {
	archive    *Archive
	options    ShowOptions
	transcript *Transcript
	members    map[string]int // by person, index into transcript.Members
	lines      map[string]int // by message id, number of the line
}

func (t *teller) tell(ctx context.Context, r keeper.Record) error {
	line := Line{
		Number: len(t.transcript.Lines) + 1, Position: r.Position, At: r.At, Kind: r.Kind, Person: r.Person, Rule: r.Rule,
	}
	if r.Person != "" {
		m := t.member(r.Person, r.At)
		switch r.Kind {
		case keeper.KindJoined:
			m.Until = 0
		case keeper.KindLeft, keeper.KindRemoved:
			m.Until = r.At
		}
	}
	if r.Kind == keeper.KindMessage {
		if err := t.message(ctx, r, &line); err != nil {
			return err
		}
	}
	t.transcript.Lines = append(t.transcript.Lines, line)
	return nil
}

func (t *teller) member(person string, at int64) *Member {
	i, ok := t.members[person]
	if !ok {
		i = len(t.transcript.Members)
		t.members[person] = i
		t.transcript.Members = append(t.transcript.Members, Member{Person: person, Since: at})
	}
	return &t.transcript.Members[i]
}

func (t *teller) message(ctx context.Context, r keeper.Record, line *Line) error {
	line.Kind = LineUnreadable
	m, err := content.Parse(r.Content)
	if err != nil {
		return nil
	}
	id := content.ID(content.SenderURI(r.Sender), content.RoomURI(t.transcript.Conversation), r.Content, m.Salt)
	t.lines[string(id)] = line.Number
	line.ReplyTo, line.Replaces = t.lines[string(m.InReplyTo)], t.lines[string(m.Replaces)]
	body, err := m.Body()
	if err != nil {
		return nil
	}
	switch {
	case body.Text != nil:
		line.Kind, line.Text = LineText, body.Text.Text
	case body.File != nil:
		line.Kind = LineFile
		line.File, err = t.file(ctx, line.Number, body.File)
		return err
	case body.Receipt != nil:
		line.Kind = LineReceipt
	case body.Introduction != nil:
		line.Kind = LineIntroduction
		t.introduce(t.member(r.Person, r.At), body.Introduction)
	case body.Recall != nil:
		line.Kind = LineRecall
		line.Text = [...]string{"", "wrong patient", "wrong content", "other"}[body.Recall.Reason]
		if n := line.Replaces; n > 0 && t.transcript.Lines[n-1].Person == r.Person {
			t.transcript.Lines[n-1].TakenBack = r.At
		}
	case body.Note != 0:
		line.Kind = LineNote
		line.Text = map[uint8]string{
			content.NoteLeaving: "leaves", content.NoteClosing: "closes", content.NoteReopening: "reopens",
		}[body.Note]
	}
	return nil
}

// introduce notes a person's name: what the practice says of it outweighs what
// the person does.
func (t *teller) introduce(m *Member, i *content.Introduction) {
	if len(i.Card) == 0 {
		if !m.Vouched {
			m.Name = i.Name
		}
		return
	}
	card, err := certificate.ParseCard(i.Card)
	if err != nil || card.Person != m.Person {
		return
	}
	vouched := false
	if t.options.Names != nil {
		if _, err := t.options.Names.VerifyCard(i.Card, m.Person); err != nil {
			return
		}
		vouched = true
	}
	m.Name, m.Title, m.Role, m.Vouched = card.Name, card.Title, card.Role, vouched
}

// file describes an attachment and opens it into the folder, if one is wanted.
func (t *teller) file(ctx context.Context, number int, f *content.File) (*File, error) {
	shown := &File{Name: f.External.Filename, MediaType: f.MediaType, Size: f.External.Size}
	id, err := device.AttachmentID(&f.External)
	if err != nil || !isID(id) {
		shown.Problem = "not at the hub"
		return shown, nil
	}
	shown.Attachment = id
	if t.options.Files == "" {
		return shown, nil
	}
	path := filepath.Join(t.options.Files, fmt.Sprintf("%04d-%s", number, safeName(f.External.Filename)))
	switch err := t.extract(ctx, id, &f.External, path); {
	case errors.Is(err, fs.ErrNotExist):
		shown.Problem = "not in the archive"
	case errors.Is(err, attachment.ErrAltered), errors.Is(err, attachment.ErrSize):
		shown.Problem = "changed since it was sent"
	case errors.Is(err, fs.ErrExist):
		shown.Path = path // from an earlier time: never overwritten
	case err != nil:
		return nil, fmt.Errorf("open attachment %s: %w", id, err)
	default:
		shown.Path = path
	}
	return shown, nil
}

func (t *teller) extract(ctx context.Context, id string, part *content.ExternalPart, path string) (err error) {
	sealed, err := t.archive.objects.Get(ctx, attachmentName(t.transcript.Conversation, id))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sealed.Close()) }()
	if err := durable.MakeFolder(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() {
		opener, err := attachment.NewOpener(w, part.Key, int64(part.Size), part.ContentHash)
		if err == nil {
			_, err = io.Copy(opener, durable.Reader(ctx, sealed))
		}
		if err == nil {
			err = opener.Close()
		}
		w.CloseWithError(err)
	}()
	err = durable.CreateFrom(path, r, 0o600)
	r.CloseWithError(os.ErrClosed)
	return err
}

// safeName is a file's name without what could lead out of a folder, hide it,
// or deceive who looks at it.
func safeName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) || strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	for len(name) > 120 {
		runes := []rune(name)
		name = string(runes[len(runes)-len(runes)*4/5:]) // keep the end: it says the type
	}
	name = strings.TrimLeft(name, ". ")
	if name == "" {
		return "file"
	}
	return name
}

// WriteJSON writes a transcript for programs.
func (t *Transcript) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(t)
}

// WriteText writes a transcript for people, with times in the given zone.
// Characters that could drive a terminal are written as question marks.
func (t *Transcript) WriteText(w io.Writer, zone *time.Location) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Conversation %s\n\nMembers\n", t.Conversation)
	names := make(map[string]string)
	for _, m := range t.Members {
		name := inline(m.Name)
		if name == "" {
			name = m.Person
		}
		names[m.Person] = name
		fmt.Fprintf(&b, "  %s", name)
		if about := strings.Join(slices.DeleteFunc([]string{inline(m.Title), inline(m.Role)}, isEmpty), ", "); about != "" {
			fmt.Fprintf(&b, " (%s)", about)
		}
		if !m.Vouched && m.Name != "" {
			b.WriteString(", by their own word")
		}
		fmt.Fprintf(&b, ", since %s", clock(m.Since, zone))
		if m.Until != 0 {
			fmt.Fprintf(&b, " until %s", clock(m.Until, zone))
		}
		fmt.Fprintf(&b, " [%s]\n", m.Person)
	}
	b.WriteString("\n")
	for _, l := range t.Lines {
		if l.Kind == LineReceipt || l.Kind == LineIntroduction {
			continue // the members' list tells names; receipts are in the JSON
		}
		fmt.Fprintf(&b, "%s  #%d  ", clock(l.At, zone), l.Number)
		l.writeText(&b, names[l.Person])
		b.WriteString("\n")
	}
	if t.Damaged > 0 {
		fmt.Fprintf(&b, "\nDAMAGED: %d part(s) of this record are not as they were written. Run: sotto record verify\n", t.Damaged)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (l Line) writeText(b *strings.Builder, name string) {
	about := ""
	if l.ReplyTo != 0 {
		about += fmt.Sprintf(" (reply to #%d)", l.ReplyTo)
	}
	if l.Replaces != 0 {
		about += fmt.Sprintf(" (in place of #%d)", l.Replaces)
	}
	switch l.Kind {
	case LineText:
		// Further lines are indented, so that a message cannot pretend to be
		// several.
		fmt.Fprintf(b, "%s%s: %s", name, about, strings.ReplaceAll(printable(l.Text), "\n", "\n      | "))
	case LineFile:
		fmt.Fprintf(b, "%s%s sent a file: %s (%s, %d bytes)", name, about, inline(l.File.Name), inline(l.File.MediaType), l.File.Size)
		switch {
		case l.File.Path != "":
			fmt.Fprintf(b, " -> %s", l.File.Path)
		case l.File.Problem != "":
			fmt.Fprintf(b, " -- %s", l.File.Problem)
		}
	case LineNote:
		fmt.Fprintf(b, "%s %s", name, l.Text)
	case LineUnreadable:
		fmt.Fprintf(b, "%s sent something that this version cannot read", name)
	case keeper.KindRefused:
		fmt.Fprintf(b, "refused: %s", inline(l.Rule))
	default:
		fmt.Fprintf(b, "%s: %s", strings.ReplaceAll(inline(l.Kind), "-", " "), name)
	}
}

func isEmpty(s string) bool { return s == "" }

func clock(at int64, zone *time.Location) string {
	return time.UnixMilli(at).In(zone).Format("2006-01-02 15:04:05 MST")
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) || r == '\u200c' || r == '\u200d' { // joiners shape letters and emoji
			return r
		}
		return '?'
	}, s)
}

// inline is s on one line.
func inline(s string) string { return strings.ReplaceAll(printable(s), "\n", " ") }
