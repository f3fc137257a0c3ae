package hub

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
)

// This file is about one-time links with which a patient begins a chat with a
// staff person. A link opens nothing that was there before: it says where a new
// chat begins, after consent, and with whom. Whatever is wrong with one, the
// answer is that it is not there.

const (
	defaultInvitationHours = 72
	mostInvitationHours    = 336
	mostInvitations        = 200 // that a list shows
)

// The states of an invitation.
const (
	invitationSent    = "sent"
	invitationOpened  = "opened"
	invitationUsed    = "used"
	invitationExpired = "expired"
	invitationRevoked = "revoked"
)

func (i *Invitation) state(now int64) string {
	switch {
	case i.UsedAt != 0:
		return invitationUsed
	case i.RevokedAt != 0:
		return invitationRevoked
	case i.ExpiresAt <= now:
		return invitationExpired
	case i.OpenedAt != 0:
		return invitationOpened
	}
	return invitationSent
}

func (i *Invitation) api(now int64) api.StaffInvitation {
	return api.StaffInvitation{
		ID: i.ID, State: i.state(now), Queue: i.Queue, Language: i.Language, Level: i.Level, CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
		OpenedAt: i.OpenedAt, UsedAt: i.UsedAt, Conversation: i.Conversation,
	}
}

// Invite makes a one-time link to a chat with the caller.
func (h *Hub) Invite(ctx context.Context, s *StaffCaller, n api.NewInvitation) (api.InvitationMade, error) {
	if err := h.mayStaff(s, policy.Propose, s.practice()); err != nil {
		return api.InvitationMade{}, err
	}
	if err := h.rates.allow("invite", s.Person.ID, h.limits.Invitations); err != nil {
		return api.InvitationMade{}, err
	}
	pr, err := h.practice(ctx, s.Person.Practice)
	if err != nil {
		return api.InvitationMade{}, err
	}
	if !slices.ContainsFunc(pr.Queues, func(q api.Queue) bool { return q.ID == n.Queue }) || !s.Person.works(n.Queue) {
		return api.InvitationMade{}, malformed("queue")
	}
	if !slices.Contains(pr.Languages, n.Language) {
		return api.InvitationMade{}, malformed("language")
	}
	if n.Hours < 0 || n.Hours > mostInvitationHours {
		return api.InvitationMade{}, malformed("hours")
	}
	now := h.now()
	token, hash := newToken()
	i := Invitation{
		ID: NewID("i"), Practice: pr.ID, Token: hash, Queue: n.Queue, Language: n.Language, Level: n.Level, Staff: s.Person.ID, Channel: "link",
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(time.Duration(cmp.Or(n.Hours, defaultInvitationHours)) * time.Hour).UnixMilli(),
	}
	made := h.event(ctx, s, audit.InvitationMade, i.ID).With("queue=" + i.Queue + ",level=" + i.Level)
	if err := h.store.Recording(made).AddInvitation(ctx, i); err != nil {
		return api.InvitationMade{}, at("store invitation", err)
	}
	return api.InvitationMade{Invitation: i.api(i.CreatedAt), Token: token, Path: "/c/" + pr.Slug + "#i=" + token}, nil
}

// Invitations lists those that the caller made.
func (h *Hub) Invitations(ctx context.Context, s *StaffCaller) (api.StaffInvitations, error) {
	if err := h.mayStaff(s, policy.Propose, s.practice()); err != nil {
		return api.StaffInvitations{}, err
	}
	all, err := h.store.InvitationsBy(ctx, s.Person.Practice, s.Person.ID, mostInvitations)
	if err != nil {
		return api.StaffInvitations{}, at("load invitations", err)
	}
	out := api.StaffInvitations{Invitations: make([]api.StaffInvitation, len(all))}
	for i := range all {
		out.Invitations[i] = all[i].api(h.millis())
	}
	return out, nil
}

// RevokeInvitation takes back one of the caller's links.
func (h *Hub) RevokeInvitation(ctx context.Context, s *StaffCaller, id string) (api.StaffInvitation, error) {
	if err := h.mayStaff(s, policy.Propose, s.practice()); err != nil {
		return api.StaffInvitation{}, err
	}
	if !validID("i", id) {
		return api.StaffInvitation{}, ErrNotFound
	}
	i, err := h.store.Recording(h.event(ctx, s, audit.InvitationRevoked, id)).RevokeInvitation(ctx, s.Person.Practice, id, s.Person.ID, h.millis())
	if err != nil {
		return api.StaffInvitation{}, err
	}
	return i.api(h.millis()), nil
}

// OpenInvitation binds a link to the browser that opens it first, and says
// where its chat begins.
func (h *Hub) OpenInvitation(ctx context.Context, n api.OpenInvitation) (api.OpenedInvitation, error) {
	pr, err := h.store.PracticeBySlug(ctx, n.Practice)
	if err != nil {
		return api.OpenedInvitation{}, err
	}
	token := hashToken(n.Token)
	known, err := h.store.InvitationByToken(ctx, pr.ID, token)
	if err != nil {
		return api.OpenedInvitation{}, err
	}
	opened := h.event(ctx, nobody(pr.ID), audit.InvitationOpened, known.ID)
	i, err := h.store.Recording(opened).OpenInvitation(ctx, pr.ID, token, hashToken(n.Holder), h.millis())
	if err != nil {
		return api.OpenedInvitation{}, err
	}
	return api.OpenedInvitation{Queue: i.Queue, Language: i.Language, Level: i.Level, ExpiresAt: i.ExpiresAt}, nil
}

// invited makes a new conversation one that was invited: with the staff person
// who made the link as its assignee. It is spent with the conversation.
func (h *Hub) invited(ctx context.Context, p cachedPractice, create *NewConversation, u *api.UseInvitation) error {
	if u == nil {
		return nil
	}
	v := &create.Conversation
	i, err := h.store.InvitationByToken(ctx, p.ID, hashToken(u.Token))
	if err != nil {
		return err
	}
	now := h.millis()
	if s := i.state(now); s != invitationOpened || i.Queue != v.Queue {
		return ErrNotFound
	}
	create.Invitation = &SpentInvitation{Token: hashToken(u.Token), Holder: hashToken(u.Holder), At: now}
	staff, err := h.store.Person(ctx, p.ID, i.Staff)
	if errors.Is(err, ErrNotFound) || err == nil && (staff.DisabledAt != 0 || !h.policy.May(staff.principal(), policy.Take, h.about(v))) {
		return nil // who invited may not answer any more: it waits for another
	} else if err != nil {
		return err
	}
	v.assign(staff.ID)
	return nil
}
