package device

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/content"
)

// maxLines is the most that one call of Lines returns.
const maxLines = 500

// Lines returns at most limit lines before the position, oldest first; before 0
// means the newest, with those not yet sent.
func (e *Engine) Lines(ctx context.Context, conversation string, before uint64, limit int) ([]Line, error) {
	c, err := e.find(conversation)
	if err != nil {
		return nil, err
	}
	if limit <= 0 || limit > maxLines {
		limit = maxLines
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	keys, err := c.lineKeys(ctx, 0, before)
	if err != nil {
		return nil, err
	}
	if len(keys) > limit {
		keys = keys[len(keys)-limit:]
	}
	var lines []Line
	for _, key := range keys {
		l, err := c.line(ctx, key)
		if err != nil {
			return nil, err
		}
		lines = append(lines, *c.show(l))
	}
	if before == 0 {
		for _, o := range c.out {
			if line := c.showOut(o); line != nil {
				lines = append(lines, *line)
			}
		}
	}
	return lines, nil
}

// lineKeys returns the keys of the lines after one position and before another,
// 0 meaning no bound, in order. It needs c.mu.
func (c *conversation) lineKeys(ctx context.Context, after, before uint64) ([]string, error) {
	prefix := prefixLine + c.id + "/"
	keys, err := c.e.cfg.Store.Keys(ctx, prefix)
	if err != nil {
		return nil, storeFailure(err)
	}
	low, high := 0, len(keys)
	if after > 0 {
		low, _ = slices.BinarySearch(keys, lineKey(c.id, after+1, 0))
	}
	if before > 0 {
		high, _ = slices.BinarySearch(keys, lineKey(c.id, before, 0))
	}
	if low > high {
		return nil, nil
	}
	return keys[low:high], nil
}

func (c *conversation) line(ctx context.Context, key string) (*lineRecord, error) {
	b, err := c.e.cfg.Store.Get(ctx, key)
	if err != nil {
		return nil, storeFailure(err)
	}
	if b == nil {
		return nil, fail(FailureNotFound, nil)
	}
	return parseLineRecord(b)
}

// show returns a line of the log as it is shown. It needs c.mu.
func (c *conversation) show(l *lineRecord) *Line {
	if l.kind != RecordMessage {
		return &Line{Notice: &Notice{
			ID: l.id, Conversation: c.id, At: l.at, Position: l.position, Kind: l.kind, Person: l.person, Count: l.count, Rule: l.rule,
		}}
	}
	m := &Message{
		ID: l.id, Conversation: c.id, From: l.person, Mine: l.person == c.e.me().person,
		At: l.at, Position: l.position, Shared: l.shared, Body: Body{Kind: BodyUnreadable}, Progress: -1,
	}
	if parsed, err := content.Parse(l.content); err == nil {
		if body, err := parsed.Body(); err == nil {
			m.Body = bodyOf(body)
			m.Body.At = l.recalled
		}
	}
	if m.Mine {
		m.State = c.stateOf(l.position)
		m.Recalling = m.Body.Kind != BodyRecalled && c.recalling(l.id)
	}
	return &Line{Message: m}
}

func bodyOf(b content.Body) Body {
	switch {
	case b.Text != nil:
		return Body{Kind: BodyText, Text: b.Text.Text}
	case b.File != nil:
		return Body{Kind: BodyFile, File: &FileInfo{
			Name: b.File.External.Filename, MediaType: b.File.MediaType, Size: int64(b.File.External.Size),
			Preview: b.File.Preview, Width: b.File.Width, Height: b.File.Height,
		}}
	case b.Recall != nil:
		return Body{Kind: BodyRecalled}
	}
	return Body{Kind: BodyUnreadable}
}

// showOut returns an own message of the outbox as it is shown, or nil for what
// is not. It needs c.mu.
func (c *conversation) showOut(o *outRecord) *Line {
	if o.kind != outText && o.kind != outFile {
		return nil
	}
	m := &Message{ID: o.id, Conversation: c.id, From: c.e.me().person, Mine: true, At: o.at, Position: o.position, Progress: -1}
	if o.file != nil {
		info := o.file.info
		m.Body = Body{Kind: BodyFile, File: &info}
		if o.file.sealed > 0 && len(o.content) == 0 {
			m.Progress = float64(o.file.uploaded) / float64(o.file.sealed)
		}
	} else if parsed, err := content.Parse(o.content); err == nil {
		if body, err := parsed.Body(); err == nil {
			m.Body = bodyOf(body)
		}
	}
	switch {
	case o.failure != "":
		m.State = &SendState{Kind: StateFailed, Failure: o.failure}
	case o.position > 0:
		m.State = c.stateOf(o.position)
	case c.e.isConnected() && o.full:
		m.State = &SendState{Kind: StateFull}
	case c.e.isConnected():
		m.State = &SendState{Kind: StateSending}
	default:
		m.State = &SendState{Kind: StateQueued}
	}
	return &Line{Message: m}
}

// stateOf returns how far an own message has come, by what those it is meant for
// have acknowledged: staff for a patient, the patient for staff. It needs c.mu.
func (c *conversation) stateOf(position uint64) *SendState {
	read, acked := c.reached()
	switch {
	case position <= read:
		return &SendState{Kind: StateRead, Position: position}
	case position <= acked:
		return &SendState{Kind: StateDelivered, Position: position}
	default:
		return &SendState{Kind: StateSent, Position: position}
	}
}

func (c *conversation) reached() (read, acked uint64) {
	id := c.e.me()
	for i := range c.rec.members {
		m := &c.rec.members[i]
		meant := m.person != id.person && m.kind != certificate.KindService && id.kind != m.kind
		if meant {
			read, acked = max(read, m.read), max(acked, m.acked)
		}
	}
	return read, acked
}

// moved tells of the own messages whose state has changed since read and acked
// were as given.
func (t *txn) moved(read, acked uint64) {
	c := t.c
	if c.e.cfg.Sink != nil {
		return
	}
	nowRead, nowAcked := c.reached()
	if nowRead <= read && nowAcked <= acked {
		return
	}
	after := min(acked, nowAcked)
	if nowRead > read {
		after = min(after, read)
	}
	if err := c.findMine(); err != nil {
		c.e.cfg.Log("own messages", err)
		return
	}
	for _, own := range c.mine {
		if own.position <= after || own.position > max(nowRead, nowAcked) {
			continue
		}
		if l, err := c.line(c.e.ctx, own.key); err == nil {
			t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(l)})
		}
	}
}

// An ownLine is where a message of this person stands.
type ownLine struct {
	position uint64
	key      string
}

// maxMine is how many own messages are told of when they are read.
const maxMine = 200

// findMine fills c.mine from what is kept, once. It needs c.mu.
func (c *conversation) findMine() error {
	if c.mine != nil {
		return nil
	}
	keys, err := c.lineKeys(c.e.ctx, 0, 0)
	if err != nil {
		return err
	}
	c.mine = []ownLine{}
	for _, key := range keys[max(0, len(keys)-maxMine):] {
		l, err := c.line(c.e.ctx, key)
		if err != nil {
			return err
		}
		if l.kind == RecordMessage && l.person == c.e.me().person {
			c.mine = append(c.mine, ownLine{l.position, key})
		}
	}
	return nil
}

// acknowledged takes over the hub's word that a person's device has stored the
// log up to position.
func (t *txn) acknowledged(person string, position uint64) {
	c := t.c
	i := slices.IndexFunc(c.rec.members, func(m memberRecord) bool { return m.person == person })
	if i < 0 || position <= c.rec.members[i].acked {
		return
	}
	read, acked := c.reached()
	c.rec.members[i].acked = position
	t.moved(read, acked)
}

// receipt takes a member's word about what they have read.
func (t *txn) receipt(person string, r *content.Receipt) error {
	c := t.c
	me := c.e.me()
	for _, s := range r.Statuses {
		if s.Status != content.Read || c.e.cfg.Sink != nil {
			continue
		}
		b, err := c.e.cfg.Store.Get(c.e.ctx, prefixIndex+c.id+"/"+hex.EncodeToString(s.ID))
		if err != nil {
			return storeFailure(err)
		}
		position := getUint(b)
		if position == 0 {
			continue
		}
		if person == me.person { // read on another device of this person
			t.seen(position)
			continue
		}
		m := c.member(person)
		if position > m.read {
			read, acked := c.reached()
			m.read = position
			t.moved(read, acked)
		}
	}
	return nil
}

// seen moves the read mark.
func (t *txn) seen(position uint64) {
	c := t.c
	if position <= c.rec.readUp {
		return
	}
	c.rec.readUp = position
	before := len(c.rec.unread)
	c.rec.unread = slices.DeleteFunc(c.rec.unread, func(p uint64) bool { return p <= position })
	if len(c.rec.unread) != before {
		t.told()
	}
}

// introduced takes a member's name: from the practice's card, or for a patient
// from their own word, which only the patient's devices and the keeper, who
// passes it on, may give.
func (t *txn) introduced(person string, i *content.Introduction, shared bool) error {
	c := t.c
	verifier := c.e.me().verifier
	if len(i.Card) > 0 {
		if verifier == nil {
			return errNoAuthority
		}
		card, err := verifier.VerifyCard(i.Card, person)
		if err != nil {
			return &refusal{RuleCertificate, err}
		}
		m := c.member(person)
		m.name, m.title, m.verified = card.Name, card.Title, true
		t.told()
		return nil
	}
	m := c.member(person)
	if m.verified || (m.kind != "" && m.kind != certificate.KindPatient) || (shared && m.name != "") {
		return nil
	}
	m.name = i.Name
	t.told()
	return nil
}

// MarkRead says that the person has seen everything up to position. Others are
// told of the newest message that this covers.
func (e *Engine) MarkRead(ctx context.Context, conversation string, position uint64) error {
	c, err := e.find(conversation)
	if err != nil {
		return err
	}
	err = c.with(ctx, func(t *txn) error {
		position = min(position, c.rec.cursor)
		if position <= c.rec.readUp {
			return errUnchanged
		}
		keys, err := c.lineKeys(ctx, c.rec.readUp, position+1)
		if err != nil {
			return unchanged(err)
		}
		t.seen(position)
		for _, key := range slices.Backward(keys) {
			l, err := c.line(ctx, key)
			if err != nil {
				return err
			}
			if l.kind != RecordMessage || l.person == e.me().person || l.recalled != 0 {
				continue
			}
			m, err := content.Parse(l.content)
			if err != nil {
				continue
			}
			id := content.ID(content.SenderURI(l.sender), content.RoomURI(c.id), l.content, m.Salt)
			if c.rec.stage == stageOpen && c.writable() == nil {
				t.control(outReceipt, content.NewReceipt(randomBytes(content.SaltSize), content.Receipt{
					At: e.millis(), Statuses: []content.Status{{ID: id, Status: content.Read}},
				}))
			}
			break
		}
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	c.kickSend(false)
	return nil
}

// SetTyping tells the others; it is never stored.
func (e *Engine) SetTyping(ctx context.Context, conversation string, typing bool) error {
	c, err := e.find(conversation)
	if err != nil {
		return err
	}
	c.mu.Lock()
	there := c.loaded && c.rec.stage == stageOpen && c.writable() == nil
	c.mu.Unlock()
	// The hub does not know of a conversation that is still being made.
	if !there || !e.isConnected() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := e.call(ctx, func(ctx context.Context) error { return e.cfg.Hub.Typing(ctx, conversation, typing) }); err != nil {
		e.cfg.Log("typing", err) // nobody is the worse for it
	}
	return nil
}

// SaveDraft keeps what is typed and not sent.
func (e *Engine) SaveDraft(ctx context.Context, conversation, text string) error {
	c, err := e.find(conversation)
	if err != nil {
		return err
	}
	if len(text) > content.MaxText {
		return fail(FailureTooLarge, nil)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return err
	}
	puts, deletes := map[string][]byte{prefixDraft + c.id: []byte(text)}, []string(nil)
	if text == "" {
		puts, deletes = nil, []string{prefixDraft + c.id}
	}
	if err := e.cfg.Store.Apply(ctx, puts, deletes); err != nil {
		return storeFailure(err)
	}
	c.draft = text
	return nil
}

// SafetyCode returns six groups of five digits that are the same on both sides
// if both see the same devices.
func (e *Engine) SafetyCode(ctx context.Context, conversation, person string) (string, error) {
	c, err := e.find(conversation)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return "", err
	}
	if c.group == nil || c.rec.stage != stageOpen {
		return "", fail(FailureNotAMember, nil)
	}
	return safetyCode(c.group.Members(), e.me().person, person)
}

// noteTimeout is how long an act waits for the word about it to go out.
const noteTimeout = 5 * time.Second

// Act does one of the acts of api.ActResult. Who leaves, closes or reopens says
// so inside the group too, so that the others need not take the hub's word for
// who it was.
func (e *Engine) Act(ctx context.Context, conversation, act string) error {
	return e.ActFor(ctx, conversation, act, "")
}

// ActFor is Act for a reason of [api.Entry], or none: to go into what somebody
// else has.
func (e *Engine) ActFor(ctx context.Context, conversation, act, reason string) error {
	note := map[string]uint8{"leave": content.NoteLeaving, "close": content.NoteClosing}[act]
	c, err := e.find(conversation)
	if err == nil && note != 0 {
		c.say(ctx, note)
	}
	var result *api.ActResult
	if err := e.call(ctx, func(ctx context.Context) (err error) {
		result, err = e.cfg.Hub.Act(ctx, conversation, act, reason)
		return err
	}); err != nil {
		switch {
		case act == "withdraw" && codeOf(err) == api.CodeNotFound:
			return e.takeBackOf(ctx, conversation, err) // it is kept from them; what they gave is theirs
		case codeOf(err) == "" && FailureOf(err) == FailureInternal:
			return fail(FailureOffline, err)
		}
		return err
	}
	if c == nil {
		c = e.know(conversation)
	}
	if err := c.with(ctx, func(t *txn) error {
		if act == "close" {
			c.rec.closing = e.me().person
		}
		if act == "reopen" {
			c.rec.reopening = e.me().person
		}
		t.summarise(&result.Conversation)
		return nil
	}); err != nil {
		return err
	}
	if act == "reopen" {
		c.say(ctx, content.NoteReopening)
	}
	c.kickAll()
	return nil
}

// say tells the group what this person is about to do, and waits a little for
// it to go out.
func (c *conversation) say(ctx context.Context, note uint8) {
	m := content.NewNote(randomBytes(content.SaltSize), note)
	number := uint64(0)
	if err := c.with(ctx, func(t *txn) error {
		if c.rec.stage != stageOpen || c.writable() != nil {
			return errUnchanged
		}
		t.control(outControl, m)
		number = c.rec.outNext
		return nil
	}); err != nil {
		return
	}
	c.kickSend(true)
	deadline := time.Now().Add(noteTimeout)
	for time.Now().Before(deadline) && ctx.Err() == nil && c.e.ctx.Err() == nil && c.e.isConnected() {
		c.mu.Lock()
		gone := c.loaded && !slices.ContainsFunc(c.out, func(o *outRecord) bool { return o.number == number && o.position == 0 && o.failure == "" })
		c.mu.Unlock()
		if gone {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// List returns a box of conversations from the hub, with what this device knows
// of those it is in.
func (e *Engine) List(ctx context.Context, box, cursor string) (*ListPage, error) {
	var page *api.ConversationPage
	if err := e.call(ctx, func(ctx context.Context) (err error) {
		page, err = e.cfg.Hub.Conversations(ctx, box, cursor)
		return err
	}); err != nil {
		if codeOf(err) == "" && FailureOf(err) == FailureInternal {
			return nil, fail(FailureOffline, err)
		}
		return nil, err
	}
	list := &ListPage{Next: page.Next, Total: page.Total}
	for i := range page.Conversations {
		s := &page.Conversations[i]
		c, err := e.find(s.ID)
		if err != nil {
			list.Conversations = append(list.Conversations, *listed(s, e.me().person))
			continue
		}
		if err := c.with(ctx, func(t *txn) error { t.summarise(s); return nil }); err != nil {
			return nil, err
		}
		view, err := c.view(ctx)
		if err != nil {
			return nil, err
		}
		list.Conversations = append(list.Conversations, *view)
	}
	return list, nil
}

// locate returns where a message is: its conversation and the key of its line
// or outbox item.
func (e *Engine) locate(ctx context.Context, message string) (*conversation, string, error) {
	b, err := e.cfg.Store.Get(ctx, prefixMsg+message)
	if err != nil {
		return nil, "", storeFailure(err)
	}
	parts := strings.Split(string(b), "/")
	if len(parts) < 3 {
		return nil, "", fail(FailureNotFound, fmt.Errorf("no such message"))
	}
	c, err := e.find(parts[1])
	return c, string(b), err
}
