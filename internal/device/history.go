package device

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/content"
)

// ShareHistory puts a transcript into the outbox, for the keeper: a sealed file
// and a message that hands over its key inside the group.
func (e *Engine) ShareHistory(ctx context.Context, conversation string, entries []content.Entry) error {
	c, err := e.find(conversation)
	if err != nil {
		return err
	}
	count := 0
	for _, entry := range entries {
		if said(entry) {
			count++
		}
	}
	encoded := content.MarshalHistory(entries)
	if len(encoded) > content.MaxHistory {
		return fail(FailureTooLarge, nil)
	}
	salt := randomBytes(content.SaltSize)
	o := &outRecord{kind: outHistory, id: messageID(e.sender, salt), salt: salt, count: count, file: &fileRecord{info: FileInfo{Size: int64(len(encoded))}}}
	if err := e.keepFile(ctx, o, bytes.NewReader(encoded)); err != nil {
		return err
	}
	if err := c.with(ctx, func(t *txn) error { t.queue(o); return nil }); err != nil {
		return err
	}
	c.kickUpload(true)
	return nil
}

// history takes note of a transcript that the keeper hands over, to be fetched.
func (t *txn) history(l lineRecord, part *content.ExternalPart, fromKeeper bool) error {
	c := t.c
	mine := l.device == c.e.me().device
	if !fromKeeper && !mine {
		return &refusal{RuleHistory, errors.New("history from somebody who is not the keeper")}
	}
	count, err := strconv.Atoi(part.Description)
	if err != nil || count < 0 {
		count = 0
	}
	t.notice(l.position, l.at, Notice{Kind: NoticeHistoryShared, Person: l.person, Count: count})
	// Who has been in from the start and missed nothing has all of it.
	if !mine && c.rec.joined > 1 && c.e.cfg.Sink == nil {
		t.put(shareKey(c.id, l.position), l.content)
		t.after = append(t.after, func() { c.kickFetch(true) })
	}
	return nil
}

func shareKey(conversation string, position uint64) string {
	return fmt.Sprintf("%s%s/%016x", prefixShare, conversation, position)
}

// fetch brings in the transcripts that the keeper has handed over.
func (c *conversation) fetch(ctx context.Context) error {
	keys, err := c.e.cfg.Store.Keys(ctx, prefixShare+c.id+"/")
	if err != nil {
		return storeFailure(err)
	}
	for _, key := range keys {
		b, err := c.e.cfg.Store.Get(ctx, key)
		if err != nil {
			return storeFailure(err)
		}
		entries, err := c.download(ctx, b)
		if err != nil {
			if !lasting(err) && FailureOf(err) != FailureUntrusted && FailureOf(err) != FailureWrongType {
				return err
			}
			c.e.cfg.Log("shared history", err)
			if err := c.with(ctx, func(t *txn) error {
				t.aside(c.rec.cursor)
				t.refused(c.rec.cursor, c.e.millis(), RuleHistory)
				t.delete(key)
				return nil
			}); err != nil {
				return err
			}
			continue
		}
		position, err := strconv.ParseUint(key[len(key)-16:], 16, 64)
		if err != nil {
			return err
		}
		if err := c.with(ctx, func(t *txn) error {
			t.delete(key)
			return t.merge(entries, position)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *conversation) download(ctx context.Context, encoded []byte) ([]content.Entry, error) {
	m, err := content.Parse(encoded)
	if err != nil {
		return nil, fail(FailureWrongType, err)
	}
	body, err := m.Body()
	if err != nil || body.History == nil || body.History.Size > content.MaxHistory {
		return nil, fail(FailureWrongType, err)
	}
	var plain bytes.Buffer
	if err := c.e.Download(ctx, body.History, &plain, nil); err != nil {
		return nil, err
	}
	entries, err := content.ParseHistory(plain.Bytes())
	if err != nil {
		return nil, fail(FailureWrongType, err)
	}
	return entries, nil
}

// besideLines is how far apart lines are put that have one place, so that they
// come after what else has the position.
const besideLines = 1 << 16

// merge puts the lines of a transcript into the log, each where it stood. What
// this device has read itself stays as it is: the keeper cannot rewrite it.
func (t *txn) merge(entries []content.Entry, before uint64) error {
	c := t.c
	keys, err := c.lineKeys(c.e.ctx, 0, 0)
	if err != nil {
		return err
	}
	me := c.e.me().person
	for _, entry := range entries {
		if entry.Position == 0 || entry.Position >= before || entry.Index > 1<<30 {
			continue
		}
		l := lineRecord{
			position: entry.Position, index: int(entry.Index), kind: entry.Kind, at: entry.At, person: entry.Person,
			device: entry.Device, sender: entry.Sender, content: entry.Content, shared: true,
		}
		key := lineKey(c.id, l.position, l.index)
		if entry.Kind != content.EntryMessage {
			if sharedNotice(entry.Kind) && entry.Position < c.rec.joined && !slices.Contains(keys, key) {
				l.id = "n_" + key[len(prefixLine):]
				t.put(key, l.marshal())
				t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(&l)})
			}
			continue
		}
		m, err := content.Parse(entry.Content)
		if err != nil {
			continue
		}
		body, err := m.Body()
		if err != nil {
			continue
		}
		if body.Introduction != nil {
			if i := slices.IndexFunc(c.rec.members, func(m memberRecord) bool { return m.person == entry.Person }); i < 0 && len(body.Introduction.Card) == 0 {
				c.member(entry.Person).kind = certificate.KindPatient
			}
			if err := t.introduced(entry.Person, body.Introduction, true); err != nil {
				c.e.cfg.Log("shared introduction", err)
			}
			continue
		}
		if body.Recall != nil {
			l.recalled = l.at // the keeper shares no more than that
		} else if body.Text == nil && body.File == nil {
			continue
		}
		l.id = messageID(l.sender, m.Salt)
		known, err := t.known(l.id)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		for slices.Contains(keys, key) { // what could not be read there, or what the hub has forgotten since
			l.index += besideLines
			key = lineKey(c.id, l.position, l.index)
		}
		id := mimiID(c.id, &l)
		if err := t.recalledBefore(&l); err != nil {
			return err
		}
		t.put(key, l.marshal())
		t.put(prefixMsg+l.id, []byte(key))
		t.put(prefixIndex+c.id+"/"+hex.EncodeToString(id), putUint(l.position))
		if l.person != me && l.recalled == 0 && l.position > c.rec.readUp && len(c.rec.unread) < maxUnread {
			c.rec.unread = append(c.rec.unread, l.position)
		}
		if c.rec.last == "" || l.position == entries[len(entries)-1].Position {
			if text := preview(body); text != "" && l.recalled == 0 {
				c.rec.last = text
			}
		}
		t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(&l)})
	}
	slices.Sort(c.rec.unread)
	t.told()
	return nil
}

// sharedNotice reports whether a line that is no message may come from a
// transcript.
func sharedNotice(kind string) bool {
	switch kind {
	case NoticeJoined, NoticeLeft, NoticeRemoved, NoticeDeviceAdded, NoticeDeviceRemoved, NoticeClosed, NoticeReopened, NoticeEmergency:
		return true
	}
	return false
}

// said reports whether an entry is something that a person wrote or sent, and
// not a receipt or an introduction.
func said(entry content.Entry) bool {
	if entry.Kind != content.EntryMessage {
		return false
	}
	message, err := content.Parse(entry.Content)
	if err != nil {
		return false
	}
	body, err := message.Body()
	return err == nil && (body.Text != nil || body.File != nil)
}
