package device

import (
	"context"
	"errors"
	"fmt"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/consent"
)

// consentDue is how the hub, or this device, says that the patient has to agree
// to something before more is sent. What waits stays in the outbox.
const consentDue = "due"

// Agree signs receipts and gives them to the hub: for a conversation, or, with
// none, for what goes beyond it. A conversation that the hub does not have yet
// is begun with them in place of those that it refused.
func (e *Engine) Agree(ctx context.Context, conversation string, receipts []api.ConsentReceipt) error {
	if len(receipts) == 0 {
		return nil
	}
	now := e.millis()
	for i := range receipts {
		receipts[i] = agreed(receipts[i], now)
	}
	if conversation == "" {
		_, err := e.give(ctx, "", receipts)
		return err
	}
	c, err := e.find(conversation)
	if err != nil {
		return err
	}
	begun := false
	err = c.with(ctx, func(t *txn) error {
		if begun = c.rec.stage == stageNew || c.rec.stage == stageMade; !begun {
			return errUnchanged
		}
		c.rec.stage, c.group = stageNew, nil
		t.dropGroup()
		t.put(prefixNew+c.id, (&foundingRecord{consents: receipts}).marshal())
		t.consents("given")
		return nil
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return err
	}
	if !begun {
		stands, err := e.give(ctx, conversation, receipts)
		if err != nil {
			return err
		}
		if stands != nil {
			e.update(conversation, func(t *txn) { t.summarise(stands) })
		}
	}
	c.kickSend(true)
	return nil
}

// agreed fills in what a receipt says of how it was given.
func agreed(r api.ConsentReceipt, now int64) api.ConsentReceipt {
	if r.At == 0 {
		r.At = now
	}
	if r.Method == "" {
		r.Method = consent.Checkbox
	}
	if r.Kind == "" {
		r.Kind = "chat"
	}
	return r
}

// sign signs a receipt as this device's.
func (e *Engine) sign(r *api.ConsentReceipt, conversation string) (err error) {
	id := e.me()
	if r.Signature, err = e.cfg.Signer.Sign(consent.Of(id.practice, conversation, id.device, *r).Signed()); err != nil {
		return fmt.Errorf("device: sign consent: %w", err)
	}
	return nil
}

// give brings receipts to the hub, and returns how the conversation then stands.
func (e *Engine) give(ctx context.Context, conversation string, receipts []api.ConsentReceipt) (stands *api.Conversation, err error) {
	for _, r := range receipts {
		if err := e.sign(&r, conversation); err != nil {
			return nil, err
		}
		var given *api.ConsentGiven
		err := e.call(ctx, func(ctx context.Context) (err error) {
			given, err = e.cfg.Hub.GiveConsent(ctx, api.GiveConsent{Conversation: conversation, Receipt: r})
			return err
		})
		if err != nil {
			return nil, err
		}
		stands = given.Conversation
	}
	return stands, nil
}

// Agreements lists what the patient agreed to, and could.
func (e *Engine) Agreements(ctx context.Context) (list *api.Agreements, err error) {
	err = e.call(ctx, func(ctx context.Context) (err error) {
		list, err = e.cfg.Hub.Agreements(ctx)
		return err
	})
	return list, err
}

// Sightings lists who saw the patient's messages, a page at a time.
func (e *Engine) Sightings(ctx context.Context, cursor string) (page *api.Sightings, err error) {
	err = e.call(ctx, func(ctx context.Context) (err error) {
		page, err = e.cfg.Hub.Sightings(ctx, cursor)
		return err
	})
	return page, err
}

// TakeBack takes one agreement back, at the hub and at once, also that of a
// conversation which is kept from the patient by now.
func (e *Engine) TakeBack(ctx context.Context, id string) error {
	var taken *api.Agreement
	err := e.call(ctx, func(ctx context.Context) (err error) {
		taken, err = e.cfg.Hub.WithdrawConsent(ctx, id)
		return err
	})
	if err == nil && taken.Conversation != "" { // who may know of it no more is told nothing
		e.update(taken.Conversation, func(t *txn) { t.consents("withdrawn") })
	}
	return err
}

// takeBackOf takes back what a conversation stands on. If that is nothing, the
// error is otherwise.
func (e *Engine) takeBackOf(ctx context.Context, conversation string, otherwise error) error {
	all, err := e.Agreements(ctx)
	if err != nil {
		return err
	}
	for _, a := range all.Agreements {
		if a.Conversation == conversation {
			return e.TakeBack(ctx, a.ID)
		}
	}
	return otherwise
}

// consents notes how the conversation's consent stands. It needs c.mu.
func (t *txn) consents(now string) {
	t.c.rec.summary.consent = now
	t.told()
}

// awaitConsent notes that the hub takes nothing from the patient until they agree again.
func (c *conversation) awaitConsent(ctx context.Context) error {
	return c.with(ctx, func(t *txn) error {
		for _, o := range c.out {
			if o.payload != nil && o.position == 0 {
				t.unseal(o) // the hub has not stored it
			}
		}
		t.consents(consentDue)
		return nil
	})
}
