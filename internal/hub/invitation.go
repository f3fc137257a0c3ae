package hub

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/internal/proofing"
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
	invitationFailed  = "failed" // the message could not be sent
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
	case i.FailedAt != 0:
		return invitationFailed
	}
	return invitationSent
}

// channelLink is a link that staff hand over themselves.
const channelLink = "link"

// level is what the use of a link proves of who opened it: the contact that the
// hub, and nobody else, sent it to. One that somebody was shown could have been
// given to anybody, and proves nothing.
func (i *Invitation) level() proofing.Level {
	if i.Channel == channelLink || i.Contact == nil {
		return proofing.Guest
	}
	return proofing.Link.Level()
}

// invitation is i as who made it sees it.
func (h *Hub) invitation(i *Invitation, now int64) api.StaffInvitation {
	out := i.api(now)
	if i.Contact != nil {
		contact, err := h.patients.open(i.Practice, "invitation/"+i.ID, i.Contact)
		if err == nil { // else it was sealed under a key that is lost: the link still works
			out.Contact = proofing.Channel(i.Channel).Mask(string(contact))
		}
	}
	return out
}

func (i *Invitation) api(now int64) api.StaffInvitation {
	return api.StaffInvitation{
		Channel: i.Channel,
		ID:      i.ID, State: i.state(now), Queue: i.Queue, Language: i.Language, Level: string(i.level()), CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
		OpenedAt: i.OpenedAt, UsedAt: i.UsedAt, Conversation: i.Conversation,
	}
}

// Invite makes a one-time link to a chat with the caller, and sends it to a
// contact if the caller names one. origin is that of the practice's chat pages,
// by configuration: nothing is sent that leads to where a call says it came to.
// If it is empty, nothing is sent.
func (h *Hub) Invite(ctx context.Context, s *StaffCaller, n api.NewInvitation, origin string) (api.InvitationMade, error) {
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
	if !slices.ContainsFunc(pr.Queues, func(q api.Queue) bool { return q.ID == n.Queue }) || !works(s.Person.principal(), n.Queue) {
		return api.InvitationMade{}, malformed("queue")
	}
	if !slices.Contains(pr.Languages, n.Language) {
		return api.InvitationMade{}, malformed("language")
	}
	if n.Hours < 0 || n.Hours > mostInvitationHours {
		return api.InvitationMade{}, malformed("hours")
	}
	if origin == "" && n.Channel != "" && n.Channel != channelLink {
		return api.InvitationMade{}, malformed("channel")
	}
	channel, contact, err := h.invitedAt(pr.ID, &n)
	if err != nil {
		return api.InvitationMade{}, err
	}
	now := h.now()
	hours := cmp.Or(n.Hours, defaultInvitationHours)
	token, hash := newToken()
	i := Invitation{
		ID: NewID("i"), Practice: pr.ID, Token: hash, Queue: n.Queue, Language: n.Language, Staff: s.Person.ID, Channel: channel,
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(time.Duration(hours) * time.Hour).UnixMilli(),
	}
	detail := "queue=" + i.Queue + ",channel=" + channel
	if contact != "" {
		if i.Contact, err = h.patients.seal(pr.ID, "invitation/"+i.ID, []byte(contact)); err != nil {
			return api.InvitationMade{}, at("seal contact", err)
		}
		detail += ",agreed=stated"
	}
	i.Level = string(i.level())
	made := h.event(ctx, s, audit.InvitationMade, i.ID).With(detail)
	if err := h.making(ctx, made).AddInvitation(ctx, i); err != nil {
		return api.InvitationMade{}, at("store invitation", err)
	}
	out := api.InvitationMade{Invitation: h.invitation(&i, i.CreatedAt)}
	path := "/c/" + pr.Slug + "#i=" + token
	if contact == "" {
		out.Token, out.Path = token, path
		return out, nil
	}
	m := linkMessage(pr.sender(), origin+path, strconv.Itoa(hours), i.Language)
	m.To = contact
	h.sendLink(ctx, proofing.Channel(channel), m, &i)
	return out, nil
}

// invitedAt is how a link is to travel, and the clean contact that it is sent
// to; none if the caller hands it over.
func (h *Hub) invitedAt(practice string, n *api.NewInvitation) (channel, contact string, err error) {
	switch channel = cmp.Or(n.Channel, channelLink); {
	case channel == channelLink && n.Contact != "":
		return "", "", malformed("contact")
	case channel == channelLink:
		return channel, "", nil
	case !h.sends(proofing.Channel(channel)):
		return "", "", malformed("channel")
	case !n.Agreed:
		return "", "", malformed("agreed")
	}
	if contact, err = proofing.Channel(channel).Clean(n.Contact); err != nil {
		return "", "", malformed("contact")
	}
	index := string(h.patients.index(practice, "contact/"+channel, contact))
	if err := h.rates.allow("invite-contact", practice+"/"+index, h.limits.CodesContact); err != nil {
		return "", "", err
	}
	return channel, contact, h.rates.allow("code-practice", practice, h.limits.CodesPractice)
}

// proves notes what the use of an invitation proves of the device that began a
// chat by it. Without it the chat goes on; the patient can prove it otherwise.
func (h *Hub) proves(ctx context.Context, c *Caller, i *Invitation) {
	if i == nil || i.level() == proofing.Guest {
		return
	}
	v := Verification{Practice: c.Device.Practice, Person: c.Device.Person, Device: c.Device.ID}
	if err := h.raise(ctx, c, v, proofing.Link); err != nil {
		h.log.WarnContext(ctx, "what an invitation proves is not noted", slog.String("invitation", i.ID))
	}
}

// Invitations lists those that the caller made. origin is as in [Hub.Invite].
func (h *Hub) Invitations(ctx context.Context, s *StaffCaller, origin string) (api.StaffInvitations, error) {
	if err := h.mayStaff(s, policy.Propose, s.practice()); err != nil {
		return api.StaffInvitations{}, err
	}
	all, err := h.store.InvitationsBy(ctx, s.Person.Practice, s.Person.ID, mostInvitations)
	if err != nil {
		return api.StaffInvitations{}, at("load invitations", err)
	}
	out := api.StaffInvitations{Invitations: make([]api.StaffInvitation, len(all)), Channels: []string{}}
	if origin != "" {
		out.Channels = h.channels()
	}
	for i := range all {
		out.Invitations[i] = h.invitation(&all[i], h.millis())
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
	return h.invitation(&i, h.millis()), nil
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
	return api.OpenedInvitation{Queue: i.Queue, Language: i.Language, ExpiresAt: i.ExpiresAt}, nil
}

// invited makes a new conversation one that was invited: with the staff person
// who made the link as its assignee. It is spent with the conversation.
func (h *Hub) invited(ctx context.Context, p cachedPractice, create *NewConversation, u *api.UseInvitation) (*Invitation, error) {
	if u == nil {
		return nil, nil
	}
	v := &create.Conversation
	i, err := h.store.InvitationByToken(ctx, p.ID, hashToken(u.Token))
	if err != nil {
		return nil, err
	}
	now := h.millis()
	if s := i.state(now); s != invitationOpened || i.Queue != v.Queue {
		return nil, ErrNotFound
	}
	create.Invitation = &SpentInvitation{Token: hashToken(u.Token), Holder: hashToken(u.Holder), At: now}
	staff, err := h.store.Person(ctx, p.ID, i.Staff)
	if errors.Is(err, ErrNotFound) || err == nil && (staff.DisabledAt != 0 || !h.policy.May(staff.principal(), policy.Take, h.about(v))) {
		return &i, nil // who invited may not answer any more: it waits for another
	} else if err != nil {
		return nil, err
	}
	v.assign(staff.ID)
	return &i, nil
}
