package device

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/content"
)

// recallID names the outbox item that takes a message back.
func recallID(message string) string { return "recall/" + message }

// Recall takes an own message back, for everybody in the conversation. Until
// the hub has taken the word of it, the message stays as it is: a device must
// not show as gone what others still read. One that has not been sent is
// dropped. Staff give a reason, one of content's.
//
// How long a message can be taken back is asked here and not by those who are
// told: a device that was offline may tell late, and none may be left with what
// the others no longer show.
func (e *Engine) Recall(ctx context.Context, message string, reason uint8) error {
	me := e.me()
	if reason > content.RecallOther || (me.kind == certificate.KindStaff && reason == content.RecallUnsaid) {
		return fail(FailureInternal, errors.New("a reason is needed"))
	}
	c, key, err := e.locate(ctx, message)
	if err != nil {
		return err
	}
	if strings.HasPrefix(key, prefixOut) {
		return e.Cancel(ctx, message)
	}
	if err := c.with(ctx, func(t *txn) error {
		l, err := c.line(ctx, key)
		if err != nil {
			return unchanged(err)
		}
		switch {
		case l.person != me.person:
			return unchanged(fail(FailureNotAMember, errors.New("the message of another person")))
		case l.recalled != 0 || c.recalling(l.id):
			return nil
		case e.millis()-l.at > int64(me.recallMinutes)*60_000:
			return unchanged(fail(FailureTooLate, nil))
		}
		if err := c.writable(); err != nil {
			return unchanged(err)
		}
		m := content.NewRecall(randomBytes(content.SaltSize), mimiID(c.id, l), reason)
		t.queue(&outRecord{kind: outRecall, id: recallID(l.id), salt: m.Salt, content: m.Marshal()})
		t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(l)})
		return nil
	}); err != nil {
		return err
	}
	c.kickSend(true)
	return nil
}

// recalling reports whether an own message is about to be taken back. It needs
// c.mu.
func (c *conversation) recalling(message string) bool {
	return slices.ContainsFunc(c.out, func(o *outRecord) bool { return o.kind == outRecall && o.id == recallID(message) })
}

// notRecalled drops an item of the outbox that took a message back, which the
// hub has refused for good. The message stands.
func (t *txn) notRecalled(o *outRecord) {
	t.drop(o)
	c, key, err := t.c.e.locate(t.c.e.ctx, strings.TrimPrefix(o.id, recallID("")))
	if err != nil || c != t.c {
		return
	}
	if l, err := c.line(t.c.e.ctx, key); err == nil {
		t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(l)})
	}
}

// mimiID returns the id by which other messages name the one of a line, or nil.
func mimiID(conversation string, l *lineRecord) []byte {
	m, err := content.Parse(l.content)
	if err != nil {
		return nil
	}
	return content.ID(content.SenderURI(l.sender), content.RoomURI(conversation), l.content, m.Salt)
}

func recallKey(conversation string, id []byte) string {
	return prefixRecall + conversation + "/" + hex.EncodeToString(id)
}

// recalled takes a message out of the log, by its sender's word alone. With a
// Sink it is one more record, and what was said stays on record.
func (t *txn) recalled(l lineRecord, r *content.Recall) error {
	c := t.c
	if c.e.cfg.Sink != nil {
		t.record(l)
		return nil
	}
	key, target, err := t.lineOf(r.ID)
	if err != nil {
		return err
	}
	if target == nil { // it may yet come, in a transcript that was made before
		t.put(recallKey(c.id, r.ID), l.marshal())
		return nil
	}
	if target.person != l.person {
		return &refusal{RuleContent, errors.New("takes back what another person said")}
	}
	said := ""
	if m, err := content.Parse(target.content); err == nil {
		if body, err := m.Body(); err == nil {
			said = preview(body)
		}
	}
	if said != "" && c.rec.last == said {
		c.rec.last = ""
	}
	target.content, target.recalled = l.content, l.at
	t.put(key, target.marshal())
	c.rec.unread = slices.DeleteFunc(c.rec.unread, func(p uint64) bool { return p == target.position })
	t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(target)})
	t.told()
	return nil
}

// lineOf returns the message of that MIMI id as the change leaves it, or nil.
func (t *txn) lineOf(id []byte) (string, *lineRecord, error) {
	c := t.c
	at, err := t.get(prefixIndex + c.id + "/" + hex.EncodeToString(id))
	position := getUint(at)
	if err != nil || position == 0 {
		return "", nil, err
	}
	prefix := strings.TrimSuffix(lineKey(c.id, position, 0), "00000000")
	keys, err := c.e.cfg.Store.Keys(c.e.ctx, prefix)
	if err != nil {
		return "", nil, storeFailure(err)
	}
	for key := range t.puts {
		if strings.HasPrefix(key, prefix) && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		b, err := t.get(key)
		if err != nil {
			return "", nil, err
		}
		if l, err := parseLineRecord(b); err == nil && l.kind == RecordMessage && bytes.Equal(mimiID(c.id, l), id) {
			return key, l, nil
		}
	}
	return "", nil, nil
}

// recalledBefore takes the text out of a line that a transcript brings, if its
// sender has taken it back meanwhile.
func (t *txn) recalledBefore(l *lineRecord) error {
	key := recallKey(t.c.id, mimiID(t.c.id, l))
	b, err := t.get(key)
	if err != nil || b == nil {
		return err
	}
	r, err := parseLineRecord(b)
	if err != nil || r.person != l.person {
		return err
	}
	l.content, l.recalled = r.content, r.at
	t.delete(key)
	return nil
}

// Rate tells the practice, as a number, how a closed conversation was.
func (e *Engine) Rate(ctx context.Context, conversation string, score int) error {
	return e.call(ctx, func(ctx context.Context) error { return e.cfg.Hub.Rate(ctx, conversation, score) })
}
