package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/content"
)

// maxWaiting is how many own messages may wait in a conversation.
const maxWaiting = 2000

// NewSalt returns what tells a message from any other of its sender.
func NewSalt() []byte { return randomBytes(content.SaltSize) }

// SendText keeps a message and sends it when it can.
func (e *Engine) SendText(ctx context.Context, conversation, text string) (string, error) {
	return e.SendTextOnce(ctx, conversation, NewSalt(), text, "")
}

// SendTextOnce is [Engine.SendText] for whoever may not hear the answer and ask
// again: what comes twice with the same salt is one message. Its id is made of
// the salt, and is kept for as long as the message is. Draft is what is being
// typed in the conversation by then: what was the draft became the message, or
// the person types on while an earlier message waited to be handed in.
func (e *Engine) SendTextOnce(ctx context.Context, conversation string, salt []byte, text, draft string) (string, error) {
	c, err := e.find(conversation)
	if err != nil {
		return "", err
	}
	m, err := content.NewText(salt, text, "")
	if err != nil {
		return "", fail(FailureTooLarge, err)
	}
	id := messageID(e.sender, salt)
	again := false
	err = c.with(ctx, func(t *txn) (err error) {
		if again, err = t.taken(id); again || err != nil {
			return cmp.Or(err, errUnchanged)
		}
		if err := c.writable(); err != nil {
			return unchanged(err)
		}
		o := t.queue(&outRecord{kind: outText, id: id, salt: salt, content: m.Marshal()})
		t.put(prefixMsg+id, []byte(outKey(c.id, o.number)))
		if next := c.nextOut(); next == o && c.rec.head == c.rec.cursor && e.isConnected() {
			if err := t.sealOut(o); err != nil { // one write instead of two
				return err
			}
		}
		t.keepDraft(draft)
		c.rec.last = lastLine(text)
		t.showOut(o)
		t.told()
		return nil
	})
	if again {
		return id, nil
	}
	if err != nil {
		return "", err
	}
	e.tellConnection()
	c.kickSend(true)
	return id, nil
}

// keepDraft keeps what is being typed; a draft that is too long is not kept.
func (t *txn) keepDraft(text string) {
	c := t.c
	if text == c.draft || len(text) > content.MaxText {
		return
	}
	c.draft = text
	if text == "" {
		t.delete(prefixDraft + c.id)
	} else {
		t.put(prefixDraft+c.id, []byte(text))
	}
}

// taken reports whether an own message is here already.
func (t *txn) taken(id string) (bool, error) {
	at, err := t.get(prefixMsg + id)
	return at != nil, err
}

// writable returns why nothing can be written here. It needs c.mu.
func (c *conversation) writable() error {
	switch {
	case c.rec.summary.consent == "withdrawn":
		return fail(FailureConsentWithdrawn, nil)
	case c.rec.summary.state == api.StateClosed:
		return fail(FailureClosed, nil)
	case c.rec.stage == stageOutside:
		return fail(FailureNotAMember, nil)
	case c.unsent() >= maxWaiting:
		return fail(FailureTooLarge, errors.New("too many messages wait"))
	}
	return nil
}

// queue adds something to the outbox.
func (t *txn) queue(o *outRecord) *outRecord {
	c := t.c
	c.rec.outNext++
	o.number = c.rec.outNext
	if o.at == 0 {
		o.at = c.e.millis()
	}
	o.shown, o.line = c.shown(o), c.e.line()
	c.out = append(c.out, o)
	t.putOut(o)
	return o
}

// shown returns how far the patient of a message of staff has shown who they
// are; of anything else it is 0. It needs c.mu.
func (c *conversation) shown(o *outRecord) int {
	if o.kind != outText && o.kind != outFile || c.e.me().kind != api.KindStaff {
		return 0
	}
	return c.rec.summary.shown(c.e.millis())
}

// control adds something to the outbox that is not shown.
func (t *txn) control(kind int, m *content.Message) {
	if kind == outReceipt { // a newer one says more
		t.c.out = slices.DeleteFunc(t.c.out, func(o *outRecord) bool {
			stale := o.kind == outReceipt && o.payload == nil
			if stale {
				t.delete(outKey(t.c.id, o.number))
			}
			return stale
		})
	}
	t.queue(&outRecord{kind: kind, salt: m.Salt, content: m.Marshal()})
}

// drop removes something from the outbox, with what belongs to it.
func (t *txn) drop(o *outRecord) {
	c := t.c
	c.out = slices.DeleteFunc(c.out, func(other *outRecord) bool { return other == o })
	t.delete(outKey(c.id, o.number))
	if o.file != nil {
		for n := range o.file.pieces {
			t.delete(fileKey(o.id, n))
		}
	}
}

func (t *txn) showOut(o *outRecord) {
	if line := t.c.showOut(o); line != nil {
		t.events = append(t.events, Event{Kind: EventLine, ConversationID: t.c.id, Line: line})
	}
}

// send brings out whatever is to go, one after another.
func (c *conversation) send(ctx context.Context) error {
	for {
		more, err := c.sendNext(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// sendNext brings out one thing, and reports whether there may be another.
func (c *conversation) sendNext(ctx context.Context) (more bool, err error) {
	c.mu.Lock()
	if err := c.load(ctx); err != nil {
		c.mu.Unlock()
		return false, err
	}
	stage, broken, own, behind := c.rec.stage, c.broken || c.suspect, c.own, c.rec.head > c.rec.cursor
	lost := stage == stageOutside && c.lost != 0
	back := stage == stageOpen && c.back
	held := c.rec.summary.consent == consentDue && c.rec.summary.patient == c.e.me().person
	c.mu.Unlock()
	switch {
	case held: // Agree calls back, or the hub's word that all is well
		return false, nil
	case stage == stageNew || stage == stageMade:
		return c.found(ctx)
	case stage != stageOpen && !lost:
		c.settleChange(fail(FailureNotAMember, nil))
		return false, nil
	case back && behind && !broken: // what follows can still be read
		c.kickReceive(true)
		return false, nil
	case (broken || lost || back) && (own == nil || !own.rejoin):
		return c.rejoin(ctx)
	case own != nil:
		return c.sendCommit(ctx, own)
	case behind:
		// What is sealed in an old epoch would be refused: catch up first.
		c.kickReceive(true)
		return false, nil
	}
	if made, err := c.makeCommit(ctx); made || err != nil {
		return true, err
	}
	if err := c.release(ctx); err != nil {
		return false, err
	}
	if again, err := c.holdBack(ctx); again || err != nil {
		return again, err
	}
	o, err := c.seal(ctx)
	if err != nil || o == nil {
		return false, err
	}
	return c.sendFrame(ctx, o)
}

// notSent shows a message as one that is not to go, and why.
func (t *txn) notSent(o *outRecord, err error) {
	o.failure = FailureOf(err)
	t.c.e.cfg.Log("a message is not sent", err)
	t.putOut(o)
	t.showOut(o)
	if codeOf(err) == api.CodeNotAMember {
		t.outside()
		t.told()
	}
}

// seal returns a copy of the next outbox item that can go, sealed and kept, or
// nil.
func (c *conversation) seal(ctx context.Context) (*outRecord, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	o := c.nextOut()
	if o == nil {
		return nil, nil
	}
	if o.payload == nil {
		t := c.begin()
		if err := t.sealOut(o); err != nil {
			c.loaded = false
			return nil, err
		}
		if err := t.apply(ctx); err != nil {
			return nil, err
		}
	}
	copied := *o
	return &copied, nil
}

// nextOut returns the outbox item that goes next, or nil if none can. It needs
// c.mu.
func (c *conversation) nextOut() *outRecord {
	if c.rec.stage != stageOpen || c.broken || c.suspect || c.back || c.own != nil || c.group == nil {
		return nil
	}
	var next *outRecord
	for _, o := range c.out {
		switch {
		case c.atLarge(o):
			return nil
		case o.position > 0 || o.failure != "" || len(o.content) == 0:
		case o.payload != nil:
			if !c.fileIsUp(o) {
				return nil
			}
			return o // the hub may have it: a file that is up by now goes after it
		case next == nil && c.fileIsUp(o):
			next = o
		}
	}
	return next
}

// sealOut seals an outbox item in the group's present epoch.
func (t *txn) sealOut(o *outRecord) error {
	c := t.c
	o.seq = c.rec.seqOut + 1
	payload, err := c.group.Seal(o.content, sequence(o.seq))
	if err != nil {
		return fmt.Errorf("device: seal: %w", err)
	}
	o.payload, o.clientID = payload, newID("f_")
	t.keys = true
	t.putOut(o)
	return nil
}

// sendFrame gives a sealed message to the hub and takes note of what it says.
func (c *conversation) sendFrame(ctx context.Context, o *outRecord) (more bool, err error) {
	var sent *api.Sent
	asked := c.epoch()
	err = c.e.call(ctx, func(ctx context.Context) (err error) {
		sent, err = c.e.cfg.Hub.Send(ctx, c.id, api.SendFrame{ClientID: o.clientID, Kind: api.FrameApplication, Payload: o.payload, History: o.kind == outHistory})
		return err
	})
	if codeOf(err) == api.CodeConsentDue {
		return false, c.awaitConsent(ctx)
	}
	if err != nil && codeOf(err) != api.CodeStaleEpoch && !lasting(err) {
		c.noRoom(ctx, o.number, codeOf(err) == api.CodeFull)
		return false, err
	}
	var behind uint64
	failed := c.with(ctx, func(t *txn) error {
		i := slices.IndexFunc(c.out, func(other *outRecord) bool { return other.number == o.number && other.clientID == o.clientID })
		if i < 0 { // its frame came back before the reply
			return nil
		}
		kept := c.out[i]
		switch {
		case err == nil:
			t.sent(kept, sent)
			if next := c.nextOut(); next != nil && next.payload == nil && !c.waited(next) && c.rec.head == c.rec.cursor {
				return t.sealOut(next) // one write instead of two
			}
		case codeOf(err) == api.CodeStaleEpoch:
			// The hub has not stored it: seal it again in the new epoch.
			behind = staleHead(err)
			t.unseal(kept)
		case kept.kind == outRecall:
			t.notRecalled(kept)
			c.e.cfg.Log("the hub refuses a recall for good", err)
		default:
			t.unseal(kept)
			t.notSent(kept, err)
		}
		return nil
	})
	if failed != nil {
		return false, failed
	}
	c.e.tellConnection()
	if behind > 0 {
		c.headIs(behind)
	}
	c.kickReceive(false)
	if codeOf(err) == api.CodeStaleEpoch {
		return c.caughtUp(ctx, asked, err)
	}
	return true, nil
}

func staleHead(err error) uint64 {
	var problem *api.Problem
	if errors.As(err, &problem) {
		return problem.Head
	}
	return 0
}

// errForked says that the hub's group is not the one that this device is in.
var errForked = errors.New("device: the hub is at an epoch that this device has passed")

// caughtUp brings the group to where the hub says it is, after it has refused a
// frame as stale, and reports whether to make the frame again has a point. The
// group was at epoch asked before the frame was sent: a hub that is behind that
// has gone back, while one that is behind the present epoch may only have
// answered before the latest commit came.
func (c *conversation) caughtUp(ctx context.Context, asked uint64, stale error) (bool, error) {
	var problem *api.Problem
	if !errors.As(stale, &problem) {
		return false, stale
	}
	if asked > problem.Epoch {
		c.refuseOnce(ctx, &refusal{RuleRollBack, errForked})
		return false, errForked
	}
	if err := c.receive(ctx); err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded || c.rec.head > c.rec.cursor {
		return false, nil // the receiver goes on, and calls back
	}
	if c.group != nil && c.group.Epoch() < problem.Epoch {
		c.suspect = true // the log lacks a commit, or this device has refused it
	}
	return true, nil
}

// epoch returns the epoch of the group as it is here.
func (c *conversation) epoch() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.group == nil {
		return 0
	}
	return c.group.Epoch()
}

// unseal makes an item as it was before it was sealed. The number that it took
// is free again, as the hub did not store it.
func (t *txn) unseal(o *outRecord) {
	o.payload, o.clientID, o.seq = nil, "", 0
	t.putOut(o)
}

// sent takes note that the hub has stored a message.
func (t *txn) sent(o *outRecord, s *api.Sent) {
	c := t.c
	c.rec.seqOut = max(c.rec.seqOut, o.seq)
	if o.seq == 0 && s.Position < c.rec.joined { // in what was passed over; see rejoined
		t.confirmed(o, s.Position, s.ReceivedAt)
		return
	}
	if s.Position == c.rec.cursor+1 {
		c.rec.cursor = s.Position
		c.raise(s.Position)
		t.confirmed(o, s.Position, s.ReceivedAt)
		return
	}
	if s.Position <= c.rec.cursor {
		// The hub says that it stands where this device has seen something
		// else. It stays, and is sent again under another name.
		t.refused(c.rec.cursor, c.e.millis(), RuleSubstituted)
		t.unseal(o)
		return
	}
	o.position, o.at = s.Position, s.ReceivedAt
	c.raise(s.Position)
	t.putOut(o)
	t.showOut(o)
}

// confirmed moves an own message from the outbox to its place in the log.
func (t *txn) confirmed(o *outRecord, position uint64, at int64) {
	c := t.c
	c.rec.seqOut = max(c.rec.seqOut, o.seq)
	c.rec.sentSince++
	t.drop(o)
	me := c.e.me()
	l := lineRecord{position: position, kind: RecordMessage, at: at, person: me.person, device: me.device, sender: c.e.sender, content: o.content}
	if err := t.take(l, false); err != nil {
		c.e.cfg.Log("own message", err)
	}
}

// Retry sends a failed message again. One that is sealed goes as it is: the hub
// may have it, or refuses it as stale.
func (e *Engine) Retry(ctx context.Context, message string) error {
	return e.withOut(ctx, message, func(t *txn, o *outRecord) error {
		if o.failure == "" {
			return nil
		}
		o.failure, o.shown, t.c.bar.err = "", t.c.shown(o), nil
		t.putOut(o)
		t.showOut(o)
		return nil
	})
}

// Cancel drops a message that has not been sent, or stops the download of the
// file of one that was.
func (e *Engine) Cancel(ctx context.Context, message string) error {
	if e.stopOpening(message) {
		return nil
	}
	return e.withOut(ctx, message, func(t *txn, o *outRecord) error {
		if o.position > 0 || o.payload != nil && o.failure == "" {
			return unchanged(fail(FailureNotFound, errors.New("on its way already")))
		}
		t.drop(o)
		if o.file != nil && o.file.attachment != "" {
			t.put(prefixDrop+t.c.id+"/"+o.file.attachment, []byte{1})
		}
		t.delete(prefixMsg + o.id)
		t.events = append(t.events, Event{Kind: EventLineRemoved, ConversationID: t.c.id, LineID: o.id})
		if t.c.atLarge(o) {
			t.disown(o)
		}
		return nil
	})
}

// withOut calls f with an own message that is not in the log yet.
func (e *Engine) withOut(ctx context.Context, message string, f func(*txn, *outRecord) error) error {
	for _, c := range e.all() {
		found := false
		err := c.with(ctx, func(t *txn) error {
			i := slices.IndexFunc(c.out, func(o *outRecord) bool { return o.id == message })
			if i < 0 {
				return errUnchanged
			}
			found = true
			return f(t, c.out[i])
		})
		if found {
			e.tellConnection()
			c.kickSend(true)
			c.kickUpload(true)
			return err
		}
		if err != nil && !errors.Is(err, errUnchanged) {
			return err
		}
	}
	return fail(FailureNotFound, nil)
}

// tellWaiting tells of the messages that wait: they are "sending" while there is
// a connection and "queued" while there is none.
func (c *conversation) tellWaiting(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return
	}
	t := c.begin()
	for _, o := range c.out {
		if o.position == 0 {
			t.showOut(o)
		}
	}
	c.e.events.add(t.events...)
}
