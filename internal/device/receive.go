package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/wire"
)

// maxInbox is how many pushed frames wait in memory. More are fetched.
const maxInbox = 256

// maxUnread is where counting ends.
const maxUnread = 1000

// arrived takes a pushed frame.
func (c *conversation) arrived(f api.Frame) {
	c.inboxMu.Lock()
	if len(c.inbox) < maxInbox {
		c.inbox[f.Position] = f
	}
	full := len(c.inbox) >= maxInbox/2
	c.inboxMu.Unlock()
	c.kickReceive(full || f.Kind != api.FrameApplication)
}

// headIs takes over how far the hub says the log goes. If that is less than what
// this device has seen of it, it asks, and shows it if the hub insists.
func (c *conversation) headIs(head uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded && c.rec != nil && head == c.rec.cursor && head == c.rec.head {
		return // as it was when it was let go
	}
	if err := c.load(c.e.ctx); err != nil {
		c.e.cfg.Log("load conversation", err)
		return
	}
	if head < c.rec.cursor {
		// It may be old news that was overtaken. Ask.
		c.doubt = true
		c.kickReceive(false)
	}
	if head > c.rec.head {
		c.raise(head)
		c.kickReceive(false)
	}
}

// raise takes note that the hub's log goes as far as head at least. It outlives
// a failure to keep what was read of it. It needs c.mu.
func (c *conversation) raise(head uint64) {
	c.known = max(c.known, head)
	c.rec.head = max(c.rec.head, head)
}

// receive processes every frame that there is, in order of position: what was
// pushed if it is next, else what the hub's log holds.
func (c *conversation) receive(ctx context.Context) error {
	for {
		frames, more, err := c.next(ctx)
		if err != nil {
			return err
		}
		if len(frames) == 0 && !more {
			return nil
		}
		if len(frames) == 0 {
			if frames, err = c.fetchFrames(ctx); err != nil {
				return err
			}
			if len(frames) == 0 {
				return nil
			}
		}
		if err := c.process(ctx, frames); err != nil {
			return err
		}
	}
}

// takeIn processes what was pushed, and asks the hub for nothing.
func (c *conversation) takeIn(ctx context.Context) error {
	c.inboxMu.Lock()
	waiting := len(c.inbox)
	c.inboxMu.Unlock()
	if waiting == 0 {
		return nil
	}
	frames, _, err := c.next(ctx)
	if err != nil || len(frames) == 0 {
		return err
	}
	return c.process(ctx, frames)
}

// next returns the pushed frames that come next, and whether the hub has some
// that were not pushed.
func (c *conversation) next(ctx context.Context) (frames []api.Frame, more bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return nil, false, err
	}
	c.inboxMu.Lock()
	defer c.inboxMu.Unlock()
	if c.rec.stage != stageOpen || c.broken {
		clear(c.inbox)
		if c.broken {
			c.kickSend(false)
		}
		return nil, false, nil
	}
	for position := c.rec.cursor + 1; ; position++ {
		f, ok := c.inbox[position]
		if !ok {
			f, ok = c.replied(position)
		}
		if !ok {
			break
		}
		frames = append(frames, f)
		c.raise(position)
		delete(c.inbox, position)
	}
	for position := range c.inbox {
		if position <= c.rec.cursor {
			delete(c.inbox, position) // pushed twice, or fetched meanwhile
		} else {
			c.raise(position)
		}
	}
	return frames, c.rec.head > c.rec.cursor || c.doubt, nil
}

// replied returns the own message that the hub has said stands at a position.
// It is not pushed to who sent it. It needs c.mu.
func (c *conversation) replied(position uint64) (f api.Frame, ok bool) {
	i := slices.IndexFunc(c.out, func(o *outRecord) bool { return o.position == position })
	if i < 0 {
		return f, false
	}
	return api.Frame{Position: position, Kind: api.FrameApplication, ReceivedAt: c.out[i].at, Payload: c.out[i].payload}, true
}

func (c *conversation) fetchFrames(ctx context.Context) ([]api.Frame, error) {
	c.mu.Lock()
	if err := c.load(ctx); err != nil {
		c.mu.Unlock()
		return nil, err
	}
	cursor := c.rec.cursor
	c.mu.Unlock()
	var page *api.FramePage
	err := c.e.call(ctx, func(ctx context.Context) (err error) {
		page, err = c.e.cfg.Hub.Frames(ctx, c.id, cursor, api.MaxFramesPerPage)
		return err
	})
	if code := codeOf(err); code == api.CodeNotAMember || code == api.CodeNotFound {
		return nil, c.putOut(ctx)
	}
	if err != nil {
		return nil, err
	}
	for i, f := range page.Frames {
		if f.Position != cursor+1+uint64(i) {
			return nil, untrusted("frames out of order")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubt = false
	if !c.loaded {
		return page.Frames, nil
	}
	// What the hub does not have, it does not have: stop asking until it says
	// otherwise.
	c.rec.head = max(page.Head, cursor)
	c.known = c.rec.head
	if page.Head < cursor && c.rec.notified != page.Head+1 {
		t := c.begin()
		c.rec.notified = page.Head + 1
		t.aside(c.rec.cursor)
		t.refused(c.rec.cursor, c.e.millis(), RuleRollBack)
		return nil, t.apply(ctx)
	}
	return page.Frames, nil
}

// putOut takes note that the hub says this device is no longer in the group. It
// is the hub's word, so nothing is shown but that the conversation is not
// joined; its lines stay.
func (c *conversation) putOut(ctx context.Context) error {
	return c.with(ctx, func(t *txn) error {
		t.outside()
		t.told()
		return nil
	})
}

// outside makes the device one that is not in the group. It needs c.mu.
func (t *txn) outside() {
	c := t.c
	c.rec.stage = stageOutside
	c.group, c.own, c.broken = nil, nil, false
	t.found()
	t.dropGroup()
	t.delete(prefixOwn + c.id)
	me := c.e.me().person
	if i := slices.IndexFunc(c.rec.members, func(m memberRecord) bool { return m.person == me }); i >= 0 {
		c.rec.members[i].devices = 0
	}
}

// process takes frames whose positions follow one another. Those that have been
// processed meanwhile are passed over.
func (c *conversation) process(ctx context.Context, frames []api.Frame) error {
	if err := c.with(ctx, func(t *txn) error {
		for _, f := range frames {
			if c.rec.stage != stageOpen || c.broken || f.Position != c.rec.cursor+1 {
				continue
			}
			t.frame(f)
			if c.e.cfg.Sink != nil && c.e.cfg.MaxBatch > 0 && len(t.records) >= c.e.cfg.MaxBatch {
				break
			}
		}
		c.raise(c.rec.cursor)
		return nil
	}); err != nil {
		return err
	}
	c.confirming.kick(c.e, c.acknowledge, false)
	c.kickSend(false)
	return nil
}

// acknowledge tells the hub how far this device has stored the log.
func (c *conversation) acknowledge(ctx context.Context) error {
	c.mu.Lock()
	position := uint64(0)
	// Staff who are not wanted any more are about to be taken out of the group,
	// and nobody waits for their word.
	leaving := c.loaded && !c.rec.summary.wanted && c.e.me().kind == certificate.KindStaff
	if c.loaded && !leaving && c.rec.stage == stageOpen && c.rec.cursor > c.acked {
		position = c.rec.cursor
	}
	c.mu.Unlock()
	if position == 0 {
		return nil
	}
	err := c.e.call(ctx, func(ctx context.Context) error { return c.e.cfg.Hub.Ack(ctx, c.id, position) })
	if err != nil && !lasting(err) {
		return err
	}
	c.mu.Lock()
	c.acked = max(c.acked, position)
	c.mu.Unlock()
	return nil
}

// frame processes the frame after the cursor. Whatever is wrong with it, the
// cursor moves on: a bad frame must not hide those behind it.
func (t *txn) frame(f api.Frame) {
	c := t.c
	c.rec.cursor = f.Position
	sum := sha256.Sum256(f.Payload)
	if i := slices.IndexFunc(c.out, func(o *outRecord) bool { return o.payload != nil && sha256.Sum256(o.payload) == sum }); i >= 0 {
		t.confirmed(c.out[i], f.Position, f.ReceivedAt)
		return
	}
	if c.own != nil && bytes.Equal(c.own.payload, f.Payload) {
		if !c.own.rejoin {
			t.mergeOwn(f.Position, f.ReceivedAt)
		} else if err := t.rejoined(&api.Sent{Position: f.Position, ReceivedAt: f.ReceivedAt}); err != nil {
			c.e.cfg.Log("join anew", err)
			c.broken = true
		}
		return
	}
	if i := slices.IndexFunc(c.out, func(o *outRecord) bool { return o.position == f.Position }); i >= 0 {
		// The hub said that our message stands here, and shows another.
		t.refused(f.Position, f.ReceivedAt, RuleSubstituted)
		c.out[i].position = 0
		t.putOut(c.out[i])
	}
	if c.ownAt == f.Position {
		t.refused(f.Position, f.ReceivedAt, RuleSubstituted)
		c.ownAt = 0
	}
	event, err := c.open(f.Payload)
	if _, ok := event.(*mls.Application); ok {
		t.keys = true
	} else {
		t.group = true
	}
	if err == nil {
		switch event := event.(type) {
		case *mls.Application:
			err = t.application(f, event)
		case *mls.Staged:
			err = t.commit(f, event)
		case *mls.Proposed: // it is kept until its epoch ends
		default:
			err = &refusal{RuleProposal, nil}
		}
	}
	if err != nil {
		c.e.cfg.Log("frame refused", err)
		t.refused(f.Position, f.ReceivedAt, ruleOf(err))
		if errors.Is(err, mls.ErrFutureEpoch) {
			c.suspect = true // a commit may be missing: ask
		}
	}
}

// open hands a frame to the group, if it is one that conversations use.
func (c *conversation) open(payload []byte) (mls.Event, error) {
	m, err := wire.ParseMessage(payload)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Private != nil && m.Private.Type == wire.ContentApplication:
	case m.Public != nil && m.Public.Content.Type == wire.ContentCommit:
	case m.Public != nil && removalByHub(m.Public):
	default:
		return nil, &refusal{RuleProposal, nil}
	}
	return c.group.Receive(payload)
}

// commit applies a commit that is verified, if it may be made.
func (t *txn) commit(f api.Frame, s *mls.Staged) error {
	c := t.c
	before, err := rosterOf(c.group.Members())
	if err != nil {
		return err
	}
	if err := admissible(before, s); err != nil {
		return err
	}
	if s.SelfRemoved {
		after := roster{}
		for device, cert := range before {
			after[device] = cert
		}
		for _, m := range s.Removed {
			if cert, err := certOf(m); err == nil {
				delete(after, cert.Device)
			}
		}
		t.notices(f.Position, f.ReceivedAt, t.seat(before, after, f.ReceivedAt))
		c.rec.epoch, c.rec.transcript = c.group.Epoch()+1, nil // it has begun, without us
		t.outside()
		t.told()
		return nil
	}
	if c.own != nil { // ours has lost
		t.discard()
	}
	if err := c.group.Merge(s); err != nil {
		return err
	}
	if s.External { // it begins to count anew
		sender := keyHash(s.Committer.SignatureKey)
		c.rec.seqs = slices.DeleteFunc(c.rec.seqs, func(q seqRecord) bool { return bytes.Equal(q.sender, sender) })
		if cert, err := certOf(s.Committer); err == nil && c.e.cfg.Sink != nil && before[cert.Device] != nil {
			// The keeper has to know: this device may lack what was said before.
			t.notice(f.Position, f.ReceivedAt, Notice{Kind: NoticeDeviceAdded, Person: cert.Person})
		}
	}
	return t.settled(before, f.Position, f.ReceivedAt)
}

// settled notes who came and went in the group's new epoch.
func (t *txn) settled(before roster, position uint64, at int64) error {
	c := t.c
	t.group = true
	after, err := rosterOf(c.group.Members())
	if err != nil {
		return err
	}
	t.notices(position, at, t.seat(before, after, at))
	t.forgetDisowned()
	t.told()
	return nil
}

// sequence is what goes along with a message in the clear, signed: how many
// messages this device has sent in the conversation. By it others notice one
// that the hub leaves out.
func sequence(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{1}, n) }

func parseSequence(b []byte) (uint64, bool) {
	if len(b) != 9 || b[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[1:]), true
}

// counted notes the message number of a sender, and shows what is missing.
func (t *txn) counted(f api.Frame, sender []byte, seq uint64) {
	c := t.c
	i := slices.IndexFunc(c.rec.seqs, func(q seqRecord) bool { return bytes.Equal(q.sender, sender) })
	if i < 0 {
		c.rec.seqs = append(c.rec.seqs, seqRecord{sender, seq})
		if c.rec.joined <= 1 && seq > 1 {
			t.notices(f.Position, f.ReceivedAt, []Notice{{Kind: NoticeGap}})
		}
		return
	}
	last := c.rec.seqs[i].seq
	switch {
	case seq <= last:
		t.refused(f.Position, f.ReceivedAt, RuleReordered)
	case seq > last+1:
		t.notices(f.Position, f.ReceivedAt, []Notice{{Kind: NoticeGap}})
	}
	c.rec.seqs[i].seq = max(last, seq)
}

// application takes a message that is verified.
func (t *txn) application(f api.Frame, a *mls.Application) error {
	cert, err := certOf(a.Member)
	if err != nil {
		return err
	}
	sender := keyHash(a.Member.SignatureKey)
	seq, ok := parseSequence(a.Authenticated)
	if !ok {
		return &refusal{RuleContent, errors.New("no message number")}
	}
	t.counted(f, sender, seq)
	t.typed(cert.Person)
	return t.take(lineRecord{
		position: f.Position, kind: RecordMessage, at: f.ReceivedAt, person: cert.Person, device: cert.Device, sender: sender, content: a.Data,
	}, cert.Keeper())
}

// typed takes somebody off the list of those who type, as what they typed is
// here.
func (t *txn) typed(person string) {
	if _, typing := t.c.typing[person]; typing {
		delete(t.c.typing, person)
		t.told()
	}
}

// take takes a message's content, from others or, once it is in the log, our
// own.
func (t *txn) take(l lineRecord, fromKeeper bool) error {
	c := t.c
	m, err := content.Parse(l.content)
	if err != nil {
		return &refusal{RuleContent, err}
	}
	body, err := m.Body()
	if err != nil {
		return &refusal{RuleContent, err}
	}
	mine := l.person == c.e.me().person
	switch {
	case body.Receipt != nil:
		return t.receipt(l.person, body.Receipt)
	case body.Introduction != nil:
		t.record(l)
		return t.introduced(l.person, body.Introduction, false)
	case body.History != nil:
		return t.history(l, body.History, fromKeeper)
	case body.Note != 0:
		t.noted(l.person, body.Note)
		return nil
	case body.Recall != nil:
		return t.recalled(l, body.Recall)
	}
	l.id = messageID(l.sender, m.Salt)
	if known, err := t.known(l.id); err != nil || known {
		return err
	}
	t.line(&l, m)
	c.rec.summary.lastAt = max(c.rec.summary.lastAt, l.at)
	if text := preview(body); text != "" {
		c.rec.last = text
	}
	if !mine && l.position > c.rec.readUp && c.e.cfg.Sink == nil && len(c.rec.unread) < maxUnread {
		c.rec.unread = append(c.rec.unread, l.position)
	}
	t.record(l)
	t.told()
	return nil
}

// known reports whether a message is in the log already, as after a hub made
// its sender send it twice.
func (t *txn) known(id string) (bool, error) {
	if t.c.e.cfg.Sink != nil {
		return false, nil
	}
	at, err := t.get(prefixMsg + id)
	if err != nil {
		return false, err
	}
	return strings.HasPrefix(string(at), prefixLine), nil
}

func preview(b content.Body) string {
	switch {
	case b.Text != nil:
		return lastLine(b.Text.Text)
	case b.File != nil:
		return lastLine(b.File.External.Filename)
	}
	return ""
}

// record adds a message to what the Sink gets.
func (t *txn) record(l lineRecord) {
	if t.c.e.cfg.Sink == nil {
		return
	}
	t.records = append(t.records, Record{
		Position: l.position, Index: t.index(l.position), Kind: l.kind, At: l.at,
		Person: l.person, Device: l.device, Sender: l.sender, Content: l.content,
	})
}

// aside makes the notices that come to a position later than its frame stand
// behind what came with it.
func (t *txn) aside(position uint64) {
	t.lines[position] = besideLines + int(t.c.e.millis()%(1<<30))
}

// index returns the next index among the lines of one position.
func (t *txn) index(position uint64) int {
	if _, begun := t.lines[position]; !begun && t.c.rec.notified > 0 {
		// The hub has gone back once: something else may stand there.
		if b, err := t.get(lineKey(t.c.id, position, 0)); err != nil || b != nil {
			t.aside(position)
		}
	}
	n := t.lines[position]
	t.lines[position]++
	return n
}

// line adds a message to the log.
func (t *txn) line(l *lineRecord, m *content.Message) {
	c := t.c
	if c.e.cfg.Sink != nil {
		return
	}
	l.index = t.index(l.position)
	key := lineKey(c.id, l.position, l.index)
	t.put(key, l.marshal())
	t.put(prefixMsg+l.id, []byte(key))
	if c.mine != nil && l.person == c.e.me().person {
		c.mine = append(c.mine[max(0, len(c.mine)+1-maxMine):], ownLine{l.position, key})
	}
	id := content.ID(content.SenderURI(l.sender), content.RoomURI(c.id), l.content, m.Salt)
	t.put(prefixIndex+c.id+"/"+hex.EncodeToString(id), putUint(l.position))
	t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(l)})
}

// notices adds lines that are no messages.
func (t *txn) notices(position uint64, at int64, notices []Notice) {
	for _, n := range notices {
		t.notice(position, at, n)
	}
}

func (t *txn) notice(position uint64, at int64, n Notice) {
	c := t.c
	l := lineRecord{position: position, kind: n.Kind, at: at, person: n.Person, count: n.Count, rule: n.Rule}
	if c.e.cfg.Sink != nil {
		t.records = append(t.records, Record{Position: position, Index: t.index(position), Kind: n.Kind, At: at, Person: n.Person, Rule: n.Rule})
		return
	}
	for l.index = t.index(position); ; l.index = t.index(position) {
		// Notices can come to a position that had lines before.
		key := lineKey(c.id, position, l.index)
		if kept, err := c.e.cfg.Store.Get(c.e.ctx, key); err == nil && kept == nil {
			l.id = "n_" + key[len(prefixLine):]
			t.put(key, l.marshal())
			break
		} else if err != nil {
			return
		}
	}
	t.events = append(t.events, Event{Kind: EventLine, ConversationID: c.id, Line: c.show(&l)})
}

func (t *txn) refused(position uint64, at int64, rule string) {
	kind := NoticeRefused
	if rule == RuleFuture {
		kind, rule = NoticeGap, ""
	}
	t.notice(position, at, Notice{Kind: kind, Rule: rule})
}

// noted takes a member's word about what they are about to do, so that the
// notice of it names them by their own word and not by the hub's.
func (t *txn) noted(person string, note uint8) {
	switch note {
	case content.NoteLeaving:
		t.c.member(person).leaving = true
	case content.NoteClosing:
		t.c.rec.closing = person
	case content.NoteReopening:
		t.c.rec.reopening = person
	}
}
