package device

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/content"
	"github.com/sotto-health/sotto/mls"
	"github.com/sotto-health/sotto/mls/wire"
)

// join takes the welcomes that wait for this device.
func (e *Engine) join(ctx context.Context) error {
	if e.me().device == "" {
		return nil
	}
	var welcomes []api.Welcome
	if err := e.call(ctx, func(ctx context.Context) (err error) {
		welcomes, err = e.cfg.Hub.Welcomes(ctx)
		return err
	}); err != nil {
		return err
	}
	var later error
	for _, w := range welcomes {
		if err := e.joinOne(ctx, w); err != nil {
			e.cfg.Log("welcome", err)
			if FailureOf(err) != FailureUntrusted {
				later = err
				continue
			}
			e.distrust()
		}
		if err := e.call(ctx, func(ctx context.Context) error { return e.cfg.Hub.DeleteWelcome(ctx, w.ID) }); err != nil {
			later = err
		}
	}
	return later
}

// joinOne joins by a welcome. Untrusted ones are refused for good; any other
// error means that it is to be tried again.
func (e *Engine) joinOne(ctx context.Context, w api.Welcome) error {
	c := e.know(w.Conversation)
	// If this device is in the group, the log may say that it was removed and
	// then added again; only the log can tell a new welcome from an old one.
	if err := c.catchUp(ctx, w.Position); err != nil {
		return err
	}
	e.kpMu.Lock()
	defer e.kpMu.Unlock()
	secret, key, err := e.packageFor(ctx, w.Payload)
	if err != nil {
		return err
	}
	err = c.with(ctx, func(t *txn) error {
		if c.rec.stage != stageOutside || w.Position <= c.rec.cursor {
			return errUnchanged // joined already: the welcome is left from before a crash
		}
		if secret == nil {
			return unchanged(untrusted("a welcome to no key package of this device"))
		}
		group, err := mls.Join(e.groupConfig(), e.cfg.Signer, secret, w.Payload, mls.JoinOptions{})
		if err != nil {
			return unchanged(untrusted("a welcome that is not good: " + err.Error()))
		}
		if err := c.joinable(group); err != nil {
			return unchanged(err)
		}
		return t.joined(group, w.Position, secret, key)
	})
	if errors.Is(err, errUnchanged) && FailureOf(err) == FailureInternal {
		return nil
	}
	if err != nil {
		return err
	}
	e.packages.kick(e, e.refill, false)
	var summary *api.Conversation
	if err := e.call(ctx, func(ctx context.Context) (err error) {
		summary, err = e.cfg.Hub.Conversation(ctx, w.Conversation)
		return err
	}); err == nil {
		e.update(w.Conversation, func(t *txn) {
			t.c.raise(summary.Head)
			t.summarise(summary)
		})
	}
	c.kickAll()
	return nil
}

// catchUp processes the log up to position, if this device is in the group.
func (c *conversation) catchUp(ctx context.Context, position uint64) error {
	c.mu.Lock()
	err := c.load(ctx)
	behind := err == nil && c.rec.stage == stageOpen && !c.broken && c.rec.cursor < position
	if behind {
		c.raise(position)
	}
	c.mu.Unlock()
	if err != nil || !behind {
		return err
	}
	return c.receive(ctx)
}

// packageFor returns the key package that a welcome is for, or nil.
func (e *Engine) packageFor(ctx context.Context, welcome []byte) (*mls.KeyPackageSecret, string, error) {
	m, err := wire.ParseMessage(welcome)
	if err != nil || m.Welcome == nil {
		return nil, "", untrusted("a welcome that is none")
	}
	for _, s := range m.Welcome.Secrets {
		key := prefixKP + hex.EncodeToString(s.NewMember)
		b, err := e.cfg.Store.Get(ctx, key)
		if err != nil {
			return nil, "", storeFailure(err)
		}
		if b == nil {
			continue
		}
		secret, err := mls.ParseKeyPackageSecret(b)
		return secret, key, err
	}
	return nil, "", nil
}

// joinable returns why a group must not be joined. It needs c.mu.
func (c *conversation) joinable(g *mls.Group) error {
	if string(g.ID()) != c.id {
		return untrusted("a welcome to another group")
	}
	if !c.e.suiteGood(g.Suite().ID()) {
		return untrusted("a group of a suite that is not good enough")
	}
	r, err := rosterOf(g.Members())
	if err != nil {
		return untrusted("a group with a member twice")
	}
	if err := r.good(); err != nil || !r.keeper() {
		return untrusted("a group without the keeper, or with two patients")
	}
	if c.rec.epoch > 0 && g.Epoch() <= c.rec.epoch {
		return untrusted("a group that is older than what was seen of it")
	}
	return nil
}

// joined takes up a group that this device was added to by the commit at
// position. The key package goes with it, so that it is of use once.
func (t *txn) joined(group *mls.Group, position uint64, secret *mls.KeyPackageSecret, key string) error {
	c := t.c
	now := c.e.millis()
	c.group, c.broken = group, false
	c.rec.stage, c.rec.cursor, c.rec.joined = stageOpen, position, position
	c.raise(position)
	c.rec.updatedAt, c.rec.sentSince, c.rec.seqs = now, 0, nil
	if !secret.Package().LastResort() {
		t.delete(key)
	}
	if c.rec.summary.state == "" {
		c.rec.summary.state = api.StateOpen
	}
	if err := t.settledQuietly(now); err != nil {
		return err
	}
	return t.introduce()
}

// settledQuietly seats the members of a group that this device came into: they
// were there before, so there is nothing to announce but the device itself.
func (t *txn) settledQuietly(at int64) error {
	c := t.c
	t.group = true
	after, err := rosterOf(c.group.Members())
	if err != nil {
		return err
	}
	for i := range c.rec.members {
		c.rec.members[i].devices = 0
	}
	t.seat(roster{}, after, at)
	me := c.e.me().person
	t.notice(c.rec.cursor, at, Notice{Kind: NoticeJoined, Person: me})
	t.told()
	return nil
}

// introduce puts this device's introduction into the outbox: the name card for
// those who have one, or what the patient wants to be called.
func (t *txn) introduce() error {
	id := t.c.e.me()
	who := content.Introduction{Card: id.card}
	if len(id.card) == 0 {
		who.Name = t.c.rec.name
	}
	if len(who.Card) == 0 && who.Name == "" {
		return nil
	}
	m, err := content.NewIntroduction(randomBytes(content.SaltSize), who)
	if err != nil {
		return err
	}
	t.control(outControl, m)
	return nil
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
	group, commit, err := mls.JoinExternal(c.e.groupConfig(), c.e.cfg.Signer, c.e.credential(), info.GroupInfo, mls.ExternalOptions{Resync: true})
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
		c.own = &ownCommit{clientID: newID("f_"), payload: commit, groupInfo: groupInfo, rejoin: true, group: state}
		c.ownAt, c.suspect, c.broken = 0, false, true
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
	if c.broken {
		return false, nil
	}
	if info.Head > c.rec.cursor { // the log may have the commit after all
		c.raise(info.Head)
		c.suspect = false
		c.kickReceive(false)
		return true, nil
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
	return string(context.ConfirmedTranscriptHash) != string(c.rec.transcript)
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
	missed := sent.Position > c.rec.cursor+1
	c.group, c.broken, c.own, c.ownAt, c.offered = group, false, nil, 0, ""
	t.delete(prefixOwn + c.id)
	t.group = true
	for _, o := range slices.Clone(c.out) {
		switch {
		case o.position > 0 && o.position <= sent.Position: // in what is passed over
			t.confirmed(o, o.position, o.at)
		case o.payload != nil: // sealed in an epoch that this device has lost
			t.unseal(o)
		}
	}
	c.rec.cursor, c.rec.joined = sent.Position, sent.Position
	c.rec.seqs = nil
	c.rec.updatedAt, c.rec.sentSince = c.e.millis(), 0
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
