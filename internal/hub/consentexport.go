package hub

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/consent"
	"github.com/sotto-health/sotto/internal/consent/fhir"
)

// MostReceipts is how many receipts a page or an export's part holds.
const MostReceipts = 1000

// ExportReceipts is a page of receipts as a FHIR R4 Bundle. Every signature and
// hash is checked again on the way out. q.Limit is set here; next is the After
// of the part that follows, or 0.
func (h *Hub) ExportReceipts(ctx context.Context, s *StaffCaller, q ReceiptQuery, url string) (bundle map[string]any, next uint64, err error) {
	q.Limit = MostReceipts
	rs, err := h.receipts(ctx, s, q, audit.ConsentsExported)
	if err != nil {
		return nil, 0, err
	}
	return h.exported(ctx, s.Person.Practice, rs, url)
}

// ExportAllReceipts is ExportReceipts for who runs the hub: no route leads here.
func (h *Hub) ExportAllReceipts(ctx context.Context, practice string, after uint64) (bundle map[string]any, next uint64, err error) {
	if err := h.store.Record(ctx, h.event(ctx, operator(practice), audit.ConsentsExported, "")); err != nil {
		return nil, 0, at("record who looks", err)
	}
	rs, err := h.store.Receipts(ctx, ReceiptQuery{Practice: practice, After: after, Limit: MostReceipts})
	if err != nil {
		return nil, 0, err
	}
	return h.exported(ctx, practice, rs, "")
}

func (h *Hub) exported(ctx context.Context, practice string, rs []Receipt, url string) (map[string]any, uint64, error) {
	p, err := h.practice(ctx, practice)
	if err != nil {
		return nil, 0, err
	}
	stored, err := h.store.ConsentForms(ctx, practice)
	if err != nil {
		return nil, 0, at("load consent forms", err)
	}
	all, now := forms(stored), h.millis()
	about, err := h.receiptsAbout(ctx, practice, rs)
	if err != nil {
		return nil, 0, err
	}
	resources := make([]map[string]any, len(rs))
	for i := range rs {
		r := &rs[i]
		g := about[r.Conversation]
		g.Agreement, g.Verified = r.api(all.current(r, now)), h.verified(ctx, all, r)
		if f, ok := all.version(r.Form, r.Version); ok {
			g.Title, g.Until = all[f].Texts[r.Language].Title, all[f].until(r.ReceivedAt)
		}
		resources[i] = fhir.Consent(fhir.Practice{ID: p.ID, Slug: p.Slug, Name: p.Name, URL: url}, g)
	}
	var next uint64
	if len(rs) == MostReceipts {
		next = rs[len(rs)-1].Sequence
	}
	link := ""
	if next != 0 && url != "" {
		link = url + "/v1/admin/consent-receipts/fhir?after=" + strconv.FormatUint(next, 10)
	}
	return fhir.Bundle(now, resources, link), next, nil
}

// receiptsAbout is, by conversation, for whom the patient's side wrote in it. What
// goes beyond a conversation is about who gave it.
func (h *Hub) receiptsAbout(ctx context.Context, practice string, rs []Receipt) (map[string]fhir.Given, error) {
	about := map[string]fhir.Given{"": {}}
	for i := range rs {
		id := rs[i].Conversation
		if _, ok := about[id]; ok {
			continue
		}
		v, err := h.store.Conversation(ctx, practice, id)
		if err != nil {
			return nil, at("load what a receipt is about", err)
		}
		g := fhir.Given{WritesFor: v.WritesFor}
		if v.Relation != "" {
			r, err := h.store.Relation(ctx, practice, v.Relation)
			if err != nil {
				return nil, at("load a grant", err)
			}
			g.Subject = r.Subject
		}
		about[id] = g
	}
	return about, nil
}

// VerifyCopy checks the copy that a patient keeps of an agreement, for who runs
// the hub: this practice published that text, the device that the practice knows
// signed the receipt, and it is of that person and that moment. It returns what the practice keeps of it. A copy that
// is not right gives an error that matches [consent.ErrCopy] or
// [consent.ErrForged].
func (h *Hub) VerifyCopy(ctx context.Context, practice string, c consent.Copy) (Receipt, error) {
	d, err := h.store.Device(ctx, practice, c.Device)
	if errors.Is(err, ErrNotFound) {
		return Receipt{}, consent.ErrForged
	} else if err != nil {
		return Receipt{}, err
	}
	signed := consent.Of(practice, c.Conversation, c.Device, c.Receipt)
	if err := signed.Verify(d.PublicKey, c.Receipt.Signature); err != nil {
		return Receipt{}, err
	}
	all, err := h.store.ConsentForms(ctx, practice)
	if err != nil {
		return Receipt{}, at("load consent forms", err)
	}
	i, ok := forms(all).version(c.Receipt.Form, c.Receipt.Version)
	if !ok || !bytes.Equal(consent.Hash(all[i].Texts[c.Receipt.Language]), c.Receipt.SHA256) {
		return Receipt{}, fmt.Errorf("%w: the practice published another text", consent.ErrCopy)
	}
	kept, err := h.store.Receipts(ctx, ReceiptQuery{Practice: practice, Person: d.Person, ID: c.ID, Limit: 1})
	if err != nil {
		return Receipt{}, err
	}
	if len(kept) == 0 || kept[0].Name() != hex.EncodeToString(signed.Name()) {
		return Receipt{}, fmt.Errorf("%w: the practice keeps no such receipt", consent.ErrCopy)
	}
	if kept[0].Person != c.Person || kept[0].ReceivedAt != c.ReceivedAt { // the device signs neither
		return Receipt{}, fmt.Errorf("%w: the practice keeps the receipt of another person or time", consent.ErrCopy)
	}
	looked := h.event(ctx, operator(practice), audit.ConsentsListed, "").In(kept[0].Conversation, d.Person)
	if err := h.store.Record(ctx, looked); err != nil {
		return Receipt{}, at("record a read", err)
	}
	return kept[0], nil
}

// verified checks a kept receipt again: the device's key signed it, and its hash
// is of the text that was published.
func (h *Hub) verified(ctx context.Context, all forms, r *Receipt) bool {
	d, err := h.store.Device(ctx, r.Practice, r.Device)
	if err != nil {
		return false
	}
	i, ok := all.version(r.Form, r.Version)
	if !ok {
		return false
	}
	text, ok := all[i].Texts[r.Language]
	return ok && bytes.Equal(r.SHA256, consent.Hash(text)) &&
		consent.Of(r.Practice, r.Conversation, r.Device, r.ConsentReceipt).Verify(d.PublicKey, r.Signature) == nil
}
