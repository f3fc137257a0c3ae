package hub

import (
	"context"
	"slices"
	"time"

	"github.com/sotto-health/sotto/api"
	"github.com/sotto-health/sotto/internal/audit"
	"github.com/sotto-health/sotto/internal/certificate"
	"github.com/sotto-health/sotto/internal/policy"
	"github.com/sotto-health/sotto/mls/delivery"
	"github.com/sotto-health/sotto/mls/wire"
)

// Rules of policy about handshakes, as [HandshakeError] names them.
const (
	ruleProtocol      = "mls"                // RFC 9420 forbids it
	ruleSender        = "sender"             // not made by the calling device
	ruleOnlyKeeper    = "only-keeper"        // only the keeper adds and removes
	ruleNotWanted     = "not-wanted"         // policy does not admit who is added
	ruleWanted        = "wanted"             // policy wants who is removed
	ruleProposal      = "proposal"           // a kind of proposal that is not for chats
	ruleOtherIdentity = "identity"           // a leaf would become another device's
	ruleGroupInfo     = "group-info"         // not of the new epoch
	ruleWelcome       = "welcome"            // does not fit who is added
	ruleFounding      = "founding"           // not a group of the caller alone at epoch 0
	ruleSuite         = "suite"              // not the practice's cipher suite
	ruleKeeperMissing = "keeper-missing"     // the first commit must add the keeper
	ruleExternal      = "external-not-admit" // who joins from outside is not admitted
)

func refused(rule string, err error) error { return &HandshakeError{Rule: rule, Err: err} }

// credentials judges leaves of one practice's groups: each holds a certificate
// that the practice's authority issued for the leaf's key.
type credentials struct {
	verifier *certificate.Verifier
	now      func() time.Time
}

// ValidateCredential is called for every leaf that enters a group.
func (v credentials) ValidateCredential(c wire.Credential, signatureKey []byte) error {
	if c.Type != wire.CredentialBasic {
		return certificate.ErrMalformed
	}
	_, err := v.verifier.VerifyFor(c.Identity, signatureKey, v.now())
	return err
}

// ValidateSuccessor lets a member renew its certificate, but stay itself.
func (v credentials) ValidateSuccessor(old, renewed wire.Credential) error {
	was, err := certificate.Parse(old.Identity)
	if err != nil {
		return err
	}
	is, err := certificate.Parse(renewed.Identity)
	if err != nil {
		return err
	}
	if was.Device != is.Device || was.Person != is.Person || was.Kind != is.Kind || was.Role != is.Role {
		return certificate.ErrKey
	}
	return nil
}

func (h *Hub) delivery(p cachedPractice) delivery.Config {
	return delivery.Config{Credentials: credentials{p.verifier, h.now}, Now: h.now}
}

// A change is a checked handshake with its members' certificates.
type change struct {
	*delivery.Handshake
	sender         *certificate.Certificate
	added, removed []*certificate.Certificate
}

// check checks a message against the group by the rules of RFC 9420.
func check(g *delivery.PublicGroup, message []byte) (change, error) {
	hs, err := g.Check(message)
	if err != nil {
		return change{}, refused(ruleProtocol, err)
	}
	ch := change{Handshake: hs}
	if hs.Sender.Type == wire.SenderExternal || hs.Sender.Type == wire.SenderNewMemberProposal || hs.ReInit {
		return change{}, refused(ruleSender, nil)
	}
	if ch.sender, err = certificate.Parse(hs.Member.Credential.Identity); err != nil {
		return change{}, refused(ruleSender, err)
	}
	if ch.added, err = identities(hs.Added); err != nil {
		return change{}, err
	}
	ch.removed, err = identities(hs.Removed)
	return ch, err
}

func identities(ms []delivery.Member) ([]*certificate.Certificate, error) {
	var out []*certificate.Certificate
	for _, m := range ms {
		c, err := certificate.Parse(m.Credential.Identity)
		if err != nil {
			return nil, refused(ruleOtherIdentity, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func (ch change) adds(device string) bool {
	return slices.ContainsFunc(ch.added, func(a *certificate.Certificate) bool { return a.Device == device })
}

// checkHandshake checks a handshake at the group's epoch: first the rules of
// RFC 9420, then those of policy. It returns what the store has to change.
func (h *Hub) checkHandshake(ctx context.Context, c *Caller, v *Conversation, stored Group, s *api.SendFrame) (*Handshake, error) {
	p, err := h.practice(ctx, v.Practice)
	if err != nil {
		return nil, err
	}
	g, err := delivery.Restore(h.delivery(p), stored.State)
	if err != nil {
		return nil, at("restore group", err)
	}
	ch, err := check(g, s.Payload)
	if err != nil {
		return nil, err
	}
	if ch.sender.Device != c.Device.ID {
		return nil, refused(ruleSender, nil)
	}
	if err := h.checkProposals(c, v, ch); err != nil {
		return nil, err
	}
	hs := &Handshake{After: stored.Handshake}
	if s.Kind == api.FrameCommit {
		if err := h.checkMembership(ctx, c, v, ch); err != nil {
			return nil, err
		}
		if err := ch.CheckGroupInfo(s.GroupInfo); err != nil {
			return nil, refused(ruleGroupInfo, err)
		}
		hs.Info = s.GroupInfo
		if err := hs.add(v.ID, ch, s.Welcome); err != nil {
			return nil, err
		}
		for _, r := range ch.removed {
			if !ch.adds(r.Device) {
				hs.Removed = append(hs.Removed, r.Device)
			}
		}
	}
	if err := g.Apply(ch.Handshake); err != nil {
		return nil, refused(ruleProtocol, err)
	}
	hs.State, hs.Epoch = g.Marshal(), g.Epoch()
	return hs, nil
}

// add fills in who joins, and their welcomes. Who joins from outside needs
// none.
func (hs *Handshake) add(conversation string, ch change, welcome []byte) error {
	for _, a := range ch.added {
		hs.Added = append(hs.Added, Member{Device: a.Device, Person: a.Person})
		if !ch.External {
			hs.Welcomes = append(hs.Welcomes, Welcome{ID: NewID("w"), Conversation: conversation, Device: a.Device, Payload: welcome})
		}
	}
	if len(hs.Welcomes) == 0 {
		if len(welcome) != 0 {
			return refused(ruleWelcome, nil)
		}
		return nil
	}
	if err := ch.CheckWelcome(welcome); err != nil {
		return refused(ruleWelcome, err)
	}
	return nil
}

// checkProposals allows the kinds of proposal that a chat needs, to whom policy
// allows them: the keeper adds and removes, members renew their own keys, and
// one who joins from outside says so. All else would change what the group is.
func (h *Hub) checkProposals(c *Caller, v *Conversation, ch change) error {
	about := h.about(v)
	if !ch.External && h.may(c, policy.Renew, about) != nil {
		return refused(ruleSender, nil)
	}
	for _, p := range ch.Proposals {
		ok := false
		switch p.(type) {
		case *wire.Add:
			ok = !ch.External && h.may(c, policy.Add, about) == nil
		case *wire.Remove: // from outside it is of one's own former place
			ok = ch.External || h.may(c, policy.Remove, about) == nil
		case *wire.Update:
			ok = !ch.External
		case *wire.ExternalInit:
			ok = ch.External && h.may(c, policy.Rejoin, about) == nil
		}
		if !ok {
			return refused(ruleProposal, nil)
		}
	}
	return nil
}

// checkMembership holds a commit's adds and removes against policy.
func (h *Hub) checkMembership(ctx context.Context, c *Caller, v *Conversation, ch change) error {
	if ch.External {
		return h.checkExternal(c, v, ch)
	}
	if !c.Keeper() {
		if len(ch.added)+len(ch.removed) != 0 {
			return refused(ruleOnlyKeeper, nil)
		}
		return nil
	}
	for _, a := range ch.added {
		d, err := h.store.Device(ctx, v.Practice, a.Device)
		if err != nil {
			return refused(ruleNotWanted, err)
		}
		if !v.wants(a.Person) || d.RevokedAt != 0 || d.Person != a.Person || !h.admits(v, &d) {
			return refused(ruleNotWanted, nil)
		}
	}
	for _, r := range ch.removed {
		if ch.adds(r.Device) || !v.wants(r.Person) {
			continue
		}
		d, err := h.store.Device(ctx, v.Practice, r.Device)
		if err == nil && d.RevokedAt == 0 {
			return refused(ruleWanted, nil)
		}
	}
	return nil
}

// admits reports whether policy lets a device's person into the group, with the
// role that the device's certificate says.
func (h *Hub) admits(v *Conversation, d *Device) bool {
	p := Person{ID: d.Person, Practice: d.Practice, Kind: d.Kind, Role: d.Role}
	return h.policy.May(p.principal(), policy.Admit, h.about(v))
}

// checkExternal admits a device that joins by itself: one that is in the group
// and has lost its state, or, while no keeper is there to add it, one of a
// person whom policy wants.
func (h *Hub) checkExternal(c *Caller, v *Conversation, ch change) error {
	for _, a := range ch.added {
		if a.Device != c.Device.ID {
			return refused(ruleExternal, nil)
		}
	}
	for _, r := range ch.removed {
		if r.Device != c.Device.ID {
			return refused(ruleExternal, nil)
		}
	}
	if !h.mayJoinOutside(c, v) {
		return refused(ruleExternal, nil)
	}
	return nil
}

// mayJoinOutside reports whether the caller may have the GroupInfo, which is
// to be able to join (RFC 9420, section 12.4.3.2).
func (h *Hub) mayJoinOutside(c *Caller, v *Conversation) bool {
	if c.Device.Certificate == nil || !v.wants(c.Device.Person) || h.may(c, policy.Rejoin, h.about(v)) != nil {
		return false
	}
	if v.WithdrawnAt != 0 && !c.Keeper() { // who has yet to take the others out
		return false
	}
	return v.has(c.Device.ID) || c.Keeper() || !h.keeperOnline(v)
}

// keeperOnline reports whether a keeper's device of the group is connected.
func (h *Hub) keeperOnline(v *Conversation) bool {
	return slices.ContainsFunc(v.Members, func(m Member) bool { return h.board.keeper(m.Device) || h.peers.keeper(m.Person) })
}

// GroupInfo returns what is needed to join from outside, to whom policy admits.
func (h *Hub) GroupInfo(ctx context.Context, c *Caller, conversation string) (api.GroupInfo, error) {
	v, err := h.conversation(ctx, c, conversation)
	if err != nil {
		return api.GroupInfo{}, err
	}
	if !h.mayJoinOutside(c, &v) {
		return api.GroupInfo{}, ErrForbidden
	}
	if err := h.store.Record(ctx, h.event(ctx, c, audit.GroupInfoRead, "").In(v.ID, v.Patient)); err != nil {
		return api.GroupInfo{}, at("record a read", err)
	}
	g, err := h.store.Group(ctx, v.Practice, v.ID)
	if err != nil {
		return api.GroupInfo{}, at("load group", err)
	}
	return api.GroupInfo{GroupInfo: g.Info, Epoch: g.Epoch, Head: v.Head}, nil
}
