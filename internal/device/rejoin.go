package device

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/wire"
)

// How this device has come to know that it is in a group of which it has
// nothing, so that it takes back its place by an external commit.
const (
	lostWelcome = 1 // a welcome that it cannot open
	lostHead    = 2 // the hub counts it among the members
)

// lose takes note that this device is in a group of which it has nothing. It
// needs c.mu.
func (t *txn) lose(how byte) error {
	c := t.c
	if c.lost != 0 {
		return errUnchanged
	}
	c.lost = how
	t.put(prefixLost+c.id, []byte{how})
	t.after = append(t.after, func() { c.kickSend(true) })
	return nil
}

// found is the end of what lose began.
func (t *txn) found() {
	if t.c.lost != 0 {
		t.c.lost = 0
		t.delete(prefixLost + t.c.id)
	}
}

// reclaim looks for groups that the hub says this device is in, and that it has
// nothing of: its state was lost or set back while its key was not.
func (e *Engine) reclaim(ctx context.Context) error {
	e.mu.Lock()
	heads := e.heads
	e.heads = nil
	e.mu.Unlock()
	for _, h := range heads {
		c := e.know(h.Conversation)
		err := c.with(ctx, func(t *txn) error {
			if c.rec.stage != stageOutside {
				return errUnchanged
			}
			return t.lose(lostHead)
		})
		if err != nil && !errors.Is(err, errUnchanged) {
			return err
		}
	}
	return nil
}

// giveUp ends the attempt to take back a place that turned out never to have
// been given, and reports whether there was such an attempt.
func (c *conversation) giveUp(ctx context.Context) (bool, error) {
	var how byte
	err := c.with(ctx, func(t *txn) error {
		if how = c.lost; how == 0 {
			return errUnchanged
		}
		t.found()
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return false, nil
	}
	if how == lostWelcome {
		c.e.distrust() // nobody in the group has invited this device
	}
	return true, err
}

// rejoin makes and keeps an external commit by which this device takes its
// place in the group again, after its own state has become of no use. The
// group that it comes to must not be older than what was seen of it.
func (c *conversation) rejoin(ctx context.Context) (bool, error) {
	var info *api.GroupInfo
	err := c.e.call(ctx, func(ctx context.Context) (err error) {
		info, err = c.e.cfg.Hub.GroupInfo(ctx, c.id)
		return err
	})
	if code := codeOf(err); code == api.CodeNotAMember || code == api.CodeNotFound || code == api.CodeForbidden {
		return false, c.putOut(ctx)
	}
	if err != nil {
		return false, err
	}
	if settled, err := c.unsuspect(ctx, info); settled || err != nil {
		return err == nil, err
	}
	// A resync takes back a leaf with this device's own key. Where no member has
	// put one, there is no place to take: a hub cannot make us join by itself.
	group, commit, err := mls.JoinExternal(c.e.groupConfig(), c.e.cfg.Signer, c.e.credential(), info.GroupInfo, mls.ExternalOptions{Resync: true})
	if errors.Is(err, mls.ErrRemoved) {
		if gaveUp, err := c.giveUp(ctx); gaveUp || err != nil {
			return false, err
		}
	}
	if err == nil {
		c.mu.Lock()
		if c.staleInfo(info.GroupInfo) {
			err = &refusal{RuleRollBack, nil}
		}
		if err == nil {
			err = c.joinableAgain(group)
		}
		c.mu.Unlock()
	}
	if err != nil {
		c.refuseOnce(ctx, err)
		return false, fmt.Errorf("device: rejoin: %w", err)
	}
	state, err := group.Marshal()
	if err != nil {
		return false, err
	}
	groupInfo, err := group.GroupInfo()
	if err != nil {
		return false, err
	}
	return true, c.with(ctx, func(t *txn) error {
		if c.back && c.own != nil {
			t.discard() // made by the other, too
		}
		c.own = &ownCommit{clientID: newID("f_"), payload: commit, groupInfo: groupInfo, rejoin: true, group: state}
		// An old copy reads on until the log has this commit: it misses nothing.
		c.broken = c.rec.stage == stageOpen && (c.broken || c.suspect || !c.back)
		c.ownAt, c.suspect = 0, false
		t.put(prefixOwn+c.id, c.own.marshal())
		return nil
	})
}

// unsuspect ends the suspicion that a commit was withheld if the hub's newest
// group info is of the epoch that this device is in. Anybody can write another
// epoch on a frame; only a member can sign a group info.
func (c *conversation) unsuspect(ctx context.Context, info *api.GroupInfo) (settled bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return false, err
	}
	if c.broken || c.rec.stage != stageOpen {
		return false, nil
	}
	if info.Head > c.rec.cursor { // the log may have the commit after all
		c.raise(info.Head)
		c.suspect = false
		c.kickReceive(false)
		return true, nil
	}
	if c.back {
		return false, nil
	}
	m, err := wire.ParseMessage(info.GroupInfo)
	if err == nil && m.GroupInfo != nil && m.GroupInfo.Context.Epoch <= c.rec.epoch {
		c.suspect = false
		return true, nil
	}
	return false, nil
}

// staleInfo reports whether a group info is older than what was seen of the
// group, or of another branch of it. It needs c.mu.
func (c *conversation) staleInfo(groupInfo []byte) bool {
	m, err := wire.ParseMessage(groupInfo)
	if err != nil || m.GroupInfo == nil {
		return true
	}
	context := m.GroupInfo.Context
	if context.Epoch != c.rec.epoch {
		return context.Epoch < c.rec.epoch
	}
	return len(c.rec.transcript) > 0 && string(context.ConfirmedTranscriptHash) != string(c.rec.transcript)
}

func (c *conversation) joinableAgain(g *mls.Group) error {
	r, err := rosterOf(g.Members())
	switch {
	case err != nil:
		return &refusal{RuleMembership, err}
	case string(g.ID()) != c.id || r.good() != nil || !r.keeper():
		return &refusal{RuleMembership, nil}
	case !c.e.suiteGood(g.Suite().ID()):
		return &refusal{RuleSuite, nil}
	}
	return nil
}

// refuseOnce shows that the hub offers something bad, once until it offers
// something good.
func (c *conversation) refuseOnce(ctx context.Context, why error) {
	rule := ruleOf(why)
	if err := c.with(ctx, func(t *txn) error {
		if c.offered == rule {
			return errUnchanged
		}
		c.offered = rule
		t.aside(c.rec.cursor)
		t.refused(c.rec.cursor, c.e.millis(), rule)
		return nil
	}); err != nil && !errors.Is(err, errUnchanged) {
		c.e.cfg.Log("note a refusal", err)
	}
}

// rejoined takes up the group that our external commit has brought. What was
// sent between is lost to this device until the keeper shares it.
func (t *txn) rejoined(sent *api.Sent) error {
	c := t.c
	group, err := mls.Restore(c.e.groupConfig(), c.e.cfg.Signer, c.own.group)
	if err != nil {
		t.discard()
		return nil
	}
	lost := c.rec.stage == stageOutside
	missed := !lost && sent.Position > c.rec.cursor+1
	if missed || lost || !c.back { // what was counted up to here may not go on
		c.rec.seqs = nil
	}
	c.rec.stage = stageOpen
	t.found()
	t.forward()
	c.group, c.broken, c.own, c.ownAt, c.offered = group, false, nil, 0, ""
	t.delete(prefixOwn + c.id)
	t.group = true
	for _, o := range slices.Clone(c.out) {
		switch {
		case o.position > 0 && o.position <= sent.Position: // in what is passed over
			t.confirmed(o, o.position, o.at)
		case o.payload != nil: // the hub says whether it has it, or refuses it as stale
			o.seq = 0 // as it was counted before
			t.putOut(o)
		}
	}
	t.forgetDisowned()
	c.rec.cursor, c.rec.joined = sent.Position, sent.Position
	c.rec.seqOut = 0 // others begin to count it anew
	c.rec.updatedAt, c.rec.sentSince = c.e.millis(), 0
	if lost {
		if c.rec.summary.state == "" {
			c.rec.summary.state = api.StateOpen
		}
		if err := t.settledQuietly(sent.ReceivedAt); err != nil {
			return err
		}
		return t.introduce()
	}
	if missed {
		t.notice(sent.Position, sent.ReceivedAt, Notice{Kind: NoticeGap})
	}
	after, err := rosterOf(group.Members())
	if err != nil {
		return err
	}
	for i := range c.rec.members {
		c.rec.members[i].devices = 0
	}
	t.seat(roster{}, after, sent.ReceivedAt)
	t.told()
	return nil
}
