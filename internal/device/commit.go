package device

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/wire"
)

// A change is what the keeper wants to become of a group.
type change struct {
	add    []*wire.KeyPackage
	remove []string // devices
	done   chan error
}

// Change admits and removes devices, for the keeper, and returns once the hub
// has taken the commit and this device has merged it. Devices that are there
// already, or gone already, are passed over. It is tried again on a newer epoch
// for as long as it takes.
func (e *Engine) Change(ctx context.Context, conversation string, add []*wire.KeyPackage, remove []string) error {
	c, err := e.find(conversation)
	if err != nil {
		return err
	}
	wanted := &change{add: add, remove: remove, done: make(chan error, 1)}
	c.mu.Lock()
	if c.change != nil {
		c.mu.Unlock()
		return errors.New("device: another change is on its way")
	}
	c.change = wanted
	c.mu.Unlock()
	c.kickSend(true)
	select {
	case err := <-wanted.done:
		return err
	case <-ctx.Done():
	case <-e.ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.change == wanted {
		c.change = nil
	}
	return context.Canceled
}

// settleChange tells who waits for the change how it ended.
func (c *conversation) settleChange(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed(err)
}

// changed is settleChange for who holds c.mu.
func (c *conversation) changed(err error) {
	if c.change != nil {
		c.change.done <- err
		c.change = nil
	}
}

// makeCommit makes and keeps the commit that is due, if any: the keeper's
// change, or the renewal of this device's own keys, which also ends what is at
// large.
func (c *conversation) makeCommit(ctx context.Context) (made bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.load(ctx); err != nil {
		return false, err
	}
	if c.rec.stage != stageOpen || c.broken || c.own != nil {
		return false, nil
	}
	options, due, err := c.due()
	if err != nil {
		c.changed(err)
		return false, nil
	}
	if !due {
		return false, nil
	}
	t := c.begin()
	pending, err := c.group.Commit(options)
	if err != nil {
		err = fmt.Errorf("device: make commit: %w", err)
		c.refusedCommit(err)
		return false, t.apply(ctx)
	}
	c.own = &ownCommit{clientID: newID("f_"), payload: pending.Commit, welcome: pending.Welcome, groupInfo: pending.GroupInfo}
	c.ownAt, t.group = 0, true
	t.put(prefixOwn+c.id, c.own.marshal())
	return true, t.apply(ctx)
}

// A bar is why a commit of this device's own did not come about, for good as
// things stood. None is made for itself again until something is new: the epoch,
// the connection, that its person says so ([Engine.Retry]), or that keys are due
// to be renewed.
type bar struct {
	err         error
	epoch, line uint64
}

// refusedCommit takes note that a commit of our own is not to be. It needs c.mu.
func (c *conversation) refusedCommit(err error) {
	if c.group != nil {
		c.bar = bar{err, c.group.Epoch(), c.e.line()}
	}
	c.rec.updatedAt, c.rec.sentSince = c.e.millis(), 0 // keys are renewed when they are due the next time
	c.changed(err)
	c.e.cfg.Log("commit", err)
}

// barred returns why to make a commit has no point now, or nil. It needs c.mu.
func (c *conversation) barred() error {
	if c.group == nil || c.bar.epoch != c.group.Epoch() || c.bar.line != c.e.line() {
		return nil
	}
	return c.bar.err
}

// release shows as not sent what waits behind an item that is at large, if the
// commit that would end that is not to be: its author tries again, or does not.
// What nobody sees, such as a receipt, waits on.
func (c *conversation) release(ctx context.Context) error {
	err := c.with(ctx, func(t *txn) error {
		why := cmp.Or(c.barred(), c.writable())
		if why == nil || !slices.ContainsFunc(c.out, c.atLarge) {
			return errUnchanged
		}
		released := false
		for _, o := range slices.Clone(c.out) {
			switch {
			case o.position > 0 || o.failure != "" || !c.fileIsUp(o):
				continue
			case o.kind == outRecall:
				t.notRecalled(o)
			case o.kind == outText || o.kind == outFile:
				t.notSent(o, why)
			default:
				continue
			}
			released = true
		}
		if !released {
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	c.e.tellConnection()
	return err
}

// due returns what is to be committed. It needs c.mu.
func (c *conversation) due() (mls.CommitOptions, bool, error) {
	if c.change == nil {
		// A refused one begins to count anew: keys that are old are tried again, rarely, also where a bar is.
		aged := c.rec.sentSince >= c.e.cfg.UpdateAfter || c.e.millis()-c.rec.updatedAt >= c.e.cfg.UpdateEvery.Milliseconds()
		renew := c.rec.summary.state != api.StateClosed && c.rec.summary.consent != "withdrawn" &&
			(aged || c.barred() == nil && slices.ContainsFunc(c.out, c.atLarge))
		// No proposals of others: nothing that only a member wanted.
		return mls.CommitOptions{OnlyThese: true}, renew, nil
	}
	options := mls.CommitOptions{OnlyThese: true, Path: true}
	there := map[string]wire.LeafIndex{}
	for _, m := range c.group.Members() {
		cert, err := certOf(m)
		if err != nil {
			return options, false, err
		}
		there[cert.Device] = m.Leaf
	}
	for _, device := range c.change.remove {
		if leaf, ok := there[device]; ok {
			options.Remove = append(options.Remove, leaf)
		}
	}
	for _, p := range c.change.add {
		if p.Suite != c.group.Suite().ID() {
			continue
		}
		cert, err := certOf(mls.Member{Credential: p.Leaf.Credential})
		if err != nil {
			return options, false, err
		}
		if _, ok := there[cert.Device]; !ok {
			options.Add = append(options.Add, p)
		}
	}
	if len(options.Add)+len(options.Remove) == 0 {
		c.changed(nil)
		return options, false, nil
	}
	byReference(&options, proposedRemovals(c.group))
	return options, true, nil
}

// sendCommit gives the hub a commit of our own.
func (c *conversation) sendCommit(ctx context.Context, own *ownCommit) (more bool, err error) {
	c.mu.Lock()
	waiting := c.ownAt > 0
	c.mu.Unlock()
	if waiting {
		return false, nil // the receiver comes to it
	}
	var sent *api.Sent
	asked := c.epoch()
	err = c.e.call(ctx, func(ctx context.Context) (err error) {
		sent, err = c.e.cfg.Hub.Send(ctx, c.id, api.SendFrame{
			ClientID: own.clientID, Kind: api.FrameCommit, Payload: own.payload, Welcome: own.welcome, GroupInfo: own.groupInfo,
		})
		return err
	})
	if err != nil && codeOf(err) != api.CodeStaleEpoch && !lasting(err) {
		return false, err
	}
	kept := c.with(ctx, func(t *txn) error {
		if c.own == nil || c.own.clientID != own.clientID {
			return nil // settled by its frame
		}
		if err != nil {
			t.discard()
			if codeOf(err) != api.CodeStaleEpoch {
				c.refusedCommit(err)
			}
			c.raise(staleHead(err))
			return nil
		}
		switch {
		case own.rejoin && (!c.back || c.broken || sent.Position <= c.rec.cursor+1):
			return t.rejoined(sent)
		case sent.Position == c.rec.cursor+1:
			c.rec.cursor = sent.Position
			t.mergeOwn(sent.Position, sent.ReceivedAt)
		case sent.Position > c.rec.cursor:
			c.ownAt = sent.Position
		default:
			t.refused(c.rec.cursor, sent.ReceivedAt, RuleSubstituted)
			t.discard()
		}
		c.raise(sent.Position)
		return nil
	})
	if kept != nil {
		return false, kept
	}
	if own.rejoin && err == nil {
		c.catchSummary(ctx)
	}
	c.kickReceive(false)
	switch code := codeOf(err); {
	case code == api.CodeNotAMember && !own.rejoin:
		return false, c.putOut(ctx)
	case code == api.CodeStaleEpoch && !own.rejoin:
		return c.caughtUp(ctx, asked, err)
	case err != nil && own.rejoin:
		return false, err // with a newer group info, after a pause
	}
	return true, nil
}

// discard drops an own commit that has lost.
func (t *txn) discard() {
	c := t.c
	if c.group != nil && c.own != nil && !c.own.rejoin {
		c.group.DiscardPending()
		t.group = true
	}
	c.own, c.ownAt = nil, 0
	t.delete(prefixOwn + c.id)
}

// mergeOwn takes up the epoch that our own commit has brought.
func (t *txn) mergeOwn(position uint64, at int64) {
	c := t.c
	before, err := rosterOf(c.group.Members())
	if err == nil {
		err = c.group.MergePending()
	}
	if err == nil {
		c.own, c.ownAt = nil, 0
		t.delete(prefixOwn + c.id)
		c.rec.updatedAt, c.rec.sentSince = c.e.millis(), 0
		err = t.settled(before, position, at)
	}
	if err != nil {
		c.e.cfg.Log("merge own commit", err)
		c.broken = true
		return
	}
	t.after = append(t.after, func() { c.changed(nil) })
}
