package hub

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// The hub is an external sender of its groups (RFC 9420, section 12.1.8.1): in
// a conversation's log it proposes, signed, that a device be removed whose
// person left or was disabled, or that was revoked. It can propose nothing else
// and commit nothing: the keeper commits, and every member checks both. That it
// proposes is for all to see; what remains to be done the keeper knows from
// [Hub.Work], so that a proposal that is lost with its epoch costs nothing.

const (
	// removalSecret begins the name of the key that proposals are signed with,
	// one for each practice and suite.
	removalSecret = "removal "
	// removalDevice is who sent a frame of the hub's own.
	removalDevice = "hub"
)

// removalSigner returns the key with which the hub proposes removals in a
// practice's groups.
func (h *Hub) removalSigner(ctx context.Context, practice string, id suite.ID) (*suite.SoftwareSigner, error) {
	name := removalSecret + practice + " " + id.String()
	h.removals.mu.Lock()
	defer h.removals.mu.Unlock()
	if known := h.removals.byName[name]; known != nil {
		return known, nil
	}
	s, err := suite.Lookup(id)
	if err != nil {
		return nil, err
	}
	fresh, err := s.NewSigner()
	if err != nil {
		return nil, err
	}
	made := h.event(ctx, itself(practice), audit.KeyMade, "removals").With("suite=" + id.String())
	private, err := h.store.Recording(made).Secret(ctx, name, fresh.Private())
	if err != nil {
		return nil, at("load the key of removals", err)
	}
	signer, err := s.ParseSigner(private)
	if err != nil {
		return nil, err
	}
	if h.removals.byName == nil {
		h.removals.byName = make(map[string]*suite.SoftwareSigner)
	}
	h.removals.byName[name] = signer
	return signer, nil
}

// removalKeys are the keys that were loaded. They never change.
type removalKeys struct {
	mu     sync.Mutex // guards byName
	byName map[string]*suite.SoftwareSigner
}

// proposeRemovals proposes to the members of a conversation the removal of
// every device that policy does not want there, unless that is proposed
// already. A failure is logged and no more: the keeper sees the difference.
func (h *Hub) proposeRemovals(ctx context.Context, practice, conversation string) {
	ctx = context.WithoutCancel(ctx)
	defer h.locks.lock(conversation)()
	var err error
	for range handshakeTries {
		if err = h.tryRemovals(ctx, practice, conversation); !errors.Is(err, ErrRaced) && !errors.As(err, new(*StaleEpochError)) {
			break
		}
	}
	if err != nil {
		h.log.WarnContext(ctx, "a removal could not be proposed", slog.String("conversation", conversation))
	}
}

func (h *Hub) tryRemovals(ctx context.Context, practice, conversation string) error {
	v, err := h.store.Conversation(ctx, practice, conversation)
	if err != nil {
		return err
	}
	unwanted, err := h.unwanted(ctx, &v)
	if err != nil || len(unwanted) == 0 {
		return err
	}
	p, err := h.practice(ctx, practice)
	if err != nil {
		return err
	}
	stored, err := h.store.Group(ctx, practice, conversation)
	if err != nil {
		return err
	}
	g, err := delivery.Restore(h.delivery(p), stored.State)
	if err != nil {
		return err
	}
	signer, err := h.removalSigner(ctx, practice, g.Suite().ID())
	if err != nil {
		return err
	}
	index, found := senderIndex(g, signer.Public())
	if !found {
		return nil // a group from before the hub could propose
	}
	proposed := make(map[wire.LeafIndex]bool)
	for _, pr := range g.Proposals() {
		if r, ok := pr.(*wire.Remove); ok {
			proposed[r.Removed] = true
		}
	}
	for _, m := range g.Members() {
		c, err := certificate.Parse(m.Credential.Identity)
		if err != nil || !unwanted[c.Device] || proposed[m.Leaf] {
			continue
		}
		position, err := h.proposeRemoval(ctx, &v, g, stored.Handshake, signer, index, m.Leaf, c.Device)
		if err != nil {
			return err
		}
		stored.Handshake = position
	}
	return nil
}

// proposeRemoval appends one proposal to the log, after the handshake at the
// position given, and returns its own.
func (h *Hub) proposeRemoval(ctx context.Context, v *Conversation, g *delivery.PublicGroup, after uint64, signer suite.Signer, index uint32, leaf wire.LeafIndex, device string) (uint64, error) {
	message, err := g.Propose(signer, index, &wire.Remove{Removed: leaf})
	if err != nil {
		return 0, err
	}
	checked, err := g.Check(message)
	if err != nil {
		return 0, err
	}
	if err := g.Apply(checked); err != nil {
		return 0, err
	}
	done, err := h.append(ctx, &Append{
		Practice: v.Practice, Conversation: v.ID,
		Frame: Frame{
			Kind: api.FrameProposal, Epoch: g.Epoch(), Device: removalDevice, Person: removalDevice,
			ClientID: NewID("r"), ReceivedAt: h.millis(), Payload: message,
		},
		EvenClosed: true, EvenWithdrawn: true, External: true,
		Handshake: &Handshake{After: after, State: g.Marshal(), Epoch: g.Epoch()},
	}, h.event(ctx, itself(v.Practice), audit.RemovalProposed, device).In(v.ID, v.Patient))
	return done.Position, err
}

// ValidateExternalSender accepts any: checkSenders has let none but this hub be
// named when the group began, and nothing changes it afterwards.
func (credentials) ValidateExternalSender(wire.Credential, []byte) error { return nil }

// senderIndex returns where among a group's external senders the key is.
func senderIndex(g *delivery.PublicGroup, public []byte) (uint32, bool) {
	senders, err := g.Context().Extensions.ExternalSenders()
	if err != nil {
		return 0, false
	}
	for i, s := range senders {
		if suite.Equal(s.SignatureKey, public) {
			return uint32(i), true
		}
	}
	return 0, false
}

// unwanted returns the devices in the group that should not be.
func (h *Hub) unwanted(ctx context.Context, v *Conversation) (map[string]bool, error) {
	devices := make(map[string]bool)
	for _, m := range v.Members {
		if !v.wants(m.Person) {
			devices[m.Device] = true
			continue
		}
		d, err := h.store.Device(ctx, v.Practice, m.Device)
		if err != nil {
			return nil, err
		}
		if d.RevokedAt != 0 {
			devices[m.Device] = true
		}
	}
	return devices, nil
}

// proposeAllRemovals does so wherever the practice's keeper has devices to
// remove, as when a person was disabled.
func (h *Hub) proposeAllRemovals(ctx context.Context, practice string) {
	works, err := h.store.Work(ctx, practice, maxGroupWork)
	if err != nil {
		h.log.WarnContext(ctx, "removals could not be proposed")
		return
	}
	for _, w := range works {
		if len(w.Remove) > 0 {
			h.proposeRemovals(ctx, practice, w.Conversation)
		}
	}
}

// checkSenders allows a new group no external sender but this hub.
func (h *Hub) checkSenders(ctx context.Context, p cachedPractice, g *delivery.PublicGroup) error {
	senders, err := g.Context().Extensions.ExternalSenders()
	if err != nil {
		return refused(ruleFounding, err)
	}
	if len(senders) == 0 {
		return nil
	}
	signer, err := h.removalSigner(ctx, p.ID, g.Suite().ID())
	if err != nil {
		return err
	}
	if len(senders) > 1 || !suite.Equal(senders[0].SignatureKey, signer.Public()) {
		return refused(ruleFounding, nil)
	}
	return nil
}
