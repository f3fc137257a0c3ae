package device

import (
	"context"
	"encoding/hex"
	"errors"

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
	if later != nil {
		return later
	}
	return e.reclaim(ctx)
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
	if secret != nil {
		defer secret.Wipe() // this copy; what a last resort needs is kept
	}
	err = c.with(ctx, func(t *txn) error {
		if c.rec.stage != stageOutside || w.Position <= c.rec.cursor {
			return errUnchanged // joined already: the welcome is left from before a crash
		}
		if secret == nil {
			return t.lose(lostWelcome) // its keys are gone, or it never was for us
		}
		group, err := mls.Join(e.groupConfig(), e.cfg.Signer, secret, w.Payload, mls.JoinOptions{})
		if err != nil {
			e.cfg.Log("a welcome that does not open", err)
			return t.lose(lostWelcome)
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
	c.catchSummary(ctx)
	c.kickAll()
	e.tellWork() // what was to be done in this group had to wait for it
	return nil
}

// catchSummary asks the hub how the conversation stands. If it does not say, it
// tells of the next change.
func (c *conversation) catchSummary(ctx context.Context) { _ = c.askSummary(ctx) }

func (c *conversation) askSummary(ctx context.Context) error {
	var summary *api.Conversation
	if err := c.e.call(ctx, func(ctx context.Context) (err error) {
		summary, err = c.e.cfg.Hub.Conversation(ctx, c.id)
		return err
	}); err != nil {
		return err
	}
	return c.with(ctx, func(t *txn) error {
		c.raise(summary.Head)
		t.summarise(summary)
		return nil
	})
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
	if g.Epoch() < c.rec.epoch || g.Epoch() == c.rec.epoch && len(c.rec.transcript) > 0 {
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
