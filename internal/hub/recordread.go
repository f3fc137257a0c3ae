package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/audit/export"
	"github.com/sotto-health/sotto/internal/policy"
)

// NoteRecordRead writes down, for who works at the keeper's machine, how the
// sealed record is read, before it is (45 CFR 164.312(b)). What is to leave the
// practice goes into the patient's accounting of disclosures (164.528).
func (h *Hub) NoteRecordRead(ctx context.Context, c *Caller, r api.RecordRead) error {
	if err := h.mayInPractice(c, policy.Work); err != nil {
		return err
	}
	return h.noteRecordRead(ctx, party{Practice: c.Device.Practice, Role: audit.Operator, Device: c.Device.ID}, r)
}

// NoteOperatorsRecordRead is [Hub.NoteRecordRead] for who runs the hub, where
// the record is. No route leads here.
func (h *Hub) NoteOperatorsRecordRead(ctx context.Context, practice string, r api.RecordRead) error {
	return h.noteRecordRead(ctx, operator(practice), r)
}

func (h *Hub) noteRecordRead(ctx context.Context, who Actor, r api.RecordRead) error {
	var e audit.Event
	switch r.What {
	case api.RecordShown:
		return h.noteRecordShown(ctx, who, r)
	case api.RecordListed:
		e = h.event(ctx, who, audit.RecordRead, "").With("what=list")
	case api.RecordAccepted:
		e = h.event(ctx, who, audit.RecordVerified, "").With("accept=yes")
	case api.RecordChecked:
		if r.Found == nil {
			return malformed("found")
		}
		found := fmt.Sprintf("conversations=%d,records=%d,problems=%d", r.Found.Conversations, r.Found.Records, r.Found.Problems)
		e = h.event(ctx, who, audit.RecordVerified, "").With(found)
	default:
		return malformed("what")
	}
	if err := h.store.Record(ctx, e); err != nil {
		return at("record a read", err)
	}
	return nil
}

func (h *Hub) noteRecordShown(ctx context.Context, who Actor, r api.RecordRead) error {
	if !validID("c", r.Conversation) {
		return malformed("conversation")
	}
	practice := who.actor().Practice
	leaves := r.Recipient != "" && !slices.Contains(export.Exempt(), r.Purpose)
	patient, err := h.patientOf(ctx, practice, r.Conversation)
	if err != nil && (leaves || !errors.Is(err, ErrNotFound)) { // a record outlives a hub that was lost
		return err
	}
	opened := h.event(ctx, who, audit.RecordRead, "").In(r.Conversation, patient).Because(r.Purpose, "")
	if !leaves {
		if err := h.store.Record(ctx, opened); err != nil {
			return at("record a read", err)
		}
		return nil
	}
	d := Disclosure{
		ID: NewID("x"), Practice: practice, Patient: patient, At: h.millis(), RecordedAt: h.millis(), Source: fromRecord,
		Recipient: r.Recipient, Address: r.Address, What: "Transcript of the conversation " + r.Conversation, Purpose: r.Purpose,
	}
	opened.Reference = d.ID
	made := h.event(ctx, who, audit.DisclosureMade, d.ID).In(r.Conversation, patient).Because(d.Purpose, d.ID)
	if err := h.store.Recording(opened, made).AddDisclosure(ctx, d); err != nil {
		return at("store a disclosure", err)
	}
	return nil
}
