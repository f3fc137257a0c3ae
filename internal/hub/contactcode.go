package hub

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
)

// ErrCodeSpent: the code is used, too old, tried too often, or another
// device's. A new one must be sent.
var ErrCodeSpent = errors.New("code is spent")

// ErrNotMatched: what was given does not show who somebody is. It never says
// what of it was wrong.
var ErrNotMatched = errors.New("not matched")

// ErrTriesSpent: the device has given wrong facts too often, or others have so
// often that facts count no more today. Staff can help.
var ErrTriesSpent = errors.New("tries are spent")

// ErrContactFirst: facts count once a contact is proved.
var ErrContactFirst = errors.New("a contact is to be proved first")

// SendContactCode sends a code to a contact that the patient names. The answer
// is the same for every contact: whether anybody of that address is known is
// not looked up (T27), and it is sent after the answer.
func (h *Hub) SendContactCode(ctx context.Context, c *Caller, address string, s api.SendContactCode) (api.ContactCodeSent, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.ContactCodeSent{}, err
	}
	channel := proofing.Channel(s.Channel)
	if !h.sends(channel) {
		return api.ContactCodeSent{}, malformed("channel")
	}
	contact, err := channel.Clean(s.Contact)
	if err != nil {
		return api.ContactCodeSent{}, malformed("contact")
	}
	practice := c.Device.Practice
	p, err := h.practice(ctx, practice)
	if err != nil {
		return api.ContactCodeSent{}, err
	}
	index := h.patients.index(practice, "contact/"+s.Channel, contact)
	if err := h.allowCode(ctx, c, network(address), string(index)); err != nil {
		return api.ContactCodeSent{}, err
	}
	now := h.now()
	id, code := NewID("k"), proofing.NewCode()
	sealed, err := h.patients.seal(practice, "contact/"+id, []byte(contact))
	if err != nil {
		return api.ContactCodeSent{}, at("seal contact", err)
	}
	kept := ContactCode{
		Practice: practice, ID: id, Device: c.Device.ID, Channel: channel, Contact: index, Sealed: sealed,
		Code: h.patients.index(practice, "code/"+id, code), CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(proofing.CodeLife).UnixMilli(),
	}
	e := h.event(ctx, c, audit.ContactCodeSent, c.Device.ID).Of(c.Device.Person).With("channel=" + s.Channel)
	if err := h.store.Recording(e).AddContactCode(ctx, kept); err != nil {
		return api.ContactCodeSent{}, at("store code", err)
	}
	m := codeMessage(p.sender(), code, s.Language)
	m.To = contact
	h.sendAsked(ctx, channel, m)
	return api.ContactCodeSent{
		Attempt: id, Contact: channel.Mask(contact), ExpiresAt: kept.ExpiresAt, ResendAt: now.Add(proofing.CodeResend).UnixMilli(),
	}, nil
}

// allowCode bounds codes: by device, so that nobody is woken by one who presses
// again and again; by network and contact, and by network, so that a stranger
// who floods an address uses up their own allowance and not its owner's; and by
// practice, because messages cost money (T28, T29d).
func (h *Hub) allowCode(ctx context.Context, c *Caller, network, contact string) error {
	last, err := h.store.LastContactCode(ctx, c.Device.Practice, c.Device.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return at("load last code", err)
	}
	if left := last.CreatedAt + proofing.CodeResend.Milliseconds() - h.millis(); last.ID != "" && left > 0 {
		return &RateError{RetryAfter: time.Duration(left) * time.Millisecond}
	}
	for _, limit := range []struct {
		kind, who string
		rate      Rate
	}{
		{"code-device", c.Device.ID, h.limits.CodesDevice},
		{"code-contact", network + "/" + contact, h.limits.CodesContact},
		{"code-network", network, h.limits.CodesNetwork},
		{"code-practice", c.Device.Practice, h.limits.CodesPractice},
	} {
		if err := h.rates.allow(limit.kind, limit.who, limit.rate); err != nil {
			return err
		}
	}
	return nil
}

// CheckContactCode takes a code that the patient got.
func (h *Hub) CheckContactCode(ctx context.Context, c *Caller, k api.CheckContactCode) (api.OwnVerification, error) {
	if err := h.mayInPractice(c, policy.Identify); err != nil {
		return api.OwnVerification{}, err
	}
	code, ok := proofing.CleanCode(k.Code)
	if !ok || !validID("k", k.Attempt) {
		return api.OwnVerification{}, malformed("code")
	}
	practice := c.Device.Practice
	last, err := h.store.LastContactCode(ctx, practice, c.Device.ID)
	if errors.Is(err, ErrNotFound) || err == nil && last.ID != k.Attempt {
		return api.OwnVerification{}, ErrCodeSpent
	} else if err != nil {
		return api.OwnVerification{}, at("load code", err)
	}
	right := subtle.ConstantTimeCompare(last.Code, h.patients.index(practice, "code/"+k.Attempt, code)) == 1
	if !right {
		missed := h.notVerified(ctx, c, last.Channel.Method(), "not-matched")
		err = h.store.Recording(missed).MissContactCode(ctx, practice, c.Device.ID, k.Attempt, h.millis(), proofing.CodeTries)
	} else {
		err = h.useContactCode(ctx, c, &last)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return api.OwnVerification{}, ErrCodeSpent
	case err != nil:
		return api.OwnVerification{}, at("try code", err)
	case !right:
		return api.OwnVerification{}, ErrNotMatched
	}
	return h.OwnVerification(ctx, c)
}

// useContactCode notes where the calling device's patient can be reached, which
// uses the code up.
func (h *Hub) useContactCode(ctx context.Context, c *Caller, code *ContactCode) (err error) {
	v := Verification{Practice: code.Practice, Person: c.Device.Person, Device: c.Device.ID}
	if v.Contact, err = h.asOnFile(code); err != nil {
		return err
	}
	if err := h.proof(ctx, &v, code.Channel.Method(), h.now()); err != nil {
		return err
	}
	if err := h.store.Recording(h.patientVerified(ctx, c, &v)).UseContactCode(ctx, code.ID, v, proofing.CodeTries); err != nil {
		return err
	}
	h.announceVerification(ctx, v.Practice, v.Person)
	return nil
}
