package delivery

import (
	"bytes"
	"fmt"

	"github.com/sotto-health/sotto/mls/internal/epoch"
	"github.com/sotto-health/sotto/mls/internal/rule"
	"github.com/sotto-health/sotto/mls/suite"
	"github.com/sotto-health/sotto/mls/wire"
)

// A Kind says what a [Handshake] is.
type Kind int

// The kinds of handshake.
const (
	Proposal Kind = iota + 1
	Commit
)

// A Handshake is a message that was checked and found to be one that honest
// members accept. What it says has been verified.
type Handshake struct {
	Kind   Kind
	Epoch  uint64 // in which it was sent
	Sender wire.Sender
	// Member is who sent it: a member, or somebody who proposes or makes itself
	// one. It is empty if Sender is an external sender.
	Member Member
	// External reports an external commit: its sender joins by it.
	External bool
	// Proposals are the proposal, or those committed, in order.
	Proposals []wire.Proposal
	// Added, Removed and Updated are what a commit makes of the roster. The
	// newcomer of an external commit is among those added. Updated are members
	// whose leaf changes, the committer too if it sent a path.
	Added, Removed, Updated []Member
	// KeyPackages are the references of the key packages that a commit uses up.
	KeyPackages [][]byte
	// ReInit says that a commit ends the group in favour of another.
	ReInit bool
	// AuthenticatedData is what the sender put there, signed but not encrypted.
	AuthenticatedData []byte

	base    *epoch.State
	content *wire.AuthenticatedContent
	next    *epoch.State // after a commit
}

// Check checks a handshake, an MLS message, against the present epoch: its
// sender, its signature, its proposals, the tree they make, and its path (RFC
// 9420, sections 6, 7 and 12). It changes nothing.
func (g *PublicGroup) Check(message []byte) (*Handshake, error) {
	m, err := wire.ParseMessage(message)
	if err != nil {
		return nil, err
	}
	if m.Public == nil {
		return nil, ErrNotPublic
	}
	s, a := g.state, &m.Public.AuthenticatedContent
	if err := s.Authenticate(a); err != nil {
		return nil, err
	}
	if a.Content.Sender.Type == wire.SenderMember && len(m.Public.MembershipTag) != s.Suite.HashSize() {
		return nil, rule.Broken("6.2-1", "membership tag of %d bytes", len(m.Public.MembershipTag))
	}
	h := &Handshake{
		Epoch: a.Content.Epoch, Sender: a.Content.Sender, AuthenticatedData: a.Content.AuthenticatedData,
		base: s, content: a,
	}
	if a.Content.Type == wire.ContentCommit {
		err = h.checkCommit(g.config.checks())
	} else {
		err = h.checkProposal(g.config.checks())
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Handshake) checkProposal(k epoch.Checks) error {
	if _, err := h.base.CheckProposal(k, h.content); err != nil {
		return err
	}
	p := h.content.Content.Proposal
	h.Kind, h.Proposals = Proposal, []wire.Proposal{p}
	switch h.Sender.Type {
	case wire.SenderMember:
		h.Member = member(h.Sender.Leaf, h.base.Tree.Leaf(h.Sender.Leaf))
	case wire.SenderNewMemberProposal:
		leaf := p.(*wire.Add).KeyPackage.Leaf // or it would not have been authentic
		h.Member = Member{Credential: leaf.Credential, SignatureKey: leaf.SignatureKey}
	}
	return nil
}

func (h *Handshake) checkCommit(k epoch.Checks) error {
	c, err := h.base.Stage(k, h.content)
	if err != nil {
		return err
	}
	h.Kind, h.External, h.ReInit = Commit, c.External, c.ReInit != nil
	for _, p := range c.Proposals {
		h.Proposals = append(h.Proposals, p.Proposal)
	}
	h.Added, h.Removed = members(c.AddedMembers()), members(c.Removed)
	for _, i := range c.Updated {
		h.Updated = append(h.Updated, member(i, c.Tree.Leaf(i)))
	}
	h.Member = member(c.Committer, c.Tree.Leaf(c.Committer))
	if !c.External && h.content.Content.Commit.Path != nil {
		h.Updated = append(h.Updated, h.Member)
	}
	for _, kp := range c.Packages {
		h.KeyPackages = append(h.KeyPackages, kp.Ref(h.base.Suite))
	}
	h.next = c.Next(h.content)
	return nil
}

// CheckGroupInfo checks that groupInfo, an MLS message, tells the epoch that the
// commit h begins. It is an error if h is no commit.
func (h *Handshake) CheckGroupInfo(groupInfo []byte) error {
	if h.next == nil {
		return fmt.Errorf("%w: a proposal begins no epoch", ErrGroupInfo)
	}
	return checkGroupInfo(h.next, groupInfo)
}

// CheckWelcome checks that welcome, an MLS message, is for exactly the key
// packages that the commit h uses up. What it says to them is sealed.
func (h *Handshake) CheckWelcome(welcome []byte) error {
	m, err := wire.ParseMessage(welcome)
	if err != nil {
		return err
	}
	if m.Welcome == nil {
		return fmt.Errorf("%w: not a welcome", ErrMalformed)
	}
	if m.Welcome.Suite != h.base.Suite.ID() || len(m.Welcome.Secrets) != len(h.KeyPackages) {
		return ErrWelcome
	}
	left := h.KeyPackages
	for _, s := range m.Welcome.Secrets {
		i := indexOf(left, s.NewMember)
		if i < 0 {
			return ErrWelcome
		}
		left = append(left[:i:i], left[i+1:]...)
	}
	return nil
}

func indexOf(list [][]byte, b []byte) int {
	for i, x := range list {
		if bytes.Equal(x, b) {
			return i
		}
	}
	return -1
}

// Apply makes h part of the group: a commit begins a new epoch, a proposal can
// be committed from now on. If the group has moved on since h was checked it
// returns [ErrStaleHandshake], and nothing has changed.
func (g *PublicGroup) Apply(h *Handshake) error {
	if h.base != g.state {
		return ErrStaleHandshake
	}
	if h.Kind == Proposal {
		return g.state.Keep(h.content)
	}
	g.state = h.next
	return nil
}

// Propose returns a message by which the external sender with the given index
// and signature key proposes p to the members (RFC 9420, section 12.1.8.1). It
// is for the caller to send it, and to Check and Apply it here.
func (g *PublicGroup) Propose(signer suite.Signer, index uint32, p wire.Proposal) ([]byte, error) {
	a := wire.AuthenticatedContent{Format: wire.FormatPublic, Content: wire.FramedContent{
		GroupID: g.ID(), Epoch: g.Epoch(), Sender: wire.Sender{Type: wire.SenderExternal, Index: index},
		Type: wire.ContentProposal, Proposal: p,
	}}
	if err := a.Sign(g.state.Suite, signer, nil); err != nil {
		return nil, err
	}
	if err := g.state.Authenticate(&a); err != nil {
		return nil, err
	}
	return (&wire.Message{Public: &wire.PublicMessage{AuthenticatedContent: a}}).Marshal(), nil
}
